/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a socket is that has sent: what one thread remembers, and for how long it may be believed.
 * A port may be another's after each fork and exit; a socket that several have open is whose thread
 * was interrupted at this packet.
 */
#ifndef SOURCE_OWNER_MEMORY_H
#define SOURCE_OWNER_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "network.h"
#include "owner_later.h"
#include "owner_scan.h"
#include "owner_space.h"

#define OWNER_MEMORY_MAX 256

struct owner_entry {
	uint64_t cookie;	/* the kernel's answer; before Linux 5.12 not unique */
	uint32_t inode;
	struct owner_holder holder;
	struct owner_bound socket;	/* the holder's: another, where several share a port */
	bool several;		/* do, or that is not known */
	uint64_t searched_ns;
	uint32_t changes;	/* forks and exits by then */
};

struct owner_memory {
	struct owner_scan *scan;
	struct owner_later *later;	/* asked about those who are not found in time */
	int cpu;		/* the thread's; -1: more than one */
	uint32_t changes;	/* forks and exits, as of the packet */
	/* Taken from programs; the caller begins both anew now and then. */
	uint64_t busy_ns;	/* to search again for those who are, or may be, several */
	uint64_t lost_ns;	/* for sockets of which nobody was found */
	struct owner_entry entry[OWNER_MEMORY_MAX];
};

/*
 * Fills in found's owner. In: the socket that the kernel named for its id, which has an inode;
 * is_connected: it is no other's than that. Out: the one that it was. False: nobody, yet; or one of
 * several, and which is not known: `shared`.
 */
bool owner_memory_ask(struct owner_memory *m, struct owner_space *space, bool is_connected,
		      struct network_found *found);

#endif
