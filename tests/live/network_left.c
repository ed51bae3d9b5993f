/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Namespaces that are left, met again, mounted: none is kept alive, and nothing of them is lost. */
#include "network_told.h"

/* Of a pair of devices whose other end is in a namespace that dies. */
static bool goes(const char *device, unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i += 50) {
		if (!if_nametoindex(device))
			return true;
		drain_for(50);
	}
	return false;
}

TEST(a_namespace_that_was_left_dies)
{
	struct network_account account;
	pid_t a;

	leave_for_own();
	a = new_namespace();
	sh(0, "ip link add w0 type veth peer name w1 netns %d", a);
	CHECK_EQ(try_open(NULL, NETWORK_OWNER_AUTO), 0);
	all.space[0].netns = network_own(network);
	all.space[1].netns = inode_of(a);
	CHECK_EQ(network_enter(network, all.space[1].netns, a, &fns, NULL), 0);
	drain();
	CHECK_EQ(namespaces(), 2);
	CHECK(all.space[0].is_in);
	CHECK(all.space[1].is_in);
	end_process(a);
	CHECK(!goes("w0", 1000));
	network_leave(network, all.space[1].netns, &fns, NULL);
	CHECK_EQ(namespaces(), 1);
	CHECK(!all.space[1].is_in);
	CHECK(goes("w0", 10000));
	network_leave(network, all.space[1].netns, &fns, NULL);
	network_leave(network, all.space[0].netns, &fns, NULL);
	CHECK(all.space[0].is_in);
	CHECK_EQ(namespaces(), 1);
	network_get_account(network, &account);
	CHECK_EQ(account.namespaces, 1);
	CHECK_EQ(account.namespaces_peak, 2);
	end();
}

/* Its last packets wait in a block, notices and lookups in their queues: left is not gone. */
static void leave_unread(enum network_owner owner)
{
	struct network_account account;
	pid_t a, server;

	leave_for_own();
	a = new_namespace();
	server = serve(a);
	sh(0, "ip link add w0 type veth peer name w1 netns %d", a);
	CHECK_EQ(try_open(NULL, owner), 0);
	all.space[0].netns = network_own(network);
	all.space[1].netns = inode_of(a);
	CHECK_EQ(network_enter(network, all.space[1].netns, a, &fns, NULL), 0);
	drain();
	munmap(clients(a, "127.0.0.1", FEW, 1, NULL), FEW * sizeof(struct truth));
	end_process(server);
	end_process(a);
	network_leave(network, all.space[1].netns, &fns, NULL);
	CHECK_EQ(namespaces(), 1);
	CHECK_EQ(all.space[1].payload, 0);
	CHECK(goes("w0", 10000));
	CHECK_EQ(all.space[1].payload, FEW * 2 * PAYLOAD);
	CHECK_EQ(all.space[1].clients, FEW);
	CHECK_EQ(all.space[1].servers, FEW);
	printf("# %u answers of lookups\n", (unsigned int)all.found);	/* no forks are told here */
	network_get_account(network, &account);
	CHECK_EQ(account.namespaces, 1);
	CHECK(account.packets >= all.space[1].packets);
	CHECK_EQ(account.packets_dropped + account.notices_lost, 0);
	end();
}

TEST(what_is_unread_is_told_before_it_goes)
{
	leave_unread(NETWORK_OWNER_PERF);
}

TEST(so_are_lookups)
{
	leave_unread(NETWORK_OWNER_DIAG);
}

TEST(a_namespace_that_is_met_again_stays)
{
	pid_t a, server;

	leave_for_own();
	a = new_namespace();
	server = serve(a);
	CHECK_EQ(try_open(NULL, NETWORK_OWNER_PERF), 0);
	all.space[0].netns = network_own(network);
	all.space[1].netns = inode_of(a);
	CHECK_EQ(network_enter(network, all.space[1].netns, a, &fns, NULL), 0);
	network_leave(network, all.space[1].netns, &fns, NULL);
	drain();
	CHECK_EQ(network_enter(network, all.space[1].netns, a, &fns, NULL), 1);
	drain_for(300);
	CHECK_EQ(namespaces(), 2);
	munmap(clients(a, "127.0.0.1", FEW, 1, drain), FEW * sizeof(struct truth));
	drain_for(300);
	CHECK_EQ(all.space[1].payload, FEW * 2 * PAYLOAD);
	end_process(server);
	end_process(a);
	end();
}

/* Each is closed beside the drains: how long those take is to be seen. */
TEST(many_leave_at_once)
{
	uint32_t inodes[20];
	uint64_t longest = 0;
	char name[IFNAMSIZ];

	leave_for_own();
	CHECK_EQ(try_open(NULL, NETWORK_OWNER_PERF), 0);
	for (size_t i = 0; i < ARRAY_SIZE(inodes); i++) {
		pid_t a = new_namespace();

		sh(0, "ip link add w%zu type veth peer name p netns %d", i, a);
		inodes[i] = inode_of(a);
		CHECK_EQ(network_enter(network, inodes[i], a, &fns, NULL), 0);
		end_process(a);
	}
	for (size_t i = 0; i < ARRAY_SIZE(inodes); i++)
		network_leave(network, inodes[i], &fns, NULL);
	for (int i = 0; i < 200; i++) {
		const uint64_t begin = clock_now(&real);

		drain();
		longest = MAX(longest, clock_now(&real) - begin);
		rest(5);
	}
	printf("# longest drain %.1f ms\n", (double)longest / 1e6);
	for (size_t i = 0; i < ARRAY_SIZE(inodes); i++) {
		snprintf(name, sizeof(name), "w%zu", i);
		CHECK(goes(name, 10000));
	}
	all.strangers = 0;
	end();
}

TEST(mounted_namespaces)
{
	char place[] = "/tmp/pevent live XXXXXX";
	pid_t a;
	int fd;

	leave_for_own();
	sh(0, "umount -a -t nsfs");	/* those of others, for this process alone */
	fd = mkstemp(place);
	CHECK(fd >= 0);
	close(fd);
	CHECK_EQ(try_open(NULL, NETWORK_OWNER_AUTO), 0);
	all.space[0].netns = network_own(network);
	drain();
	CHECK_EQ(namespaces(), 1);
	a = new_namespace();
	all.space[1].netns = inode_of(a);
	sh(0, "ip link add w0 type veth peer name w1 netns %d;"
	   "mount --bind /proc/%d/ns/net \"%s\"", a, a, place);
	end_process(a);
	drain();
	CHECK_EQ(namespaces(), 2);
	CHECK_EQ(network_enter(network, all.space[1].netns, 0, &fns, NULL), 1);
	network_leave(network, all.space[1].netns, &fns, NULL);
	CHECK_EQ(namespaces(), 2);
	CHECK_EQ(umount(place), 0);
	CHECK(!goes("w0", 500));
	network_leave(network, all.space[1].netns, &fns, NULL);
	CHECK_EQ(namespaces(), 1);
	CHECK(goes("w0", 10000));
	unlink(place);
	end();
}

TEST_MAIN()
