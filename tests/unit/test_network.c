/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets, and what is told of sockets, become what processes sent and received. */
#include "network_rig.h"
#include "util/macro.h"

#define MS UINT64_C(1000000)
#define US UINT64_C(1000)

static const struct end client = { 1, 40000 }, server = { 2, 80 };

/* An exchange seen at the client: 1000 there, 300 back; the client closes. 5 and 4 packets. */
static void exchange(uint64_t t, int device)
{
	bool lo = device == LO;

	segment(t + 1 * US, device, !lo, client, server, S, 100, 0);
	segment(t + 2 * US, device, false, server, client, S | A, 500, 0);
	segment(t + 3 * US, device, !lo, client, server, A, 101, 0);
	segment(t + 4 * US, device, !lo, client, server, A, 101, 1000);
	segment(t + 5 * US, device, false, server, client, A, 501, 300);
	segment(t + 6 * US, device, !lo, client, server, A | F, 1101, 0);
	segment(t + 7 * US, device, false, server, client, A, 801, 0);
	segment(t + 8 * US, device, false, server, client, A | F, 801, 0);
	segment(t + 9 * US, device, !lo, client, server, A, 1102, 0);
}

/* What the client's side tells of it; the process is in it from its connect(2) to its close(2). */
static void client_records(uint64_t t, pid_t pid, uint64_t address)
{
	static const struct end no_port = { 1, 0 };

	state(t, pid, address, no_port, server, TCP_CLOSE, TCP_SYN_SENT);
	state(t + 3 * US, 0, address, client, server, TCP_SYN_SENT, TCP_ESTABLISHED);
	state(t + 6 * US, pid, address, client, server, TCP_ESTABLISHED, TCP_FIN_WAIT1);
	state(t + 7 * US, 0, address, client, server, TCP_FIN_WAIT1, TCP_FIN_WAIT2);
	state(t + 9 * US, 0, address, client, server, TCP_FIN_WAIT2, TCP_CLOSE);
	gone(t + 20 * US, client, server, 1000, 301);
}

static void check_exchange(const struct pevent_event *ev, uint64_t times)
{
	const struct pevent_network *n = &ev->usage.network;

	CHECK(ev->usage.known & PEVENT_KNOWN_NETWORK);
	CHECK_EQ(n->tx.payload, times * 1000);
	CHECK_EQ(n->rx.payload, times * 300);
	CHECK_EQ(n->tx.packets, times * 5);
	CHECK_EQ(n->rx.packets, times * 4);
	CHECK_EQ(n->tx.bytes, times * (1000 + 5 * 52));
	CHECK_EQ(n->rx.bytes, times * (300 + 4 * 52));
	CHECK_EQ(n->connections, times);
	CHECK_EQ(n->retransmits, 0);
	CHECK_EQ(n->origin, PEVENT_FROM_PERF);
	CHECK(!n->incomplete);
}

TEST(an_exit_waits_for_packets_and_counts)
{
	const struct pevent_event *ev;

	begin_network();
	fork_at(SECOND, 1, 100);
	client_records(SECOND + MS, 100, 0xabc);
	exit_at(SECOND + MS + 7 * US, 100);
	CHECK_EQ(next_complete()->type, PEVENT_FORK);
	CHECK_EQ(next_complete()->type, PEVENT_CONN);
	CHECK(!next_complete());
	exchange(SECOND + MS, ETH);
	run_to(SECOND + 2 * MS);
	ev = next_complete();
	CHECK_EQ(ev->type, PEVENT_EXIT);
	check_exchange(ev, 1);
	CHECK_EQ(ev->connections->n, 1);
	CHECK_EQ(ev->connections->total, 1);
	CHECK_EQ(ev->connections->connection[0].role, PEVENT_ROLE_CLIENT);
	CHECK_EQ(ev->connections->connection[0].local_port, 40000);
	CHECK_EQ(ev->connections->connection[0].remote[3], 2);
	CHECK_EQ(ev->connections->connection[0].rtt_ns, 5000);
	CHECK_EQ(ev->connections->connection[0].opened_ns, SECOND + MS);
	CHECK_EQ(ev->connections->connection[0].closed_ns, SECOND + MS + 9 * US);
	CHECK(ev->connections->connection[0].final);
	ev = next_complete();
	CHECK_EQ(ev->type, PEVENT_CLOSE);
	CHECK_EQ(ev->process.pid, 100);
	CHECK_EQ(ev->connections->connection[0].tx.payload, 1000);
	end();
}

TEST(packets_may_come_first)
{
	const struct pevent_event *ev;

	begin_network();
	fork_at(SECOND, 1, 100);
	exchange(SECOND + MS, ETH);
	client_records(SECOND + MS, 100, 0xabc);
	exit_at(SECOND + 2 * MS, 100);
	run_to(SECOND + 3 * MS);
	do
		ev = next_complete();
	while (ev && ev->type != PEVENT_EXIT);
	check_exchange(ev, 1);
	end();
}

TEST(an_address_is_used_again_at_once)
{
	const struct pevent_event *ev;

	begin_network();
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t t = SECOND + i * 100 * US;

		fork_at(t, 1, 100 + (pid_t)i);
		client_records(t + US, 100 + (pid_t)i, 0xabc);
		exit_at(t + 50 * US, 100 + (pid_t)i);
	}
	for (unsigned int i = 0; i < 3; i++)
		exchange(SECOND + i * 100 * US + US, ETH);
	run_to(SECOND + MS);
	for (unsigned int exits = 0; exits < 3;) {
		ev = next_complete();
		if (ev->type == PEVENT_EXIT) {
			CHECK_EQ(ev->process.pid, 100 + exits);
			check_exchange(ev, 1);
			exits++;
		}
	}
	end();
}

TEST(loopback_credits_both_ends)
{
	static const struct end none = { 2, 0 };
	const struct pevent_event *ev;
	struct pevent_network_stats stats = { 0 };
	uint64_t t = SECOND + MS;

	begin_network();
	fork_at(SECOND, 1, 100);
	fork_at(SECOND, 1, 200);
	state(SECOND + US, 200, 0x5000, server, none, TCP_CLOSE, TCP_LISTEN);
	client_records(t, 100, 0xabc);
	state(t + 3 * US, 100, 0xdef, server, client, TCP_SYN_RECV, TCP_ESTABLISHED);
	state(t + 6 * US, 100, 0xdef, server, client, TCP_ESTABLISHED, TCP_CLOSE_WAIT);
	state(t + 8 * US, 200, 0xdef, server, client, TCP_CLOSE_WAIT, TCP_LAST_ACK);
	state(t + 9 * US, 0, 0xdef, server, client, TCP_LAST_ACK, TCP_CLOSE);
	gone(t + 21 * US, server, client, 300, 1001);
	exchange(t, LO);
	exit_at(t + 10 * US, 100);
	exit_at(t + 11 * US, 200);
	run_to(t + MS);
	do
		ev = next_complete();
	while (ev->type != PEVENT_EXIT);
	CHECK_EQ(ev->process.pid, 100);
	check_exchange(ev, 1);
	do
		ev = next_complete();
	while (ev->type != PEVENT_EXIT);
	CHECK_EQ(ev->process.pid, 200);
	CHECK_EQ(ev->usage.network.tx.payload, 300);
	CHECK_EQ(ev->usage.network.rx.payload, 1000);
	CHECK_EQ(ev->usage.network.tx.packets, 4);
	CHECK_EQ(ev->usage.network.rx.packets, 5);
	CHECK_EQ(ev->connections->connection[0].role, PEVENT_ROLE_SERVER);
	network_get_stats(&m, &stats);
	CHECK_EQ(stats.tx.packets, 9);
	CHECK_EQ(stats.rx.packets, 9);
	CHECK_EQ(stats.unknown_tx.packets + stats.unknown_rx.packets, 0);
	CHECK_EQ(stats.late_tx.packets, 0);
	end();
}

/* The workers that were forked from who listens: each connection is its whose close it is. */
TEST(a_worker_has_what_it_closes)
{
	static const struct end none = { 1, 0 }, local = { 1, 80 };
	uint32_t sums[3] = { 0 };
	const struct pevent_event *ev;

	begin_network();
	fork_at(SECOND, 1, 100);
	state(SECOND + US, 100, 0x5000, local, none, TCP_CLOSE, TCP_LISTEN);
	run_to(SECOND + 2 * US);
	for (pid_t pid = 101; pid < 104; pid++)
		fork_at(SECOND + 3 * US, 100, pid);
	for (unsigned int i = 0; i < 6; i++) {
		struct end remote = { 2, (uint16_t)(50000 + i) };
		pid_t worker = 101 + (pid_t)i % 3;
		uint64_t t = SECOND + MS + i * 20 * US, sock = 0x9000 + i * 64;

		segment(t, ETH, false, remote, local, S, 0, 0);
		segment(t + US, ETH, true, local, remote, S | A, 0, 0);
		state(t + 2 * US, 0, sock, local, remote, TCP_SYN_RECV, TCP_ESTABLISHED);
		segment(t + 3 * US, ETH, true, local, remote, A, 1, 1000 * (i + 1));
		state(t + 4 * US, worker, sock, local, remote, TCP_ESTABLISHED, TCP_FIN_WAIT1);
		state(t + 5 * US, 0, sock, local, remote, TCP_FIN_WAIT2, TCP_CLOSE);
		gone(t + 6 * US, local, remote, 1000 * (i + 1), 0);
		sums[i % 3] += 1000 * (i + 1);
	}
	for (pid_t pid = 101; pid < 104; pid++)
		exit_at(SECOND + 2 * MS, pid);
	run_to(SECOND + 3 * MS);
	for (unsigned int exits = 0; exits < 3;) {
		ev = next_complete();
		if (ev->type != PEVENT_EXIT)
			continue;
		CHECK_EQ(ev->usage.network.tx.payload, sums[exits]);
		CHECK_EQ(ev->usage.network.connections, 2);
		exits++;
	}
	end();
}

TEST(without_final_counts_it_is_incomplete)
{
	static const struct end no_port = { 1, 0 };
	struct pevent_network_stats stats = { 0 };
	const struct pevent_event *ev;
	uint64_t t = SECOND + MS;

	begin_network();
	fork_at(SECOND, 1, 100);
	state(t, 100, 0xabc, no_port, server, TCP_CLOSE, TCP_SYN_SENT);
	state(t + 3 * US, 0, 0xabc, client, server, TCP_SYN_SENT, TCP_ESTABLISHED);
	segment(t + 1 * US, ETH, true, client, server, S, 100, 0);
	segment(t + 4 * US, ETH, true, client, server, A, 101, 500);
	exit_at(t + 10 * US, 100);
	CHECK_EQ(next_complete()->type, PEVENT_FORK);
	CHECK_EQ(next_complete()->type, PEVENT_CONN);
	run_to(t + 10 * US + NETWORK_EXIT_NS - 1);
	CHECK(!next_complete());
	run_to(t + 10 * US + NETWORK_EXIT_NS);
	ev = next_complete();
	CHECK_EQ(ev->type, PEVENT_EXIT);
	CHECK(ev->usage.network.incomplete);
	CHECK_EQ(ev->usage.network.tx.payload, 500);
	CHECK(ev->connections->connection[0].open);
	segment(t + 60 * MS, ETH, true, client, server, A | F, 601, 0);
	network_get_stats(&m, &stats);
	CHECK_EQ(stats.late_tx.packets, 1);
	CHECK_EQ(stats.unknown_tx.packets, 0);
	CHECK_EQ(stats.tx.packets, 3);
	end();
}

TEST(a_refused_connection_is_none)
{
	static const struct end no_port = { 1, 0 };
	const struct pevent_event *ev;
	uint64_t t = SECOND + MS;

	begin_network();
	fork_at(SECOND, 1, 100);
	state(t, 100, 0xabc, no_port, server, TCP_CLOSE, TCP_SYN_SENT);
	state(t + 3 * US, 0, 0xabc, client, server, TCP_SYN_SENT, TCP_CLOSE);
	segment(t + 1 * US, ETH, true, client, server, S, 100, 0);
	segment(t + 2 * US, ETH, false, server, client, R | A, 0, 0);
	gone(t + 5 * US, client, server, 0, 0);
	exit_at(t + 10 * US, 100);
	run_to(t + MS);
	CHECK_EQ(next_complete()->type, PEVENT_FORK);
	ev = next_complete();
	CHECK_EQ(ev->type, PEVENT_EXIT);
	CHECK_EQ(ev->usage.network.connections, 0);
	CHECK_EQ(ev->usage.network.tx.packets, 1);
	CHECK_EQ(ev->usage.network.rx.packets, 1);
	CHECK(!ev->usage.network.incomplete);
	end();
}

/* A port that was refused a moment ago is used again: the counts are of the one that was open. */
TEST(final_counts_are_not_those_of_a_refused_connection)
{
	static const struct end no_port = { 1, 0 };
	const struct pevent_event *ev;
	uint64_t t = SECOND + MS;

	begin_network();
	fork_at(SECOND, 1, 100);
	state(t, 100, 0xabc, no_port, server, TCP_CLOSE, TCP_SYN_SENT);
	state(t + 3 * US, 0, 0xabc, client, server, TCP_SYN_SENT, TCP_CLOSE);
	segment(t + 1 * US, ETH, true, client, server, S, 100, 0);
	segment(t + 2 * US, ETH, false, server, client, R | A, 0, 0);
	fork_at(t + 50 * US, 1, 101);
	client_records(t + 100 * US, 101, 0xabc);
	exchange(t + 100 * US, ETH);
	exit_at(t + 200 * US, 100);
	exit_at(t + 201 * US, 101);
	run_to(t + MS);
	do
		ev = next_complete();
	while (ev->type != PEVENT_EXIT);
	CHECK_EQ(ev->process.pid, 100);
	CHECK_EQ(ev->usage.network.tx.payload, 0);
	CHECK_EQ(ev->usage.network.connections, 0);
	do
		ev = next_complete();
	while (ev->type != PEVENT_EXIT);
	CHECK_EQ(ev->process.pid, 101);
	check_exchange(ev, 1);
	skip_all();
	end();
}

/* Sockets are told of again while connections of the run are open: they are the same. */
TEST(what_is_open_is_not_counted_twice)
{
	static const char fds[] = "s 3 socket:[4242]";
	static const struct end no_port = { 1, 0 };
	struct inet_diag_socket s = { .id = id_of(6, client, server), .inode = 4242, .state = 1 };
	struct proc_facts facts = { .read_ns = SECOND + 2 * MS, .pid = 100, .has_stat = true,
				    .stat = { .pid = 100, .state = 'S', .threads = 1 },
				    .fds = fds, .fds_len = sizeof(fds) };
	const struct pevent_event *ev;

	begin_network();
	fork_at(SECOND, 1, 100);
	state(SECOND + MS, 100, 0xabc, no_port, server, TCP_CLOSE, TCP_SYN_SENT);
	state(SECOND + MS + US, 0, 0xabc, client, server, TCP_SYN_SENT, TCP_ESTABLISHED);
	run_to(SECOND + 2 * MS);
	segment(SECOND + MS, ETH, true, client, server, S, 100, 0);
	segment(SECOND + 2 * MS, ETH, true, client, server, A, 101, 500);
	network_existing(&m, OWN, &s);
	model_sample(&m, &facts);
	segment(SECOND + 3 * MS, ETH, true, client, server, A, 601, 500);
	model_snapshot(&m, true, SECOND + 4 * MS);
	skip_to(&ev, PEVENT_SNAPSHOT);
	CHECK_EQ(ev->usage.network.connections, 1);
	CHECK_EQ(ev->usage.network.tx.payload, 1000);
	CHECK_EQ(ev->usage.network.origin, PEVENT_FROM_PERF);
	CHECK_EQ(ev->connections->n, 1);
	skip_all();
	end();
}

/* More strangers than there is room for leave the connections of the living alone. */
TEST(a_port_scan_costs_nobody_his_connection)
{
	const struct pevent_event *ev;

	begin_network();
	for (uint32_t i = 0; i < FLOWS_MAX + 100; i++) {
		struct end from = { (uint8_t)(3 + i / 60000), (uint16_t)(i % 60000 + 1) };

		segment(SECOND + i, ETH, false, from, server, S, 0, 0);
	}
	fork_at(SECOND + MS, 1, 100);
	client_records(SECOND + 2 * MS, 100, 0xabc);
	exit_at(SECOND + 3 * MS, 100);
	exchange(SECOND + 2 * MS, ETH);
	run_to(SECOND + 4 * MS);
	skip_to(&ev, PEVENT_EXIT);
	check_exchange(ev, 1);
	CHECK(m.network.flows.evicted >= 100);
	skip_all();
	end();
}

TEST(datagrams_by_record_and_by_packet)
{
	static const struct end resolver = { 2, 53 }, asker = { 1, 50000 };
	struct pevent_network_stats stats = { 0 };
	const struct pevent_event *ev;
	uint64_t t = SECOND + MS;

	begin_network();
	network_udp(&m, true, SECOND);
	fork_at(SECOND, 1, 100);
	datagram(t, true, asker, resolver, 40);
	datagram(t + US, false, resolver, asker, 500);
	message(t + US, 100, true, 40, 0);
	message(t + 2 * US, 100, false, 500, MSG_PEEK);
	message(t + 3 * US, 100, false, -11, 0);
	message(t + 4 * US, 100, false, 500, 0);
	network_udp(&m, false, t + 10 * US);	/* too many: packets have to do */
	found(t + 20 * US, 100, 17, asker, resolver);
	datagram(t + 20 * US, true, asker, resolver, 60);
	run_to(t + 30 * US);
	exit_at(t + 40 * US, 100);
	CHECK_EQ(next_complete()->type, PEVENT_FORK);
	run_to(t + MS);
	ev = next_complete();
	CHECK_EQ(ev->type, PEVENT_EXIT);
	CHECK_EQ(ev->usage.network.tx.payload, 100);
	CHECK_EQ(ev->usage.network.tx.bytes, 100 + 2 * 28);
	CHECK_EQ(ev->usage.network.tx.packets, 2);
	CHECK_EQ(ev->usage.network.rx.payload, 500);
	CHECK_EQ(ev->usage.network.connections, 0);
	network_get_stats(&m, &stats);
	CHECK_EQ(stats.tx.bytes, 100 + 2 * 28);
	CHECK_EQ(stats.unknown_tx.bytes, 0);
	CHECK_EQ(stats.unknown_rx.bytes, 0);
	end();
}

/* One process's datagrams are too many for records; those of others are not. */
TEST(a_flooder_is_counted_by_its_packets)
{
	static const struct end flood = { 1, 50000 }, asker = { 1, 50001 }, sink = { 2, 9 };
	static const char fds[] = "s 3 socket:[4242]";
	struct inet_diag_socket s = { .id = id_of(17, flood, sink), .inode = 4242, .state = 7 };
	struct proc_facts facts = { .read_ns = SECOND + 2 * MS, .pid = 100, .has_stat = true,
				    .stat = { .pid = 100, .state = 'R', .threads = 1 },
				    .fds = fds, .fds_len = sizeof(fds) };
	struct pevent_network_stats stats = { 0 };
	const struct pevent_event *ev;

	begin_network();
	network_udp(&m, true, SECOND);
	fork_at(SECOND, 1, 100);
	fork_at(SECOND, 1, 101);
	datagram(SECOND + MS, true, flood, sink, 10);
	message(SECOND + MS, 100, true, 10, 0);
	run_to(SECOND + 2 * MS);
	network_udp_process(&m, 100, false, SECOND + 2 * MS);
	CHECK_EQ(m.network.n_looks, 1);
	CHECK_EQ(m.network.looks[0], 100);
	s.id.remote_port = 0;
	memset(s.id.remote, 0, sizeof(s.id.remote));
	network_existing(&m, OWN, &s);
	model_sample(&m, &facts);
	for (unsigned int i = 0; i < 5; i++)
		datagram(SECOND + 3 * MS + i, true, flood, sink, 10);
	datagram(SECOND + 3 * MS, true, asker, sink, 70);
	message(SECOND + 3 * MS, 101, true, 70, 0);
	run_to(SECOND + 4 * MS);
	exit_at(SECOND + 5 * MS, 100);
	exit_at(SECOND + 5 * MS, 101);
	CHECK_EQ(next_complete()->type, PEVENT_FORK);
	CHECK_EQ(next_complete()->type, PEVENT_FORK);
	run_to(SECOND + 6 * MS);
	ev = next_complete();
	CHECK_EQ(ev->usage.network.tx.payload, 60);
	CHECK_EQ(ev->usage.network.tx.packets, 6);
	ev = next_complete();
	CHECK_EQ(ev->usage.network.tx.payload, 70);
	network_get_stats(&m, &stats);
	CHECK_EQ(stats.tx.payload, 130);
	CHECK_EQ(stats.unknown_tx.payload, 0);
	end();
}

TEST(a_port_serves_two_processes_one_after_the_other)
{
	static const struct end resolver = { 2, 53 }, asker = { 1, 50000 };
	const struct pevent_event *ev;

	begin_network();
	for (pid_t pid = 100; pid < 102; pid++) {
		uint64_t t = SECOND + (uint64_t)(pid - 99) * MS;

		fork_at(t, 1, pid);
		found(t + 1 * US, pid, 17, asker, resolver);
		run_to(t + 2 * US);
		datagram(t + 1 * US, true, asker, resolver, 40);
		datagram(t + 2 * US, false, resolver, asker, 100 * (uint32_t)(pid - 99));
		exit_at(t + 5 * US, pid);
		run_to(t + 20 * US);
		CHECK_EQ(next_complete()->type, PEVENT_FORK);
		ev = next_complete();
		CHECK_EQ(ev->type, PEVENT_EXIT);
		CHECK_EQ(ev->usage.network.tx.payload, 40);
		CHECK_EQ(ev->usage.network.rx.payload, 100 * (pid - 99));
		CHECK_EQ(ev->usage.network.origin, PEVENT_FROM_SOCK_DIAG);
	}
	end();
}

/* Where lookups have to do: one was too late, and one process can only have been it. */
TEST(who_else_can_it_have_been)
{
	const struct pevent_event *ev;

	for (unsigned int others = 0; others < 2; others++) {
		begin_network();
		m.network.has_records = false;
		fork_at(SECOND, 1, 100);
		if (others)
			fork_at(SECOND, 1, 101);
		exchange(SECOND + MS, ETH);
		gone(SECOND + MS + 20 * US, client, server, 1000, 301);
		exit_at(SECOND + 2 * MS, 100);
		if (others)
			exit_at(SECOND + 2 * MS, 101);
		run_to(SECOND + 10 * MS);
		CHECK_EQ(next_complete()->type, PEVENT_FORK);
		if (others)
			CHECK_EQ(next_complete()->type, PEVENT_FORK);
		CHECK(!next_complete());
		run_to(SECOND + 30 * MS);
		ev = next_complete();
		CHECK_EQ(ev->type, PEVENT_EXIT);
		CHECK_EQ(ev->usage.network.tx.payload, others ? 0 : 1000);
		CHECK_EQ(ev->usage.network.origin,
			 others ? PEVENT_FROM_NONE : PEVENT_FROM_INFERRED);
		if (others)
			CHECK_EQ(next_complete()->usage.network.tx.payload, 0);
		end();
	}
}

TEST(sockets_that_were_there_belong_to_who_has_them_open)
{
	static const char fds[] = "s 3 socket:[4242]\0s 4 socket:[4243]\0r 5 /x";
	struct inet_diag_socket s = { .id = id_of(6, client, server), .inode = 4242, .state = 1 };
	struct proc_facts facts = { .read_ns = SECOND, .pid = 50, .has_stat = true,
				    .stat = { .pid = 50, .state = 'S', .threads = 1,
					      .start_ticks = 3 },
				    .fds = fds, .fds_len = sizeof(fds) };
	const struct pevent_event *ev;

	begin_network();
	network_existing(&m, OWN, &s);
	s.id = id_of(17, (struct end){ 1, 53 }, (struct end){ 0, 0 });
	memset(s.id.remote, 0, sizeof(s.id.remote));
	s.inode = 4243;
	network_existing(&m, OWN, &s);
	CHECK_EQ(m.network.sockets.unowned, 2);
	scan(SECOND, SECOND + 1, true, &facts, 1);
	CHECK_EQ(m.network.sockets.unowned, 0);
	segment(SECOND + MS, ETH, true, client, server, A, 1, 700);
	datagram(SECOND + MS, false, (struct end){ 2, 999 }, (struct end){ 1, 53 }, 90);
	model_snapshot(&m, true, SECOND + 2 * MS);
	ev = next_complete();
	CHECK_EQ(ev->type, PEVENT_SNAPSHOT);
	CHECK_EQ(ev->usage.network.tx.payload, 700);
	CHECK_EQ(ev->usage.network.rx.payload, 90);
	CHECK_EQ(ev->usage.network.connections, 1);
	CHECK_EQ(ev->usage.network.origin, PEVENT_FROM_SOCK_DIAG);
	CHECK_EQ(ev->connections->n, 2);
	end();
}

/* Who is met there first may be gone when it is to be entered. */
TEST(namespaces_are_met_until_they_are_entered)
{
	struct network_state *n = &m.network;
	uint32_t empty[2];

	begin_network();
	network_entered(&m, OWN, 0);
	fork_at(100, 1, 10);
	network_meet(&m, process_find_living(&m.table, 10), OTHER);
	CHECK_EQ(n->n_new, 1);
	CHECK_EQ(n->new[0].pid, 10);
	fork_at(200, 10, 20);
	fork_at(300, 1, 30);
	fork_at(400, 20, 40);
	exit_at(500, 10);
	CHECK_EQ(network_inhabitant(&m, OTHER, 0), 40);
	CHECK_EQ(network_inhabitant(&m, OTHER, 40), 20);
	CHECK_EQ(network_inhabitant(&m, OTHER, 20), 0);
	CHECK_EQ(network_inhabitant(&m, OWN, 0), 0);
	CHECK(network_was_unseen(n, process_find_living(&m.table, 20)));
	CHECK(!network_was_unseen(n, process_find_living(&m.table, 30)));

	/* Could not be entered: the next survey finds who else is in it. */
	n->n_new = 0;
	network_forget(&m, OTHER);
	CHECK_EQ(network_survey(&m, empty, 2), 0);
	CHECK_EQ(n->n_new, 1);
	CHECK_EQ(n->new[0].pid, 40);
	network_entered(&m, OTHER, 600);
	CHECK(network_was_unseen(n, process_find_living(&m.table, 40)));
	fork_at(700, 20, 50);
	CHECK(!network_was_unseen(n, process_find_living(&m.table, 50)));
	CHECK_EQ(network_survey(&m, empty, 2), 0);
	CHECK_EQ(n->n_new, 1);
	exit_at(800, 20);
	exit_at(800, 40);
	CHECK_EQ(network_survey(&m, empty, 2), 0);
	exit_at(900, 50);
	CHECK_EQ(network_survey(&m, empty, 2), 1);
	CHECK_EQ(empty[0], OTHER);
	while (next_complete())
		;
	end();
}

TEST_MAIN()
