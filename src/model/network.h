/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Joins what the network carries with whom it belongs to. Packets are counted as they come, some
 * 10 ms after they were sent; what is told of sockets is applied in its place among the events.
 */
#ifndef MODEL_NETWORK_H
#define MODEL_NETWORK_H

#include "model.h"
#include "wire/inet_diag.h"
#include "wire/packet.h"
#include "wire/tracepoint.h"

#define NETWORK_EXIT_NS 50000000u	/* an EXIT waits at most so long for its sockets' counts */

enum network_fact_kind {
	NETWORK_STATE,		/* a TCP socket's, changed: a tracepoint's record */
	NETWORK_DATAGRAMS,	/* of one process, sent or received within a moment */
	NETWORK_FOUND,		/* a lookup's answer */
	NETWORK_OPENED,		/* packets said that a connection was made; the model's own */
	NETWORK_CLOSED,		/* one is gone whose owner packets may have said by now; the same */
	NETWORK_DESTROYED,	/* a socket is gone */
};

struct network_fact {
	uint64_t time_ns;
	uint64_t sequence;	/* of facts_add() */
	enum network_fact_kind kind;
	uint32_t netns;		/* inode; of all but STATE and DATAGRAMS */
	uint64_t put_off_ns;	/* of DESTROYED: waits so much longer for its packets */
	union {
		struct tracepoint_record state;
		struct network_datagrams {
			int32_t pid;
			bool sent, ipv6;
			uint32_t count;
			uint64_t payload;
		} datagrams;
		struct inet_diag_socket destroyed;
		struct {
			struct inet_diag_id id;
			uint32_t inode;
			int32_t tgid;	/* 0: nobody was found */
			bool shared;	/* others have it, too */
		} found;
		struct {
			struct packet_flow name;
			uint64_t begin_ns;
			unsigned int end;
		} flow;		/* OPENED, CLOSED */
	} u;
};

/* Of a namespace, in no order with other calls. */
void network_packet(struct model *m, uint32_t netns, const struct packet *p, uint64_t time_ns);
/* A tracepoint's record; of what says nothing 0. -ENOBUFS: too many wait. */
int network_record(struct model *m, const struct tracepoint_record *r);
/* For network_advance(). -ENOBUFS: too many wait. */
int network_add(struct model *m, const struct network_fact *fact);
/* Time of the next fact that waits; UINT64_MAX: none. */
uint64_t network_next(struct model *m);
/* Applies it. */
void network_advance(struct model *m);
/* A socket that was there when its namespace was entered. */
void network_existing(struct model *m, uint32_t netns, const struct inet_diag_socket *s);
/* From then on records tell of datagrams, or not. */
void network_udp(struct model *m, bool on, uint64_t time_ns);
/* The same of one process, whose datagrams are too many. */
void network_udp_process(struct model *m, pid_t pid, bool on, uint64_t time_ns);
/* Records, notices or packets were lost: what is known of those that live is a lower bound. */
void network_lost(struct model *m, uint64_t time_ns);
/* Packets up to then are counted; now_ns: what is younger than this may still come. */
void network_tick(struct model *m, uint64_t packets_until_ns, uint64_t now_ns);

/* What the kernel told of sockets up to then, by network_tick()'s time, is applied. */
uint64_t network_settled(struct network_state *n);
/* Did records tell of datagrams at that time? */
bool network_is_recorded(const struct network_state *n, uint64_t time_ns);
/* It may have sent something before its namespace was entered. */
bool network_was_unseen(struct network_state *n, const struct process *p);
/* Its traffic, from now on; NULL: no memory. */
struct traffic *network_traffic_of(struct model *m, struct process *p);
/* CONN, CLOSE: of the process that owns the end, if it is in the table still. */
void network_tell(struct model *m, enum pevent_type type, struct flow *f, unsigned int end,
		  uint64_t time_ns);
/* The descriptors of a process: who has the sockets that nobody owned. */
void network_look(struct model *m, struct process *p, const struct proc_facts *facts);
/* A process is in a namespace; network_state.new tells the loop of new ones. */
void network_meet(struct model *m, struct process *p, uint32_t netns);
/* From then on its packets are counted; 0: from before anybody was met there. */
void network_entered(struct model *m, uint32_t netns, uint64_t since_ns);
/* It was left: a process that is met there is to be entered again. */
void network_forget(struct model *m, uint32_t netns);
/*
 * Those that are in and no living process is; of which one is and that are not in, it is met once
 * more. At most max; how many.
 */
size_t network_survey(struct model *m, uint32_t *ret, size_t max);
/* The newest that lives in it, or the next older one before that one; 0: nobody. */
pid_t network_inhabitant(const struct model *m, uint32_t netns, pid_t before);

/* What a living process has sent and received. */
void network_get_usage(const struct model *m, const struct process *p, struct pevent_event *ev);
/* Its EXIT, in the queue or not: waits for the final counts where there are sockets. */
void network_end(struct model *m, struct process *p, struct pevent_event *ev);
/* The next event whose numbers are complete; NULL: none. */
const struct pevent_event *network_take(struct model *m);
/* The same when all facts there are have been applied: what waited may be complete by now. */
const struct pevent_event *network_take_again(struct model *m);
void network_get_stats(const struct model *m, struct pevent_network_stats *ret);

#endif
