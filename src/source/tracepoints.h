/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket tracepoints as the network needs them: state changes of all, payload of UDP alone. Of
 * that there can be more than is good: records would cost the programs more than the network does.
 * Then the processes that cause most of it are left out, one by one; where there is no such
 * process, all are for a second.
 */
#ifndef SOURCE_TRACEPOINTS_H
#define SOURCE_TRACEPOINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "flooders.h"
#include "network.h"
#include "perf.h"
#include "util/clock.h"

/* Whose datagrams are told of. */
struct tracepoints_change {
	int32_t tgid;		/* 0: everybody's */
	bool on;
	uint64_t time_ns;
};

struct tracepoints {
	struct perf perf;
	const struct clock *clock;
	bool is_open;
	bool has_udp;		/* the kernel has them, and they are filtered */
	bool udp;		/* on, in order of time, as it was told */
	struct flooders flooders;
	bool is_stale;		/* the filter is not that of the flooders */
	struct tracepoints_change changes[FLOODERS_KNOWN + 2];	/* wait to be told, by time */
	size_t n_changes;
	uint64_t settle_ns;	/* when the events before go; 0: they have gone */
	uint64_t window_ns;	/* since when records are counted */
	uint64_t in_window, lost_in_window;
	uint64_t off_until_ns;	/* 0: they are on */
	uint64_t review_ns;	/* when flooders were last looked at */
	uint64_t until_ns;	/* up to there all records were given */
	uint64_t lost_records;	/* sum of LOST records, */
	uint64_t lost_told;	/* of what was told, */
	uint64_t lost_ns;	/* when the kernel was last asked */
};

#define TRACEPOINTS_UDP_MAX 50000	/* records a second: some 2 % of a CPU */

/* Before the first drain, if only to say that there are none. */
void tracepoints_init(struct tracepoints *t, const struct clock *clock);
/* udp: payload, too. -errno as perf_open(), not logged. -ENOENT: no state changes. May fork. */
int tracepoints_open(struct tracepoints *t, bool udp);
/* What helps against its error, in brackets and led by a blank; "": nobody knows. */
const char *tracepoints_cure(int error);
void tracepoints_close(struct tracepoints *t);	/* accepts zeroed */
/* fns: record, udp, udp_process, lost; now_ns: when the drain began. */
void tracepoints_drain(struct tracepoints *t, uint64_t now_ns, const struct network_fns *fns,
		       void *data);

#endif
