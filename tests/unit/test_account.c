/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/account.h"
#include "model/teardown.h"
#include "test.h"
#include "usage_rig.h"

#define USEC UINT64_C(1000)
#define MSEC UINT64_C(1000000)
#define TICK_NS (4 * MSEC)

static struct teardown others;
static const struct account_units units = { .ns_per_tick = 10 * MSEC, .tick_ns = TICK_NS };

/* Alive, or as it ended when it was last looked at. */
static struct pevent_usage get(const struct account *a, bool alive)
{
	uint64_t end_ns = a->sample ? a->sample->pub.time_ns : 1;
	struct pevent_usage u;

	account_get(a, alive ? 0 : end_ns, false, &units, &u);
	return u;
}

/* One thread's record into an account of its own. */
static struct pevent_usage one(struct taskstats_record r)
{
	struct account a = { 0 };

	account_add(&a, &r, &units);
	return get(&a, false);
}

TEST(never_slept_lived_on_its_cpu)
{
	struct taskstats_record r = usage_record(5, 5, true);
	struct pevent_usage u;

	r.elapsed_ns = 135 * USEC;
	r.run_delay_ns = 15 * USEC;
	r.run_delay_count = 2;
	u = one(r);
	CHECK_EQ(u.cpu_ns, 120 * USEC);
	CHECK(u.cpu_error_ns < 5 * USEC);
	CHECK(u.known & PEVENT_KNOWN_CPU);
	CHECK_EQ(u.origin, PEVENT_FROM_TASKSTATS);
	CHECK(!u.incomplete);
}

TEST(slept_since_the_last_tick)
{
	struct taskstats_record r = usage_record(5, 5, true);
	struct pevent_usage u;

	r.elapsed_ns = 900 * MSEC;
	r.run_delay_ns = 1 * MSEC;
	r.run_delay_count = 9;
	r.voluntary_switches = 8;
	r.run_ns = 70 * MSEC;
	u = one(r);
	CHECK_EQ(u.cpu_ns, 70 * MSEC);
	CHECK_EQ(u.cpu_error_ns, TICK_NS);
	/* No more than the time it was awake at all. */
	r.elapsed_ns = 72 * MSEC;
	u = one(r);
	CHECK_EQ(u.cpu_error_ns, 1 * MSEC);
}

TEST(no_run_queue_statistics)
{
	struct taskstats_record r = usage_record(5, 5, true);
	struct pevent_usage u;

	r.elapsed_ns = 50 * MSEC;
	r.run_ns = 20 * MSEC;
	u = one(r);
	CHECK_EQ(u.cpu_ns, 20 * MSEC);
	CHECK_EQ(u.cpu_error_ns, TICK_NS);
	CHECK(!(u.known & PEVENT_KNOWN_RUN_QUEUE));
}

TEST(counter_beyond_the_time_it_lived)
{
	struct taskstats_record r = usage_record(5, 5, true);

	r.elapsed_ns = 10 * MSEC;
	r.run_delay_ns = 11 * MSEC;
	r.run_delay_count = 1;
	r.run_ns = 3 * MSEC;
	CHECK_EQ(one(r).cpu_ns, 3 * MSEC);
}

TEST(threads_are_summed_and_memory_is_not)
{
	struct account a = { 0 };
	struct pevent_usage u;

	for (int i = 0; i < 4; i++) {
		struct taskstats_record r = usage_record(5, 5 + i, i == 3);

		r.voluntary_switches = 1;
		r.run_ns = 20 * MSEC;
		r.peak_rss = 1 << 20;
		r.write_bytes = 4096;
		r.involuntary_switches = 2;
		r.minor_faults = 100;
		account_add(&a, &r, &units);
	}
	u = get(&a, false);
	CHECK_EQ(u.cpu_ns, 80 * MSEC);
	CHECK_EQ(u.peak_rss, 1 << 20);
	CHECK_EQ(u.write_bytes, 4 * 4096);
	CHECK_EQ(u.voluntary_switches, 4);
	CHECK_EQ(u.involuntary_switches, 8);
	CHECK_EQ(u.minor_faults, 400);
	CHECK(u.known & PEVENT_KNOWN_IO && u.known & PEVENT_KNOWN_PEAK);
}

TEST(teardown_counts_within_the_bound)
{
	struct taskstats_record r = usage_record(5, 5, true);
	struct account a = { 0 };
	struct pevent_usage u;

	r.elapsed_ns = r.group_elapsed_ns = 400 * MSEC;
	r.run_ns = 390 * MSEC;
	r.voluntary_switches = 1;
	r.peak_rss = UINT64_C(300) << 20;
	account_add(&a, &r, &units);
	account_add_teardown(&a, &r, 1000 * MSEC, 1408 * MSEC, true, &others);
	u = get(&a, false);
	CHECK_EQ(u.cpu_ns, 398 * MSEC);
	CHECK_EQ(u.cpu_error_ns, 12 * MSEC);
	/* A FORK that came late takes nothing away, but nobody knows how late it was. */
	account_add_teardown(&a, &r, 1000 * MSEC, 1399 * MSEC, true, &others);
	CHECK_EQ(get(&a, false).cpu_ns, 398 * MSEC);
	CHECK(get(&a, false).cpu_error_ns >= 13 * MSEC);
}

/* It waited for a CPU, for nobody takes that long to release 2 MiB. */
TEST(teardown_of_a_busy_machine)
{
	struct taskstats_record r = usage_record(5, 5, true);
	struct account a = { 0 };

	r.group_elapsed_ns = 400 * MSEC;
	r.peak_rss = 2 << 20;
	account_add_teardown(&a, &r, 1000 * MSEC, 1415 * MSEC, true, &others);
	CHECK_EQ(a.sum.cpu_ns, 120 * USEC);
	/* Its FORK came when it had lived for a moment. */
	CHECK_EQ(a.sum.cpu_error_ns, 15 * MSEC - 100 * USEC);
}

TEST(stolen_time_is_within_the_bound)
{
	struct taskstats_record r = usage_record(5, 5, true);
	struct pevent_usage u;

	r.elapsed_ns = 203 * MSEC;
	r.run_delay_count = 1;
	r.run_ns = 199 * MSEC;
	u = one(r);
	CHECK_EQ(u.cpu_ns, 203 * MSEC);
	CHECK_EQ(u.cpu_error_ns, 4 * MSEC);
	/* More than the counter can lack: it is near what that says. */
	r.elapsed_ns = 250 * MSEC;
	u = one(r);
	CHECK_EQ(u.cpu_ns, 201 * MSEC);
	CHECK_EQ(u.cpu_error_ns, 49 * MSEC);	/* up to all that it was awake */
}

/* Where the clock may not tick nobody else need have had the CPU. */
TEST(a_cpu_without_a_tick)
{
	const struct account_units tickless = { .tick_ns = TICK_NS, .tickless = true };
	struct taskstats_record r = usage_record(5, 5, true);
	struct account a = { 0 };

	r.elapsed_ns = 900 * MSEC;
	r.run_delay_count = 1;
	account_add(&a, &r, &tickless);
	CHECK_EQ(get(&a, false).cpu_ns, 900 * MSEC);
	CHECK_EQ(get(&a, false).cpu_error_ns, 900 * MSEC);
}

/* A life of less than a tick shows nothing of it. */
TEST(short_life_while_time_is_stolen)
{
	const struct account_units stolen = { .tick_ns = TICK_NS, .stolen = true };
	struct taskstats_record r = usage_record(5, 5, true);
	struct account a = { 0 };
	struct pevent_usage u;

	r.elapsed_ns = 300 * USEC;
	r.run_delay_ns = 20 * USEC;
	r.run_ns = 100 * USEC;
	r.run_delay_count = 1;
	CHECK(one(r).cpu_error_ns < 5 * USEC);
	account_add(&a, &r, &stolen);
	u = get(&a, false);
	CHECK_EQ(u.cpu_ns, 280 * USEC);
	CHECK_EQ(u.cpu_error_ns, 180 * USEC);
}

TEST(split_needs_both_counts)
{
	struct taskstats_record r = usage_record(5, 5, true);
	struct pevent_usage u;

	r.run_ns = 90 * MSEC;
	r.voluntary_switches = 1;
	r.user_ns = 8 * MSEC;
	u = one(r);
	CHECK(!(u.known & PEVENT_KNOWN_CPU_SPLIT));
	CHECK_EQ(u.user_ns, 0);
	r.system_ns = 4 * MSEC;
	u = one(r);
	CHECK(u.known & PEVENT_KNOWN_CPU_SPLIT);
	CHECK_EQ(u.user_ns, 60 * MSEC);
	CHECK_EQ(u.user_ns + u.system_ns, u.cpu_ns);
}

static struct proc_facts look(uint64_t read_ns, uint64_t run_ns, uint64_t write_bytes)
{
	struct proc_facts f = PROC_FACTS(5, "cat", "cat");

	f.stat.state = 'R';
	f.read_ns = read_ns;
	f.has_status = f.status.has_memory = true;
	f.status.rss = 3 << 20;
	f.status.peak_rss = 5 << 20;
	f.status.swap = 4096;
	f.has_fd_count = true;
	f.fd_count = 7;
	f.has_tasks = true;
	f.tasks = (struct proc_tasks){ .threads = 1, .has_schedstat = true, .has_io = true,
				       .run_ns = run_ns, .write_bytes = write_bytes,
				       .user_ticks = 3, .minor_faults = 50 };
	return f;
}

TEST(older_than_the_run)
{
	struct proc_facts before = look(1000 * MSEC, 300 * MSEC, 8192);
	struct taskstats_record r = usage_record(5, 5, true);
	struct account a = { 0 };
	struct pevent_usage u;

	account_set_base(&a, &before);
	r.voluntary_switches = 3;
	r.elapsed_ns = 9000 * MSEC;
	r.run_ns = 500 * MSEC;
	r.write_bytes = 7168;		/* the kernel rounds down to KiB */
	r.minor_faults = 60;
	r.peak_rss = 6 << 20;
	account_add(&a, &r, &units);
	u = get(&a, false);
	CHECK_EQ(u.cpu_ns, 200 * MSEC);
	CHECK_EQ(u.cpu_error_ns, 2 * TICK_NS);
	CHECK_EQ(u.write_bytes, 0);
	CHECK_EQ(u.minor_faults, 10);
	CHECK_EQ(u.peak_rss, 6 << 20);
	CHECK(!(u.known & PEVENT_KNOWN_SWITCHES));	/* not known what they were before */
	account_finish(&a);
}

/* Its threads were too many to ask each: what the clock tick says of the process has to do. */
TEST(older_than_the_run_with_too_many_threads)
{
	struct proc_facts f = look(1000 * MSEC, 0, 0);
	struct taskstats_record r = usage_record(5, 5, true);
	struct account a = { 0 };
	struct pevent_usage u;

	f.has_tasks = false;
	f.tasks_refused = true;
	f.stat.threads = 5000;
	f.stat.user_ticks = 30;
	account_set_base(&a, &f);
	f.stat.user_ticks = 50;
	account_add_sample(&a, &f, &units);
	u = get(&a, true);
	CHECK_EQ(u.cpu_ns, 200 * MSEC);
	CHECK(!(u.known & PEVENT_KNOWN_IO));
	r.voluntary_switches = 1;
	r.run_ns = 700 * MSEC;
	account_add(&a, &r, &units);
	u = get(&a, false);
	CHECK_EQ(u.cpu_ns, 400 * MSEC);
	CHECK(u.incomplete);
	CHECK(!(u.known & PEVENT_KNOWN_FAULTS));
	account_finish(&a);
}

TEST(samples_feed_peaks_and_rates)
{
	struct proc_facts f = look(1000 * MSEC, 300 * MSEC, 0);
	struct account a = { 0 };
	struct pevent_usage u;

	account_add_sample(&a, &f, &units);
	u = get(&a, true);
	CHECK_EQ(u.sample.count, 1);
	CHECK_EQ(u.sample.interval_ns, 0);
	CHECK_EQ(u.sample.files, 7);
	CHECK_EQ(u.sample.oom_score, -1);
	f = look(3000 * MSEC, 1300 * MSEC, 4096);
	f.fd_count = 3;
	f.status.swap = 0;
	account_add_sample(&a, &f, &units);
	u = get(&a, true);
	CHECK_EQ(u.sample.count, 2);
	CHECK_EQ(u.sample.interval_ns, 2000 * MSEC);
	CHECK_EQ(u.sample.interval_cpu_ns, 1000 * MSEC);
	CHECK_EQ(u.sample.interval_write_bytes, 4096);
	CHECK_EQ(u.sample.files, 3);
	CHECK_EQ(u.sample.files_peak, 7);
	CHECK_EQ(u.sample.swap_peak, 4096);
	CHECK_EQ(u.peak_rss, 5 << 20);
	CHECK_EQ(u.cpu_ns, 1300 * MSEC);
	CHECK_EQ(u.origin, PEVENT_FROM_PROC);
	account_finish(&a);
}

TEST(what_sleeps_is_counted)
{
	struct account_units two = units;
	struct proc_facts f = look(1000 * MSEC, 300 * MSEC, 0);
	struct account a = { 0 };

	two.cpus = 2;
	account_add_sample(&a, &f, &two);
	CHECK_EQ(get(&a, true).cpu_error_ns, TICK_NS);
	f.stat.state = 'S';
	account_add_sample(&a, &f, &two);
	CHECK_EQ(get(&a, true).cpu_error_ns, 0);
	f.tasks.threads = 12;
	account_add_sample(&a, &f, &two);
	CHECK_EQ(get(&a, true).cpu_error_ns, 2 * TICK_NS);
	account_finish(&a);
}

TEST(rests_since_the_start_of_the_run)
{
	struct proc_facts f = look(1000 * MSEC, 300 * MSEC, 0);
	struct account a = { 0 };
	struct pevent_usage u;

	account_set_base(&a, &f);
	account_add_sample(&a, &f, &units);
	u = get(&a, true);
	CHECK_EQ(u.cpu_ns, 0);
	CHECK_EQ(u.cpu_error_ns, 0);
	f.tasks.run_queue_waits++;
	account_add_sample(&a, &f, &units);
	CHECK_EQ(get(&a, true).cpu_error_ns, 2 * TICK_NS);
	account_finish(&a);
}

/* What /proc gave last stands in for records that do not come. */
TEST(no_records_at_all)
{
	struct proc_facts f = look(1000 * MSEC, 300 * MSEC, 4096);
	struct account a = { .missing = 1 };
	struct pevent_usage u = get(&a, false);

	CHECK_EQ(u.known, 0);
	CHECK_EQ(u.origin, PEVENT_FROM_NONE);
	account_add_sample(&a, &f, &units);
	u = get(&a, false);
	CHECK_EQ(u.origin, PEVENT_FROM_PROC);
	CHECK_EQ(u.cpu_ns, 300 * MSEC);
	CHECK_EQ(u.write_bytes, 4096);
	account_finish(&a);
}

TEST(a_thread_without_record)
{
	struct taskstats_record r = usage_record(5, 5, true);
	struct account a = { .missing = 1 };

	account_add(&a, &r, &units);
	CHECK(get(&a, false).incomplete);
}

TEST(dead_and_living_threads)
{
	struct proc_facts f = look(1000 * MSEC, 300 * MSEC, 4096);
	struct taskstats_record r = usage_record(5, 6, false);
	struct account a = { 0 };

	r.voluntary_switches = 1;
	r.run_ns = 50 * MSEC;
	account_add(&a, &r, &units);
	account_add_sample(&a, &f, &units);
	CHECK_EQ(get(&a, true).cpu_ns, 350 * MSEC);
	/* A thread that the look saw alive is not counted twice when its record comes. */
	account_add(&a, &r, &units);
	CHECK_EQ(get(&a, true).cpu_ns, 350 * MSEC);
	CHECK_EQ(get(&a, false).cpu_ns, 100 * MSEC);
	account_finish(&a);
}

/* Two threads ended without a record: the process's own counter remembers them. */
TEST(dead_threads_without_records)
{
	struct proc_facts f = look(1000 * MSEC, 300 * MSEC, 0);
	struct account a = { .missing = 2 };
	struct pevent_usage u;

	f.stat.user_ticks = 90;
	f.stat.system_ticks = 40;
	account_add_sample(&a, &f, &units);
	account_get(&a, 1005 * MSEC, false, &units, &u);
	CHECK_EQ(u.cpu_ns, 1300 * MSEC);
	CHECK(u.cpu_error_ns >= 5 * MSEC + TICK_NS);	/* it ran on since the last look */
	CHECK(u.incomplete);
	CHECK_EQ(u.origin, PEVENT_FROM_PROC);
	account_finish(&a);
}

TEST(last_look_knew_more_than_the_records)
{
	struct proc_facts f = look(1000 * MSEC, 300 * MSEC, 4096);
	struct taskstats_record r = usage_record(5, 6, true);
	struct account a = { .missing = 3 };
	struct pevent_usage u;

	account_add_sample(&a, &f, &units);
	r.run_ns = 50 * MSEC;
	r.voluntary_switches = 1;
	r.minor_faults = 70;
	account_add(&a, &r, &units);
	u = get(&a, false);
	CHECK_EQ(u.cpu_ns, 300 * MSEC);
	CHECK_EQ(u.write_bytes, 4096);
	CHECK_EQ(u.minor_faults, 70);
	CHECK(u.incomplete);
	account_finish(&a);
}

/* Its record comes a moment after it has gone from /proc. */
TEST(rate_is_not_known_while_a_thread_ends)
{
	struct proc_facts f = look(1000 * MSEC, 9000 * MSEC, 0);
	struct taskstats_record r = usage_record(5, 6, false);
	struct account a = { 0 };

	account_add_sample(&a, &f, &units);
	f = look(2000 * MSEC, 1500 * MSEC, 0);
	account_add_sample(&a, &f, &units);
	CHECK_EQ(get(&a, true).sample.interval_ns, 0);
	r.run_ns = 8000 * MSEC;
	r.voluntary_switches = 1;
	account_add(&a, &r, &units);
	f = look(3000 * MSEC, 2500 * MSEC, 0);
	account_add_sample(&a, &f, &units);
	f = look(4000 * MSEC, 3400 * MSEC, 0);
	account_add_sample(&a, &f, &units);
	CHECK_EQ(get(&a, true).sample.interval_ns, 1000 * MSEC);
	CHECK_EQ(get(&a, true).sample.interval_cpu_ns, 900 * MSEC);
	account_finish(&a);
}

TEST(memory_of_the_last_program)
{
	struct proc_facts f = look(1000 * MSEC, 300 * MSEC, 0);
	struct account a = { 0 };

	account_add_sample(&a, &f, &units);
	CHECK_EQ(get(&a, true).peak_rss, 5 << 20);
	account_exec(&a);
	CHECK(!(get(&a, true).known & PEVENT_KNOWN_PEAK));
	f.status.peak_rss = 1 << 20;
	account_add_sample(&a, &f, &units);
	CHECK_EQ(get(&a, true).peak_rss, 1 << 20);
	account_finish(&a);
}

TEST(delays_only_where_they_are_counted)
{
	struct taskstats_record r = usage_record(5, 5, true);
	struct account a = { 0 };
	struct pevent_usage u;

	r.version = 11;
	r.delay_ns[TASKSTATS_DELAY_BLKIO] = 7 * MSEC;
	account_add(&a, &r, &units);
	CHECK(!(get(&a, false).known & PEVENT_KNOWN_DELAYS));
	account_get(&a, 1, true, &units, &u);
	CHECK(u.known & PEVENT_KNOWN_DELAYS);
	CHECK_EQ(u.delay_ns[PEVENT_DELAY_BLKIO], 7 * MSEC);
	CHECK_EQ(u.delay_ns[PEVENT_DELAY_COMPACT], 0);
	CHECK_EQ(u.delay_ns[PEVENT_DELAY_WPCOPY], -1);
}

TEST_MAIN()
