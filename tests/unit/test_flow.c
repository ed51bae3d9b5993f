/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What packets add to their flows. */
#include "network_rig.h"
#include "util/macro.h"

#define MS UINT64_C(1000000)
#define US UINT64_C(1000)

static const struct end client = { 1, 40000 }, server = { 2, 80 };

TEST(segments_sent_again_and_out_of_order)
{
	struct pevent_network_stats stats = { 0 };
	uint64_t t = SECOND;

	begin_network();
	segment(t, ETH, true, client, server, S, 0xfffffff0u, 0);
	segment(t + 1, ETH, true, client, server, A, 0xfffffff1u, 100);
	segment(t + 2, ETH, true, client, server, A, 0xfffffff1u, 100);	/* again */
	segment(t + 3, ETH, true, client, server, A, 0xfffffff1u, 150);	/* half of it */
	segment(t + 4, ETH, true, client, server, A, 0xfffffff1u + 250, 50);	/* too early */
	segment(t + 5, ETH, true, client, server, A, 0xfffffff1u + 150, 50);
	segment(t + 6, ETH, true, client, server, A, 0xfffffff1u + 200, 50);
	segment(t + 7, ETH, true, client, server, A, 0xfffffff1u + 200, 50);	/* again */
	network_get_stats(&m, &stats);
	CHECK_EQ(stats.tx.payload, 300);
	CHECK_EQ(stats.tx.packets, 8);
	CHECK_EQ(stats.unknown_tx.payload, 300);
	end();
}

TEST(several_segments_are_missing_at_a_time)
{
	static const uint32_t order[] = { 0, 2, 4, 7, 1, 3, 6, 5 };
	struct pevent_network_stats stats = { 0 };

	begin_network();
	segment(SECOND, ETH, true, client, server, S, 999, 0);
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		segment(SECOND + 1 + i, ETH, true, client, server, A, 1000 + 100 * order[i], 100);
	segment(SECOND + 9, ETH, true, client, server, A, 1150, 400);	/* all of it again */
	network_get_stats(&m, &stats);
	CHECK_EQ(stats.tx.payload, 800);
	end();
}

TEST(forwarded_is_neither_sent_nor_received)
{
	struct pevent_network_stats stats = { 0 };

	begin_network();
	for (unsigned int i = 0; i < 10; i++) {
		segment(SECOND + 2 * i, ETH, false, client, server, A, i, 0);
		segment(SECOND + 2 * i + 1, ETH + 1, true, client, server, A, i, 0);
	}
	segment(SECOND + MS, ETH, false, (struct end){ 2, 5 }, (struct end){ 1, 7 }, A, 0, 0);
	network_get_stats(&m, &stats);
	CHECK_EQ(stats.tx.packets, 0);
	CHECK_EQ(stats.rx.packets, 1);
	CHECK_EQ(stats.forwarded_packets, 10);
	CHECK_EQ(stats.forwarded_bytes, 520);
	CHECK_EQ(stats.unknown_tx.packets, 0);
	CHECK_EQ(stats.unknown_rx.packets, 1);
	end();
}

TEST(pieces_of_a_datagram_belong_together)
{
	static const struct end resolver = { 2, 53 }, asker = { 1, 50000 };
	const struct pevent_event *ev;
	struct packet p;

	begin_network();
	fork_at(SECOND, 1, 100);
	found(SECOND + US, 100, 17, asker, resolver);
	run_to(SECOND + 2 * US);
	for (unsigned int i = 0; i < 3; i++) {
		p = packet_of(ETH, true, asker, resolver, 17);
		p.fragment_id = 7;
		p.fragment_offset = (uint16_t)(i * 1480);
		p.more_fragments = i < 2;
		p.has_ports = i == 0;
		if (i)
			p.src_port = p.dst_port = 0;
		p.l3_bytes = 1500;
		p.payload_bytes = i ? 1480 : 1472;
		network_packet(&m, OWN, &p, SECOND + US + i);
	}
	exit_at(SECOND + MS, 100);
	run_to(SECOND + 2 * MS);
	CHECK_EQ(next_complete()->type, PEVENT_FORK);
	ev = next_complete();
	CHECK_EQ(ev->usage.network.tx.bytes, 4500);
	CHECK_EQ(ev->usage.network.tx.payload, 3 * 1480 - 8);
	CHECK_EQ(ev->connections->n, 1);
	end();
}

TEST_MAIN()
