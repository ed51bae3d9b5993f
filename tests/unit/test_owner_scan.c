/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/owner_scan.h"
#include "source/owner_tap.h"
#include "test.h"

/* A /proc of the test's own. */
static char root[] = "/tmp/pevent-owner-XXXXXX";
static struct owner_scan scan;

static void open_tree(void)
{
	static int proc = -1;

	if (proc < 0) {
		CHECK(mkdtemp(root) != NULL);
		proc = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(proc >= 0);
	}
	owner_scan_init(&scan, proc);
}

static void close_tree(void)
{
	char command[64];

	owner_scan_finish(&scan);
	snprintf(command, sizeof(command), "rm -rf %s/*", root);
	CHECK_EQ(system(command), 0);
}

/* However slow the machine is. */
static int32_t find(uint32_t inode)
{
	return owner_scan_find(&scan, inode, UINT64_MAX);
}

static void have(const char *process, int fd, const char *what)
{
	char path[64];

	(void)mkdirat(scan.proc, process, 0755);
	snprintf(path, sizeof(path), "%s/fd", process);
	(void)mkdirat(scan.proc, path, 0755);
	snprintf(path, sizeof(path), "%s/fd/%d", process, fd);
	CHECK_EQ(symlinkat(what, scan.proc, path), 0);
}

TEST(newest_that_has_it)
{
	open_tree();
	have("100", 3, "socket:[55]");
	have("200", 3, "socket:[55]");
	have("300", 3, "socket:[5]");
	owner_scan_add(&scan, 100);
	CHECK_EQ(find(55), 100);
	owner_scan_add(&scan, 200);
	owner_scan_add(&scan, 300);
	CHECK_EQ(find(55), 200);
	CHECK_EQ(find(5), 300);
	CHECK_EQ(find(555), 0);
	owner_scan_remove(&scan, 200);
	CHECK_EQ(find(55), 100);
	close_tree();
}

TEST(any_descriptor)
{
	open_tree();
	owner_scan_add(&scan, 100);
	have("100", 0, "socket:[1]");
	have("100", 2, "/dev/null");
	have("100", 7, "socket:[7]");
	have("100", 12, "socket:[12]");
	have("100", 4000, "socket:[4294967295]");
	have("100", 4001, "pipe:[8]");
	CHECK_EQ(find(1), 100);
	CHECK_EQ(find(7), 100);
	CHECK_EQ(find(12), 100);
	CHECK_EQ(find(UINT32_MAX), 100);
	CHECK_EQ(find(8), 0);
	CHECK_EQ(find(429496729), 0);
	close_tree();
}

TEST(who_is_gone_is_not_asked_again)
{
	open_tree();
	have("100", 3, "socket:[55]");
	owner_scan_add(&scan, 100);
	for (int i = 0; i < 1000; i++)
		owner_scan_add(&scan, 1000 + i);
	CHECK_EQ(owner_scan_find(&scan, 55, 0), 0);	/* but one */
	CHECK_EQ(scan.forked[1000], 0);
	CHECK_EQ(scan.forked[999], 1998);
	CHECK_EQ(find(55), 100);
	for (int i = 1; i <= 1000; i++)
		CHECK_EQ(scan.forked[i], 0);
	CHECK_EQ(scan.forked[0], 100);
	close_tree();
}

/* One that is no newcomer is remembered beyond the ring; one that is gone is not. */
TEST(recent)
{
	char name[16];

	open_tree();
	have("100", 3, "socket:[55]");
	owner_scan_add(&scan, 100);
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "%d", 200 + i);
		have(name, 0, "/dev/null");
		owner_scan_add(&scan, 200 + i);
	}
	CHECK_EQ(find(55), 100);
	CHECK_EQ(scan.recent[0], 100);
	for (int i = 0; i < OWNER_FORKED_MAX; i++)
		owner_scan_add(&scan, 0);
	CHECK_EQ(find(55), 100);
	CHECK_EQ(scan.recent[0], 100);
	CHECK_EQ(scan.recent[1], 0);
	owner_scan_remove(&scan, 100);
	CHECK_EQ(scan.recent[0], 0);
	CHECK_EQ(find(55), 0);
	close_tree();
}

TEST(all)
{
	struct owner_wanted wanted[] = { { .inode = 55 }, { .inode = 7 }, { .inode = 9 },
					 { .inode = 55 } };

	open_tree();
	have("100", 3, "socket:[55]");
	have("100", 400, "socket:[7]");
	have("100", 401, "socket:[77]");
	have("self", 3, "socket:[9]");
	CHECK_EQ(owner_scan_all(&scan, wanted, 4), 0);
	CHECK_EQ(wanted[0].tgid, 100);
	CHECK_EQ(wanted[1].tgid, 100);
	CHECK_EQ(wanted[2].tgid, 0);
	CHECK_EQ(wanted[3].tgid, 100);
	CHECK_EQ(scan.recent[0], 100);
	close_tree();
	(void)rmdir(root);
}

TEST(running_kernel)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct owner_wanted wanted = { 0 };
	struct stat st;

	CHECK(proc >= 0 && fd >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	wanted.inode = (uint32_t)st.st_ino;
	owner_scan_init(&scan, proc);
	CHECK_EQ(find(wanted.inode), 0);
	owner_scan_add(&scan, getpid());
	CHECK_EQ(find(wanted.inode), getpid());
	CHECK_EQ(owner_scan_all(&scan, &wanted, 1), 0);
	CHECK_EQ(wanted.tgid, getpid());
	close(fd);
	CHECK_EQ(find((uint32_t)st.st_ino), 0);
	owner_scan_finish(&scan);
	close(proc);
}

/* The kernel checks that a filter ends, whatever its number of ports. */
TEST(filters)
{
	static const uint16_t ports[OWNER_TAP_QUIET_MAX + 1] = { 1, 53, 65535 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(fd >= 0);
	for (size_t n = 0; n <= OWNER_TAP_QUIET_MAX; n++) {
		CHECK_EQ(owner_tap_take(fd, OWNER_TAP_ALL, ports, n), 0);
		CHECK_EQ(owner_tap_take(fd, OWNER_TAP_TCP, ports, n), 0);
	}
	CHECK_EQ(owner_tap_take(fd, OWNER_TAP_NOTHING, NULL, 0), 0);
	CHECK_EQ(owner_tap_take(-1, OWNER_TAP_ALL, NULL, 0), -EBADF);
	close(fd);
}

TEST_MAIN()
