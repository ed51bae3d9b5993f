/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet_rig.h"

#define RAW PACKET_LINK_RAW	/* no link header: offsets are those of IP */

/* IPv4, so the transport header starts at 20. */
static void start(struct frame *f, unsigned int type, unsigned int protocol)
{
	put_link(f, RAW, type);
	put_ip(f, type, protocol);
}

TEST(tcp_flags_and_offsets)
{
	struct frame f;
	struct packet p;

	start(&f, IP4, TCP);
	put_tcp(&f, 0);
	frame_end(&f);
	for (unsigned int flags = 0; flags < 256; flags++) {
		f.data[f.l4 + 13] = (uint8_t)flags;
		CHECK_EQ(decode(RAW, &f, &p), 0);
		CHECK_EQ(p.tcp_flags, flags);
	}
	for (unsigned int offset = 0; offset < 16; offset++) {
		f.data[f.l4 + 12] = (uint8_t)(offset << 4 | 0xf);
		CHECK_EQ(decode(RAW, &f, &p), offset < 5 ? -EBADMSG : 0);
		if (offset >= 5)
			CHECK_EQ(p.payload_bytes, 20 + TCP_PAYLOAD - 4 * offset);
	}
	/* Options beyond the end. */
	f.len = f.l4 + 20;
	frame_end(&f);
	CHECK_EQ(decode(RAW, &f, &p), -EBADMSG);
	f.data[f.l4 + 12] = 0x50;
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK_EQ(p.payload_bytes, 0);
}

/* A segment of 64 KB captured to 96 bytes, as most are. */
TEST(payload_is_not_what_was_captured)
{
	struct frame f;
	struct packet p;

	put_link(&f, PACKET_LINK_SLL2, IP6);
	put_ipv6(&f, TCP);
	put_tcp(&f, 3);
	set16(&f, f.l3 + 4, 65000);
	CHECK_EQ(decode_cut(PACKET_LINK_SLL2, &f, 96, 20 + 40 + 65000, &p), 0);
	CHECK_EQ(p.l3_bytes, 65040);
	CHECK_EQ(p.payload_bytes, 65000 - 32);
	CHECK_EQ(decode_cut(PACKET_LINK_SLL2, &f, 96, 20 + 40 + 64999, &p), -EBADMSG);
}

TEST(udp)
{
	struct frame f;
	struct packet p;

	for (unsigned int type = IP4;; type = IP6) {
		start(&f, type, UDP);
		put_udp(&f);
		frame_end(&f);
		CHECK_EQ(decode(RAW, &f, &p), 0);
		CHECK_EQ(p.protocol, UDP);
		CHECK(p.has_ports);
		CHECK_EQ(p.src_port, 5353);
		CHECK_EQ(p.dst_port, 53);
		CHECK_EQ(p.payload_bytes, UDP_PAYLOAD);
		CHECK_EQ(p.seq | p.ack | p.tcp_flags, 0);
		check_lengths(RAW, &f, f.l4 + 6);
		/* 0: to the end; up to 7: no header; shorter than IP: the rest is not payload. */
		for (unsigned int len = 0; len < 0x10000; len++) {
			bool fits = !len || (len >= 8 && len <= 8 + UDP_PAYLOAD);

			set16(&f, f.l4 + 4, len);
			CHECK_EQ(decode(RAW, &f, &p), fits ? 0 : -EBADMSG);
			if (fits)
				CHECK_EQ(p.payload_bytes, len ? len - 8 : UDP_PAYLOAD);
		}
		if (type == IP6)
			break;
	}
}

TEST(udplite_and_sctp)
{
	static const struct { unsigned int protocol, header; } kinds[] = {
		{ UDPLITE, 8 }, { SCTP, 12 },
	};
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < 2; i++) {
		start(&f, IP6, kinds[i].protocol);
		put16(&f, 2905);
		put16(&f, 36412);
		put_many(&f, 0xff, kinds[i].header - 4 + 30);
		frame_end(&f);
		CHECK_EQ(decode(RAW, &f, &p), 0);
		CHECK_EQ(p.protocol, kinds[i].protocol);
		CHECK(p.has_ports);
		CHECK_EQ(p.src_port, 2905);
		CHECK_EQ(p.dst_port, 36412);
		CHECK_EQ(p.payload_bytes, 30);
		check_lengths(RAW, &f, f.l4 + 4);
		f.len = f.l4 + kinds[i].header - 1;
		frame_end(&f);
		CHECK_EQ(decode(RAW, &f, &p), -EBADMSG);
	}
}

/* The id is the port of who asked. */
TEST(icmp)
{
	static const struct {
		unsigned int type, protocol, message;
		int end;	/* 0: source, 1: destination, -1: no id */
	} kinds[] = {
		{ IP4, ICMP, 8, 0 }, { IP4, ICMP, 0, 1 }, { IP6, ICMP6, 128, 0 },
		{ IP6, ICMP6, 129, 1 }, { IP4, ICMP, 42, 0 }, { IP4, ICMP, 43, 1 },
		{ IP6, ICMP6, 160, 0 }, { IP6, ICMP6, 161, 1 }, { IP4, ICMP, 13, 0 },
		{ IP4, ICMP, 14, 1 }, { IP4, ICMP, 3, -1 }, { IP4, ICMP, 11, -1 },
		{ IP6, ICMP6, 1, -1 }, { IP6, ICMP6, 135, -1 }, { IP6, ICMP6, 8, -1 },
	};
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		start(&f, kinds[i].type, kinds[i].protocol);
		put8(&f, kinds[i].message);
		put8(&f, 9);
		put16(&f, 0);
		put16(&f, 0xbeef);
		put16(&f, 1);
		put_many(&f, 'p', 56);
		frame_end(&f);
		CHECK_EQ(decode(RAW, &f, &p), 0);
		CHECK_EQ(p.protocol, kinds[i].protocol);
		CHECK_EQ(p.icmp_type, kinds[i].message);
		CHECK_EQ(p.icmp_code, 9);
		CHECK_EQ(p.payload_bytes, 56);
		CHECK_EQ(p.has_ports, kinds[i].end >= 0);
		CHECK_EQ(p.src_port, kinds[i].end == 0 ? 0xbeef : 0);
		CHECK_EQ(p.dst_port, kinds[i].end == 1 ? 0xbeef : 0);
		check_lengths(RAW, &f, f.l4 + 6);
		f.len = f.l4 + 7;
		frame_end(&f);
		CHECK_EQ(decode(RAW, &f, &p), -EBADMSG);
	}
}

TEST(other_protocols)
{
	static const uint8_t protocols[] = { 2, 4, 33, 41, 47, ESP, NONE, 89, 135, 253, 255 };
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < sizeof(protocols); i++) {
		for (unsigned int type = IP4;; type = IP6) {
			start(&f, type, protocols[i]);
			put_many(&f, 0x45, 33);
			frame_end(&f);
			CHECK_EQ(decode(RAW, &f, &p), 0);
			CHECK_EQ(p.protocol, protocols[i]);
			CHECK_EQ(p.payload_bytes, 33);
			CHECK(!p.has_ports && !p.src_port && !p.dst_port);
			check_lengths(RAW, &f, f.l4);
			if (type == IP6)
				break;
		}
	}
	/* Extension headers mean nothing in IPv4. */
	start(&f, IP4, DSTOPTS);
	put_many(&f, 0xff, 5);
	frame_end(&f);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK_EQ(p.protocol, DSTOPTS);
	/* Empty, and padded by the link: its length of 0 is meant. */
	start(&f, IP6, NONE);
	put_many(&f, 0, 6);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK_EQ(p.l3_bytes, 40);
	CHECK_EQ(p.payload_bytes, 0);
}

TEST(ipv4_fragments)
{
	struct frame f;
	struct packet p;

	start(&f, IP4, UDP);
	put_udp(&f);
	set16(&f, f.l4 + 4, 3000);	/* the whole datagram */
	frame_end(&f);
	set16(&f, 6, 0x2000);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK(p.more_fragments && p.has_ports);
	CHECK_EQ(p.fragment_offset, 0);
	CHECK_EQ(p.fragment_id, 0x1234);
	CHECK_EQ(p.src_port, 5353);
	CHECK_EQ(p.payload_bytes, UDP_PAYLOAD);
	check_lengths(RAW, &f, 26);

	/* The largest offset, more to come; and the last one. */
	set16(&f, 6, 0x3fff);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK(p.more_fragments && !p.has_ports);
	CHECK_EQ(p.fragment_offset, 0xfff8);
	CHECK_EQ(p.payload_bytes, 8 + UDP_PAYLOAD);
	set16(&f, 6, 1);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK(!p.more_fragments && !p.has_ports && !p.src_port && !p.dst_port);
	CHECK_EQ(p.fragment_offset, 8);
	CHECK_EQ(p.fragment_id, 0x1234);
	CHECK_EQ(p.protocol, UDP);
	CHECK_EQ(p.payload_bytes, 8 + UDP_PAYLOAD);
	check_lengths(RAW, &f, 20);

	/* "Do not fragment" and the reserved bit make none. */
	set16(&f, 6, 0xc000);
	set16(&f, f.l4 + 4, 8);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK(!p.more_fragments && !p.fragment_id);
}

TEST(ipv6_fragments)
{
	struct frame f;
	struct packet p;

	start(&f, IP6, UDP);
	put_extension(&f, DSTOPTS, 16);
	put_fragment(&f, 0, true, 0xcafebabe);
	put_extension(&f, DSTOPTS, 8);
	put_udp(&f);
	set16(&f, f.l4 + 4, 3000);
	frame_end(&f);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK(p.more_fragments && p.has_ports);
	CHECK_EQ(p.fragment_id, 0xcafebabe);
	CHECK_EQ(p.protocol, UDP);
	CHECK_EQ(p.payload_bytes, UDP_PAYLOAD);
	check_lengths(RAW, &f, f.l4 + 6);

	/* What follows a later one's header is data, whatever it is called. */
	start(&f, IP6, UDP);
	put_fragment(&f, 0xfff8, false, 1);
	put_extension(&f, DSTOPTS, 8);
	memset(f.data + 50, 0xff, 6);
	frame_end(&f);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK(!p.more_fragments && !p.has_ports);
	CHECK_EQ(p.fragment_offset, 0xfff8);
	CHECK_EQ(p.fragment_id, 1);
	CHECK_EQ(p.protocol, DSTOPTS);
	CHECK_EQ(p.payload_bytes, 8);
	check_lengths(RAW, &f, 48);

	/* An "atomic" one is whole. */
	start(&f, IP6, UDP);
	put_fragment(&f, 0, false, 77);
	put_udp(&f);
	frame_end(&f);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK(!p.more_fragments && p.has_ports);
	CHECK_EQ(p.fragment_id, 0);
	CHECK_EQ(p.payload_bytes, UDP_PAYLOAD);
}

TEST(ipv6_extensions)
{
	static const uint8_t kinds[] = { HOPOPTS, ROUTING, DSTOPTS, AH };
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < 4; i++) {
		for (size_t size = kinds[i] == AH ? 16 : 8; size <= 256; size += 8) {
			start(&f, IP6, TCP);
			put_extension(&f, kinds[i], size);
			put_tcp(&f, 1);
			frame_end(&f);
			CHECK_EQ(decode(RAW, &f, &p), 0);
			CHECK_EQ(p.protocol, TCP);
			CHECK_EQ(p.dst_port, 80);
			CHECK_EQ(p.payload_bytes, TCP_PAYLOAD);
			CHECK_EQ(p.l3_bytes, f.len);
			check_lengths(RAW, &f, 40 + size + 14);
		}
	}
	start(&f, IP6, TCP);
	for (size_t i = 0; i < 4; i++)
		put_extension(&f, kinds[i], 24);
	put_fragment(&f, 0, false, 0);
	put_extension(&f, DSTOPTS, 8);
	put_tcp(&f, 0);
	frame_end(&f);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK_EQ(p.protocol, TCP);
	CHECK_EQ(p.payload_bytes, TCP_PAYLOAD);
	check_lengths(RAW, &f, f.l4 + 14);
	/* ESP ends the chain. */
	start(&f, IP6, ESP);
	put_extension(&f, HOPOPTS, 8);
	put_many(&f, DSTOPTS, 40);
	frame_end(&f);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK_EQ(p.protocol, ESP);
	CHECK_EQ(p.payload_bytes, 40);
}

TEST(extensions_that_lie)
{
	static const uint8_t kinds[] = { HOPOPTS, ROUTING, DSTOPTS, FRAGMENT, AH };
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < 5; i++) {
		/* A chain of the same kind to the end, and beyond. */
		start(&f, IP6, kinds[i]);
		while (f.len < 40 + 960) {
			put8(&f, kinds[i]);
			put_many(&f, 0, 7);
		}
		frame_end(&f);
		CHECK_EQ(decode(RAW, &f, &p), -EBADMSG);
		/* Longer than the packet. */
		start(&f, IP6, TCP);
		put_extension(&f, kinds[i], kinds[i] == AH ? 16 : 8);
		put_tcp(&f, 0);
		frame_end(&f);
		f.data[41] = 255;
		if (kinds[i] != FRAGMENT)	/* there it is reserved */
			CHECK_EQ(decode(RAW, &f, &p), -EBADMSG);
		/* Inside of what was captured, but outside of the packet. */
		set16(&f, 4, 7);
		f.data[41] = 0;
		CHECK_EQ(decode(RAW, &f, &p), -EBADMSG);
	}
}

TEST(ipv4_authentication)
{
	struct frame f;
	struct packet p;

	start(&f, IP4, TCP);
	put_extension(&f, AH, 24);
	put_extension(&f, AH, 12);
	put_tcp(&f, 0);
	frame_end(&f);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK_EQ(p.protocol, TCP);
	CHECK_EQ(p.payload_bytes, TCP_PAYLOAD);
	check_lengths(RAW, &f, 20 + 36 + 14);
	set16(&f, 6, 1);
	CHECK_EQ(decode(RAW, &f, &p), 0);
	CHECK_EQ(p.protocol, AH);
	CHECK_EQ(p.payload_bytes, f.len - 20);
}

TEST_MAIN()
