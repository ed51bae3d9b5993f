/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records, samples and snapshots in the model: which process they go to, and when. */
#include "model_rig.h"
#include "usage_rig.h"

#define MSEC UINT64_C(1000000)
#define STATUS(code) ((uint32_t)(code) << 8)

static void begin_with_records(void)
{
	begin(100);
	m.records_since_ns = 1;
	m.tick_ns = 4 * MSEC;
}

static void add_record(int32_t tgid, int32_t tid, bool last, uint64_t run_ns)
{
	struct taskstats_record r = usage_record(tgid, tid, last);

	r.run_ns = run_ns;
	r.voluntary_switches = 1;
	model_add_record(&m, &r, 100 * SECOND);
}

TEST(record_meets_its_exit)
{
	const struct pevent_event *ev;

	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	EXPECT(PEVENT_FORK, 20);
	add_record(20, 20, true, 5 * MSEC);
	apply(fact_exit(3 * SECOND, 20, 20, STATUS(1)));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->usage.origin, PEVENT_FROM_TASKSTATS);
	CHECK(!ev->usage.incomplete);
	/* 5 ms, and what its record does not cover as far as it is not waiting. */
	CHECK_EQ(ev->usage.cpu_ns, 5 * MSEC + 60000);
	CHECK_EQ(m.records_missed, 0);
	end();
}

TEST(missing_record)
{
	const struct pevent_event *ev;

	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	apply(fact_thread(2 * SECOND, 20, 21));
	skip_all();
	add_record(20, 21, false, 5 * MSEC);
	apply(fact_exit(3 * SECOND, 20, 21, 0));
	EXPECT(PEVENT_CLONE, 20);
	apply(fact_exit(4 * SECOND, 20, 20, 0));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->usage.cpu_ns, 5 * MSEC);
	CHECK(ev->usage.incomplete);
	CHECK_EQ(m.records_missed, 1);
	apply(fact_fork(5 * SECOND, 22, 10));
	EXPECT(PEVENT_FORK, 22);
	apply(fact_exit(6 * SECOND, 22, 22, 0));
	ev = EXPECT(PEVENT_EXIT, 22);
	CHECK_EQ(ev->usage.known, 0);
	end();
}

TEST(leader_first)
{
	const struct pevent_event *ev;

	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	apply(fact_thread(2 * SECOND, 20, 21));
	skip_all();
	add_record(20, 20, false, 5 * MSEC);
	apply(fact_exit(3 * SECOND, 20, 20, 0));
	ev = EXPECT(PEVENT_CLONE, 20);
	CHECK(ev->u.thread_end);
	add_record(20, 21, true, 7 * MSEC);
	apply(fact_exit(4 * SECOND, 20, 21, STATUS(7)));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->u.exit.wait_status, 7 << 8);
	CHECK(ev->usage.cpu_ns >= 12 * MSEC);
	end();
}

/* The last one to leave can be through with it before the one before it. */
TEST(exits_of_two_threads_cross)
{
	const struct pevent_event *ev;

	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	apply(fact_thread(2 * SECOND, 20, 21));
	skip_all();
	add_record(20, 20, false, 5 * MSEC);
	add_record(20, 21, true, 7 * MSEC);
	apply(fact_exit(4 * SECOND, 20, 21, STATUS(7)));
	EXPECT(PEVENT_CLONE, 20);
	model_settle(&m, 4 * SECOND + 1);
	NO_EVENT();
	apply(fact_exit(4 * SECOND + 5, 20, 20, STATUS(3)));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->u.exit.wait_status, 7 << 8);
	CHECK_EQ(ev->process.end_ns, 4 * SECOND + 5);
	CHECK_EQ(m.records_missed, 0);
	end();
}

TEST(last_exit_is_lost)
{
	const struct pevent_event *ev;

	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	apply(fact_thread(2 * SECOND, 20, 21));
	skip_all();
	add_record(20, 21, true, 7 * MSEC);
	apply(fact_exit(4 * SECOND, 20, 21, STATUS(7)));
	EXPECT(PEVENT_CLONE, 20);
	model_settle(&m, 6 * SECOND);
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->u.exit.wait_status, 7 << 8);
	CHECK_EQ(ev->u.exit.origin, PEVENT_FROM_EVENT);
	CHECK_EQ(ev->process.end_ns, 4 * SECOND);
	apply(fact_exit(6 * SECOND, 20, 20, STATUS(7)));	/* late: it is known */
	end();
}

/* The kernel knows better than a count that missed a thread's begin. */
TEST(count_is_wrong)
{
	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	EXPECT(PEVENT_FORK, 20);
	add_record(20, 20, false, 5 * MSEC);
	apply(fact_exit(3 * SECOND, 20, 20, 0));
	EXPECT(PEVENT_CLONE, 20);
	CHECK(known(20));
	add_record(20, 21, true, 5 * MSEC);
	apply(fact_exit(4 * SECOND, 20, 21, STATUS(2)));
	CHECK_EQ(EXPECT(PEVENT_EXIT, 20)->u.exit.wait_status, 2 << 8);
	end();
}

TEST(kernel_without_the_group_flag)
{
	struct taskstats_record r = usage_record(0, 20, false);

	begin_with_records();
	r.version = 10;
	r.has_group_end = false;
	r.run_ns = 5 * MSEC;
	apply(fact_fork(2 * SECOND, 20, 10));
	EXPECT(PEVENT_FORK, 20);
	model_add_record(&m, &r, 100 * SECOND);
	apply(fact_exit(3 * SECOND, 20, 20, 0));
	CHECK(EXPECT(PEVENT_EXIT, 20)->usage.cpu_ns >= 5 * MSEC);
	end();
}

/* Its EXIT was lost; the number's next owner must not be charged for it. */
TEST(record_of_an_earlier_life)
{
	struct taskstats_record r = usage_record(20, 20, true);
	const struct pevent_event *ev;

	begin_with_records();
	r.run_ns = 99 * MSEC;
	model_add_record(&m, &r, 2 * SECOND);
	apply(fact_fork(3 * SECOND, 20, 10));
	EXPECT(PEVENT_FORK, 20);
	add_record(20, 20, true, 5 * MSEC);
	apply(fact_exit(3 * SECOND + 6 * MSEC, 20, 20, 0));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK(ev->usage.cpu_ns < 12 * MSEC);
	end();
}

TEST(another_thread_executes)
{
	const struct pevent_event *ev;

	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	apply(fact_thread(2 * SECOND, 20, 21));
	skip_all();
	add_record(20, 20, false, 5 * MSEC);
	apply(fact_exit(3 * SECOND, 20, 20, 0));
	apply(fact(CN_EXEC, 3 * SECOND + 1, 20, 20));
	skip_all();
	add_record(20, 20, true, 7 * MSEC);
	apply(fact_exit(4 * SECOND, 20, 20, 0));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK(ev->usage.cpu_ns >= 12 * MSEC);
	CHECK(!ev->usage.incomplete);
	end();
}

TEST(ids_of_a_process_that_was_not_known)
{
	struct taskstats_record r = usage_record(20, 20, true);
	const struct pevent_event *ev;

	begin_with_records();
	r.uid = 1000;
	r.gid = 100;
	memcpy(r.comm, "cat", 4);
	model_add_record(&m, &r, 100 * SECOND);
	apply(fact_exit(3 * SECOND, 20, 20, 0));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->process.uid, 1000);
	CHECK_EQ(ev->process.gid, 100);
	CHECK(!strcmp(ev->process.comm, "cat"));
	end();
}

TEST(killed_for_want_of_memory)
{
	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	EXPECT(PEVENT_FORK, 20);
	model_mark_oom(&m, 20);
	model_mark_oom(&m, 21);
	apply(fact_exit(3 * SECOND, 20, 20, 9));
	CHECK(EXPECT(PEVENT_EXIT, 20)->u.exit.oom_killed);
	end();
}

static struct proc_facts look(int32_t pid, uint64_t read_ns, uint64_t start_ticks, uint64_t run_ns)
{
	struct proc_facts f = PROC_FACTS(0, "cat", "cat");

	f.pid = f.stat.pid = pid;
	f.read_ns = read_ns;
	f.stat.start_ticks = start_ticks;
	f.has_tasks = true;
	f.tasks = (struct proc_tasks){ .threads = 1, .has_schedstat = true, .run_ns = run_ns };
	return f;
}

TEST(older_process_pays_from_the_start_of_the_run)
{
	struct proc_facts f = look(20, SECOND, 50, 300 * MSEC);
	const struct pevent_event *ev;

	begin_with_records();
	scan(SECOND, SECOND + 1, true, &f, 1);
	add_record(20, 20, true, 500 * MSEC);
	apply(fact_exit(3 * SECOND, 20, 20, 0));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->usage.cpu_ns, 200 * MSEC);
	end();
}

/* It was forked while the first scan went on, and the fork's event came later. */
TEST(scan_saw_it_before_its_fork_was_read)
{
	struct proc_facts f = look(20, SECOND + 5, 100, 300 * MSEC);

	begin_with_records();
	scan(SECOND, SECOND + 10, true, &f, 1);
	apply(fact_fork(SECOND + 3, 20, 10));
	EXPECT(PEVENT_FORK, 20);
	add_record(20, 20, true, 500 * MSEC);
	apply(fact_exit(SECOND + 600 * MSEC, 20, 20, 0));
	CHECK(EXPECT(PEVENT_EXIT, 20)->usage.cpu_ns >= 500 * MSEC);
	end();
}

/* It ended while the first scan went on: the scan does not know what it had used. */
TEST(thread_that_ended_before_the_scan)
{
	struct proc_facts f = look(20, SECOND + 8, 50, 300 * MSEC);

	begin_with_records();
	scan(SECOND, SECOND + 10, true, &f, 1);
	add_record(20, 21, false, 1000 * SECOND);
	apply(fact_exit(SECOND + 5, 20, 21, 0));
	EXPECT(PEVENT_CLONE, 20);
	add_record(20, 20, true, 305 * MSEC);
	apply(fact_exit(3 * SECOND, 20, 20, 0));
	CHECK_EQ(EXPECT(PEVENT_EXIT, 20)->usage.cpu_ns, 5 * MSEC);
	end();
}

/* The first scan did not find it, or it was evicted: what it used since is not known. */
TEST(older_process_learnt_late)
{
	struct proc_facts f = look(20, 9 * SECOND, 50, 300 * MSEC);
	const struct pevent_event *ev;

	begin_with_records();
	scan(5 * SECOND, 5 * SECOND + 1, true, NULL, 0);
	scan(8 * SECOND, 10 * SECOND, false, &f, 1);
	add_record(20, 20, true, 901 * SECOND);
	apply(fact_exit(11 * SECOND, 20, 20, 0));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK(ev->process.before_run);
	CHECK(!(ev->usage.known & PEVENT_KNOWN_CPU));
	end();
}

TEST(moved_to_another_cgroup)
{
	struct proc_facts program = PROC_FACTS(20, "cat", "cat\0-n", .cgroup = "/a",
					       .cgroup_len = 2);
	struct proc_facts f = look(20, 4 * SECOND, 200, 0);
	const struct pevent_event *ev;

	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	apply_program(3 * SECOND, 20, &program);
	skip_all();
	f.cgroup = "/b/c\n";
	f.cgroup_len = 4;
	model_sample(&m, &f);
	apply(fact_exit(5 * SECOND, 20, 20, 0));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK(!strcmp(ev->process.image->cgroup, "/b/c"));
	CHECK_STR(ev->process.image->args, ev->process.image->args_len, "cat\0-n\0");
	end();
}

TEST(samples_find_their_process)
{
	struct proc_facts f = look(20, 3 * SECOND, 200, 300 * MSEC);
	const struct pevent_event *ev;

	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	EXPECT(PEVENT_FORK, 20);
	f.stat.threads = 3;
	model_sample(&m, &f);
	f = look(20, 4 * SECOND, 350, 400 * MSEC);	/* the number's next owner */
	model_sample(&m, &f);
	f = look(30, 4 * SECOND, 350, 400 * MSEC);	/* its fork is not known yet */
	model_sample(&m, &f);
	CHECK(!known(30));
	model_snapshot(&m, true, 5 * SECOND);
	ev = EXPECT(PEVENT_SNAPSHOT, 20);
	CHECK(ev->u.at_end);
	CHECK_EQ(ev->usage.sample.count, 1);
	CHECK_EQ(ev->usage.cpu_ns, 300 * MSEC);
	CHECK_EQ(ev->process.threads_peak, 3);
	end();
}

TEST(everybody_has_a_turn_in_a_round)
{
	unsigned int seen = 0;
	pid_t pid;

	begin(100);
	for (int i = 1; i <= 3; i++)
		apply(fact_fork((uint64_t)i * SECOND, i, 10));
	skip_all();
	while ((pid = model_sample_next(&m, 1)))
		seen += 1u << (4 * pid);
	CHECK_EQ(seen, 0x1110);
	apply(fact_exit(4 * SECOND, 2, 2, 0));
	apply(fact_fork(5 * SECOND, 4, 10));
	skip_all();
	CHECK_EQ(model_sample_next(&m, 1), 0);
	while ((pid = model_sample_next(&m, 2)))
		seen += 1u << (4 * pid);
	CHECK_EQ(seen, 0x12120);
	end();
}

TEST(files_at_exec_and_later)
{
	static const char text[] = "c 0 /dev/null\0p 1 pipe:[5]\0";
	struct proc_facts program = PROC_FACTS(20, "cat", "cat", .fds = text,
					       .fds_len = sizeof(text) - 1);
	struct proc_facts f = look(20, 4 * SECOND, 200, 0);
	const struct pevent_event *ev;

	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	CHECK(!EXPECT(PEVENT_FORK, 20)->files);
	apply_program(3 * SECOND, 20, &program);
	ev = EXPECT(PEVENT_EXEC, 20);
	CHECK(ev->files);
	CHECK_EQ(ev->files->n, 2);
	CHECK_EQ(ev->files->file[1].fd, 1);
	CHECK_EQ(ev->files->file[1].type, 'p');
	CHECK(!strcmp(ev->files->file[1].target, "pipe:[5]"));
	f.fds = text;
	f.fds_len = 14;
	model_sample(&m, &f);
	apply(fact_exit(5 * SECOND, 20, 20, 0));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->files->n, 1);
	CHECK(!strcmp(ev->files->file[0].target, "/dev/null"));
	end();
}

TEST(files_have_a_budget)
{
	static const char text[] = "c 0 /dev/null\0p 1 pipe:[5]\0";
	const struct proc_facts f = { .fds = text, .fds_len = sizeof(text) - 1,
				      .has_fd_count = true, .fd_count = 3 };
	const struct proc_facts uncounted = { .fds = text, .fds_len = sizeof(text) - 1 };
	size_t bytes = FILES_MAX - 1, before;
	struct files *last = files_new(&f, &bytes), *empty;

	CHECK_EQ(last->pub.n, 2);
	CHECK_EQ(last->pub.total, 3);
	CHECK(bytes > FILES_MAX - 1 + sizeof(text));
	before = bytes;
	empty = files_new(&f, &bytes);
	CHECK_EQ(empty->pub.n, 0);
	CHECK_EQ(empty->pub.total, 3);
	CHECK(bytes > before && bytes - before < before - (FILES_MAX - 1));
	files_unref(empty);
	empty = files_new(&uncounted, &bytes);
	CHECK_EQ(empty->pub.n, 0);
	CHECK_EQ(empty->pub.total, 2);
	files_unref(empty);
	CHECK_EQ(bytes, before);
	files_unref(files_ref(last));
	CHECK_EQ(bytes, before);
	files_unref(last);
	CHECK_EQ(bytes, FILES_MAX - 1);
	/* There is room again. */
	last = files_new(&f, &bytes);
	CHECK_EQ(last->pub.n, 2);
	files_unref(last);
}

TEST(files_are_in_the_model_s_account)
{
	static const char text[] = "c 0 /dev/null\0";
	struct proc_facts program = PROC_FACTS(20, "cat", "cat", .fds = text,
					       .fds_len = sizeof(text) - 1);

	begin_with_records();
	apply(fact_fork(2 * SECOND, 20, 10));
	apply_program(3 * SECOND, 20, &program);
	skip_all();
	CHECK(m.file_bytes > sizeof(text));
	m.file_bytes += FILES_MAX;
	apply_program(4 * SECOND, 20, &program);
	CHECK_EQ(EXPECT(PEVENT_EXEC, 20)->files->n, 0);
	m.file_bytes -= FILES_MAX;
	apply_program(5 * SECOND, 20, &program);
	CHECK_EQ(EXPECT(PEVENT_EXEC, 20)->files->n, 1);
	end();
	CHECK_EQ(m.file_bytes, 0);
}

TEST_MAIN()
