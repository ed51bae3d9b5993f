/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What needs no privilege of network namespaces; entering them has tests/live/network.c. */
#include "source/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "test.h"
#include "util/macro.h"

static bool parse(const char *text, char *line, uint32_t *ret_inode, const char **ret_path)
{
	snprintf(line, 256, "%s\n", text);
	return netns_parse_mount(line, ret_inode, ret_path);
}

TEST(mounts)
{
	static const struct {
		const char *line, *path;
		uint32_t inode;
	} cases[] = {
		{ "43 42 0:4 net:[4026532246] /run/netns/blue rw shared:2 - nsfs nsfs rw",
		  "/run/netns/blue", 4026532246u },
		{ "43 42 0:4 net:[7] /a\\040b\\134\\012c rw - nsfs nsfs rw", "/a b\\\nc", 7 },
		{ "43 42 0:4 net:[7] /a\\04 rw - nsfs nsfs rw", "/a\\04", 7 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *path = NULL;
		uint32_t inode = 0;
		char line[256];

		CHECK(parse(cases[i].line, line, &inode, &path));
		CHECK_EQ(inode, cases[i].inode);
		CHECK(!strcmp(path, cases[i].path));
	}
}

TEST(other_mounts)
{
	static const char *const cases[] = {
		"",
		"43",
		"43 42 0:4 net:[7]",
		"43 42 0:4 / /run/net:[7] rw - ext4 /dev/x rw",
		"43 42 0:4 mnt:[4026532246] /run/x rw - nsfs nsfs rw",
		"43 42 0:4 net:[] /run/x rw - nsfs nsfs rw",
		"43 42 0:4 net:[0] /run/x rw - nsfs nsfs rw",
		"43 42 0:4 net:[7 /run/x rw - nsfs nsfs rw",
		"43 42 0:4 net:[7]x /run/x rw - nsfs nsfs rw",
		"43 42 0:4 net:[4294967296] /run/x rw - nsfs nsfs rw",
		"43 42 0:4 net:[7] run/x rw - nsfs nsfs rw",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *path = "untouched";
		uint32_t inode = 1;
		char line[256];

		CHECK(!parse(cases[i], line, &inode, &path));
		CHECK_EQ(inode, 1);
		CHECK(!strcmp(path, "untouched"));
	}
}

TEST(our_own)
{
	const uint32_t own = netns_of_thread();
	uint32_t inode = 0;
	int fd;

	CHECK(own);
	CHECK_EQ(netns_of(getpid(), &inode), 0);
	CHECK_EQ(inode, own);
	fd = netns_open(getpid(), own);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	CHECK_EQ(netns_open(getpid(), own + 1), -ESRCH);
	CHECK_EQ(netns_of(INT32_MAX, &inode), -ESRCH);
	CHECK_EQ(netns_open(INT32_MAX, own), -ESRCH);
	CHECK_EQ(netns_open_mounted(1), -ESRCH);
}

/* Where it may not be entered, or is none, nothing runs. */
static int must_not_run(void *data)
{
	*(bool *)data = true;
	return 0;
}

TEST(nowhere)
{
	bool ran = false;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK(netns_run(fd, must_not_run, &ran) < 0);
	CHECK(!ran);
	close(fd);
}

TEST(mounts_are_read_once)
{
	struct netns_mounts m = { 0 };

	CHECK(netns_mounts_update(&m) < 0);
	CHECK_EQ(netns_mounts_open(&m), 0);
	CHECK_EQ(netns_mounts_update(&m), 1);
	CHECK(!netns_mounts_has(&m, 1));
	netns_mounts_close(&m);
	netns_mounts_close(&m);
}

TEST_MAIN()
