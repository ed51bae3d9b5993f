/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket of the kernel's exit accounting: one record for each thread that ends
 * (Documentation/accounting/taskstats.rst).
 */
#ifndef SOURCE_TASKSTATS_H
#define SOURCE_TASKSTATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/log.h"
#include "wire/taskstats.h"

struct nl_sock;

struct taskstats {
	struct nl_sock *sock;	/* NULL: not open */
	int fd;
	uint16_t family;	/* number of the generic netlink family */
	uint32_t buffer;	/* bytes the kernel granted */
	uint8_t *slots;		/* where messages are read to */
	uint64_t received;
	uint64_t foreign, malformed;	/* messages that were dropped */
	char cpus[128];		/* whose exits are told: all that are possible */
};

/* Each datagram from the kernel, decoded and as it came. */
typedef void (*taskstats_fn)(void *data, const struct taskstats_record *record, const void *raw,
			     size_t len);

/*
 * Opens and registers for every CPU that there can be, so that none is missed when it comes online.
 * -EPERM, -EINVAL (not the first namespaces), -ENOENT (kernel option), ...
 */
int taskstats_open(struct taskstats *t, uint32_t buffer);
/* That error, with its cure, as a warning: the run goes on without. */
void taskstats_tell(int error, const struct log *log);
void taskstats_close(struct taskstats *t);	/* accepts zeroed */
/* Reads all that waits; how many messages, or -errno (never -EAGAIN). */
int taskstats_drain(struct taskstats *t, taskstats_fn fn, void *data);

#endif
