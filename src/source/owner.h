/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who owns a socket, found at its first packet, where the kernel's tracepoints cannot be had. One
 * thread per CPU, pinned there, under SCHED_FIFO where it may: it is woken by the packet that a
 * program on its CPU sends, and so looks before that program goes on. For each packet: the exact
 * lookup of sock_diag(7) gives the socket's inode; then the descriptors of the newest processes are
 * read. Those that are none of them are looked for later, among all. Forks come by the subscription
 * of a struct connector of this process: without one all are looked for later.
 */
#ifndef SOURCE_OWNER_H
#define SOURCE_OWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network.h"
#include "util/log.h"

struct owners;

struct owners_account {
	unsigned int threads;
	bool realtime;
	uint64_t lookups, found;
	uint64_t skipped;	/* packets passed over: too many that told nothing came before */
	/*
	 * All that may have kept an owner from being found: those, packets and answers there was
	 * no room for, and one for each time that a port sent too many to be looked at for a
	 * second.
	 */
	uint64_t lost;
};

/* 0 or -errno, logged: needs CAP_NET_RAW, CAP_NET_ADMIN, CAP_SYS_PTRACE. */
int owners_new(struct owners **ret, bool realtime, const struct log *log);
struct owners *owners_free(struct owners *o);
/* In the calling thread's network namespace, whose inode netns is. 0 or -errno, not logged. */
int owners_add_namespace(struct owners *o, uint32_t netns);
void owners_remove_namespace(struct owners *o, uint32_t netns);
/* What has been found since the last call, in the order of the packets. How many. */
unsigned int owners_drain(struct owners *o, void (*fn)(void *data, const struct network_found *f),
			  void *data);
void owners_get_account(const struct owners *o, struct owners_account *ret);

#endif
