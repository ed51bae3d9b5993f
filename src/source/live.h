/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running kernel as a source: connector, exec readers, /proc, and what records them. */
#ifndef SOURCE_LIVE_H
#define SOURCE_LIVE_H

#include "connector.h"
#include "procfs.h"
#include "source.h"

struct live_options {
	struct connector_options connector;
	unsigned int proc_files;	/* PROC_FILE_MASK() that exec readers and scans fetch */
	unsigned int sample_files;	/* that samples, and the first scan, fetch as well */
	uint32_t args_max;
	bool exec_readers;
	bool usage;			/* exit records are wanted, */
	bool delays;			/* with why threads waited */
	bool network;			/* packets are counted: */
	struct network_options network_options;
	const char *record_dir;		/* NULL: no recording */
};

/* Subscribes: fn gets what arrives meanwhile. Errors are logged with their cure. */
int live_new(struct source **ret, const struct live_options *options, const struct clock *clock,
	     const struct log *log, void (*fn)(void *, const struct cn_event *), void *data);

#endif
