/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What network.c holds: for itself, and for network_account.c to tell of. */
#ifndef SOURCE_NETWORK_STATE_H
#define SOURCE_NETWORK_STATE_H

#include "closer.h"
#include "netns.h"
#include "network.h"
#include "owner.h"
#include "refusals.h"
#include "space.h"
#include "tracepoints.h"

#define NETWORK_OWN_RING (16u << 20)

struct network {
	struct network_options options;
	char *interface;	/* its own copy */
	const struct clock *clock;
	const struct log *log;
	int epoll_fd;
	struct space *spaces[NETWORK_NAMESPACES_MAX];	/* the first is our own */
	size_t n_spaces, peak;
	struct tracepoints tracepoints;
	int tracepoints_error;	/* why they are not open; 0: they are, or were not wanted */
	struct owners *owners;	/* NULL: no lookups */
	struct netns_mounts mounts;
	int wake_fd;		/* mountinfo once more: whoever polls it takes the change away */
	bool mounts_changed;	/* and was not looked at */
	struct network_account gone;	/* counts of namespaces that were left */
	struct closer closer;		/* of these */
	bool has_begun;			/* the first drain has been */
	bool is_ending;			/* each may be the last */
	struct refusals refusals;
	int64_t realtime_offset_ns;
	uint64_t drops_ns;	/* when they were last read */
	uint64_t packets_until_ns;
};

/* Those that are in and not left. */
size_t network_count_spaces(const struct network *n);
/* Its counts, to those of others. */
void network_add_counts(const struct space *s, struct network_account *to);

#endif
