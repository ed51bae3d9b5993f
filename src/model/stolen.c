/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stolen.h"

#include "util/macro.h"

#define UNIT_NS (10 * NSEC_PER_MSEC)	/* one of them may have been gathered over any time */
#define PASSED_OVER 100			/* this part of the time that CPUs would have run */
#define EXCESS_MAX_NS (4 * UNIT_NS)
#define DOUBT_NS NSEC_PER_SEC		/* after more was stolen */

void stolen_add(struct stolen *s, const struct machine_stolen *sums)
{
	uint64_t stolen = sums->stolen_ns - s->last.stolen_ns;
	uint64_t passed = (sums->busy_ns - s->last.busy_ns + stolen) / PASSED_OVER;
	bool goes_on = sums->time_ns < s->now.end_ns;

	if (!s->last.time_ns || sums->stolen_ns < s->last.stolen_ns ||
	    sums->busy_ns < s->last.busy_ns || sums->time_ns < s->last.time_ns) {
		*s = (struct stolen){ .last = *sums };
		return;
	}
	s->last = *sums;
	s->excess_ns = u64_less(s->excess_ns + MIN(stolen, NSEC_PER_SEC), passed);
	s->excess_ns = MIN(s->excess_ns, EXCESS_MAX_NS);
	if (s->excess_ns <= UNIT_NS)
		return;
	if (!goes_on) {
		s->before.begin_ns = s->now.begin_ns;
		s->before.end_ns = s->now.end_ns;
		s->now.begin_ns = sums->time_ns;
	}
	s->now.end_ns = sums->time_ns + DOUBT_NS;
}

bool stolen_at(const struct stolen *s, uint64_t end_ns)
{
	return (end_ns >= s->now.begin_ns && end_ns < s->now.end_ns) ||
	       (end_ns >= s->before.begin_ns && end_ns < s->before.end_ns);
}
