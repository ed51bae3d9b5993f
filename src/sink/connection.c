/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "sink/connection.h"
#include "util/macro.h"

size_t address_text(uint8_t family, const uint8_t address[16], char to[ADDRESS_TEXT_MAX])
{
	/* INET6_ADDRSTRLEN has room for a dotted end behind six groups, which nobody writes. */
	return inet_ntop(family, address, to, ADDRESS_TEXT_MAX) ?
		       strnlen(to, ADDRESS_TEXT_MAX) : 0;
}

size_t endpoint_text(uint8_t family, const uint8_t address[16], uint16_t port,
		     char to[ENDPOINT_TEXT_MAX])
{
	bool brackets = family == AF_INET6 && port;
	char text[ADDRESS_TEXT_MAX];
	size_t len = address_text(family, address, text);
	int n;

	if (!len) {
		*to = '-';
		return 1;
	}
	n = snprintf(to, ENDPOINT_TEXT_MAX, "%s%.*s%s", brackets ? "[" : "", (int)len, text,
		     brackets ? "]" : "");
	if (port)
		n += snprintf(to + n, ENDPOINT_TEXT_MAX - (size_t)n, ":%u", port);
	return (size_t)n;
}

size_t protocol_text(uint8_t protocol, char to[PROTOCOL_TEXT_MAX])
{
	switch (protocol) {
	case IPPROTO_TCP:
		return (size_t)snprintf(to, PROTOCOL_TEXT_MAX, "tcp");
	case IPPROTO_UDP:
		return (size_t)snprintf(to, PROTOCOL_TEXT_MAX, "udp");
	case IPPROTO_ICMP:
		return (size_t)snprintf(to, PROTOCOL_TEXT_MAX, "icmp");
	case IPPROTO_ICMPV6:
		return (size_t)snprintf(to, PROTOCOL_TEXT_MAX, "ipv6-icmp");
	default:
		return (size_t)snprintf(to, PROTOCOL_TEXT_MAX, "%u", protocol);
	}
}

const struct pevent_connection *connection_of(const struct pevent_event *e)
{
	if (e->type != PEVENT_CONN && e->type != PEVENT_CLOSE)
		return NULL;
	return e->connections && e->connections->n ? &e->connections->connection[0] : NULL;
}

bool connection_is_counted(const struct pevent_event *e, const struct pevent_connection *c)
{
	/* No connection comes and goes without a packet. */
	return e->usage.known & PEVENT_KNOWN_NETWORK || c->tx.packets || c->rx.packets;
}

bool connection_has_payload(const struct pevent_event *e, const struct pevent_connection *c)
{
	return c->final || connection_is_counted(e, c);
}

bool connection_has_retransmits(const struct pevent_connection *c)
{
	return c->protocol == IPPROTO_TCP && (c->final || c->tx.packets || c->rx.packets);
}

bool connection_duration(const struct pevent_connection *c, uint64_t *ret_ns)
{
	if (!c || !c->opened_ns || c->closed_ns < c->opened_ns)
		return false;
	*ret_ns = c->closed_ns - c->opened_ns;
	return true;
}
