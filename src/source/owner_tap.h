/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that open connections and those that carry datagrams, as they are sent, for a thread on
 * the very CPU that sends them.
 */
#ifndef SOURCE_OWNER_TAP_H
#define SOURCE_OWNER_TAP_H

#include <stddef.h>
#include <stdint.h>

enum owner_tap_take {
	OWNER_TAP_NOTHING,
	OWNER_TAP_TCP,		/* TCP's SYN without ACK, sent from here */
	OWNER_TAP_ALL,		/* and all UDP */
};

#define OWNER_TAP_SNAPLEN 128
#define OWNER_TAP_QUIET_MAX 8

/*
 * n packet sockets in the calling thread's namespace; the nth gets what is sent on CPUs whose
 * number is nth modulo n, from the IP header on. -errno: needs CAP_NET_RAW.
 */
int owner_taps_open(int *ret_fds, unsigned int n);
/* UDP from these ports, at most OWNER_TAP_QUIET_MAX, is passed over. 0 or -errno. */
int owner_tap_take(int fd, enum owner_tap_take what, const uint16_t *quiet, size_t n);
/* From the IP header on. */
struct owner_datagram {
	uint8_t data[OWNER_TAP_SNAPLEN];
	size_t caplen;		/* of data; all of it: the packet may be longer */
	uint32_t ifindex;	/* device it was sent by */
	uint64_t time_ns;	/* CLOCK_MONOTONIC */
};

#define OWNER_TAP_BATCH 16
/* Those that wait, at most OWNER_TAP_BATCH; how many. Never blocks. */
size_t owner_tap_read(int fd, struct owner_datagram *ret);
/* Packets that found no room since the last call. */
uint32_t owner_tap_drops(int fd);

#endif
