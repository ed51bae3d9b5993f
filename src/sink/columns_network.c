/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Columns of the network: on the lines of exits and snapshots what the process sent and received,
 * on those of CONN and CLOSE what went over that connection, and its ends.
 */
#include "sink/columns.h"
#include "sink/connection.h"
#include "sink/stats_usage.h"
#include "util/macro.h"

enum { SPAN_WIDTH = 8, BYTES_WIDTH = 6, COUNT_WIDTH = 7, ENDPOINT_WIDTH = 47 };

/* The one that a CLOSE is about; NULL: another line, or not known, which the cell says.
 * by_kernel: of what the kernel counts, too. */
static const struct pevent_connection *closed(const struct line *l, bool by_kernel, struct cell *c)
{
	const struct pevent_connection *n = connection_of(l->event);

	if (l->event->type != PEVENT_CLOSE)
		return NULL;
	if (n && (by_kernel ? connection_has_payload : connection_is_counted)(l->event, n))
		return n;
	cell_unknown(c);
	return NULL;
}

static void put_size(struct cell *c, uint64_t bytes, bool estimate)
{
	cell_size(c, bytes, estimate, BYTES_WIDTH);
}

static void put_count(struct cell *c, uint64_t n, bool estimate)
{
	cell_count(c, n, COUNT_WIDTH - estimate);
	if (estimate)
		cell_put(c, "~", 1);
}

/* by_kernel: what the kernel itself may have counted. */
static bool is_estimate(const struct pevent_connection *n, bool by_kernel)
{
	return n->origin == PEVENT_FROM_INFERRED || (by_kernel ? !n->final : n->incomplete);
}

static bool is_usage_estimate(const struct pevent_usage *u, bool by_kernel)
{
	return by_kernel ? usage_is_estimate(u, PEVENT_KNOWN_NETWORK) :
			   usage_traffic_is_estimate(u);
}

#define VALUE(id, by_kernel, put_value, field) \
	static void put_##id(_unused_ struct columns_state *s, const struct line *l, \
			     struct cell *c) \
	{ \
		const struct pevent_usage *u = column_usage(l, PEVENT_KNOWN_NETWORK, c); \
		const struct pevent_connection *n = closed(l, by_kernel, c); \
		if (u) \
			put_value(c, u->network.field, is_usage_estimate(u, by_kernel)); \
		else if (n) \
			put_value(c, n->field, is_estimate(n, by_kernel)); \
	}

VALUE(sent, false, put_size, tx.bytes)
VALUE(rcvd, false, put_size, rx.bytes)
VALUE(txpay, true, put_size, tx.payload)
VALUE(rxpay, true, put_size, rx.payload)
VALUE(txpkt, false, put_count, tx.packets)
VALUE(rxpkt, false, put_count, rx.packets)
VALUE(retx, true, put_count, retransmits)

static void put_conns(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	const struct pevent_usage *u = column_usage(l, PEVENT_KNOWN_NETWORK, c);

	if (u)
		put_count(c, u->network.connections, usage_is_estimate(u, PEVENT_KNOWN_NETWORK));
}

static void put_rtt(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	const struct pevent_connection *connection = connection_of(l->event);

	if (l->event->type != PEVENT_CLOSE)
		return;
	if (connection && connection->rtt_ns)
		cell_span(c, connection->rtt_ns, false, SPAN_WIDTH);
	else
		cell_unknown(c);
}

static void put_end(const struct line *l, bool remote, struct cell *c)
{
	const struct pevent_connection *connection = connection_of(l->event);
	char text[ENDPOINT_TEXT_MAX];

	if (l->event->type != PEVENT_CONN && l->event->type != PEVENT_CLOSE)
		return;
	if (!connection)
		cell_unknown(c);
	else
		cell_put(c, text, endpoint_text(connection->family,
						remote ? connection->remote : connection->local,
						remote ? connection->remote_port :
							 connection->local_port, text));
}

static void put_local(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_end(l, false, c);
}

static void put_remote(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_end(l, true, c);
}

static const struct column columns[] = {
	{ "sent", "Sent", BYTES_WIDTH, true, false, 0, put_sent },
	{ "rcvd", "Rcvd", BYTES_WIDTH, true, false, 0, put_rcvd },
	{ "txpay", "Txpay", BYTES_WIDTH, true, false, 0, put_txpay },
	{ "rxpay", "Rxpay", BYTES_WIDTH, true, false, 0, put_rxpay },
	{ "txpkt", "Txpkt", COUNT_WIDTH, true, false, 0, put_txpkt },
	{ "rxpkt", "Rxpkt", COUNT_WIDTH, true, false, 0, put_rxpkt },
	{ "conns", "Conns", COUNT_WIDTH, true, false, 0, put_conns },
	{ "retx", "Retx", COUNT_WIDTH, true, false, 0, put_retx },
	{ "rtt", "RTT", SPAN_WIDTH, true, false, 0, put_rtt },
	{ "local", "Local", ENDPOINT_WIDTH, false, false, 0, put_local },
	{ "remote", "Remote", ENDPOINT_WIDTH, false, false, 0, put_remote },
};

_Static_assert(ARRAY_SIZE(columns) <= COLUMNS_NETWORK_MAX, "each may be shown");

const struct column *column_network_nth(size_t n)
{
	return n < ARRAY_SIZE(columns) ? &columns[n] : NULL;
}
