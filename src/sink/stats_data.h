/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_STATS_DATA_H
#define SINK_STATS_DATA_H

/* Between stats.c, which counts, and stats_text.c and stats_json.c, which say what was counted. */

#include "pevent/pevent.h"
#include "sink/histogram.h"
#include "util/hash.h"

#define RATE_SLOTS 100		/* of 10 ms: one second */
#define SIGNAL_COUNT 65

struct program {
	struct hash_node node;
	uint64_t events[PEVENT_TYPE_COUNT];
	uint64_t total;
	struct histogram lifetimes;
	size_t name_len;
	char name[];		/* raw bytes */
};

/* The best second, in steps of 10 ms. */
struct rate {
	uint32_t slots[RATE_SLOTS];
	uint64_t slot;		/* number of the newest */
	uint64_t sum, peak;
};

struct stats {
	struct hash programs;
	struct program *other, *all;
	struct program *last;	/* most events in a row are one program's */
	uint64_t other_events;	/* whose program found no room in the table */
	uint64_t first_ns, last_ns, sequence;
	int64_t realtime_offset_ns;
	uint64_t exit_codes[256];
	uint64_t exit_signals[SIGNAL_COUNT];
	uint64_t cores;			/* exits with a core dumped */
	uint64_t exits_unseen;		/* processes found gone */
	uint64_t execs_without_args;
	uint64_t unnamed;		/* events of processes about which nothing is known */
	uint64_t exits_before_run;	/* of processes older than the run */
	uint64_t thread_ends;
	struct rate forks, execs, exits;
};

/* All rows with events, most first, "(other)" behind equals; *ret_n of them. NULL: no memory. */
struct program **stats_sorted(struct stats *s, size_t *ret_n);

#endif
