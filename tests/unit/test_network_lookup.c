/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of sockets where no tracepoint tells: ports, lookups, packets that come late. */
#include "network_rig.h"

#define MS UINT64_C(1000000)
#define US UINT64_C(1000)
#define LATE (44 * MS)		/* packets after what they are of */

static const struct end client = { 1, 40000 }, server = { 2, 80 };

static struct proc_facts process_with(pid_t pid, const char *fds, size_t len)
{
	return (struct proc_facts){
		.read_ns = SECOND, .pid = pid, .has_stat = true, .fds = fds, .fds_len = len,
		.stat = { .pid = pid, .state = 'S', .threads = 1, .start_ticks = 3 },
	};
}

/* A socket that listens, or waits for datagrams, there since before the run. */
static void listens(uint8_t protocol, struct end at, uint32_t inode, uint64_t cookie)
{
	struct inet_diag_socket s = { .id = id_of(protocol, at, (struct end){ 0, 0 }),
				      .inode = inode, .state = protocol == 6 ? 10 : 7 };

	memset(s.id.remote, 0, sizeof(s.id.remote));
	s.id.cookie = cookie;
	network_existing(&m, OWN, &s);
}

static void stops_listening(uint64_t time_ns, uint8_t protocol, struct end at, uint64_t cookie)
{
	struct network_fact f = { .time_ns = time_ns, .kind = NETWORK_DESTROYED, .netns = OWN };

	f.u.destroyed.id = id_of(protocol, at, (struct end){ 0, 0 });
	f.u.destroyed.id.cookie = cookie;
	CHECK_EQ(network_add(&m, &f), 0);
}

static void begin_lookups(void)
{
	static const char fds[] = "s 3 socket:[4242]";
	struct proc_facts facts = process_with(50, fds, sizeof(fds));

	begin_network();
	m.network.has_records = false;
	m.network.has_lookups = true;
	m.network.now_ns = SECOND;
	listens(6, server, 4242, 7);
	scan(SECOND, SECOND + 1, true, &facts, 1);
	CHECK_EQ(m.network.sockets.unowned, 0);
}

/* At the server's end. */
static void handshake(uint64_t t, struct end from, bool done)
{
	segment(t, ETH, false, from, server, S, 100, 0);
	segment(t + US, ETH, true, server, from, S | A, 500, 0);
	segment(t + 2 * US, ETH, false, from, server, done ? A : R, 101, 0);
}

static struct pevent_network of_server(uint64_t time_ns)
{
	const struct pevent_event *ev;

	model_snapshot(&m, true, time_ns);
	skip_to(&ev, PEVENT_SNAPSHOT);
	CHECK_EQ(ev->process.pid, 50);
	return ev->usage.network;
}

static void skip_rest(void)
{
	while (next_complete())
		;
}

/* Who scans ports makes no connection, and the server misses nothing of it. */
TEST(a_handshake_that_does_not_end_is_no_connection)
{
	struct pevent_network n;

	begin_lookups();
	for (uint16_t i = 0; i < 100; i++) {
		uint64_t t = SECOND + i * MS;

		handshake(t, (struct end){ 1, (uint16_t)(40000 + i) }, false);
		/* Nobody answers to the answer. */
		segment(t, ETH, false, (struct end){ 3, (uint16_t)(40000 + i) }, server, S, 9, 0);
		segment(t + US, ETH, true, server, (struct end){ 3, (uint16_t)(40000 + i) }, S | A,
			500, 0);
	}
	run_to(SECOND + SECOND);
	CHECK(!next_complete());
	n = of_server(2 * SECOND);
	CHECK_EQ(n.connections, 0);
	CHECK_EQ(n.rx.packets, 300);
	CHECK(!n.incomplete);
	for (unsigned int s = 2; s < 40; s++)
		run_to(s * SECOND);
	n = of_server(40 * SECOND);
	CHECK_EQ(n.connections, 0);
	CHECK_EQ(n.rx.packets, 300);
	CHECK(!n.incomplete);
	CHECK(list_empty(&m.network.flows.open));
	CHECK(list_empty(&m.network.flows.strange));
	skip_rest();
	end();
}

TEST(packets_and_a_lookup_tell_of_a_connection)
{
	const uint64_t t = 2 * SECOND;
	const struct pevent_event *ev;

	for (unsigned int first = 0; first < 3; first++) {
		begin_lookups();
		m.network.keeps_connections = true;
		fork_at(t - MS, 1, 100);
		network_tick(&m, t - MS, t - MS);
		if (first == 0)
			found(t, 100, 6, client, server);
		if (first == 2)		/* the notice is there before any packet */
			gone(t + 20 * US, client, server, 0, 0);
		if (first != 1)
			while (network_next(&m) <= t + MS)
				network_advance(&m);
		m.network.now_ns = t + LATE;
		segment(t, ETH, true, client, server, S, 100, 0);
		segment(t + US, ETH, false, server, client, S | A, 500, 0);
		segment(t + 2 * US, ETH, true, client, server, A, 101, 0);
		if (first)
			found(t, 100, 6, client, server);
		if (first != 2)
			gone(t + LATE, client, server, 0, 0);
		run_to(t + 3 * LATE);
		skip_to(&ev, PEVENT_CONN);
		CHECK_EQ(ev->process.pid, 100);
		CHECK_EQ(ev->connections->connection[0].remote_port, 80);
		skip_to(&ev, PEVENT_CLOSE);
		CHECK_EQ(ev->process.pid, 100);
		CHECK(!next_complete());
		end();
	}
}

TEST(a_connection_of_before_is_closed_and_not_opened)
{
	static const char fds[] = "s 4 socket:[4300]";
	struct proc_facts facts = process_with(60, fds, sizeof(fds));
	struct inet_diag_socket s = { .id = id_of(6, client, server), .inode = 4300, .state = 1 };
	const struct pevent_event *ev;

	begin_network();
	m.network.has_records = false;
	m.network.now_ns = SECOND;
	network_existing(&m, OWN, &s);
	scan(SECOND, SECOND + 1, true, &facts, 1);
	segment(SECOND + MS, ETH, true, client, server, A, 101, 700);
	gone(SECOND + 2 * MS, client, server, 9000, 301);
	run_to(SECOND + 100 * MS);
	ev = next_complete();
	CHECK_EQ(ev->type, PEVENT_CLOSE);
	CHECK_EQ(ev->connections->connection[0].tx.payload, 700);
	CHECK(!next_complete());
	end();
}

/* A restart without a pause: the old one and the new one listen at the same port. */
TEST(a_port_is_who_is_left_there)
{
	static const char fds[] = "s 3 socket:[4243]";
	struct proc_facts facts = process_with(51, fds, sizeof(fds));
	struct pevent_network n;

	for (unsigned int told = 0; told < 2; told++) {
		begin_lookups();
		listens(6, server, 4243, 8);
		scan(SECOND + 2, SECOND + 3, false, &facts, 1);
		skip_rest();
		exit_at(SECOND + MS, 50);
		if (told)
			stops_listening(SECOND + MS, 6, server, 7);
		run_to(SECOND + 2 * MS);
		handshake(SECOND + 3 * MS, client, true);
		run_to(SECOND + 100 * MS);
		skip_rest();
		model_snapshot(&m, true, SECOND + 100 * MS);
		n = next_complete()->usage.network;
		CHECK_EQ(n.connections, 1);
		CHECK_EQ(n.rx.packets, 2);
		CHECK(!m.network.wants_ports);
		end();
	}
}

/* Its flow rests longer than a flow of datagrams is kept. */
TEST(a_connected_datagram_socket_may_rest)
{
	static const char fds[] = "s 4 socket:[4300]";
	static const struct end asker = { 1, 5000 }, resolver = { 2, 53 };
	struct proc_facts facts = process_with(60, fds, sizeof(fds));
	struct inet_diag_socket s = { .id = id_of(17, asker, resolver), .inode = 4300 };
	const struct pevent_event *ev;

	begin_network();
	m.network.has_records = false;
	m.network.now_ns = SECOND;
	network_existing(&m, OWN, &s);
	scan(SECOND, SECOND + 1, true, &facts, 1);
	for (unsigned int second = 2; second < 200; second++) {
		run_to(second * SECOND);
		facts.read_ns = second * SECOND;
		if (second % 40 == 0)
			model_sample(&m, &facts);
	}
	facts.read_ns = 200 * SECOND;
	model_sample(&m, &facts);
	datagram(200 * SECOND + MS, false, resolver, asker, 90);
	run_to(201 * SECOND);
	model_snapshot(&m, true, 201 * SECOND);
	skip_to(&ev, PEVENT_SNAPSHOT);
	CHECK_EQ(ev->usage.network.rx.payload, 90);
	CHECK_EQ(ev->connections->total, 1);
	end();
}

/* Of several on a port, and it is not known which: who had sent before need not have. */
TEST(one_of_several_has_sent)
{
	static const struct end asker = { 1, 5000 }, resolver = { 2, 53 };
	const uint64_t t = 2 * SECOND;
	struct network_fact doubt = { .kind = NETWORK_FOUND, .netns = OWN,
				      .u.found = { .id = id_of(17, asker, resolver) } };
	const struct pevent_event *ev;

	doubt.time_ns = t + 2 * MS;
	for (unsigned int shared = 0; shared < 2; shared++) {
		begin_lookups();
		fork_at(t - MS, 1, 100);
		found(t, 100, 17, asker, resolver);
		datagram(t, true, asker, resolver, 40);
		doubt.u.found.shared = shared;
		CHECK_EQ(network_add(&m, &doubt), 0);
		datagram(t + 2 * MS, true, asker, resolver, 60);
		exit_at(t + 4 * MS, 100);
		run_to(t + 3 * LATE);
		skip_to(&ev, PEVENT_EXIT);
		CHECK_EQ(ev->usage.network.tx.payload, 100);
		CHECK_EQ(ev->usage.network.estimated, shared);
		skip_rest();
		end();
	}
}

/* As a damaged recording may have it: no event is kept back by it. */
TEST(a_notice_of_no_time_holds_nothing_back)
{
	const struct pevent_event *ev;

	begin_network();
	fork_at(SECOND, 1, 100);
	state(SECOND + MS, 100, 0xabc, (struct end){ 1, 0 }, server, 7, 2);
	state(SECOND + MS + US, 0, 0xabc, client, server, 2, 1);
	gone(UINT64_MAX, client, server, 0, 0);
	exit_at(SECOND + 2 * MS, 100);
	CHECK_EQ(next_complete()->type, PEVENT_FORK);
	while (next_complete())
		;
	network_tick(&m, UINT64_MAX, UINT64_MAX);
	ev = network_take_again(&m);
	CHECK(ev);
	CHECK_EQ(ev->type, PEVENT_EXIT);
	end();
}

TEST_MAIN()
