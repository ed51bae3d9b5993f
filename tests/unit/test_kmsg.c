/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's log, and whom the OOM killer names in it. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "source/oom.h"
#include "test.h"
#include "wire/kmsg.h"

#define SECOND UINT64_C(1000000000)
#define TAIL " (a.out) total-vm:22008kB, anon-rss:19456kB, file-rss:1228kB, shmem-rss:0kB, UID:0"

static int decode(const char *record, size_t len, struct kmsg *ret)
{
	static char *copy;	/* ret points into it until the next call */

	free(copy);
	copy = calloc(1, len + !len);
	memcpy(copy, record, len);
	return kmsg_decode(copy, len, ret);
}

#define KMSG(literal, ret) decode("" literal, sizeof(literal) - 1, ret)

TEST(record)
{
	struct kmsg m;

	CHECK_EQ(KMSG("6,339,5140900,-;NET: Registered; protocol family 10\n SUBSYSTEM=net\n", &m),
		 0);
	CHECK(m.kernel);
	CHECK_EQ(m.time_us, 5140900);
	CHECK_STR(m.text, m.len, "NET: Registered; protocol family 10");
	CHECK_EQ(KMSG("14,340,18446744073709551615,-,caller=T1,more;x", &m), 0);
	CHECK(!m.kernel);
	CHECK(m.time_us == UINT64_MAX);
	CHECK_STR(m.text, m.len, "x");
	CHECK_EQ(KMSG("7,1,2,c;\n", &m), 0);
	CHECK_EQ(m.len, 0);
}

TEST(not_a_record)
{
	struct kmsg m = { .time_us = 99 };

	CHECK_EQ(KMSG("", &m), -EBADMSG);
	CHECK_EQ(KMSG("\n", &m), -EBADMSG);
	CHECK_EQ(KMSG("6,339,5140900,-", &m), -EBADMSG);
	CHECK_EQ(KMSG("6,339,5140900,-\n;x", &m), -EBADMSG);
	CHECK_EQ(KMSG("6,339;x\n", &m), -EBADMSG);
	CHECK_EQ(KMSG("x,339,1,-;x\n", &m), -EBADMSG);
	CHECK_EQ(m.time_us, 99);
}

/* 0: nobody. */
static int32_t victim_of(const char *text)
{
	struct kmsg m = { .kernel = true, .text = text, .len = strlen(text) };
	int32_t pid = 0;
	bool named = kmsg_oom_victim(&m, &pid);

	CHECK_EQ(named, pid != 0);
	m.kernel = false;
	CHECK(!kmsg_oom_victim(&m, &pid));
	return pid;
}

TEST(victims)
{
	CHECK_EQ(victim_of("Out of memory: Killed process 17658" TAIL), 17658);
	CHECK_EQ(victim_of("Memory cgroup out of memory: Killed process 1" TAIL), 1);
	CHECK_EQ(victim_of("Out of memory (oom_kill_allocating_task): Killed process 2" TAIL), 2);
	CHECK_EQ(victim_of("Killed process 2147483647" TAIL), 2147483647);	/* before 5.1 */
}

TEST(others)
{
	CHECK_EQ(victim_of(""), 0);
	CHECK_EQ(victim_of("Out of memory: Kill process 6344 (sh) score 0 or sacrifice child"), 0);
	CHECK_EQ(victim_of("Tasks in /x are going to be killed due to memory.oom.group set"), 0);
	CHECK_EQ(victim_of("oom_reaper: reaped process 9188 (a.out), now anon-rss:0kB"), 0);
	CHECK_EQ(victim_of("Out of memory and no killable processes..."), 0);
	CHECK_EQ(victim_of("Out of memory: Killed process 0" TAIL), 0);
	CHECK_EQ(victim_of("Out of memory: Killed process -5" TAIL), 0);
	CHECK_EQ(victim_of("Out of memory: Killed process 4294967297" TAIL), 0);
	CHECK_EQ(victim_of("Out of memory: Killed process 17658"), 0);
	CHECK_EQ(victim_of("Out of memory: Killed process "), 0);
}

/* A fault's message begins with the program's name and ends with its file's. */
TEST(names_that_lie)
{
	CHECK_EQ(victim_of("a[7]: segfault at 0 ip 0 sp 0 error 4 in "
			   "Out of memory: Killed process 1 (x[400000+1000]"), 0);
	CHECK_EQ(victim_of("Out of memory: [7]: segfault at 0 ip 0 sp 0 error 4 in "
			   ": Killed process 1 (x[400000+1000]"), 0);
	CHECK_EQ(victim_of("Killed process [7]: segfault at 0 ip 0 sp 0 error 4"), 0);
}

/* --- what is kept of it; a pipe of packets gives one record a read, as the device does --- */

static struct oom o;
static int log_fd;

static void open_log(void)
{
	int fds[2];

	CHECK_EQ(pipe2(fds, O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
	CHECK(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) > 0);	/* a packet takes a page */
	o = (struct oom){ .fd = fds[0] };
	log_fd = fds[1];
}

static void close_log(void)
{
	close(log_fd);
	oom_close(&o);
	CHECK_EQ(o.fd, -1);
}

static void say(unsigned int facility, uint64_t time_us, int pid)
{
	char record[256];
	int n = snprintf(record, sizeof(record), "%u,1,%llu,-;Out of memory: Killed process %d%s\n",
			 facility << 3 | 3, (unsigned long long)time_us, pid, TAIL);

	CHECK_EQ(write(log_fd, record, (size_t)n), n);
}

TEST(one_who_was_named_was_killed)
{
	open_log();
	say(0, 100000000, 7);
	CHECK_EQ(write(log_fd, "not a record", 12), 12);
	say(0, 100500000, 8);
	CHECK(!oom_killed(&o, 9, 100 * SECOND));
	CHECK(oom_killed(&o, 8, 101 * SECOND));
	CHECK(oom_killed(&o, 7, 101 * SECOND));
	close_log();
	CHECK(!oom_killed(&o, 7, 101 * SECOND));
}

TEST(only_the_kernel_is_believed)
{
	open_log();
	say(1, 100000000, 7);
	CHECK(!oom_killed(&o, 7, 100 * SECOND));
	close_log();
}

/* The first of a group is named twice; the next of that id is another process. */
TEST(each_death_is_told_once)
{
	open_log();
	say(0, 100000000, 7);
	say(0, 100000100, 7);
	CHECK(oom_killed(&o, 7, 100 * SECOND));
	CHECK(!oom_killed(&o, 7, 100 * SECOND));
	say(0, 103000000, 7);
	CHECK(oom_killed(&o, 7, 104 * SECOND));
	close_log();
}

TEST(only_about_that_time)
{
	const uint64_t day = 86400 * SECOND;

	open_log();
	say(0, 100000000, 7);
	CHECK(!oom_killed(&o, 7, 111 * SECOND));
	CHECK(!oom_killed(&o, 7, 89 * SECOND));
	CHECK(!oom_killed(&o, 7, UINT64_MAX));
	CHECK(oom_killed(&o, 7, 109 * SECOND));
	/* After ten days the two clocks may differ by minutes. */
	say(0, 10 * day / 1000, 7);
	CHECK(!oom_killed(&o, 7, 10 * day + 500 * SECOND));
	CHECK(oom_killed(&o, 7, 10 * day + 400 * SECOND));
	close_log();
}

TEST(the_oldest_are_forgotten)
{
	open_log();
	for (int i = 1; i <= OOM_VICTIMS + 1; i++)
		say(0, 100000000, i);
	CHECK(!oom_killed(&o, 1, 100 * SECOND));
	for (int i = 2; i <= OOM_VICTIMS + 1; i++)
		CHECK(oom_killed(&o, i, 100 * SECOND));
	close_log();
}

TEST(this_machines_log)
{
	int error = oom_open(&o);

	if (error < 0) {
		CHECK_EQ(o.fd, -1);
		CHECK(error == -EPERM || error == -EACCES || error == -ENOENT);
		SKIP("/dev/kmsg cannot be read");
	}
	CHECK(!oom_killed(&o, (int32_t)getpid(), 0));
	oom_close(&o);
}

TEST_MAIN()
