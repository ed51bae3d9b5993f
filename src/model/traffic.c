/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "traffic.h"

#include <stdlib.h>
#include <string.h>

#include "flow.h"
#include "util/macro.h"

#define SHARED_MAX 64	/* connections that a child is held to have had, too */
#define UDP_HEADER 8
#define IPV4_HEADER 20
#define IPV6_HEADER 40

static struct flow_end *of_list(const struct list *l)
{
	return CONTAINER_OF(l, struct flow_end, of_owner);
}

static unsigned int side_of(const struct flow_end *e)
{
	return e != &e->flow->end[0];
}

struct traffic *traffic_new(struct process *p, bool keeps_history)
{
	struct traffic *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->refs = 1;
	t->process = p;
	t->keeps_history = keeps_history;
	list_init(&t->ends);
	return t;
}

struct traffic *traffic_ref(struct traffic *t)
{
	if (t)
		t->refs++;
	return t;
}

struct traffic *traffic_unref(struct traffic *t)
{
	if (t && --t->refs == 0) {
		free(t->history);
		free(t);
	}
	return NULL;
}

/* From the surest to the least sure. */
static unsigned int rank(enum pevent_origin origin)
{
	return origin == PEVENT_FROM_NONE ? 0 : origin == PEVENT_FROM_PERF ? 1 :
	       origin == PEVENT_FROM_SOCK_DIAG ? 2 : 3;
}

void traffic_add_origin(struct traffic *t, enum pevent_origin origin)
{
	if (rank(origin) > rank(t->origin))
		t->origin = (uint8_t)origin;
}

bool traffic_share(struct traffic *t, uint64_t fork_ns)
{
	bool shared = false;
	unsigned int n = 0;

	/* The newest: a server has many, and forks often. */
	for (struct list *l = t->ends.prev; l != &t->ends && n < SHARED_MAX; l = l->prev, n++) {
		struct flow_end *e = of_list(l);

		if (flow_is_tcp(e->flow) && e->opened_ns < fork_ns &&
		    (!e->closed_ns || e->closed_ns > fork_ns))
			shared = e->is_shared = true;
	}
	return shared;
}

void traffic_remember(struct traffic *t, const struct pevent_connection *c, bool was_open)
{
	traffic_add_origin(t, c->origin);
	t->connections += was_open;
	if (!t->keeps_history)
		return;
	if (!t->history)
		t->history = calloc(TRAFFIC_HISTORY, sizeof(*t->history));
	if (t->history)
		t->history[t->n_history % TRAFFIC_HISTORY] = *c;
	t->n_history++;
}

void traffic_add_datagrams(struct traffic *t, bool sent, bool ipv6, uint64_t count,
			   uint64_t payload, struct pevent_traffic *total)
{
	const uint64_t headers = UDP_HEADER + (ipv6 ? IPV6_HEADER : IPV4_HEADER);
	const struct pevent_traffic all = { .packets = count, .payload = payload,
					    .bytes = payload + count * headers };

	t->is_estimated = true;
	traffic_add_origin(t, PEVENT_FROM_PERF);
	traffic_sum(sent ? &t->tx : &t->rx, &all);
	traffic_sum(total, &all);
}

bool traffic_is_final(const struct traffic *t, bool notices, uint64_t datagrams_ns,
		      uint64_t packets_until_ns)
{
	for (const struct list *l = t->ends.next; l != &t->ends; l = l->next) {
		const struct flow_end *e = of_list(l);

		if (!flow_is_tcp(e->flow)) {
			if (packets_until_ns < datagrams_ns)
				return false;
			continue;
		}
		if (!e->closed_ns || e->closed_ns > packets_until_ns ||
		    (notices && e->was_open && flow_end_lacks(e)))
			return false;
	}
	return true;
}

void traffic_get(const struct traffic *t, bool at_exit, struct pevent_network *ret)
{
	struct traffic sum = *t;

	for (const struct list *l = t->ends.next; l != &t->ends; l = l->next) {
		const struct flow_end *e = of_list(l);
		const struct flow_way *way = &e->flow->way[side_of(e)];
		struct pevent_traffic tx, rx;

		flow_sent(e->flow, side_of(e), &tx, &rx);
		traffic_sum(&sum.tx, &tx);
		traffic_sum(&sum.rx, &rx);
		traffic_add_origin(&sum, e->origin);
		sum.connections += e->was_open;
		sum.retransmits += flow_end_is_final(e) ? e->final_retransmits : way->retransmits;
		sum.is_incomplete |= at_exit && flow_end_lacks(e);
		sum.is_estimated |= e->is_shared;
	}
	*ret = (struct pevent_network){
		.tx = sum.tx, .rx = sum.rx, .connections = sum.connections,
		.retransmits = sum.retransmits, .origin = sum.origin,
		.incomplete = sum.is_incomplete, .estimated = sum.is_estimated,
	};
}

void traffic_tell(struct traffic *t)
{
	t->is_told = true;
	for (struct list *l = t->ends.next; l != &t->ends; l = l->next) {
		struct flow_end *e = of_list(l);

		flow_sent(e->flow, side_of(e), &e->told_tx, &e->told_rx);
	}
}

static struct connections *new_connections(size_t n)
{
	struct connections *c = malloc(sizeof(*c) + n * sizeof(c->connection[0]));

	if (!c)
		return NULL;
	c->refs = 1;
	c->pub = (struct pevent_connections){ .n = n, .total = n, .connection = c->connection };
	return c;
}

struct connections *traffic_connections(const struct traffic *t)
{
	size_t kept = t->history ? MIN(t->n_history, (uint64_t)TRAFFIC_HISTORY) : 0, n = kept;
	struct connections *c;
	uint64_t total = t->n_history;
	const struct list *l;

	for (l = t->ends.next; l != &t->ends; l = l->next, total++)
		n++;
	n = MIN(n, (size_t)TRAFFIC_CONNECTIONS);
	c = n ? new_connections(n) : NULL;
	if (!c)
		return NULL;
	c->pub.total = total;
	/* From the newest on. */
	for (l = t->ends.prev; n && l != &t->ends; l = l->prev)
		flow_describe(of_list(l)->flow, side_of(of_list(l)), &c->connection[--n]);
	for (uint64_t i = t->n_history; n; i--)
		c->connection[--n] = t->history[(i - 1) % TRAFFIC_HISTORY];
	return c;
}

struct connections *connections_one(const struct flow *f, unsigned int end)
{
	struct connections *c = new_connections(1);

	if (c)
		flow_describe(f, end, &c->connection[0]);
	return c;
}

struct connections *connections_unref(struct connections *c)
{
	if (c && --c->refs == 0)
		free(c);
	return NULL;
}
