/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the kernel's socket diagnosis (linux/sock_diag.h, linux/inet_diag.h): what is asked
 * of it, what it answers, and what the groups SKNLGRP_INET{,6}_{TCP,UDP}_DESTROY tell of sockets
 * that are gone. The layouts are our own tables: distributions ship headers older than their
 * kernels.
 */
#ifndef WIRE_INET_DIAG_H
#define WIRE_INET_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INET_DIAG_NO_COOKIE UINT64_MAX
#define INET_DIAG_ALL_STATES UINT32_MAX

/* Whom a socket connects, seen from its owner. */
struct inet_diag_id {
	uint8_t family;		/* AF_INET, AF_INET6 */
	uint8_t protocol;	/* IPPROTO_TCP, IPPROTO_UDP; 0 in answers, which do not repeat it */
	uint16_t local_port, remote_port;	/* in the machine's byte order */
	uint8_t local[16], remote[16];		/* IPv4: the first 4, the others 0 */
	uint32_t ifindex;	/* the device it is bound to; 0: none */
	uint64_t cookie;	/* of the kernel's choice, unique until it reboots */
};

/* Bits of inet_diag_tcp.has. */
enum inet_diag_has {
	INET_DIAG_HAS_RTT = 1 << 0,
	INET_DIAG_HAS_TOTAL_RETRANS = 1 << 1,
	INET_DIAG_HAS_BYTES_ACKED = 1 << 2,	/* Linux 4.1 */
	INET_DIAG_HAS_BYTES_RECEIVED = 1 << 3,	/* 4.1 */
	INET_DIAG_HAS_SEGS_OUT = 1 << 4,	/* 4.2 */
	INET_DIAG_HAS_SEGS_IN = 1 << 5,		/* 4.2 */
	INET_DIAG_HAS_DATA_SEGS_IN = 1 << 6,	/* 4.6 */
	INET_DIAG_HAS_DATA_SEGS_OUT = 1 << 7,	/* 4.6 */
	INET_DIAG_HAS_BYTES_SENT = 1 << 8,	/* 4.19 */
	INET_DIAG_HAS_BYTES_RETRANS = 1 << 9,	/* 4.19 */
};

/* Of struct tcp_info (linux/tcp.h). What the kernel did not tell is 0 here and not in `has`. */
struct inet_diag_tcp {
	uint32_t has;		/* enum inet_diag_has */
	uint64_t rtt_ns;	/* smoothed round trip; microsecond resolution; 0: none yet */
	uint64_t total_retrans;	/* segments sent again */
	uint64_t bytes_acked;	/* SYN and FIN count one each */
	uint64_t bytes_received;	/* a FIN counts one */
	uint64_t segs_out, segs_in;	/* with the empty ones */
	uint64_t data_segs_in, data_segs_out;
	uint64_t bytes_sent;	/* payload, with what was sent again: */
	uint64_t bytes_retrans;
};

struct inet_diag_socket {
	struct inet_diag_id id;	/* mapped addresses are given as IPv4 */
	bool mapped;		/* an IPv6 socket that talks IPv4 */
	uint8_t state;		/* TCP_* of netinet/tcp.h; UDP: connected ESTABLISHED, else CLOSE */
	uint32_t uid, inode;	/* both 0 of a destroyed one; inode 0: nobody's (yet, any more) */
	struct inet_diag_tcp tcp;
};

enum inet_diag_kind {
	INET_DIAG_KIND_SOCKET,
	INET_DIAG_KIND_DONE,	/* the end of a dump, with its error */
	INET_DIAG_KIND_ERROR,	/* the answer to a request; error 0: an acknowledgement */
	INET_DIAG_KIND_OTHER,	/* not of this protocol or family */
};

struct inet_diag_message {
	enum inet_diag_kind kind;
	uint32_t seq;		/* of the request; 0: told to a group */
	bool interrupted;	/* the dump missed or repeated sockets */
	int error;		/* 0 or -errno: -ENOENT no such socket, or another cookie */
	struct inet_diag_socket socket;
};

#define INET_DIAG_REQUEST_SIZE 72
/*
 * Asks for one socket, with its tcp_info. The lookup is the one that packets get: a UDP socket that
 * is not connected is found by any remote end, and so is a TCP listener without a better match.
 * With a cookie other than INET_DIAG_NO_COOKIE it must be that very socket. id's protocol has to be
 * TCP or UDP; a mapped address is looked up as IPv4.
 */
void inet_diag_exact(void *buf, const struct inet_diag_id *id, uint32_t seq);
/* Asks for all sockets of a family and protocol in these states (bits 1 << TCP_*): no tcp_info. */
void inet_diag_dump(void *buf, uint8_t family, uint8_t protocol, uint32_t states, uint32_t seq);
/* Narrows such a request to those that are bound to a port. */
void inet_diag_dump_port(void *buf, uint16_t port);

/*
 * Takes the next message off a datagram. 0: *ret; 1: nothing is left, *ret is untouched; -EBADMSG:
 * lengths do not add up, the message is taken off (all that is left, when its own length lies).
 */
int inet_diag_next(const void **buf, size_t *len, struct inet_diag_message *ret);

#endif
