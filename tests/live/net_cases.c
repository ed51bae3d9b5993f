/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Clients that use or leave their sockets in unusual ways. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

enum { BIG = 1 << 20, SOME = 10000, LITTLE = 100, DATAGRAM = 20000, ANSWER = 500 };
enum { HEAD = sizeof(struct net_request) };

static int reap(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			net_die("waitpid");
	}
	return status;
}

static void case_none(const char *name)
{
	net_truth(name, -1, 0, 0);
}

static void case_sendfile(const char *name)
{
	int fd = net_dial(SOCK_STREAM), file = memfd_create("net", MFD_CLOEXEC);
	struct net_request r = { NET_MAGIC, NET_PLAIN, BIG, LITTLE };
	off_t at = 0;

	if (file < 0 || ftruncate(file, BIG))
		net_die("memfd");
	if (send(fd, &r, sizeof(r), MSG_MORE) != (ssize_t)sizeof(r))
		net_die("send");
	while (at < BIG - HEAD) {
		if (sendfile(fd, file, &at, (size_t)(BIG - HEAD - at)) <= 0)
			net_die("sendfile");
	}
	net_take(fd, LITTLE);
	net_truth(name, fd, BIG, LITTLE);
}

static void case_splice(const char *name)
{
	int fd = net_dial(SOCK_STREAM), null = open("/dev/null", O_WRONLY | O_CLOEXEC), pair[2];

	if (null < 0 || pipe2(pair, O_CLOEXEC))
		net_die("pipe");
	net_ask(fd, NET_PLAIN, LITTLE, BIG);
	for (ssize_t got = 0; got < BIG;) {
		ssize_t n = splice(fd, NULL, pair[1], NULL, (size_t)(BIG - got), SPLICE_F_MOVE);

		if (n <= 0)
			net_die("splice");
		got += n;
		while (n > 0) {
			ssize_t m = splice(pair[0], NULL, null, NULL, (size_t)n, SPLICE_F_MOVE);

			if (m <= 0)
				net_die("splice");
			n -= m;
		}
	}
	net_truth(name, fd, LITTLE, BIG);
}

static void case_peek(const char *name)
{
	int fd = net_dial(SOCK_STREAM);
	char buf[SOME];

	net_ask(fd, NET_PLAIN, LITTLE, SOME);
	net_wait_readable(fd, SOME);
	for (int i = 0; i < 3; i++) {
		if (recv(fd, buf, sizeof(buf), MSG_PEEK) != SOME)
			net_die("peek");
	}
	net_take(fd, SOME);
	net_truth(name, fd, LITTLE, SOME);
}

/* first: flags of the first of two calls that make one question. */
static void case_udp_plain(const char *name, int first)
{
	int fd = net_dial(SOCK_DGRAM);
	char buf[LITTLE] = "";
	struct net_request r = { NET_MAGIC, NET_PLAIN, LITTLE, ANSWER };

	memcpy(buf, &r, sizeof(r));
	if (first && send(fd, buf, HEAD, first) != HEAD)
		net_die("first piece");
	if (send(fd, buf + (first ? HEAD : 0), LITTLE - (first ? HEAD : 0), 0) < 0)
		net_die("question");
	net_take(fd, ANSWER);
	net_truth(name, fd, LITTLE, ANSWER);
}

static void case_udp_peek(const char *name)
{
	int fd = net_dial(SOCK_DGRAM);
	char buf[SOME];

	net_ask(fd, NET_PLAIN, LITTLE, ANSWER);
	for (int i = 0; i < 3; i++) {
		if (recv(fd, buf, sizeof(buf), MSG_PEEK) != ANSWER)
			net_die("peek");
	}
	net_take(fd, ANSWER);
	net_truth(name, fd, LITTLE, ANSWER);
}

/* Larger than a packet can be, but on loopback. */
static void case_udp_big(const char *name)
{
	int fd = net_dial(SOCK_DGRAM);

	net_ask(fd, NET_PLAIN, DATAGRAM, DATAGRAM);
	net_take(fd, DATAGRAM);
	net_truth(name, fd, DATAGRAM, DATAGRAM);
}

/* IPv4, by a socket that calls it IPv6. */
static void case_udp_mapped(const char *name)
{
	union net_address to = net_options.address;
	struct in_addr v4 = to.in.sin_addr;

	memset(&net_options.address, 0, sizeof(net_options.address));
	net_options.address.in6.sin6_family = AF_INET6;
	net_set_port(&net_options.address, net_port(&to));
	net_options.address.in6.sin6_addr.s6_addr[10] = 0xff;
	net_options.address.in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&net_options.address.in6.sin6_addr.s6_addr[12], &v4, sizeof(v4));
	net_options.address_size = sizeof(net_options.address.in6);
	case_udp_plain(name, 0);
}

/* Two calls, one datagram. */
static void case_udp_cork(const char *name)
{
	case_udp_plain(name, MSG_MORE);
}

/* The rest of the datagram is thrown away. */
static void case_udp_short(const char *name)
{
	int fd = net_dial(SOCK_DGRAM);
	char buf[10];

	net_ask(fd, NET_PLAIN, LITTLE, 1000);
	if (recv(fd, buf, sizeof(buf), 0) != (ssize_t)sizeof(buf))
		net_die("receive");
	net_truth(name, fd, LITTLE, sizeof(buf));
}

static void case_refused(const char *name)
{
	union net_address to = net_options.address;
	int fd = socket(to.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	net_set_port(&to, net_options.closed_port);
	if (!connect(fd, &to.sa, net_options.address_size) || errno != ECONNREFUSED)
		net_die("connect to the closed port");
	net_truth(name, fd, 0, 0);
}

/* The answer is an ICMP error, which is of the socket but no data of it. */
static void case_udp_refused(const char *name)
{
	union net_address to = net_options.address;
	int fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char buf[LITTLE] = "";

	net_set_port(&to, net_options.closed_port);
	if (connect(fd, &to.sa, net_options.address_size) ||
	    send(fd, buf, sizeof(buf), 0) != LITTLE)
		net_die("send to the closed port");
	if (recv(fd, buf, sizeof(buf), 0) >= 0 || errno != ECONNREFUSED)
		net_die("receive from the closed port");
	net_truth(name, fd, LITTLE, 0);
}

/* With the error comes a copy of what was sent: nobody else has sent that. */
static void case_udp_errqueue(const char *name)
{
	union net_address to = net_options.address;
	bool v6 = to.sa.sa_family == AF_INET6;
	int fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), one = 1;
	struct pollfd pfd = { .fd = fd };
	char buf[LITTLE] = "", control[512];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			    .msg_controllen = sizeof(control) };

	net_set_port(&to, net_options.closed_port);
	if (setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &one,
		       sizeof(one)) || connect(fd, &to.sa, net_options.address_size) ||
	    send(fd, buf, sizeof(buf), 0) != LITTLE)
		net_die("send to the closed port");
	if (poll(&pfd, 1, 10000) != 1 || recvmsg(fd, &m, MSG_ERRQUEUE) != LITTLE)
		net_die("queue of errors");
	net_truth(name, fd, LITTLE, 0);
}

static void case_reset(const char *name)
{
	int fd = net_dial(SOCK_STREAM);

	net_ask(fd, NET_PLAIN, LITTLE, SOME);
	net_wait_readable(fd, SOME);
	net_truth(name, fd, LITTLE, SOME);
	close(fd);
}

static void case_unread(const char *name)
{
	int fd = net_dial(SOCK_STREAM);
	char c;

	net_ask(fd, NET_UNREAD, SOME, 0);
	if (recv(fd, &c, 1, 0) >= 0 || errno != ECONNRESET)
		net_die("no reset");
	net_truth(name, fd, SOME, 0);
}

static void case_half(const char *name)
{
	int fd = net_dial(SOCK_STREAM);

	net_ask(fd, NET_EOF, SOME, SOME);
	if (shutdown(fd, SHUT_WR))
		net_die("shutdown");
	net_take(fd, SOME);
	net_truth(name, fd, SOME, SOME);
}

static void case_half_server(const char *name)
{
	int fd = net_dial(SOCK_STREAM);

	net_ask(fd, NET_HALF, LITTLE, SOME);
	if (net_drain(fd) != SOME)
		net_die("short answer");
	net_give(fd, SOME);
	net_truth(name, fd, LITTLE + SOME, SOME);
}

static void case_server_first(const char *name)
{
	int fd = net_dial(SOCK_STREAM);

	net_ask(fd, NET_FIRST, SOME, SOME);
	if (net_drain(fd) != SOME)
		net_die("short answer");
	net_truth(name, fd, SOME, SOME);
}

/* Ends with data the server has no room for yet: the kernel goes on sending for nobody. */
static void case_unsent(const char *name)
{
	int fd = net_dial(SOCK_STREAM);
	uint64_t sent = LITTLE;
	ssize_t n;

	net_ask(fd, NET_STALL, LITTLE, 0);
	for (int i = 0; i < 5; i++) {
		while ((n = send(fd, net_zeros, NET_BLOCK, MSG_DONTWAIT)) > 0)
			sent += (uint64_t)n;
		net_sleep_ms(NET_PAUSE_MS / 10);	/* the buffers grow as windows open */
	}
	net_truth(name, fd, sent, 0);
}

/* Its socket stays behind in FIN_WAIT2. */
static void case_linger(const char *name)
{
	int fd = net_dial(SOCK_STREAM);

	net_ask(fd, NET_LINGER, SOME, SOME);
	net_take(fd, SOME);
	net_truth(name, fd, SOME, SOME);
}

static void case_inherit(const char *name)
{
	int fd = net_dial(SOCK_STREAM);
	pid_t pid = fork();

	if (pid == 0) {
		net_ask(fd, NET_PLAIN, 6000, 3000);
		net_take(fd, 3000);
		net_truth("inherit-child", fd, 6000, 3000);
		_exit(0);
	}
	if (pid < 0 || reap(pid))
		net_die("child");
	net_ask(fd, NET_PLAIN, 4000, 1000);
	net_take(fd, 1000);
	net_truth(name, fd, 4000, 1000);
}

static void send_fd(int over, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char c = 0;
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(over, &m, 0) != 1)
		net_die("sendmsg");
}

static int receive_fd(int over)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char c;
	struct iovec iov = { &c, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int fd;

	if (recvmsg(over, &m, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&m))
		net_die("recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

/* The receiver was there before the socket: it did not inherit it. */
static void case_pass(const char *name)
{
	int pair[2], fd;
	char byte = 0;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		net_die("socketpair");
	pid = fork();
	if (pid == 0) {
		fd = receive_fd(pair[1]);
		/* Who gave it away has closed it: this is its last descriptor. */
		if (recv(pair[1], &byte, 1, 0) != 1)
			net_die("recv");
		net_ask(fd, NET_PLAIN, 6000, 3000);
		net_take(fd, 3000);
		net_truth("pass-child", fd, 6000, 3000);
		_exit(0);
	}
	fd = net_dial(SOCK_STREAM);
	send_fd(pair[0], fd);
	net_truth(name, fd, 0, 0);
	close(fd);
	if (send(pair[0], &byte, 1, 0) != 1)
		net_die("send");
	if (pid < 0 || reap(pid))
		net_die("child");
}

static void case_self(const char *name)
{
	union net_address self = net_options.address;
	socklen_t size = sizeof(self);
	int fd = socket(self.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (self.sa.sa_family == AF_INET6)
		self.in6.sin6_addr = in6addr_loopback;
	else
		self.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	net_set_port(&self, 0);
	if (bind(fd, &self.sa, net_options.address_size) || getsockname(fd, &self.sa, &size) ||
	    connect(fd, &self.sa, size))
		net_die("connect to itself");
	net_give(fd, SOME);
	net_take(fd, SOME);
	net_truth(name, fd, SOME, SOME);
}

/* Says "ready" when the first half is done, and goes on when it is told to; truth: the second. */
static void case_older(const char *name)
{
	int fd = net_dial(SOCK_STREAM);
	char c;

	net_ask(fd, NET_PLAIN, 5000, 5000);
	net_take(fd, 5000);
	if (write(STDOUT_FILENO, "ready\n", 6) != 6 || read(STDIN_FILENO, &c, 1) < 0)
		net_die("standard streams");
	net_ask(fd, NET_PLAIN, SOME, SOME);
	net_take(fd, SOME);
	net_truth(name, fd, SOME, SOME);
}

static const struct {
	const char *name;
	void (*run)(const char *name);
} cases[] = {
	{ "none", case_none },
	{ "sendfile", case_sendfile },
	{ "splice", case_splice },
	{ "peek", case_peek },
	{ "udp-peek", case_udp_peek },
	{ "udp-big", case_udp_big },
	{ "udp-mapped", case_udp_mapped },
	{ "udp-cork", case_udp_cork },
	{ "udp-short", case_udp_short },
	{ "refused", case_refused },
	{ "udp-refused", case_udp_refused },
	{ "udp-errqueue", case_udp_errqueue },
	{ "reset", case_reset },
	{ "unread", case_unread },
	{ "half", case_half },
	{ "half-server", case_half_server },
	{ "server-first", case_server_first },
	{ "unsent", case_unsent },
	{ "linger", case_linger },
	{ "inherit", case_inherit },
	{ "pass", case_pass },
	{ "self", case_self },
	{ "older", case_older },
};

static bool run_case(const char *name)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pid_t pid;

		if (strcmp(cases[i].name, name) != 0)
			continue;
		pid = fork();
		if (pid == 0) {
			cases[i].run(name);
			_exit(0);
		}
		if (pid > 0 && reap(pid) == 0)
			return true;
		break;
	}
	fprintf(stderr, "net: case %s failed\n", name);
	return false;
}

int net_cases(char **names)
{
	int status = 0;

	for (; *names; names++) {
		if (!run_case(*names))
			status = 1;
	}
	return status;
}
