/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/teardown.h"
#include "test.h"

#define USEC UINT64_C(1000)
#define MSEC (1000 * USEC)
#define MIB (UINT64_C(1) << 20)

static struct teardown t;

static void begin(void)
{
	t = (struct teardown){ 0 };
}

TEST(the_first_ones_go_by_their_size)
{
	begin();
	CHECK_EQ(teardown_work(&t, true, 0, 40 * USEC), 40 * USEC);
	CHECK_EQ(teardown_work(&t, true, 0, 5 * MSEC), 60 * USEC);
	CHECK_EQ(teardown_work(&t, true, 20 * MIB, 5 * MSEC), 660 * USEC);
	/* Large ones take up to twice as much for each MiB. */
	CHECK_EQ(teardown_work(&t, true, 300 * MIB, 100 * MSEC), 15060 * USEC);
}

/* On a slow machine; one in three waits for a CPU, for 3 ms. */
TEST(others_of_the_size_tell)
{
	uint64_t work;

	begin();
	for (unsigned int i = 0; i < 300; i++) {
		uint64_t wait = i % 3 == 2 ? 3 * MSEC : 0;

		(void)teardown_work(&t, true, 22 * MIB, (1200 + i % 7 * 40) * USEC + wait);
	}
	work = teardown_work(&t, true, 22 * MIB, 1400 * USEC);
	CHECK_EQ(work, 1400 * USEC);
	work = teardown_work(&t, true, 22 * MIB, 4400 * USEC);
	CHECK(work > 1150 * USEC && work < 1450 * USEC);
	/* Others' size says nothing, nor do copies of parents of the same. */
	CHECK_EQ(teardown_work(&t, true, 2 * MIB, 4400 * USEC), 120 * USEC);
	CHECK_EQ(teardown_work(&t, false, 22 * MIB, 4400 * USEC), 720 * USEC);
	CHECK_EQ(teardown_work(&t, true, 23 * MIB, 1400 * USEC), 1400 * USEC);
}

/* Whatever all took: it is within some bounds of the first guess. */
TEST(bounds)
{
	uint64_t work;

	begin();
	for (unsigned int i = 0; i < 2000; i++)
		(void)teardown_work(&t, true, 2 * MIB, 1);
	work = teardown_work(&t, true, 2 * MIB, MSEC);
	CHECK(work >= 15 * USEC && work < 20 * USEC);
	for (unsigned int i = 0; i < 2000; i++)
		(void)teardown_work(&t, true, 2 * MIB, 50 * MSEC);
	work = teardown_work(&t, true, 2 * MIB, 50 * MSEC);
	CHECK_EQ(work, 480 * USEC);
	CHECK_EQ(teardown_work(&t, true, 2 * MIB, 0), 0);
	(void)teardown_work(&t, true, UINT64_MAX, UINT64_MAX);
}

TEST_MAIN()
