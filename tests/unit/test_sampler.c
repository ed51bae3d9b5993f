/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the looks at processes are shared out; the CPU time that they take is made up here. */
#include <errno.h>

#include "loop.h"
#include "model_rig.h"

#define MS UINT64_C(1000000)

static struct pevent context;
static uint64_t cpu_ns, cost_ns;
static unsigned int looks, last_looks;

/* In place of that of util/clock.c. */
uint64_t clock_thread_cpu(void)
{
	return cpu_ns;
}

static int look(struct source *s, int32_t pid, bool last, const void **ret, size_t *ret_len)
{
	static struct proc_read record;

	(void)s;
	record = (struct proc_read){ .read_ns = SECOND, .pid = pid };
	for (unsigned int i = 0; i < PROC_FILE_COUNT; i++)
		record.result[i] = -ENODATA;
	*ret = &record;
	*ret_len = sizeof(record);
	cpu_ns += cost_ns;
	looks++;
	last_looks += last;
	return 0;
}

static const struct source_ops ops = { .sample = look };
static struct source source = { .ops = &ops };

/* That many processes, each look at one of which takes that long. */
static void begin_sampling(unsigned int processes, uint64_t cost, uint64_t sample_ns)
{
	context = (struct pevent){ .source = &source };
	CHECK_EQ(model_init(&context.model, 1000, 100), 0);
	model_scan_begin(&context.model, 1, 2, true);
	for (unsigned int i = 0; i < processes; i++) {
		struct proc_facts f = PROC_FACTS(10 + (int32_t)i, "x", "x");

		model_scan_found(&context.model, &f);
	}
	model_scan_end(&context.model);
	cost_ns = cost;
	looks = last_looks = 0;
	sampler_init(&context.sampler, sample_ns, SECOND);
}

static void end_sampling(void)
{
	model_finish(&context.model);
}

/* One tick; how many looks there were. */
static unsigned int step(uint64_t now_ns)
{
	unsigned int before = looks;

	sampler_step(&context, now_ns);
	return looks - before;
}

TEST(off)
{
	begin_sampling(3, MS, PEVENT_SAMPLE_OFF);
	CHECK_EQ(step(1000 * SECOND), 0);
	CHECK(sampler_wait(&context.sampler, 1000 * SECOND) == UINT64_MAX);
	end_sampling();
}

TEST(everybody_once_a_round)
{
	begin_sampling(100, 1000, 0);
	CHECK_EQ(step(SECOND), 0);
	CHECK_EQ(sampler_wait(&context.sampler, SECOND), SECOND);
	CHECK_EQ(step(2 * SECOND), 100);
	CHECK(!context.sampler.in_round);
	CHECK_EQ(step(2 * SECOND + MS), 0);
	CHECK_EQ(step(3 * SECOND), 100);
	end_sampling();
}

/* However dear a look is, the loop waits for one of them beyond a slice. */
TEST(a_tick_gives_it_a_slice)
{
	begin_sampling(10, 5 * MS, 0);
	for (unsigned int i = 0; i < 10; i++) {
		CHECK_EQ(step(2 * SECOND + i * 10 * MS), 1);
		CHECK(context.sampler.in_round);
		CHECK_EQ(sampler_wait(&context.sampler, 2 * SECOND + i * 10 * MS), 0);
	}
	CHECK_EQ(step(2 * SECOND + 100 * MS), 0);
	CHECK(!context.sampler.in_round);
	end_sampling();
	begin_sampling(10, MS / 4, 0);
	CHECK_EQ(step(2 * SECOND), 4);
	CHECK_EQ(step(2 * SECOND + 5 * MS), 4);
	CHECK_EQ(step(2 * SECOND + 10 * MS), 2);
	CHECK(!context.sampler.in_round);
	end_sampling();
}

/* 50 ms a round: every 5 s of itself; as often as every 200 ms where that is asked for. */
TEST(its_share_of_a_cpu)
{
	static const struct {
		uint64_t asked, interval;
	} cases[] = {
		{ 0, 5 * SECOND }, { 100 * MS, 200 * MS }, { 7 * SECOND, 7 * SECOND },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t begin = 20 * SECOND, now = begin;

		begin_sampling(10, 5 * MS, cases[i].asked);
		do {
			step(now);
			now += MS;
		} while (context.sampler.in_round);
		CHECK_EQ(looks, 10);
		CHECK_EQ(step(begin + cases[i].interval - 1), 0);
		CHECK_EQ(step(begin + cases[i].interval), 1);
		end_sampling();
	}
}

TEST(the_last_looks_end_in_time)
{
	begin_sampling(10, MS, 0);
	sampler_finish(&context);
	CHECK_EQ(looks, 10);
	CHECK_EQ(last_looks, 10);
	end_sampling();
	begin_sampling(10, 300 * MS, 0);
	sampler_finish(&context);
	CHECK_EQ(looks, 4);
	end_sampling();
}

/* Also in the middle of a round: that one's are too old. */
TEST(the_last_looks_are_at_everybody)
{
	begin_sampling(10, 5 * MS, 0);
	CHECK_EQ(step(2 * SECOND), 1);
	sampler_finish(&context);
	CHECK_EQ(last_looks, 10);
	end_sampling();
}

TEST_MAIN()
