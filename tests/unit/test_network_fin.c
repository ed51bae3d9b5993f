/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel counts a FIN as a byte received. Of these connections not all packets were seen. */
#include "network_rig.h"
#include "util/macro.h"

#define MS UINT64_C(1000000)
#define US UINT64_C(1000)

static const struct end client = { 1, 40000 }, server = { 2, 80 };

/*
 * Through these states, ended by 0: the exit of who connected, then. seen: bytes of packets to it,
 * with a FIN; 0: none.
 */
static const struct pevent_event *exit_after(const int *states, uint32_t seen, uint64_t received)
{
	static const struct end no_port = { 1, 0 };
	const uint64_t t = SECOND + MS;
	const struct pevent_event *ev;
	unsigned int n = 1;

	begin_network();
	fork_at(SECOND, 1, 100);
	state(t, 100, 0xabc, no_port, server, TCP_CLOSE, TCP_SYN_SENT);
	state(t + US, 0, 0xabc, client, server, TCP_SYN_SENT, states[0]);
	for (; states[n]; n++)
		state(t + (n + 1) * US, 100, 0xabc, client, server, states[n - 1], states[n]);
	if (seen)
		segment(t + 2 * US, ETH, false, server, client, A | F, 501, seen);
	gone(t + 20 * US, client, server, 1000, received);
	exit_at(t + 10 * US, 100);
	run_to(t + MS + NETWORK_EXIT_NS);
	skip_to(&ev, PEVENT_EXIT);
	CHECK(ev->usage.network.incomplete);
	CHECK_EQ(ev->usage.network.tx.payload, 1000);
	return ev;
}

TEST(states_tell_whether_a_fin_came)
{
	static const struct {
		int states[7];
		uint32_t seen;
		uint64_t received, payload;
	} rows[] = {
		{ { TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_LAST_ACK, TCP_CLOSE }, 0, 301, 300 },
		{ { TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_CLOSE }, 0, 301, 300 },
		{ { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_CLOSING, TCP_CLOSE }, 0, 301, 300 },
		{ { TCP_ESTABLISHED, TCP_CLOSE }, 0, 300, 300 },
		{ { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_CLOSE }, 0, 300, 300 },
		/* Bytes that came for nobody any more, and the FIN behind them. */
		{ { TCP_ESTABLISHED, TCP_CLOSE }, 1000, 700, 700 },
		{ { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_CLOSE }, 1000, 700, 700 },
		{ { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE }, 1000, 700, 700 },
		{ { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE }, 300, 300, 300 },
		{ { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE }, 300, 301, 300 },
		{ { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE }, 100, 301, 300 },
		/* It came, or it was given up waiting for it: the least that it can be. */
		{ { TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE }, 0, 301, 300 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct pevent_event *ev = exit_after(rows[i].states, rows[i].seen,
							 rows[i].received);

		CHECK_EQ(ev->usage.network.rx.payload, rows[i].payload);
		CHECK_EQ(ev->connections->connection[0].rx.payload, rows[i].payload);
		skip_all();
		end();
	}
}

/* Both are sockets of this host. */
TEST(the_other_end_tells_whether_a_fin_came)
{
	static const struct end no_port = { 1, 0 }, none = { 2, 0 };
	const uint64_t t = SECOND + MS;
	const struct pevent_event *ev;

	for (uint64_t received = 300; received <= 301; received++) {
		begin_network();
		fork_at(SECOND, 1, 100);
		fork_at(SECOND, 1, 200);
		state(SECOND + US, 200, 0x5000, server, none, TCP_CLOSE, TCP_LISTEN);
		state(t, 100, 0xabc, no_port, server, TCP_CLOSE, TCP_SYN_SENT);
		state(t + US, 0, 0xabc, client, server, TCP_SYN_SENT, TCP_ESTABLISHED);
		state(t + US, 100, 0xdef, server, client, TCP_SYN_RECV, TCP_ESTABLISHED);
		state(t + 2 * US, 100, 0xabc, client, server, TCP_ESTABLISHED, TCP_FIN_WAIT1);
		state(t + 3 * US, 0, 0xabc, client, server, TCP_FIN_WAIT1, TCP_FIN_WAIT2);
		state(t + 3 * US, 0, 0xdef, server, client, TCP_ESTABLISHED, TCP_CLOSE_WAIT);
		state(t + 4 * US, 0, 0xabc, client, server, TCP_FIN_WAIT2, TCP_CLOSE);
		state(t + 5 * US, 200, 0xdef, server, client, TCP_CLOSE_WAIT, TCP_LAST_ACK);
		state(t + 6 * US, 0, 0xdef, server, client, TCP_LAST_ACK, TCP_CLOSE);
		/* A part of it, and the FIN, passed by. */
		segment(t + 5 * US, LO, false, server, client, A | F, 701, 100);
		gone(t + 20 * US, server, client, 300, 1001);
		gone(t + 21 * US, client, server, 1000, received);
		exit_at(t + 10 * US, 100);
		run_to(t + MS + NETWORK_EXIT_NS);
		skip_to(&ev, PEVENT_EXIT);
		CHECK_EQ(ev->usage.network.rx.payload, 300);
		skip_all();
		end();
	}
}

TEST_MAIN()
