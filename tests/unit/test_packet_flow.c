/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet_rig.h"

static struct packet packet_of(uint32_t src, unsigned int sport, uint32_t dst, unsigned int dport)
{
	struct packet p = { .family = AF_INET, .protocol = TCP, .has_ports = true };

	for (int i = 0; i < 4; i++) {
		p.src[i] = (uint8_t)(src >> (24 - 8 * i));
		p.dst[i] = (uint8_t)(dst >> (24 - 8 * i));
	}
	p.src_port = (uint16_t)sport;
	p.dst_port = (uint16_t)dport;
	return p;
}

static struct packet reversed(const struct packet *p)
{
	struct packet r = *p;

	memcpy(r.src, p->dst, 16);
	memcpy(r.dst, p->src, 16);
	r.src_port = p->dst_port;
	r.dst_port = p->src_port;
	return r;
}

/* Low end first, whichever way the packet goes. */
static void check_flow(struct packet p, bool want_swapped)
{
	struct packet q = reversed(&p);
	struct packet_flow one, two;
	bool swapped, other;

	packet_flow(&p, &one, &swapped);
	packet_flow(&q, &two, &other);
	CHECK_EQ(swapped, want_swapped);
	CHECK_EQ(other, !want_swapped);
	CHECK(!memcmp(&one, &two, sizeof(one)));
	CHECK(!memcmp(swapped ? one.high.address : one.low.address, p.src, 16));
	CHECK(!memcmp(swapped ? one.low.address : one.high.address, p.dst, 16));
	CHECK_EQ(swapped ? one.high.port : one.low.port, p.src_port);
	CHECK_EQ(swapped ? one.low.port : one.high.port, p.dst_port);
	CHECK_EQ(one.family, p.family);
	CHECK_EQ(one.protocol, p.protocol);
	CHECK_EQ(packet_flow_hash(&one, 1), packet_flow_hash(&two, 1));
}

TEST(both_directions_are_one_flow)
{
	struct packet p;

	check_flow(packet_of(0x0a000001, 9, 0x0a000002, 1), false);
	check_flow(packet_of(0x0a000002, 1, 0x0a000001, 9), true);
	/* Loopback: by port. */
	check_flow(packet_of(0x7f000001, 80, 0x7f000001, 255), false);
	check_flow(packet_of(0x7f000001, 256, 0x7f000001, 255), true);
	p = packet_of(0, 1, 0, 2);
	p.family = AF_INET6;
	p.src[15] = 1;
	check_flow(p, true);
}

TEST(equal_ends)
{
	struct packet p = packet_of(0x7f000001, 5000, 0x7f000001, 5000);
	struct packet_flow flow;
	bool swapped;

	packet_flow(&p, &flow, &swapped);
	CHECK(!swapped);
	CHECK(!memcmp(&flow.low, &flow.high, sizeof(flow.low)));
}

TEST(echo_and_its_answer)
{
	struct packet_flow flows[2];
	bool swapped[2];

	for (unsigned int i = 0; i < 2; i++) {
		struct frame f;
		struct packet p;

		put_link(&f, PACKET_LINK_RAW, IP4);
		put_ipv4(&f, ICMP, 0);
		put32(&f, i ? 0 : 0x08000000);
		put32(&f, 0xbeef0001);
		frame_end(&f);
		CHECK_EQ(decode(PACKET_LINK_RAW, &f, &p), 0);
		if (i)	/* the answer comes from the other side */
			for (int k = 0; k < 16; k++) {
				uint8_t byte = p.src[k];

				p.src[k] = p.dst[k];
				p.dst[k] = byte;
			}
		packet_flow(&p, &flows[i], &swapped[i]);
	}
	CHECK(!memcmp(&flows[0], &flows[1], sizeof(flows[0])));
	CHECK(!swapped[0] && swapped[1]);
}

/* Each field tells flows apart. */
TEST(differences)
{
	struct packet p = packet_of(0x0a000001, 1, 0x0a000002, 2), q;
	struct packet_flow one, two;
	bool swapped;

	packet_flow(&p, &one, &swapped);
	for (int i = 0; i < 6; i++) {
		q = p;
		*(i == 0 ? &q.family : i == 1 ? &q.protocol : i == 2 ? &q.src[0] :
		  i == 3 ? &q.dst[15] : i == 4 ? (uint8_t *)&q.src_port :
		  (uint8_t *)&q.dst_port) ^= 0x40;
		packet_flow(&q, &two, &swapped);
		CHECK(memcmp(&one, &two, sizeof(one)));
		CHECK(packet_flow_hash(&one, 0) != packet_flow_hash(&two, 0));
	}
	CHECK(packet_flow_hash(&one, 0) != packet_flow_hash(&one, 1));
}

static int compare_hashes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Flows as a client makes them: no two hashes alike, no 16 bits of them much more frequent. */
TEST(hashes_spread)
{
	static const unsigned int shifts[] = { 0, 16, 32, 48 };
	const size_t n = 1 << 18;
	uint64_t *hashes = calloc(n, sizeof(*hashes));
	uint16_t *load = calloc(1 << 16, sizeof(*load));
	size_t most = 0, equal = 0;

	CHECK(hashes && load);
	for (size_t i = 0; i < n; i++) {
		struct packet p = packet_of(0x0a000001, 32768 + (unsigned int)i % 28000,
					    0x0a000100 + (uint32_t)(i / 28000), 443);
		struct packet_flow flow;
		bool swapped;

		packet_flow(&p, &flow, &swapped);
		hashes[i] = packet_flow_hash(&flow, 0);
	}
	for (size_t k = 0; k < 4; k++) {
		memset(load, 0, (1 << 16) * sizeof(*load));
		for (size_t i = 0; i < n; i++) {
			size_t bucket = hashes[i] >> shifts[k] & 0xffff;

			load[bucket]++;
			most = load[bucket] > most ? load[bucket] : most;
		}
	}
	qsort(hashes, n, sizeof(*hashes), compare_hashes);
	for (size_t i = 1; i < n; i++)
		equal += hashes[i] == hashes[i - 1];
	free(hashes);
	free(load);
	CHECK_EQ(equal, 0);
	CHECK(most < 24);	/* 4 on average; 17 is usual in 65,536 throws */
}

TEST_MAIN()
