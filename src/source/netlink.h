/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What libnl has no calls for: forced buffers, loss counters, batches. */
#ifndef SOURCE_NETLINK_H
#define SOURCE_NETLINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct sockaddr_nl;

/* RCVBUFFORCE passes rmem_max but needs CAP_NET_ADMIN; else up to that. Bytes granted: twice. */
uint32_t netlink_set_buffer(int fd, uint32_t bytes);
/* Messages the kernel had no room for, since the socket was opened; exact, wraps at 32 bits. */
int netlink_drops(int fd, uint32_t *ret_drops, uint32_t *ret_queued);
/* n messages of up to size bytes each, one behind the other at slots, for recvmmsg(2). */
void netlink_prepare(struct mmsghdr *msgs, struct iovec *iov, struct sockaddr_nl *from,
		     uint8_t *slots, size_t size, size_t n);

typedef void (*netlink_fn)(void *data, const uint8_t *raw, size_t len);
/*
 * What waits, at most max messages and a batch: those of the kernel to fn, others are counted. n at
 * a time (at most NETLINK_BATCH), in slots as above. Never blocks. How many were taken, or -errno;
 * a loss is in SO_MEMINFO.
 */
#define NETLINK_BATCH 128
int netlink_drain(int fd, uint8_t *slots, size_t size, size_t n, unsigned int max, netlink_fn fn,
		  void *data, uint64_t *foreign);

#endif
