/* SPDX-License-Identifier: GPL-2.0-or-later */
/* First the index of a link type, 24 bits of how much was cut off; then what was captured. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "wire/packet.h"

#define HEAD 4

static const int linktypes[] = {
	PACKET_LINK_SLL2, PACKET_LINK_SLL, PACKET_LINK_ETHERNET, PACKET_LINK_RAW, PACKET_LINK_NULL,
	PACKET_LINK_LOOP, PACKET_LINK_IPV4, PACKET_LINK_IPV6,
};

static bool occurs(const uint8_t *wanted, size_t n, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + n <= size; i++)
		if (!memcmp(data + i, wanted, n))
			return true;
	return false;
}

static void check_packet(const struct packet *p, const uint8_t *data, size_t size, size_t wirelen)
{
	static const uint8_t zeros[12];
	const bool ipv4 = p->family == AF_INET;
	const size_t n = ipv4 ? 4 : 16;

	FUZZ_CHECK(ipv4 || p->family == AF_INET6);
	FUZZ_CHECK(p->l3_bytes <= wirelen && p->l3_bytes >= (ipv4 ? 20 : 40));
	FUZZ_CHECK(p->payload_bytes <= p->l3_bytes - (ipv4 ? 20 : 40));
	FUZZ_CHECK(occurs(p->src, n, data, size) && occurs(p->dst, n, data, size));
	FUZZ_CHECK(!ipv4 || (!memcmp(p->src + 4, zeros, 12) && !memcmp(p->dst + 4, zeros, 12)));
	FUZZ_CHECK(p->has_ports || (!p->src_port && !p->dst_port));
	FUZZ_CHECK(p->fragment_offset % 8 == 0 && p->vlan < 4096);
	FUZZ_CHECK(p->direction <= PACKET_OTHER);
	FUZZ_CHECK(!p->fragment_offset || (!p->has_ports && !p->seq && !p->tcp_flags));
	FUZZ_CHECK(p->fragment_offset || p->more_fragments || !p->fragment_id);
}

static void check_flow(const struct packet *p)
{
	struct packet back = *p;
	struct packet_flow one, two;
	bool swapped, other;

	memcpy(back.src, p->dst, sizeof(back.src));
	memcpy(back.dst, p->src, sizeof(back.dst));
	back.src_port = p->dst_port;
	back.dst_port = p->src_port;
	packet_flow(p, &one, &swapped);
	packet_flow(&back, &two, &other);
	FUZZ_CHECK(!memcmp(&one, &two, sizeof(one)));
	FUZZ_CHECK(packet_flow_hash(&one, 7) == packet_flow_hash(&two, 7));
	FUZZ_CHECK(memcmp(&one.low, &one.high, sizeof(one.low)) ? swapped != other :
		   !swapped && !other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet p, before;
	size_t wirelen;
	uint8_t *whole;
	int linktype, r;

	if (size < HEAD)
		return 0;
	linktype = linktypes[data[0] % (sizeof(linktypes) / sizeof(linktypes[0]))];
	wirelen = size - HEAD + (size_t)(data[1] | data[2] << 8 | data[3] << 16);
	data += HEAD;
	size -= HEAD;
	memset(&p, 0xa5, sizeof(p));
	before = p;
	r = packet_decode(linktype, data, size, wirelen, &p);
	FUZZ_CHECK(r == 0 || r == 1 || r == -EBADMSG);
	if (r != 0) {
		FUZZ_CHECK(!memcmp(&p, &before, sizeof(p)));
		return 0;
	}
	check_packet(&p, data, size, wirelen);
	check_flow(&p);
	/* More of the same packet says nothing else. */
	wirelen = wirelen < size + 300 ? wirelen : size + 300;
	whole = malloc(wirelen ? wirelen : 1);
	FUZZ_CHECK(whole);
	memset(whole, 0xff, wirelen);
	memcpy(whole, data, size);
	before = p;
	if (packet_decode(linktype, whole, size, wirelen, &before) == 0) {
		FUZZ_CHECK(packet_decode(linktype, whole, wirelen, wirelen, &p) == 0);
		FUZZ_CHECK(!memcmp(&p, &before, sizeof(p)));
	}
	free(whole);
	return 0;
}
