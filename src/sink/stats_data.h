/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_STATS_DATA_H
#define SINK_STATS_DATA_H

/* Between stats.c, which counts, and stats_*text.c and stats_*json.c, which say what it counted. */

#include "pevent/pevent.h"
#include "sink/histogram.h"
#include "sink/stats.h"
#include "sink/stats_network.h"
#include "sink/stats_table.h"
#include "sink/stats_top.h"

#define RATE_SLOTS 100		/* of 10 ms: one second */
#define SIGNAL_COUNT 65

struct program {
	struct stats_row row;	/* raw bytes of its name; what its processes used */
	uint64_t events[PEVENT_TYPE_COUNT];
	uint64_t total;
	struct histogram lifetimes;
};

/* The best second, in steps of 10 ms. */
struct rate {
	uint32_t slots[RATE_SLOTS];
	uint64_t slot;		/* number of the newest */
	uint64_t sum, peak;
};

enum { BY_PARENT, BY_USER, BY_CGROUP, GROUPING_COUNT };
enum { TOP_CPU, TOP_PEAK_RSS, TOP_IO, TOP_COUNT };
enum { LOG2_LIFETIME, LOG2_RUN_QUEUE, LOG2_BLOCK_IO, LOG2_COUNT };

struct stats {
	struct stats_table programs;	/* of struct program */
	struct stats_table groups[GROUPING_COUNT];
	struct stats_table remotes;	/* of struct remote */
	uint64_t remote_tx, remote_rx;	/* bytes: all of its rows together */
	uint64_t unlisted_connections;	/* in no row of remotes, for want of room in an event */
	struct program *all;
	struct stats_top top[TOP_COUNT];
	struct log2_counts log2[LOG2_COUNT];
	struct usage_sum short_lived;	/* processes that lived under a second */
	uint64_t qualities[USAGE_QUALITY_COUNT];	/* exits: what is known of their usage */
	uint64_t survivors;
	uint64_t other_events;	/* whose program found no room in the table */
	uint64_t first_ns, last_ns, sequence;
	int64_t realtime_offset_ns;
	uint64_t exit_codes[256];
	uint64_t exit_signals[SIGNAL_COUNT];
	uint64_t cores;			/* exits with a core dumped */
	uint64_t oom_kills;		/* exits by the kernel's choice, for want of memory */
	uint64_t exits_unseen;		/* processes found gone */
	uint64_t execs_without_args;
	uint64_t unnamed;		/* events of processes about which nothing is known */
	uint64_t exits_before_run;	/* of processes older than the run */
	uint64_t thread_ends;
	struct rate forks, execs, exits;
};

/* Is the name of this row known, so that it can be a group of its own? */
bool stats_is_known(const struct stats_row *row);
/* Is there more to a grouping than that nothing is known? */
bool stats_has_groups(const struct stats *s, int grouping);
/* Is a row of remotes less than certain, or may it lack something? */
bool stats_remote_is_estimate(const struct stats *s, const struct remote *r);
/* Bytes of processes that are in no row of remotes. False: there are none. */
bool stats_get_unlisted(const struct stats *s, uint64_t *ret_tx, uint64_t *ret_rx);
/* Most events first. */
stats_order stats_by_events;
/* The user that a row of BY_USER is about; UINT32_MAX: none. */
uint32_t stats_row_user(const struct stats_row *row);

/* stats_text.c: a cell of a table with the blank behind it, the beginning of a line below it. */
void stats_put_heading(struct strbuf *b, const char *s);
void stats_put_count(struct strbuf *b, uint64_t v);
void stats_put_span(struct strbuf *b, uint64_t ns, bool known, bool estimate);
void stats_put_size(struct strbuf *b, uint64_t bytes, bool known, bool estimate);
void stats_put_label(struct strbuf *b, const char *label);
/* "12 " and, before all but the first, ", ". */
void stats_put_item(struct strbuf *b, bool *first, uint64_t n);
/* "12 events (connector), 3 exit records (taskstats)"; `except`: but not of this source. */
void stats_put_losses(struct strbuf *b, bool *first, const struct pevent_stats *account,
		      enum pevent_source except);
/* part / whole, rounded: "47.8", right in the width; 0 of 0 is 0.0. */
void stats_put_percent(struct strbuf *b, uint64_t part, uint64_t whole, int width);

/* stats_usage_text.c: a value in a line; tables of resources, consumers, histograms; lines. */
void stats_say_span(struct strbuf *b, uint64_t ns, bool estimate);
void stats_say_size(struct strbuf *b, uint64_t bytes, bool estimate);
void stats_usage_tables(struct stats *s, const struct stats_report *r, struct strbuf *b);
void stats_usage_lines(const struct stats *s, const struct stats_report *r, struct strbuf *b);

/* stats_network_text.c: remote ends, and what is in no row; the line of the totals. */
void stats_network_tables(struct stats *s, struct strbuf *b);
void stats_network_line(const struct pevent_stats *account, struct strbuf *b);
/* stats_network_json.c: "network" and "remotes" of the summary. */
void stats_network_json(struct stats *s, const struct stats_report *r, struct strbuf *b);

/* stats_usage_json.c: members of the summary. */
void stats_usage_json(struct stats *s, const struct stats_report *r, struct strbuf *b);
/* "usage":{...}, of no processes: nothing. */
void stats_put_usage_json(struct strbuf *b, const struct usage_sum *u);
/* ], in the place of the last element's comma. */
void stats_close_list(struct strbuf *b);

#endif
