/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "socket.h"
#include "traffic.h"
#include "util/macro.h"

#define CLOSED_NS (2 * NSEC_PER_SEC)	/* late packets and counts find their flow for so long */
#define RESTED_NS (30 * NSEC_PER_SEC)	/* a datagram's flow, or nobody's, without another */
#define JITTER_NS (20 * NSEC_PER_USEC)	/* between the clocks of packets and of records */
#define VAGUE_NS NSEC_PER_SEC	/* between a handshake's first packet and its end */

static struct flow *of_node(struct hash_node *node)
{
	return node ? CONTAINER_OF(node, struct flow, node) : NULL;
}

static struct flow *of_order(struct list *order)
{
	return CONTAINER_OF(order, struct flow, order);
}

void traffic_sum(struct pevent_traffic *to, const struct pevent_traffic *more)
{
	to->packets += more->packets;
	to->bytes += more->bytes;
	to->payload += more->payload;
}

void traffic_less(struct pevent_traffic *from, const struct pevent_traffic *less)
{
	from->packets -= MIN(from->packets, less->packets);
	from->bytes -= MIN(from->bytes, less->bytes);
	from->payload -= MIN(from->payload, less->payload);
}

int flows_init(struct flows *t, uint64_t seed)
{
	*t = (struct flows){ .seed = seed };
	list_init(&t->open);
	list_init(&t->datagrams);
	list_init(&t->strange);
	list_init(&t->closed);
	t->fragments = flow_new_fragments();
	return t->fragments ? hash_init(&t->by_name, FLOWS_MAX) : -ENOMEM;
}

static void disown(struct flow_end *e)
{
	if (!e->owner)
		return;
	list_remove(&e->of_owner);
	e->owner = traffic_unref(e->owner);
}

static void free_flow(struct flows *t, struct flow *f)
{
	disown(&f->end[0]);
	disown(&f->end[1]);
	hash_remove(&t->by_name, &f->node);
	list_remove(&f->order);
	free(f);
}

static void free_all(struct flows *t, struct list *all)
{
	while (!list_empty(all))
		free_flow(t, of_order(all->next));
}

void flows_finish(struct flows *t)
{
	if (!t->open.next)
		return;
	free_all(t, &t->open);
	free_all(t, &t->strange);
	free_all(t, &t->datagrams);
	free_all(t, &t->closed);
	hash_finish(&t->by_name);
	free(t->fragments);
	*t = (struct flows){ 0 };
}

/*
 * The kernel counts the other end's FIN as a byte, if it came to the socket and not to what is left
 * of it in TIME_WAIT, or to nobody. Such a byte lies behind all payload. Where packets are missing,
 * and states do not tell, the other end's count does, if it is a socket of this host; else it is
 * the least it can be.
 */
static bool has_counted_fin(const struct flow *f, unsigned int end)
{
	const struct flow_end *e = &f->end[end], *other = &f->end[!end];

	if (e->final_rx == 0 || e->fin == FLOW_FIN_NONE)
		return false;
	if (e->fin == FLOW_FIN_CAME)
		return true;
	if (e->final_rx <= f->way[!end].seen.payload)
		return false;
	return !other->is_final || e->final_rx > other->final_tx;
}

static uint64_t final_rx(const struct flow *f, unsigned int end)
{
	return f->end[end].final_rx - has_counted_fin(f, end);
}

void flow_sent(const struct flow *f, unsigned int end, struct pevent_traffic *ret_tx,
	       struct pevent_traffic *ret_rx)
{
	const struct flow_end *e = &f->end[end];

	*ret_tx = f->way[end].seen;
	*ret_rx = f->way[!end].seen;
	traffic_less(ret_tx, &e->recorded_tx);
	traffic_less(ret_rx, &e->recorded_rx);
	if (flow_end_is_final(e)) {
		ret_tx->payload = e->final_tx;
		ret_rx->payload = final_rx(f, end);
	}
}

/* Packets were dropped, or its final counts did not come: what is known is a lower bound. */
bool flow_end_lacks(const struct flow_end *e)
{
	const struct flow *f = e->flow;
	unsigned int end = e != &f->end[0];

	if (!flow_is_tcp(f) || (!e->was_open && (e->closed_ns || f->has_syn)) ||
	    (f->is_partial && !(f->way[0].seen.packets + f->way[1].seen.packets)))
		return false;
	if (!e->is_final || !e->opened_ns)
		return !e->is_final || f->way[!end].is_uncertain;
	return e->final_tx > f->way[end].seen.payload ||
	       final_rx(f, end) > f->way[!end].seen.payload;
}

static uint64_t retransmits_of(const struct flow *f, unsigned int end)
{
	const struct flow_end *e = &f->end[end];

	return flow_end_is_final(e) ? e->final_retransmits : f->way[end].retransmits;
}

static void get_late(const struct flow *f, unsigned int end, struct pevent_traffic *tx,
		     struct pevent_traffic *rx)
{
	flow_sent(f, end, tx, rx);
	traffic_less(tx, &f->end[end].told_tx);
	traffic_less(rx, &f->end[end].told_rx);
}

/* Into its owner's sums, or the unknown's. */
static void fold_end(struct flows *t, const struct flow *f, unsigned int end)
{
	const struct flow_end *e = &f->end[end];
	struct pevent_connection c;
	struct pevent_traffic tx, rx;

	flow_sent(f, end, &tx, &rx);
	if (!e->owner) {
		if (e->is_local) {
			traffic_sum(&t->unknown_tx, &tx);
			traffic_sum(&t->unknown_rx, &rx);
		}
		return;
	}
	if (e->owner->is_told) {
		get_late(f, end, &tx, &rx);
		traffic_sum(&t->late_tx, &tx);
		traffic_sum(&t->late_rx, &rx);
		return;
	}
	traffic_sum(&e->owner->tx, &tx);
	traffic_sum(&e->owner->rx, &rx);
	e->owner->retransmits += retransmits_of(f, end);
	e->owner->is_incomplete |= flow_end_lacks(e);
	if (!flow_is_tcp(f) && !(f->way[0].seen.packets + f->way[1].seen.packets))
		return;
	flow_describe(f, end, &c);
	traffic_remember(e->owner, &c, e->was_open);
}

static void forget(struct flows *t, struct flow *f)
{
	fold_end(t, f, 0);
	fold_end(t, f, 1);
	free_flow(t, f);
}

/* The one that rested longest, strangers first; not at the cost of events that wait. */
static bool make_room(struct flows *t)
{
	struct list *const all[] = { &t->strange, &t->datagrams, &t->closed, &t->open };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		for (struct list *l = all[i]->next; l != all[i]; l = l->next) {
			if (of_order(l)->pins)
				continue;
			t->evicted++;
			forget(t, of_order(l));
			return true;
		}
	return false;
}

static uint64_t key_of(const struct flows *t, uint32_t netns, const struct packet_flow *name)
{
	return packet_flow_hash(name, t->seed ^ (uint64_t)netns << 17);
}

static bool is_named(const struct flow *f, uint32_t netns, const struct packet_flow *name)
{
	return f->netns == netns && !memcmp(&f->name, name, sizeof(*name));
}

/* The newest one of that name; next: one that is older. */
static struct flow *first(const struct flows *t, uint32_t netns, const struct packet_flow *name)
{
	struct flow *f = of_node(hash_find(&t->by_name, key_of(t, netns, name)));

	while (f && !is_named(f, netns, name))
		f = of_node(hash_find_next(&f->node));
	return f;
}

static struct flow *next(const struct flow *f)
{
	struct flow *older = of_node(hash_find_next(&f->node));

	while (older && !is_named(older, f->netns, &f->name))
		older = of_node(hash_find_next(&older->node));
	return older;
}

/* Nobody's; or who has it listens, and there was no connection. */
static bool is_strange_end(const struct flow_end *e)
{
	return !e->socket && (!e->owner || (flow_is_tcp(e->flow) && !e->was_open));
}

static bool is_strange(const struct flow *f)
{
	return is_strange_end(&f->end[0]) && is_strange_end(&f->end[1]);
}

static void put_in_order(struct flows *t, struct flow *f)
{
	struct list *to = !flow_is_tcp(f) ? &t->datagrams :
			  f->closed_ns ? &t->closed :
			  is_strange(f) ? &t->strange : &t->open;

	list_append(to, &f->order);
}

void flow_touch(struct flows *t, struct flow *f, uint64_t time_ns)
{
	f->last_ns = MAX(f->last_ns, time_ns);
	list_remove(&f->order);
	put_in_order(t, f);
}

static struct flow *add(struct flows *t, uint32_t netns, const struct packet_flow *name,
			uint64_t begin_ns)
{
	struct flow *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->name = *name;
	f->netns = netns;
	f->begin_ns = f->last_ns = begin_ns;
	f->is_partial = t->is_partial;
	for (unsigned int i = 0; i < ARRAY_SIZE(f->end); i++) {
		f->end[i].flow = f;
		list_init(&f->end[i].of_owner);
	}
	list_init(&f->order);
	while (hash_insert(&t->by_name, &f->node, key_of(t, netns, name)) < 0)
		if (!make_room(t)) {
			free(f);
			return NULL;
		}
	put_in_order(t, f);
	return f;
}

/* Was it over when this one came, which begins a connection? */
static bool is_past(const struct flow *f, uint64_t time_ns)
{
	return f->closed_ns && time_ns > f->closed_ns;
}

/* A port for datagrams is another process's soon after its owner has ended. */
static bool is_deserted(const struct flow *f, uint64_t time_ns)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(f->end); i++) {
		const struct traffic *owner = f->end[i].owner;

		if (owner && (!owner->process || (owner->process->dead &&
						  owner->process->pub.end_ns < time_ns)))
			return true;
	}
	return false;
}

static struct flow *find_for_packet(const struct flows *t, uint32_t netns,
				    const struct packet_flow *name, const struct packet *p,
				    uint64_t time_ns)
{
	bool tcp = p->protocol == 6, begins = tcp && (p->tcp_flags & PACKET_TCP_SYN);
	bool opens = !tcp || (begins && !(p->tcp_flags & PACKET_TCP_ACK));

	for (struct flow *f = first(t, netns, name), *older; f; f = older) {
		older = next(f);
		if (time_ns + JITTER_NS >= f->begin_ns)
			return opens && time_ns > f->begin_ns + JITTER_NS &&
			       (is_past(f, time_ns) || (!tcp && is_deserted(f, time_ns))) ?
				       NULL : f;
		/* What is known of its beginning is the end of the handshake, or a later packet. */
		if ((!tcp || (f->is_vague && begins)) && time_ns + VAGUE_NS > f->begin_ns &&
		    (!older || is_past(older, time_ns))) {
			f->begin_ns = time_ns;
			return f;
		}
		if (!older && !opens)
			return f;
	}
	return NULL;
}

struct flow *flow_meet(struct flows *t, uint32_t netns, const struct packet_flow *name,
		       const struct packet *p, uint64_t time_ns)
{
	struct flow *f = find_for_packet(t, netns, name, p, time_ns), *past;

	if (f)
		return f;
	/* Strangers that try again and again would make a long chain. */
	past = first(t, netns, name);
	if (past && is_past(past, time_ns) && is_strange(past) && !past->pins)
		forget(t, past);
	return add(t, netns, name, time_ns);
}

unsigned int flow_name(uint8_t family, uint8_t protocol, const uint8_t *local, uint16_t local_port,
		       const uint8_t *remote, uint16_t remote_port, struct packet_flow *ret)
{
	struct packet p = { .family = family, .protocol = protocol, .src_port = local_port,
			    .dst_port = remote_port, .has_ports = true };
	bool swapped;

	memcpy(p.src, local, sizeof(p.src));
	memcpy(p.dst, remote, sizeof(p.dst));
	packet_flow(&p, ret, &swapped);
	return swapped;
}

struct flow *flow_of_socket(struct flows *t, uint32_t netns, const struct packet_flow *name,
			    unsigned int end, uint64_t opened_ns, uint64_t now_ns)
{
	struct flow *f, *found = NULL;

	for (f = first(t, netns, name); f; f = next(f)) {
		if (is_past(f, opened_ns ? opened_ns : now_ns))
			break;
		/* Of one that was there: the connection of that name is the one that was open. */
		if (!opened_ns && (!f->end[end].closed_ns || f->end[end].closed_ns >= now_ns))
			return f;
		/* The oldest that can be it: one whose opening was told is another. */
		if (opened_ns && !f->end[end].socket && f->begin_ns + VAGUE_NS >= opened_ns &&
		    !(f->end[end].closed_ns && f->end[end].opened_ns))
			found = f;
	}
	if (found)
		return found;
	f = add(t, netns, name, opened_ns ? opened_ns : now_ns);
	if (f)
		f->is_vague = true;
	return f;
}

struct flow *flow_find(struct flows *t, uint32_t netns, const struct packet_flow *name,
		       uint64_t begin_ns)
{
	struct flow *f = first(t, netns, name);

	while (f && f->begin_ns != begin_ns)
		f = next(f);
	return f;
}

struct flow *flow_find_socket(struct flows *t, uint32_t netns, const struct packet_flow *name,
			      unsigned int end, uint64_t socket)
{
	struct flow *f = first(t, netns, name);

	while (f && f->end[end].socket != socket)
		f = next(f);
	return f;
}

struct flow *flow_to_finish(struct flows *t, uint32_t netns, const struct packet_flow *name,
			    unsigned int end)
{
	struct flow *found = NULL;

	for (struct flow *f = first(t, netns, name); f; f = next(f)) {
		const struct flow_end *e = &f->end[end];

		/* Of what was refused nothing final comes. */
		if (e->is_final || (e->closed_ns && !e->was_open))
			continue;
		if (!found || e->closed_ns || !found->end[end].closed_ns)
			found = f;
	}
	return found;
}

void flow_own(struct flow *f, unsigned int end, struct traffic *owner, enum pevent_origin origin)
{
	struct flow_end *e = &f->end[end];

	e->is_local = true;
	e->origin = (uint8_t)origin;
	if (e->owner == owner)
		return;
	traffic_ref(owner);
	disown(e);
	e->owner = owner;
	list_append(&owner->ends, &e->of_owner);
}

static void own_port(const struct list *all, const struct port *port, struct traffic *owner)
{
	for (struct list *l = all->next; l != all; l = l->next) {
		struct flow *f = of_order(l);

		for (unsigned int end = 0; f->netns == port->netns && end < ARRAY_SIZE(f->end);
		     end++) {
			const struct packet_end *e = end ? &f->name.high : &f->name.low;

			if (e->port == port->port && f->name.protocol == port->protocol &&
			    f->end[end].is_local && !f->end[end].owner)
				flow_own_accepted(f, end, owner);
		}
	}
}

void flow_own_accepted(struct flow *f, unsigned int end, struct traffic *owner)
{
	flow_own(f, end, owner, PEVENT_FROM_SOCK_DIAG);
	if (!flow_is_tcp(f))
		return;
	f->end[end].role = PEVENT_ROLE_SERVER;
	f->end[end].opened_ns = f->has_syn ? f->begin_ns : 0;
	/* It was there before its first packet. */
	f->end[end].was_open |= !f->has_syn && !f->closed_ns;
}

void flows_own_port(struct flows *t, const struct port *port, struct traffic *owner)
{
	if (port->protocol != 6) {	/* IPPROTO_TCP */
		own_port(&t->datagrams, port, owner);
		return;
	}
	own_port(&t->open, port, owner);
	own_port(&t->strange, port, owner);
	own_port(&t->closed, port, owner);
}

/* Over when all its sockets that are known are. */
void flow_close(struct flows *t, struct flow *f, unsigned int end, uint64_t time_ns)
{
	struct flow_end *e = &f->end[end], *other = &f->end[!end];

	if (!e->closed_ns)
		e->closed_ns = time_ns;
	e->socket = 0;
	if (!f->closed_ns && !(other->socket && !other->closed_ns))
		f->closed_ns = e->closed_ns;
	flow_touch(t, f, time_ns);
}

static void expire(struct flows *t, struct list *all, uint64_t rest_ns, uint64_t now_ns)
{
	while (!list_empty(all)) {
		struct flow *f = of_order(all->next);

		if (f->last_ns + rest_ns > now_ns || f->pins)
			break;
		if (all == &t->strange && !is_strange(f))
			flow_touch(t, f, f->last_ns);	/* it has found its owner */
		else
			forget(t, f);
	}
}

void flows_expire(struct flows *t, uint64_t now_ns)
{
	expire(t, &t->closed, CLOSED_NS, now_ns);
	expire(t, &t->datagrams, RESTED_NS, now_ns);
	expire(t, &t->strange, RESTED_NS, now_ns);
}

static void put_end(const struct packet_end *from, uint8_t *address, uint16_t *port)
{
	memcpy(address, from->address, sizeof(from->address));
	*port = from->port;
}

void flow_describe(const struct flow *f, unsigned int end, struct pevent_connection *ret)
{
	const struct flow_end *e = &f->end[end];

	*ret = (struct pevent_connection){
		.family = f->name.family, .protocol = f->name.protocol,
		.role = e->role, .origin = e->origin, .netns = f->netns,
		.shared = e->is_shared, .open = flow_is_tcp(f) && !e->closed_ns && !e->is_final,
		.final = flow_end_is_final(e),
		.incomplete = e->closed_ns && flow_end_lacks(e),
		.opened_ns = e->opened_ns, .closed_ns = e->closed_ns,
		.tx = f->way[end].seen, .rx = f->way[!end].seen,
		.retransmits = retransmits_of(f, end), .rtt_ns = e->rtt_ns,
	};
	put_end(end ? &f->name.high : &f->name.low, ret->local, &ret->local_port);
	put_end(end ? &f->name.low : &f->name.high, ret->remote, &ret->remote_port);
	if (flow_end_is_final(e)) {
		ret->tx.payload = e->final_tx;
		ret->rx.payload = final_rx(f, end);
	}
}

static void sum_end(const struct flow *f, unsigned int end, struct pevent_network_stats *ret)
{
	const struct flow_end *e = &f->end[end];
	struct pevent_traffic tx, rx;

	if (!e->owner && e->is_local) {
		flow_sent(f, end, &tx, &rx);
		traffic_sum(&ret->unknown_tx, &tx);
		traffic_sum(&ret->unknown_rx, &rx);
	} else if (e->owner && e->owner->is_told) {
		get_late(f, end, &tx, &rx);
		traffic_sum(&ret->late_tx, &tx);
		traffic_sum(&ret->late_rx, &rx);
	}
}

static void sum_all(const struct list *all, struct pevent_network_stats *ret)
{
	for (const struct list *l = all->next; l != all; l = l->next) {
		sum_end(CONTAINER_OF(l, const struct flow, order), 0, ret);
		sum_end(CONTAINER_OF(l, const struct flow, order), 1, ret);
	}
}

void flows_sum(const struct flows *t, struct pevent_network_stats *ret)
{
	ret->tx = t->tx;
	ret->rx = t->rx;
	ret->unknown_tx = t->unknown_tx;
	ret->unknown_rx = t->unknown_rx;
	ret->late_tx = t->late_tx;
	ret->late_rx = t->late_rx;
	ret->forwarded_packets = t->forwarded_packets;
	ret->forwarded_bytes = t->forwarded_bytes;
	sum_all(&t->open, ret);
	sum_all(&t->strange, ret);
	sum_all(&t->datagrams, ret);
	sum_all(&t->closed, ret);
}
