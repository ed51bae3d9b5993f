/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports that send more UDP than can be looked at: for a second their packets are passed over, by
 * the kernel. Which ports those are is counted among the packets that told nothing new.
 */
#ifndef SOURCE_OWNER_QUIET_H
#define SOURCE_OWNER_QUIET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "owner_tap.h"

#define OWNER_REPEATERS 8

/* Of one tap, in the order they end. */
struct owner_quiet {
	uint16_t port[OWNER_TAP_QUIET_MAX];	/* 0: all ports are */
	uint64_t until_ns[OWNER_TAP_QUIET_MAX];
	unsigned int n;
};

bool owner_quiet_has(const struct owner_quiet *q, uint16_t port);
/* For a second; all ports when there are too many. False: all are already. */
bool owner_quiet_add(struct owner_quiet *q, uint16_t port, uint64_t now_ns);
/* Ends what is over: whether any was. */
bool owner_quiet_end(struct owner_quiet *q, uint64_t now_ns);
/* What goes to the kernel. 0 or -errno. */
int owner_quiet_apply(const struct owner_quiet *q, int tap);

/*
 * Who repeats most: of OWNER_REPEATERS places a port takes one, and where none is free all lose a
 * packet instead. So whoever sends more than a ninth of all has one in the end.
 */
struct owner_repeaters {
	struct {
		uint32_t tap;
		uint16_t port;
		uint32_t count;	/* 0: free */
	} place[OWNER_REPEATERS];
};

void owner_repeaters_count(struct owner_repeaters *r, uint32_t tap, uint16_t port);
/* The first of them, and forgets it. False: nobody sends much more than the others. */
bool owner_repeaters_take(struct owner_repeaters *r, uint32_t least, uint32_t *ret_tap,
			  uint16_t *ret_port);

#endif
