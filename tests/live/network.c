/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All of the network at once, in three namespaces: our own, and two that a veth pair connects. */
#include "source/network.h"

#include <netinet/tcp.h>

#include "namespaces.h"
#include "source/netns.h"
#include "util/clock.h"
#include "util/macro.h"

#define CLIENTS 200
#define FEW 20
#define OPENED_MAX 65536	/* by anybody on this machine */

static const struct clock real;
static char said[512];

static void hear(void *data, int level, const char *message)
{
	(void)data;
	if (level < LOG_LEVEL_DEBUG)
		snprintf(said, sizeof(said), "%s", message);
}

static const struct log listener = { hear, NULL };

/* What one namespace told. */
struct told {
	uint32_t netns;
	uint64_t packets, payload, in, out;
	unsigned int clients, servers, listening, wrong;
};

static struct {
	struct told space[4];
	unsigned int strangers;	/* of other namespaces */
	unsigned int opened;	/* records */
	uint64_t last_ns, backwards, lost;
	uint64_t late, late_ns;	/* packets that all should have been drained before, by how much */
	unsigned int udp_changes, udp_records, found, found_right;
	bool udp, own_off;
	int32_t pids[OPENED_MAX];
} all;

static struct network *network;

static struct told *told_of(uint32_t netns)
{
	for (size_t i = 0; i < ARRAY_SIZE(all.space); i++)
		if (all.space[i].netns == netns)
			return &all.space[i];
	all.strangers++;
	return &all.space[ARRAY_SIZE(all.space) - 1];
}

static void packet(void *data, uint32_t netns, const struct packet *p, uint64_t time_ns)
{
	struct told *t = told_of(netns);
	const uint64_t until = network_packets_until(network);	/* as of the drain before */

	(void)data;
	CHECK(time_ns <= clock_now(&real));
	if (time_ns <= until) {
		all.late++;
		all.late_ns = MAX(all.late_ns, until - time_ns);
	}
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP)
		return;
	t->packets++;
	t->payload += p->payload_bytes;
	t->in += p->direction == PACKET_INCOMING;
	t->out += p->direction == PACKET_OUTGOING;
}

static void record(void *data, const struct tracepoint_record *r)
{
	(void)data;
	all.backwards += r->time_ns < all.last_ns;
	all.last_ns = r->time_ns;
	if (r->kind == TRACEPOINT_STATE && r->new_state == TCP_SYN_SENT) {
		if (all.opened < OPENED_MAX)
			all.pids[all.opened] = r->pid;
		all.opened++;
	}
	if (r->kind != TRACEPOINT_STATE) {
		CHECK(all.udp);
		all.udp_records += r->pid == getpid();
	}
}

static void destroyed(_unused_ void *data, uint32_t netns, const struct inet_diag_socket *s,
		      _unused_ uint64_t time_ns)
{
	struct told *t = told_of(netns);
	uint64_t sent = s->tcp.bytes_sent - s->tcp.bytes_retrans;

	if (s->id.protocol != IPPROTO_TCP || !s->id.remote_port)
		return;
	t->clients += s->id.remote_port == PORT;
	t->servers += s->id.local_port == PORT;
	t->wrong += sent != PAYLOAD;
}

static void existing(void *data, uint32_t netns, const struct inet_diag_socket *s)
{
	(void)data;
	told_of(netns)->listening += s->state == TCP_LISTEN && s->id.local_port == PORT &&
				     s->id.protocol == IPPROTO_TCP && s->inode;
}

static void found(void *data, const struct network_found *f)
{
	(void)data;
	all.found += f->tgid != 0;
	all.found_right += f->tgid == getpid();
}

static void udp(void *data, bool on, uint64_t time_ns)
{
	(void)data;
	all.backwards += time_ns < all.last_ns;
	all.last_ns = MAX(all.last_ns, time_ns);
	all.udp = on;
	all.udp_changes++;
}

static void udp_process(void *data, int32_t tgid, bool on, uint64_t time_ns)
{
	(void)data;
	all.backwards += time_ns < all.last_ns;
	all.last_ns = MAX(all.last_ns, time_ns);
	if (tgid == getpid())
		all.own_off = !on;
}

static void lost(void *data, uint64_t records)
{
	(void)data;
	all.lost += records;
}

static const struct network_fns fns = {
	.packet = packet, .record = record, .destroyed = destroyed, .existing = existing,
	.found = found, .udp = udp, .udp_process = udp_process, .lost = lost,
};

static void drain(void)
{
	CHECK_EQ(network_drain(network, &fns, NULL), 0);
}

/* For so long, at least. */
static void drain_for(unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i += 5) {
		drain();
		rest(5);
	}
}

static int try_open(const char *interface, enum network_owner owner)
{
	const struct network_options options = {
		.interface = interface, .owner = owner, .buffer = 16 << 20,
	};

	said[0] = '\0';
	memset(&all, 0, sizeof(all));
	return network_open(&network, &options, &real, &listener);
}

static uint32_t inode_of(pid_t pid)
{
	uint32_t inode = 0;

	CHECK_EQ(netns_of(pid, &inode), 0);
	return inode;
}

static void end(void)
{
	CHECK_EQ(all.strangers, 0);
	CHECK_EQ(all.backwards, 0);
	if (all.late)
		printf("# %llu packets late, up to %.1f ms\n", (unsigned long long)all.late,
		       (double)all.late_ns / 1e6);
	CHECK_EQ(all.late, 0);
	network = network_free(network);
}

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
	uint32_t list[4];
	pid_t a;

	leave_for_own();
	a = new_namespace();
	sh(0, "ip link add w0 type veth peer name w1 netns %d", a);
	CHECK_EQ(try_open(NULL, NETWORK_OWNER_AUTO), 0);
	all.space[0].netns = network_own(network);
	all.space[1].netns = inode_of(a);
	CHECK_EQ(network_enter(network, all.space[1].netns, a, &fns, NULL), 0);
	CHECK_EQ(network_list(network, list, 4), 2);
	CHECK_EQ(list[0], all.space[0].netns);
	CHECK_EQ(list[1], all.space[1].netns);
	end_process(a);
	CHECK(!goes("w0", 1000));
	network_leave(network, all.space[1].netns);
	CHECK_EQ(network_list(network, list, 4), 1);
	CHECK(goes("w0", 10000));
	network_leave(network, all.space[1].netns);
	network_leave(network, all.space[0].netns);
	CHECK_EQ(network_list(network, list, 4), 1);
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
	network_leave(network, all.space[1].netns);
	CHECK_EQ(network_list(network, NULL, 0), 1);
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
	network_leave(network, all.space[1].netns);
	drain();
	CHECK_EQ(network_enter(network, all.space[1].netns, a, &fns, NULL), 1);
	drain_for(300);
	CHECK_EQ(network_list(network, NULL, 0), 2);
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
		network_leave(network, inodes[i]);
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
	drain();
	CHECK_EQ(network_list(network, NULL, 0), 1);
	all.space[0].netns = network_own(network);
	a = new_namespace();
	all.space[1].netns = inode_of(a);
	sh(0, "ip link add w0 type veth peer name w1 netns %d;"
	   "mount --bind /proc/%d/ns/net \"%s\"", a, a, place);
	end_process(a);
	drain();
	CHECK_EQ(network_list(network, NULL, 0), 2);
	CHECK_EQ(network_enter(network, all.space[1].netns, 0, &fns, NULL), 1);
	network_leave(network, all.space[1].netns);
	CHECK_EQ(network_list(network, NULL, 0), 2);
	CHECK_EQ(umount(place), 0);
	CHECK(!goes("w0", 500));
	network_leave(network, all.space[1].netns);
	CHECK_EQ(network_list(network, NULL, 0), 1);
	CHECK(goes("w0", 10000));
	unlink(place);
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
