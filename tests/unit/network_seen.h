/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the network tells, field by field, in words: a line of a strbuf for each call. */
#ifndef NETWORK_SEEN_H
#define NETWORK_SEEN_H

#include "source/network.h"
#include "test.h"
#include "util/macro.h"
#include "util/strbuf.h"

_test_ void see_packet(void *data, uint32_t netns, const struct packet *p, uint64_t time_ns)
{
	strbuf_printf(data, "packet %u %llu %u %u %u\n", netns, (unsigned long long)time_ns,
		      p->src_port, p->dst_port, p->l3_bytes);
}

_test_ void see_bytes(struct strbuf *b, const uint8_t *bytes)
{
	for (int i = 0; i < 16; i++)
		strbuf_printf(b, "%02x", bytes[i]);
	strbuf_putc(b, ' ');
}

_test_ void see_record(void *data, const struct tracepoint_record *r)
{
	strbuf_printf(data, "record %d %llu %llx %llu %d %d %u %u %u %u %u %d %d %d %d %u ",
		      r->kind, (unsigned long long)r->time_ns, (unsigned long long)r->skaddr,
		      (unsigned long long)r->lost, r->pid, r->tid, r->cpu, r->family, r->protocol,
		      r->local_port, r->remote_port, r->old_state, r->new_state, r->mapped,
		      r->returned, r->flags);
	see_bytes(data, r->local);
	see_bytes(data, r->remote);
	strbuf_putc(data, '\n');
}

_test_ void see_id(struct strbuf *b, const struct inet_diag_id *id)
{
	strbuf_printf(b, "%u %u %u %u %u %llx ", id->family, id->protocol, id->local_port,
		      id->remote_port, id->ifindex, (unsigned long long)id->cookie);
	see_bytes(b, id->local);
	see_bytes(b, id->remote);
}

_test_ void see_socket(struct strbuf *b, const char *what, uint32_t netns,
		       const struct inet_diag_socket *s)
{
	const struct inet_diag_tcp *t = &s->tcp;
	const uint64_t numbers[] = {
		t->rtt_ns, t->total_retrans, t->bytes_acked, t->bytes_received, t->segs_out,
		t->segs_in, t->data_segs_in, t->data_segs_out, t->bytes_sent, t->bytes_retrans,
	};

	strbuf_printf(b, "%s %u %d %u %u %u %x ", what, netns, s->mapped, s->state, s->uid,
		      s->inode, t->has);
	see_id(b, &s->id);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		strbuf_printf(b, "%llu ", (unsigned long long)numbers[i]);
	strbuf_putc(b, '\n');
}

_test_ void see_destroyed(void *data, uint32_t netns, const struct inet_diag_socket *s,
			  uint64_t time_ns)
{
	strbuf_printf(data, "%llu ", (unsigned long long)time_ns);
	see_socket(data, "destroyed", netns, s);
}

_test_ void see_existing(void *data, uint32_t netns, const struct inet_diag_socket *s)
{
	see_socket(data, "existing", netns, s);
}

_test_ void see_found(void *data, const struct network_found *f)
{
	strbuf_printf(data, "found %u %u %d %d %llu ", f->netns, f->inode, f->tgid, f->shared,
		      (unsigned long long)f->packet_ns);
	see_id(data, &f->id);
	strbuf_putc(data, '\n');
}

_test_ void see_udp(void *data, bool on, uint64_t time_ns)
{
	strbuf_printf(data, "udp %d %llu\n", on, (unsigned long long)time_ns);
}

_test_ void see_udp_process(void *data, int32_t tgid, bool on, uint64_t time_ns)
{
	strbuf_printf(data, "udp of %d %d %llu\n", tgid, on, (unsigned long long)time_ns);
}

_test_ void see_lost(void *data, uint64_t records)
{
	strbuf_printf(data, "lost %llu\n", (unsigned long long)records);
}

_test_ void see_entered(void *data, uint32_t netns, uint64_t since_ns)
{
	strbuf_printf(data, "entered %u %llu\n", netns, (unsigned long long)since_ns);
}

_test_ void see_left(void *data, uint32_t netns)
{
	strbuf_printf(data, "left %u\n", netns);
}

static const struct network_fns eyes = {
	.packet = see_packet, .destroyed = see_destroyed, .existing = see_existing, .udp = see_udp,
	.record = see_record, .found = see_found, .udp_process = see_udp_process, .lost = see_lost,
	.entered = see_entered, .left = see_left,
};

#endif
