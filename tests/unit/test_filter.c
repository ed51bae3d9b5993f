/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "model_rig.h"

static char logged[256];
static int log_count;

static void on_log(void *data, int level, const char *message)
{
	(void)data;
	(void)level;
	log_count++;
	snprintf(logged, sizeof(logged), "%s", message);
}

static const struct log log_here = { .fn = on_log };
static struct pevent_filter filter;

static void set(void)
{
	CHECK_EQ(filter_set(&m.filter, &filter, &log_here), 0);
	model_filter_changed(&m);
}

static void start(void)
{
	begin(100);
	filter = (struct pevent_filter)PEVENT_FILTER_INIT;
	log_count = 0;
}

/* A process as a scan at the start finds it. */
static struct proc_facts make(int32_t pid, int32_t ppid, int32_t pgrp, uint32_t uid, uint32_t euid)
{
	struct proc_facts f = PROC_FACTS(0, "name", "name");

	f.pid = f.stat.pid = pid;
	f.stat.ppid = ppid;
	f.stat.pgrp = pgrp;
	f.stat.start_ticks = 100;
	f.read_ns = 5 * SECOND;
	f.has_status = true;
	f.status = (struct proc_status){ uid, euid, 0, 0 };
	return f;
}

/* Does an event of that process pass? */
static bool passes(int32_t pid)
{
	const struct pevent_event *ev;

	apply(fact(CN_PTRACE, 10 * SECOND, pid, pid));
	ev = next();
	if (!ev)
		return false;
	CHECK_EQ(ev->process.pid, pid);
	NO_EVENT();
	return true;
}

/* Gives process 20 another program. */
static void run(const char *args, size_t args_len, const char *exe, const char *cgroup)
{
	struct proc_facts f = {
		.pid = 20, .args = args, .args_len = args_len, .args_total = args_len, .exe = exe,
		.exe_len = exe ? strlen(exe) : 0, .cgroup = cgroup,
		.cgroup_len = cgroup ? strlen(cgroup) : 0, .has_stat = true,
		.stat = { .pid = 20, .comm = "short", .threads = 1, .start_ticks = 100 },
	};

	apply_program(6 * SECOND, 20, &f);
	skip_all();
}

#define RUN(literal, exe, cgroup) run("" literal, sizeof(literal), exe, cgroup)

TEST(nothing_set_lets_everything_through)
{
	start();
	CHECK(passes(20));
	set();
	CHECK(passes(20));
	CHECK(!filter_wants_exit(&m.filter));
	end();
}

TEST(types)
{
	start();
	filter.types = PEVENT_MASK(PEVENT_FORK) | PEVENT_MASK(PEVENT_EXIT);
	set();
	apply(fact_fork(1, 20, 10));
	apply(fact_comm(2, 20, 20, "x"));
	apply(fact_exit(3, 20, 20, 0));
	EXPECT(PEVENT_FORK, 20);
	EXPECT(PEVENT_EXIT, 20);
	end();
}

TEST(process_groups)
{
	const pid_t groups[] = { 100, 300 };
	struct proc_facts f[] = {
		make(20, 1, 100, 0, 0), make(21, 1, 200, 0, 0), make(22, 1, 300, 0, 0),
	};

	start();
	filter.pgrps = groups;
	filter.n_pgrps = 2;
	set();
	scan(4 * SECOND, 6 * SECOND, true, f, 3);
	CHECK(passes(20) && !passes(21) && passes(22));
	apply(fact_fork(8 * SECOND, 30, 22));
	EXPECT(PEVENT_FORK, 30);
	apply(fact(CN_SID, 9 * SECOND, 30, 30));	/* has left the group */
	NO_EVENT();
	CHECK(!passes(40));				/* not known: not in it */
	end();
}

TEST(users_real_or_effective)
{
	const uint32_t users[] = { 1000, 0 };
	struct proc_facts f[] = {
		make(20, 1, 1, 1000, 7), make(21, 1, 1, 7, 1000), make(22, 1, 1, 7, 7),
		make(23, 1, 1, 0, 0),
	};

	start();
	filter.uids = users;
	filter.n_uids = 2;
	set();
	scan(4 * SECOND, 6 * SECOND, true, f, 4);
	CHECK(passes(20) && passes(21) && !passes(22) && passes(23));
	CHECK(!passes(40));
	end();
}

TEST(a_uid_event_passes_by_its_new_ids)
{
	const uint32_t user = 1000;
	struct cn_event cn = fact(CN_UID, 7 * SECOND, 22, 22);
	struct proc_facts f = make(22, 1, 1, 7, 7);

	start();
	filter.uids = &user;
	filter.n_uids = 1;
	set();
	scan(4 * SECOND, 6 * SECOND, true, &f, 1);
	cn.u.ids.real = cn.u.ids.effective = 1000;
	apply(cn);
	EXPECT(PEVENT_UID, 22);
	end();
}

TEST(pids_and_their_descendants)
{
	const pid_t pids[] = { 20, 30 };
	struct proc_facts f[] = {
		make(1, 0, 1, 0, 0), make(20, 1, 1, 0, 0), make(21, 20, 1, 0, 0),
		make(22, 21, 1, 0, 0), make(25, 1, 1, 0, 0),
	};

	start();
	filter.pids = pids;
	filter.n_pids = 2;
	set();
	scan(4 * SECOND, 6 * SECOND, true, f, 5);
	CHECK(!passes(1) && passes(20) && passes(21) && passes(22) && !passes(25));
	apply(fact_fork(7 * SECOND, 26, 25));
	NO_EVENT();
	apply(fact_fork(7 * SECOND, 27, 22));
	EXPECT(PEVENT_FORK, 27);
	/* those between are gone, and their numbers are others' */
	apply(fact_exit(8 * SECOND, 20, 20, 0));
	apply(fact_exit(8 * SECOND, 21, 21, 0));
	apply(fact_exit(8 * SECOND, 22, 22, 0));
	skip_all();
	apply(fact_fork(9 * SECOND, 20, 25));
	apply(fact_fork(9 * SECOND, 22, 25));
	NO_EVENT();
	apply(fact_fork(9 * SECOND, 28, 27));
	EXPECT(PEVENT_FORK, 28);
	/* one that is not there yet */
	apply(fact_fork(9 * SECOND, 30, 25));
	EXPECT(PEVENT_FORK, 30);
	apply(fact_exit(9 * SECOND, 30, 30, 0));
	EXPECT(PEVENT_EXIT, 30);
	apply(fact_fork(9 * SECOND, 30, 25));
	NO_EVENT();
	end();
}

TEST(pids_named_while_running)
{
	const pid_t pid = 21, other = 25;
	struct proc_facts f[] = {
		make(20, 1, 1, 0, 0), make(21, 20, 1, 0, 0), make(22, 21, 1, 0, 0),
		make(25, 1, 1, 0, 0),
	};

	start();
	scan(4 * SECOND, 6 * SECOND, true, f, 4);
	filter.pids = &pid;
	filter.n_pids = 1;
	set();
	CHECK(!passes(20) && passes(21) && passes(22) && !passes(25));
	/* another filter: who was followed for the old one is not for the new one */
	filter.pids = &other;
	set();
	CHECK(!passes(20) && !passes(21) && !passes(22) && passes(25));
	filter.n_pids = 0;
	set();
	CHECK(passes(20));
	end();
}

TEST(follow_a_child_just_made)
{
	start();
	CHECK_EQ(filter_follow(&m.filter, 20), 0);
	apply(fact_fork(1, 19, 10));
	NO_EVENT();
	apply(fact_fork(2, 20, 10));
	apply(fact_fork(3, 21, 20));
	EXPECT(PEVENT_FORK, 20);
	EXPECT(PEVENT_FORK, 21);
	CHECK_EQ(filter_follow(&m.filter, 40), 0);
	apply(fact_fork(4, 40, 10));
	EXPECT(PEVENT_FORK, 40);
	CHECK(passes(21) && !passes(19));
	end();
}

TEST(loop_of_parents)
{
	const pid_t pid = 99;
	struct proc_facts f[] = {
		make(20, 21, 1, 0, 0), make(21, 20, 1, 0, 0), make(22, 22, 1, 0, 0),
	};

	start();
	filter.pids = &pid;
	filter.n_pids = 1;
	set();
	scan(4 * SECOND, 6 * SECOND, true, f, 3);
	CHECK(!passes(20) && !passes(21) && !passes(22));
	end();
}

TEST(regex_on_arguments)
{
	const char *const regexes[] = { "^make -j[0-9]+$", "needle" };

	start();
	filter.regexes = regexes;
	filter.n_regexes = 2;
	set();
	RUN("make\0-j8", "/usr/bin/make", NULL);
	CHECK(passes(20));
	RUN("make\0-j", "/usr/bin/make", NULL);
	CHECK(!passes(20));
	RUN("grep\0hayneedlehay\0file", "/usr/bin/grep", NULL);
	CHECK(passes(20));
	RUN("", "/usr/bin/x", NULL);
	CHECK(!passes(20));
	end();
}

TEST(regex_on_the_executable)
{
	const char *const regex = "^/opt/.*/server$";

	start();
	filter.regexes = &regex;
	filter.n_regexes = 1;
	set();
	RUN("server\0/opt", "/opt/demo/server", NULL);
	CHECK(passes(20));
	RUN("/opt/demo/server\0x", "/usr/bin/server", NULL);
	CHECK(!passes(20));
	RUN("server", NULL, NULL);
	CHECK(!passes(20));
	run(NULL, 0, "/opt/x/server", NULL);
	CHECK(passes(20));
	end();
}

/* What the process wrote over its arguments, or what was cut off, need not end with a NUL. */
TEST(regex_sees_the_last_byte)
{
	const char *const regex = "worker: idle$";

	start();
	filter.regexes = &regex;
	filter.n_regexes = 1;
	set();
	run("worker: idle", 12, NULL, NULL);
	CHECK(passes(20));
	end();
}

TEST(regex_on_the_name_where_there_is_nothing_else)
{
	const char *const regex = "^kworker/";
	struct proc_facts f = {
		.pid = 20, .read_ns = 5 * SECOND, .has_stat = true,
		.stat = { .pid = 20, .comm = "kworker/0:1", .threads = 1, .kernel_thread = true },
	};

	start();
	filter.regexes = &regex;
	filter.n_regexes = 1;
	set();
	scan(4 * SECOND, 6 * SECOND, true, &f, 1);
	CHECK(passes(20));
	f.pid = 21;
	f.cgroup = "/";
	f.cgroup_len = 1;
	scan(6 * SECOND, 7 * SECOND, true, &f, 1);
	CHECK(passes(21));	/* its cgroup having been read changes nothing */
	RUN("kworker/\0x", NULL, NULL);
	CHECK(passes(20));
	RUN("not-a-kworker/", NULL, NULL);
	CHECK(!passes(20));
	end();
}

TEST(globs_on_the_cgroup)
{
	const char *const globs[] = { "/system.slice/*", "/user.slice/user-[0-9]*.slice/*.scope" };

	start();
	filter.cgroups = globs;
	filter.n_cgroups = 2;
	set();
	RUN("x", NULL, "/system.slice/a.service");
	CHECK(passes(20));
	RUN("x", NULL, "/system.slice/a.slice/b.service");
	CHECK(passes(20));
	RUN("x", NULL, "/user.slice/user-1000.slice/session-2.scope");
	CHECK(passes(20));
	RUN("x", NULL, "/system.slice");
	CHECK(!passes(20));
	RUN("/system.slice/a", "/system.slice/a", NULL);
	CHECK(!passes(20));
	CHECK(!passes(40));
	end();
}

TEST(regex_and_cgroup_together)
{
	const char *const regex = "yes", *const glob = "/in/*";

	start();
	filter.regexes = &regex;
	filter.n_regexes = 1;
	filter.cgroups = &glob;
	filter.n_cgroups = 1;
	set();
	RUN("yes", NULL, "/in/a");
	CHECK(passes(20));
	RUN("no", NULL, "/in/a");
	CHECK(!passes(20));
	RUN("yes", NULL, "/out/a");
	CHECK(!passes(20));
	end();
}

/* The answer is kept with the program: a new filter and a new program ask again. */
TEST(answer_is_not_kept_too_long)
{
	const char *regex = "one";

	start();
	filter.regexes = &regex;
	filter.n_regexes = 1;
	set();
	RUN("one", NULL, NULL);
	CHECK(passes(20) && passes(20));
	apply(fact_fork(7 * SECOND, 21, 20));
	EXPECT(PEVENT_FORK, 21);	/* the child runs the same */
	regex = "two";
	set();
	CHECK(!passes(20) && !passes(21));
	RUN("two", NULL, NULL);
	CHECK(passes(20) && !passes(21));
	regex = "one";
	set();
	CHECK(!passes(20) && passes(21));
	end();
}

TEST(failed)
{
	start();
	filter.failed = true;
	set();
	apply(fact_fork(1, 20, 10));
	apply(fact_exit(2, 20, 20, 0));
	apply(fact_fork(3, 21, 10));
	apply(fact_thread(3, 21, 22));
	apply(fact_exit(4, 21, 22, 9));
	apply(fact_exit(4, 21, 21, 9));
	apply(fact_fork(5, 20, 10));
	/* The end of the one before was lost: its status is unknown. */
	apply(fact_fork(6, 20, 10));
	CHECK_EQ(EXPECT(PEVENT_EXIT, 21)->u.exit.wait_status, 9);
	CHECK_EQ(m.events[PEVENT_EXIT], 3);
	CHECK_EQ(m.events[PEVENT_FORK], 4);
	model_report_lost(&m, PEVENT_SOURCE_CONNECTOR, 0, 1, 7);
	EXPECT(PEVENT_LOST, 0);		/* always passes */
	model_report_start(&m, 7);
	EXPECT(PEVENT_START, 0);
	end();
}

TEST(longer_than)
{
	start();
	filter.longer_than_ns = 10;
	set();
	apply(fact_fork(100, 20, 10));
	apply(fact_exit(109, 20, 20, 0));
	apply(fact_fork(200, 21, 10));
	apply(fact_exit(210, 21, 21, 0));
	apply(fact_exit(300, 22, 22, 0));	/* nobody knows how long it lived */
	EXPECT(PEVENT_EXIT, 21);
	end();
}

TEST(kinds_are_combined_by_and)
{
	const pid_t group = 100, pid = 20;
	const uint32_t user = 1000;
	struct proc_facts f[] = {
		make(20, 1, 100, 1000, 1000), make(21, 20, 100, 7, 7),
		make(22, 20, 200, 1000, 1000),
		make(23, 1, 100, 1000, 1000), make(24, 20, 100, 1000, 1000),
	};

	start();
	filter.types = PEVENT_MASK(PEVENT_EXIT);
	filter.pgrps = &group;
	filter.pids = &pid;
	filter.uids = &user;
	filter.n_pgrps = filter.n_pids = filter.n_uids = 1;
	filter.failed = true;
	filter.longer_than_ns = 15 * SECOND;
	set();
	scan(4 * SECOND, 6 * SECOND, true, f, 5);
	for (int32_t i = 20; i < 25; i++)
		apply(fact_exit(i == 24 ? 15 * SECOND : 16 * SECOND, i, i, i == 24 ? 9 : 1));
	EXPECT(PEVENT_EXIT, 20);
	end();
}

TEST(a_bad_pattern_changes_nothing)
{
	const char *regexes[] = { "^good$", "(" };
	const uint32_t user = 1000;

	start();
	filter.uids = &user;
	filter.n_uids = 1;
	set();
	filter.n_uids = 0;
	filter.regexes = regexes;
	filter.n_regexes = 2;
	CHECK_EQ(filter_set(&m.filter, &filter, &log_here), -EINVAL);
	CHECK_EQ(log_count, 1);
	CHECK(strstr(logged, "'('"));
	CHECK_EQ(m.filter.n_regexes, 0);
	CHECK_EQ(m.filter.n_uids, 1);
	end();
}

/* Everything is copied. */
TEST(the_callers_memory_is_its_own)
{
	char regex[] = "one", glob[] = "/a";
	const char *regexes[] = { regex }, *globs[] = { glob };

	start();
	filter.regexes = regexes;
	filter.cgroups = globs;
	filter.n_regexes = filter.n_cgroups = 1;
	set();
	memset(regex, '(', 3);
	memset(glob, 'x', 2);
	regexes[0] = globs[0] = NULL;
	RUN("one", NULL, "/a");
	CHECK(passes(20));
	end();
}

TEST_MAIN()
