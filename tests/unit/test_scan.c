/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model and /proc: processes older than the run, and what loss left wrong set right. */
#include "model_rig.h"

#define STATUS(code) ((uint32_t)(code) << 8)
#define BOOTED(s) ((s) * 100)		/* start_ticks of a process that started then */

static struct proc_facts found(int32_t pid, uint64_t read_ns, uint64_t start_ticks)
{
	struct proc_facts f = PROC_FACTS(0, "found", "found\0-y");

	f.pid = f.stat.pid = pid;
	f.stat.ppid = 1;
	f.stat.start_ticks = start_ticks;
	f.read_ns = read_ns;
	return f;
}

TEST(at_the_start_nothing_is_reported)
{
	struct proc_facts f[] = {
		found(1, 5 * SECOND, BOOTED(0)), found(20, 5 * SECOND, BOOTED(1)),
		found(21, 5 * SECOND, BOOTED(2)), found(22, 5 * SECOND, BOOTED(2)),
	};
	const struct pevent_process *p;

	begin(100);
	m.boottime_offset_ns = 500000000;	/* was suspended for half a second */
	f[0].stat.ppid = 0;
	f[1].stat.threads = 5;
	f[2].stat.ppid = 20;
	f[3].stat.state = 'Z';
	scan(4 * SECOND, 6 * SECOND, true, f, 4);
	NO_EVENT();
	CHECK_EQ(m.learnt, 3);
	p = known(20);
	CHECK(p->before_run);
	CHECK_EQ(p->start_ns, SECOND / 2);
	CHECK_EQ(p->start_ticks, 100);
	CHECK_EQ(p->start_origin, PEVENT_FROM_PROC);
	CHECK_EQ(p->threads, 5);
	CHECK_EQ(p->ppid, 1);
	CHECK_EQ(p->parent_origin, PEVENT_FROM_PROC);
	CHECK_EQ(p->image->origin, PEVENT_FROM_PROC);
	p = known(21);
	CHECK_EQ(p->ppid, 20);
	CHECK_EQ(p->parent_start_ticks, 100);
	CHECK(!strcmp(p->parent_comm, "found"));
	CHECK(p->parent_image == known(20)->image);
	CHECK_EQ(known(1)->ppid, 0);
	CHECK_EQ(known(1)->parent_origin, PEVENT_FROM_NONE);
	CHECK(!known(22));	/* dead, not yet reaped: its end is not ours to tell */
	end();
}

TEST(later_events_count_its_threads)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(1));

	begin(100);
	f.stat.threads = 2;
	scan(4 * SECOND, 6 * SECOND, true, &f, 1);
	apply(fact_thread(7 * SECOND, 20, 22));
	CHECK_EQ(EXPECT(PEVENT_CLONE, 20)->process.threads, 3);
	apply(fact_exit(8 * SECOND, 20, 20, 0));
	apply(fact_exit(9 * SECOND, 20, 21, 0));
	EXPECT(PEVENT_CLONE, 20);
	EXPECT(PEVENT_CLONE, 20);
	apply(fact_exit(10 * SECOND, 20, 22, STATUS(7)));
	CHECK_EQ(EXPECT(PEVENT_EXIT, 20)->u.exit.wait_status, 7 << 8);
	end();
}

/* The socket was open before /proc was read: what lies between comes out of the queue late. */
TEST(threads_older_than_the_scan_are_in_its_count)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(1));

	begin(100);
	f.stat.threads = 2;
	scan(4 * SECOND, 6 * SECOND, true, &f, 1);
	apply(fact_thread(4 * SECOND, 20, 21));
	CHECK_EQ(EXPECT(PEVENT_CLONE, 20)->process.threads, 2);
	apply(fact_exit(5 * SECOND, 20, 22, 0));
	CHECK_EQ(EXPECT(PEVENT_CLONE, 20)->process.threads, 2);
	apply(fact_exit(7 * SECOND, 20, 21, 0));
	CHECK_EQ(EXPECT(PEVENT_CLONE, 20)->process.threads, 1);
	apply(fact_exit(8 * SECOND, 20, 20, STATUS(1)));
	EXPECT(PEVENT_EXIT, 20);
	end();
}

TEST(fork_older_than_the_scan_is_that_process)
{
	struct proc_facts f[] = {
		found(10, 5 * SECOND, BOOTED(1)), found(20, 5 * SECOND, BOOTED(4)),
	};
	struct proc_facts program = PROC_FACTS(20, "sh", "sh");
	const struct pevent_event *ev;

	begin(100);
	f[1].stat.threads = 2;
	scan(4 * SECOND, 6 * SECOND, true, f, 2);
	apply(fact_fork(4 * SECOND, 20, 10));
	ev = EXPECT(PEVENT_FORK, 20);
	CHECK(!ev->process.before_run);
	CHECK_EQ(ev->process.start_ns, 4 * SECOND);
	CHECK_EQ(ev->process.start_origin, PEVENT_FROM_EVENT);
	CHECK_EQ(ev->process.ppid, 10);
	CHECK_EQ(ev->process.parent_origin, PEVENT_FROM_EVENT);
	CHECK_EQ(ev->process.threads, 1);
	apply_program(4 * SECOND + 1, 20, &program);
	CHECK(!strcmp(EXPECT(PEVENT_EXEC, 20)->process.comm, "sh"));
	apply(fact_thread(4 * SECOND + 2, 20, 21));
	CHECK_EQ(EXPECT(PEVENT_CLONE, 20)->process.threads, 2);
	apply(fact_exit(7 * SECOND, 20, 21, 0));
	apply(fact_exit(8 * SECOND, 20, 20, 0));
	EXPECT(PEVENT_CLONE, 20);
	EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(process_count(&m.table), 1);
	end();
}

TEST(fork_younger_than_the_scan_is_another_process)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(1));
	const struct pevent_event *ev;

	begin(100);
	scan(4 * SECOND, 6 * SECOND, true, &f, 1);
	apply(fact_fork(5 * SECOND + 1, 20, 10));
	ev = EXPECT(PEVENT_EXIT, 20);
	CHECK_EQ(ev->u.exit.origin, PEVENT_FROM_NONE);
	CHECK_EQ(ev->process.start_ticks, BOOTED(1));
	CHECK_EQ(EXPECT(PEVENT_FORK, 20)->process.start_ns, 5 * SECOND + 1);
	end();
}

/* The number went from one to the next between the opening of the socket and the scan. */
TEST(exit_older_than_the_scan_is_of_the_one_before)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(4));

	begin(100);
	scan(3 * SECOND, 6 * SECOND, true, &f, 1);
	apply(fact_exit(3 * SECOND, 20, 20, STATUS(1)));
	CHECK_EQ(EXPECT(PEVENT_EXIT, 20)->u.exit.wait_status, 1 << 8);
	apply(fact_fork(4 * SECOND, 20, 10));
	CHECK_EQ(EXPECT(PEVENT_FORK, 20)->process.start_ns, 4 * SECOND);
	apply(fact_exit(9 * SECOND, 20, 20, STATUS(2)));
	CHECK_EQ(EXPECT(PEVENT_EXIT, 20)->u.exit.wait_status, 2 << 8);
	end();
}

TEST(exec_older_than_the_scan)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(1));
	struct proc_facts program = PROC_FACTS(20, "found", "found\0-y");

	begin(100);
	f.stat.threads = 2;
	scan(3 * SECOND, 6 * SECOND, true, &f, 1);
	apply_program(3 * SECOND, 20, &program);
	apply(fact_thread(4 * SECOND, 20, 21));
	EXPECT(PEVENT_EXEC, 20);
	CHECK_EQ(EXPECT(PEVENT_CLONE, 20)->process.threads, 2);
	apply(fact_exit(7 * SECOND, 20, 21, 0));
	EXPECT(PEVENT_CLONE, 20);
	apply(fact_exit(8 * SECOND, 20, 20, STATUS(1)));
	EXPECT(PEVENT_EXIT, 20);
	end();
}

TEST(leader_that_ended_before_the_run)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(1));

	begin(100);
	f.stat.state = 'Z';
	f.stat.threads = 3;
	f.args = NULL;
	f.args_len = 0;
	scan(4 * SECOND, 6 * SECOND, true, &f, 1);
	CHECK_EQ(known(20)->threads, 2);
	apply(fact_exit(7 * SECOND, 20, 21, 0));
	EXPECT(PEVENT_CLONE, 20);
	apply(fact_exit(8 * SECOND, 20, 22, STATUS(7)));
	CHECK_EQ(EXPECT(PEVENT_EXIT, 20)->u.exit.wait_status, 7 << 8);
	end();
}

/* Its EXIT is still in the queue when /proc shows it ended: it must not count twice. */
TEST(leader_that_ended_just_before_the_scan)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(1));

	begin(100);
	f.stat.state = 'Z';
	f.stat.threads = 3;
	scan(4 * SECOND, 6 * SECOND, true, &f, 1);
	apply(fact_exit(4 * SECOND + 1, 20, 20, 0));
	CHECK(EXPECT(PEVENT_CLONE, 20)->u.thread_end);
	apply(fact_exit(7 * SECOND, 20, 21, 0));
	CHECK(EXPECT(PEVENT_CLONE, 20)->u.thread_end);
	apply(fact_exit(8 * SECOND, 20, 22, STATUS(7)));
	CHECK_EQ(EXPECT(PEVENT_EXIT, 20)->u.exit.wait_status, 7 << 8);
	end();
}

TEST(process_that_vanished_while_it_was_read)
{
	struct proc_facts f = { .pid = 20, .read_ns = 5 * SECOND, .cmdline_error = -3 };

	begin(100);
	scan(4 * SECOND, 6 * SECOND, true, &f, 1);
	CHECK(!known(20));
	CHECK_EQ(m.learnt, 0);
	end();
}

/* --- after loss --- */

static void fork_three(void)
{
	begin(100);
	for (int32_t pid = 20; pid < 23; pid++)
		apply(fact_fork(1 * SECOND, pid, 10));
	skip_all();
}

TEST(vanished_ones_are_closed)
{
	struct proc_facts f[] = {
		found(20, 5 * SECOND, BOOTED(1)), found(22, 5 * SECOND, BOOTED(1) - 1),
	};
	const struct pevent_event *ev;

	fork_three();
	scan(4 * SECOND, 6 * SECOND, false, f, 2);
	ev = EXPECT(PEVENT_EXIT, 21);
	CHECK_EQ(ev->u.exit.origin, PEVENT_FROM_NONE);
	CHECK_EQ(ev->time_ns, 6 * SECOND);
	CHECK_EQ(ev->process.end_ns, 6 * SECOND);
	CHECK_EQ(ev->process.ppid, 10);
	NO_EVENT();
	CHECK(known(20) && known(22) && !known(21));
	CHECK_EQ(known(20)->start_origin, PEVENT_FROM_EVENT);
	CHECK_EQ(known(20)->start_ns, 1 * SECOND);
	CHECK_EQ(m.learnt, 0);
	end();
}

TEST(zombie_whose_exit_was_lost_is_closed)
{
	struct proc_facts f[] = {
		found(20, 5 * SECOND, BOOTED(1)), found(21, 5 * SECOND, BOOTED(1)),
		found(22, 5 * SECOND, BOOTED(1)),
	};

	fork_three();
	f[1].stat.state = 'Z';
	scan(4 * SECOND, 6 * SECOND, false, f, 3);
	CHECK_EQ(EXPECT(PEVENT_EXIT, 21)->u.exit.origin, PEVENT_FROM_NONE);
	end();
}

TEST(younger_than_the_scan_is_not_vanished)
{
	fork_three();
	apply(fact_fork(4 * SECOND + 1, 23, 10));
	EXPECT(PEVENT_FORK, 23);
	scan(4 * SECOND, 6 * SECOND, false, NULL, 0);
	for (int32_t pid = 20; pid < 23; pid++)
		EXPECT(PEVENT_EXIT, pid);
	CHECK(known(23));
	end();
}

TEST(new_ones_are_learnt)
{
	struct proc_facts f[] = {
		found(20, 5 * SECOND, BOOTED(1)), found(21, 5 * SECOND, BOOTED(1)),
		found(22, 5 * SECOND, BOOTED(1)), found(30, 5 * SECOND, BOOTED(3)),
	};
	const struct pevent_process *p;

	fork_three();
	f[3].stat.ppid = 20;
	f[3].stat.threads = 2;
	scan(4 * SECOND, 6 * SECOND, false, f, 4);
	NO_EVENT();
	p = known(30);
	CHECK(p);
	CHECK(!p->before_run);
	CHECK_EQ(p->start_ns, 3 * SECOND);
	CHECK_EQ(p->start_origin, PEVENT_FROM_PROC);
	CHECK_EQ(p->ppid, 20);
	CHECK_EQ(p->parent_start_ns, 1 * SECOND);
	CHECK_EQ(p->threads, 2);
	CHECK_STR(p->image->args, p->image->args_len, "found\0-y\0");
	CHECK_EQ(m.learnt, 1);
	end();
}

TEST(reused_numbers)
{
	struct proc_facts f[] = {
		found(20, 5 * SECOND, BOOTED(1)), found(21, 5 * SECOND, BOOTED(3)),
		found(22, 5 * SECOND, BOOTED(1)),
	};
	const struct pevent_event *ev;

	fork_three();
	apply(fact_exit(2 * SECOND, 22, 22, 0));
	skip_all();
	f[2].stat.start_ticks = BOOTED(3);
	scan(4 * SECOND, 6 * SECOND, false, f, 3);
	ev = EXPECT(PEVENT_EXIT, 21);
	CHECK_EQ(ev->u.exit.origin, PEVENT_FROM_NONE);
	CHECK_EQ(ev->process.start_ns, 1 * SECOND);
	NO_EVENT();
	CHECK_EQ(known(21)->start_ns, 3 * SECOND);
	CHECK_EQ(known(22)->start_ns, 3 * SECOND);	/* the dead one is known to be dead */
	CHECK_EQ(m.learnt, 2);
	end();
}

/* Its end came out of the queue before the scan that still saw it is looked at. */
TEST(ended_while_the_scan_ran)
{
	struct proc_facts f[] = {
		found(20, 5 * SECOND, BOOTED(1)), found(21, 5 * SECOND, BOOTED(1)),
		found(22, 5 * SECOND, BOOTED(1)),
	};

	fork_three();
	apply(fact_exit(5 * SECOND + 1, 21, 21, STATUS(1)));
	EXPECT(PEVENT_EXIT, 21);
	scan(4 * SECOND, 6 * SECOND, false, f, 3);
	NO_EVENT();
	CHECK(!known(21));
	end();
}

/* A number that a process nothing was known of had, and that another one has now. */
TEST(reused_number_of_an_unknown_process)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(3));

	begin(100);
	apply(fact_exit(2 * SECOND, 20, 20, 0));
	EXPECT(PEVENT_EXIT, 20);
	scan(4 * SECOND, 6 * SECOND, false, &f, 1);
	CHECK(known(20));
	CHECK_EQ(known(20)->start_ns, 3 * SECOND);
	NO_EVENT();
	end();
}

/* Events go on in order of time: those up to the scan's end have left before it is looked at. */
TEST(order_of_time)
{
	struct proc_facts f[] = {
		found(20, 5 * SECOND, BOOTED(4)), found(21, 5 * SECOND, BOOTED(1)),
		found(22, 5 * SECOND, BOOTED(1)), found(40, 5 * SECOND, BOOTED(2)),
	};
	const struct pevent_event *ev;
	uint64_t time = 0;

	begin(3);
	for (int32_t pid = 20; pid < 23; pid++)
		apply(fact_fork(1 * SECOND, pid, 10));
	apply(fact_comm(5 * SECOND + 1, 22, 22, "late"));
	scan(4 * SECOND, 6 * SECOND, false, f, 4);
	while ((ev = next())) {
		CHECK(ev->time_ns >= time);
		time = ev->time_ns;
	}
	end();
}

/* Whether it is older than the run is known of nobody that is met after a loss. */
TEST(met_after_a_loss_is_not_called_older_than_the_run)
{
	struct cn_event lost = { .what = FACT_LOST, .seq = 3, .time_ns = SECOND };

	begin(100);
	apply(lost);
	EXPECT(PEVENT_LOST, 0);
	apply(fact_exit(2 * SECOND, 20, 20, 0));
	CHECK(!EXPECT(PEVENT_EXIT, 20)->process.before_run);
	end();
}

/* Met by one of its events after its FORK and EXEC were lost: /proc knows the rest. */
TEST(process_met_in_the_storm_is_filled_in)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(3));
	const struct pevent_process *p;

	begin(100);
	f.stat.threads = 2;
	apply(fact_comm(4 * SECOND, 20, 20, "found"));
	EXPECT(PEVENT_COMM, 20);
	scan(5 * SECOND, 6 * SECOND, false, &f, 1);
	NO_EVENT();
	p = known(20);
	CHECK_EQ(p->start_ns, 3 * SECOND);
	CHECK_EQ(p->ppid, 1);
	CHECK(p->image);
	CHECK_STR(p->image->args, p->image->args_len, "found\0-y\0");
	CHECK_EQ(p->image_origin, PEVENT_FROM_PROC);
	CHECK_EQ(p->threads, 2);
	end();
}

/* Its EXEC was lost: it is not its parent's program any more. */
TEST(lost_exec_is_set_right)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(1));
	struct proc_facts parent = PROC_FACTS(10, "sh", "sh");

	begin(100);
	apply_program(SECOND / 2, 10, &parent);
	apply(fact_fork(1 * SECOND, 20, 10));
	skip_all();
	CHECK(!strcmp(known(20)->comm, "sh"));
	scan(4 * SECOND, 6 * SECOND, false, &f, 1);
	skip_all();
	CHECK(!strcmp(known(20)->comm, "found"));
	CHECK_STR(known(20)->image->args, known(20)->image->args_len, "found\0-y\0");
	CHECK_EQ(known(20)->image_origin, PEVENT_FROM_PROC);
	end();
}

/* A thread's end was lost: with one thread too many its process would never end. */
TEST(lost_end_of_a_thread_is_set_right)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(1));

	begin(100);
	apply(fact_fork(1 * SECOND, 20, 10));
	apply(fact_thread(2 * SECOND, 20, 21));
	skip_all();
	scan(4 * SECOND, 6 * SECOND, false, &f, 1);
	CHECK_EQ(known(20)->threads, 1);
	apply(fact_exit(7 * SECOND, 20, 20, STATUS(1)));
	CHECK_EQ(EXPECT(PEVENT_EXIT, 20)->u.exit.wait_status, 1 << 8);
	end();
}

/* A thread's begin was lost: its end is not the end of the process, whose leader lives. */
TEST(lost_begin_of_a_thread)
{
	begin(100);
	apply(fact_fork(1 * SECOND, 20, 10));
	EXPECT(PEVENT_FORK, 20);
	apply(fact_exit(3 * SECOND, 20, 21, 0));
	CHECK(EXPECT(PEVENT_CLONE, 20)->u.thread_end);
	CHECK(known(20));
	apply(fact_exit(7 * SECOND, 20, 20, STATUS(1)));
	CHECK_EQ(EXPECT(PEVENT_EXIT, 20)->u.exit.wait_status, 1 << 8);
	end();
}

/* Ids and names that changed in what was lost. */
TEST(lost_changes_of_identity_are_set_right)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(1));

	begin(100);
	apply(fact_fork(1 * SECOND, 20, 10));
	apply(fact_comm(2 * SECOND, 20, 20, "before"));
	skip_all();
	f.has_status = true;
	f.status = (struct proc_status){ 7, 8, 9, 10 };
	f.stat.session = f.stat.pgrp = 20;
	scan(4 * SECOND, 6 * SECOND, false, &f, 1);
	skip_all();
	CHECK(!strcmp(known(20)->comm, "found"));
	CHECK_EQ(known(20)->euid, 8);
	CHECK_EQ(known(20)->egid, 10);
	CHECK_EQ(known(20)->session, 20);
	end();
}

/* What is younger than the reading of /proc stands. */
TEST(events_after_the_reading_stand)
{
	struct proc_facts f = found(20, 5 * SECOND, BOOTED(1));
	struct proc_facts program = PROC_FACTS(20, "new", "new");

	begin(100);
	apply(fact_fork(1 * SECOND, 20, 10));
	apply_program(5 * SECOND + 1, 20, &program);
	apply(fact_thread(5 * SECOND + 2, 20, 21));
	skip_all();
	scan(4 * SECOND, 6 * SECOND, false, &f, 1);
	CHECK(!strcmp(known(20)->comm, "new"));
	CHECK_EQ(known(20)->image_origin, PEVENT_FROM_EXEC_READER);
	CHECK_EQ(known(20)->threads, 2);
	end();
}

TEST_MAIN()
