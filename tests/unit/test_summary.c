/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "sample_events.h"
#include "sink/summary.h"
#include "util/macro.h"

#define MS NSEC_PER_MSEC
#define MB (UINT64_C(1) << 20)
#define COMMAND 1000

static const struct pevent_stats no_account;

static struct summary *new_summary(void)
{
	struct summary *s = NULL;

	CHECK_EQ(summary_new(&s), 0);
	return s;
}

static bool contains(const struct strbuf *b, const char *part)
{
	return memmem(b->data, b->len, part, strlen(part));
}

static void write_text(struct summary *s, const struct pevent_stats *account, struct strbuf *b)
{
	strbuf_reset(b);
	summary_text(s, account, b);
	CHECK(!b->failed);
}

/* at: milliseconds since the command was started. */
static struct pevent_event event(enum pevent_type type, pid_t pid, unsigned int at)
{
	struct pevent_event e = sample_event(type);

	e.time_ns = SAMPLE_NS + at * MS;
	e.tid = pid;
	e.process = sample_process(pid, "sh");
	return e;
}

static void add_fork(struct summary *s, pid_t ppid, pid_t pid, unsigned int at)
{
	struct pevent_event e = event(PEVENT_FORK, pid, at);

	e.process.ppid = ppid;
	summary_add(s, COMMAND, &e);
}

static void add_exec(struct summary *s, pid_t pid, const struct pevent_image *image,
		     unsigned int at)
{
	struct pevent_event e = event(PEVENT_EXEC, pid, at);

	e.process.image = image;
	summary_add(s, COMMAND, &e);
}

static struct pevent_event ended(pid_t pid, int wait_status, uint64_t cpu_ns, unsigned int at)
{
	struct pevent_event e = event(PEVENT_EXIT, pid, at);

	e.u.exit.wait_status = wait_status;
	e.u.exit.origin = PEVENT_FROM_EVENT;
	e.process.end_ns = e.time_ns;
	e.process.threads_peak = 1;
	e.usage = (struct pevent_usage){
		.known = PEVENT_KNOWN_CPU | PEVENT_KNOWN_PEAK | PEVENT_KNOWN_IO |
			 PEVENT_KNOWN_FAULTS,
		.origin = PEVENT_FROM_TASKSTATS, .cpu_ns = cpu_ns, .cpu_error_ns = 2000,
		.peak_rss = (uint64_t)pid * MB, .read_bytes = 4096, .write_bytes = 512,
		.minor_faults = 70, .major_faults = 1,
	};
	return e;
}

static void add_exit(struct summary *s, pid_t pid, int wait_status, uint64_t cpu_ns,
		     unsigned int at)
{
	struct pevent_event e = ended(pid, wait_status, cpu_ns, at);

	summary_add(s, COMMAND, &e);
}

/* make -j2; sh and cc below it, then cc alone. */
TEST(tree)
{
	struct pevent_image make = { .exe = "/usr/bin/make", .args = "make\0-j2", .args_len = 9 };
	struct pevent_image cc = { .exe = "/usr/lib/cc1", .args = "cc1\0a b.c", .args_len = 10 };
	struct summary *s = new_summary();
	struct pevent_event e;
	struct strbuf b = { 0 };

	add_fork(s, 1, COMMAND, 0);
	add_exec(s, COMMAND, &make, 1);
	add_fork(s, COMMAND, 1001, 10);
	add_fork(s, 1001, 1002, 20);
	add_exec(s, 1002, &cc, 21);
	add_fork(s, COMMAND, 1003, 30);
	e = ended(1002, 0, 100 * MS, 120);
	e.process.image = &cc;
	e.process.threads_peak = 4;
	summary_add(s, COMMAND, &e);
	add_exit(s, 1001, 256, 5 * MS, 130);
	add_exit(s, 1003, 9, 45 * MS, 140);
	add_exit(s, COMMAND, 512, 10 * MS, 200);
	write_text(s, &no_account, &b);
	CHECK_STR(b.data, b.len,
		"Command:     exit code 2: make -j2\n"
		"Wall time:   200.00ms\n"
		"CPU time:    160.00ms, off by at most 8us; 80.0 % of a CPU\n"
		"Processes:   4, at most 4 threads in one, 3 failed, 1 by a signal\n"
		"Peak memory: 1003M, the largest: [1003] (sh)\n"
		"Block I/O:   16.0K read, 2.0K written\n"
		"Page faults: 280 minor, 4 major\n"
		"Deepest:     3 generations: [1000] sh 200.00ms > [1001] sh 120.00ms > "
		"[1002] cc1 100.00ms\n"
		"Longest:     110.00ms, of those without children: [1003] (sh)\n"
		"Incomplete:  nothing\n");
	strbuf_finish(&b);
	summary_free(s);
}

TEST(network)
{
	struct summary *s = new_summary();
	struct pevent_event e = ended(1001, 0, MS, 20);
	struct strbuf b = { 0 };

	add_fork(s, 1, COMMAND, 0);
	add_fork(s, COMMAND, 1001, 5);
	e.usage.known |= PEVENT_KNOWN_NETWORK;
	e.usage.network = sample_network();
	summary_add(s, COMMAND, &e);
	e.process.pid = COMMAND;
	summary_add(s, COMMAND, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "written\nNetwork:     4.0K sent, 2.0M received, 6 connections\n"));
	e.usage.network.incomplete = true;
	summary_add(s, COMMAND, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Network:     6.0K~ sent, 3.0M~ received, 9~ connections\n"));
	strbuf_finish(&b);
	summary_free(s);
}

TEST(single_process)
{
	struct summary *s = new_summary();
	struct pevent_event e;
	struct strbuf b = { 0 };

	add_fork(s, 1, COMMAND, 0);
	e = ended(COMMAND, 11 | 0x80, 10 * MS, 20);
	e.usage.known |= PEVENT_KNOWN_CPU_SPLIT;
	e.usage.user_ns = 6 * MS;
	e.usage.system_ns = 4 * MS;
	e.u.exit.oom_killed = true;
	summary_add(s, COMMAND, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Command:     killed by SIGSEGV, core dumped: (sh)\n"));
	CHECK(contains(&b, "; user 6.00ms~, system 4.00ms~; 50.0 % of a CPU\n"));
	CHECK(contains(&b, "Processes:   1, 1 failed, 1 by a signal, 1 for want of memory\n"));
	CHECK(!contains(&b, "Deepest") && !contains(&b, "Longest"));
	strbuf_finish(&b);
	summary_free(s);
}

TEST(unknown_values)
{
	struct pevent_stats account = {
		.source[PEVENT_SOURCE_CONNECTOR] = { .lost = 12 },
		.source[PEVENT_SOURCE_OUTPUT] = { .lost = 7 },
	};
	struct summary *s = new_summary();
	struct pevent_event e;
	struct strbuf b = { 0 };

	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Command:     still running\nWall time:   -\nCPU time:    -\n"
			   "Processes:   0\nPeak memory: -\nBlock I/O:   -\nPage faults: -\n"
			   "Incomplete:  nothing\n"));
	add_fork(s, 1, COMMAND, 0);
	add_fork(s, COMMAND, 1001, 5);
	e = ended(1001, 0, 3 * MS, 6);
	e.usage.incomplete = true;
	summary_add(s, COMMAND, &e);
	memset(&e.usage, 0xff, sizeof(e.usage));
	e.usage.known = 0;
	e.process.pid = COMMAND;
	e.u.exit.origin = PEVENT_FROM_NONE;
	summary_add(s, COMMAND, &e);
	write_text(s, &account, &b);
	CHECK(contains(&b, "Command:     ended, its status was not seen: (sh)\n"));
	CHECK(contains(&b, "CPU time:    3.00ms~; "));	/* no bound on what is not known */
	CHECK(contains(&b, "Processes:   2\n"));
	CHECK(contains(&b, "Peak memory: 1001M~, the largest: "));
	CHECK(contains(&b, "Block I/O:   4.0K~ read, 512~ written\n"));
	CHECK(contains(&b, "Page faults: 70~ minor, 1~ major\n"));
	CHECK(contains(&b, "Incomplete:  1 exits without an account, "
			   "1 exits with an estimate only, 1 ends not seen, "
			   "12 events (connector)\n"));
	strbuf_finish(&b);
	summary_free(s);
}

TEST(survivors)
{
	struct summary *s = new_summary();
	struct pevent_event e;
	struct strbuf b = { 0 };

	add_fork(s, 1, COMMAND, 0);
	add_fork(s, COMMAND, 1001, 5);
	add_fork(s, COMMAND, 1002, 5);
	add_exit(s, COMMAND, 0, 10 * MS, 20);
	e = ended(1001, 0, 7 * MS, 30);
	e.type = PEVENT_SNAPSHOT;
	e.u.at_end = false;
	summary_add(s, COMMAND, &e);
	e.u.at_end = true;
	summary_add(s, COMMAND, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Command:     exit code 0: (sh)\nWall time:   20.00ms\n"
			   "CPU time:    17.00ms, "));
	CHECK(contains(&b, "Processes:   3, 2 still running\n"));
	strbuf_finish(&b);
	summary_free(s);
}

/* Its EXIT was lost, but whoever started it has its status. */
TEST(end_known_to_its_parent)
{
	struct summary *s = new_summary();
	struct strbuf b = { 0 };

	add_fork(s, 1, COMMAND, 0);
	add_fork(s, COMMAND, 1001, 5);
	add_exit(s, 1001, 0, MS, 20);
	summary_reaped(s, COMMAND, 3 << 8);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Command:     exit code 3\nWall time:   20.00ms~\n"
			   "CPU time:    1.00ms~; 5.0 % of a CPU\n"
			   "Processes:   2, 1 failed\n"));
	CHECK(contains(&b, "Incomplete:  1 exits without an account, 1 ends not seen\n"));
	CHECK(!contains(&b, "running"));
	strbuf_finish(&b);
	summary_free(s);
}

/* It was found gone after a loss, or, since nobody looked again, seemed to be alive. */
TEST(end_found_late)
{
	struct strbuf b = { 0 };

	for (int alive = 0; alive < 2; alive++) {
		struct summary *s = new_summary();
		struct pevent_event e = ended(COMMAND, 0, MS, 20);

		add_fork(s, 1, COMMAND, 0);
		e.u.exit.origin = PEVENT_FROM_NONE;
		if (alive) {
			e.type = PEVENT_SNAPSHOT;
			e.u.at_end = true;
			e.usage.origin = PEVENT_FROM_PROC;
		}
		summary_add(s, COMMAND, &e);
		summary_reaped(s, COMMAND, 9);
		write_text(s, &no_account, &b);
		CHECK(contains(&b, "Command:     killed by SIGKILL"));
		CHECK(contains(&b, "Wall time:   20.00ms~\nCPU time:    1.00ms"));
		CHECK(contains(&b, "Processes:   1, 1 failed, 1 by a signal\n"));
		CHECK(contains(&b, "1 ends not seen\n"));
		summary_free(s);
	}
	strbuf_finish(&b);
}

/* The kernel's word is not taken twice. */
TEST(end_known_twice)
{
	struct summary *s = new_summary();
	struct strbuf b = { 0 };

	add_fork(s, 1, COMMAND, 0);
	add_exit(s, COMMAND, 256, MS, 20);
	summary_reaped(s, COMMAND, 256);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Command:     exit code 1: (sh)\nWall time:   20.00ms\n"));
	CHECK(contains(&b, "Processes:   1, 1 failed\n"));
	CHECK(contains(&b, "Incomplete:  nothing\n"));
	strbuf_finish(&b);
	summary_free(s);
}

TEST(hostile_names)
{
	struct pevent_image image = { .exe = "/tmp/\x1b[2J\n", .args = "\x1b]0;x", .args_len = 6 };
	struct summary *s = new_summary();
	struct pevent_event e;
	struct strbuf b = { 0 };

	add_fork(s, 1, COMMAND, 0);
	add_exec(s, COMMAND, &image, 1);
	add_fork(s, COMMAND, 1001, 5);
	e = ended(1001, 0, MS, 6);
	e.process.image = &image;
	summary_add(s, COMMAND, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Command:     still running: $'\\x1b]0;x'\n"));
	CHECK(contains(&b, "[1000] \\x1b[2J\\x0a 6.00ms > [1001] \\x1b[2J\\x0a 1.00ms\n"));
	CHECK(!memchr(b.data, '\x1b', b.len));
	strbuf_finish(&b);
	summary_free(s);
}

/* Each process forks the next and ends: a line as long as the run, of which two ends are shown. */
TEST(long_line)
{
	struct summary *s = new_summary();
	struct strbuf b = { 0 };
	int n = SUMMARY_MEMBERS_MAX;

	add_fork(s, 1, COMMAND, 0);
	for (int i = 1; i < 19; i++) {
		add_fork(s, COMMAND + i - 1, COMMAND + i, (unsigned int)i);
		add_exit(s, COMMAND + i - 1, 0, MS, (unsigned int)i);
	}
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Deepest:     19 generations: [1000] sh 1.00ms > [1001] sh 1.00ms > "
			   "[1002] sh 1.00ms > [1003] sh 1.00ms > (11 more) > [1015] sh 1.00ms > "
			   "[1016] sh 1.00ms > [1017] sh 1.00ms > [1018] sh "));
	CHECK(contains(&b, "Processes:   19, 1 still running\n"));
	for (int i = 19; i < n + 5; i++) {
		add_fork(s, COMMAND + i - 1, COMMAND + i, (unsigned int)i);
		add_exit(s, COMMAND + i - 1, 0, MS, (unsigned int)i);
	}
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Deepest:     at least 32768 generations: "));
	strbuf_finish(&b);
	summary_free(s);
}

/* The dead whom nobody descends from make room: more processes than can be followed at a time. */
TEST(many_processes)
{
	struct summary *s = new_summary();
	struct strbuf b = { 0 };

	add_fork(s, 1, COMMAND, 0);
	for (int i = 0; i < 3 * SUMMARY_MEMBERS_MAX; i++) {
		add_fork(s, COMMAND, 2000 + i, 1);
		add_exit(s, 2000 + i, i % 2 << 8, 1000, i == 4 ? 3 : 2);
	}
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Processes:   98305, 49152 failed, 1 still running\n"));
	CHECK(contains(&b, "Deepest:     2 generations: [1000] sh 3.00ms > [2004] sh 2.00ms\n"));
	CHECK(contains(&b, "Longest:     2.00ms, of those without children: [2004] (sh)\n"));
	strbuf_finish(&b);
	summary_free(s);
}

/* Numbers come back: after the end of a process, and when that end was lost. */
TEST(reused_pids)
{
	struct summary *s = new_summary();
	struct strbuf b = { 0 };

	add_fork(s, 1, COMMAND, 0);
	add_fork(s, COMMAND, 1001, 1);
	add_fork(s, 1001, 1002, 2);
	add_fork(s, COMMAND, 1001, 3);		/* the first one's end was lost */
	add_fork(s, 1001, 1003, 4);
	add_exit(s, COMMAND, 0, MS, 5);
	add_fork(s, 1001, COMMAND, 6);		/* another than the command */
	add_exit(s, COMMAND, 256, MS, 9);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Command:     exit code 0: (sh)\nWall time:   5.00ms\n"));
	CHECK(contains(&b, "Processes:   5, 1 failed, 3 still running\n"));
	CHECK(contains(&b, "Deepest:     3 generations: [1000] sh 5.00ms > [1001] sh "));
	strbuf_finish(&b);
	summary_free(s);
}

/* A parent of which nothing was heard: the line may be longer than it seems. */
TEST(unknown_parents)
{
	struct summary *s = new_summary();
	struct strbuf b = { 0 };

	add_fork(s, 1, COMMAND, 0);
	add_fork(s, 77, 1001, 1);
	add_fork(s, 1001, 1002, 2);
	add_exit(s, 1002, 0, MS, 3);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Deepest:     at least 2 generations: [1001] sh 2.00ms > "
			   "[1002] sh 1.00ms\n"));
	strbuf_finish(&b);
	summary_free(s);
}

TEST_MAIN()
