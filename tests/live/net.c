/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Servers and clients that know what they sent and received, and write it down: one line for each
 * connection and end. Linked statically, so that clients live for a millisecond. See usage().
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "net.h"

enum { TIMEOUT_S = 10 };

struct net_options net_options = { .n = 1, .workers = 1, .up = 10000, .down = 10000 };

static int truth_fd = -1;
const char net_zeros[NET_BLOCK];

static void usage(FILE *f)
{
	fputs("Usage: net [OPTION...] VERB [ARG...]\n"
	      "  serve                     TCP and UDP, IPv4 and IPv6, until SIGTERM; prints\n"
	      "                            port=N and closed=N, where nobody listens\n"
	      "  prefork                   WORKERS processes on one TCP port, N connections each\n"
	      "  client ADDRESS PORT       send UP bytes, receive DOWN bytes, exit\n"
	      "  spawn ADDRESS PORT        N such processes, WORKERS at a time\n"
	      "  flood ADDRESS PORT        N UDP datagrams of UP bytes, at full speed\n"
	      "  hold                      N connections to itself, until standard input ends\n"
	      "  cases ADDRESS PORT CLOSED NAME...\n"
	      "  -o FILE   append the truth\n"
	      "  -n N  -w WORKERS  -u UP  -d DOWN\n"
	      "  -k MS     the client waits before it exits\n"
	      "  -g MS     spawn: a pause before each client\n"
	      "  -p tcp|udp|udp-connected\n"
	      "  -f        serve each connection in a process of its own\n", f);
}

_Noreturn void net_die(const char *what)
{
	fprintf(stderr, "net: %s: %s\n", what, strerror(errno));
	_exit(99);
}

void net_sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

uint16_t net_port(const union net_address *a)
{
	return ntohs(a->sa.sa_family == AF_INET6 ? a->in6.sin6_port : a->in.sin_port);
}

void net_set_port(union net_address *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else
		a->in.sin_port = htons(port);
}

uint16_t net_peer(int fd)
{
	union net_address a = { 0 };
	socklen_t size = sizeof(a);

	return getpeername(fd, &a.sa, &size) ? 0 : net_port(&a);
}

void net_truth(const char *what, int fd, uint64_t sent, uint64_t received)
{
	net_truth_with(what, fd, net_peer(fd), sent, received);
}

void net_truth_with(const char *what, int fd, uint16_t peer, uint64_t sent, uint64_t received)
{
	union net_address local = { 0 };
	socklen_t local_size = sizeof(local), type_size = sizeof(int);
	int type = 0, n;
	char line[256];

	if (truth_fd < 0)
		return;
	if (fd >= 0) {
		getsockname(fd, &local.sa, &local_size);
		getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size);
	}
	n = snprintf(line, sizeof(line), "what=%s pid=%d protocol=%s local=%u remote=%u"
		     " sent=%" PRIu64 " received=%" PRIu64 "\n", what, (int)getpid(),
		     type == SOCK_STREAM ? "tcp" : type == SOCK_DGRAM ? "udp" : "none",
		     net_port(&local), peer, sent, received);
	if (write(truth_fd, line, (size_t)n) != n)
		net_die("truth");
}

int net_dial(int type)
{
	struct timeval limit = { .tv_sec = TIMEOUT_S };
	int fd = socket(net_options.address.sa.sa_family, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)))
		net_die("socket");
	if (connect(fd, &net_options.address.sa, net_options.address_size))
		net_die("connect");
	return fd;
}

void net_give(int fd, uint64_t bytes)
{
	while (bytes) {
		size_t some = bytes < NET_BLOCK ? bytes : NET_BLOCK;
		ssize_t n = send(fd, net_zeros, some, MSG_NOSIGNAL);

		if (n <= 0)
			net_die("send");
		bytes -= (uint64_t)n;
	}
}

void net_take(int fd, uint64_t bytes)
{
	char buf[NET_BLOCK];

	while (bytes) {
		ssize_t n = recv(fd, buf, bytes < NET_BLOCK ? bytes : NET_BLOCK, 0);

		if (n <= 0)
			net_die("receive");
		bytes -= (uint64_t)n;
	}
}

uint64_t net_drain(int fd)
{
	char buf[NET_BLOCK];
	uint64_t bytes = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		bytes += (uint64_t)n;
	return bytes;
}

void net_wait_readable(int fd, int bytes)
{
	for (int waited = 0, there = 0; ; waited++) {
		if (ioctl(fd, FIONREAD, &there))
			net_die("FIONREAD");
		if (there >= bytes)
			return;
		if (waited > TIMEOUT_S * 1000)
			net_die("too little to read");
		net_sleep_ms(1);
	}
}

void net_ask(int fd, enum net_how how, uint32_t up, uint32_t down)
{
	struct net_request r = { NET_MAGIC, how, up, down };
	char buf[NET_BLOCK] = "";
	size_t first = up < sizeof(buf) ? up : sizeof(buf);

	memcpy(buf, &r, sizeof(r));
	if (up < sizeof(r) || send(fd, buf, first, MSG_NOSIGNAL) != (ssize_t)first)
		net_die("ask");
	net_give(fd, up - first);
}

/* --- clients --------------------------------------------------------------------------------- */

static void ask_unconnected(void)
{
	struct timeval limit = { .tv_sec = TIMEOUT_S };
	int fd = socket(net_options.address.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct net_request r = { NET_MAGIC, NET_PLAIN, net_options.up, net_options.down };
	char buf[NET_BLOCK] = "";

	memcpy(buf, &r, sizeof(r));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    sendto(fd, buf, r.up, 0, &net_options.address.sa, net_options.address_size) !=
	    (ssize_t)r.up || recv(fd, buf, sizeof(buf), 0) != (ssize_t)r.down)
		net_die("datagram");
	net_truth("client", fd, r.up, r.down);
}

static int client(void)
{
	if (net_options.datagrams && !net_options.connected) {
		ask_unconnected();
	} else {
		int fd = net_dial(net_options.datagrams ? SOCK_DGRAM : SOCK_STREAM);

		net_ask(fd, NET_PLAIN, net_options.up, net_options.down);
		net_take(fd, net_options.down);
		net_truth("client", fd, net_options.up, net_options.down);
	}
	if (net_options.keep_ms)
		net_sleep_ms(net_options.keep_ms);
	_exit(0);
}

/* argv: as this process got it, with "spawn" in it. */
static int spawn_clients(char **argv, int verb)
{
	unsigned int started = 0, ended = 0, failed = 0;
	char *environment[] = { NULL };
	int status;
	pid_t pid;

	argv[verb] = (char[]){ "client" };
	while (ended < net_options.n) {
		if (started < net_options.n && started - ended < net_options.workers) {
			net_sleep_ms(net_options.gap_ms);
			if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environment))
				net_die("posix_spawn");
			started++;
			continue;
		}
		if (wait(&status) < 0)
			net_die("wait");
		ended++;
		failed += status != 0;
	}
	return failed != 0;
}

static int flood(void)
{
	int fd = net_dial(SOCK_DGRAM);
	struct net_request r = { NET_MAGIC, NET_PLAIN, net_options.up, 0 };
	char buf[NET_BLOCK] = "";
	struct timespec begin, end;
	double seconds;

	memcpy(buf, &r, sizeof(r));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (unsigned int i = 0; i < net_options.n; i++) {
		if (send(fd, buf, r.up, 0) != (ssize_t)r.up)
			net_die("send");
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = (double)(end.tv_sec - begin.tv_sec) +
		  1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
	net_truth("flood", fd, (uint64_t)r.up * net_options.n, 0);
	printf("per_second=%.0f\n", (double)net_options.n / seconds);
	return 0;
}

static int hold(void)
{
	union net_address a = { .in = { .sin_family = AF_INET,
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(a.in);
	struct rlimit files;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char c;

	if (getrlimit(RLIMIT_NOFILE, &files))
		net_die("getrlimit");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		net_die("setrlimit");
	if (listener < 0 || bind(listener, &a.sa, size) || listen(listener, 16) ||
	    getsockname(listener, &a.sa, &size))
		net_die("listen");
	for (unsigned int i = 0; i < net_options.n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0 || connect(fd, &a.sa, size) ||
		    accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
			net_die("connection to itself");
	}
	printf("held=%u\n", 2 * net_options.n);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	return 0;
}

/* --- options --------------------------------------------------------------------------------- */

static uint32_t number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value > UINT32_MAX) {
		errno = EINVAL;
		net_die(text);
	}
	return (uint32_t)value;
}

static void set_address(const char *text, const char *port)
{
	union net_address *a = &net_options.address;

	if (inet_pton(AF_INET, text, &a->in.sin_addr) == 1) {
		a->sa.sa_family = AF_INET;
		net_options.address_size = sizeof(a->in);
	} else if (inet_pton(AF_INET6, text, &a->in6.sin6_addr) == 1) {
		a->sa.sa_family = AF_INET6;
		net_options.address_size = sizeof(a->in6);
	} else {
		errno = EINVAL;
		net_die(text);
	}
	net_set_port(a, (uint16_t)number(port));
}

static bool option(int c)
{
	switch (c) {
	case 'o':
		net_options.out = optarg;
		truth_fd = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (truth_fd < 0)
			net_die(optarg);
		return true;
	case 'n': net_options.n = number(optarg); return true;
	case 'w': net_options.workers = number(optarg); return true;
	case 'u': net_options.up = number(optarg); return true;
	case 'd': net_options.down = number(optarg); return true;
	case 'k': net_options.keep_ms = number(optarg); return true;
	case 'g': net_options.gap_ms = number(optarg); return true;
	case 'f': net_options.fork = true; return true;
	case 'p':
		net_options.datagrams = strcmp(optarg, "tcp") != 0;
		net_options.connected = strcmp(optarg, "udp") != 0;
		return true;
	default: return false;
	}
}

static int run(int argc, char **argv, int verb)
{
	static int (*const plain[])(void) = { net_serve, net_prefork, hold, client, flood };
	static const char *const names[] = { "serve", "prefork", "hold", "client", "flood" };
	const char *name = argv[verb];

	if (argc - verb >= 3)
		set_address(argv[verb + 1], argv[verb + 2]);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(names[i], name) && (i < 3 || net_options.address_size))
			return plain[i]();
	}
	if (!strcmp(name, "spawn") && net_options.address_size)
		return spawn_clients(argv, verb);
	if (!strcmp(name, "cases") && argc - verb >= 5) {
		net_options.closed_port = (uint16_t)number(argv[verb + 3]);
		return net_cases(argv + verb + 4);
	}
	usage(stderr);
	return 2;
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+o:n:w:u:d:k:g:p:f")) != -1) {
		if (!option(c)) {
			usage(stderr);
			return 2;
		}
	}
	if (optind == argc) {
		usage(stderr);
		return 2;
	}
	return run(argc, argv, optind);
}
