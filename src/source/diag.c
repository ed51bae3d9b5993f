/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "diag.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netlink.h"
#include "util/macro.h"

#define BATCH 64
#define SLOT 1024		/* a notice has 388 bytes with a struct tcp_info of 280 */
#define DUMP_SIZE 32768		/* as much as the kernel puts into one datagram of a dump */

/* linux/sock_diag.h: SKNLGRP_INET{,6}_{TCP,UDP}_DESTROY */
enum { GROUP_FIRST = 1, GROUP_LAST = 4 };

static int open_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

	return fd < 0 ? -errno : fd;
}

static int open_notices(struct diag *d, uint32_t buffer)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };

	d->slots = malloc((size_t)BATCH * SLOT);
	if (!d->slots)
		return -ENOMEM;
	d->notices = open_socket();
	if (d->notices < 0)
		return d->notices;
	d->buffer = netlink_set_buffer(d->notices, buffer);
	if (bind(d->notices, (struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	for (int group = GROUP_FIRST; group <= GROUP_LAST; group++)
		if (setsockopt(d->notices, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
			       sizeof(group)) < 0)
			return -errno;
	return 0;
}

int diag_open(struct diag *d, uint32_t buffer)
{
	int fd = open_socket(), error = 0;

	if (fd < 0)
		return fd;
	*d = (struct diag){ .is_open = true, .fd = fd, .notices = -1 };
	if (buffer)
		error = open_notices(d, buffer);
	if (error < 0)
		diag_close(d);
	return error;
}

void diag_close(struct diag *d)
{
	if (!d->is_open)
		return;
	close_p(&d->fd);
	close_p(&d->notices);
	free(d->slots);
	d->slots = NULL;
	d->is_open = false;
	d->fd = d->notices = -1;
}

static int ask(struct diag *d, const void *request)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n;

	do
		n = sendto(d->fd, request, INET_DIAG_REQUEST_SIZE, MSG_NOSIGNAL,
			   (struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/*
 * A datagram of the answer: its length, or -errno. The kernel answers, and goes on with a dump,
 * within our own system calls: where nothing is left to read, nothing will come.
 */
static ssize_t hear(struct diag *d, void *buf, size_t size)
{
	for (;;) {
		struct sockaddr_nl from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(d->fd, buf, size, MSG_DONTWAIT | MSG_TRUNC,
				     (struct sockaddr *)&from, &from_len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ENODATA : -errno;
		if (from_len < sizeof(from) || from.nl_pid != 0) {
			d->foreign++;
			continue;
		}
		return MIN(n, (ssize_t)size);
	}
}

/* Of one datagram what answers this question: 0: go on; 1: that was all; -errno. */
static int take(struct diag *d, const void *buf, size_t len, diag_fn fn, void *data)
{
	struct inet_diag_message m;
	int result;

	while ((result = inet_diag_next(&buf, &len, &m)) <= 0) {
		d->malformed += result < 0;
		if (result < 0 || m.seq != d->seq)
			continue;
		if (m.kind == INET_DIAG_KIND_SOCKET)
			fn(data, &m.socket);
		else if (m.kind != INET_DIAG_KIND_OTHER)
			return m.error < 0 ? m.error : 1;
	}
	return 0;
}

struct single {
	struct inet_diag_socket socket;
	bool found;
};

static void take_single(void *data, const struct inet_diag_socket *s)
{
	struct single *single = data;

	single->socket = *s;
	single->found = true;
}

int diag_lookup(struct diag *d, const struct inet_diag_id *id, struct inet_diag_socket *ret)
{
	struct single single = { .found = false };
	uint8_t buf[4096];
	ssize_t n;
	int result;

	inet_diag_exact(buf, id, ++d->seq);
	result = ask(d, buf);
	while (result == 0 && !single.found) {
		n = hear(d, buf, sizeof(buf));
		result = n < 0 ? (int)n : take(d, buf, (size_t)n, take_single, &single);
	}
	/* ESTALE: UDP's word for another cookie. */
	if (!single.found)
		return result < 0 && result != -ESTALE ? result : -ENOENT;
	*ret = single.socket;
	ret->id.protocol = id->protocol;
	return 0;
}

int diag_ask_all(struct diag *d, uint8_t family, uint8_t protocol, uint32_t states)
{
	uint8_t request[INET_DIAG_REQUEST_SIZE];
	int error;

	inet_diag_dump(request, family, protocol, states, ++d->seq);
	error = ask(d, request);
	d->is_dumping = error == 0;
	d->protocol = protocol;
	return error;
}

/* Whom a dump is for. */
struct dump {
	diag_fn fn;
	void *data;
	uint8_t protocol;
};

static void take_dumped(void *data, const struct inet_diag_socket *s)
{
	const struct dump *dump = data;
	struct inet_diag_socket copy = *s;

	copy.id.protocol = dump->protocol;
	dump->fn(dump->data, &copy);
}

int diag_take_some(struct diag *d, diag_fn fn, void *data)
{
	struct dump dump = { fn, data, d->protocol };
	uint8_t *buf = malloc(DUMP_SIZE);
	ssize_t n = -ENOMEM;
	int result;

	if (buf)
		n = hear(d, buf, DUMP_SIZE);
	result = n < 0 ? (int)n : take(d, buf, (size_t)n, take_dumped, &dump);
	free(buf);
	/* Of take(): 0: go on. */
	d->is_dumping = result == 0;
	return d->is_dumping ? 1 : MIN(result, 0);
}

int diag_dump_port(struct diag *d, uint8_t family, uint8_t protocol, uint16_t port, diag_fn fn,
		   void *data)
{
	uint8_t request[INET_DIAG_REQUEST_SIZE];
	int result;

	inet_diag_dump(request, family, protocol, INET_DIAG_ALL_STATES, ++d->seq);
	inet_diag_dump_port(request, port);
	result = ask(d, request);
	d->is_dumping = result == 0;
	d->protocol = protocol;
	if (result == 0)
		do
			result = diag_take_some(d, fn, data);
		while (result > 0);
	return result;
}

struct drain {
	struct diag *diag;
	diag_fn fn;
	void *data;
};

static void take_notices(void *data, const uint8_t *raw, size_t len)
{
	const struct drain *d = data;
	struct inet_diag_message m;
	const void *buf = raw;
	int result;

	while ((result = inet_diag_next(&buf, &len, &m)) <= 0) {
		d->diag->malformed += result < 0;
		if (result < 0 || m.kind != INET_DIAG_KIND_SOCKET)
			continue;
		d->diag->received++;
		d->fn(d->data, &m.socket);
	}
}

int diag_drain(struct diag *d, unsigned int max, diag_fn fn, void *data)
{
	struct drain to = { d, fn, data };

	return netlink_drain(d->notices, d->slots, SLOT, BATCH, max, take_notices, &to,
			     &d->foreign);
}

int diag_drops(struct diag *d, uint64_t *ret)
{
	uint32_t drops = d->last_drops, queued;
	int error = d->notices < 0 ? 0 : netlink_drops(d->notices, &drops, &queued);

	if (error < 0)
		return error;
	d->lost += drops - d->last_drops;	/* of 32 bits */
	d->last_drops = drops;
	*ret = d->lost;
	return 0;
}
