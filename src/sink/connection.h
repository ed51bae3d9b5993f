/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_CONNECTION_H
#define SINK_CONNECTION_H

/* Connections in words, and what is known of them. Nothing here allocates. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pevent/pevent.h"

#define ADDRESS_TEXT_MAX 40	/* eight groups of four digits */
#define ENDPOINT_TEXT_MAX (ADDRESS_TEXT_MAX + 8)	/* "[", "]:65535" */
#define PROTOCOL_TEXT_MAX 12

/* Each returns how many bytes it wrote, without a NUL. */
/* "127.0.0.1", "fe80::1"; 0: of no family that there is. */
size_t address_text(uint8_t family, const uint8_t address[16], char to[ADDRESS_TEXT_MAX]);
/* "127.0.0.1:80", "[::1]:80"; port 0: the address alone. */
size_t endpoint_text(uint8_t family, const uint8_t address[16], uint16_t port,
		     char to[ENDPOINT_TEXT_MAX]);
/* As IANA has it: "tcp", "udp", "icmp", "ipv6-icmp"; the number of any other. */
size_t protocol_text(uint8_t protocol, char to[PROTOCOL_TEXT_MAX]);

/* The one that a CONN or CLOSE is about; NULL: another event, or not known. */
const struct pevent_connection *connection_of(const struct pevent_event *e);
/* Were its packets counted? If not, its traffic is not 0 but not known. */
bool connection_is_counted(const struct pevent_event *e, const struct pevent_connection *c);
/* The same of payload, which the kernel counts as well. */
bool connection_has_payload(const struct pevent_event *e, const struct pevent_connection *c);
/* And of retransmits, which TCP alone has: did anybody count them? */
bool connection_has_retransmits(const struct pevent_connection *c);
/* How long it was open. False: not known, or c is NULL. */
bool connection_duration(const struct pevent_connection *c, uint64_t *ret_ns);

#endif
