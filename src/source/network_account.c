/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "network_state.h"

size_t network_count_spaces(const struct network *n)
{
	size_t count = 0;

	for (size_t i = 0; i < n->n_spaces; i++)
		count += !n->spaces[i]->left_ns;
	return count;
}

void network_add_counts(const struct space *s, struct network_account *to)
{
	const struct capture *c = &s->capture;
	const uint64_t strange = c->other.packets + c->malformed.packets;

	to->packets += c->ip.packets + strange;
	to->other_packets += strange;
	to->skipped_packets += c->skipped.packets;
	to->packets_dropped += s->drops.dropped;
	to->notices += s->diag.received;
	to->notices_lost += s->notices_lost;
}

static void describe_packets(const struct network *n, char *to, size_t size)
{
	const struct space *own = n->spaces[0];
	char refused[48] = "";

	if (n->refusals.n)
		snprintf(refused, sizeof(refused), ", not in %zu namespaces", n->refusals.n);
	if (own->capture.fd < 0)
		snprintf(to, size, "off: %s", strerror(-own->capture_error));
	else
		snprintf(to, size, "%.30s, %u MiB ring%s", n->interface ? n->interface : "any",
			 NETWORK_OWN_RING >> 20, refused);
}

static void describe_sockets(const struct network *n, char *to, size_t size)
{
	const size_t ring = n->tracepoints.perf.ring_size;
	struct owners_account owners = { 0 };
	char lookups[64] = "", lost[40] = "";

	if (n->owners) {
		owners_get_account(n->owners, &owners);
		if (owners.lost)
			snprintf(lost, sizeof(lost), ", passed over: %llu",
				 (unsigned long long)owners.lost);
		snprintf(lookups, sizeof(lookups), "lookups, %u threads%s%s", owners.threads,
			 owners.realtime ? ", SCHED_FIFO" : "", lost);
	}
	if (n->spaces[0]->capture.fd < 0)
		snprintf(to, size, "off: packets are not counted");
	else if (n->tracepoints.is_open)
		snprintf(to, size, "tracepoints, %zu %s rings%s%s%s",
			 ring >= 1 << 20 ? ring >> 20 : ring >> 10,
			 ring >= 1 << 20 ? "MiB" : "KiB",
			 n->tracepoints.has_udp ? ", UDP payload" : "", n->owners ? "; " : "",
			 lookups);
	else if (n->owners)
		snprintf(to, size, "%s", lookups);
	else
		snprintf(to, size, "off: %s", n->tracepoints_error ?
			 strerror(-n->tracepoints_error) : "lookups are not possible");
}

void network_get_losses(const struct network *n, uint64_t *ret_packets, uint64_t *ret_notices)
{
	struct network_account sum = n->gone;

	for (size_t i = 0; i < n->n_spaces; i++)
		network_add_counts(n->spaces[i], &sum);
	*ret_packets = sum.packets_dropped;
	*ret_notices = sum.notices_lost;
}

void network_get_account(const struct network *n, struct network_account *ret)
{
	const struct tracepoints *t = &n->tracepoints;

	*ret = n->gone;
	for (size_t i = 0; i < n->n_spaces; i++)
		network_add_counts(n->spaces[i], ret);
	ret->captures = n->spaces[0]->capture.fd >= 0;
	ret->notices_open = n->spaces[0]->diag.is_open;
	ret->perf = t->is_open;
	ret->lookups = n->owners;
	ret->udp = t->udp;
	ret->records = t->perf.received;
	ret->records_lost = t->lost_told;
	ret->namespaces = network_count_spaces(n);
	ret->namespaces_peak = n->peak;
	ret->namespaces_refused = n->refusals.n;
	describe_packets(n, ret->packets_state, sizeof(ret->packets_state));
	describe_sockets(n, ret->sockets_state, sizeof(ret->sockets_state));
}
