/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events that carry what the network's counts say, and wait for them. */
#include "infer.h"
#include "network.h"
#include "traffic.h"
#include "util/macro.h"

#define WAITING_MAX 32768	/* events behind one that waits: then it goes as it is */

static void fill(const struct model *m, const struct traffic *t, bool at_exit,
		 struct pevent_event *ev)
{
	struct connections *all = NULL;

	if (!m->network.is_on)
		return;
	ev->usage.known |= PEVENT_KNOWN_NETWORK;
	ev->usage.network = (struct pevent_network){ .origin = PEVENT_FROM_NONE };
	if (t)
		traffic_get(t, at_exit, &ev->usage.network);
	/* Something was lost while it lived, and nobody knows of whom. */
	if (m->network.lost_ns && m->network.lost_ns >= ev->process.start_ns)
		ev->usage.network.incomplete = true;
	if (!t)
		return;
	if (m->network.keeps_connections)
		all = traffic_connections(t);
	if (all)
		ev->connections = &all->pub;
}

void network_get_usage(const struct model *m, const struct process *p, struct pevent_event *ev)
{
	fill(m, p->traffic, false, ev);
}

/* What it had from its parent, if it ran the same program. */
static void end_sharing(struct model *m, struct process *p)
{
	struct process *parent = process_find(&m->table, p->pub.ppid);
	struct traffic *t;

	if (!parent || p->pub.before_run)
		return;
	if (p->is_sharer && parent->sharers)
		parent->sharers--;
	if (!parent->traffic || p->pub.exec_ns || !traffic_share(parent->traffic, p->pub.start_ns))
		return;
	t = network_traffic_of(m, p);
	if (t)
		t->is_estimated = true;
}

void network_end(struct model *m, struct process *p, struct pevent_event *ev)
{
	struct traffic *t;

	end_sharing(m, p);
	if (network_was_unseen(&m->network, p) && network_traffic_of(m, p))
		p->traffic->is_incomplete = true;
	t = p->traffic;
	if (!ev)
		return;
	/* Where lookups have to do, it may turn out to have had sockets. */
	if (m->network.is_on && (!m->network.has_records || m->network.has_lookups) &&
	    !p->pub.kernel_thread)
		t = network_traffic_of(m, p);
	if (!m->network.is_on || !t) {
		fill(m, t, true, ev);
		return;
	}
	queue_slot_of(ev)->traffic = traffic_ref(t);
	queue_slot_of(ev)->due_ns = ev->time_ns + NETWORK_EXIT_NS;
}

static bool is_complete(struct network_state *n, const struct queue *q,
			const struct queue_slot *slot)
{
	const struct flow_end *e = slot->flow ? &slot->flow->end[slot->end] : NULL;
	const struct network_fact *next = facts_peek(&n->facts);

	if (queue_count(q) > WAITING_MAX)
		return true;
	/* At the end nothing waits for what a recording puts after it. */
	if (n->now_ns == UINT64_MAX && (!next || next->time_ns == UINT64_MAX))
		return true;
	/* Also where the loop was late itself, and took in at once what was told long ago. */
	if (network_settled(n) >= slot->due_ns && !(next && next->time_ns <= slot->due_ns))
		return true;
	if ((!n->has_records || n->has_lookups) && (n->packets_until_ns < slot->ev.time_ns ||
				n->now_ns < slot->ev.time_ns + INFER_NS))
		return false;
	if (slot->traffic) {
		bool recorded = network_is_recorded(n, slot->ev.time_ns) &&
				traffic_is_recorded(slot->traffic, slot->ev.time_ns);

		return traffic_is_final(slot->traffic, n->has_notices,
					recorded ? 0 : slot->ev.time_ns, n->packets_until_ns);
	}
	return e->closed_ns <= n->packets_until_ns && (!n->has_notices || e->is_final);
}

const struct pevent_event *network_take(struct model *m)
{
	struct queue_slot *slot = queue_head(&m->queue);

	if (slot && slot->due_ns) {
		/* It can be long to say: not after each fact. */
		m->network.head_waits = m->network.head_waits ||
					!is_complete(&m->network, &m->queue, slot);
		if (m->network.head_waits)
			return NULL;
		if (slot->traffic) {
			fill(m, slot->traffic, true, &slot->ev);
			traffic_tell(slot->traffic);
		} else {
			struct connections *one = connections_one(slot->flow, slot->end);

			if (one)
				slot->ev.connections = &one->pub;
		}
		queue_release(slot);
	}
	return queue_take(&m->queue);
}

const struct pevent_event *network_take_again(struct model *m)
{
	m->network.head_waits = false;
	return network_take(m);
}
