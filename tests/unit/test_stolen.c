/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/stolen.h"
#include "test.h"

#define MSEC UINT64_C(1000000)
#define SECOND (1000 * MSEC)

static struct stolen s;

/* What has been read so far is of `busy` and `stolen` milliseconds. */
static void add(uint64_t time_ns, uint64_t busy, uint64_t stolen)
{
	const struct machine_stolen sums = { time_ns, time_ns - MSEC, 700 * SECOND + busy * MSEC,
					     500 * SECOND + stolen * MSEC };

	stolen_add(&s, &sums);
}

static void begin(void)
{
	s = (struct stolen){ 0 };
	add(SECOND, 0, 0);
}

TEST(less_than_a_hundredth)
{
	begin();
	CHECK(!stolen_at(&s, SECOND));
	/* Half a per cent of two CPUs' time, in single units or many. */
	for (uint64_t i = 1; i < 100; i++) {
		add((i + 1) * SECOND, i * 2000, i * 10);
		CHECK(!stolen_at(&s, (i + 1) * SECOND));
	}
	begin();
	add(100 * SECOND, 200000, 1000);
	CHECK(!stolen_at(&s, 100 * SECOND));
}

/* Nobody steals from CPUs that rest: it is the share of what ran that counts. */
TEST(more_than_a_hundredth)
{
	begin();
	add(60 * SECOND, 1000, 30);
	CHECK(!stolen_at(&s, 60 * SECOND - MSEC - 1));
	CHECK(stolen_at(&s, 60 * SECOND - MSEC));
	CHECK(stolen_at(&s, 61 * SECOND - 1));
	CHECK(!stolen_at(&s, 61 * SECOND));
	/* Of many CPUs, or over a long time. */
	begin();
	add(60 * SECOND, 800000, 200000);
	CHECK(stolen_at(&s, 60 * SECOND));
}

TEST(it_goes_on)
{
	begin();
	add(2 * SECOND, 100, 30);
	add(2 * SECOND + 500 * MSEC, 200, 40);
	CHECK(!stolen_at(&s, 2 * SECOND - MSEC - 1));
	CHECK(stolen_at(&s, 2 * SECOND));
	CHECK(stolen_at(&s, 3 * SECOND + 499 * MSEC));
	/* Another time: who ended in the first is still not known of. */
	add(10 * SECOND, 300, 60);
	CHECK(stolen_at(&s, 3 * SECOND));
	CHECK(!stolen_at(&s, 5 * SECOND));
	CHECK(stolen_at(&s, 10 * SECOND));
	/* It is forgotten, however much it was. */
	add(11 * SECOND, 400, 90000);
	add(20 * SECOND, 9400, 90010);
	CHECK(!stolen_at(&s, 20 * SECOND));
}

TEST(counts_that_run_backwards)
{
	static const struct machine_stolen odd[] = {
		{ UINT64_MAX, 0, UINT64_MAX, UINT64_MAX }, { 0, UINT64_MAX, 0, 0 },
		{ UINT64_MAX, 1, 0, UINT64_MAX }, { UINT64_MAX, 0, UINT64_MAX, 0 },
	};

	begin();
	add(2 * SECOND, 100, 100);
	CHECK(stolen_at(&s, 2 * SECOND));
	/* They begin anew; what was known is known. */
	add(2 * SECOND + 100 * MSEC, 200, 50);
	CHECK(stolen_at(&s, 2 * SECOND));
	add(4 * SECOND, 300, 55);
	CHECK(!stolen_at(&s, 4 * SECOND));
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		stolen_add(&s, &odd[i]);
}

TEST_MAIN()
