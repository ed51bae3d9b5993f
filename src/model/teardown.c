/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "teardown.h"

#include "util/macro.h"

/*
 * The first guess, until enough of a class have been seen. 300 and 500 MiB of anonymous memory
 * take 32 to 53 us for each, a compiler's 20 MiB up to 60, by the hour, on a virtual machine.
 */
#define FIRST_NS (60 * NSEC_PER_USEC)
#define FIRST_NS_PER_MIB (30 * NSEC_PER_USEC)
#define FIRST_MIB 100		/* what is beyond takes up to twice as much */
#define ENOUGH 16
#define SLOWER 4	/* at most, than the first guess; */
#define FASTER 8

/*
 * A quantile: a step up for each that took longer, one down for each that did not. Most of those
 * that waited, on a machine where up to two thirds do, are above it.
 */
#define STEPS 256
#define FIRST_STEPS 32		/* longer ones, at first */
#define STEP_UP 3
#define STEP_DOWN 7

/* Below 96 KiB, below 128, 192, 256, ... */
static unsigned int class_of(uint64_t peak_rss)
{
	uint64_t units = MAX(peak_rss >> 15, UINT64_C(2));
	unsigned int log2 = 63 - (unsigned int)__builtin_clzll(units);
	unsigned int half = units >> (log2 - 1) & 1;

	return MIN(2 * (log2 - 1) + half, TEARDOWN_CLASSES - 1u);
}

static uint64_t first_guess(uint64_t peak_rss)
{
	uint64_t mib = peak_rss >> 20;

	return FIRST_NS + (mib + u64_less(mib, FIRST_MIB)) * FIRST_NS_PER_MIB;
}

static void learn(struct teardown_class *c, uint64_t first, uint64_t gap_ns)
{
	const uint64_t step = c->typical_ns / (c->seen < ENOUGH ? FIRST_STEPS : STEPS);

	if (gap_ns > c->typical_ns)
		c->typical_ns = MIN(c->typical_ns + STEP_UP * step, SLOWER * first);
	else
		c->typical_ns = MAX(c->typical_ns - STEP_DOWN * step, first / FASTER);
	c->seen = MIN(c->seen + 1, (uint32_t)ENOUGH);
}

uint64_t teardown_work(struct teardown *t, bool executed, uint64_t peak_rss, uint64_t gap_ns)
{
	struct teardown_class *c = (executed ? t->programs : t->copies) + class_of(peak_rss);
	const uint64_t first = first_guess(peak_rss);
	uint64_t work = MIN(gap_ns, first);

	/* Its FORK came late: by more than all this. */
	if (gap_ns == 0)
		return 0;
	if (c->seen == 0)
		c->typical_ns = first;
	if (c->seen == ENOUGH)
		work = gap_ns <= c->typical_ns + c->typical_ns / 2 ? gap_ns : c->typical_ns;
	learn(c, first, gap_ns);
	return work;
}
