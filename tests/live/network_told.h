/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All of the network at once, and what it tells of four namespaces at most. */
#ifndef NETWORK_TOLD_H
#define NETWORK_TOLD_H

#include "source/network.h"

#include <netinet/tcp.h>

#include "namespaces.h"
#include "source/netns.h"
#include "util/clock.h"
#include "util/macro.h"

#define CLIENTS 200
#define FEW 20
#define OPENED_MAX 65536	/* by anybody on this machine */

static const struct clock real;
static char said[512];

_test_ void hear(void *data, int level, const char *message)
{
	(void)data;
	if (level < LOG_LEVEL_DEBUG)
		snprintf(said, sizeof(said), "%s", message);
}

static const struct log listener = { hear, NULL };

/* What one namespace told. */
struct told {
	uint32_t netns;
	uint64_t packets, payload, in, out;
	unsigned int clients, servers, listening, wrong;
	bool is_in;
};

static struct {
	struct told space[4];
	unsigned int strangers;	/* of other namespaces */
	unsigned int opened;	/* records */
	uint64_t last_ns, backwards, lost;
	uint64_t late, late_ns;	/* packets that all should have been drained before, by how much */
	unsigned int udp_changes, udp_records, found, found_right;
	bool udp, own_off;
	int32_t pids[OPENED_MAX];
} all;

static struct network *network;

_test_ struct told *told_of(uint32_t netns)
{
	for (size_t i = 0; i < ARRAY_SIZE(all.space); i++)
		if (all.space[i].netns == netns)
			return &all.space[i];
	all.strangers++;
	return &all.space[ARRAY_SIZE(all.space) - 1];
}

_test_ void packet(void *data, uint32_t netns, const struct packet *p, uint64_t time_ns)
{
	struct told *t = told_of(netns);
	const uint64_t until = network_packets_until(network);	/* as of the drain before */

	(void)data;
	CHECK(time_ns <= clock_now(&real));
	if (time_ns <= until) {
		all.late++;
		all.late_ns = MAX(all.late_ns, until - time_ns);
	}
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP)
		return;
	t->packets++;
	t->payload += p->payload_bytes;
	t->in += p->direction == PACKET_INCOMING;
	t->out += p->direction == PACKET_OUTGOING;
}

_test_ void record(void *data, const struct tracepoint_record *r)
{
	(void)data;
	all.backwards += r->time_ns < all.last_ns;
	all.last_ns = r->time_ns;
	if (r->kind == TRACEPOINT_STATE && r->new_state == TCP_SYN_SENT) {
		if (all.opened < OPENED_MAX)
			all.pids[all.opened] = r->pid;
		all.opened++;
	}
	if (r->kind != TRACEPOINT_STATE) {
		CHECK(all.udp);
		all.udp_records += r->pid == getpid();
	}
}

_test_ void destroyed(_unused_ void *data, uint32_t netns, const struct inet_diag_socket *s,
		      _unused_ uint64_t time_ns)
{
	struct told *t = told_of(netns);
	uint64_t sent = s->tcp.bytes_sent - s->tcp.bytes_retrans;

	if (s->id.protocol != IPPROTO_TCP || !s->id.remote_port)
		return;
	t->clients += s->id.remote_port == PORT;
	t->servers += s->id.local_port == PORT;
	t->wrong += sent != PAYLOAD;
}

_test_ void existing(void *data, uint32_t netns, const struct inet_diag_socket *s)
{
	(void)data;
	told_of(netns)->listening += s->state == TCP_LISTEN && s->id.local_port == PORT &&
				     s->id.protocol == IPPROTO_TCP && s->inode;
}

_test_ void found(void *data, const struct network_found *f)
{
	(void)data;
	all.found += f->tgid != 0;
	all.found_right += f->tgid == getpid();
}

_test_ void udp(void *data, bool on, uint64_t time_ns)
{
	(void)data;
	all.backwards += time_ns < all.last_ns;
	all.last_ns = MAX(all.last_ns, time_ns);
	all.udp = on;
	all.udp_changes++;
}

_test_ void udp_process(void *data, int32_t tgid, bool on, uint64_t time_ns)
{
	(void)data;
	all.backwards += time_ns < all.last_ns;
	all.last_ns = MAX(all.last_ns, time_ns);
	if (tgid == getpid())
		all.own_off = !on;
}

_test_ void lost(void *data, uint64_t records)
{
	(void)data;
	all.lost += records;
}

_test_ void entered(_unused_ void *data, uint32_t netns, _unused_ uint64_t since_ns)
{
	told_of(netns)->is_in = true;
}

_test_ void left(_unused_ void *data, uint32_t netns)
{
	told_of(netns)->is_in = false;
}

static const struct network_fns fns = {
	.packet = packet, .record = record, .destroyed = destroyed, .existing = existing,
	.found = found, .udp = udp, .udp_process = udp_process, .lost = lost,
	.entered = entered, .left = left,
};

_test_ size_t namespaces(void)
{
	struct network_account account;

	network_get_account(network, &account);
	return account.namespaces;
}

_test_ void drain(void)
{
	CHECK_EQ(network_drain(network, &fns, NULL), 0);
}

/* For so long, at least. */
_test_ void drain_for(unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i += 5) {
		drain();
		rest(5);
	}
}

_test_ int try_open(const char *interface, enum network_owner owner)
{
	const struct network_options options = {
		.interface = interface, .owner = owner, .buffer = 16 << 20,
	};

	said[0] = '\0';
	memset(&all, 0, sizeof(all));
	return network_open(&network, &options, &real, &listener);
}

_test_ uint32_t inode_of(pid_t pid)
{
	uint32_t inode = 0;

	CHECK_EQ(netns_of(pid, &inode), 0);
	return inode;
}

_test_ void end(void)
{
	CHECK_EQ(all.strangers, 0);
	CHECK_EQ(all.backwards, 0);
	if (all.late)
		printf("# %llu packets late, up to %.1f ms\n", (unsigned long long)all.late,
		       (double)all.late_ns / 1e6);
	CHECK_EQ(all.late, 0);
	network = network_free(network);
}

#endif
