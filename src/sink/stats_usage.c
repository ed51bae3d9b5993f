/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sink/stats_usage.h"
#include "util/macro.h"

/* What records and samples tell of together; the network has an account of its own. */
#define COUNTED (~(unsigned int)(PEVENT_KNOWN_SAMPLE | PEVENT_KNOWN_NETWORK))

/* Of these, known or not, the ones whose values did not come from the records of all threads. */
static unsigned int estimated_counts(const struct pevent_usage *u)
{
	if (!(u->known & COUNTED))
		return 0;
	if (u->incomplete)
		return COUNTED;
	if (u->origin == PEVENT_FROM_TASKSTATS)
		return 0;
	/* Nothing, and off by nothing: kernel threads, and whoever slept. */
	if (u->known & PEVENT_KNOWN_CPU && !u->cpu_ns && !u->cpu_error_ns)
		return COUNTED & ~(unsigned int)PEVENT_KNOWN_CPU;
	return COUNTED;
}

static unsigned int estimated(const struct pevent_usage *u)
{
	bool network = u->known & PEVENT_KNOWN_NETWORK &&
		       (u->network.incomplete || u->network.origin == PEVENT_FROM_INFERRED);

	return estimated_counts(u) | (network ? PEVENT_KNOWN_NETWORK : 0);
}

bool sample_has_state(const struct pevent_sample *s)
{
	return (s->state >= 'A' && s->state <= 'Z') || (s->state >= 'a' && s->state <= 'z');
}

enum usage_quality usage_quality(const struct pevent_usage *u)
{
	if (!(u->known & COUNTED))
		return USAGE_UNKNOWN;
	return u->known & PEVENT_KNOWN_CPU && !estimated_counts(u) ? USAGE_COMPLETE :
								     USAGE_ESTIMATED;
}

bool usage_is_estimate(const struct pevent_usage *u, unsigned int group)
{
	if (group == PEVENT_KNOWN_CPU && u->cpu_error_ns > u->cpu_ns / 10)
		return true;
	return estimated(u) & group;
}

bool usage_traffic_is_estimate(const struct pevent_usage *u)
{
	return usage_is_estimate(u, PEVENT_KNOWN_NETWORK) ||
	       (u->known & PEVENT_KNOWN_NETWORK && u->network.estimated);
}

void usage_sum_add(struct usage_sum *s, const struct pevent_usage *u)
{
	unsigned int known = u->known;

	s->processes++;
	s->known |= known;
	s->partial |= ~known | estimated(u);
	if (known & PEVENT_KNOWN_CPU) {
		s->cpu_processes++;
		s->cpu_ns += u->cpu_ns;
		s->cpu_error_ns += u->cpu_error_ns;
	}
	if (known & PEVENT_KNOWN_CPU_SPLIT) {
		s->split_cpu_ns += u->user_ns + u->system_ns;
		s->user_ns += u->user_ns;
		s->system_ns += u->system_ns;
	}
	if (known & PEVENT_KNOWN_PEAK)
		s->peak_rss = MAX(s->peak_rss, u->peak_rss);
	if (known & PEVENT_KNOWN_IO) {
		s->read_bytes += u->read_bytes;
		s->write_bytes += u->write_bytes;
	}
	if (known & PEVENT_KNOWN_FAULTS) {
		s->minor_faults += u->minor_faults;
		s->major_faults += u->major_faults;
	}
	if (known & PEVENT_KNOWN_NETWORK) {
		s->tx_bytes += u->network.tx.bytes;
		s->rx_bytes += u->network.rx.bytes;
		s->traffic_estimated |= u->network.estimated;
		s->connections += u->network.connections;
		s->retransmits += u->network.retransmits;
	}
}

void usage_sum_merge(struct usage_sum *s, const struct usage_sum *other)
{
	s->processes += other->processes;
	s->cpu_processes += other->cpu_processes;
	s->known |= other->known;
	s->partial |= other->partial;
	s->cpu_ns += other->cpu_ns;
	s->cpu_error_ns += other->cpu_error_ns;
	s->split_cpu_ns += other->split_cpu_ns;
	s->user_ns += other->user_ns;
	s->system_ns += other->system_ns;
	s->peak_rss = MAX(s->peak_rss, other->peak_rss);
	s->read_bytes += other->read_bytes;
	s->write_bytes += other->write_bytes;
	s->minor_faults += other->minor_faults;
	s->major_faults += other->major_faults;
	s->tx_bytes += other->tx_bytes;
	s->rx_bytes += other->rx_bytes;
	s->traffic_estimated |= other->traffic_estimated;
	s->connections += other->connections;
	s->retransmits += other->retransmits;
}

bool usage_sum_is_estimate(const struct usage_sum *s, unsigned int group)
{
	if (group == PEVENT_KNOWN_CPU && s->cpu_error_ns > s->cpu_ns / 10)
		return true;
	return s->partial & group;
}

bool usage_sum_traffic_is_estimate(const struct usage_sum *s)
{
	return s->traffic_estimated || usage_sum_is_estimate(s, PEVENT_KNOWN_NETWORK);
}

bool usage_sum_has_split(const struct usage_sum *s)
{
	return s->known & PEVENT_KNOWN_CPU_SPLIT && s->split_cpu_ns > s->cpu_ns / 2;
}
