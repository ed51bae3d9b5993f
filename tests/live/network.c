/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All of the network at once, in three namespaces: our own, and two that a veth pair connects. */
#include "network_told.h"

/* Two namespaces and a pair of devices between them, 10.1.0.1 and .2. */
static void connect_spaces(pid_t a, pid_t b)
{
	sh(a, "ip link add va type veth peer name vb netns %d; ip addr add 10.1.0.1/24 dev va;"
	   "ip link set va up", b);
	sh(b, "ip addr add 10.1.0.2/24 dev vb; ip link set vb up");
	rest(300);
}

static bool is_one_of(int32_t pid, const struct truth *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].pid == pid)
			return true;
	return false;
}

/* So much is told at a time; the next drains go on. */
static void await_listening(unsigned int space)
{
	for (int i = 0; i < 400 && !all.space[space].listening; i++)
		drain_for(5);
}

TEST(two_namespaces)
{
	pid_t a, b, server;
	struct network_account account;
	struct truth *t;
	unsigned int right = 0;
	uint64_t quiet;

	leave_for_own();
	a = new_namespace();
	b = new_namespace();
	connect_spaces(a, b);
	server = serve(b);
	CHECK_EQ(try_open(NULL, NETWORK_OWNER_AUTO), 0);
	all.space[0].netns = network_own(network);
	all.space[1].netns = inode_of(a);
	all.space[2].netns = inode_of(b);
	CHECK_EQ(network_own(network), netns_of_thread());
	CHECK_EQ(network_enter(network, all.space[2].netns, a, &fns, NULL), -ESRCH);
	CHECK_EQ(network_enter(network, all.space[1].netns, a, &fns, NULL), 0);
	CHECK_EQ(network_enter(network, all.space[1].netns, a, &fns, NULL), 1);
	CHECK_EQ(network_enter(network, all.space[2].netns, server, &fns, NULL), 0);
	CHECK_EQ(network_own(network), netns_of_thread());
	await_listening(2);
	CHECK_EQ(all.space[2].listening, 1);
	CHECK_EQ(all.space[1].listening, 0);
	t = clients(a, "10.1.0.2", CLIENTS, 8, drain);
	quiet = clock_now(&real);
	while (network_packets_until(network) < quiet || network_records_until(network) < quiet)
		drain_for(5);
	CHECK(clock_now(&real) < quiet + 10 * NSEC_PER_SEC);
	drain_for(200);
	for (size_t i = 0; i < MIN(all.opened, OPENED_MAX); i++)
		right += is_one_of(all.pids[i], t, CLIENTS);
	munmap(t, CLIENTS * sizeof(*t));
	printf("# packets %llu %llu, notices %u %u, opened %u\n",
	       (unsigned long long)all.space[1].packets, (unsigned long long)all.space[2].packets,
	       all.space[1].clients, all.space[2].servers, all.opened);
	CHECK_EQ(right, CLIENTS);
	CHECK_EQ(all.space[1].packets, all.space[2].packets);
	CHECK_EQ(all.space[1].in, all.space[2].out);
	CHECK_EQ(all.space[1].out, all.space[2].in);
	CHECK_EQ(all.space[1].payload, CLIENTS * 2 * PAYLOAD);
	CHECK_EQ(all.space[2].payload, CLIENTS * 2 * PAYLOAD);
	CHECK_EQ(all.space[0].packets, 0);
	CHECK_EQ(all.space[1].clients, CLIENTS);
	CHECK_EQ(all.space[2].servers, CLIENTS);
	CHECK_EQ(all.space[1].servers + all.space[2].clients, 0);
	CHECK_EQ(all.space[1].wrong + all.space[2].wrong, 0);
	network_get_account(network, &account);
	CHECK(account.captures && account.notices_open && account.perf && !account.lookups);
	CHECK_EQ(account.namespaces, 3);
	CHECK(account.packets >= 2 * all.space[1].packets);
	CHECK_EQ(account.packets_dropped + account.records_lost + account.notices_lost, 0);
	CHECK(!strcmp(account.packets_state, "any, 16 MiB ring"));
	CHECK(!strncmp(account.sockets_state, "tracepoints, ", 13));
	CHECK(strstr(account.sockets_state, " MiB rings, UDP payload"));
	CHECK_EQ(said[0], '\0');
	end_process(server);
	end_process(a);
	end_process(b);
	end();
}

static void flood(unsigned int ms)
{
	const uint64_t end_ns = clock_now(&real) + ms * NSEC_PER_MSEC;
	struct end to = end_of("127.0.0.1", PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	while (clock_now(&real) < end_ns) {
		for (int i = 0; i < 500; i++)
			(void)!sendto(fd, "", 1, 0, &to.u.any, to.len);
		drain();
	}
	close(fd);
}

static void few(void)
{
	struct end to = end_of("127.0.0.1", PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (int i = 0; i < FEW; i++)
		(void)!sendto(fd, "", 1, 0, &to.u.any, to.len);
	close(fd);
}

/* Others may flood as well, so many of them that all is off. */
static void wait_for_udp(void)
{
	for (int i = 0; i < 100 && (!all.udp || all.own_off); i++)
		drain_for(100);
	CHECK(all.udp && !all.own_off);
}

/* Too many datagrams switch a process's records off; a while later they are on again. */
TEST(flood_of_datagrams)
{
	unsigned int before;

	leave_for_own();
	sh(0, "ip link set lo up");
	CHECK_EQ(try_open(NULL, NETWORK_OWNER_PERF), 0);
	all.space[0].netns = network_own(network);
	drain_for(10);
	wait_for_udp();
	few();
	drain_for(20);
	CHECK_EQ(all.udp_records, FEW);
	flood(300);
	drain_for(20);
	CHECK(all.own_off);
	before = all.udp_records;
	few();
	drain_for(20);
	CHECK_EQ(all.udp_records, before);
	wait_for_udp();
	few();
	drain_for(20);
	CHECK_EQ(all.udp_records, before + FEW);
	CHECK_EQ(all.lost, 0);
	end();
}

static void ask_udp(void)
{
	struct end to = end_of("127.0.0.1", PORT);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)!sendto(fd, "", 1, 0, &to.u.any, to.len);
	rest(20);
	close(fd);
}

TEST(lookups)
{
	struct network_account account;

	leave_for_own();
	sh(0, "ip link set lo up");
	CHECK_EQ(try_open("lo", NETWORK_OWNER_DIAG), 0);
	all.space[0].netns = network_own(network);
	drain();
	CHECK(!all.udp);
	CHECK_EQ(all.udp_changes, 1);
	ask_udp();
	drain_for(300);
	CHECK(all.found_right >= 1);
	CHECK_EQ(all.opened + all.udp_records, 0);
	CHECK(network_records_until(network) == UINT64_MAX);
	network_get_account(network, &account);
	CHECK(!account.perf && account.captures && account.lookups);
	CHECK(!strcmp(account.packets_state, "lo, 16 MiB ring"));
	CHECK(!strncmp(account.sockets_state, "lookups, ", 9));
	end();
}

TEST(no_such_device)
{
	leave_for_own();
	CHECK_EQ(try_open("v9", NETWORK_OWNER_PERF), 0);
	CHECK(strstr(said, "packets of v9: no such device here: counted when there is one"));
	network = network_free(network);
	CHECK_EQ(try_open("v9,", NETWORK_OWNER_PERF), -EINVAL);
}

/* What is left of a root without capabilities is told, and counts nothing. */
static int without_capabilities(void)
{
	struct network_account account;

	/* Without packets there is nothing to own: one line says so. */
	if (try_open(NULL, NETWORK_OWNER_PERF) != 0 || !strstr(said, "CAP_NET_RAW"))
		return 1;
	network = network_free(network);
	if (try_open(NULL, NETWORK_OWNER_AUTO) != 0)
		return 2;
	all.space[0].netns = network_own(network);
	if (network_drain(network, &fns, NULL) != 0 || all.udp_changes != 1 || all.udp)
		return 3;
	network_get_account(network, &account);
	if (account.captures || account.perf || strncmp(account.packets_state, "off: ", 5) != 0 ||
	    strncmp(account.sockets_state, "off: ", 5) != 0 ||
	    network_packets_until(network) != UINT64_MAX)
		return 4;
	network_free(network);
	return 0;
}

TEST(without_privileges)
{
	int status = 0;
	pid_t pid;

	leave_for_own();
	pid = fork();
	if (pid == 0) {
		if (setuid(65534) < 0)
			_exit(10);
		_exit(without_capabilities());
	}
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
}

TEST_MAIN()
