/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stolen.h"

#include "util/macro.h"

#define UNIT_NS (10 * NSEC_PER_MSEC)	/* one of them may have been gathered over any time */
#define PASSED_OVER 100			/* this part of the time that CPUs would have run */
#define EXCESS_MAX_NS (4 * UNIT_NS)
#define DOUBT_NS NSEC_PER_SEC		/* after more was stolen */

void stolen_add(struct stolen *s, const struct machine_stolen *sums)
{
	const struct machine_stolen last = s->last;
	uint64_t stolen = sums->stolen_ns - last.stolen_ns;
	uint64_t passed = (sums->busy_ns - last.busy_ns + stolen) / PASSED_OVER;

	s->last = *sums;
	if (!last.time_ns || sums->stolen_ns < last.stolen_ns || sums->busy_ns < last.busy_ns ||
	    sums->time_ns < last.time_ns) {
		s->excess_ns = 0;
		return;
	}
	s->excess_ns = u64_less(s->excess_ns, u64_less(passed, stolen)) +
		       MIN(u64_less(stolen, passed), EXCESS_MAX_NS);
	s->excess_ns = MIN(s->excess_ns, EXCESS_MAX_NS);
	if (s->excess_ns <= UNIT_NS)
		return;
	if (sums->since_ns > s->now.end_ns) {
		s->before = s->now;
		s->now.begin_ns = sums->since_ns;
	}
	s->now.end_ns = sums->time_ns + DOUBT_NS;
}

static bool is_in(const struct stolen_span *span, uint64_t time_ns)
{
	return time_ns >= span->begin_ns && time_ns < span->end_ns;
}

bool stolen_at(const struct stolen *s, uint64_t end_ns)
{
	return is_in(&s->now, end_ns) || is_in(&s->before, end_ns);
}
