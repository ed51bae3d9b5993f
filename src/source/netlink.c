/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "util/macro.h"

#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

uint32_t netlink_set_buffer(int fd, uint32_t bytes)
{
	int size = (int)MIN(bytes, (uint32_t)INT32_MAX / 2);
	socklen_t len = sizeof(size);

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	size = 0;
	(void)getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len);
	return (uint32_t)size;
}

int netlink_drops(int fd, uint32_t *ret_drops, uint32_t *ret_queued)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0)
		return -errno;
	*ret_drops = info[SK_MEMINFO_DROPS];
	*ret_queued = info[SK_MEMINFO_RMEM_ALLOC];
	return 0;
}

void netlink_prepare(struct mmsghdr *msgs, struct iovec *iov, struct sockaddr_nl *from,
		     uint8_t *slots, size_t size, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		iov[i] = (struct iovec){ slots + i * size, size };
		msgs[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i],
							 .msg_namelen = sizeof(from[i]),
							 .msg_iov = &iov[i], .msg_iovlen = 1 } };
	}
}

/* One recvmmsg(2); 0: nothing waits. */
static int drain_batch(int fd, uint8_t *slots, size_t size, size_t n, netlink_fn fn, void *data,
		       uint64_t *foreign)
{
	struct sockaddr_nl from[NETLINK_BATCH];
	struct mmsghdr msgs[NETLINK_BATCH];
	struct iovec iov[NETLINK_BATCH];
	int got;

	netlink_prepare(msgs, iov, from, slots, size, n);
	got = recvmmsg(fd, msgs, (unsigned int)n, MSG_DONTWAIT, NULL);
	if (got < 0)
		return -errno;
	for (int i = 0; i < got; i++) {
		if (msgs[i].msg_hdr.msg_namelen < sizeof(from[i]) || from[i].nl_pid != 0)
			++*foreign;
		else
			fn(data, slots + (size_t)i * size, msgs[i].msg_len);
	}
	return got;
}

int netlink_drain(int fd, uint8_t *slots, size_t size, size_t n, unsigned int max, netlink_fn fn,
		  void *data, uint64_t *foreign)
{
	unsigned int count = 0;

	while (count < max) {
		int got = drain_batch(fd, slots, size, n, fn, data, foreign);

		if (got == -EINTR || got == -ENOBUFS)
			continue;
		if (got == 0 || got == -EAGAIN)
			break;
		if (got < 0)
			return got;
		count += (unsigned int)got;	/* fewer: perhaps an error waits */
	}
	return (int)count;
}
