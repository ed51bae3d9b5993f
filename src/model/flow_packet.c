/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one packet adds to its flow. */
#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "traffic.h"
#include "util/macro.h"

#define FRAGMENTS 256		/* datagrams in pieces that are followed at a time */
#define FRAGMENT_NS (2 * NSEC_PER_SEC)
#define LOOPBACK_IFINDEX 1	/* in every namespace: include/net/flow.h of Linux */

/* The ports of a datagram's first piece, for those that have none. */
struct fragment {
	uint64_t time_ns;
	uint32_t netns, id;
	uint8_t src[16], dst[16];
	uint16_t src_port, dst_port;
	uint8_t protocol;
};

struct fragment *flow_new_fragments(void)
{
	return calloc(FRAGMENTS, sizeof(struct fragment));
}

static bool later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static void add_gap(struct flow_way *w, uint32_t begin, uint32_t end)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->gap); i++)
		if (w->gap[i].begin == w->gap[i].end) {
			w->gap[i] = (struct flow_gap){ begin, end };
			return;
		}
	w->is_uncertain = true;
}

/* Reordered on its way, not sent twice: what it fills of what was missing. */
static uint32_t fill_gaps(struct flow_way *w, uint32_t seq, uint32_t end)
{
	uint32_t fresh = 0;

	for (size_t i = 0; i < ARRAY_SIZE(w->gap); i++) {
		struct flow_gap *g = &w->gap[i];
		uint32_t from = later(g->begin, seq) ? g->begin : seq;
		uint32_t to = later(end, g->end) ? g->end : end, rest = g->end;

		if (!later(to, from))
			continue;
		fresh += to - from;
		g->end = from;
		if (later(rest, to))
			add_gap(w, to, rest);
	}
	return fresh;
}

/* Bytes of a segment that were not seen before, of `len` at `seq`. */
static uint32_t take_segment(struct flow_way *w, uint32_t seq, uint32_t len)
{
	uint32_t end = seq + len, fresh = 0, next = w->next;

	if (!w->has_next) {
		w->has_next = true;
		w->next = end;
		return len;
	}
	if (later(end, next)) {
		if (later(seq, next))
			add_gap(w, next, seq);
		fresh = later(seq, next) ? len : end - next;
		w->next = end;
	}
	if (later(next, seq))
		fresh += fill_gaps(w, seq, later(end, next) ? next : end);
	w->retransmits += len && !fresh;
	return fresh;
}

/* Of a connection that was refused no socket tells. */
static void close_by_packet(struct flow *f, uint64_t time_ns)
{
	f->closed_ns = time_ns;
	for (unsigned int i = 0; i < ARRAY_SIZE(f->end); i++)
		if (!f->end[i].was_open && !f->end[i].closed_ns)
			f->end[i].closed_ns = time_ns;
}

/* Of who got a SYN with ACK: who scans ports resets it, or says nothing. */
static bool ends_handshake(const struct packet *p)
{
	return (p->tcp_flags & PACKET_TCP_ACK) &&
	       !(p->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_RST));
}

static void count_tcp(struct flow *f, struct flow_way *w, const struct packet *p,
		      uint64_t time_ns, uint32_t *payload)
{
	const struct flow_way *other = &f->way[w == f->way];
	uint32_t seq = p->seq;

	if (p->tcp_flags & PACKET_TCP_SYN) {
		f->has_syn = true;
		w->retransmits += w->has_next && !(p->tcp_flags & PACKET_TCP_ACK);
		w->has_answer |= (p->tcp_flags & PACKET_TCP_ACK) != 0;
		w->has_next = true;
		memset(w->gap, 0, sizeof(w->gap));
		w->next = ++seq;
	}
	/* A piece behind the first has no numbers. */
	if (p->fragment_offset)
		return;
	if (other->has_answer && ends_handshake(p) &&
	    !(f->end[0].was_open && f->end[1].was_open))
		f->opens = f->end[0].was_open = f->end[1].was_open = true;
	*payload = take_segment(w, seq, *payload);
	if (p->tcp_flags & PACKET_TCP_FIN)
		w->has_fin = true;
	if (!f->closed_ns && ((p->tcp_flags & PACKET_TCP_RST) ||
			      (f->way[0].has_fin && f->way[1].has_fin))) {
		/* Sockets that are known tell themselves. */
		if (!f->end[0].socket && !f->end[1].socket)
			close_by_packet(f, time_ns);
	}
}

/* On its way out again, from a host that is not this one: it was no packet for anybody here. */
static void take_back(struct flows *t, struct flow *f, unsigned int from,
		      const struct pevent_traffic *one, bool recorded)
{
	struct flow_way *w = &f->way[from];

	w->came--;
	t->forwarded_packets++;
	t->forwarded_bytes += one->bytes;
	traffic_less(&t->rx, one);
	traffic_less(&w->seen, one);
	if (recorded) {
		traffic_less(&f->end[!from].recorded_rx, one);
		traffic_less(&t->recorded_rx, one);
	}
}

/* Where it was seen, and so whose ends these are. False: it is forwarded. */
static bool place(struct flow *f, unsigned int from, const struct packet *p, bool *ret_out,
		  bool *ret_in)
{
	const struct flow_end *e = &f->end[from];
	struct flow_way *w = &f->way[from];
	bool loopback = p->ifindex == LOOPBACK_IFINDEX;

	*ret_out = loopback || p->direction == PACKET_OUTGOING;
	*ret_in = loopback || p->direction == PACKET_INCOMING;
	if (*ret_out && !loopback && w->came && !e->owner && !e->socket)
		return false;
	w->came += *ret_in && !loopback;
	f->end[from].is_local |= *ret_out;
	f->end[!from].is_local |= *ret_in;
	return true;
}

static uint32_t fragment_slot(uint32_t netns, const struct packet *p)
{
	uint32_t h = p->fragment_id * 2654435761u ^ netns ^ load_u32(p->src) * 40503u;

	return (h ^ h >> 15) & (FRAGMENTS - 1);
}

/* Pieces behind the first have no ports: those of the first one, if it was seen. */
static void follow_fragment(struct flows *t, uint32_t netns, struct packet *p, uint64_t time_ns)
{
	struct fragment *slot;

	if (!p->fragment_offset && !p->more_fragments)
		return;
	slot = &t->fragments[fragment_slot(netns, p)];
	if (!p->fragment_offset) {
		*slot = (struct fragment){ .time_ns = time_ns, .netns = netns,
					   .id = p->fragment_id, .src_port = p->src_port,
					   .dst_port = p->dst_port, .protocol = p->protocol };
		memcpy(slot->src, p->src, sizeof(slot->src));
		memcpy(slot->dst, p->dst, sizeof(slot->dst));
	} else if (slot->id == p->fragment_id && slot->netns == netns &&
		   time_ns - slot->time_ns < FRAGMENT_NS &&
		   !memcmp(slot->src, p->src, sizeof(slot->src)) &&
		   !memcmp(slot->dst, p->dst, sizeof(slot->dst))) {
		p->src_port = slot->src_port;
		p->dst_port = slot->dst_port;
		p->protocol = slot->protocol;
		p->has_ports = true;
	}
}

/* A socket that is connected to itself: the low end is it, and gets what it sends. */
static void mirror(struct flow *f)
{
	f->way[1] = f->way[0];
	f->end[1].is_local = false;
}

static bool is_recorded(const struct flow_end *e, uint64_t time_ns)
{
	return !e->owner || traffic_is_recorded(e->owner, time_ns);
}

struct flow *flow_packet(struct flows *t, uint32_t netns, const struct packet *p,
			 uint64_t time_ns, bool recorded)
{
	struct packet whole = *p;
	struct pevent_traffic one = { .packets = 1, .bytes = p->l3_bytes };
	uint32_t payload = p->payload_bytes;
	struct packet_flow name;
	bool swapped, out, in, self;
	struct flow *f;

	follow_fragment(t, netns, &whole, time_ns);
	packet_flow(&whole, &name, &swapped);
	self = !memcmp(&name.low, &name.high, sizeof(name.low));
	f = flow_meet(t, netns, &name, &whole, time_ns);
	if (!f) {
		t->refused++;
		return NULL;
	}
	one.payload = payload;
	if (!place(f, swapped, &whole, &out, &in)) {
		take_back(t, f, swapped, &one, recorded);
		return f;
	}
	if (flow_is_tcp(f))
		count_tcp(f, &f->way[swapped], &whole, time_ns, &payload);
	one.payload = payload;
	traffic_sum(&f->way[swapped].seen, &one);
	if (out)
		traffic_sum(&t->tx, &one);
	if (in)
		traffic_sum(&t->rx, &one);
	if (out && recorded && is_recorded(&f->end[swapped], time_ns)) {
		traffic_sum(&f->end[swapped].recorded_tx, &one);
		traffic_sum(&t->recorded_tx, &one);
	}
	if (in && recorded && is_recorded(&f->end[!swapped], time_ns)) {
		traffic_sum(&f->end[!swapped].recorded_rx, &one);
		traffic_sum(&t->recorded_rx, &one);
	}
	if (self)
		mirror(f);
	flow_touch(t, f, time_ns);
	return f;
}
