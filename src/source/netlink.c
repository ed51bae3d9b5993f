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
