/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/records.h"
#include "test.h"
#include "usage_rig.h"

static struct records r;

static void add(int32_t tid, uint64_t run_ns, uint64_t drained_ns)
{
	struct taskstats_record record = usage_record(tid, tid, true);

	record.run_ns = run_ns;
	CHECK_EQ(records_add(&r, &record, drained_ns), 0);
}

/* run_ns of the record taken; 0: none. */
static uint64_t take(int32_t tid)
{
	struct taskstats_record record;

	return records_take(&r, tid, tid, UINT64_MAX, &record) ? record.run_ns : 0;
}

TEST(taken_once)
{
	CHECK_EQ(records_init(&r), 0);
	CHECK_EQ(take(5), 0);
	add(5, 1, 10);
	CHECK_EQ(take(4), 0);
	CHECK_EQ(take(5), 1);
	CHECK_EQ(take(5), 0);
	records_finish(&r);
}

/* A number that is used twice before its first EXIT is read. */
TEST(oldest_first)
{
	CHECK_EQ(records_init(&r), 0);
	add(5, 1, 10);
	add(6, 9, 10);
	add(5, 2, 10);
	add(5, 3, 11);
	CHECK_EQ(take(5), 1);
	CHECK_EQ(take(5), 2);
	CHECK_EQ(take(5), 3);
	CHECK_EQ(take(6), 9);
	records_finish(&r);
}

TEST(earlier_lives_are_forgotten)
{
	CHECK_EQ(records_init(&r), 0);
	add(5, 1, 10);
	add(5, 2, 20);
	add(5, 3, 30);
	add(6, 9, 10);
	records_forget(&r, 5, 30);
	records_forget(&r, 7, 30);
	CHECK_EQ(take(5), 3);
	CHECK_EQ(take(5), 0);
	CHECK_EQ(take(6), 9);
	records_finish(&r);
}

/* Its EXIT was lost, and the number has a new owner. */
TEST(not_of_this_life)
{
	struct taskstats_record record;

	CHECK_EQ(records_init(&r), 0);
	add(5, 1, 10);
	CHECK(!records_take(&r, 5, 4, UINT64_MAX, &record));
	record = usage_record(5, 5, true);
	record.elapsed_ns = 902;
	CHECK_EQ(records_add(&r, &record, 11), 0);
	add(5, 2, 12);
	CHECK(records_take(&r, 5, 5, 900, &record));
	CHECK_EQ(record.run_ns, 1);
	CHECK(records_take(&r, 5, 5, 900, &record));
	CHECK_EQ(record.run_ns, 2);
	CHECK_EQ(take(5), 0);		/* what was older went with it */
	records_finish(&r);
}

TEST(one_number_does_not_fill_the_table)
{
	CHECK_EQ(records_init(&r), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		add(5, i, i);
	CHECK_EQ(r.evicted, 1000 - RECORDS_PER_TID);
	CHECK_EQ(take(5), 1000 - RECORDS_PER_TID + 1);
	records_finish(&r);
}

TEST(oldest_gives_way_at_the_limit)
{
	CHECK_EQ(records_init(&r), 0);
	for (int32_t i = 0; i < (int32_t)RECORDS_MAX + 3; i++)
		add(1 + i, (uint64_t)i + 1, 10);
	CHECK_EQ(r.evicted, 3);
	CHECK_EQ(take(3), 0);
	CHECK_EQ(take(4), 4);
	CHECK_EQ(take(RECORDS_MAX + 3), RECORDS_MAX + 3);
	records_finish(&r);
	records_finish(&(struct records){ 0 });
}

TEST_MAIN()
