/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Owners of sockets found at their packets (source/owner.c), where a socket or a port has several:
 * inherited sockets, ports that are shared, and those that are used again at once.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "owner_rig.h"

#define QUESTION 40

/* A UDP socket on this port of 127.0.0.1, which others may bind, too. */
static int bound(uint16_t port)
{
	struct sockaddr_storage at;
	socklen_t len = address(&at, false, "127.0.0.1");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	((struct sockaddr_in *)(void *)&at)->sin_port = htons(port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&at, len) < 0)
		quit("bind");
	return fd;
}

static void send_to(int fd, uint16_t port)
{
	struct sockaddr_storage to;
	socklen_t len = address(&to, false, "127.0.0.1");

	((struct sockaddr_in *)(void *)&to)->sin_port = htons(port);
	if (sendto(fd, &to, QUESTION, 0, (struct sockaddr *)&to, len) < 0)
		quit("sendto");
}

/* A child that has what its parent has, and does what it is to do whenever told to. */
static int start_child(void (*fn)(int fd), int fd, int *ret_go)
{
	int go[2], pid;
	char byte;

	if (pipe(go) < 0)
		quit("pipe");
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		while (read(go[0], &byte, 1) > 0)
			fn(fd);
		_exit(0);
	}
	close(go[0]);
	*ret_go = go[1];
	return pid;
}

static void tell_child(int go)
{
	char byte = 0;

	(void)!write(go, &byte, 1);
	drain_for(50);
}

static void send_from(int fd)
{
	send_to(fd, PORT + 11);
}

/* It has that from its parent, and has opened others since. */
static void send_from_many(int fd)
{
	static bool opened;

	for (int i = 0; i < 30 && !opened; i++)
		(void)open("/dev/null", O_RDONLY | O_CLOEXEC);
	opened = true;
	if (send(fd, &opened, sizeof(opened), 0) < 0)
		quit("send");
}

static void send_from_own(_unused_ int fd)
{
	static int own = -1;

	if (own < 0)
		own = bound(PORT + 10);
	else
		send_to(own, PORT + 11);
}

static int bound_and_connected(void)
{
	struct sockaddr_storage to;
	socklen_t len = address(&to, false, "127.0.0.1");
	int fd = bound(PORT + 10);

	((struct sockaddr_in *)(void *)&to)->sin_port = htons(PORT + 11);
	if (connect(fd, (struct sockaddr *)&to, len) < 0)
		quit("connect");
	return fd;
}

static int *heir;	/* shared with the processes */

/* Opens a socket and has a child; then it sends by it, its child, it, and so on. */
static void lead(_unused_ int fd)
{
	static int own = -1, go;
	static bool is_heirs;
	char byte = 0;

	if (own < 0) {
		own = bound_and_connected();
		*heir = start_child(send_from_many, own, &go);
		return;
	}
	if (is_heirs)
		(void)!write(go, &byte, 1);
	else
		(void)!send(own, &byte, 1, 0);
	is_heirs = !is_heirs;
}

static int n_right, n_wrong, n_unsure;
static int told;	/* the last one without doubt: what is not told anew is its still */

static void judge(uint16_t port, int sender)
{
	for (size_t i = 0; i < n_kept; i++)
		if (kept[i].id.local_port == port)
			told = kept[i].shared ? 0 : kept[i].tgid;
	n_kept = 0;
	n_right += told == sender;
	n_wrong += told && told != sender;
	n_unsure += !told;
}

/*
 * A sender that another CPU has taken over when the lookup begins is not named: it runs there, or
 * no longer.
 */
static void conclude(const char *what)
{
	printf("# %s: %d right, %d wrong, %d unsure\n", what, n_right, n_wrong, n_unsure);
	CHECK_EQ(n_wrong, 0);
	CHECK(n_right >= 3 * n_unsure);
	n_right = n_unsure = told = 0;
}

static void end_child(int pid, int go)
{
	close(go);
	kill(pid, SIGKILL);	/* others have its pipe */
	waitpid(pid, NULL, 0);
}

static void inherit(void (*fn)(int fd), bool connected, const char *what)
{
	int fd, sink, pids[2], go[2];

	open_owners();
	sink = bound(PORT + 11);
	fd = connected ? bound_and_connected() : bound(PORT + 10);
	for (int i = 0; i < 2; i++)
		pids[i] = start_child(fn, fd, &go[i]);
	drain_for(100);
	for (int round = 0; round < 20; round++) {
		n_kept = 0;
		send_from(fd);
		drain_for(50);
		judge(PORT + 10, getpid());
		for (int i = 0; i < 2; i++) {
			tell_child(go[i]);
			judge(PORT + 10, pids[i]);
		}
	}
	for (int i = 0; i < 2; i++)
		end_child(pids[i], go[i]);
	close(fd);
	close(sink);
	conclude(what);
}

/* Of those that have a socket from their parent, and it, who sends is named, each time. */
TEST(inherited)
{
	inherit(send_from, false, "an inherited socket");
	inherit(send_from_many, true, "an inherited socket, connected, among many");
}

/* The parent is a newcomer as well. */
TEST(inherited_from_newcomer)
{
	int sink, pid, go;

	open_owners();
	heir = mmap(NULL, sizeof(*heir), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(heir != MAP_FAILED);
	sink = bound(PORT + 11);
	pid = start_child(lead, -1, &go);
	tell_child(go);
	n_kept = 0;
	for (int round = 0; round < 20; round++) {
		tell_child(go);
		judge(PORT + 10, pid);
		tell_child(go);
		judge(PORT + 10, *heir);
	}
	end_child(pid, go);
	close(sink);
	munmap(heir, sizeof(*heir));
	conclude("a socket inherited from a newcomer");
}

/* Of those that have sockets of their own on one port, too. */
TEST(one_port)
{
	int sink, pids[3], go[3];

	open_owners();
	sink = bound(PORT + 11);
	for (int i = 0; i < 3; i++) {
		pids[i] = start_child(send_from_own, -1, &go[i]);
		tell_child(go[i]);
	}
	n_kept = 0;
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < 3; i++) {
			tell_child(go[i]);
			judge(PORT + 10, pids[i]);
		}
	for (int i = 0; i < 3; i++)
		end_child(pids[i], go[i]);
	close(sink);
	conclude("sockets of one port");
}

/* Processes that follow each other on a port within 2 ms. */
static bool use_again(int tries_left)
{
	enum { N = 200 };
	const uint64_t stolen = stolen_ns();
	int pids[N], right = 0, wrong = 0;
	size_t at = 0;

	drain_for(10);
	n_kept = 0;
	for (int i = 0; i < N; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			send_from(bound(PORT + 10));
			_exit(0);
		}
		waitpid(pids[i], NULL, 0);
	}
	drain_for(200);
	for (size_t k = 0; k < n_kept; k++) {
		if (kept[k].id.local_port != PORT + 10)
			continue;
		while (at < N && pids[at] != kept[k].tgid)
			at++;
		right += at < N;
		wrong += at == N;
	}
	printf("# one port after another: %d of %d right, %d wrong\n", right, N, wrong);
	CHECK_EQ(wrong, 0);
	return check_enough(right, N, stolen, tries_left);
}

TEST(port_used_again)
{
	int sink;

	open_owners();
	sink = bound(PORT + 11);
	for (int left = TRIES; left-- && !use_again(left);)
		;
	close(sink);
}

TEST(close)
{
	close_owners();
}

TEST_MAIN()
