/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>

#include "sink/connection.h"
#include "sink/stats_network.h"
#include "util/macro.h"

static struct remote *remote_of(struct stats_row *row)
{
	return CONTAINER_OF(row, struct remote, row);
}

static void add_program(struct remote *r, const struct stats_row *program)
{
	for (size_t i = 0; i < r->n_programs; i++)
		if (r->programs[i] == program)
			return;
	if (r->n_programs < REMOTE_PROGRAMS)
		r->programs[r->n_programs++] = program;
	else
		r->more_programs = true;
}

bool remote_add(struct stats_table *t, const struct pevent_event *e,
		const struct pevent_connection *c, const struct stats_row *program)
{
	char text[ADDRESS_TEXT_MAX];
	size_t len = address_text(c->family, c->remote, text);
	struct remote *r;

	if (!len)
		return false;
	r = remote_of(stats_table_get(t, text, len));
	r->connections += c->protocol == IPPROTO_TCP;
	if (connection_has_retransmits(c))
		r->retransmits += c->retransmits;
	else
		r->uncounted += c->protocol == IPPROTO_TCP;
	r->rtt_sum_ns += c->rtt_ns;
	r->rtts += c->rtt_ns != 0;
	if (connection_is_counted(e, c)) {
		r->known = true;
		r->tx_bytes += c->tx.bytes;
		r->rx_bytes += c->rx.bytes;
	}
	r->estimate |= c->origin == PEVENT_FROM_INFERRED || c->incomplete ||
		       !connection_is_counted(e, c);
	add_program(r, program);
	return true;
}

void remote_merge(struct remote *r, const struct remote *other)
{
	r->connections += other->connections;
	r->retransmits += other->retransmits;
	r->uncounted += other->uncounted;
	r->tx_bytes += other->tx_bytes;
	r->rx_bytes += other->rx_bytes;
	r->rtt_sum_ns += other->rtt_sum_ns;
	r->rtts += other->rtts;
	r->known |= other->known;
	r->estimate |= other->estimate;
}

bool remote_is_used(const struct remote *r)
{
	return r->n_programs;
}

bool remote_has_retransmits(const struct remote *r)
{
	return !r->connections || r->uncounted < r->connections;
}

uint64_t connections_in_no_row(const struct pevent_event *e)
{
	const struct pevent_connections *all = e->connections;
	uint64_t unlisted = all->total - all->n, tcp = 0, closed;

	/* The newest are listed: before one that is open there can be others that are. */
	if (e->type == PEVENT_SNAPSHOT && all->connection[0].open)
		return unlisted;
	for (size_t i = 0; i < all->n; i++)
		tcp += all->connection[i].protocol == IPPROTO_TCP;
	closed = e->usage.known & PEVENT_KNOWN_NETWORK ? e->usage.network.connections : 0;
	closed -= MIN(closed, tcp);
	return unlisted - MIN(unlisted, closed);
}

int remote_by_bytes(const struct stats_row *a, const struct stats_row *b)
{
	const struct remote *p = CONTAINER_OF(a, struct remote, row);
	const struct remote *q = CONTAINER_OF(b, struct remote, row);
	uint64_t p_bytes = p->tx_bytes + p->rx_bytes, q_bytes = q->tx_bytes + q->rx_bytes;

	if (p_bytes != q_bytes)
		return p_bytes < q_bytes ? 1 : -1;
	return (p->connections < q->connections) - (p->connections > q->connections);
}
