/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "model/reorder.h"
#include "test.h"

static void add(struct reorder *r, uint64_t time_ns, uint32_t cpu, uint32_t seq)
{
	struct cn_event ev = { .time_ns = time_ns, .cpu = cpu, .seq = seq };

	CHECK_EQ(reorder_add(r, &ev), 0);
}

static void expect(struct reorder *r, uint64_t horizon_ns, uint64_t time_ns, uint32_t seq)
{
	const struct cn_event *ev = reorder_peek(r, horizon_ns);

	CHECK(ev);
	CHECK_EQ(ev->time_ns, time_ns);
	CHECK_EQ(ev->seq, seq);
	CHECK(reorder_peek(r, horizon_ns) == ev);	/* until it is popped */
	reorder_pop(r);
}

TEST(empty)
{
	struct reorder r = { 0 };

	reorder_finish(&r);
	CHECK_EQ(reorder_init(&r), 0);
	CHECK(!reorder_peek(&r, UINT64_MAX));
	CHECK_EQ(reorder_count(&r), 0);
	reorder_finish(&r);
	reorder_finish(&r);
}

TEST(horizon)
{
	struct reorder r;

	CHECK_EQ(reorder_init(&r), 0);
	add(&r, 100, 0, 1);
	add(&r, 200, 0, 2);
	CHECK(!reorder_peek(&r, 99));
	expect(&r, 100, 100, 1);
	CHECK(!reorder_peek(&r, 199));
	CHECK_EQ(reorder_count(&r), 1);
	expect(&r, UINT64_MAX, 200, 2);
	CHECK_EQ(reorder_count(&r), 0);
	reorder_finish(&r);
}

/* As a drain brings them: each CPU in order, one after the other a little late. */
TEST(disorder_across_cpus)
{
	static const struct {
		uint64_t time;
		uint32_t cpu, seq;
	} in[] = {
		{ 1000, 0, 1 }, { 1200, 0, 2 }, { 1100, 1, 3 }, { 1300, 0, 4 }, { 900, 2, 5 },
		{ 1250, 1, 6 }, { 1300, 1, 7 }, { 950, 2, 8 },
	};
	static const uint32_t out[] = { 5, 8, 1, 3, 2, 6, 4, 7 };
	struct reorder r;

	CHECK_EQ(reorder_init(&r), 0);
	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		add(&r, in[i].time, in[i].cpu, in[i].seq);
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++)
		expect(&r, UINT64_MAX, in[out[i] - 1].time, out[i]);
	reorder_finish(&r);
}

/* One time: in order of arrival, so that a CPU's own order stands. */
TEST(equal_times_stay_in_order)
{
	struct reorder r;

	CHECK_EQ(reorder_init(&r), 0);
	for (uint32_t i = 0; i < 10; i++)
		add(&r, 5, 0, i);
	add(&r, 4, 1, 10);
	expect(&r, 5, 4, 10);
	for (uint32_t i = 0; i < 10; i++)
		expect(&r, 5, 5, i);
	reorder_finish(&r);
}

/* The ring's places wrap while it grows; nothing changes its order. */
TEST(growth)
{
	struct reorder r;
	size_t first;

	CHECK_EQ(reorder_init(&r), 0);
	first = r.size;
	for (uint32_t i = 0; i < first - 10; i++)
		add(&r, i, 0, i);
	for (uint32_t i = 0; i < first - 20; i++)
		expect(&r, UINT64_MAX, i, i);
	for (uint32_t i = (uint32_t)first - 10; i < 5 * first; i++)
		add(&r, i ^ 1, 0, i ^ 1);
	CHECK(r.size > first);
	CHECK_EQ(r.size & (r.size - 1), 0);
	for (uint32_t i = (uint32_t)first - 20; i < 5 * first; i++)
		expect(&r, UINT64_MAX, i, i);
	CHECK_EQ(reorder_count(&r), 0);
	reorder_finish(&r);
}

TEST(limit)
{
	struct cn_event ev = { .time_ns = 1 };
	struct reorder r;

	CHECK_EQ(reorder_init(&r), 0);
	for (uint32_t i = 0; i < REORDER_MAX; i++)
		add(&r, i, 0, i);
	CHECK_EQ(reorder_add(&r, &ev), -ENOBUFS);
	CHECK_EQ(reorder_count(&r), REORDER_MAX);
	expect(&r, UINT64_MAX, 0, 0);
	add(&r, 0, 0, 7);	/* the oldest of a full ring: everything moves */
	expect(&r, UINT64_MAX, 0, 7);
	for (uint32_t i = 1; i < REORDER_MAX; i++)
		expect(&r, UINT64_MAX, i, i);
	reorder_finish(&r);
}

TEST_MAIN()
