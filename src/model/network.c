/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "emit.h"
#include "infer.h"
#include "life.h"
#include "socket_state.h"
#include "traffic.h"
#include "util/macro.h"

#define SOCKET_LINK "socket:["
/* Datagrams of one process are one fact, this far apart in time and in number of facts. */
#define MERGE_NS (100 * NSEC_PER_USEC)
#define MERGE_FACTS 8
/* A notice waits for the packets of its socket in such steps, and no longer than that. */
#define PUT_OFF_NS (15 * NSEC_PER_MSEC)
#define PUT_OFF_MAX_NS (60 * NSEC_PER_MSEC)

struct traffic *network_traffic_of(struct model *m, struct process *p)
{
	if (!p->traffic) {
		p->traffic = traffic_new(p, m->network.keeps_connections);
		if (p->traffic)
			p->traffic->is_told = p->dead;
	}
	return p->traffic;
}

bool network_is_recorded(const struct network_state *n, uint64_t time_ns)
{
	for (size_t i = n->n_udp; i-- > 0;)
		if (time_ns >= n->udp[i].time_ns)
			return n->udp[i].on;
	return false;
}

void network_udp(struct model *m, bool on, uint64_t time_ns)
{
	struct network_state *n = &m->network;

	if (n->n_udp == ARRAY_SIZE(n->udp))
		memmove(n->udp, n->udp + 1, --n->n_udp * sizeof(n->udp[0]));
	/* Whose datagrams came while they were off nobody knows; they begin switched on. */
	if (n->n_udp > 1 || (n->n_udp && n->udp[0].on))
		n->lost_ns = MAX(n->lost_ns, time_ns);
	n->udp[n->n_udp++] = (struct network_switch){ .time_ns = time_ns, .on = on };
}

void network_lost(struct model *m, uint64_t time_ns)
{
	m->network.lost_ns = MAX(m->network.lost_ns, time_ns);
}

void network_udp_process(struct model *m, pid_t pid, bool on, uint64_t time_ns)
{
	struct process *p = process_find_living(&m->table, pid);
	struct traffic *t = p ? network_traffic_of(m, p) : NULL;

	if (!t)
		return;
	if (on) {
		t->recorded_ns = time_ns;
		return;
	}
	t->unrecorded_ns = time_ns;
	t->recorded_ns = 0;
	/* What is sent before its flows are found is not counted. */
	t->is_incomplete = true;
	if (m->network.n_looks < ARRAY_SIZE(m->network.looks))
		m->network.looks[m->network.n_looks++] = pid;
}

/* Who else has the socket may be the one that takes what comes. */
static bool is_sole(const struct port *port, uint64_t time_ns)
{
	const struct process *p = port && port->owner ? port->owner->process : NULL;

	/* Packets come late: one that is dead owns what was sent before. */
	return p && port->owners == 1 && !p->sharers && (!p->dead || time_ns <= p->pub.end_ns);
}

/* Who waits at its local port. */
static void own_by_port(struct model *m, struct flow *f, unsigned int end, bool is_asked)
{
	const struct packet_end *local = end ? &f->name.high : &f->name.low;
	const struct port *port;

	if (f->end[end].owner || !f->end[end].is_local)
		return;
	port = port_find(&m->network.sockets, f->netns, f->name.protocol, local->port,
			 f->begin_ns);
	if (is_sole(port, f->begin_ns) && !f->end[end].socket)
		flow_own_accepted(f, end, port->owner);
	else if (!port && is_asked && !m->network.has_records)
		m->network.wants_ports = true;
}

static unsigned int source_of(const struct flow *f, const struct packet *p)
{
	return memcmp(f->name.low.address, p->src, sizeof(p->src)) != 0 ||
	       f->name.low.port != p->src_port;
}

static bool tell_later(struct model *m, const struct flow *f, unsigned int end,
		       enum network_fact_kind kind, uint64_t time_ns)
{
	const struct network_fact fact = {
		.time_ns = time_ns, .netns = f->netns, .kind = kind,
		.u.flow = { .name = f->name, .begin_ns = f->begin_ns, .end = end },
	};

	return network_add(m, &fact) == 0;
}

/*
 * Where no record of its socket tells, packets and a lookup do, in either order. They come late:
 * the event has its place among those of now, the connection says when it was made.
 */
static void open_later(struct model *m, const struct flow *f, unsigned int end, uint64_t time_ns)
{
	const uint64_t now_ns = m->network.now_ns == UINT64_MAX ? 0 : m->network.now_ns;

	/* What there is no room for is told with its CLOSE. */
	if (!m->network.has_records && f->end[end].was_open && f->end[end].owner)
		(void)tell_later(m, f, end, NETWORK_OPENED, MAX(time_ns, now_ns));
}

/*
 * One of the first packets of a flow: where no record of a socket tells, ports do. Who answers to a
 * SYN has somebody there.
 */
static void meet_flow(struct model *m, struct flow *f, const struct packet *p, uint64_t time_ns)
{
	const unsigned int syn = p->tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_ACK);
	const unsigned int from = source_of(f, p);
	bool begins = f->begin_ns == time_ns;

	if (flow_is_tcp(f)) {
		if (syn == (PACKET_TCP_SYN | PACKET_TCP_ACK))
			own_by_port(m, f, from, true);
		else if (syn == PACKET_TCP_SYN && !m->network.has_records && begins &&
			 f->end[from].is_local && !f->end[from].owner)
			infer_later(m, f, from);
		return;
	}
	own_by_port(m, f, from, false);
	own_by_port(m, f, !from, begins);
}

void network_packet(struct model *m, uint32_t netns, const struct packet *p, uint64_t time_ns)
{
	struct network_state *n = &m->network;
	bool recorded = p->protocol == IPPROTO_UDP && network_is_recorded(n, time_ns);
	struct flow *f = flow_packet(&n->flows, netns, p, time_ns, recorded);

	if (f && p->has_ports && ((p->tcp_flags & PACKET_TCP_SYN) ||
				  f->way[0].seen.packets + f->way[1].seen.packets <= 2))
		meet_flow(m, f, p, time_ns);
	if (f && f->opens) {
		f->opens = false;
		open_later(m, f, 0, time_ns);
		open_later(m, f, 1, time_ns);
	}
}

/* An EXIT does not wait for those that wait themselves. */
static bool is_notice(const struct network_fact *fact)
{
	return fact->kind == NETWORK_DESTROYED && !fact->put_off_ns;
}

int network_add(struct model *m, const struct network_fact *fact)
{
	int error = facts_add(&m->network.facts, fact);

	if (error == 0 && is_notice(fact)) {
		m->network.n_notices++;
		m->network.noticed_ns = MAX(m->network.noticed_ns, fact->time_ns);
	}
	return error;
}

/* A piece of one that is to be completed is none. */
static uint32_t datagrams_of(const struct tracepoint_record *r)
{
	return r->kind == TRACEPOINT_SEND && (r->flags & MSG_MORE) ? 0 : 1;
}

/* One more of what a process does all the time; between them are those of the other end. */
static bool merge_datagram(struct facts *facts, const struct tracepoint_record *r)
{
	bool sent = r->kind == TRACEPOINT_SEND, ipv6 = r->family == AF_INET6;
	struct network_fact *f;

	for (size_t i = 0; i < MERGE_FACTS && (f = facts_recent(facts, i)); i++) {
		struct network_datagrams *d = &f->u.datagrams;

		if (f->time_ns + MERGE_NS < r->time_ns)
			break;
		if (f->kind != NETWORK_DATAGRAMS || d->pid != r->pid || d->sent != sent ||
		    d->ipv6 != ipv6)
			continue;
		d->count += datagrams_of(r);
		d->payload += (uint32_t)r->returned;
		return true;
	}
	return false;
}

int network_record(struct model *m, const struct tracepoint_record *r)
{
	struct network_fact fact = { .time_ns = r->time_ns, .kind = NETWORK_STATE };
	bool sent = r->kind == TRACEPOINT_SEND, ipv6 = r->family == AF_INET6;

	if (r->kind == TRACEPOINT_STATE) {
		fact.u.state = *r;
		return network_add(m, &fact);
	}
	/* What was only looked at will be received; an error's copy of what was sent was not. */
	if (r->protocol != IPPROTO_UDP || r->returned < 0 ||
	    (!sent && (r->flags & (MSG_PEEK | MSG_ERRQUEUE))) ||
	    merge_datagram(&m->network.facts, r))
		return 0;
	fact.kind = NETWORK_DATAGRAMS;
	fact.u.datagrams = (struct network_datagrams){
		.pid = r->pid, .sent = sent, .ipv6 = ipv6, .count = datagrams_of(r),
		.payload = (uint32_t)r->returned,
	};
	return network_add(m, &fact);
}

uint64_t network_next(struct model *m)
{
	const struct network_fact *fact = facts_peek(&m->network.facts);

	return fact ? fact->time_ns : UINT64_MAX;
}

void network_tell(struct model *m, enum pevent_type type, struct flow *f, unsigned int end,
		  uint64_t time_ns)
{
	const struct traffic *owner = f->end[end].owner;
	struct cn_event cn = { .time_ns = time_ns, .cpu = UINT32_MAX };
	struct queue_slot *slot;
	struct pevent_event *ev;

	if (!owner || !owner->process)
		return;
	cn.tid = owner->process->pub.pid;
	ev = emit_of(m, type, &cn, owner->process);
	if (!ev || type == PEVENT_CONN) {
		struct connections *one = ev ? connections_one(f, end) : NULL;

		if (one)
			ev->connections = &one->pub;
		return;
	}
	slot = queue_slot_of(ev);
	slot->due_ns = time_ns + NETWORK_EXIT_NS;
	slot->flow = f;
	slot->end = end;
	f->pins++;
}

static void apply_datagrams(struct model *m, const struct network_datagrams *d)
{
	struct network_state *n = &m->network;
	struct process *p = process_find_living(&m->table, d->pid);
	struct traffic *t = p ? network_traffic_of(m, p) : NULL;

	if (t)
		traffic_add_datagrams(t, d->sent, d->ipv6, d->count, d->payload,
				      d->sent ? &n->datagrams_tx : &n->datagrams_rx);
}

/* Of what was refused nothing is told. */
static void tell_conn(struct model *m, struct flow *f, unsigned int end, uint64_t time_ns)
{
	struct flow_end *e = &f->end[end];

	if (m->network.has_records || !e->was_open || !e->owner || e->was_told)
		return;
	e->was_told = true;
	network_tell(m, PEVENT_CONN, f, end, time_ns);
}

static void tell_close(struct model *m, struct flow *f, unsigned int end, uint64_t time_ns)
{
	tell_conn(m, f, end, time_ns);
	if (f->end[end].was_open)
		network_tell(m, PEVENT_CLOSE, f, end, time_ns);
}

static void apply_told(struct model *m, const struct network_fact *fact)
{
	struct flow *f = flow_find(&m->network.flows, fact->netns, &fact->u.flow.name,
				   fact->u.flow.begin_ns);

	if (f && fact->kind == NETWORK_OPENED)
		tell_conn(m, f, fact->u.flow.end, fact->time_ns);
	else if (f)
		tell_close(m, f, fact->u.flow.end, fact->time_ns);
}

/*
 * A lookup's answer. A port that serves again belongs to who was found last: what came before is
 * another flow.
 */
static void apply_found(struct model *m, const struct network_fact *fact)
{
	const struct inet_diag_id *id = &fact->u.found.id;
	const int32_t tgid = fact->u.found.tgid;
	struct process *p = tgid ? process_find(&m->table, tgid) : NULL;
	struct flows *flows = &m->network.flows;
	bool tcp = id->protocol == IPPROTO_TCP;
	struct packet_flow name;
	struct traffic *owner;
	struct flow *f;
	unsigned int end;

	if (tgid ? !p || (p->dead && p->pub.end_ns < fact->time_ns) : !fact->u.found.shared)
		return;
	end = flow_name(id->family, id->protocol, id->local, id->local_port, id->remote,
			id->remote_port, &name);
	f = flow_of_socket(flows, fact->netns, &name, end, tcp ? fact->time_ns : 0,
			   fact->time_ns);
	/* One of several has sent: who did so last need not be the one. */
	if (f && !tgid)
		f->end[end].is_shared = true;
	owner = f && p ? network_traffic_of(m, p) : NULL;
	if (owner && !tcp && f->end[end].owner && f->end[end].owner != owner) {
		f->end[end].opened_ns = f->begin_ns;
		flow_close(flows, f, end, fact->time_ns - 1);
		f = flow_of_socket(flows, fact->netns, &name, end, fact->time_ns, fact->time_ns);
	}
	if (!f || !owner)
		return;
	f->end[end].opened_ns = fact->time_ns;
	f->end[end].role = tcp ? PEVENT_ROLE_CLIENT : PEVENT_ROLE_NONE;
	f->end[end].is_shared |= fact->u.found.shared;
	flow_own(f, end, owner, PEVENT_FROM_SOCK_DIAG);
	open_later(m, f, end, fact->time_ns);
}

static void take_final(struct flow_end *e, const struct inet_diag_tcp *tcp)
{
	if (!(tcp->has & INET_DIAG_HAS_BYTES_SENT) || !(tcp->has & INET_DIAG_HAS_BYTES_RETRANS) ||
	    !(tcp->has & INET_DIAG_HAS_BYTES_RECEIVED))
		return;
	e->is_final = true;
	/* Packets of the handshake may be still to come; who was refused has none of these. */
	e->was_open |= tcp->rtt_ns || tcp->bytes_acked || tcp->bytes_received;
	e->final_tx = tcp->bytes_sent - MIN(tcp->bytes_sent, tcp->bytes_retrans);
	e->final_rx = tcp->bytes_received;
	e->final_retransmits = tcp->total_retrans;
	e->rtt_ns = tcp->rtt_ns;
}

/* Where no record of its socket was first, packets are, and these come late. */
static void put_off(struct model *m, const struct network_fact *fact)
{
	struct network_state *n = &m->network;
	struct network_fact again = *fact;

	if (n->has_records || fact->put_off_ns >= PUT_OFF_MAX_NS ||
	    n->packets_until_ns >= fact->time_ns - fact->put_off_ns)
		return;
	again.put_off_ns += PUT_OFF_NS;
	again.time_ns += PUT_OFF_NS;
	n->refused += network_add(m, &again) < 0;
}

static void apply_destroyed(struct model *m, const struct network_fact *fact)
{
	const uint64_t read_ns = fact->time_ns - fact->put_off_ns;
	const struct inet_diag_socket *s = &fact->u.destroyed;
	const struct inet_diag_id *id = &s->id;
	struct flows *flows = &m->network.flows;
	struct packet_flow name;
	struct port *port;
	struct flow *f;
	unsigned int end;

	if (!id->remote_port) {
		port = port_find_cookie(&m->network.sockets, id->protocol, id->local_port,
					id->cookie);
		if (port)
			port_end(&m->network.sockets, port, fact->time_ns);
		return;
	}
	end = flow_name(id->family, id->protocol, id->local, id->local_port, id->remote,
			id->remote_port, &name);
	port = port_find_name(&m->network.sockets, fact->netns, &name, end);
	if (port)
		port_free(&m->network.sockets, port);
	f = flow_to_finish(flows, fact->netns, &name, end);
	if (!f) {
		put_off(m, fact);
		return;
	}
	if (id->protocol == IPPROTO_TCP)
		take_final(&f->end[end], &s->tcp);
	if (f->end[end].closed_ns)
		return;
	tell_conn(m, f, end, fact->time_ns);
	/* It was so some time before, which nobody told; a new socket of that name tells itself. */
	flow_close(flows, f, end, MAX(read_ns, f->end[end].opened_ns));
	if (id->protocol != IPPROTO_TCP)
		return;
	/* Packets are still to say whose it was. */
	if (!f->end[end].owner && !m->network.has_records)
		m->network.refused += !tell_later(m, f, end, NETWORK_CLOSED,
						  fact->time_ns + NETWORK_EXIT_NS);
	else
		tell_close(m, f, end, fact->time_ns);
}

void network_advance(struct model *m)
{
	const struct network_fact fact = *facts_peek(&m->network.facts);

	facts_pop(&m->network.facts);
	switch (fact.kind) {
	case NETWORK_STATE:
		socket_state_apply(m, &fact.u.state);
		break;
	case NETWORK_DATAGRAMS:
		apply_datagrams(m, &fact.u.datagrams);
		break;
	case NETWORK_FOUND:
		apply_found(m, &fact);
		break;
	case NETWORK_OPENED:
	case NETWORK_CLOSED:
		apply_told(m, &fact);
		break;
	case NETWORK_DESTROYED:
		m->network.n_notices -= is_notice(&fact);
		apply_destroyed(m, &fact);
		break;
	}
}

void network_existing(struct model *m, uint32_t netns, const struct inet_diag_socket *s)
{
	const struct inet_diag_id *id = &s->id;
	struct packet_flow name;
	unsigned int end = 0;
	struct port *port;

	if (!s->inode || !id->local_port)
		return;
	if (port_find_inode(&m->network.sockets, s->inode))
		return;
	m->network.sockets_ns = m->network.now_ns;
	if (id->remote_port)
		end = flow_name(id->family, id->protocol, id->local, id->local_port, id->remote,
				id->remote_port, &name);
	port = port_new(&m->network.sockets, netns, id->protocol, id->local_port, s->inode,
			id->remote_port ? &name : NULL, end);
	if (!port)
		return;
	port->told_ns = m->network.now_ns;
	port->cookie = id->cookie;
}

static void look_at_socket(struct model *m, struct process *p, uint32_t inode, uint64_t now_ns)
{
	struct port *port = port_find_inode(&m->network.sockets, inode);
	struct traffic *owner = port ? network_traffic_of(m, p) : NULL;
	struct flow_end *e;
	struct flow *f;
	bool is_new;

	if (!owner)
		return;
	is_new = port_own(&m->network.sockets, port, owner);
	if (!port->is_connected) {
		p->listens = true;
		if (is_new && is_sole(port, now_ns))
			flows_own_port(&m->network.flows, port, owner);
		return;
	}
	/* It was open then, and may be closed by now. */
	f = flow_of_socket(&m->network.flows, port->netns, &port->name, port->end, 0,
			   port->told_ns);
	if (!f)
		return;
	flow_touch(&m->network.flows, f, now_ns);
	e = &f->end[port->end];
	if (e->owner && e->owner != owner)
		e->is_shared = true;
	if (e->owner)
		return;
	e->was_open = flow_is_tcp(f);
	/* Older than the run: CONN is not told of it. */
	e->was_told |= !f->has_syn && !e->opened_ns;
	flow_own(f, port->end, owner, PEVENT_FROM_SOCK_DIAG);
}

void network_look(struct model *m, struct process *p, const struct proc_facts *facts)
{
	const char *text = facts->fds;
	size_t left = facts->fds_len, prefix = strlen(SOCKET_LINK);
	struct proc_fd fd;

	if (!m->network.is_on || !text)
		return;
	while (proc_fd_next(&text, &left, &fd))
		if (fd.type == 's' && !strncmp(fd.target, SOCKET_LINK, prefix))
			look_at_socket(m, p, (uint32_t)strtoul(fd.target + prefix, NULL, 10),
				       facts->read_ns);
}

uint64_t network_settled(struct network_state *n)
{
	const struct network_fact *next = facts_peek(&n->facts);

	if (!n->n_notices || !next || next->time_ns > n->settling_until_ns)
		n->settled_ns = n->settling_ns;
	return n->settled_ns;
}

void network_tick(struct model *m, uint64_t packets_until_ns, uint64_t now_ns)
{
	struct network_state *n = &m->network;

	n->packets_until_ns = packets_until_ns;
	n->now_ns = now_ns;
	n->head_waits = false;
	if (network_settled(n) == n->settling_ns || now_ns == UINT64_MAX) {
		n->settling_ns = now_ns;
		n->settling_until_ns = n->noticed_ns;
	}
	infer_owners(m, now_ns, packets_until_ns);
	/* At the end all stay, to be told of. */
	if (now_ns != UINT64_MAX)
		flows_expire(&m->network.flows, MIN(now_ns, packets_until_ns));
}

void network_get_stats(const struct model *m, struct pevent_network_stats *ret)
{
	const struct network_state *n = &m->network;
	struct pevent_traffic tx = n->flows.recorded_tx, rx = n->flows.recorded_rx;

	ret->known = n->is_on;
	if (!n->is_on)
		return;
	flows_sum(&n->flows, ret);
	/* Datagrams that were on the wire and no record told of. */
	traffic_less(&tx, &n->datagrams_tx);
	traffic_less(&rx, &n->datagrams_rx);
	traffic_sum(&ret->unknown_tx, &tx);
	traffic_sum(&ret->unknown_rx, &rx);
}
