/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "facts.h"
#include "test.h"

/* Texts in memory of that very size, without a NUL: a sanitizer sees what is read past them. */
static char *exact(const char *text, size_t len)
{
	char *copy = calloc(1, len ? len : 1);

	memcpy(copy, text, len);
	return copy;
}

static int stat_of(const char *text, size_t len, struct proc_stat *ret)
{
	char *copy = exact(text, len);
	int error = proc_stat_decode(copy, len, ret);

	free(copy);
	return error;
}

#define STAT(literal, ret) stat_of("" literal, sizeof(literal) - 1, ret)

/* Fields 4 to 52 of a process as Linux 6.1 prints them. */
#define TAIL " S 1 42 43 34817 42 4194304 100 0 0 0 1 2 3 4 20 0 7 0 408442 3133440 413 " \
	"18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 1 2 3 1000 1043 1043 " \
	"1067 0\n"

TEST(stat)
{
	struct proc_stat st;

	CHECK_EQ(STAT("16783 (cat)" TAIL, &st), 0);
	CHECK_EQ(st.pid, 16783);
	CHECK_EQ(st.ppid, 1);
	CHECK_EQ(st.pgrp, 42);
	CHECK_EQ(st.session, 43);
	CHECK_STR(st.comm, strlen(st.comm), "cat");
	CHECK_EQ(st.state, 'S');
	CHECK_EQ(st.tty, 34817);
	CHECK(!st.kernel_thread);
	CHECK_EQ(st.threads, 7);
	CHECK_EQ(st.start_ticks, 408442);
	CHECK_EQ(st.cpu, 1);
	CHECK_EQ(st.args_start, 1000);
	CHECK_EQ(st.args_total, 43);
}

/* The name may look like the rest of the line. */
TEST(stat_hostile_names)
{
	struct proc_stat st;

	CHECK_EQ(STAT("5 (a) S 9 9 (b)" TAIL, &st), 0);
	CHECK_STR(st.comm, strlen(st.comm), "a) S 9 9 (b");
	CHECK_EQ(st.ppid, 1);
	CHECK_EQ(STAT("5 (a\nb c)" TAIL, &st), 0);
	CHECK_STR(st.comm, strlen(st.comm), "a\nb c");
	CHECK_EQ(STAT("5 ())" TAIL, &st), 0);
	CHECK_STR(st.comm, strlen(st.comm), ")");
	CHECK_EQ(STAT("5 (()" TAIL, &st), 0);
	CHECK_STR(st.comm, strlen(st.comm), "(");
	CHECK_EQ(STAT("5 ()" TAIL, &st), 0);
	CHECK_EQ(st.comm[0], '\0');
	CHECK_EQ(STAT("5 ( )" TAIL, &st), 0);
	CHECK_STR(st.comm, strlen(st.comm), " ");
	CHECK_EQ(STAT("5 (\xff\x1b[31m\\)" TAIL, &st), 0);
	CHECK_STR(st.comm, strlen(st.comm), "\xff\x1b[31m\\");
}

TEST(stat_long_name_is_cut)
{
	struct proc_stat st;

	CHECK_EQ(STAT("5 (fifteen bytes..)" TAIL, &st), 0);
	CHECK_STR(st.comm, strlen(st.comm), "fifteen bytes..");
	CHECK_EQ(STAT("5 (kworker/u8:0-events_unbound)" TAIL, &st), 0);
	CHECK_STR(st.comm, sizeof(st.comm), "kworker/u8:0-ev\0");
}

TEST(stat_kernel_thread)
{
	struct proc_stat st;

	CHECK_EQ(STAT("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 0 0 0 "
		      "18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 "
		      "0 0 0 0\n", &st), 0);
	CHECK(st.kernel_thread);
	CHECK_EQ(st.ppid, 0);
	CHECK_EQ(st.start_ticks, 0);
	CHECK_EQ(st.args_start, 0);
	CHECK_EQ(st.args_total, 0);
}

/* A zombie has no address space, and a stranger may not see one: the addresses read as 0. */
TEST(stat_zombie)
{
	struct proc_stat st;

	CHECK_EQ(STAT("9 (z) Z 1 9 9 0 -1 4228100 0 0 0 0 0 0 0 0 20 0 2 0 77 0 0 "
		      "18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 "
		      "0\n", &st), 0);
	CHECK_EQ(st.state, 'Z');
	CHECK_EQ(st.threads, 2);
	CHECK_EQ(st.args_total, 0);
}

TEST(stat_extreme_numbers)
{
	struct proc_stat st;

	/* tty_nr is printed with a sign; a session outside this pid namespace as 0 or -1 */
	CHECK_EQ(STAT("2147483647 (x) R -1 -1 -1 -2147483648 -1 4294967295 0 0 0 0 0 0 0 0 20 0 "
		      "4294967295 0 18446744073709551615", &st), 0);
	CHECK_EQ(st.pid, 2147483647);
	CHECK_EQ(st.ppid, -1);
	CHECK_EQ(st.pgrp, -1);
	CHECK_EQ(st.session, -1);
	CHECK_EQ(st.tty, 0x80000000);
	CHECK(st.kernel_thread);
	CHECK_EQ(st.threads, UINT32_MAX);
	CHECK(st.start_ticks == UINT64_MAX);
	CHECK_EQ(st.cpu, -1);
	/* more than 64 bits wrap, as in C */
	CHECK_EQ(STAT("1 (x) R 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 18446744073709551617", &st), 0);
	CHECK_EQ(st.start_ticks, 1);
}

/* arg_start is of Linux 3.5, exit_code of 3.5: a line may end anywhere after the start time. */
TEST(stat_missing_late_fields)
{
	static const char text[] = "16783 (cat)" TAIL;
	struct proc_stat st = { .pid = 99 };
	const char *at = strstr(text, " 408442") + 7;

	for (const char *end = text; end < at - 6; end++) {
		CHECK_EQ(stat_of(text, (size_t)(end - text), &st), -EBADMSG);
		CHECK_EQ(st.pid, 99);
	}
	for (const char *end = at; end <= text + sizeof(text) - 1; end++) {
		CHECK_EQ(stat_of(text, (size_t)(end - text), &st), 0);
		CHECK_EQ(st.start_ticks, 408442);
		CHECK(st.args_total <= 43);
	}
}

TEST(stat_not_a_stat)
{
	struct proc_stat st = { .pid = 99 };

	CHECK_EQ(STAT("", &st), -EBADMSG);
	CHECK_EQ(STAT("\n", &st), -EBADMSG);
	CHECK_EQ(STAT("16783", &st), -EBADMSG);
	CHECK_EQ(STAT("16783 (cat", &st), -EBADMSG);
	CHECK_EQ(STAT("16783 cat)" TAIL, &st), -EBADMSG);
	CHECK_EQ(STAT("16783 )cat(" TAIL, &st), -EBADMSG);
	CHECK_EQ(STAT("(cat)" TAIL, &st), -EBADMSG);
	CHECK_EQ(STAT("x (cat)" TAIL, &st), -EBADMSG);
	CHECK_EQ(STAT("5 (cat)", &st), -EBADMSG);
	CHECK_EQ(STAT("5 (cat) S", &st), -EBADMSG);
	CHECK_EQ(STAT("5 (cat) S 1 2 x 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20\n", &st),
		 -EBADMSG);
	CHECK_EQ(st.pid, 99);
}

TEST(stat_arguments_upside_down)
{
	struct proc_stat st;

	CHECK_EQ(STAT("5 (x) S 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 7 0 0 0 0 0 0 0 0 0 0 0 0 "
		      "0 0 0 0 0 0 0 0 0 0 0 0 0 2000 1000 0 0 0", &st), 0);
	CHECK_EQ(st.args_total, 0);
	CHECK_EQ(st.args_start, 0);
}

static int status_of(const char *text, size_t len, struct proc_status *ret)
{
	char *copy = exact(text, len);
	int error = proc_status_decode(copy, len, ret);

	free(copy);
	return error;
}

#define STATUS(literal, ret) status_of("" literal, sizeof(literal) - 1, ret)

TEST(status)
{
	struct proc_status s = { .uid = 99 };

	CHECK_EQ(STATUS("Name:\tcat\nUmask:\t0022\nUid:\t1000\t1001\t1002\t1003\n"
			"Gid:\t100\t101\t102\t103\nFDSize:\t256\n", &s), 0);
	CHECK_EQ(s.uid, 1000);
	CHECK_EQ(s.euid, 1001);
	CHECK_EQ(s.gid, 100);
	CHECK_EQ(s.egid, 101);
	CHECK_EQ(STATUS("Uid:\t4294967295\t4294967294\t0\t0\nGid:\t4294967295\t0", &s), 0);
	CHECK_EQ(s.uid, UINT32_MAX);
	CHECK_EQ(s.euid, UINT32_MAX - 1);
	CHECK_EQ(s.egid, 0);
}

#define IDS "Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"

TEST(status_memory)
{
	struct proc_status s = { .uid = 99 };

	CHECK_EQ(STATUS("Name:\tcat\n" IDS "VmPeak:\t    5720 kB\nVmSize:\t    5716 kB\n"
			"VmLck:\t       0 kB\nVmHWM:\t     900 kB\nVmRSS:\t     896 kB\n"
			"RssAnon:\t 100 kB\nVmSwap:\t      16 kB\nThreads:\t1\n", &s), 0);
	CHECK(s.has_memory);
	CHECK_EQ(s.peak_vm, 5720 * 1024);
	CHECK_EQ(s.vm, 5716 * 1024);
	CHECK_EQ(s.peak_rss, 900 * 1024);
	CHECK_EQ(s.rss, 896 * 1024);
	CHECK_EQ(s.swap, 16 * 1024);
	CHECK_EQ(s.egid, 6);
	/* without CONFIG_SWAP, in another order, and of more than 4 TB */
	CHECK_EQ(STATUS("VmRSS:\t 5000000000 kB\n" IDS "VmPeak:\t7 kB\n", &s), 0);
	CHECK(s.has_memory);
	CHECK_EQ(s.rss, INT64_C(5000000000) * 1024);
	CHECK_EQ(s.swap, 0);
}

/* A kernel thread's and a zombie's have none of these lines. */
TEST(status_without_memory)
{
	struct proc_status s = { .has_memory = true, .rss = 7 };

	CHECK_EQ(STATUS(IDS "Threads:\t1\nVmX:\t9 kB\n", &s), 0);
	CHECK(!s.has_memory);
	CHECK_EQ(s.rss, 0);
	s.uid = 99;
	CHECK_EQ(STATUS(IDS "VmRSS:\t kB\n", &s), -EBADMSG);
	CHECK_EQ(STATUS("VmRSS:\t1 kB\n", &s), -EBADMSG);
	CHECK_EQ(s.uid, 99);
}

/* The kernel writes a newline in a name as \n: no name can make a line. */
TEST(status_line_must_be_at_its_begin)
{
	struct proc_status s = { .uid = 99 };

	CHECK_EQ(STATUS("Name:\tUid:\t0\t0\nUid:\t7\t8\t9\t9\nGid:\t1\t2\t3\t3\n", &s), 0);
	CHECK_EQ(s.uid, 7);
	CHECK_EQ(STATUS("Name:\t\\nUid:\t0\t0\nUid:\t5\t5\nGid:\t1\t2\n", &s), 0);
	CHECK_EQ(s.uid, 5);
}

TEST(status_not_a_status)
{
	struct proc_status s = { .uid = 99 };

	CHECK_EQ(STATUS("", &s), -EBADMSG);
	CHECK_EQ(STATUS("Uid:\t1\t2\t3\t4\n", &s), -EBADMSG);
	CHECK_EQ(STATUS("Gid:\t1\t2\t3\t4\n", &s), -EBADMSG);
	CHECK_EQ(STATUS("Uid:\t1\nGid:\t1\t2\t3\t4\n", &s), -EBADMSG);
	CHECK_EQ(STATUS("Uid:\nGid:\t1\t2\n", &s), -EBADMSG);
	CHECK_EQ(STATUS("Uid:\t1\t2\nGid:", &s), -EBADMSG);
	CHECK_EQ(STATUS("Uid:\tx\t2\nGid:\t1\t2\n", &s), -EBADMSG);
	CHECK_EQ(s.uid, 99);
}

static void check_cgroup(int line, const char *text, const char *want)
{
	size_t len = strlen(text), path_len = 77;
	char *copy = exact(text, len);
	const char *path = NULL;
	int error = proc_cgroup_decode(copy, len, &path, &path_len);

	if (!want) {
		test_equal(__FILE__, line, "error", error, -EBADMSG);
		test_equal(__FILE__, line, "untouched length", (long long)path_len, 77);
	} else {
		test_equal(__FILE__, line, "error", error, 0);
		test_bytes(__FILE__, line, path, path_len, want, strlen(want));
		test_true(__FILE__, line, "path inside text",
			  path >= copy && path + path_len <= copy + len);
	}
	free(copy);
}

#define CGROUP(text, want) check_cgroup(__LINE__, text, want)

TEST(cgroup_unified)
{
	CGROUP("0::/user.slice/user-1000.slice/session-1.scope\n",
	       "/user.slice/user-1000.slice/session-1.scope");
	CGROUP("0::/\n", "/");
	CGROUP("0::/a", "/a");
	CGROUP("0::/a (deleted)\n", "/a (deleted)");
	CGROUP("0::/../outside\n", "/../outside");
}

TEST(cgroup_v1)
{
	CGROUP("4:memory:/m\n3:cpu,cpuacct:/c\n1:name=systemd:/system.slice/a.service\n",
	       "/system.slice/a.service");
	CGROUP("1:name=systemd:/a\n4:memory:/m\n", "/a");
	CGROUP("4:memory:/m\n3:cpu,cpuacct:/c\n", NULL);
	CGROUP("2:name=elogind:/7\n", NULL);
}

TEST(cgroup_hybrid)
{
	CGROUP("12:pids:/p\n1:name=systemd:/named\n0::/unified\n", "/unified");
	CGROUP("12:pids:/p\n1:name=systemd:/named\n0::/\n", "/named");
	CGROUP("0::/\n12:pids:/p\n1:name=systemd:/\n", "/");
	CGROUP("12:pids:/p\n0::/\n", "/");
}

TEST(cgroup_colons_in_the_path)
{
	CGROUP("0::/a:b::c:name=systemd:/x\n", "/a:b::c:name=systemd:/x");
	CGROUP("1:name=systemd:/a:b:0::/c\n", "/a:b:0::/c");
	CGROUP("5:memory:/x:name=systemd:/no\n1:name=systemd:/yes\n", "/yes");
	CGROUP("5:memory:/x:name=systemd:/no\n", NULL);
	CGROUP("10::/not-unified\n", NULL);
}

TEST(cgroup_not_a_cgroup)
{
	CGROUP("", NULL);
	CGROUP("\n\n\n", NULL);
	CGROUP("0:", NULL);
	CGROUP(":name=systemd", NULL);
	CGROUP("junk", NULL);
}

TEST(u32)
{
	uint32_t v = 99;

	CHECK_EQ(proc_u32_decode("4294967295", 10, &v), 0);
	CHECK_EQ(v, UINT32_MAX);
	CHECK_EQ(proc_u32_decode("1000\n", 5, &v), 0);
	CHECK_EQ(v, 1000);
	CHECK_EQ(proc_u32_decode("42", 1, &v), 0);
	CHECK_EQ(v, 4);
	CHECK_EQ(proc_u32_decode("", 0, &v), -EBADMSG);
	CHECK_EQ(proc_u32_decode("x", 1, &v), -EBADMSG);
	CHECK_EQ(proc_u32_decode("-", 1, &v), -EBADMSG);
	CHECK_EQ(v, 4);
}

/* --- the set of files of one process --- */

struct record {
	struct proc_read head;
	char bytes[1024];
	size_t len;
};

static void record_init(struct record *r, int32_t pid)
{
	memset(r, 0, sizeof(*r));
	r->head.event_ns = 10;
	r->head.read_ns = 20;
	r->head.pid = pid;
	for (int i = 0; i < PROC_FILE_COUNT; i++)
		r->head.result[i] = -ENODATA;
}

/* In the order of the enumeration. */
static void record_put(struct record *r, enum proc_file file, const char *text, size_t len)
{
	r->head.result[file] = (int32_t)len;
	memcpy(r->bytes + r->len, text, len);
	r->len += len;
}

/* The facts' pointers go into *ret_buf, which is the caller's to free. */
static int record_decode(const struct record *r, size_t bytes, struct proc_facts *ret,
			 char **ret_buf)
{
	*ret_buf = malloc(sizeof(r->head) + bytes);
	memcpy(*ret_buf, &r->head, sizeof(r->head));
	memcpy(*ret_buf + sizeof(r->head), r->bytes, bytes);
	return proc_read_decode(*ret_buf, sizeof(r->head) + bytes, ret);
}

static void record_full(struct record *r)
{
	record_init(r, 5);
	record_put(r, PROC_STAT, "5 (cat)" TAIL, sizeof("5 (cat)" TAIL) - 1);
	record_put(r, PROC_CMDLINE, "cat\0-n\0", 7);
	record_put(r, PROC_EXE, "/bin/cat", 8);
	record_put(r, PROC_STATUS, "Uid:\t1\t2\nGid:\t3\t4\n", 18);
	record_put(r, PROC_CGROUP, "0::/a\n", 6);
	record_put(r, PROC_CWD, "/", 1);
	record_put(r, PROC_LOGINUID, "1000", 4);
	record_put(r, PROC_OOM_SCORE, "666\n", 4);
	record_put(r, PROC_TASKS, "threads 2\nstat 3 4 5 6\n", 23);
	record_put(r, PROC_FD, "c 0 /dev/null", 14);
	record_put(r, PROC_FD_COUNT, "7", 1);
	record_put(r, PROC_NETNS, "net:[4026531840]", 16);
}

TEST(record)
{
	struct proc_facts f;
	struct record r;
	char *buf;

	record_full(&r);
	CHECK_EQ(record_decode(&r, r.len, &f, &buf), 0);
	CHECK_EQ(f.event_ns, 10);
	CHECK_EQ(f.read_ns, 20);
	CHECK_EQ(f.pid, 5);
	CHECK(f.has_stat && f.has_status && f.has_loginuid);
	CHECK_EQ(f.stat.ppid, 1);
	CHECK_EQ(f.status.egid, 4);
	CHECK_EQ(f.loginuid, 1000);
	CHECK_EQ(f.cmdline_error, 0);
	CHECK_STR(f.args, f.args_len, "cat\0-n\0");
	CHECK_EQ(f.args_total, 7);
	CHECK_STR(f.exe, f.exe_len, "/bin/cat");
	CHECK_STR(f.cgroup, f.cgroup_len, "/a");
	CHECK_STR(f.cwd, f.cwd_len, "/");
	CHECK(f.has_oom_score && f.has_tasks && f.has_fd_count);
	CHECK_EQ(f.oom_score, 666);
	CHECK_EQ(f.tasks.threads, 2);
	CHECK_EQ(f.tasks.major_faults, 6);
	CHECK_STR(f.fds, f.fds_len, "c 0 /dev/null\0");
	CHECK_EQ(f.fd_count, 7);
	CHECK_EQ(f.netns, 4026531840u);
	free(buf);
}

TEST(record_of_nothing)
{
	struct proc_facts f = { .pid = 99 };
	struct record r;
	char *buf;

	record_init(&r, 5);
	CHECK_EQ(record_decode(&r, 0, &f, &buf), 0);
	CHECK(!f.has_stat && !f.has_status && !f.has_loginuid);
	CHECK(!f.args && !f.exe && !f.cgroup && !f.cwd);
	CHECK(!f.has_oom_score && !f.has_tasks && !f.has_fd_count && !f.fds);
	CHECK_EQ(f.args_total, 0);
	CHECK_EQ(f.cmdline_error, -ENODATA);
	free(buf);
	f.pid = 99;
	for (size_t len = 0; len < sizeof(r.head); len++)
		CHECK_EQ(proc_read_decode(&r.head, len, &f), -EBADMSG);
	CHECK_EQ(f.pid, 99);
}

TEST(record_with_errors)
{
	struct proc_facts f;
	struct record r;
	char *buf;

	record_init(&r, 5);
	r.head.result[PROC_STAT] = -ESRCH;
	r.head.result[PROC_CMDLINE] = -EACCES;
	record_put(&r, PROC_EXE, "/x", 2);
	record_put(&r, PROC_STATUS, "no status", 9);
	record_put(&r, PROC_CGROUP, "4:memory:/m\n", 12);
	record_put(&r, PROC_LOGINUID, "?", 1);
	record_put(&r, PROC_OOM_SCORE, "2001", 4);
	record_put(&r, PROC_TASKS, "threads 2\n", 10);
	r.head.result[PROC_FD] = -EACCES;
	record_put(&r, PROC_FD_COUNT, "", 0);
	CHECK_EQ(record_decode(&r, r.len, &f, &buf), 0);
	CHECK(!f.has_oom_score && !f.has_tasks && !f.has_fd_count && !f.fds);
	CHECK(!f.has_stat && !f.has_status && !f.has_loginuid && !f.args && !f.cgroup && !f.cwd);
	CHECK_EQ(f.cmdline_error, -EACCES);
	CHECK_STR(f.exe, f.exe_len, "/x");
	free(buf);
}

/* An argv of nothing is known by its addresses; without an address space nothing is known. */
TEST(record_empty_command_line)
{
	struct proc_facts f;
	struct record r;
	char *buf;

	record_init(&r, 5);
	record_put(&r, PROC_STAT, "5 (cat)" TAIL, sizeof("5 (cat)" TAIL) - 1);
	r.head.result[PROC_CMDLINE] = 0;
	CHECK_EQ(record_decode(&r, r.len, &f, &buf), 0);
	CHECK(f.args);
	CHECK_EQ(f.args_len, 0);
	free(buf);
	record_init(&r, 5);
	r.head.result[PROC_CMDLINE] = 0;
	CHECK_EQ(record_decode(&r, r.len, &f, &buf), 0);
	CHECK(!f.args);
	free(buf);
}

TEST(record_cut_command_line)
{
	struct proc_facts f;
	struct record r;
	char *buf;

	record_full(&r);
	r.head.cmdline_cut = 1;
	CHECK_EQ(record_decode(&r, r.len, &f, &buf), 0);
	CHECK_EQ(f.args_len, 7);
	CHECK_EQ(f.args_total, 43);	/* as stat has it */
	free(buf);
	record_init(&r, 5);
	record_put(&r, PROC_CMDLINE, "cat\0-n\0", 7);
	r.head.cmdline_cut = 1;
	CHECK_EQ(record_decode(&r, r.len, &f, &buf), 0);
	CHECK(f.args_total > f.args_len);
	free(buf);
}

TEST(record_lengths_that_lie)
{
	struct proc_facts f = { .pid = 99 };
	struct record r, lie;
	char *buf;

	record_full(&r);
	for (size_t bytes = 0; bytes < r.len; bytes++) {
		CHECK_EQ(record_decode(&r, bytes, &f, &buf), -EBADMSG);
		free(buf);
	}
	for (int i = 0; i < PROC_FILE_COUNT; i++) {
		lie = r;
		lie.head.result[i] = INT32_MAX;
		CHECK_EQ(record_decode(&lie, r.len, &f, &buf), -EBADMSG);
		free(buf);
		lie.head.result[i] = r.head.result[i] + 1;
		CHECK_EQ(record_decode(&lie, r.len, &f, &buf), -EBADMSG);
		free(buf);
	}
	CHECK_EQ(f.pid, 99);
	lie = r;
	lie.head.result[PROC_STAT] = INT32_MIN;	/* its bytes are there all the same */
	CHECK_EQ(record_decode(&lie, r.len, &f, &buf), -EBADMSG);
	free(buf);
}

TEST_MAIN()
