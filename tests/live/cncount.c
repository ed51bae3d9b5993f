/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An own, minimal view of the kernel's process connector, to check pevent against:
 *
 *	cncount watch FILE   listen with a large buffer until standard input ends; then write one
 *			     line per event: TIMESTAMP_NS WHAT CPU SEQ TID TGID, and print
 *			     events=, lost= (kernel's drop counter), gaps= (per-CPU sequence)
 *	cncount listeners    print how many subscriptions the kernel counts, leave it as it was
 *	cncount take	     take all of them away, as any program can, and print how many: that
 *			     silences all listeners
 *	cncount add N	     give N (or with -N, take)
 *
 * The kernel's counter has no interface. It is read by taking one away at a time until the kernel
 * stops answering, and giving as many back: for these microseconds no listener gets anything. An
 * unknown operation is remembered for its socket, and an IGNORE after it takes one subscription
 * away; a LISTEN after an IGNORE adds one; closing a socket leaves the counter alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	IDX_PROC = 1, VAL_PROC = 1,
	OP_LISTEN = 1, OP_IGNORE = 2, OP_UNKNOWN = 3,
	OFFSET_WHAT = 36, OFFSET_CPU = 40, OFFSET_TIME = 44, OFFSET_SEQ = 24, OFFSET_ID = 52,
	WHAT_NONE = 0, WHAT_FORK = 1,
	CPUS_MAX = 1024, STEPS_MAX = 10000,
	MEMINFO_DROPS = 8, MEMINFO_VARS = 9,
};

/* Parts of linux/connector.h, which needs a newer kernel's headers for nothing else. */
struct request {
	struct nlmsghdr nl;
	uint32_t idx, val, seq, ack;
	uint16_t len, flags;
	uint32_t op;
} __attribute__((packed));

struct seen {
	uint64_t time_ns;
	uint32_t what, cpu, seq, tid, tgid;
};

static void die(const char *what)
{
	fprintf(stderr, "cncount: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_socket(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = IDX_PROC };
	int size = 64 << 20;
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		die("bind");
	return fd;
}

static void send_op(int fd, uint32_t op, uint32_t ack)
{
	const struct request r = {
		.nl = { .nlmsg_len = sizeof(r), .nlmsg_type = NLMSG_DONE },
		.idx = IDX_PROC, .val = VAL_PROC, .ack = ack, .len = sizeof(op), .op = op,
	};

	if (send(fd, &r, sizeof(r), 0) != (ssize_t)sizeof(r))
		die("send");
}

static uint32_t get32(const char *buf, size_t offset)
{
	uint32_t value;

	memcpy(&value, buf + offset, sizeof(value));
	return value;
}

/* Does the kernel answer op? It does so before send() returns, if it counts a subscription then. */
static bool answers(int fd, int witness, uint32_t op)
{
	static uint32_t ack;
	char buf[256];
	bool answered = false;

	ack = ack ? ack + 2 : (uint32_t)getpid() << 12;
	send_op(fd, op, ack);
	while (recv(witness, buf, sizeof(buf), 0) >= OFFSET_ID || errno == ENOBUFS) {
		if (get32(buf, OFFSET_WHAT) == WHAT_NONE && get32(buf, OFFSET_SEQ + 4) == ack + 1)
			answered = true;
		errno = 0;
	}
	return answered;
}

/* Bring the counter to 0: returns by how much it was lowered (negative: raised). */
static int lower(int fd, int witness)
{
	int n = 0;

	if (!answers(fd, witness, OP_UNKNOWN)) {	/* 0 or less: raise it until it speaks */
		do {
			send_op(fd, OP_UNKNOWN, 0);
			n--;
		} while (!answers(fd, witness, OP_LISTEN) && n > -STEPS_MAX);
		send_op(fd, OP_UNKNOWN, 0);	/* it is 1 */
		send_op(fd, OP_IGNORE, 0);
		return n + 1;
	}
	while (n < STEPS_MAX) {
		n++;
		if (!answers(fd, witness, OP_IGNORE))
			return n;
		send_op(fd, OP_UNKNOWN, 0);
	}
	errno = EOPNOTSUPP;
	die("this kernel's counter cannot be driven");
	return 0;
}

static void raise_by(int fd, int n)
{
	for (; n > 0; n--) {
		send_op(fd, OP_UNKNOWN, 0);
		send_op(fd, OP_LISTEN, 0);
	}
	for (; n < 0; n++) {
		send_op(fd, OP_UNKNOWN, 0);
		send_op(fd, OP_IGNORE, 0);
	}
}

static int count_listeners(bool keep)
{
	int fd = open_socket(), witness = open_socket(), n = lower(fd, witness);

	if (keep)
		raise_by(fd, n);
	printf("%d\n", n);
	return 0;
}

static int add_listeners(int n)
{
	raise_by(open_socket(), n);
	return 0;
}

static uint32_t drops(int fd)
{
	uint32_t info[MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len);
	return info[MEMINFO_DROPS];
}

static struct seen decode(const char *buf)
{
	struct seen s = {
		.what = get32(buf, OFFSET_WHAT), .cpu = get32(buf, OFFSET_CPU),
		.seq = get32(buf, OFFSET_SEQ), .tid = get32(buf, OFFSET_ID),
		.tgid = get32(buf, OFFSET_ID + 4),
	};

	memcpy(&s.time_ns, buf + OFFSET_TIME, sizeof(s.time_ns));
	if (s.what == WHAT_FORK) {	/* the new one, not its parent */
		s.tid = get32(buf, OFFSET_ID + 8);
		s.tgid = get32(buf, OFFSET_ID + 12);
	}
	return s;
}

static int watch(const char *path)
{
	static uint32_t next[CPUS_MAX];
	static bool known[CPUS_MAX];
	struct seen *all = NULL;
	size_t n = 0, room = 0;
	uint64_t gaps = 0;
	int fd = open_socket();
	FILE *f = fopen(path, "we");
	bool ended = false;
	char buf[256];

	if (!f)
		die(path);
	send_op(fd, OP_LISTEN, 1);
	printf("watching\n");
	fflush(stdout);
	while (!ended) {
		struct pollfd fds[2] = { { .fd = STDIN_FILENO, .events = POLLIN } };

		poll(fds, 1, 5);
		ended = fds[0].revents && read(STDIN_FILENO, buf, 1) <= 0;
		for (;;) {
			struct seen s;

			if (recv(fd, buf, sizeof(buf), 0) < OFFSET_ID + 8) {
				if (errno == ENOBUFS)
					continue;
				break;
			}
			if (n == room) {
				room = room ? 2 * room : 1 << 16;
				all = realloc(all, room * sizeof(*all));
				if (!all)
					die("realloc");
			}
			s = decode(buf);
			if (s.cpu < CPUS_MAX) {
				if (known[s.cpu])
					gaps += s.seq - next[s.cpu];
				known[s.cpu] = true;
				next[s.cpu] = s.seq + 1;
			}
			all[n++] = s;
		}
	}
	send_op(fd, OP_IGNORE, 1);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%" PRIu64 " %x %u %u %u %u\n", all[i].time_ns, all[i].what,
			all[i].cpu, all[i].seq, all[i].tid, all[i].tgid);
	free(all);
	if (fclose(f))
		die(path);
	printf("events=%zu lost=%" PRIu32 " gaps=%" PRIu64 "\n", n, drops(fd), gaps);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "watch"))
		return watch(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "listeners"))
		return count_listeners(true);
	if (argc == 2 && !strcmp(argv[1], "take"))
		return count_listeners(false);
	if (argc == 3 && !strcmp(argv[1], "add"))
		return add_listeners(atoi(argv[2]));
	fputs("Usage: cncount watch FILE | listeners | take | add N\n", stderr);
	return 2;
}
