/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of one network namespace to find owners: which socket sends a packet. */
#ifndef SOURCE_OWNER_SPACE_H
#define SOURCE_OWNER_SPACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "diag.h"

struct owner_space {
	bool is_open;
	uint32_t netns;
	pthread_mutex_t lock;	/* of what follows: threads share the descriptors */
	struct diag diag;
	int route;		/* rtnetlink(7) */
	uint32_t seq;
};

/* One of those that share a port. */
struct owner_bound {
	uint64_t cookie;
	uint32_t inode, ifindex;
};

/* In the calling thread's namespace, whose inode netns is. 0 or -errno. */
int owner_space_open(struct owner_space *s, uint32_t netns);
void owner_space_close(struct owner_space *s);	/* accepts zeroed */
/*
 * The socket that sent a packet from id's local to its remote end by the device id->ifindex.
 * -ENOENT: none here, as of a packet that is only forwarded; other -errno.
 */
int owner_space_ask(struct owner_space *s, const struct inet_diag_id *id,
		    struct inet_diag_socket *ret);
/*
 * UDP sockets that are not connected, and bound to id's local port and its local address or any:
 * each of them may have sent it, while the lookup answers with the one that would receive. How
 * many, of which at most max are returned; -errno.
 */
int owner_space_list(struct owner_space *s, const struct inet_diag_id *id,
		     struct owner_bound *ret, size_t max);

#endif
