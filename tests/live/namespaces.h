/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NAMESPACES_H
#define NAMESPACES_H

/*
 * Network namespaces that die with the test, and traffic in them. The test itself leaves for a
 * namespace of its own, where nothing but its own packets are; mounts that it makes are its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/test.h"

#define PORT 5001
#define PAYLOAD 10000		/* each way, of a TCP connection */
#define MSEC 1000000ull

_test_ void rest(unsigned int ms)
{
	usleep(ms * 1000);
}

/* A shell command, in the namespace that a process is in; 0: our own. */
_test_ __attribute__((format(printf, 2, 3))) void sh(pid_t pid, const char *fmt, ...)
{
	char command[1024], line[1200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (pid)
		snprintf(line, sizeof(line), "exec nsenter -n -t %d sh -ec '%s'", pid, command);
	else
		snprintf(line, sizeof(line), "set -e; %s", command);
	if (system(line) != 0)
		printf("# failed: %s\n", line);
}

#define QUIET "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0" \
	" net.ipv6.conf.all.router_solicitations=0 net.ipv6.conf.default.router_solicitations=0;" \
	"sysctl -qw net.ipv4.ip_local_port_range=\"10000 65000\";"

/* Into a namespace where no device is up. */
_test_ void leave_for_own(void)
{
	if (geteuid() != 0)
		SKIP("needs root");
	signal(SIGPIPE, SIG_IGN);
	CHECK_EQ(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
	CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	sh(0, QUIET);
}

/* A process that waits to be killed, in a namespace of its own with loopback up. */
_test_ pid_t new_namespace(void)
{
	int line[2];
	char c;
	pid_t pid;

	CHECK_EQ(pipe(line), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 ||
		    system(QUIET "ip link set lo up") != 0 || write(line[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(line[1]);
	CHECK_EQ(read(line[0], &c, 1), 1);
	close(line[0]);
	return pid;
}

_test_ void end_process(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* In a child: into the namespace that a process is in; 0: stays. */
_test_ void join(pid_t pid)
{
	char path[32];
	int fd;

	if (!pid)
		return;
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		_exit(10);
	close(fd);
}

struct end {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u;
	socklen_t len;
};

_test_ struct end end_of(const char *address, uint16_t port)
{
	struct end e = { .len = 0 };

	if (strchr(address, ':')) {
		e.u.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		inet_pton(AF_INET6, address, &e.u.v6.sin6_addr);
		e.len = sizeof(e.u.v6);
	} else {
		e.u.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		inet_pton(AF_INET, address, &e.u.v4.sin_addr);
		e.len = sizeof(e.u.v4);
	}
	return e;
}

_test_ uint16_t port_of(int fd)
{
	struct end e = { .len = sizeof(e.u) };

	getsockname(fd, &e.u.any, &e.len);
	return ntohs(e.u.any.sa_family == AF_INET6 ? e.u.v6.sin6_port : e.u.v4.sin_port);
}

_test_ bool send_all(int fd, size_t len)
{
	static const char zeros[PAYLOAD];

	while (len > 0) {
		ssize_t n = send(fd, zeros, len < PAYLOAD ? len : PAYLOAD, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		len -= (size_t)n;
	}
	return true;
}

/* What comes until there is enough, or the other end closes. */
_test_ size_t receive_all(int fd, size_t max)
{
	static char buf[65536];
	size_t got = 0;
	ssize_t n;

	while (got < max && (n = recv(fd, buf, sizeof(buf), 0)) > 0)
		got += (size_t)n;
	return got;
}

/* A TCP server: takes PAYLOAD, gives PAYLOAD, closes first. And UDP: what came goes back. */
_test_ pid_t serve(pid_t where)
{
	int ready[2];
	char c;
	pid_t pid;

	CHECK_EQ(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct end any = end_of("::", PORT), from;
		int tcp, udp, one = 1;
		char buf[65536];

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		join(where);
		tcp = socket(AF_INET6, SOCK_STREAM, 0);
		udp = socket(AF_INET6, SOCK_DGRAM, 0);
		setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(tcp, &any.u.any, any.len) < 0 || listen(tcp, 512) < 0 ||
		    bind(udp, &any.u.any, any.len) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;) {
				ssize_t n;

				from.len = sizeof(from.u);
				n = recvfrom(udp, buf, sizeof(buf), 0, &from.u.any, &from.len);
				if (n >= 0)
					(void)!sendto(udp, buf, (size_t)n, 0, &from.u.any,
						      from.len);
			}
		}
		for (;;) {
			int fd = accept(tcp, NULL, NULL);

			if (fd >= 0 && receive_all(fd, PAYLOAD) == PAYLOAD)
				(void)send_all(fd, PAYLOAD);
			close(fd);
		}
	}
	close(ready[1]);
	CHECK_EQ(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

/* What a client did, by itself. */
struct truth {
	pid_t pid;
	uint16_t port;		/* local */
	bool done;
};

/* In a child: one connection, PAYLOAD each way. */
_test_ void connect_once(const char *address, struct truth *t)
{
	struct end to = end_of(address, PORT);
	int fd = socket(to.u.any.sa_family, SOCK_STREAM, 0);

	t->pid = getpid();
	if (connect(fd, &to.u.any, to.len) < 0)
		_exit(2);
	t->port = port_of(fd);
	t->done = send_all(fd, PAYLOAD) && receive_all(fd, SIZE_MAX) == PAYLOAD;
}

/*
 * n clients that connect and exit, so many at a time, from where a process is. What they did, in
 * memory for munmap(); meanwhile is called between.
 */
_test_ struct truth *clients(pid_t where, const char *address, unsigned int n,
			     unsigned int at_a_time, void (*meanwhile)(void))
{
	struct truth *t = mmap(NULL, n * sizeof(*t), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int done = 0;

	CHECK(t != MAP_FAILED);
	for (unsigned int begin = 0; begin < n; begin += at_a_time) {
		for (unsigned int i = begin; i < n && i < begin + at_a_time; i++) {
			if (fork() == 0) {
				join(where);
				connect_once(address, &t[i]);
				_exit(0);
			}
		}
		for (unsigned int i = begin; i < n && i < begin + at_a_time; i++) {
			while (!t[i].done && waitpid(-1, NULL, 0) > 0)
				;
		}
		if (meanwhile)
			meanwhile();
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	for (unsigned int i = 0; i < n; i++)
		done += t[i].done;
	CHECK_EQ(done, n);
	return t;
}

#endif
