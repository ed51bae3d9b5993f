/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "connector.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netlink.h"
#include "util/macro.h"

#define BATCH 128
#define SLOT 192		/* a message is 76 bytes; room for kernels to come */
#define ACK_TIMEOUT_MS 300	/* it is sent before the request's sendto(2) returns */
#define OPEN_ATTEMPTS 8
#define PROBE_STACK 65536

/* The first user and pid namespaces have fixed inode numbers (include/linux/proc_ns.h). */
#define INIT_USER_NS "user:[4026531837]"
#define INIT_PID_NS "pid:[4026531836]"

static bool in_namespace(const char *path, const char *name)
{
	char link[64];
	ssize_t n = readlink(path, link, sizeof(link) - 1);

	if (n < 0)
		return true;
	link[n] = '\0';
	return !strcmp(link, name);
}

static int send_op(struct connector *c, enum cn_op op, uint32_t ack)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	char request[CN_REQUEST_SIZE];
	ssize_t n;

	cn_request(request, op, ++c->seq, ack, c->port);
	do
		n = sendto(c->fd, request, sizeof(request), MSG_NOSIGNAL,
			   (struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* A connected socket that is in no group yet. */
static int open_socket(struct nl_sock **ret)
{
	struct nl_sock *sock = nl_socket_alloc();
	int error;

	if (!sock)
		return -ENOMEM;
	errno = 0;
	error = nl_connect(sock, NETLINK_CONNECTOR);
	if (error < 0) {
		error = errno ? -errno : -EPROTONOSUPPORT;
		nl_socket_free(sock);
		return error;
	}
	*ret = sock;
	return nl_socket_get_fd(sock);
}

static int join_group(struct nl_sock *sock)
{
	errno = 0;
	if (nl_socket_add_membership(sock, (int)CN_IDX) < 0)
		return errno ? -errno : -EPERM;
	return 0;
}

/* Before LISTEN: nothing of it is in the stream. */
static void start_guard(struct connector *c)
{
	char request[CN_REQUEST_SIZE];
	int error;

	/* A netlink socket that is not connected sends to the kernel. */
	cn_request(request, CN_IGNORE, 1, 0, c->port);
	error = guard_start(&c->guard, c->fd, request, sizeof(request));
	if (error < 0)
		log_warning(c->log, "guard process: %s", strerror(-error));
}

/* What stands between connector_drain() and its caller while the acknowledgement is awaited. */
struct ack_wait {
	connector_fn fn;
	void *data;
	uint32_t ack;
	bool seen;
	int error;
};

static void look_for_ack(void *data, const struct cn_event *ev, const void *raw, size_t len)
{
	struct ack_wait *w = data;

	if (ev->what == CN_NONE && ev->ack == w->ack) {
		w->seen = true;
		w->error = -ev->u.error;
	}
	w->fn(w->data, ev, raw, len);
}

int connector_check(const struct log *log)
{
	if (!in_namespace("/proc/self/ns/user", INIT_USER_NS))
		return log_error(log, -ENOTSUP, "process connector: this user namespace is not "
				 "the first one: run on the host, outside the container");
	if (!in_namespace("/proc/self/ns/pid", INIT_PID_NS))
		return log_error(log, -ENOTSUP, "process connector: this pid namespace is not "
				 "the first one: run on the host, outside the container");
	return 0;
}

static int explain(struct connector *c, int error)
{
	switch (error) {
	case -ECONNREFUSED:
		return log_error(c->log, -ENOTSUP, "process connector: this network namespace is "
				 "not the first one: run with the host's network");
	case -EPERM:
	case -EACCES:
		return log_error(c->log, -EPERM, "process connector: needs CAP_NET_ADMIN on "
				 "kernels before 6.6: run as root");
	case -EPROTONOSUPPORT:
	case -ETIMEDOUT:
		return log_error(c->log, -ENOTSUP, "process connector: the kernel does not answer: "
				 "it needs CONFIG_CONNECTOR and CONFIG_PROC_EVENTS");
	default:
		return log_error(c->log, error, "process connector: %s", strerror(-error));
	}
}

static int subscribe(struct connector *c, connector_fn fn, void *data)
{
	struct ack_wait wait = { .fn = fn, .data = data };
	uint32_t ack = 0;
	int error;

	if (getrandom(&ack, sizeof(ack), GRND_NONBLOCK) != sizeof(ack))
		ack = (uint32_t)getpid() * UINT32_C(2654435761);
	wait.ack = ack + 1;
	error = send_op(c, CN_LISTEN, ack);
	if (error < 0)
		return error;
	c->listening = true;
	for (int waited = 0; !wait.seen && waited < ACK_TIMEOUT_MS; waited += 10) {
		struct pollfd pfd = { .fd = c->fd, .events = POLLIN };

		(void)poll(&pfd, 1, 10);
		error = connector_drain(c, 65536, look_for_ack, &wait);
		if (error < 0)
			return error;
	}
	return wait.seen ? wait.error : -ETIMEDOUT;
}

static int open_once(struct connector *c, const struct connector_options *options,
		     connector_fn fn, void *data)
{
	int error = open_socket(&c->sock);

	if (error < 0)
		return error;
	c->fd = error;
	c->slots = malloc((size_t)BATCH * SLOT);
	if (!c->slots)
		return -ENOMEM;
	c->port = nl_socket_get_local_port(c->sock);
	(void)nl_socket_set_nonblocking(c->sock);
	c->buffer = netlink_set_buffer(c->fd, options->buffer);
	if (options->guard)
		start_guard(c);
	error = join_group(c->sock);
	if (error == 0)
		error = subscribe(c, fn, data);
	/* Not before: an IGNORE without its LISTEN would silence others on kernels before 6.6. */
	if (error == 0)
		guard_arm(&c->guard);
	return error;
}

static bool in_first_namespaces(void)
{
	return in_namespace("/proc/self/ns/user", INIT_USER_NS) &&
	       in_namespace("/proc/self/ns/pid", INIT_PID_NS);
}

int connector_open(struct connector *c, const struct connector_options *options,
		   const struct log *log, connector_fn fn, void *data)
{
	int error;

	/*
	 * Another program that withdrew more often than it subscribed leaves the kernel's count
	 * below 0. No answer comes until it is above: each new socket's LISTEN adds one.
	 */
	for (int attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
		*c = (struct connector){ .fd = -1, .log = log };
		error = open_once(c, options, fn, data);
		if (error == 0)
			return 0;
		if (error != -ETIMEDOUT || !in_first_namespaces())
			break;
		c->listening = false;
		connector_close(c);
	}
	error = explain(c, error);
	connector_close(c);
	return error;
}

void connector_ignore(struct connector *c)
{
	/*
	 * Disarmed before the IGNORE, or two of them could be sent; ended after it, or its exit
	 * would be the last event of the run.
	 */
	guard_disarm(&c->guard);
	if (c->listening)
		(void)send_op(c, CN_IGNORE, 0);
	c->listening = false;
	guard_stop(&c->guard);
	/* While others listen the kernel goes on to tell every member. */
	if (c->sock)
		(void)nl_socket_drop_membership(c->sock, (int)CN_IDX);
}

void connector_close(struct connector *c)
{
	if (!c->sock)
		return;
	connector_ignore(c);
	nl_socket_free(c->sock);
	free(c->slots);
	c->sock = NULL;
	c->slots = NULL;
	c->fd = -1;
}

struct drain {
	struct connector *connector;
	connector_fn fn;
	void *data;
};

static void take(void *data, const uint8_t *raw, size_t len)
{
	const struct drain *d = data;
	struct cn_event ev;

	if (cn_decode(raw, len, &ev) < 0)
		d->connector->malformed++;
	else
		d->fn(d->data, &ev, raw, len);
}

int connector_drain(struct connector *c, unsigned int max, connector_fn fn, void *data)
{
	struct drain d = { c, fn, data };

	return netlink_drain(c->fd, c->slots, SLOT, BATCH, max, take, &d, &c->foreign);
}

/* Classic BPF loads words as big-endian; the message is in the machine's order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BPF_WORD(v) __builtin_bswap32(v)
#define CPU_LOW_HALF CN_OFFSET_CPU
#else
#define BPF_WORD(v) (v)
#define CPU_LOW_HALF (CN_OFFSET_CPU + 2)
#endif

/* what == EXEC && first <= cpu <= last. A CPU's number fits 16 bits: compared as two bytes. */
static int attach_exec_filter(int fd, uint32_t first, uint32_t last)
{
	const unsigned int low = CPU_LOW_HALF + (BPF_WORD(1u) == 1u ? 1 : 0);
	const unsigned int high = CPU_LOW_HALF + (BPF_WORD(1u) == 1u ? 0 : 1);
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CN_OFFSET_WHAT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_WORD((uint32_t)CN_EXEC), 0, 8),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, high),
		BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 8),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, low),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_X, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, 2),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
		return -errno;
	return 0;
}

int connector_open_exec(uint32_t cpu_first, uint32_t cpu_last, uint32_t buffer,
			struct nl_sock **ret_sock)
{
	struct nl_sock *sock = NULL;
	int fd = open_socket(&sock), error;

	if (fd < 0)
		return fd;
	error = attach_exec_filter(fd, cpu_first, cpu_last);
	if (error == 0) {
		(void)netlink_set_buffer(fd, buffer);
		error = join_group(sock);
	}
	if (error < 0) {
		nl_socket_free(sock);
		return error;
	}
	*ret_sock = sock;
	return fd;
}

static int probe_child(void *data)
{
	(void)data;
	return 0;
}

int connector_probe(void)
{
	char *stack = mmap(NULL, PROBE_STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	int pid, error;

	if (stack == MAP_FAILED)
		return -errno;
	/* Returns when the child has ended. Exit signal 0: the program sees no SIGCHLD. */
	pid = clone(probe_child, stack + PROBE_STACK, CLONE_VM | CLONE_VFORK, NULL);
	error = pid < 0 ? -errno : 0;
	if (pid > 0)
		while (waitpid(pid, NULL, __WCLONE) < 0 && errno == EINTR)
			;
	munmap(stack, PROBE_STACK);
	return pid > 0 ? pid : error;
}
