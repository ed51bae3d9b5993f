/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is counted of the packets between two ends, and whose the ends are. Addresses and ports are
 * used again within a second: there may be several flows of the same name, one after the other.
 */
#ifndef MODEL_FLOW_H
#define MODEL_FLOW_H

#include <stdbool.h>

#include "pevent/pevent.h"
#include "util/hash.h"
#include "util/list.h"
#include "wire/packet.h"

#define FLOWS_MAX (1u << 16)	/* 700 bytes each */
#define FLOW_GAPS 6

struct port;
struct traffic;

/* Did a FIN come? As the socket's states tell. */
enum flow_fin { FLOW_FIN_UNKNOWN, FLOW_FIN_NONE, FLOW_FIN_CAME };

/* One end, where it is a socket of this host. */
struct flow_end {
	struct flow *flow;	/* that it is in */
	struct traffic *owner;	/* referenced; NULL: not known whose */
	struct list of_owner;
	uint64_t socket;	/* the kernel's struct sock while it lives; 0: not known, gone */
	uint64_t opened_ns, closed_ns;	/* 0: before the run, or not known; open */
	/* Where is_final, of the kernel; rx may have a FIN in it, as one byte. */
	uint64_t final_tx, final_rx, final_retransmits, rtt_ns;
	struct pevent_traffic told_tx, told_rx;	/* when its owner's EXIT was told */
	/* Of what was seen, UDP: records of the owner's sockets tell of it, too. */
	struct pevent_traffic recorded_tx, recorded_rx;
	uint8_t role;		/* enum pevent_role */
	uint8_t origin;		/* enum pevent_origin, of the owner */
	bool is_local;		/* packets came or went here, or a socket is known */
	uint8_t fin;		/* enum flow_fin, from the other end */
	bool is_final, is_shared;
	bool was_open;		/* TCP: the handshake was done */
	bool was_told;		/* by CONN, of what packets say */
};

/* Packets from one end to the other. */
struct flow_way {
	struct pevent_traffic seen;
	uint64_t retransmits;
	uint32_t next;		/* TCP: behind the last byte seen, */
	struct flow_gap {
		uint32_t begin, end;	/* equal: none */
	} gap[FLOW_GAPS];	/* what is missing before it */
	uint64_t came;		/* packets on their way in, not seen on their way out */
	bool has_next, has_fin;
	bool has_answer;	/* a SYN with ACK */
	bool is_uncertain;	/* more was missing than there are gaps for */
};

struct flow {
	struct hash_node node;	/* key: hash of namespace and ends; newest first */
	struct list order;	/* in one of the lists of struct flows, by last_ns */
	struct packet_flow name;
	uint32_t netns;
	uint64_t begin_ns, last_ns;	/* last: packet, or what was told of its sockets */
	uint64_t closed_ns;	/* 0: open */
	bool is_vague;		/* it began before begin_ns */
	bool is_partial;	/* it may go over devices at which nothing is captured */
	bool has_syn;		/* its first packet was seen */
	bool opens;		/* the packet just counted ended the handshake */
	unsigned int pins;	/* events that wait for its counts */
	struct flow_way way[2];	/* from the low end; from the high end */
	struct flow_end end[2];	/* low, high */
};

struct fragment;

struct flows {
	struct hash by_name;
	struct list open, closed;	/* TCP that lives, that ended; */
	struct list strange;		/* TCP that lives, of no socket that is known; */
	struct list datagrams;		/* and all that is not TCP */
	bool is_partial;		/* not all devices are captured at: for new ones */
	struct fragment *fragments;
	uint64_t seed;
	struct pevent_traffic tx, rx;		/* of all ends on this host */
	struct pevent_traffic recorded_tx, recorded_rx;	/* of them: in some end's recorded */
	struct pevent_traffic unknown_tx, unknown_rx;	/* of flows that are forgotten */
	struct pevent_traffic late_tx, late_rx;
	uint64_t forwarded_packets, forwarded_bytes;
	uint64_t evicted;	/* flows forgotten for want of room */
	uint64_t refused;	/* packets that there was no memory for */
};

int flows_init(struct flows *t, uint64_t seed);
void flows_finish(struct flows *t);	/* accepts zeroed */

/* A packet, at its time. recorded: so do records, but of some processes. NULL: no memory. */
struct flow *flow_packet(struct flows *t, uint32_t netns, const struct packet *p,
			 uint64_t time_ns, bool recorded);
/* The flow of a packet, a new one where there is none; NULL: no memory. */
struct flow *flow_meet(struct flows *t, uint32_t netns, const struct packet_flow *name,
		       const struct packet *p, uint64_t time_ns);
/* Something was told of it. */
void flow_touch(struct flows *t, struct flow *f, uint64_t time_ns);
struct fragment *flow_new_fragments(void);	/* of flow_packet(); NULL: no memory */
/*
 * The flow of a socket that was opened then (0: not known): a new one, if it can be none that is
 * known. NULL: no memory.
 */
struct flow *flow_of_socket(struct flows *t, uint32_t netns, const struct packet_flow *name,
			    unsigned int end, uint64_t opened_ns, uint64_t now_ns);
/* Of those of that name whose ends await their final counts, the one that ended first; NULL. */
struct flow *flow_to_finish(struct flows *t, uint32_t netns, const struct packet_flow *name,
			    unsigned int end);
/* The name of a socket's flow, and which end of it the socket is. */
unsigned int flow_name(uint8_t family, uint8_t protocol, const uint8_t *local, uint16_t local_port,
		       const uint8_t *remote, uint16_t remote_port, struct packet_flow *ret);

/* The one that began then; NULL. */
struct flow *flow_find(struct flows *t, uint32_t netns, const struct packet_flow *name,
		       uint64_t begin_ns);
/* The one that this end is the kernel's socket of; NULL. */
struct flow *flow_find_socket(struct flows *t, uint32_t netns, const struct packet_flow *name,
			      unsigned int end, uint64_t socket);

/* Takes a reference of the owner's; another one that it had loses it, with all its bytes. */
void flow_own(struct flow *f, unsigned int end, struct traffic *owner, enum pevent_origin origin);
/* The same of who waits at the end's port, by sock_diag. */
void flow_own_accepted(struct flow *f, unsigned int end, struct traffic *owner);
/* The same of all flows at a port, which nobody owns. */
void flows_own_port(struct flows *t, const struct port *port, struct traffic *owner);
void flow_close(struct flows *t, struct flow *f, unsigned int end, uint64_t time_ns);
/* Forgets flows that ended, and datagrams' ones that rested; into their owners' sums. */
void flows_expire(struct flows *t, uint64_t now_ns);

/* Is less known of it than there was? */
bool flow_end_lacks(const struct flow_end *e);
/* What went from this end, and came to it; of UDP what no records tell of. */
void flow_sent(const struct flow *f, unsigned int end, struct pevent_traffic *ret_tx,
	       struct pevent_traffic *ret_rx);
/* The same as a connection of its owner's: all that was seen. */
void flow_describe(const struct flow *f, unsigned int end, struct pevent_connection *ret);
/* Into ret: tx, rx, unknown, late, forwarded. */
void flows_sum(const struct flows *t, struct pevent_network_stats *ret);

/*
 * The kernel's final counts are of its whole life: they do not fit a flow that is older, nor one
 * that went over devices at which nothing is captured.
 */
static inline bool flow_end_is_final(const struct flow_end *e)
{
	const struct flow *f = e->flow;

	return e->is_final && e->opened_ns &&
	       (!f->is_partial || f->way[0].seen.packets + f->way[1].seen.packets);
}

static inline bool flow_is_tcp(const struct flow *f)
{
	return f->name.protocol == 6;	/* IPPROTO_TCP */
}

void traffic_sum(struct pevent_traffic *to, const struct pevent_traffic *more);
/* Not below 0. */
void traffic_less(struct pevent_traffic *from, const struct pevent_traffic *less);

#endif
