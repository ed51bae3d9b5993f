/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/owner_quiet.h"
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

#define CPU 3

/* However slow the machine is, unless told. */
static struct owner_holder search(const uint32_t *inodes, size_t n, bool wide, uint64_t patience)
{
	const struct owner_search search = { .sockets = { inodes, n }, .cpu = CPU, .wide = wide,
					     .patience_ns = patience };
	struct owner_holder holder = { .tgid = -1 };

	owner_scan_find(&scan, &search, &holder);
	return holder;
}

static int32_t find(uint32_t inode)
{
	return search(&inode, 1, false, UINT64_MAX).tgid;
}

static void have(const char *process, int fd, const char *what)
{
	char path[64];

	(void)mkdirat(scan.proc.dir, process, 0755);
	snprintf(path, sizeof(path), "%s/fd", process);
	(void)mkdirat(scan.proc.dir, path, 0755);
	snprintf(path, sizeof(path), "%s/fd/%d", process, fd);
	CHECK_EQ(symlinkat(what, scan.proc.dir, path), 0);
}

/* As the highest of its descriptors: a directory of the kernel's has their number as its size. */
static int have_newest(const char *process, const char *what)
{
	char from[64], to[64];
	struct stat st;

	have(process, 1000000, what);
	snprintf(from, sizeof(from), "%s/fd", process);
	CHECK_EQ(fstatat(scan.proc.dir, from, &st, 0), 0);
	snprintf(from, sizeof(from), "%s/fd/1000000", process);
	snprintf(to, sizeof(to), "%s/fd/%d", process, (int)st.st_size - 1);
	CHECK_EQ(renameat(scan.proc.dir, from, scan.proc.dir, to), 0);
	return (int)st.st_size - 1;
}

/* Both have it by that number: the child's newest are others. */
static void have_inherited(const char *parent, const char *child, const char *what)
{
	char from[64];
	struct stat st;

	have_newest(parent, what);
	snprintf(from, sizeof(from), "%s/fd", parent);
	CHECK_EQ(fstatat(scan.proc.dir, from, &st, 0), 0);
	have(child, (int)st.st_size - 1, what);
	for (int i = 0; i < 500; i++) {
		snprintf(from, sizeof(from), "%s/fd/its-name-takes-room-%032d", child, i);
		CHECK_EQ(symlinkat("/dev/null", scan.proc.dir, from), 0);
	}
}

/* As the kernel's stat has it: state, parent, threads, CPU. */
static void is(const char *process, char state, int parent, int threads, int cpu)
{
	char path[64], line[256];
	int fd, n;

	snprintf(path, sizeof(path), "%s/stat", process);
	fd = openat(scan.proc.dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	n = snprintf(line, sizeof(line), "1 (a) %c %d 0 0 0 -1 0 0 0 0 0 0 0 0 0 20 0 %d 0 9 "
		     "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 17 %d 0 0 0 0 0\n", state, parent, threads,
		     cpu);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, line, (size_t)n), n);
	close(fd);
}

/* When its first thread last ran. */
static void ran(const char *process, const char *ms)
{
	char command[256];

	snprintf(command, sizeof(command), "mkdir -p %s/%s/task/%s && "
		 "echo 'a\nse.exec_start  :  %s' >%s/%s/task/%s/sched", root, process, process, ms,
		 root, process, process);
	CHECK_EQ(system(command), 0);
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

/* What the kernel tells of it beside the link. */
static void describe(const char *process, int fd, int mount, int inode)
{
	char command[192];

	snprintf(command, sizeof(command), "mkdir -p %s/%s/fdinfo && printf 'pos:\t0\nflags:\t02\n"
		 "mnt_id:\t%d\nino:\t%d\n' >%s/%s/fdinfo/%d", root, process, mount, inode, root,
		 process, fd);
	CHECK_EQ(system(command), 0);
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
	const uint32_t inode = 55;

	open_tree();
	have("100", 3, "socket:[55]");
	owner_scan_add(&scan, 100);
	for (int i = 0; i < 1000; i++)
		owner_scan_add(&scan, 1000 + i);
	CHECK_EQ(search(&inode, 1, false, 0).tgid, 0);	/* but one */
	CHECK_EQ(scan.forked[1000], 0);
	CHECK_EQ(scan.forked[999], 1998);
	CHECK_EQ(find(55), 100);
	for (int i = 1; i <= 1000; i++)
		CHECK_EQ(scan.forked[i], 0);
	CHECK_EQ(scan.forked[0], 100);
	close_tree();
}

/* Who has it from its parent is named when it runs here, else its parent is. */
TEST(inherited)
{
	const uint32_t inode = 55;
	struct owner_holder h;

	open_tree();
	have("100", 3, "socket:[55]");
	have("200", 3, "socket:[55]");
	have("300", 3, "socket:[55]");
	is("100", 'S', 1, 1, CPU);
	is("200", 'S', 100, 1, CPU);
	is("300", 'S', 100, 1, CPU);
	owner_scan_add(&scan, 200);
	owner_scan_add(&scan, 300);
	h = search(&inode, 1, false, UINT64_MAX);
	CHECK_EQ(h.tgid, 100);
	CHECK(h.others && !h.certain);
	is("200", 'R', 100, 1, CPU + 1);
	CHECK_EQ(search(&inode, 1, true, UINT64_MAX).tgid, 100);
	is("200", 'R', 100, 1, CPU);
	h = search(&inode, 1, true, UINT64_MAX);
	CHECK_EQ(h.tgid, 200);
	CHECK_EQ(h.fd, 3);
	CHECK(h.others && h.certain);
	is("100", 'R', 1, 1, CPU);
	ran("100", "1000.000001");
	ran("200", "999.999999");
	CHECK_EQ(search(&inode, 1, true, UINT64_MAX).tgid, 100);
	ran("200", "1000.000002");
	CHECK_EQ(search(&inode, 1, true, UINT64_MAX).tgid, 200);
	ran("200", "1000.000001");
	CHECK(!search(&inode, 1, true, UINT64_MAX).certain);
	is("200", 'S', 100, 1, CPU);
	h = search(&inode, 1, false, UINT64_MAX);
	CHECK_EQ(h.tgid, 100);
	CHECK(h.others && h.certain);
	close_tree();
}

/*
 * A newcomer's descriptors are read without their links: an inode is a socket's where its mount is
 * that of sockets. Before Linux 5.14 it has none.
 */
TEST(descriptors_without_links)
{
	int fd;

	open_tree();
	fd = have_newest("100", "/dev/null");
	describe("100", fd, 10, 55);
	is("100", 'R', 1, 1, CPU);
	fd = have_newest("200", "socket:[55]");
	describe("200", fd, 24, 55);
	is("200", 'R', 1, 1, CPU);
	owner_scan_add(&scan, 100);
	owner_scan_add(&scan, 200);
	owner_proc_init(&scan.newcomers, scan.proc.dir, 7);
	CHECK_EQ(find(55), 200);
	describe("self", 7, 10, 1);
	owner_proc_init(&scan.newcomers, scan.proc.dir, 7);
	CHECK_EQ(find(55), 100);
	scan.told_ns[0] = scan.told_ns[1] = 0;
	CHECK_EQ(find(55), 200);
	owner_scan_add(&scan, 100);
	describe("self", 7, 10, 0);
	owner_proc_init(&scan.newcomers, scan.proc.dir, 7);
	CHECK_EQ(find(55), 200);
	close_tree();
}

/* A parent that has just opened it is found at once; but a child may have it below newer ones. */
TEST(inherited_among_many)
{
	const uint32_t inode = 55;
	struct owner_holder h;

	open_tree();
	have_inherited("100", "200", "socket:[55]");
	is("100", 'R', 1, 1, CPU);
	is("200", 'S', 100, 1, CPU);
	owner_scan_add(&scan, 100);
	h = search(&inode, 1, false, UINT64_MAX);
	CHECK_EQ(h.tgid, 100);
	CHECK(!h.others && h.certain);
	owner_scan_add(&scan, 200);
	h = search(&inode, 1, false, UINT64_MAX);
	CHECK_EQ(h.tgid, 100);
	CHECK(h.others && h.certain);
	is("100", 'S', 1, 1, CPU);
	is("200", 'R', 100, 1, CPU);
	h = search(&inode, 1, false, UINT64_MAX);
	CHECK_EQ(h.tgid, 200);
	CHECK(h.others && h.certain);
	have("300", 3, "socket:[55]");
	is("200", 'S', 100, 1, CPU);
	is("300", 'R', 100, 1, CPU);
	owner_scan_add(&scan, 300);
	h = search(&inode, 1, false, UINT64_MAX);	/* by another number */
	CHECK_EQ(h.tgid, 300);
	CHECK(h.others && h.certain);
	owner_scan_remove(&scan, 300);
	is("100", 'R', 1, 1, CPU);
	is("200", 'R', 100, 1, CPU);
	ran("100", "1000.000001");
	ran("200", "1000.000002");
	h = search(&inode, 1, false, UINT64_MAX);
	CHECK_EQ(h.tgid, 200);
	CHECK(h.others && h.certain);
	is("100", 'S', 1, 1, CPU);
	is("200", 'S', 100, 1, CPU);
	h = search(&inode, 1, false, UINT64_MAX);
	CHECK_EQ(h.tgid, 100);
	CHECK(h.others && !h.certain);
	close_tree();
}

/* One that has it alone is named, whether it runs or not; any of its threads may. */
TEST(alone)
{
	const uint32_t inode = 55;
	struct owner_holder h;

	open_tree();
	have("100", 3, "socket:[5]");
	have("200", 3, "socket:[55]");
	is("100", 'R', 1, 1, CPU);
	is("200", 'S', 100, 2, CPU);
	owner_scan_add(&scan, 100);
	owner_scan_add(&scan, 200);
	h = search(&inode, 1, true, UINT64_MAX);
	CHECK_EQ(h.tgid, 200);
	CHECK(!h.others && !h.certain);
	CHECK_EQ(mkdirat(scan.proc.dir, "200/task", 0755), 0);
	CHECK_EQ(mkdirat(scan.proc.dir, "200/task/201", 0755), 0);
	is("200/task/201", 'R', 100, 2, CPU);
	h = search(&inode, 1, true, UINT64_MAX);
	CHECK_EQ(h.tgid, 200);
	CHECK(!h.others && h.certain);
	close_tree();
}

/* Two sockets, either of which may have sent: who runs has; else who has both. */
TEST(several_sockets)
{
	const uint32_t inodes[] = { 55, 56 };
	struct owner_holder h;

	open_tree();
	have("100", 3, "socket:[56]");
	have("200", 4, "socket:[55]");
	is("100", 'S', 1, 1, CPU);
	is("200", 'S', 1, 1, CPU);
	owner_scan_add(&scan, 100);
	owner_scan_add(&scan, 200);
	CHECK_EQ(search(inodes, 2, true, UINT64_MAX).tgid, 0);
	CHECK_EQ(search(inodes, 2, false, UINT64_MAX).tgid, 0);
	is("100", 'R', 1, 1, CPU);
	h = search(inodes, 2, true, UINT64_MAX);
	CHECK_EQ(h.tgid, 100);
	CHECK_EQ(h.inode, 56);
	CHECK(!h.others && h.certain);
	is("100", 'S', 1, 1, CPU);
	owner_scan_remove(&scan, 100);
	CHECK_EQ(search(inodes, 2, true, UINT64_MAX).tgid, 0);
	have("200", 5, "socket:[56]");
	h = search(inodes, 2, true, UINT64_MAX);
	CHECK_EQ(h.tgid, 200);
	CHECK_EQ(h.inode, 55);
	CHECK(!h.certain);
	close_tree();
}

/* Two that have one socket and nothing else in common: nobody knows who sent. */
TEST(passed)
{
	const uint32_t inode = 55;
	struct owner_holder h;

	open_tree();
	have("100", 3, "socket:[55]");
	have("200", 9, "socket:[55]");
	is("100", 'S', 1, 1, CPU);
	is("200", 'S', 1, 1, CPU);
	owner_scan_add(&scan, 100);
	owner_scan_add(&scan, 200);
	CHECK_EQ(search(&inode, 1, true, UINT64_MAX).tgid, 0);
	is("100", 'R', 1, 1, CPU);
	h = search(&inode, 1, true, UINT64_MAX);
	CHECK_EQ(h.tgid, 100);
	CHECK(h.others && h.certain);
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
	/* Though it is asked as one of those, and of those forked. */
	CHECK(!search(&(const uint32_t){ 55 }, 1, true, UINT64_MAX).others);
	for (int i = 0; i < OWNER_FORKED_MAX; i++)
		owner_scan_add(&scan, 0);
	CHECK_EQ(find(55), 100);
	CHECK_EQ(scan.recent[0], 100);
	CHECK_EQ(scan.recent[1], 0);
	have("300", 3, "socket:[56]");
	for (int i = 0; i < 9; i++)
		owner_scan_add(&scan, i ? 199 + i : 300);
	CHECK_EQ(find(56), 300);
	CHECK_EQ(find(55), 100);
	owner_scan_remove(&scan, 100);
	CHECK_EQ(find(56), 300);
	CHECK_EQ(scan.recent[0], 300);
	CHECK_EQ(scan.recent[1], 0);
	CHECK_EQ(scan.recent[2], 0);
	owner_scan_remove(&scan, 300);
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
	for (size_t i = 0; i < 4; i++)
		CHECK(!wanted[i].shared);
	close_tree();
}

/* The ancestor of those that have it, in either order; else nobody. */
TEST(all_shared)
{
	struct owner_wanted wanted[] = { { .inode = 7 }, { .inode = 9 } };

	open_tree();
	have("200", 4, "socket:[7]");
	have("300", 4, "socket:[7]");
	have("300", 5, "socket:[9]");
	have("300", 6, "socket:[9]");
	is("200", 'S', 300, 1, 0);
	is("300", 'S', 1, 1, 0);
	CHECK_EQ(owner_scan_all(&scan, wanted, 2), 0);
	CHECK_EQ(wanted[0].tgid, 300);
	CHECK(wanted[0].shared);
	CHECK_EQ(wanted[1].tgid, 300);
	CHECK(!wanted[1].shared);
	is("200", 'S', 1, 1, 0);
	is("300", 'S', 200, 1, 0);
	CHECK_EQ(owner_scan_all(&scan, wanted, 1), 0);
	CHECK_EQ(wanted[0].tgid, 200);
	is("300", 'S', 1, 1, 0);
	CHECK_EQ(owner_scan_all(&scan, wanted, 1), 0);
	CHECK_EQ(wanted[0].tgid, 0);
	CHECK(wanted[0].shared);
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
	owner_proc_init(&scan.newcomers, proc, fd);
	CHECK(scan.newcomers.sockets || system("grep -q ino: /proc/self/fdinfo/0"));
	CHECK_EQ(find(wanted.inode), getpid());
	CHECK_EQ(find((uint32_t)st.st_ino + 1000000), 0);
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

/* Whoever repeats is found among those who do not, however many; and only then. */
TEST(repeaters)
{
	struct owner_repeaters r = { 0 };
	uint32_t tap = 0;
	uint16_t port = 0;

	for (uint16_t i = 0; i < 500; i++) {
		owner_repeaters_count(&r, 0, (uint16_t)(1000 + i));
		if (i % 3 == 0)
			owner_repeaters_count(&r, 1, 53);
		if (i % 2 == 0)
			owner_repeaters_count(&r, 0, 99);
	}
	CHECK(owner_repeaters_take(&r, 10, &tap, &port));
	CHECK_EQ(tap, 0);
	CHECK_EQ(port, 99);
	CHECK(owner_repeaters_take(&r, 10, &tap, &port));
	CHECK_EQ(tap, 1);
	CHECK_EQ(port, 53);
	CHECK(!owner_repeaters_take(&r, 10, &tap, &port));
	CHECK_EQ(port, 53);
}

TEST(quiet)
{
	struct owner_quiet q = { 0 };

	CHECK(!owner_quiet_has(&q, 53));
	CHECK(owner_quiet_add(&q, 53, 1000));
	CHECK(owner_quiet_has(&q, 53));
	CHECK(!owner_quiet_has(&q, 54));
	CHECK(!owner_quiet_end(&q, 1000 + 999999999));
	CHECK(owner_quiet_add(&q, 54, 2000));
	CHECK(owner_quiet_end(&q, 1000 + 1000000000));
	CHECK(!owner_quiet_has(&q, 53));
	CHECK(owner_quiet_has(&q, 54));
	for (uint16_t i = 1; i < OWNER_TAP_QUIET_MAX; i++)
		CHECK(owner_quiet_add(&q, i, 3000));
	CHECK(owner_quiet_has(&q, 9999));
	CHECK(!owner_quiet_add(&q, 9999, 3000));
}

TEST_MAIN()
