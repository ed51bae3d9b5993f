/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "clock.h"
#include "macro.h"

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/*
 * Another clock minus CLOCK_MONOTONIC, read between two readings of the latter. The narrowest of
 * three brackets, because this thread can be preempted inside one.
 */
static int64_t offset_of(clockid_t id)
{
	uint64_t narrowest = UINT64_MAX;
	int64_t offset = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t before = read_ns(CLOCK_MONOTONIC);
		uint64_t other = read_ns(id);
		uint64_t width = read_ns(CLOCK_MONOTONIC) - before;

		if (width < narrowest) {
			narrowest = width;
			offset = (int64_t)(other - (before + width / 2));
		}
	}
	return offset;
}

uint64_t clock_now(const struct clock *c)
{
	return c->is_virtual ? c->now_ns : read_ns(CLOCK_MONOTONIC);
}

int64_t clock_realtime_offset(const struct clock *c)
{
	return c->is_virtual ? c->realtime_offset_ns : offset_of(CLOCK_REALTIME);
}

int64_t clock_boottime_offset(const struct clock *c)
{
	return c->is_virtual ? c->boottime_offset_ns : offset_of(CLOCK_BOOTTIME);
}

uint64_t clock_thread_cpu(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* The coarse clock is advanced by the tick. */
uint64_t clock_tick(void)
{
	struct timespec t;

	clock_getres(CLOCK_MONOTONIC_COARSE, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}
