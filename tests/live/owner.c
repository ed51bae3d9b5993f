/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owners of sockets found at their first packet (source/owner.c), against programs that connect,
 * exchange a little and are gone within a fraction of a millisecond: over loopback and a veth pair
 * between two network namespaces, which end with this test.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "owner_rig.h"

#define CLIENTS 500
#define STREAM 10000
#define QUESTION 40
#define ANSWER 500
#define FEW 100

enum kind { TCP, UDP, UDP_CONNECTED, N_KINDS };

static const char *const kind_names[N_KINDS] = { "TCP", "UDP", "UDP connected" };

/* What each client says of itself before it ends. */
struct truth {
	uint64_t cookie;	/* 0: it failed */
	int32_t pid;
	uint16_t port;
	int32_t named;		/* by pevent; 0: nobody */
	bool told;
};

struct place {
	const char *name;
	int client_ns, server_ns;	/* descriptors; -1: our own */
	const char *server[2];		/* IPv4, IPv6 */
};

static struct truth *truths;	/* shared with the clients */
static int holders[2];		/* processes that keep the two namespaces */

static bool give(int fd, size_t n)
{
	static const char zeros[STREAM];

	while (n > 0) {
		ssize_t done = send(fd, zeros, n, MSG_NOSIGNAL);

		if (done <= 0)
			return false;
		n -= (size_t)done;
	}
	return true;
}

static bool take(int fd, size_t n)
{
	char buf[STREAM];

	while (n > 0) {
		ssize_t done = recv(fd, buf, n, 0);

		if (done <= 0)
			return false;
		n -= (size_t)done;
	}
	return true;
}

static void serve_one(int tcp, int udp)
{
	struct pollfd fds[] = { { .fd = tcp, .events = POLLIN }, { .fd = udp, .events = POLLIN } };
	static char buf[ANSWER];

	(void)poll(fds, 2, -1);
	if (fds[1].revents) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);

		if (recvfrom(udp, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) > 0)
			(void)!sendto(udp, buf, ANSWER, 0, (struct sockaddr *)&from, len);
	}
	if (fds[0].revents) {
		int fd = accept(tcp, NULL, NULL);

		if (fd >= 0 && take(fd, STREAM))
			(void)give(fd, STREAM);
		close(fd);
	}
}

/* A child that answers until it is killed. */
static int start_server(int ns, bool v6)
{
	struct sockaddr_storage any;
	socklen_t len = address(&any, v6, NULL);
	int ready[2], tcp, udp, pid, on = 1;
	char byte = 0;

	if (pipe(ready) < 0)
		quit("pipe");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (ns >= 0 && setns(ns, CLONE_NEWNET) < 0)
			quit("setns");
		tcp = socket(any.ss_family, SOCK_STREAM, 0);
		udp = socket(any.ss_family, SOCK_DGRAM, 0);
		setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(tcp, (struct sockaddr *)&any, len) < 0 || listen(tcp, 100) < 0 ||
		    bind(udp, (struct sockaddr *)&any, len) < 0)
			quit("server");
		(void)!write(ready[1], &byte, 1);
		for (;;)
			serve_one(tcp, udp);
	}
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

static void tell(struct truth *t, int fd)
{
	struct sockaddr_storage own;
	socklen_t len = sizeof(own), cookie_len = sizeof(t->cookie);
	uint16_t port;

	(void)getsockname(fd, (struct sockaddr *)&own, &len);
	memcpy(&port, (const char *)&own + offsetof(struct sockaddr_in, sin_port), sizeof(port));
	t->port = ntohs(port);
	t->pid = getpid();
	(void)getsockopt(fd, SOL_SOCKET, SO_COOKIE, &t->cookie, &cookie_len);
}

static void client(enum kind kind, const struct sockaddr_storage *to, socklen_t len,
		   struct truth *t)
{
	int fd = socket(to->ss_family, kind == TCP ? SOCK_STREAM : SOCK_DGRAM, 0);
	static const char options[4] = { IPOPT_NOP, IPOPT_NOP, IPOPT_NOP, IPOPT_EOL };
	char buf[ANSWER] = { 0 };

	if (fd < 0)
		_exit(1);
	/* Every second one sends a longer IP header. */
	if (to->ss_family == AF_INET && getpid() % 2)
		(void)setsockopt(fd, IPPROTO_IP, IP_OPTIONS, options, sizeof(options));
	if (kind != UDP && connect(fd, (const struct sockaddr *)to, len) < 0)
		_exit(2);
	if (kind == TCP) {
		if (!give(fd, STREAM) || !take(fd, STREAM))
			_exit(3);
	} else if (kind == UDP) {
		if (sendto(fd, buf, QUESTION, 0, (const struct sockaddr *)to, len) < 0 ||
		    recv(fd, buf, sizeof(buf), 0) < 0)
			_exit(4);
	} else if (send(fd, buf, QUESTION, 0) < 0 || recv(fd, buf, sizeof(buf), 0) < 0) {
		_exit(5);
	}
	tell(t, fd);
	_exit(0);
}

/* All clients, so many at a time; ends with 0 when all did. */
static void run_clients(enum kind kind, const struct place *where, bool v6, int at_once)
{
	struct sockaddr_storage to;
	socklen_t len = address(&to, v6, where->server[v6]);
	int running = 0, status, failed = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (where->client_ns >= 0 && setns(where->client_ns, CLONE_NEWNET) < 0)
		quit("setns");
	/* As many descriptors as most programs have. */
	for (int fd = STDERR_FILENO + 1; fd < FEW; fd++)
		close(fd);
	for (int i = 0; i < CLIENTS || running > 0;) {
		if (i < CLIENTS && running < at_once) {
			int pid = fork();

			if (pid == 0) {
				alarm(10);
				client(kind, &to, len, &truths[i]);
			}
			i++;
			running++;
			continue;
		}
		if (wait(&status) > 0) {
			running--;
			failed += status != 0;
		}
		if (at_once == 1)
			usleep(1000);
	}
	_exit(failed > 0);
}

static int server, n_served, n_mistaken;
static bool served[UINT16_MAX + 1];	/* port by port */

static void found(const struct network_found *f)
{
	if (f->id.protocol == IPPROTO_UDP && f->id.local_port == PORT) {
		if (f->tgid == server) {
			n_served += !served[f->id.remote_port];
			served[f->id.remote_port] = true;
		}
		n_mistaken += f->tgid && f->tgid != server;
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		struct truth *t = &truths[i];

		if (t->cookie != f->id.cookie)
			continue;
		t->told = true;
		if (!t->named || t->named == t->pid)
			t->named = f->tgid;
	}
}

/* An answer to the port of an earlier client is no news. */
static bool is_used_again(size_t nth)
{
	for (size_t i = 0; i < nth; i++)
		if (truths[i].port == truths[nth].port)
			return true;
	return false;
}

static bool try_once(enum kind kind, const struct place *where, bool v6, int at_once,
		     int tries_left)
{
	const uint64_t stolen = stolen_ns();
	int runner, status = 0, right = 0, wrong = 0, nobody = 0, silent = 0, cases = 0, again = 0;

	server = start_server(where->server_ns, v6);
	n_served = n_mistaken = 0;
	memset(served, 0, sizeof(served));
	if (!truths)
		truths = mmap(NULL, CLIENTS * sizeof(truths[0]), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(truths != MAP_FAILED);
	memset(truths, 0, CLIENTS * sizeof(truths[0]));
	n_kept = 0;
	runner = fork();
	if (runner == 0)
		run_clients(kind, where, v6, at_once);
	while (waitpid(runner, &status, WNOHANG) == 0) {
		drain_for(1);
		(void)connector_drain(&connector, UINT32_MAX, ignore, NULL);
	}
	drain_for(300);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	for (size_t i = 0; i < n_kept; i++)
		found(&kept[i]);
	for (size_t i = 0; i < CLIENTS; i++) {
		const struct truth *t = &truths[i];

		cases += t->cookie != 0;
		right += t->told && t->named == t->pid;
		wrong += t->told && t->named && t->named != t->pid;
		nobody += t->told && !t->named;
		silent += !t->told;
		again += is_used_again(i);
	}
	printf("# %s %s %s, %d at a time: %d of %d right, %d wrong, %d nobody's, %d unseen\n",
	       where->name, v6 ? "IPv6" : "IPv4", kind_names[kind], at_once, right, cases, wrong,
	       nobody, silent);
	if (kind != TCP && where->server_ns < 0)
		printf("# answers to %d ports: %d the server's, %d another's\n", CLIENTS - again,
		       n_served, n_mistaken);
	CHECK_EQ(status, 0);
	CHECK_EQ(cases, CLIENTS);
	CHECK_EQ(wrong + n_mistaken, 0);
	/* Its answers are packets of a namespace that is watched on loopback alone. */
	if (kind != TCP && where->server_ns < 0 &&
	    !check_enough(n_served, CLIENTS - again, stolen, tries_left))
		return false;
	return check_enough(right, CLIENTS, stolen, tries_left);
}

static void run(enum kind kind, const struct place *where, bool v6, int at_once)
{
	for (int left = TRIES; left-- && !try_once(kind, where, v6, at_once, left);)
		;
}

static void run_all(const struct place *where)
{
	for (int kind = 0; kind < N_KINDS; kind++)
		for (int v6 = 0; v6 < 2; v6++) {
			run((enum kind)kind, where, v6, 1);
			run((enum kind)kind, where, v6, 8);
		}
}

/* A process in a namespace of its own, and the namespace. */
static int hold_namespace(int *ret_pid)
{
	char path[64], byte = 0;
	int ready[2], pid;

	if (pipe(ready) < 0)
		quit("pipe");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0)
			quit("unshare");
		(void)!write(ready[1], &byte, 1);
		for (;;)
			pause();
	}
	(void)!read(ready[0], &byte, 1);
	close(ready[0]);
	close(ready[1]);
	*ret_pid = pid;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

TEST(loopback)
{
	static const struct place here = { "loopback", -1, -1, { "127.0.0.1", "::1" } };

	open_owners();
	run_all(&here);
}

/* A veth pair between the two, up and with addresses: 0. */
static int lay_cable(void)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "set -e -- %d %d; ip link add own0 netns $1 type veth peer name own1 netns $2\n"
		 "for i in 0 1; do\n"
		 "	in=\"nsenter -t $1 -n ip\" at=$((i + 1)); shift\n"
		 "	$in addr add 10.99.7.$at/24 dev own$i\n"
		 "	$in addr add fd99:7::$at/64 dev own$i nodad\n"
		 "	$in link set own$i up\n"
		 "done", holders[0], holders[1]);
	return system(line);
}

/* A child that sends all it can from one port, until it is killed. */
static int start_flood(void)
{
	struct sockaddr_storage to;
	socklen_t len = address(&to, false, "127.0.0.1");
	int pid = fork(), fd;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	((struct sockaddr_in *)(void *)&to)->sin_port = htons(PORT + 1);
	for (;;)
		(void)!sendto(fd, &to, 64, 0, (struct sockaddr *)&to, len);
}

/* Who sends little is seen beside who sends more than can be looked at. */
TEST(flood)
{
	static const struct place here = { "flooded", -1, -1, { "127.0.0.1", "::1" } };
	struct owners_account before, after;
	int flood;

	open_owners();
	owners_get_account(owners, &before);
	flood = start_flood();
	drain_for(500);
	run(UDP, &here, false, 1);
	kill(flood, SIGKILL);
	waitpid(flood, NULL, 0);
	owners_get_account(owners, &after);
	/* A look each 2 ms would be many. */
	CHECK(after.lookups - before.lookups < 10 * CLIENTS);
}

TEST(veth)
{
	struct place there = { "veth", .server = { "10.99.7.2", "fd99:7::2" } };
	int own;
	uint32_t netns;

	open_owners();
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	there.client_ns = hold_namespace(&holders[0]);
	there.server_ns = hold_namespace(&holders[1]);
	CHECK(there.client_ns >= 0 && there.server_ns >= 0);
	CHECK_EQ(lay_cable(), 0);
	netns = inode_of(there.client_ns);
	CHECK_EQ(setns(there.client_ns, CLONE_NEWNET), 0);
	CHECK_EQ(owners_add_namespace(owners, netns), 0);
	CHECK_EQ(setns(own, CLONE_NEWNET), 0);
	run_all(&there);
	owners_remove_namespace(owners, netns);
	owners_remove_namespace(owners, netns);
}

TEST(close)
{
	close_owners();
	for (int i = 0; i < 2; i++) {
		if (!holders[i])
			continue;
		kill(holders[i], SIGKILL);
		waitpid(holders[i], NULL, 0);
	}
}

TEST_MAIN()
