/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "socket_state.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "network.h"
#include "traffic.h"

static uint32_t netns_of(const struct model *m, const struct process *p)
{
	return p->netns ? p->netns : m->network.own;
}

/* The socket's flow, its end with an owner. NULL: it has no name yet, or no memory. */
static struct flow *bind_socket(struct model *m, uint64_t address, struct socket *s,
				struct process *p, uint32_t netns, enum pevent_origin origin,
				uint64_t now_ns)
{
	struct flows *flows = &m->network.flows;
	struct traffic *owner = network_traffic_of(m, p);
	struct flow_end *e;
	struct flow *f = NULL;

	if (!s->has_name || !owner)
		return NULL;
	if (s->is_bound)
		f = flow_find_socket(flows, s->netns, &s->name, s->end, address);
	if (!f)
		f = flow_of_socket(flows, netns, &s->name, s->end, s->opened_ns, now_ns);
	if (!f)
		return NULL;
	e = &f->end[s->end];
	e->socket = address;
	e->opened_ns = s->opened_ns;
	if (s->role || !e->role)
		e->role = s->role;
	flow_own(f, s->end, owner, origin);
	s->is_bound = true;
	s->netns = f->netns;
	s->pid = p->pub.pid;
	return f;
}

static void tell_conn(struct model *m, struct socket *s, struct flow *f, uint64_t time_ns)
{
	if (!f || s->was_told)
		return;
	s->was_told = true;
	f->end[s->end].was_open = true;
	if (s->role)
		network_tell(m, PEVENT_CONN, f, s->end, time_ns);
}

static void listen_begins(struct model *m, const struct tracepoint_record *r)
{
	struct process *p = process_find_living(&m->table, r->pid);
	struct traffic *owner = p ? network_traffic_of(m, p) : NULL;
	struct port *port;

	if (!owner)
		return;
	port = port_new(&m->network.sockets, netns_of(m, p), IPPROTO_TCP, r->local_port, 0, NULL,
			0);
	if (!port)
		return;
	port->address = r->skaddr;
	(void)port_own(&m->network.sockets, port, owner);
	p->listens = true;
}

static void listen_ends(struct model *m, const struct tracepoint_record *r)
{
	struct port *port = port_find_address(&m->network.sockets, IPPROTO_TCP, r->local_port,
					      r->skaddr);

	if (port)
		port_free(&m->network.sockets, port);
}

static struct socket *meet_socket(struct model *m, const struct tracepoint_record *r)
{
	struct socket *s = socket_find(&m->network.sockets, r->skaddr);
	bool connects = r->new_state == TCP_SYN_SENT;
	/* But for who connects to itself, or to one that connects to it. */
	bool accepts = r->old_state == TCP_SYN_RECV &&
		       !(s && s->role == PEVENT_ROLE_CLIENT && !s->is_bound);

	if (!s || connects || (accepts && r->new_state == TCP_ESTABLISHED)) {
		s = socket_new(&m->network.sockets, r->skaddr);
		if (!s)
			return NULL;
		if (connects) {
			s->pid = r->pid;
			s->role = PEVENT_ROLE_CLIENT;
		} else if (accepts) {
			s->role = PEVENT_ROLE_SERVER;
		}
		if (connects || accepts)
			s->opened_ns = r->time_ns;
	}
	if (!s->has_name && r->local_port && r->remote_port) {
		s->end = (uint8_t)flow_name((uint8_t)r->family, IPPROTO_TCP, r->local,
					    r->local_port, r->remote, r->remote_port, &s->name);
		s->has_name = true;
	}
	return s;
}

/* Only who listens alone is sure to be the one that accepts. */
static struct process *find_acceptor(struct model *m, uint16_t local_port,
				     enum pevent_origin *ret_origin)
{
	const struct port *port = port_find(&m->network.sockets, 0, IPPROTO_TCP, local_port,
					    UINT64_MAX);
	struct process *p = port && port->owner && port->owners == 1 ? port->owner->process : NULL;

	m->network.wants_ports |= !port;
	if (!p || p->dead || p->sharers)
		return NULL;
	*ret_origin = port->inode ? PEVENT_FROM_SOCK_DIAG : PEVENT_FROM_PERF;
	return p;
}

static void establish(struct model *m, struct socket *s, const struct tracepoint_record *r)
{
	enum pevent_origin origin = PEVENT_FROM_PERF;
	struct process *p = s->role == PEVENT_ROLE_CLIENT ?
				process_find_living(&m->table, s->pid) :
				find_acceptor(m, r->local_port, &origin);

	if (p)
		tell_conn(m, s, bind_socket(m, r->skaddr, s, p, netns_of(m, p), origin,
					    r->time_ns), r->time_ns);
}

/* In these changes it is the owner that acts; in all others anybody, in softirq context. */
static bool is_own_close(const struct tracepoint_record *r)
{
	return (r->old_state == TCP_ESTABLISHED && r->new_state == TCP_FIN_WAIT1) ||
	       (r->old_state == TCP_CLOSE_WAIT && r->new_state == TCP_LAST_ACK);
}

static void close_own(struct model *m, struct socket *s, const struct tracepoint_record *r)
{
	struct process *p = process_find_living(&m->table, r->pid);
	bool other = s->is_bound && p && s->pid != p->pub.pid;
	struct flow *f;

	if (!p)
		return;
	if (other && s->role == PEVENT_ROLE_CLIENT) {
		f = flow_find_socket(&m->network.flows, s->netns, &s->name, s->end, r->skaddr);
		if (f)
			f->end[s->end].is_shared = true;
		return;
	}
	/* Forked since it was accepted: it has it from its parent, or gave it to a child. */
	other |= s->role == PEVENT_ROLE_SERVER && (p->pub.start_ns > s->opened_ns ||
						   p->forked_ns > s->opened_ns);
	f = bind_socket(m, r->skaddr, s, p, netns_of(m, p), PEVENT_FROM_PERF, r->time_ns);
	if (f && other)
		f->end[s->end].is_shared = true;
	tell_conn(m, s, f, r->time_ns);
}

/* Reset: by the owner, or by a packet that anybody's CPU took in. */
static struct process *find_resetter(const struct model *m, const struct tracepoint_record *r)
{
	const struct port *port = port_find(&m->network.sockets, 0, IPPROTO_TCP, r->local_port,
					    UINT64_MAX);
	struct process *p = process_find_living(&m->table, r->pid);
	const struct process *listener = port && port->owner ? port->owner->process : NULL;

	return p && listener && (p == listener || p->pub.ppid == listener->pub.pid) ? p : NULL;
}

static enum flow_fin fin_of(int32_t last_state)
{
	switch (last_state) {
	case TCP_CLOSE_WAIT:
	case TCP_LAST_ACK:
	case TCP_CLOSING:
		return FLOW_FIN_CAME;
	case TCP_FIN_WAIT2:
		return FLOW_FIN_UNKNOWN;	/* on its way to TIME_WAIT, or given up */
	default:
		return FLOW_FIN_NONE;
	}
}

static void close_socket(struct model *m, struct socket *s, const struct tracepoint_record *r)
{
	struct flows *flows = &m->network.flows;
	struct process *p;
	struct flow *f;

	if (!s->is_bound) {
		p = s->role == PEVENT_ROLE_CLIENT ? process_find_living(&m->table, s->pid) :
						    find_resetter(m, r);
		f = p ? bind_socket(m, r->skaddr, s, p, netns_of(m, p),
				    s->role == PEVENT_ROLE_CLIENT ? PEVENT_FROM_PERF :
								    PEVENT_FROM_INFERRED,
				    r->time_ns) : NULL;
		if (r->old_state != TCP_SYN_SENT)
			tell_conn(m, s, f, r->time_ns);
	}
	f = s->is_bound ? flow_find_socket(flows, s->netns, &s->name, s->end, r->skaddr) : NULL;
	if (f) {
		f->end[s->end].fin = (uint8_t)fin_of(r->old_state);
		flow_close(flows, f, s->end, r->time_ns);
		if (f->end[s->end].was_open)
			network_tell(m, PEVENT_CLOSE, f, s->end, r->time_ns);
	}
	socket_free(&m->network.sockets, s);
}

void socket_state_apply(struct model *m, const struct tracepoint_record *r)
{
	struct socket *s;

	if (r->protocol != IPPROTO_TCP)
		return;
	if (r->new_state == TCP_LISTEN) {
		listen_begins(m, r);
		return;
	}
	if (r->old_state == TCP_LISTEN) {
		listen_ends(m, r);
		return;
	}
	s = meet_socket(m, r);
	if (!s)
		return;
	if (r->new_state == TCP_ESTABLISHED)
		establish(m, s, r);
	else if (is_own_close(r))
		close_own(m, s, r);
	if (r->new_state == TCP_CLOSE)
		close_socket(m, s, r);
}
