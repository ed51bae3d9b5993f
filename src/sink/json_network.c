/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <netinet/in.h>

#include "sink/connection.h"
#include "sink/json_network.h"
#include "sink/json_put.h"

void json_network_usage(struct strbuf *b, const struct pevent_usage *u)
{
	const struct pevent_network *n = &u->network;

	json_open(b, "network");
	json_u64(b, "rx_bytes", n->rx.bytes);
	json_u64(b, "tx_bytes", n->tx.bytes);
	json_u64(b, "rx_packets", n->rx.packets);
	json_u64(b, "tx_packets", n->tx.packets);
	json_u64(b, "rx_payload_bytes", n->rx.payload);
	json_u64(b, "tx_payload_bytes", n->tx.payload);
	json_u64(b, "connections", n->connections);
	json_u64(b, "retransmits", n->retransmits);
	if (n->incomplete)
		json_bool(b, "incomplete", true);
	if (n->estimated)
		json_bool(b, "estimated", true);
	json_close(b);
}

/* The members of an end, without its braces. */
static void put_end(struct strbuf *b, uint8_t family, const uint8_t address[16], uint16_t port)
{
	char text[ADDRESS_TEXT_MAX];
	size_t len = address_text(family, address, text);

	if (len)
		json_string(b, "ip", text, len);
	if (port)
		json_u64(b, "port", port);
}

static void put_protocol(struct strbuf *b, const struct pevent_connection *c)
{
	char text[PROTOCOL_TEXT_MAX];
	size_t len = protocol_text(c->protocol, text);

	json_append(b, text, len);
	json_lit(b, "\",");
}

static void put_traffic(struct strbuf *b, const struct pevent_event *e,
			const struct pevent_connection *c)
{
	if (connection_is_counted(e, c)) {
		json_u64(b, "rx_bytes", c->rx.bytes);
		json_u64(b, "tx_bytes", c->tx.bytes);
		json_u64(b, "rx_packets", c->rx.packets);
		json_u64(b, "tx_packets", c->tx.packets);
	}
	if (connection_has_payload(e, c)) {
		json_u64(b, "rx_payload_bytes", c->rx.payload);
		json_u64(b, "tx_payload_bytes", c->tx.payload);
	}
	if (connection_has_retransmits(c))
		json_u64(b, "retransmits", c->retransmits);
	if (c->rtt_ns)
		json_u64(b, "rtt_ns", c->rtt_ns);
}

#define put_time(b, key, t, e, ns) \
	((ns) ? (json_lit(b, "\"" key "\":\""), json_time(b, t, ns, (e)->realtime_offset_ns), \
		 json_lit(b, "\",")) : \
		(void)0)

static void put_life(struct strbuf *b, const struct pevent_event *e,
		     const struct pevent_connection *c, struct time_text *t)
{
	uint64_t ns;

	if (c->shared)
		json_bool(b, "shared", true);
	if (c->open)
		json_bool(b, "open", true);
	if (c->final)
		json_bool(b, "final", true);
	if (c->incomplete)
		json_bool(b, "incomplete", true);
	put_time(b, "closed", t, e, c->closed_ns);
	if (connection_duration(c, &ns))
		json_u64(b, "duration_ns", ns);
}

static void put_connection(struct strbuf *b, const struct pevent_event *e,
			   const struct pevent_connection *c, struct time_text *t)
{
	const char *origin = pevent_origin_name(c->origin);

	json_lit(b, "{\"protocol\":\"");
	put_protocol(b, c);
	if (c->role == PEVENT_ROLE_CLIENT)
		json_lit(b, "\"role\":\"client\",");
	else if (c->role == PEVENT_ROLE_SERVER)
		json_lit(b, "\"role\":\"server\",");
	if (c->origin != PEVENT_FROM_NONE && origin)
		json_string(b, "source", origin, strlen(origin));
	json_open(b, "local");
	put_end(b, c->family, c->local, c->local_port);
	json_close(b);
	json_open(b, "remote");
	put_end(b, c->family, c->remote, c->remote_port);
	json_close(b);
	if (c->netns)
		json_u64(b, "netns", c->netns);
	put_time(b, "opened", t, e, c->opened_ns);
	if (e->type != PEVENT_CONN) {	/* whose life and traffic begin here */
		put_life(b, e, c, t);
		put_traffic(b, e, c);
	}
	json_close(b);
}

void json_connections(struct strbuf *b, const struct pevent_event *e, struct time_text *t)
{
	const struct pevent_connections *all = e->connections;

	if (!all || !all->n)
		return;
	json_lit(b, "\"connections\":[");
	for (size_t i = 0; i < all->n; i++)
		put_connection(b, e, &all->connection[i], t);
	if (b->len)
		b->len--;
	json_lit(b, "],");
}

/* Who asked is the source: the remote end of what was accepted. */
void json_network_event(struct strbuf *b, const struct pevent_event *e)
{
	const struct pevent_connection *c = connection_of(e);
	bool counted, accepted;

	if (!c)
		return;
	accepted = c->role == PEVENT_ROLE_SERVER;
	counted = e->type == PEVENT_CLOSE && connection_is_counted(e, c);
	json_open(b, "source");
	put_end(b, c->family, accepted ? c->remote : c->local,
		accepted ? c->remote_port : c->local_port);
	if (counted)
		json_u64(b, "bytes", accepted ? c->rx.bytes : c->tx.bytes);
	json_close(b);
	json_open(b, "destination");
	put_end(b, c->family, accepted ? c->local : c->remote,
		accepted ? c->local_port : c->remote_port);
	if (counted)
		json_u64(b, "bytes", accepted ? c->tx.bytes : c->rx.bytes);
	json_close(b);
	json_lit(b, "\"network\":{\"transport\":\"");
	put_protocol(b, c);
	if (c->family == AF_INET)
		json_lit(b, "\"type\":\"ipv4\",");
	else if (c->family == AF_INET6)
		json_lit(b, "\"type\":\"ipv6\",");
	if (accepted)
		json_lit(b, "\"direction\":\"ingress\",");
	else if (c->role == PEVENT_ROLE_CLIENT)
		json_lit(b, "\"direction\":\"egress\",");
	json_close(b);
}
