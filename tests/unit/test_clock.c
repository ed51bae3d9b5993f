/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "test.h"
#include "util/clock.h"
#include "util/macro.h"

TEST(virtual_time)
{
	struct clock c = {
		.is_virtual = true,
		.now_ns = 42,
		.realtime_offset_ns = -7,
		.boottime_offset_ns = INT64_MAX,
	};

	CHECK_EQ(clock_now(&c), 42);
	CHECK_EQ(clock_realtime_offset(&c), -7);
	CHECK_EQ(clock_boottime_offset(&c), INT64_MAX);
	c.now_ns = UINT64_MAX;
	CHECK_EQ(clock_now(&c), UINT64_MAX);
}

TEST(live_time)
{
	struct clock c = { 0 };
	uint64_t last = clock_now(&c);
	struct timespec ts;
	uint64_t now;

	for (int i = 0; i < 1000; i++) {
		now = clock_now(&c);
		CHECK(now >= last);
		last = now;
	}
	CHECK_EQ(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	now = (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
	CHECK(now >= last && now - last < 10 * NSEC_PER_SEC);
}

TEST(live_offsets)
{
	struct clock c = { 0 };
	int64_t wall = (int64_t)clock_now(&c) + clock_realtime_offset(&c);
	int64_t seconds = wall / (int64_t)NSEC_PER_SEC - (int64_t)time(NULL);

	CHECK(seconds > -10 && seconds < 10);
	/* Readings a few hundred nanoseconds apart; suspended time is never negative. */
	CHECK(clock_boottime_offset(&c) > -(int64_t)NSEC_PER_MSEC);
}

TEST_MAIN()
