/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/stolen.h"
#include "test.h"

#define MSEC UINT64_C(1000000)
#define SECOND (1000 * MSEC)

TEST(a_single_unit_says_nothing)
{
	struct stolen s = { 0 };

	stolen_add(&s, 500 * SECOND, SECOND, 2);
	CHECK_EQ(s.until_ns, 0);
	/* One in each second, on two CPUs: half a per cent. */
	for (uint64_t i = 1; i < 100; i++)
		stolen_add(&s, 500 * SECOND + i * 10 * MSEC, SECOND + i * SECOND, 2);
	CHECK_EQ(s.until_ns, 0);
}

TEST(more_than_a_hundredth)
{
	struct stolen s = { 0 };

	stolen_add(&s, 500 * SECOND, SECOND, 2);
	stolen_add(&s, 500 * SECOND + 30 * MSEC, 2 * SECOND, 2);
	/* 20 ms too many: at 20 a second. */
	CHECK_EQ(s.until_ns, 3 * SECOND);
	stolen_add(&s, 500 * SECOND + 60 * MSEC, 2 * SECOND + 100 * MSEC, 2);
	CHECK(s.until_ns > 3 * SECOND);
	/* It is forgotten at last, however much it was. */
	stolen_add(&s, 900 * SECOND, 2 * SECOND + 200 * MSEC, 2);
	CHECK(s.until_ns <= 5 * SECOND);
	stolen_add(&s, 900 * SECOND + 10 * MSEC, 20 * SECOND, 2);
	CHECK(s.until_ns <= 5 * SECOND);
}

TEST(counts_that_run_backwards)
{
	struct stolen s = { 0 };

	stolen_add(&s, 500 * SECOND, 10 * SECOND, 1);
	stolen_add(&s, 400 * SECOND, 11 * SECOND, 1);
	stolen_add(&s, 500 * SECOND, 9 * SECOND, 1);
	CHECK_EQ(s.until_ns, 0);
	stolen_add(&s, UINT64_MAX, UINT64_MAX, 0);
	stolen_add(&s, 0, 0, UINT32_MAX);
	stolen_add(&s, UINT64_MAX, UINT64_MAX, UINT32_MAX);
	CHECK(s.excess_ns <= SECOND);
}

TEST_MAIN()
