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
	uint32_t seq;
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
/* All sockets of a family and protocol in these states, as bits 1 << TCP_*. 0 or -errno. */
int diag_dump(struct diag *d, uint8_t family, uint8_t protocol, uint32_t states, diag_fn fn,
	      void *data);
/* Notices that wait, at most max and a batch; how many, or -errno. Never blocks. */
int diag_drain(struct diag *d, unsigned int max, diag_fn fn, void *data);
/* Notices the kernel had no room for, since the opening; exact. */
int diag_drops(struct diag *d, uint64_t *ret);

#endif
