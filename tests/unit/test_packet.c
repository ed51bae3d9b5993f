/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "packet_rig.h"

static const struct {
	int linktype;
	size_t header;
	bool ipv4, ipv6, cooked;
} links[] = {
	{ PACKET_LINK_NULL, 4, true, true, false },
	{ PACKET_LINK_LOOP, 4, true, true, false },
	{ PACKET_LINK_ETHERNET, 14, true, true, false },
	{ PACKET_LINK_SLL, 16, true, true, true },
	{ PACKET_LINK_SLL2, 20, true, true, true },
	{ PACKET_LINK_RAW, 0, true, true, false },
	{ PACKET_LINK_RAW_OPENBSD, 0, true, true, false },
	{ PACKET_LINK_RAW_FILE, 0, true, true, false },
	{ PACKET_LINK_IPV4, 0, true, false, false },
	{ PACKET_LINK_IPV6, 0, false, true, false },
};
#define N_LINKS (sizeof(links) / sizeof(links[0]))

static void check_tcp(const struct packet *p, unsigned int type, size_t l3_bytes)
{
	static const uint8_t a4[16] = { 10, 0, 0, 1 }, b4[16] = { 10, 0, 0, 2 };
	static const uint8_t a6[16] = { 0xfd, [15] = 1 }, b6[16] = { 0xfd, [15] = 2 };

	CHECK_EQ(p->family, type == IP4 ? AF_INET : AF_INET6);
	CHECK(!memcmp(p->src, type == IP4 ? a4 : a6, 16));
	CHECK(!memcmp(p->dst, type == IP4 ? b4 : b6, 16));
	CHECK_EQ(p->protocol, TCP);
	CHECK_EQ(p->src_port, 40000);
	CHECK_EQ(p->dst_port, 80);
	CHECK(p->has_ports);
	CHECK_EQ(p->l3_bytes, l3_bytes);
	CHECK_EQ(p->payload_bytes, TCP_PAYLOAD);
	CHECK_EQ(p->seq, 0x11223344);
	CHECK_EQ(p->ack, 0x55667788);
	CHECK_EQ(p->tcp_flags, PACKET_TCP_PSH | PACKET_TCP_ACK);
	CHECK(!p->more_fragments && !p->fragment_offset && !p->fragment_id);
	CHECK_EQ(p->icmp_type, 0);
	CHECK_EQ(p->icmp_code, 0);
}

static void check_links(unsigned int type)
{
	const size_t ip = type == IP4 ? 20 : 40;
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < N_LINKS; i++) {
		if (!(type == IP4 ? links[i].ipv4 : links[i].ipv6))
			continue;
		put_link(&f, links[i].linktype, type);
		CHECK_EQ(f.len, links[i].header);
		put_ip(&f, type, TCP);
		put_tcp(&f, 3);
		frame_end(&f);
		CHECK(packet_knows_link(links[i].linktype));
		CHECK_EQ(decode(links[i].linktype, &f, &p), 0);
		check_tcp(&p, type, ip + 20 + 12 + TCP_PAYLOAD);
		CHECK_EQ(p.direction, links[i].cooked ? PACKET_OUTGOING : PACKET_DIRECTION_UNKNOWN);
		CHECK_EQ(p.ifindex, links[i].linktype == PACKET_LINK_SLL2 ? 7 : 0);
		CHECK_EQ(p.vlan, 0);
		check_lengths(links[i].linktype, &f, links[i].header + ip + 14);
	}
}

TEST(ipv4_on_every_link)
{
	check_links(IP4);
}

TEST(ipv6_on_every_link)
{
	check_links(IP6);
}

TEST(unknown_link)
{
	struct frame f;
	struct packet p;

	put_link(&f, PACKET_LINK_RAW, IP4);
	put_ipv4(&f, TCP, 0);
	put_tcp(&f, 0);
	frame_end(&f);
	CHECK_EQ(decode(9, &f, &p), -ENOTSUP);
	CHECK_EQ(decode(-1, &f, &p), -ENOTSUP);
	CHECK(!packet_knows_link(9));
}

TEST(null_families_of_other_systems)
{
	static const struct {
		uint8_t bytes[4];
		unsigned int type;
	} heads[] = {
		{ { 0, 0, 0, 2 }, IP4 }, { { 2, 0, 0, 0 }, IP4 }, { { 0, 0, 0, 24 }, IP6 },
		{ { 24, 0, 0, 0 }, IP6 }, { { 28, 0, 0, 0 }, IP6 }, { { 30, 0, 0, 0 }, IP6 },
		{ { 10, 0, 0, 0 }, IP6 }, { { 7, 0, 0, 0 }, 0 }, { { 1, 2, 3, 4 }, 0 },
	};
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		put_link(&f, PACKET_LINK_NULL, IP4);
		put_ip(&f, heads[i].type ? heads[i].type : IP4, TCP);
		put_tcp(&f, 0);
		frame_end(&f);
		memcpy(f.data, heads[i].bytes, 4);
		CHECK_EQ(decode(PACKET_LINK_NULL, &f, &p), !heads[i].type);
		CHECK_EQ(decode(PACKET_LINK_LOOP, &f, &p), !heads[i].type);
	}
}

TEST(cooked_directions)
{
	static const uint8_t want[] = {
		PACKET_INCOMING, PACKET_INCOMING, PACKET_INCOMING, PACKET_OTHER, PACKET_OUTGOING,
		PACKET_DIRECTION_UNKNOWN, PACKET_DIRECTION_UNKNOWN,
	};
	static const struct { int linktype; size_t at; } kinds[] = {
		{ PACKET_LINK_SLL, 1 }, { PACKET_LINK_SLL2, 10 },
	};
	struct frame f;
	struct packet p;

	for (size_t k = 0; k < 2; k++) {
		put_link(&f, kinds[k].linktype, IP4);
		put_ipv4(&f, TCP, 0);
		put_tcp(&f, 0);
		frame_end(&f);
		for (uint8_t i = 0; i < sizeof(want); i++) {
			f.data[kinds[k].at] = i;
			CHECK_EQ(decode(kinds[k].linktype, &f, &p), 0);
			CHECK_EQ(p.direction, want[i]);
		}
	}
	/* All 16 bits of the older header count. */
	put_link(&f, PACKET_LINK_SLL, IP4);
	put_ipv4(&f, TCP, 0);
	put_tcp(&f, 0);
	frame_end(&f);
	f.data[0] = 1;
	CHECK_EQ(decode(PACKET_LINK_SLL, &f, &p), 0);
	CHECK_EQ(p.direction, PACKET_DIRECTION_UNKNOWN);
}

/* Its number is the same in every namespace, so SLL can tell it, too. */
TEST(loopback)
{
	struct frame f;
	struct packet p;

	put_link(&f, PACKET_LINK_SLL, IP4);
	set16(&f, 2, 772);
	put_ipv4(&f, TCP, 0);
	put_tcp(&f, 0);
	frame_end(&f);
	CHECK_EQ(decode(PACKET_LINK_SLL, &f, &p), 0);
	CHECK_EQ(p.ifindex, 1);
}

/* A netlink monitor's protocol 0x0800 would be no IPv4. */
TEST(cooked_devices_without_ethernet_types)
{
	static const uint16_t devices[] = { 770, 803, 824 };
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < 3; i++) {
		put_link(&f, PACKET_LINK_SLL, IP4);
		set16(&f, 2, devices[i]);
		put_ipv4(&f, TCP, 0);
		put_tcp(&f, 0);
		frame_end(&f);
		CHECK_EQ(decode(PACKET_LINK_SLL, &f, &p), 1);
		put_link(&f, PACKET_LINK_SLL2, IP4);
		set16(&f, 8, devices[i]);
		put_ipv4(&f, TCP, 0);
		put_tcp(&f, 0);
		frame_end(&f);
		CHECK_EQ(decode(PACKET_LINK_SLL2, &f, &p), 1);
	}
}

TEST(vlans)
{
	static const int kinds[] = { PACKET_LINK_ETHERNET, PACKET_LINK_SLL, PACKET_LINK_SLL2 };
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < 3; i++) {
		size_t header;

		put_link(&f, kinds[i], VLAN);
		header = f.len;
		put_vlan(&f, 0xb064, IP4);	/* priority 5, drop eligible, id 100 */
		put_ipv4(&f, TCP, 0);
		put_tcp(&f, 0);
		frame_end(&f);
		CHECK_EQ(decode(kinds[i], &f, &p), 0);
		check_tcp(&p, IP4, 40 + TCP_PAYLOAD);
		CHECK_EQ(p.vlan, 100);
		check_lengths(kinds[i], &f, header + 4 + 34);

		put_link(&f, kinds[i], SERVICE_VLAN);
		put_vlan(&f, 4094, VLAN);
		put_vlan(&f, 5, 0x9100);
		put_vlan(&f, 0xe000, IP6);	/* a priority, no id */
		put_ipv6(&f, TCP);
		put_tcp(&f, 0);
		frame_end(&f);
		CHECK_EQ(decode(kinds[i], &f, &p), 0);
		check_tcp(&p, IP6, 60 + TCP_PAYLOAD);
		CHECK_EQ(p.vlan, 5);
		check_lengths(kinds[i], &f, header + 12 + 54);
	}
	/* Nothing but tags. */
	put_link(&f, PACKET_LINK_ETHERNET, VLAN);
	for (int i = 0; i < 200; i++)
		put_vlan(&f, 1, VLAN);
	CHECK_EQ(decode(PACKET_LINK_ETHERNET, &f, &p), -EBADMSG);
}

/* A tag that the kernel left in place, although it announces what is behind. */
TEST(vlans_left_behind)
{
	static const uint16_t tags[] = { 5, 0xb064, 0x4005, 0x4500, 0x6000, 0 };
	static const int cooked[] = { PACKET_LINK_SLL, PACKET_LINK_SLL2 };
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		for (size_t k = 0; k < 4; k++) {
			int linktype = cooked[k % 2];
			unsigned int type = k < 2 ? IP4 : IP6;

			put_link(&f, linktype, SERVICE_VLAN);
			put_vlan(&f, 100, type);
			put_vlan(&f, tags[i], VLAN);
			put_vlan(&f, 0xe000, type);
			put_ip(&f, type, TCP);
			put_tcp(&f, 0);
			frame_end(&f);
			CHECK_EQ(decode(linktype, &f, &p), 0);
			check_tcp(&p, type, (type == IP4 ? 40 : 60) + TCP_PAYLOAD);
			CHECK_EQ(p.direction, PACKET_OUTGOING);
			CHECK_EQ(p.ifindex, linktype == PACKET_LINK_SLL2 ? 7 : 0);
			CHECK_EQ(p.vlan, tags[i] & 0xfff ? tags[i] & 0xfff : 100);
			check_lengths(linktype, &f, f.l4 + 14);
			/* It has to end in what was announced. */
			set16(&f, f.l3 - 2, ARP);
			CHECK_EQ(decode(linktype, &f, &p), -EBADMSG);
		}
	}
	/* Elsewhere there is no such thing. */
	put_link(&f, PACKET_LINK_ETHERNET, IP4);
	put_vlan(&f, 5, IP4);
	put_ipv4(&f, TCP, 0);
	put_tcp(&f, 0);
	frame_end(&f);
	CHECK_EQ(decode(PACKET_LINK_ETHERNET, &f, &p), -EBADMSG);
}

TEST(not_ip)
{
	static const uint16_t types[] = { ARP, 0x88cc, 0x0026, 0x8864, 0x8847, 0, 0xffff };
	struct frame f;
	struct packet p;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		for (size_t k = 2; k < 5; k++) {
			put_link(&f, links[k].linktype, types[i]);
			CHECK_EQ(decode(links[k].linktype, &f, &p), 1);
			put_many(&f, 0x45, 60);
			CHECK_EQ(decode(links[k].linktype, &f, &p), 1);
			put_link(&f, links[k].linktype, VLAN);
			put_vlan(&f, 1, types[i]);
			CHECK_EQ(decode(links[k].linktype, &f, &p), 1);
		}
	}
	for (unsigned int nibble = 0; nibble < 16; nibble++) {
		put_link(&f, PACKET_LINK_RAW, 0);
		put_many(&f, nibble << 4 | 5, 1);
		CHECK_EQ(decode(PACKET_LINK_RAW, &f, &p),
			 nibble == 4 || nibble == 6 ? -EBADMSG : 1);
	}
}

/* The header is of another version than was announced. */
TEST(wrong_version)
{
	struct frame f;
	struct packet p;

	for (unsigned int type = IP4;; type = IP6) {
		put_link(&f, PACKET_LINK_SLL2, type == IP4 ? IP6 : IP4);
		put_ip(&f, type, TCP);
		put_tcp(&f, 0);
		frame_end(&f);
		CHECK_EQ(decode(PACKET_LINK_SLL2, &f, &p), -EBADMSG);
		if (type == IP6)
			break;
	}
	put_link(&f, PACKET_LINK_IPV4, IP4);
	put_ipv6(&f, TCP);
	put_tcp(&f, 0);
	frame_end(&f);
	CHECK_EQ(decode(PACKET_LINK_IPV4, &f, &p), -EBADMSG);
}

TEST(impossible_capture)
{
	struct frame f;
	struct packet p;

	put_link(&f, PACKET_LINK_RAW, IP4);
	put_ipv4(&f, TCP, 0);
	put_tcp(&f, 0);
	frame_end(&f);
	CHECK_EQ(decode_cut(PACKET_LINK_RAW, &f, f.len, f.len - 1, &p), -EBADMSG);
	CHECK_EQ(decode_cut(PACKET_LINK_RAW, &f, f.len, SIZE_MAX, &p),
		 sizeof(size_t) > 4 ? -EBADMSG : 0);
	CHECK_EQ(packet_decode(PACKET_LINK_RAW, NULL, 0, 0, &p), -EBADMSG);
}

TEST(ipv4_options)
{
	struct frame f;
	struct packet p;

	for (unsigned int words = 0; words <= 10; words++) {
		for (unsigned int tcp = 0; tcp <= 10; tcp++) {
			put_link(&f, PACKET_LINK_SLL2, IP4);
			put_ipv4(&f, TCP, words);
			put_tcp(&f, tcp);
			frame_end(&f);
			CHECK_EQ(decode(PACKET_LINK_SLL2, &f, &p), 0);
			check_tcp(&p, IP4, 40 + 4 * (words + tcp) + TCP_PAYLOAD);
			check_lengths(PACKET_LINK_SLL2, &f, 20 + 20 + 4 * words + 14);
		}
	}
}

TEST(ipv4_lengths_that_lie)
{
	struct frame f;
	struct packet p;

	put_link(&f, PACKET_LINK_ETHERNET, IP4);
	put_ipv4(&f, TCP, 2);
	put_tcp(&f, 2);
	for (unsigned int ihl = 0; ihl < 5; ihl++) {
		frame_end(&f);
		f.data[f.l3] = (uint8_t)(0x40 | ihl);
		CHECK_EQ(decode(PACKET_LINK_ETHERNET, &f, &p), -EBADMSG);
	}
	f.data[f.l3] = 0x47;
	/* No room for the header, for TCP's, for its options; the payload shrinks to nothing. */
	for (unsigned int total = 1; total <= f.len - f.l3; total++) {
		set16(&f, f.l3 + 2, total);
		CHECK_EQ(decode(PACKET_LINK_ETHERNET, &f, &p), total < 28 + 28 ? -EBADMSG : 0);
		if (total >= 28 + 28) {
			CHECK_EQ(p.l3_bytes, total);
			CHECK_EQ(p.payload_bytes, total - 28 - 28);
		}
	}
	for (unsigned int total = (unsigned int)(f.len - f.l3) + 1; total <= 0xffff; total++) {
		set16(&f, f.l3 + 2, total);
		CHECK_EQ(decode(PACKET_LINK_ETHERNET, &f, &p), -EBADMSG);
	}
}

/* What the kernel segments later may be longer than the header can say. */
TEST(length_zero_is_all_of_it)
{
	struct frame f;
	struct packet p;

	for (size_t extra = 0; extra <= 500000; extra += 100000) {
		put_link(&f, PACKET_LINK_SLL2, IP4);
		put_ipv4(&f, TCP, 1);
		put_tcp(&f, 3);
		CHECK_EQ(decode_cut(PACKET_LINK_SLL2, &f, 128, f.len + extra, &p), 0);
		CHECK_EQ(p.l3_bytes, 24 + 32 + TCP_PAYLOAD + extra);
		CHECK_EQ(p.payload_bytes, TCP_PAYLOAD + extra);

		put_link(&f, PACKET_LINK_SLL2, IP6);
		put_ipv6(&f, TCP);
		put_tcp(&f, 3);
		CHECK_EQ(decode_cut(PACKET_LINK_SLL2, &f, 128, f.len + extra, &p), 0);
		CHECK_EQ(p.l3_bytes, 40 + 32 + TCP_PAYLOAD + extra);
		CHECK_EQ(p.payload_bytes, TCP_PAYLOAD + extra);

		/* A jumbogram, as the kernel writes it in front. */
		put_link(&f, PACKET_LINK_SLL2, IP6);
		put_ipv6(&f, TCP);
		put_extension(&f, HOPOPTS, 8);
		set16(&f, f.len - 6, 0xc204);
		put_tcp(&f, 3);
		CHECK_EQ(decode_cut(PACKET_LINK_SLL2, &f, 128, f.len + extra, &p), 0);
		CHECK_EQ(p.l3_bytes, 40 + 8 + 32 + TCP_PAYLOAD + extra);
		CHECK_EQ(p.payload_bytes, TCP_PAYLOAD + extra);
		CHECK_EQ(p.protocol, TCP);
	}
	/* UDP cannot say it, either; above 64 KB its length is what was left of it. */
	put_link(&f, PACKET_LINK_RAW, IP4);
	put_ipv4(&f, UDP, 0);
	put_udp(&f);
	CHECK_EQ(decode_cut(PACKET_LINK_RAW, &f, f.len, 100000, &p), 0);
	CHECK_EQ(p.payload_bytes, 100000 - 28);
}

TEST_MAIN()
