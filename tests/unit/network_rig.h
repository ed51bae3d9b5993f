/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A network made by hand: two hosts, packets, tracepoint records, notices. */
#ifndef NETWORK_RIG_H
#define NETWORK_RIG_H

#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "model/network.h"
#include "model_rig.h"

#define OWN 1000u	/* network namespaces */
#define OTHER 2000u

enum { LO = 1, ETH = 2 };
enum { S = PACKET_TCP_SYN, A = PACKET_TCP_ACK, F = PACKET_TCP_FIN, R = PACKET_TCP_RST };

struct end {
	uint8_t host;
	uint16_t port;
};

_test_ void begin_network(void)
{
	begin(64);
	m.network.is_on = m.network.has_notices = m.network.has_records = true;
	m.network.keeps_connections = true;
	m.network.own = OWN;
}

/* Everything that waits, and events with it. */
_test_ void run_to(uint64_t time_ns)
{
	while (network_next(&m) <= time_ns)
		network_advance(&m);
	network_tick(&m, time_ns, time_ns);
}

_test_ const struct pevent_event *next_complete(void)
{
	return network_take(&m);
}

_test_ void skip_to(const struct pevent_event **ret, enum pevent_type type)
{
	do
		*ret = next_complete();
	while (*ret && (*ret)->type != type);
	CHECK(*ret);
}

_test_ void fork_at(uint64_t time_ns, pid_t parent, pid_t pid)
{
	run_to(time_ns);
	apply(fact_fork(time_ns, pid, parent));
}

_test_ void exit_at(uint64_t time_ns, pid_t pid)
{
	run_to(time_ns);
	apply(fact((uint32_t)CN_EXIT, time_ns, pid, pid));
}

_test_ struct packet packet_of(int device, bool out, struct end from, struct end to,
			       uint8_t protocol)
{
	struct packet p = { .family = AF_INET, .protocol = protocol, .has_ports = true,
			    .src = { 10, 0, 0, from.host }, .dst = { 10, 0, 0, to.host },
			    .src_port = from.port, .dst_port = to.port,
			    .ifindex = (uint32_t)device,
			    .direction = out ? PACKET_OUTGOING : PACKET_INCOMING };

	return p;
}

/* A segment of so much payload, in 52 bytes of headers. */
_test_ void segment(uint64_t time_ns, int device, bool out, struct end from, struct end to,
		    unsigned int flags, uint32_t seq, uint32_t payload)
{
	struct packet p = packet_of(device, out, from, to, 6);

	p.tcp_flags = (uint8_t)flags;
	p.seq = seq;
	p.payload_bytes = payload;
	p.l3_bytes = 52 + payload;
	network_packet(&m, OWN, &p, time_ns);
}

_test_ void datagram(uint64_t time_ns, bool out, struct end from, struct end to, uint32_t payload)
{
	struct packet p = packet_of(ETH, out, from, to, 17);

	p.payload_bytes = payload;
	p.l3_bytes = 28 + payload;
	network_packet(&m, OWN, &p, time_ns);
}

_test_ void state(uint64_t time_ns, pid_t pid, uint64_t address, struct end local,
		  struct end remote, int old_state, int new_state)
{
	struct network_fact f = {
		.time_ns = time_ns, .kind = NETWORK_STATE,
		.u.state = { .time_ns = time_ns, .skaddr = address, .pid = pid, .tid = pid,
			     .kind = TRACEPOINT_STATE, .family = AF_INET, .protocol = 6,
			     .local_port = local.port, .remote_port = remote.port,
			     .old_state = old_state, .new_state = new_state,
			     .local = { 10, 0, 0, local.host },
			     .remote = { 10, 0, 0, remote.host } },
	};

	CHECK_EQ(network_add(&m, &f), 0);
}

_test_ void message(uint64_t time_ns, pid_t pid, bool sent, int32_t returned, uint32_t flags)
{
	const struct tracepoint_record r = {
		.time_ns = time_ns, .skaddr = 77, .pid = pid, .tid = pid,
		.kind = sent ? TRACEPOINT_SEND : TRACEPOINT_RECEIVE,
		.family = AF_INET, .protocol = 17, .returned = returned, .flags = flags,
	};

	CHECK_EQ(network_record(&m, &r), 0);
}

_test_ struct inet_diag_id id_of(uint8_t protocol, struct end local, struct end remote)
{
	return (struct inet_diag_id){ .family = AF_INET, .protocol = protocol,
				     .local_port = local.port, .remote_port = remote.port,
				      .local = { 10, 0, 0, local.host },
				      .remote = { 10, 0, 0, remote.host } };
}

/* A TCP socket is gone: with what it sent, and received with the FIN. */
_test_ void gone(uint64_t time_ns, struct end local, struct end remote, uint64_t sent,
		 uint64_t received)
{
	struct network_fact f = {
		.time_ns = time_ns, .kind = NETWORK_DESTROYED, .netns = OWN,
		.u.destroyed = { .id = id_of(6, local, remote),
				 .tcp = { .has = UINT32_MAX, .bytes_sent = sent,
					  .bytes_received = received, .rtt_ns = 5000 } },
	};

	CHECK_EQ(network_add(&m, &f), 0);
}

_test_ void found(uint64_t time_ns, pid_t pid, uint8_t protocol, struct end local,
		  struct end remote)
{
	struct network_fact f = { .time_ns = time_ns, .kind = NETWORK_FOUND, .netns = OWN,
				  .u.found = { .id = id_of(protocol, local, remote),
					       .tgid = pid } };

	CHECK_EQ(network_add(&m, &f), 0);
}

#endif
