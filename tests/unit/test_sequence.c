/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/sequence.h"
#include "test.h"

TEST(finish_zeroed)
{
	struct sequence s = { 0 };

	sequence_finish(&s);
	CHECK_EQ(sequence_step(&s, 0, 5), 0);
	sequence_finish(&s);
	sequence_finish(&s);
}

TEST(gaps)
{
	struct sequence s = { 0 };

	CHECK_EQ(sequence_step(&s, 0, 1000), 0);	/* whatever came before was not ours */
	CHECK_EQ(sequence_step(&s, 0, 1001), 0);
	CHECK_EQ(sequence_step(&s, 0, 1003), 1);
	CHECK_EQ(sequence_step(&s, 0, 2004), 1000);
	CHECK_EQ(sequence_step(&s, 0, 2005), 0);
	CHECK_EQ(s.lost, 1001);
	sequence_finish(&s);
}

TEST(each_cpu_counts_alone)
{
	struct sequence s = { 0 };

	for (uint32_t cpu = 0; cpu < 100; cpu++)
		CHECK_EQ(sequence_step(&s, cpu, cpu * 7), 0);
	for (uint32_t cpu = 100; cpu-- > 0;)
		CHECK_EQ(sequence_step(&s, cpu, cpu * 7 + 1 + cpu), cpu);
	CHECK_EQ(s.lost, 99 * 100 / 2);
	sequence_finish(&s);
}

TEST(first_is_zero)
{
	struct sequence s = { 0 };

	CHECK_EQ(sequence_step(&s, 3, 0), 0);
	CHECK_EQ(sequence_step(&s, 3, 2), 1);
	sequence_finish(&s);
}

TEST(wrap)
{
	struct sequence s = { 0 };

	CHECK_EQ(sequence_step(&s, 0, UINT32_MAX - 1), 0);
	CHECK_EQ(sequence_step(&s, 0, UINT32_MAX), 0);
	CHECK_EQ(sequence_step(&s, 0, 0), 0);
	CHECK_EQ(sequence_step(&s, 0, 1), 0);
	CHECK_EQ(s.lost, 0);
	CHECK_EQ(sequence_step(&s, 1, UINT32_MAX), 0);
	CHECK_EQ(sequence_step(&s, 1, 2), 2);
	CHECK_EQ(s.lost, 2);
	sequence_finish(&s);
}

/* Kernels before 4.8 deliver neighbours in the wrong order now and then. */
TEST(backward_step_is_no_gap)
{
	struct sequence s = { 0 };

	CHECK_EQ(sequence_step(&s, 0, 10), 0);
	CHECK_EQ(sequence_step(&s, 0, 12), 1);
	CHECK_EQ(sequence_step(&s, 0, 11), 0);
	CHECK_EQ(sequence_step(&s, 0, 13), 0);
	CHECK_EQ(s.lost, 0);	/* late is not lost */
	CHECK_EQ(sequence_step(&s, 0, 13), 0);	/* the same once more */
	CHECK_EQ(sequence_step(&s, 0, 14), 0);
	sequence_finish(&s);
}

TEST(largest_gap)
{
	struct sequence s = { 0 };

	CHECK_EQ(sequence_step(&s, 0, 0), 0);
	CHECK_EQ(sequence_step(&s, 0, 0x80000000), 0x7fffffff);
	CHECK_EQ(s.lost, 0x7fffffff);
	sequence_finish(&s);
}

TEST(cpu_beyond_the_limit)
{
	struct sequence s = { 0 };

	CHECK_EQ(sequence_step(&s, SEQUENCE_CPUS_MAX, 1), 0);
	CHECK_EQ(sequence_step(&s, SEQUENCE_CPUS_MAX, 100), 0);
	CHECK_EQ(sequence_step(&s, UINT32_MAX, 1), 0);
	CHECK_EQ(sequence_step(&s, UINT32_MAX, 100), 0);
	CHECK_EQ(s.lost, 0);
	CHECK_EQ(s.n_cpus, 0);
	CHECK_EQ(sequence_step(&s, SEQUENCE_CPUS_MAX - 1, 1), 0);
	CHECK_EQ(sequence_step(&s, SEQUENCE_CPUS_MAX - 1, 100), 98);
	CHECK(s.n_cpus <= SEQUENCE_CPUS_MAX);
	sequence_finish(&s);
}

TEST_MAIN()
