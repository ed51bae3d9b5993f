/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each way to tracefs finds the same formats, and leaves nothing. */
#include "source/tracefs.h"

#include "namespaces.h"

static struct tracepoint_format formats[TRACEPOINT_COUNT];

static size_t read_mounts(char *buf, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	size_t n;

	CHECK(f);
	n = fread(buf, 1, size, f);
	fclose(f);
	return n;
}

static int highest_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void check_way(enum tracefs_way way)
{
	static char before[1 << 20], after[1 << 20];
	size_t len, fd;

	if (geteuid() != 0)
		SKIP("needs root");
	len = read_mounts(before, sizeof(before));
	fd = (size_t)highest_fd();
	memset(formats, 0, sizeof(formats));
	CHECK_EQ(tracefs_formats(way, formats), 0);
	CHECK_EQ(read_mounts(after, sizeof(after)), len);
	CHECK(!memcmp(before, after, len));
	CHECK_EQ(highest_fd(), fd);
	CHECK_EQ(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	CHECK_EQ(errno, ECHILD);
	CHECK(formats[TRACEPOINT_STATE].id);
	CHECK_EQ(formats[TRACEPOINT_STATE].field[TRACEPOINT_SKADDR].size, sizeof(void *));
}

static void check_same(const struct tracepoint_format *other)
{
	for (size_t i = 0; i < TRACEPOINT_COUNT; i++) {
		CHECK_EQ(formats[i].kind, other[i].kind);
		CHECK_EQ(formats[i].id, other[i].id);
		for (size_t k = 0; k < TRACEPOINT_FIELD_COUNT; k++) {
			CHECK_EQ(formats[i].field[k].offset, other[i].field[k].offset);
			CHECK_EQ(formats[i].field[k].size, other[i].field[k].size);
			CHECK_EQ(formats[i].field[k].is_signed, other[i].field[k].is_signed);
		}
	}
}

TEST(a_child_and_a_detached_mount_say_the_same)
{
	struct tracepoint_format other[TRACEPOINT_COUNT];

	check_way(TRACEFS_CHILD);
	memcpy(other, formats, sizeof(other));
	check_way(TRACEFS_DETACHED);
	check_same(other);
}

/* In the last case: mounts are this process's own from here on. */
TEST(so_does_one_that_is_mounted)
{
	struct tracepoint_format other[TRACEPOINT_COUNT];

	check_way(TRACEFS_ANY);
	memcpy(other, formats, sizeof(other));
	leave_for_own();
	CHECK_EQ(mount("pevent-test", "/sys/kernel/tracing", "tracefs", 0, NULL), 0);
	check_way(TRACEFS_MOUNTED);
	check_same(other);
	CHECK_EQ(mount("pevent-test", "/sys/kernel/tracing", "tmpfs", 0, NULL), 0);
	CHECK(tracefs_formats(TRACEFS_MOUNTED, formats) < 0);
	check_way(TRACEFS_CHILD);
	check_same(other);
}

TEST_MAIN()
