/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stolen.h"

#include "util/macro.h"

#define SHARE 100		/* a CPU's time by this is passed over */
#define EXCESS_MAX_NS (2 * NSEC_PER_SEC / SHARE)	/* for each CPU: remembered so long */

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void stolen_add(struct stolen *s, uint64_t total_ns, uint64_t time_ns, uint32_t cpus)
{
	const uint64_t share = MAX(cpus, 1u);
	uint64_t passed;

	if (!s->time_ns || total_ns < s->total_ns || time_ns < s->time_ns) {
		*s = (struct stolen){ .total_ns = total_ns, .time_ns = MAX(time_ns, UINT64_C(1)) };
		return;
	}
	passed = (time_ns - s->time_ns) / SHARE * share;
	s->excess_ns = MIN(less(s->excess_ns, passed) + MIN(total_ns - s->total_ns, NSEC_PER_SEC),
			   EXCESS_MAX_NS * share);
	s->total_ns = total_ns;
	s->time_ns = time_ns;
	/* A single unit may have been gathered over any time. */
	if (s->excess_ns > STOLEN_UNIT_NS)
		s->until_ns = time_ns + (s->excess_ns - STOLEN_UNIT_NS) * SHARE / share;
}
