/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's socket diagnosis, sock_diag(7), of the network namespace that the calling thread is
 * in when it opens: questions, and notices of sockets that are gone, each on a socket of its own.
 */
#ifndef SOURCE_DIAG_H
#define SOURCE_DIAG_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/inet_diag.h"

struct diag {
	bool is_open;
	int fd;			/* questions */
	int notices;		/* readable when there are any; -1: not asked for */
	uint8_t *slots;		/* where notices are read to */
	uint32_t seq;
	bool is_dumping;	/* questions wait until it is over */
	uint8_t protocol;	/* of the dump: its answers do not repeat it */
	uint32_t buffer;	/* bytes the kernel granted for notices (twice what was asked) */
	uint32_t last_drops;
	uint64_t received, lost;	/* notices; lost: as of the last diag_drops() */
	uint64_t foreign;	/* messages that did not come from the kernel: dropped */
	uint64_t malformed;
};

typedef void (*diag_fn)(void *data, const struct inet_diag_socket *s);

/* buffer: bytes to ask for, for notices; 0: none are wanted, else needs CAP_NET_ADMIN. -errno. */
int diag_open(struct diag *d, uint32_t buffer);
void diag_close(struct diag *d);	/* accepts zeroed */

/* One socket, as inet_diag_exact() says: -ENOENT: there is none; -errno. Microseconds. */
int diag_lookup(struct diag *d, const struct inet_diag_id *id, struct inet_diag_socket *ret);
/* Asks for all sockets of a family and protocol in these states (bits 1 << TCP_*). 0 or -errno. */
int diag_ask_all(struct diag *d, uint8_t family, uint8_t protocol, uint32_t states);
/* Hundreds of them, as many as the kernel tells at once. 1: go on; 0: that was all; -errno. */
int diag_take_some(struct diag *d, diag_fn fn, void *data);
/* Those that are bound to a port, in all states. 0 or -errno. */
int diag_dump_port(struct diag *d, uint8_t family, uint8_t protocol, uint16_t port, diag_fn fn,
		   void *data);
/* Notices that wait, at most max and a batch; how many, or -errno. Never blocks. */
int diag_drain(struct diag *d, unsigned int max, diag_fn fn, void *data);
/* Notices the kernel had no room for, since the opening; exact. */
int diag_drops(struct diag *d, uint64_t *ret);

#endif
