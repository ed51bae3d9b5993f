/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done for a process that is killed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "source/delayacct.h"
#include "source/guard.h"
#include "test.h"

#define PATIENCE_MS 10000

/* Runs fn in a child that is then killed. */
static void killed_after(void (*fn)(int), int fd)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn(fd);
		raise(SIGKILL);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
}

/* What comes out of a pipe until nobody holds its other end. */
static size_t read_all(int fd, char *buf, size_t max)
{
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < max) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		CHECK_EQ(poll(&pfd, 1, PATIENCE_MS), 1);
		n = read(fd, buf + len, max - len);
		len += n > 0 ? (size_t)n : 0;
	}
	return len;
}

static void armed(int fd)
{
	struct guard g = { 0 };

	if (guard_start(&g, fd, "last\0act", 8) == 0)
		guard_arm(&g);
}

static void not_armed(int fd)
{
	struct guard g = { 0 };

	(void)guard_start(&g, fd, "no", 2);
}

static void disarmed(int fd)
{
	struct guard g = { 0 };

	(void)guard_start(&g, fd, "no", 2);
	guard_arm(&g);
	guard_disarm(&g);
}

static void stopped(int fd)
{
	struct guard g = { 0 };

	(void)guard_start(&g, fd, "no", 2);
	guard_arm(&g);
	guard_stop(&g);
	if (g.pid != 0 || waitpid(-1, NULL, __WALL) != -1 || errno != ECHILD)
		(void)!write(fd, "not reaped", 10);
	guard_arm(&g);
	guard_disarm(&g);
	guard_stop(&g);
}

/* Two acts: each has its own guard. */
static void one_of_two(int fd)
{
	struct guard a = { 0 }, b = { 0 };

	(void)guard_start(&a, fd, "first", 5);
	(void)guard_start(&b, fd, "second", 6);
	guard_arm(&a);
	guard_arm(&b);
	guard_disarm(&a);
	guard_stop(&a);
}

static void check_act(void (*fn)(int), const char *want)
{
	char buf[64];
	int line[2];
	size_t len;

	CHECK_EQ(pipe2(line, O_CLOEXEC), 0);
	killed_after(fn, line[1]);
	close(line[1]);
	len = read_all(line[0], buf, sizeof(buf));
	close(line[0]);
	test_bytes(__FILE__, __LINE__, buf, len, want, strlen(want));
}

TEST(an_armed_guard_acts)
{
	char buf[64];
	int line[2];
	size_t len;

	CHECK_EQ(pipe2(line, O_CLOEXEC), 0);
	killed_after(armed, line[1]);
	close(line[1]);
	len = read_all(line[0], buf, sizeof(buf));
	close(line[0]);
	CHECK_STR(buf, len, "last\0act");
}

TEST(others_do_not)
{
	check_act(not_armed, "");
	check_act(disarmed, "");
	check_act(stopped, "");
}

TEST(two_guards)
{
	check_act(one_of_two, "second");
}

/* --- kernel.task_delayacct, of a /proc of our own --- */

static char dir[64];
static char logged[256];
static int root, setting;

static void on_log(void *data, int level, const char *message)
{
	(void)data;
	(void)level;
	snprintf(logged, sizeof(logged), "%s", message);
}

static const struct log log_to = { .fn = on_log };

static void make_setting(const char *value)
{
	strcpy(dir, "/tmp/pevent-unit-XXXXXX");
	CHECK(mkdtemp(dir));
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(root >= 0);
	CHECK_EQ(mkdirat(root, "sys", 0700), 0);
	CHECK_EQ(mkdirat(root, "sys/kernel", 0700), 0);
	setting = openat(root, "sys/kernel/task_delayacct", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(setting >= 0);
	CHECK_EQ(write(setting, value, strlen(value)), strlen(value));
	logged[0] = '\0';
}

static void remove_setting(void)
{
	close(setting);
	(void)unlinkat(root, "sys/kernel/task_delayacct", 0);
	CHECK_EQ(unlinkat(root, "sys/kernel", AT_REMOVEDIR), 0);
	CHECK_EQ(unlinkat(root, "sys", AT_REMOVEDIR), 0);
	close(root);
	CHECK_EQ(rmdir(dir), 0);
}

static char value(void)
{
	char text[8] = "";

	CHECK_EQ(pread(setting, text, sizeof(text), 0), 2);
	return text[0];
}

TEST(delays_on_and_off)
{
	struct delayacct d = { 0 };

	make_setting("0\n");
	CHECK_EQ(delayacct_on(&d, root, true, &log_to), 0);
	CHECK_EQ(value(), '1');
	CHECK(d.guard.pid > 0);
	delayacct_restore(&d);
	CHECK_EQ(value(), '0');
	CHECK_EQ(d.guard.pid, 0);
	delayacct_restore(&d);
	CHECK_EQ(delayacct_on(&d, root, false, &log_to), 0);
	CHECK_EQ(d.guard.pid, 0);
	CHECK_EQ(value(), '1');
	delayacct_restore(&d);
	CHECK_EQ(value(), '0');
	CHECK_EQ(logged[0], '\0');
	remove_setting();
}

TEST(delays_that_are_on_stay_on)
{
	struct delayacct d = { 0 };

	make_setting("1\n");
	CHECK_EQ(delayacct_on(&d, root, true, &log_to), 0);
	CHECK_EQ(d.guard.pid, 0);
	delayacct_restore(&d);
	CHECK_EQ(value(), '1');
	remove_setting();
}

TEST(delays_somebody_else_set)
{
	struct delayacct d = { 0 };

	make_setting("0\n");
	CHECK_EQ(delayacct_on(&d, root, true, &log_to), 0);
	CHECK_EQ(pwrite(setting, "2\n", 2, 0), 2);
	delayacct_restore(&d);
	CHECK_EQ(value(), '2');
	remove_setting();
}

TEST(delays_unknown)
{
	struct delayacct d = { 0 };

	make_setting("?\n");
	CHECK_EQ(delayacct_on(&d, root, true, &log_to), -EBADMSG);
	CHECK_EQ(value(), '?');
	CHECK_EQ(unlinkat(root, "sys/kernel/task_delayacct", 0), 0);
	CHECK_EQ(delayacct_on(&d, root, true, &log_to), -ENOENT);
	CHECK(strstr(logged, "CONFIG_TASK_DELAY_ACCT"));
	CHECK(!d.changed && d.guard.pid == 0);
	delayacct_restore(&d);
	remove_setting();
}

static void switch_on(int at)
{
	struct delayacct d = { 0 };

	(void)delayacct_on(&d, at, true, &log_to);
}

/* Its guard may take a moment. */
TEST(delays_after_a_kill)
{
	make_setting("0\n");
	killed_after(switch_on, root);
	for (int i = 0; i < PATIENCE_MS && value() == '1'; i++)
		(void)poll(NULL, 0, 1);
	CHECK_EQ(value(), '0');
	remove_setting();
}

TEST_MAIN()
