/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Servers that do what clients ask for, in threads, in processes, or in processes made before. */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

enum { BODY = 10000 };

static unsigned int active;	/* connections being served */

struct served {
	int fd;
	uint64_t sent, received;
};

/* The client may be gone: what was sent until then counts. */
static void give(struct served *s, uint64_t bytes)
{
	while (bytes) {
		size_t some = bytes < NET_BLOCK ? bytes : NET_BLOCK;
		ssize_t n = send(s->fd, net_zeros, some, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		s->sent += (uint64_t)n;
		bytes -= (uint64_t)n;
	}
}

static bool take(struct served *s, void *buf, size_t bytes)
{
	ssize_t n = recv(s->fd, buf, bytes, MSG_WAITALL);

	s->received += n > 0 ? (uint64_t)n : 0;
	return n == (ssize_t)bytes;
}

/* "GET " has been read. */
static void serve_http(struct served *s)
{
	char buf[4096];
	size_t size = 0;
	ssize_t n;

	do {
		n = recv(s->fd, buf + size, sizeof(buf) - 1 - size, 0);
		if (n <= 0)
			return;
		size += (size_t)n;
		s->received += (uint64_t)n;
		buf[size] = '\0';
	} while (!strstr(buf, "\r\n\r\n"));
	n = snprintf(buf, sizeof(buf), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n"
		     "Connection: close\r\n\r\n", BODY);
	if (send(s->fd, buf, (size_t)n, MSG_NOSIGNAL) == n)
		s->sent += (uint64_t)n;
	give(s, BODY);
}

/* Is there to be another request? */
static bool serve_request(struct served *s, const struct net_request *r)
{
	uint32_t left = r->up - (uint32_t)sizeof(*r);
	char buf[NET_BLOCK];

	if (r->how == NET_UNREAD) {
		net_wait_readable(s->fd, (int)left);
		s->received += left;	/* as far as the socket, which is where the kernel counts */
		return false;
	}
	if (r->how == NET_STALL)
		net_sleep_ms(NET_PAUSE_MS);
	if (r->how == NET_HALF) {
		give(s, r->down);
		shutdown(s->fd, SHUT_WR);
	}
	if (r->how == NET_EOF || r->how == NET_HALF || r->how == NET_STALL) {
		s->received += net_drain(s->fd);
	} else {
		for (; left; left -= left < NET_BLOCK ? left : NET_BLOCK) {
			if (!take(s, buf, left < NET_BLOCK ? left : NET_BLOCK))
				return false;
		}
	}
	if (r->how != NET_HALF)
		give(s, r->down);
	if (r->how == NET_LINGER) {
		s->received += net_drain(s->fd);
		net_sleep_ms(NET_PAUSE_MS);
	}
	return r->how == NET_PLAIN;
}

static void serve_connection(int fd)
{
	struct served s = { .fd = fd };
	uint16_t peer = net_peer(fd);
	struct net_request r;

	while (take(&s, &r, 4)) {
		if (!memcmp(&r, "GET ", 4)) {
			serve_http(&s);
			break;
		}
		if (!take(&s, (char *)&r + 4, sizeof(r) - 4) || r.magic != NET_MAGIC ||
		    r.how >= NET_HOW_COUNT || r.up < sizeof(r) || !serve_request(&s, &r))
			break;
	}
	net_truth_with("server", fd, peer, s.sent, s.received);
	close(fd);
}

static void *connection_run(void *data)
{
	serve_connection((int)(intptr_t)data);
	__atomic_sub_fetch(&active, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void serve_in_process(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		serve_connection(fd);
		_exit(0);
	}
	if (pid < 0)
		net_die("fork");
	close(fd);
}

static void *accept_run(void *data)
{
	int listener = (int)(intptr_t)data, fd;
	pthread_t thread;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (net_options.fork) {
			serve_in_process(fd);
			continue;
		}
		__atomic_add_fetch(&active, 1, __ATOMIC_RELAXED);
		if (pthread_create(&thread, NULL, connection_run, (void *)(intptr_t)fd) ||
		    pthread_detach(thread))
			net_die("thread");
	}
	return NULL;
}

/* shutdown(2) ends it. */
static void *datagram_run(void *data)
{
	int fd = (int)(intptr_t)data;
	union net_address from;
	socklen_t size = sizeof(from);
	uint64_t sent = 0, received = 0;
	char buf[NET_BLOCK];
	ssize_t n;

	while ((n = recvfrom(fd, buf, sizeof(buf), 0, &from.sa, &size)) > 0) {
		struct net_request r = { 0 };

		received += (uint64_t)n;
		memcpy(&r, buf, (size_t)n < sizeof(r) ? (size_t)n : sizeof(r));
		if (r.magic == NET_MAGIC && r.down &&
		    sendto(fd, net_zeros, r.down, 0, &from.sa, size) == (ssize_t)r.down)
			sent += r.down;
		size = sizeof(from);
	}
	net_truth("server", fd, sent, received);
	return NULL;
}

/* *port 0: any, and which it is. -1: this machine has no such family. */
static int bound(int family, int type, uint16_t *port)
{
	union net_address a = { 0 };
	socklen_t size = family == AF_INET6 ? sizeof(a.in6) : sizeof(a.in);
	int fd = socket(family, type | SOCK_CLOEXEC, 0), one = 1, big = 8 << 20;

	if (fd < 0)
		return -1;
	a.sa.sa_family = (sa_family_t)family;
	net_set_port(&a, *port);
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (type == SOCK_DGRAM)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	if (bind(fd, &a.sa, size) || getsockname(fd, &a.sa, &size))
		net_die("bind");
	*port = net_port(&a);
	return fd;
}

int net_serve(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	pthread_t threads[4];
	int fds[4], n = 0;
	uint16_t port = 0, closed = 0;
	sigset_t set;
	int signum;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (net_options.fork)
		signal(SIGCHLD, SIG_IGN);
	bound(AF_INET, SOCK_STREAM, &closed);
	for (size_t i = 0; i < 2; i++) {
		int fd = bound(families[i], SOCK_STREAM, &port);

		if (fd < 0)
			continue;
		if (listen(fd, 4096) || pthread_create(&threads[n], NULL, accept_run,
						       (void *)(intptr_t)fd))
			net_die("listen");
		fds[n++] = fd;
		fd = bound(families[i], SOCK_DGRAM, &port);
		if (fd < 0 || pthread_create(&threads[n], NULL, datagram_run, (void *)(intptr_t)fd))
			net_die("datagrams");
		fds[n++] = fd;
	}
	printf("port=%u closed=%u\n", port, closed);
	fflush(stdout);
	sigwait(&set, &signum);
	for (int i = 0; i < n; i++)
		shutdown(fds[i], SHUT_RDWR);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	while (__atomic_load_n(&active, __ATOMIC_ACQUIRE))
		net_sleep_ms(1);
	return 0;
}

/* One socket for both families where there are both: IPv4 peers have mapped addresses then. */
int net_prefork(void)
{
	union net_address a = { .in6 = { .sin6_family = AF_INET6 } };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), status, failed = 0;
	socklen_t size = sizeof(a);

	if (fd < 0) {
		a.in = (struct sockaddr_in){ .sin_family = AF_INET };
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	if (fd < 0 || bind(fd, &a.sa, size) || listen(fd, 4096) || getsockname(fd, &a.sa, &size))
		net_die("listen");
	for (unsigned int i = 0; i < net_options.workers; i++) {
		if (fork() == 0) {
			for (unsigned int j = 0; j < net_options.n; j++)
				serve_connection(accept4(fd, NULL, NULL, SOCK_CLOEXEC));
			_exit(0);
		}
	}
	printf("port=%u\n", net_port(&a));
	fflush(stdout);
	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}
