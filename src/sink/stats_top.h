/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_STATS_TOP_H
#define SINK_STATS_TOP_H

#include <stddef.h>

#include "pevent/pevent.h"
#include "sink/stats_table.h"
#include "util/strbuf.h"

#define STATS_TOP_MAX 10

struct stats_consumer {
	uint64_t value;
	pid_t pid;
	bool estimate;
	bool alive;	/* at the end of the run */
	const struct stats_row *program;
	struct strbuf command;	/* brief, escaped */
};

/* The processes with the highest values, highest first; of equals the first ones. Zeroed: empty. */
struct stats_top {
	struct stats_consumer consumers[STATS_TOP_MAX];
	size_t n;
};

void stats_top_finish(struct stats_top *t);
/* event: an EXIT or SNAPSHOT. 0 is no value to be listed. program must outlive the list. */
void stats_top_add(struct stats_top *t, uint64_t value, bool estimate,
		   const struct stats_row *program, const struct pevent_event *event);

/* The command line as shell words, cut off after its first 128 bytes. */
void stats_put_command(struct strbuf *b, const struct pevent_process *p);

#endif
