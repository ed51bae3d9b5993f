/* SPDX-License-Identifier: GPL-2.0-or-later */
/* long: one case per rule of kernel-clock semantics: the table of what each fact means. */
#include "model_rig.h"

/* A process that /proc showed; started that many seconds after boot. */
static struct proc_facts old(int32_t pid, int32_t ppid, uint64_t read_ns, uint64_t start_s)
{
	struct proc_facts f = PROC_FACTS(0, "old", "old\0-x");

	f.pid = f.stat.pid = pid;
	f.stat.ppid = ppid;
	f.stat.pgrp = f.stat.session = pid;
	f.stat.tty = 0x8801;
	f.stat.start_ticks = start_s * 100;
	f.read_ns = read_ns;
	f.has_status = f.has_loginuid = true;
	f.status = (struct proc_status){ 1000, 1001, 100, 101 };
	f.loginuid = 500;
	return f;
}

#define STATUS(code) ((uint32_t)(code) << 8)

TEST(life_of_a_process)
{
	struct proc_facts parent = old(10, 1, 5 * SECOND, 1);
	struct proc_facts program = PROC_FACTS(20, "cat", "cat\0file", .exe = "/bin/cat",
					       .exe_len = 8);
	const struct pevent_event *ev;

	begin(100);
	m.realtime_offset_ns = 77;
	scan(4 * SECOND, 6 * SECOND, true, &parent, 1);
	apply(fact_fork(7 * SECOND, 20, 10));
	ev = EXPECT(PEVENT_FORK, 20);
	CHECK_EQ(ev->sequence, 1);
	CHECK_EQ(ev->time_ns, 7 * SECOND);
	CHECK_EQ(ev->realtime_offset_ns, 77);
	CHECK_EQ(ev->tid, 20);
	CHECK_EQ(ev->process.ppid, 10);
	CHECK_EQ(ev->process.parent_origin, PEVENT_FROM_EVENT);
	CHECK_EQ(ev->process.start_ns, 7 * SECOND);
	CHECK_EQ(ev->process.start_origin, PEVENT_FROM_EVENT);
	CHECK_EQ(ev->process.start_ticks, 700);
	CHECK_EQ(ev->process.threads, 1);
	CHECK(!ev->process.before_run);
	CHECK_EQ(ev->parent.pid, 10);
	CHECK(!strcmp(ev->parent.comm, "old"));
	CHECK(ev->parent.before_run);

	apply_program(8 * SECOND, 20, &program);
	ev = EXPECT(PEVENT_EXEC, 20);
	CHECK_STR(ev->process.image->args, ev->process.image->args_len, "cat\0file\0");
	CHECK(!strcmp(ev->process.image->exe, "/bin/cat"));
	CHECK_EQ(ev->process.image->origin, PEVENT_FROM_EXEC_READER);
	CHECK_EQ(ev->process.image_origin, PEVENT_FROM_EXEC_READER);
	CHECK_EQ(ev->process.exec_ns, 8 * SECOND);
	CHECK(!strcmp(ev->process.comm, "cat"));

	apply(fact_exit(10 * SECOND, 20, 20, STATUS(3)));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->sequence, 3);
	CHECK_EQ(ev->u.exit.wait_status, 3 << 8);
	CHECK_EQ(ev->u.exit.origin, PEVENT_FROM_EVENT);
	CHECK_EQ(ev->process.end_ns - ev->process.start_ns, 3 * SECOND);
	CHECK_EQ(ev->process.exec_ns, 8 * SECOND);
	CHECK_EQ(ev->process.ppid, 10);
	CHECK_EQ(ev->process.parent_start_ticks, 100);
	CHECK(!strcmp(ev->process.parent_comm, "old"));
	CHECK_STR(ev->process.parent_image->args, 7, "old\0-x\0");
	CHECK_EQ(ev->process.threads, 0);
	CHECK(!known(20));
	CHECK(known(10));
	end();
}

TEST(inherits_from_its_parent)
{
	struct proc_facts parent = old(10, 1, 5 * SECOND, 1);
	const struct pevent_event *ev;

	begin(100);
	scan(4 * SECOND, 6 * SECOND, true, &parent, 1);
	apply(fact_fork(7 * SECOND, 20, 10));
	apply(fact_fork(8 * SECOND, 30, 20));
	EXPECT(PEVENT_FORK, 20);
	ev = EXPECT(PEVENT_FORK, 30);
	CHECK(!strcmp(ev->process.comm, "old"));
	CHECK_STR(ev->process.image->args, 7, "old\0-x\0");
	CHECK_EQ(ev->process.image_origin, PEVENT_FROM_INHERITED);
	CHECK_EQ(ev->process.image->origin, PEVENT_FROM_PROC);
	CHECK_EQ(ev->process.uid, 1000);
	CHECK_EQ(ev->process.euid, 1001);
	CHECK_EQ(ev->process.gid, 100);
	CHECK_EQ(ev->process.egid, 101);
	CHECK_EQ(ev->process.loginuid, 500);
	CHECK_EQ(ev->process.pgrp, 10);
	CHECK_EQ(ev->process.session, 10);
	CHECK_EQ(ev->process.tty, 0x8801);
	CHECK_EQ(ev->process.exec_ns, 0);
	CHECK_EQ(ev->parent.pid, 20);
	CHECK_EQ(ev->process.parent_start_ns, 7 * SECOND);
	end();
}

/* A program whose command line nobody could read is not the parent's program. */
TEST(exec_without_a_record)
{
	struct proc_facts parent = old(10, 1, 5 * SECOND, 1);
	const struct pevent_event *ev;

	begin(100);
	scan(4 * SECOND, 6 * SECOND, true, &parent, 1);
	apply(fact_fork(7 * SECOND, 20, 10));
	apply_program(8 * SECOND, 20, NULL);
	EXPECT(PEVENT_FORK, 20);
	ev = EXPECT(PEVENT_EXEC, 20);
	CHECK(!ev->process.image);
	CHECK_EQ(ev->process.image_origin, PEVENT_FROM_NONE);
	CHECK_EQ(ev->process.comm[0], '\0');
	CHECK_EQ(ev->process.ppid, 10);
	CHECK_EQ(ev->process.uid, 1000);
	CHECK_EQ(m.exec_missed, 1);
	end();
}

TEST(a_parent_that_is_gone)
{
	const struct pevent_event *ev;

	begin(100);
	apply(fact_fork(1 * SECOND, 20, 10));
	ev = EXPECT(PEVENT_FORK, 20);
	CHECK_EQ(ev->process.ppid, 10);
	CHECK_EQ(ev->parent.pid, 10);
	CHECK_EQ(ev->parent.comm[0], '\0');
	CHECK_EQ(ev->parent.uid, UINT32_MAX);
	CHECK(!ev->process.image);
	apply(fact_fork(2 * SECOND, 30, 20));
	EXPECT(PEVENT_FORK, 30);
	apply(fact_exit(3 * SECOND, 20, 20, 0));
	EXPECT(PEVENT_EXIT, 20);
	apply(fact_exit(4 * SECOND, 30, 30, 0));
	ev = EXPECT(PEVENT_EXIT, 30);
	CHECK_EQ(ev->process.ppid, 20);
	CHECK_EQ(ev->process.parent_start_ns, 1 * SECOND);
	end();
}

TEST(threads_are_not_processes)
{
	const struct pevent_event *ev;

	begin(100);
	apply(fact_fork(1, 20, 10));
	EXPECT(PEVENT_FORK, 20);
	apply(fact_thread(2, 20, 21));
	ev = EXPECT(PEVENT_CLONE, 20);
	CHECK_EQ(ev->tid, 21);
	CHECK(!ev->u.thread_end);
	CHECK_EQ(ev->process.threads, 2);
	CHECK_EQ(ev->process.ppid, 10);		/* not what a thread's event calls its parent */
	apply(fact_thread(3, 20, 22));
	CHECK_EQ(EXPECT(PEVENT_CLONE, 20)->process.threads, 3);
	apply(fact_exit(4, 20, 21, 0));
	ev = EXPECT(PEVENT_CLONE, 20);
	CHECK(ev->u.thread_end);
	CHECK_EQ(ev->tid, 21);
	CHECK_EQ(ev->process.threads, 2);
	apply(fact_exit(5, 20, 22, 0));
	CHECK(EXPECT(PEVENT_CLONE, 20)->u.thread_end);
	apply(fact_exit(6, 20, 20, STATUS(1)));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->u.exit.wait_status, 1 << 8);
	CHECK_EQ(ev->process.threads_peak, 3);
	CHECK_EQ(ev->tid, 20);
	end();
}

TEST(leader_ends_first)
{
	const struct pevent_event *ev;

	begin(100);
	apply(fact_fork(1, 20, 10));
	apply(fact_thread(2, 20, 21));
	apply(fact_exit(3, 20, 20, 0));
	EXPECT(PEVENT_FORK, 20);
	EXPECT(PEVENT_CLONE, 20);
	ev = EXPECT(PEVENT_CLONE, 20);
	CHECK(ev->u.thread_end);
	CHECK_EQ(ev->tid, 20);
	CHECK(known(20));
	apply(fact_thread(4, 20, 22));
	CHECK_EQ(EXPECT(PEVENT_CLONE, 20)->process.threads, 2);
	apply(fact_exit(5, 20, 21, 0));
	CHECK(EXPECT(PEVENT_CLONE, 20)->u.thread_end);
	apply(fact_exit(6, 20, 22, STATUS(7)));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->u.exit.wait_status, 7 << 8);
	CHECK_EQ(ev->tid, 22);
	CHECK_EQ(ev->process.end_ns, 6);
	end();
}

/* EXIT leader, EXIT others, EXEC tgid, later EXIT tgid; the thread that executes has no EXIT. */
TEST(exec_by_another_thread)
{
	struct proc_facts program = PROC_FACTS(20, "new", "new");
	const struct pevent_event *ev;

	begin(100);
	apply(fact_fork(1, 20, 10));
	apply(fact_thread(2, 20, 21));
	apply(fact_thread(3, 20, 22));
	apply(fact_exit(4, 20, 20, 0));
	apply(fact_exit(4, 20, 21, 9));
	apply_program(5, 20, &program);
	EXPECT(PEVENT_FORK, 20);
	for (int i = 0; i < 4; i++)
		EXPECT(PEVENT_CLONE, 20);
	ev = EXPECT(PEVENT_EXEC, 20);
	CHECK_EQ(ev->process.threads, 1);
	CHECK_EQ(ev->process.start_ns, 1);
	CHECK_EQ(ev->process.ppid, 10);
	apply(fact_exit(9, 20, 20, STATUS(2)));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->u.exit.wait_status, 2 << 8);	/* not the killed threads' 9 */
	CHECK_EQ(ev->process.end_ns, 9);
	end();
}

/* Met in the middle of its life: its threads are not known, its leader stands for all of them. */
TEST(exec_by_another_thread_of_an_uncounted_process)
{
	struct proc_facts program = PROC_FACTS(20, "new", "new");
	const struct pevent_event *ev;

	begin(100);
	apply(fact_comm(1, 20, 20, "x"));
	apply(fact_exit(4, 20, 20, 0));
	apply_program(4, 20, &program);
	EXPECT(PEVENT_COMM, 20);
	EXPECT(PEVENT_EXIT, 20);
	ev = EXPECT(PEVENT_EXEC, 20);
	CHECK_EQ(ev->process.end_ns, 0);
	CHECK_EQ(m.table.n_dead, 0);
	apply(fact_exit(9, 20, 20, STATUS(2)));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->u.exit.wait_status, 2 << 8);
	end();
}

TEST(core_flag_of_any_thread)
{
	begin(100);
	apply(fact_fork(1, 20, 10));
	apply(fact_thread(2, 20, 21));
	apply(fact(CN_COREDUMP, 3, 20, 21));
	apply(fact_exit(4, 20, 21, 11 | CORE_FLAG));
	apply(fact_exit(5, 20, 20, 11));
	EXPECT(PEVENT_FORK, 20);
	EXPECT(PEVENT_CLONE, 20);
	CHECK_EQ(EXPECT(PEVENT_CORE, 20)->tid, 21);
	EXPECT(PEVENT_CLONE, 20);
	CHECK_EQ(EXPECT(PEVENT_EXIT, 20)->u.exit.wait_status, 11 | CORE_FLAG);
	/* another signal's core is not this one's */
	apply(fact_fork(6, 30, 10));
	apply(fact_thread(7, 30, 31));
	apply(fact_exit(8, 30, 31, 11 | CORE_FLAG));
	apply(fact_exit(9, 30, 30, 9));
	EXPECT(PEVENT_FORK, 30);
	EXPECT(PEVENT_CLONE, 30);
	EXPECT(PEVENT_CLONE, 30);
	CHECK_EQ(EXPECT(PEVENT_EXIT, 30)->u.exit.wait_status, 9);
	end();
}

TEST(fork_of_a_pid_that_lives)
{
	struct proc_facts program = PROC_FACTS(20, "one", "one");
	const struct pevent_event *ev;

	begin(100);
	apply(fact_fork(1, 20, 10));
	apply_program(2, 20, &program);
	apply(fact_fork(9, 20, 11));
	EXPECT(PEVENT_FORK, 20);
	EXPECT(PEVENT_EXEC, 20);
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->u.exit.origin, PEVENT_FROM_NONE);
	CHECK_EQ(ev->process.start_ns, 1);
	CHECK_EQ(ev->time_ns, 9);
	CHECK(!strcmp(ev->process.comm, "one"));
	ev = EXPECT(PEVENT_FORK, 20);
	CHECK_EQ(ev->process.start_ns, 9);
	CHECK_EQ(ev->process.ppid, 11);
	CHECK_EQ(ev->process.exec_ns, 0);
	CHECK(!ev->process.image);
	end();
}

TEST(pid_reuse)
{
	const struct pevent_event *ev;

	begin(100);
	for (uint64_t i = 1; i < 10; i++) {
		apply(fact_fork(i * 10, 20, 10));
		CHECK_EQ(EXPECT(PEVENT_FORK, 20)->process.end_ns, 0);
		apply(fact_exit(i * 10 + i, 20, 20, STATUS(i)));
		ev = EXPECT(PEVENT_EXIT, 20);
		CHECK_EQ(ev->process.start_ns, i * 10);
		CHECK_EQ(ev->process.end_ns, i * 10 + i);
		CHECK_EQ(ev->u.exit.wait_status, i << 8);
	}
	CHECK_EQ(process_count(&m.table), 0);
	end();
}

TEST(events_of_an_unknown_process)
{
	const struct pevent_event *ev;
	struct proc_facts program = PROC_FACTS(21, "new", "new");

	begin(100);
	program.stat.start_ticks = 300;
	program.stat.ppid = 7;
	apply(fact_exit(5 * SECOND, 20, 20, STATUS(1)));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK(ev->process.before_run);
	CHECK_EQ(ev->process.start_ns, 0);
	CHECK_EQ(ev->process.ppid, 0);
	CHECK_EQ(ev->process.uid, UINT32_MAX);
	CHECK(!ev->process.image);
	CHECK_EQ(ev->u.exit.wait_status, 1 << 8);

	apply_program(6 * SECOND, 21, &program);
	ev = EXPECT(PEVENT_EXEC, 21);
	CHECK_EQ(ev->process.start_ns, 3 * SECOND);
	CHECK_EQ(ev->process.start_origin, PEVENT_FROM_PROC);
	CHECK_EQ(ev->process.ppid, 7);
	CHECK_EQ(ev->process.parent_origin, PEVENT_FROM_PROC);

	apply(fact_comm(7 * SECOND, 22, 22, "x"));
	ev = EXPECT(PEVENT_COMM, 22);
	CHECK_EQ(ev->u.comm.old_comm[0], '\0');
	CHECK(!strcmp(ev->u.comm.new_comm, "x"));
	CHECK(!strcmp(ev->process.comm, "x"));

	apply(fact_thread(8 * SECOND, 23, 24));
	CHECK_EQ(EXPECT(PEVENT_CLONE, 23)->process.threads, 0);	/* not: 2 */
	apply(fact_exit(9 * SECOND, 23, 24, 0));
	CHECK(EXPECT(PEVENT_CLONE, 23)->u.thread_end);
	apply(fact_exit(9 * SECOND, 25, 26, 0));
	CHECK(EXPECT(PEVENT_CLONE, 25)->u.thread_end);
	apply(fact_exit(10 * SECOND, 23, 23, 0));
	EXPECT(PEVENT_EXIT, 23);
	end();
}

TEST(comm)
{
	const struct pevent_event *ev;
	struct cn_event full = fact_comm(4, 20, 20, "sixteen bytes!!!");

	begin(100);
	apply(fact_fork(1, 20, 10));
	EXPECT(PEVENT_FORK, 20);
	apply(fact_comm(2, 20, 20, "one"));
	ev = EXPECT(PEVENT_COMM, 20);
	CHECK_EQ(ev->u.comm.old_comm[0], '\0');
	apply(fact_comm(3, 20, 20, "two"));
	ev = EXPECT(PEVENT_COMM, 20);
	CHECK(!strcmp(ev->u.comm.old_comm, "one"));
	CHECK(!strcmp(ev->u.comm.new_comm, "two"));
	CHECK(!strcmp(ev->process.comm, "two"));
	/* another thread's name is not the process's */
	apply(fact_thread(3, 20, 21));
	EXPECT(PEVENT_CLONE, 20);
	apply(fact_comm(3, 20, 21, "worker"));
	ev = EXPECT(PEVENT_COMM, 20);
	CHECK_EQ(ev->tid, 21);
	CHECK(!strcmp(ev->u.comm.new_comm, "worker"));
	CHECK(!strcmp(ev->process.comm, "two"));
	apply(full);
	ev = EXPECT(PEVENT_COMM, 20);
	CHECK(!strcmp(ev->u.comm.new_comm, "sixteen bytes!!"));
	CHECK(!strcmp(known(20)->comm, "sixteen bytes!!"));
	end();
}

TEST(ids_session_ptrace)
{
	const struct pevent_event *ev;
	struct cn_event cn;

	begin(100);
	apply(fact_fork(1, 20, 10));
	apply(fact_fork(1, 30, 10));
	apply(fact_comm(1, 30, 30, "tracer"));
	skip_all();
	cn = fact(CN_UID, 2, 20, 20);
	cn.u.ids.real = 5;
	cn.u.ids.effective = 6;
	apply(cn);
	ev = EXPECT(PEVENT_UID, 20);
	CHECK_EQ(ev->u.ids.real, 5);
	CHECK_EQ(ev->u.ids.effective, 6);
	CHECK_EQ(ev->process.uid, 5);
	CHECK_EQ(ev->process.euid, 6);
	CHECK_EQ(ev->process.gid, UINT32_MAX);
	cn.what = CN_GID;
	apply(cn);
	ev = EXPECT(PEVENT_GID, 20);
	CHECK_EQ(ev->process.gid, 5);
	CHECK_EQ(ev->process.egid, 6);
	apply(fact(CN_SID, 3, 20, 20));
	ev = EXPECT(PEVENT_SID, 20);
	CHECK_EQ(ev->process.session, 20);
	CHECK_EQ(ev->process.pgrp, 20);
	cn = fact(CN_PTRACE, 4, 20, 20);
	cn.u.ptrace.tracer_tid = cn.u.ptrace.tracer_tgid = 30;
	apply(cn);
	ev = EXPECT(PEVENT_PTRACE, 20);
	CHECK_EQ(ev->u.ptrace.tracer, 30);
	CHECK(!strcmp(ev->u.ptrace.tracer_comm, "tracer"));
	apply(fact(CN_PTRACE, 5, 20, 20));
	ev = EXPECT(PEVENT_PTRACE, 20);
	CHECK_EQ(ev->u.ptrace.tracer, 0);
	CHECK_EQ(ev->u.ptrace.tracer_comm[0], '\0');
	end();
}

TEST(kinds_of_kernels_to_come)
{
	begin(100);
	apply(fact(0x800, 1, 20, 20));
	apply(fact(CN_NONE, 1, 0, 0));
	NO_EVENT();
	CHECK_EQ(process_count(&m.table), 0);
	end();
}

TEST(lost_and_start)
{
	struct cn_event lost = { .what = FACT_LOST, .cpu = 3, .seq = 41, .time_ns = 5 };
	const struct pevent_event *ev;

	begin(100);
	model_report_start(&m, 1);
	ev = EXPECT(PEVENT_START, 0);
	CHECK_EQ(ev->time_ns, 1);
	CHECK_EQ(ev->sequence, 1);
	apply(lost);
	ev = EXPECT(PEVENT_LOST, 0);
	CHECK_EQ(ev->u.lost.count, 41);
	CHECK_EQ(ev->u.lost.source, PEVENT_SOURCE_CONNECTOR);
	CHECK_EQ(ev->cpu, 3);
	CHECK_EQ(ev->time_ns, 5);
	CHECK_EQ(m.events[PEVENT_LOST], 1);
	end();
}

TEST(unrelated_events_leave_no_trace)
{
	begin(100);
	apply(fact_fork(1, 20, 10));
	apply(fact_exit(2, 20, 20, 0));
	skip_all();
	apply(fact_exit(3, 20, 21, 0));		/* a thread's end that comes after its process's */
	NO_EVENT();
	end();
}

/* Names of parents are told even when they ended meanwhile. */
TEST(tombstones_name_the_dead_and_are_bounded)
{
	struct cn_event cn;
	int n = PROCESS_TOMBSTONES + 100;

	begin(1000000);
	for (int i = 0; i < n; i++) {
		apply(fact_fork((uint64_t)i, 1000 + i, 10));
		apply(fact_comm((uint64_t)i, 1000 + i, 1000 + i, "gone"));
		apply(fact_exit((uint64_t)i, 1000 + i, 1000 + i, 0));
	}
	skip_all();
	CHECK_EQ(m.table.n_dead, PROCESS_TOMBSTONES);
	CHECK_EQ(process_count(&m.table), 0);
	CHECK_EQ(m.table.peak, 1);
	CHECK(!process_find(&m.table, 1000));
	CHECK(process_find(&m.table, 1000 + n - 1)->dead);
	apply(fact_fork(90000, 9, 10));
	cn = fact(CN_PTRACE, 90001, 9, 9);
	cn.u.ptrace.tracer_tgid = 1000 + n - 1;
	apply(cn);
	EXPECT(PEVENT_FORK, 9);
	CHECK(!strcmp(EXPECT(PEVENT_PTRACE, 9)->u.ptrace.tracer_comm, "gone"));
	end();
}

TEST(eviction_at_the_limit_is_an_event)
{
	const struct pevent_event *ev;

	begin(3);
	for (int i = 1; i <= 3; i++)
		apply(fact_fork((uint64_t)i, 20 + i, 10));
	apply(fact_exit(4, 22, 22, 0));
	skip_all();
	apply(fact_fork(5, 30, 21));		/* the dead one makes room: nobody misses it */
	ev = EXPECT(PEVENT_FORK, 30);
	CHECK_EQ(ev->parent.pid, 21);
	CHECK_EQ(m.evicted, 0);
	apply(fact_fork(6, 31, 23));
	ev = EXPECT(PEVENT_LOST, 0);
	CHECK_EQ(ev->u.lost.source, PEVENT_SOURCE_TABLE);
	CHECK_EQ(ev->u.lost.count, 1);
	CHECK_EQ(ev->time_ns, 6);
	EXPECT(PEVENT_FORK, 31);
	CHECK_EQ(m.evicted, 1);
	CHECK(!known(21));		/* the oldest */
	CHECK_EQ(process_count(&m.table), 3);
	CHECK_EQ(m.table.peak, 3);
	apply(fact_exit(7, 21, 21, STATUS(1)));
	EXPECT(PEVENT_LOST, 0);
	CHECK_EQ(EXPECT(PEVENT_EXIT, 21)->u.exit.wait_status, 1 << 8);
	end();
}

TEST(table_of_one)
{
	begin(1);
	apply(fact_fork(1, 20, 10));
	apply(fact_fork(2, 21, 20));
	apply(fact_fork(3, 21, 21));
	apply_program(4, 20, NULL);
	EXPECT(PEVENT_FORK, 20);
	EXPECT(PEVENT_LOST, 0);
	EXPECT(PEVENT_FORK, 21);
	EXPECT(PEVENT_EXIT, 21);
	EXPECT(PEVENT_FORK, 21);
	EXPECT(PEVENT_LOST, 0);
	EXPECT(PEVENT_EXEC, 20);
	CHECK_EQ(process_count(&m.table), 1);
	end();
}

TEST(sequence_is_gapless_after_the_filter)
{
	struct pevent_filter filter = PEVENT_FILTER_INIT;
	const struct log log = { 0 };
	uint64_t sequence = 0, seen = 0;
	const struct pevent_event *ev;

	begin(100);
	filter.types = PEVENT_MASK(PEVENT_EXIT) | PEVENT_MASK(PEVENT_COMM);
	CHECK_EQ(filter_set(&m.filter, &filter, &log), 0);
	model_report_start(&m, 1);
	for (uint64_t i = 1; i < 100; i++) {
		struct cn_event lost = { .what = FACT_LOST, .seq = 1, .time_ns = i };

		apply(fact_fork(i, 20, 10));
		apply(fact_comm(i, 20, 20, "x"));
		if (i % 10 == 0)
			apply(lost);
		apply(fact_exit(i, 20, 20, 0));
	}
	while ((ev = next())) {
		CHECK_EQ(ev->sequence, ++sequence);
		CHECK(ev->type != PEVENT_FORK);
		seen++;
	}
	CHECK_EQ(seen, 1 + 99 * 2 + 9);
	CHECK_EQ(m.events[PEVENT_FORK], 99);	/* seen, before the filter */
	CHECK_EQ(m.events[PEVENT_EXIT], 99);
	end();
}

TEST(finish_zeroed)
{
	struct model none = { 0 };

	model_finish(&none);
}

TEST_MAIN()
