/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Socket diagnosis: the right socket is found, and every end of one is told, with its bytes. */
#include "source/diag.h"

#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <sys/stat.h>

#include "namespaces.h"
#include "util/macro.h"

#define CLIENTS 1000
#define BUFFER (16u << 20)

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

static struct diag diag;

static void begin(void)
{
	leave_for_own();
	sh(0, "ip link set lo up");
	CHECK_EQ(diag_open(&diag, BUFFER), 0);
	CHECK_EQ(diag.buffer, 2 * BUFFER);
}

static struct inet_diag_id id_of(int fd, uint8_t protocol, const char *remote, uint16_t port)
{
	struct inet_diag_id id = { .protocol = protocol, .local_port = port_of(fd),
				   .remote_port = port, .cookie = INET_DIAG_NO_COOKIE };
	const char *local = strchr(remote, ':') ? "::1" : "127.0.0.1";

	id.family = strchr(remote, ':') ? AF_INET6 : AF_INET;
	inet_pton(id.family, local, id.local);
	inet_pton(id.family, remote, id.remote);
	return id;
}

/* By inode and cookie, as the socket's owner sees them. */
static void check_found(int fd, struct inet_diag_id id)
{
	struct inet_diag_socket s = { 0 };
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	struct stat st;

	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len), 0);
	CHECK_EQ(diag_lookup(&diag, &id, &s), 0);
	CHECK_EQ(s.inode, st.st_ino);
	CHECK_EQ(s.id.cookie, cookie);
	CHECK_EQ(s.id.protocol, id.protocol);
	id.cookie = cookie;
	CHECK_EQ(diag_lookup(&diag, &id, &s), 0);
	id.cookie = cookie + 1;
	memset(&s, 0xa5, sizeof(s));
	CHECK_EQ(diag_lookup(&diag, &id, &s), -ENOENT);
	CHECK_EQ(s.inode, 0xa5a5a5a5);
}

static void check_lookups(const char *address)
{
	struct end to = end_of(address, PORT);
	int tcp = socket(to.u.any.sa_family, SOCK_STREAM, 0);
	int udp = socket(to.u.any.sa_family, SOCK_DGRAM, 0);
	int connected = socket(to.u.any.sa_family, SOCK_DGRAM, 0);
	struct inet_diag_id id;
	struct inet_diag_socket s;

	CHECK_EQ(connect(tcp, &to.u.any, to.len), 0);
	check_found(tcp, id_of(tcp, IPPROTO_TCP, address, PORT));
	CHECK_EQ(sendto(udp, "", 1, 0, &to.u.any, to.len), 1);
	check_found(udp, id_of(udp, IPPROTO_UDP, address, PORT));
	CHECK_EQ(connect(connected, &to.u.any, to.len), 0);
	check_found(connected, id_of(connected, IPPROTO_UDP, address, PORT));
	id = id_of(tcp, IPPROTO_TCP, address, PORT + 1);
	CHECK_EQ(diag_lookup(&diag, &id, &s), -ENOENT);
	close(tcp);
	close(udp);
	close(connected);
}

TEST(lookups)
{
	pid_t server;

	begin();
	server = serve(0);
	check_lookups("127.0.0.1");
	check_lookups("::1");
	CHECK_EQ(diag.malformed, 0);
	CHECK_EQ(diag.foreign, 0);
	end_process(server);
	diag_close(&diag);
	diag_close(&diag);
}

/* An IPv6 socket that talks IPv4 is found as what its packets are. */
TEST(lookup_of_a_mapped_address)
{
	struct end to;
	pid_t server;
	int fd;

	begin();
	server = serve(0);
	to = end_of("::ffff:127.0.0.1", PORT);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	CHECK_EQ(connect(fd, &to.u.any, to.len), 0);
	check_found(fd, id_of(fd, IPPROTO_TCP, "127.0.0.1", PORT));
	close(fd);
	end_process(server);
	diag_close(&diag);
}

struct sums {
	unsigned int clients, servers, wrong, udp, connected;
};

static void count(void *data, const struct inet_diag_socket *s)
{
	const struct inet_diag_tcp *t = &s->tcp;
	struct sums *sums = data;
	uint64_t sent = t->bytes_sent - t->bytes_retrans, received = t->bytes_received;

	if (s->id.protocol == IPPROTO_UDP) {
		sums->udp += s->state == TCP_CLOSE && s->id.remote_port == 0;
		sums->connected += s->state == TCP_ESTABLISHED && s->id.remote_port == PORT;
	} else if (s->id.remote_port == PORT) {
		/* The other end's FIN counts one. */
		sums->clients++;
		sums->wrong += sent != PAYLOAD || received != PAYLOAD + 1;
	} else if (s->id.local_port == PORT && s->id.remote_port) {
		sums->servers++;
		sums->wrong += sent != PAYLOAD || (received != PAYLOAD && received != PAYLOAD + 1);
	}
}

static struct sums sums;

static void drain(void)
{
	CHECK(diag_drain(&diag, UINT32_MAX, count, &sums) >= 0);
}

static void check_notices(const char *address, unsigned int at_a_time)
{
	struct sums none = { 0 };
	struct diag other;
	pid_t server;
	uint64_t drops;

	leave_for_own();
	CHECK_EQ(diag_open(&other, BUFFER), 0);
	begin();
	memset(&sums, 0, sizeof(sums));
	server = serve(0);
	munmap(clients(0, address, CLIENTS, at_a_time, drain), CLIENTS * sizeof(struct truth));
	for (int i = 0; i < 50 && (sums.clients < CLIENTS || sums.servers < CLIENTS); i++) {
		rest(100);
		drain();
	}
	end_process(server);
	printf("# %s: %u clients, %u servers\n", address, sums.clients, sums.servers);
	CHECK_EQ(sums.clients, CLIENTS);
	CHECK_EQ(sums.servers, CLIENTS);
	CHECK_EQ(sums.wrong, 0);
	CHECK_EQ(diag_drops(&diag, &drops), 0);
	CHECK_EQ(drops, 0);
	CHECK_EQ(diag_drain(&other, UINT32_MAX, count, &none), 0);
	CHECK_EQ(other.received, 0);
	diag_close(&diag);
	diag_close(&other);
}

TEST(notices_one_at_a_time)
{
	check_notices("127.0.0.1", 1);
}

TEST(notices_eight_at_a_time)
{
	check_notices("127.0.0.1", 8);
}

TEST(notices_ipv6)
{
	check_notices("::1", 8);
}

TEST(notices_of_udp)
{
	struct end to = end_of("127.0.0.1", PORT);

	begin();
	memset(&sums, 0, sizeof(sums));
	for (unsigned int i = 0; i < 200; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		if (i % 2)
			CHECK_EQ(connect(fd, &to.u.any, to.len), 0);
		(void)!sendto(fd, "", 1, 0, &to.u.any, to.len);
		close(fd);
	}
	rest(200);
	drain();
	CHECK_EQ(sums.udp, 100);
	CHECK_EQ(sums.connected, 100);
	diag_close(&diag);
}

/* Too little memory for what comes: the rest is counted. */
TEST(what_has_no_room_is_counted)
{
	uint64_t drops = 0;

	begin();
	diag_close(&diag);
	CHECK_EQ(diag_open(&diag, 4096), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		struct end any = end_of("127.0.0.1", 0);
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		CHECK_EQ(bind(fd, &any.u.any, any.len), 0);
		close(fd);
	}
	rest(200);
	memset(&sums, 0, sizeof(sums));
	drain();
	CHECK_EQ(diag_drops(&diag, &drops), 0);
	CHECK(drops > 0);
	CHECK_EQ(drops + sums.udp, 1000);
	diag_close(&diag);
}

/* What it says is a copy of what the kernel said of another socket. */
static void forge(int to, const void *message, size_t len)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	socklen_t size = sizeof(address);

	CHECK_EQ(getsockname(to, (struct sockaddr *)&address, &size), 0);
	CHECK_EQ(sendto(fd, message, len, 0, (struct sockaddr *)&address, sizeof(address)), len);
	close(fd);
}

TEST(only_the_kernel_is_believed)
{
	struct end any = end_of("127.0.0.1", PORT);
	struct inet_diag_socket s = { 0 };
	uint8_t message[16 + 72] = { sizeof(message), [4] = 20, [16] = AF_INET };
	struct inet_diag_id id;
	int fd;

	begin();
	memset(&sums, 0, sizeof(sums));
	fd = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_EQ(bind(fd, &any.u.any, any.len), 0);
	CHECK_EQ(listen(fd, 1), 0);
	id = id_of(fd, IPPROTO_TCP, "127.0.0.1", 9);
	CHECK_EQ(diag_lookup(&diag, &id, &s), 0);
	/* With the number that the next question will have. */
	message[8] = (uint8_t)(diag.seq + 1);
	forge(diag.fd, message, sizeof(message));
	memset(&s, 0, sizeof(s));
	CHECK_EQ(diag_lookup(&diag, &id, &s), 0);
	CHECK_EQ(s.id.local_port, PORT);
	CHECK_EQ(diag.foreign, 1);
	forge(diag.notices, message, sizeof(message));
	drain();
	CHECK_EQ(diag.received, 0);
	CHECK_EQ(diag.foreign, 2);
	close(fd);
	diag_close(&diag);
}

static void count_dumped(void *data, const struct inet_diag_socket *s)
{
	*(unsigned int *)data += s->inode != 0 && s->id.protocol == IPPROTO_TCP &&
				 s->state == TCP_LISTEN;
}

/* How many answers there were, or -errno. */
static int ask_all(uint8_t family, uint32_t states, unsigned int *found)
{
	int answers = 0, result;

	CHECK_EQ(diag_ask_all(&diag, family, IPPROTO_TCP, states), 0);
	do {
		CHECK(diag.is_dumping);
		result = diag_take_some(&diag, count_dumped, found);
		answers++;
	} while (result > 0);
	CHECK(!diag.is_dumping);
	return result < 0 ? result : answers;
}

/* More than fit into one datagram of the answer. */
TEST(dump)
{
	unsigned int found = 0;
	int fds[900];

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct end any = end_of("127.0.0.1", 0);

		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		CHECK_EQ(bind(fds[i], &any.u.any, any.len), 0);
		CHECK_EQ(listen(fds[i], 1), 0);
	}
	CHECK(ask_all(AF_INET, 1u << TCP_LISTEN, &found) > 2);
	CHECK_EQ(found, ARRAY_SIZE(fds));
	found = 0;
	CHECK_EQ(ask_all(AF_INET6, INET_DIAG_ALL_STATES, &found), 1);
	CHECK_EQ(found, 0);
	CHECK_EQ(diag.malformed, 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	diag_close(&diag);
}

TEST_MAIN()
