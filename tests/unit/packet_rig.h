/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PACKET_RIG_H
#define PACKET_RIG_H

/* Packets built by hand, header after header; lengths are filled in by frame_end(). */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test.h"
#include "wire/packet.h"

enum { ARP = 0x0806, IP4 = 0x0800, IP6 = 0x86dd, VLAN = 0x8100, SERVICE_VLAN = 0x88a8 };
enum { HOPOPTS = 0, ICMP = 1, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, ESP = 50, AH = 51,
       ICMP6 = 58, NONE = 59, DSTOPTS = 60, SCTP = 132, UDPLITE = 136 };

#define TCP_PAYLOAD 100		/* what tcp() puts behind the header */
#define UDP_PAYLOAD 11

struct frame {
	uint8_t data[1024];
	size_t len, link, l3, l4;	/* where the headers start */
	uint16_t type;			/* what the link header announces */
	size_t next;			/* the byte that names the next protocol */
};

_test_ void put8(struct frame *f, unsigned int v)
{
	f->data[f->len++] = (uint8_t)v;
}

_test_ void put16(struct frame *f, unsigned int v)
{
	put8(f, v >> 8);
	put8(f, v);
}

_test_ void put32(struct frame *f, uint32_t v)
{
	put16(f, v >> 16);
	put16(f, v);
}

_test_ void put_many(struct frame *f, unsigned int v, size_t n)
{
	while (n-- > 0)
		put8(f, v);
}

_test_ void set16(struct frame *f, size_t at, unsigned int v)
{
	f->data[at] = (uint8_t)(v >> 8);
	f->data[at + 1] = (uint8_t)v;
}

/* The link header: outgoing on interface 7, where it can say so. */
_test_ void put_link(struct frame *f, int linktype, unsigned int type)
{
	memset(f, 0, sizeof(*f));
	switch (linktype) {
	case PACKET_LINK_ETHERNET:
		put_many(f, 0x02, 12);
		put16(f, type);
		break;
	case PACKET_LINK_SLL:
		put16(f, 4);
		put16(f, 1);
		put16(f, 6);
		put_many(f, 0x02, 8);
		put16(f, type);
		break;
	case PACKET_LINK_SLL2:
		put16(f, type);
		put16(f, 0);
		put32(f, 7);
		put16(f, 1);
		put8(f, 4);
		put8(f, 6);
		put_many(f, 0x02, 8);
		break;
	case PACKET_LINK_NULL:	/* little-endian */
		put8(f, type == IP4 ? 2 : 10);
		put_many(f, 0, 3);
		break;
	case PACKET_LINK_LOOP:
		put32(f, type == IP4 ? 2 : 30);
		break;
	default:
		break;
	}
}

_test_ void put_vlan(struct frame *f, unsigned int tci, unsigned int type)
{
	put16(f, tci);
	put16(f, type);
}

/* 10.0.0.1 to 10.0.0.2, id 0x1234, with options of so many words. */
_test_ void put_ipv4(struct frame *f, unsigned int protocol, unsigned int options)
{
	f->l3 = f->len;
	put8(f, 0x45 + options);
	put8(f, 0);
	put16(f, 0);
	put16(f, 0x1234);
	put16(f, 0x4000);	/* do not fragment */
	put8(f, 64);
	f->next = f->len;
	put8(f, protocol);
	put16(f, 0);
	put32(f, 0x0a000001);
	put32(f, 0x0a000002);
	put_many(f, 1, options * 4);
	f->l4 = f->len;
}

/* fd00::1 to fd00::2 */
_test_ void put_ipv6(struct frame *f, unsigned int protocol)
{
	f->l3 = f->len;
	put32(f, 0x60000000);
	put16(f, 0);
	f->next = f->len;
	put8(f, protocol);
	put8(f, 64);
	for (unsigned int i = 1; i <= 2; i++) {
		put16(f, 0xfd00);
		put_many(f, 0, 13);
		put8(f, i);
	}
	f->l4 = f->len;
}

_test_ void put_ip(struct frame *f, unsigned int type, unsigned int protocol)
{
	if (type == IP4)
		put_ipv4(f, protocol, 0);
	else
		put_ipv6(f, protocol);
}

/* An extension header of size bytes in the chain, before the protocol that was announced. */
_test_ void put_extension(struct frame *f, unsigned int kind, size_t size)
{
	uint8_t protocol = f->data[f->next];

	f->data[f->next] = (uint8_t)kind;
	f->next = f->len;
	put8(f, protocol);
	put8(f, (unsigned int)(kind == AH ? size / 4 - 2 : size / 8 - 1));
	put_many(f, 0, size - 2);
	f->l4 = f->len;
}

_test_ void put_fragment(struct frame *f, unsigned int offset, bool more, uint32_t id)
{
	put_extension(f, FRAGMENT, 8);
	set16(f, f->len - 6, offset | more);
	f->data[f->len - 7] = 0;
	set16(f, f->len - 4, id >> 16);
	set16(f, f->len - 2, id);
}

/* 40000 to 80, seq 0x11223344, ack 0x55667788, PSH and ACK, with options of so many words. */
_test_ void put_tcp(struct frame *f, unsigned int options)
{
	f->l4 = f->len;
	put16(f, 40000);
	put16(f, 80);
	put32(f, 0x11223344);
	put32(f, 0x55667788);
	put8(f, (5 + options) << 4);
	put8(f, 0x18);
	put_many(f, 0, 6);
	put_many(f, 1, options * 4);
	put_many(f, 'x', TCP_PAYLOAD);
}

/* 5353 to 53 */
_test_ void put_udp(struct frame *f)
{
	f->l4 = f->len;
	put16(f, 5353);
	put16(f, 53);
	put16(f, 8 + UDP_PAYLOAD);
	put16(f, 0);
	put_many(f, 'y', UDP_PAYLOAD);
}

_test_ void frame_end(struct frame *f)
{
	if (f->data[f->l3] >> 4 == 4)
		set16(f, f->l3 + 2, (unsigned int)(f->len - f->l3));
	else
		set16(f, f->l3 + 4, (unsigned int)(f->len - f->l3 - 40));
}

/* From memory of exactly the captured size; what fails leaves the result alone. */
_test_ int decode_cut(int linktype, const struct frame *f, size_t caplen, size_t wirelen,
		      struct packet *ret)
{
	uint8_t *copy = malloc(caplen ? caplen : 1);
	struct packet before;
	int r;

	CHECK(copy && caplen <= sizeof(f->data));
	memset(ret, 0xa5, sizeof(*ret));
	before = *ret;
	memcpy(copy, f->data, caplen);
	r = packet_decode(linktype, copy, caplen, wirelen, ret);
	free(copy);
	CHECK(r == 0 || !memcmp(ret, &before, sizeof(before)));
	return r;
}

_test_ int decode(int linktype, const struct frame *f, struct packet *ret)
{
	return decode_cut(linktype, f, f->len, f->len, ret);
}

/*
 * Every captured length: nothing below need bytes, from there on always the same; as on the wire,
 * and as if the link had padded.
 */
_test_ void check_lengths(int linktype, const struct frame *f, size_t need)
{
	struct packet whole, p;

	CHECK_EQ(decode(linktype, f, &whole), 0);
	for (size_t cap = 0; cap <= f->len; cap++) {
		int r = decode_cut(linktype, f, cap, f->len, &p);

		if (r != (cap < need ? -EBADMSG : 0))
			printf("# %zu of %zu bytes, needs %zu\n", cap, f->len, need);
		CHECK_EQ(r, cap < need ? -EBADMSG : 0);
		CHECK(r || !memcmp(&p, &whole, sizeof(p)));
	}
	CHECK_EQ(decode_cut(linktype, f, f->len + 9, f->len + 9, &p), 0);
	CHECK(!memcmp(&p, &whole, sizeof(p)));
	/* Shorter on the wire than it says, which nothing but a lie explains. */
	CHECK_EQ(decode_cut(linktype, f, f->len - 1, f->len - 1, &p), -EBADMSG);
}

#endif
