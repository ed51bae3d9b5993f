/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_STATS_USAGE_H
#define SINK_STATS_USAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "pevent/pevent.h"

/* How well it is known what a process has used, the network aside. */
enum usage_quality {
	USAGE_COMPLETE,		/* the kernel counted all of it */
	USAGE_ESTIMATED,	/* as last sampled, without some thread's record, or in part */
	USAGE_UNKNOWN,
	USAGE_QUALITY_COUNT
};

/* What several processes have used together. Zeroed it is empty. */
struct usage_sum {
	uint64_t processes;
	uint64_t cpu_processes;	/* those whose CPU time is known */
	unsigned int known;	/* enum pevent_known: of at least one process */
	unsigned int partial;	/* enum pevent_known: not of all, or estimated */
	uint64_t cpu_ns, cpu_error_ns;
	uint64_t split_cpu_ns, user_ns, system_ns;	/* of those where the division is known */
	uint64_t peak_rss;	/* of the largest */
	uint64_t read_bytes, write_bytes;
	uint64_t minor_faults, major_faults;
	uint64_t tx_bytes, rx_bytes;	/* of IP packets */
	bool traffic_estimated;		/* the same, of some process */
	uint64_t connections, retransmits;	/* of TCP */
};

/* Is its state one that there can be? A recording may say anything. */
bool sample_has_state(const struct pevent_sample *s);
enum usage_quality usage_quality(const struct pevent_usage *u);
/* Is a known group of one process more a bound or a guess than a count? CPU: or off by a tenth. */
bool usage_is_estimate(const struct pevent_usage *u, unsigned int group);
/* Of the network, its packets and their bytes, which can be less certain than the rest. */
bool usage_traffic_is_estimate(const struct pevent_usage *u);
void usage_sum_add(struct usage_sum *s, const struct pevent_usage *u);	/* one process */
void usage_sum_merge(struct usage_sum *s, const struct usage_sum *other);

/* The same of a sum. */
bool usage_sum_is_estimate(const struct usage_sum *s, unsigned int group);
bool usage_sum_traffic_is_estimate(const struct usage_sum *s);
/* Is the division into user and system time known, for more than half of the CPU time? */
bool usage_sum_has_split(const struct usage_sum *s);

#endif
