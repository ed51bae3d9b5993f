/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is heard in one network namespace: its packets, and what becomes of its sockets. */
#ifndef SOURCE_SPACE_H
#define SOURCE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "capture.h"
#include "devices.h"
#include "diag.h"
#include "network.h"

#define SPACE_QUESTIONS 4	/* TCP and UDP over IPv4 and IPv6 */

struct space {
	uint32_t netns;
	bool is_ready;		/* has something to drain: the caller's */
	bool has_more;		/* than the last drain has taken */
	uint64_t left_ns;	/* since when it is to be let go; 0: it is not: the caller's */
	const struct log *log;
	/* Sockets that are there */
	unsigned int question;	/* SPACE_QUESTIONS: all are told of */
	bool is_known, asks_again;	/* they all were, once; and once more when they are */
	struct capture capture;
	struct devices devices;
	struct diag diag;
	int capture_error, diag_error;	/* why they are not open; 0 */
	struct capture_drops drops;	/* as of the last space_drops() */
	uint64_t notices_lost;
};

struct space_options {
	const char *interface;	/* comma list; NULL: all devices */
	bool is_own;		/* where pevent runs: warns of those that are not there */
	uint32_t ring, notices;	/* bytes of kernel memory to ask for; notices: 0: none wanted */
};

/*
 * In the calling thread's namespace, whose inode netns is. What of it cannot be opened, even if all
 * of it, is in *_error, logged; -EINVAL: the named devices.
 */
int space_new(struct space **ret, uint32_t netns, const struct space_options *options,
	      const struct log *log);
struct space *space_free(struct space *s);

/*
 * Its packets. *until_ns is lowered to the last one's time, less what two CPUs may be out of order,
 * when there were more than one drain takes.
 */
void space_drain_packets(struct space *s, const struct network_fns *fns, void *data,
			 uint64_t *until_ns);
void space_drain_notices(struct space *s, const struct network_fns *fns, void *data);
/*
 * Begins once more: after the first time, only with those that wait at a port, and all of UDP: what
 * else is new has been told of by packets or records.
 */
void space_ask_existing(struct space *s);
/* Sockets that are there, for a millisecond or so: the others at the next call. */
void space_tell_existing(struct space *s, const struct network_fns *fns, void *data);
void space_drops(struct space *s);	/* system calls */

#endif
