/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process sent and received: the sum over the ends of flows that it owns, those forgotten,
 * and the datagrams that records of its sockets tell of. It outlives the process's entry as long as
 * a flow or an event needs it.
 */
#ifndef MODEL_TRAFFIC_H
#define MODEL_TRAFFIC_H

#include <stdbool.h>

#include "pevent/pevent.h"
#include "util/list.h"

#define TRAFFIC_HISTORY 64	/* closed connections that are remembered, the newest */
#define TRAFFIC_CONNECTIONS 256	/* that an event lists */

struct flow;
struct process;

struct traffic {
	unsigned int refs;
	struct process *process;	/* NULL: its entry is gone */
	struct list ends;	/* struct flow_end */
	struct pevent_traffic tx, rx;	/* of flows that are forgotten, */
	uint64_t retransmits, connections;	/* and of datagrams by record */
	uint8_t origin;		/* enum pevent_origin: the least certain one so far */
	uint64_t unrecorded_ns, recorded_ns;	/* from, until when no records tell of datagrams */
	bool is_incomplete, is_estimated;
	bool is_told;		/* with its EXIT: what comes now is late */
	bool keeps_history;
	struct pevent_connection *history;	/* ring of TRAFFIC_HISTORY, NULL: none yet */
	uint64_t n_history;	/* ever put there */
};

struct traffic *traffic_new(struct process *p, bool keeps_history);
struct traffic *traffic_ref(struct traffic *t);	/* accepts NULL */
struct traffic *traffic_unref(struct traffic *t);	/* the same; returns NULL */

/*
 * Connections that were open then had another owner besides: a child that ran the same program.
 * false: there were none.
 */
bool traffic_share(struct traffic *t, uint64_t fork_ns);
void traffic_add_origin(struct traffic *t, enum pevent_origin origin);
/* was_open: it counts as a connection. */
void traffic_remember(struct traffic *t, const struct pevent_connection *c, bool was_open);
/* Do records tell of its datagrams at that time, if of any? */
static inline bool traffic_is_recorded(const struct traffic *t, uint64_t time_ns)
{
	return !t->unrecorded_ns || time_ns < t->unrecorded_ns ||
	       (t->recorded_ns && time_ns >= t->recorded_ns);
}

/* Datagrams that its sockets sent or received; into *total, too. */
void traffic_add_datagrams(struct traffic *t, bool sent, bool ipv6, uint64_t count,
			   uint64_t payload, struct pevent_traffic *total);

/*
 * Are the final counts of all its TCP sockets in (notices: they come), and all packets that these
 * tell of? Datagrams' ones up to datagrams_ns; 0: records tell of them.
 */
bool traffic_is_final(const struct traffic *t, bool notices, uint64_t datagrams_ns,
		      uint64_t packets_until_ns);
/* Everything so far; at_exit: what is not final is incomplete. */
void traffic_get(const struct traffic *t, bool at_exit, struct pevent_network *ret);
/* With its EXIT. */
void traffic_tell(struct traffic *t);

/* As events carry them; malloc'd in one piece. NULL: none, or no memory. */
struct connections {
	struct pevent_connections pub;
	unsigned int refs;
	struct pevent_connection connection[];
};
static inline struct connections *connections_of(const struct pevent_connections *pub)
{
	return pub ? (struct connections *)(uintptr_t)pub : NULL;
}

struct connections *traffic_connections(const struct traffic *t);
struct connections *connections_one(const struct flow *f, unsigned int end);
struct connections *connections_unref(struct connections *c);	/* accepts NULL */

#endif
