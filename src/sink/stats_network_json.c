/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network in the summary's line. */
#include "sink/json_put.h"
#include "sink/stats_data.h"
#include "util/macro.h"

#define put_traffic(b, way, traffic) \
	(json_u64(b, way "_bytes", (traffic)->bytes), \
	 json_u64(b, way "_packets", (traffic)->packets), \
	 json_u64(b, way "_payload_bytes", (traffic)->payload))

static void put_totals(struct strbuf *b, const struct pevent_stats *account)
{
	const struct pevent_network_stats *n = &account->network;

	json_open(b, "network");
	put_traffic(b, "tx", &n->tx);
	put_traffic(b, "rx", &n->rx);
	put_traffic(b, "unknown_tx", &n->unknown_tx);
	put_traffic(b, "unknown_rx", &n->unknown_rx);
	put_traffic(b, "late_tx", &n->late_tx);
	put_traffic(b, "late_rx", &n->late_rx);
	json_u64(b, "forwarded_bytes", n->forwarded_bytes);
	json_u64(b, "forwarded_packets", n->forwarded_packets);
	json_u64(b, "other_packets", n->other_packets);
	json_u64(b, "skipped_packets", n->skipped_packets);
	json_u64(b, "dropped_packets", account->source[PEVENT_SOURCE_PACKETS].lost);
	json_u64(b, "namespaces", n->namespaces);
	json_u64(b, "namespaces_peak", n->namespaces_peak);
	json_u64(b, "namespaces_refused", n->namespaces_refused);
	json_close(b);
}

static void put_programs(struct strbuf *b, const struct remote *r)
{
	json_lit(b, "\"programs\":[");
	for (size_t i = 0; i < r->n_programs; i++) {
		strbuf_putc(b, '"');
		escape_json(b, r->programs[i]->name, r->programs[i]->name_len);
		json_lit(b, "\",");
	}
	stats_close_list(b);
	if (r->more_programs)
		json_bool(b, "more_programs", true);
}

static void put_remote(struct strbuf *b, const struct stats *s, const struct remote *r,
		       bool is_other)
{
	strbuf_putc(b, '{');
	if (is_other)
		json_string(b, "name", r->row.name, r->row.name_len);
	else
		json_string(b, "ip", r->row.name, r->row.name_len);
	json_u64(b, "connections", r->connections);
	if (r->known) {
		json_u64(b, "tx_bytes", r->tx_bytes);
		json_u64(b, "rx_bytes", r->rx_bytes);
	}
	if (remote_has_retransmits(r))
		json_u64(b, "retransmits", r->retransmits);
	if (r->rtts)
		json_u64(b, "mean_rtt_ns", r->rtt_sum_ns / r->rtts);
	if (stats_remote_is_estimate(s, r))
		json_bool(b, "estimated", true);
	put_programs(b, r);
	json_close(b);
}

static void put_remotes(struct stats *s, struct strbuf *b)
{
	const struct remote *other = CONTAINER_OF(s->remotes.other, struct remote, row);
	_cleanup_(free_p) struct stats_row **rows = NULL;
	size_t n = 0;

	rows = stats_table_sorted(&s->remotes, remote_by_bytes, &n);
	if (!n)
		return;
	json_lit(b, "\"remotes\":[");
	for (size_t i = 0; i < n; i++)
		put_remote(b, s, CONTAINER_OF(rows[i], struct remote, row), false);
	if (remote_is_used(other))
		put_remote(b, s, other, true);
	stats_close_list(b);
}

void stats_network_json(struct stats *s, const struct stats_report *r, struct strbuf *b)
{
	uint64_t tx, rx;

	if (r->account->network.known)
		put_totals(b, r->account);
	put_remotes(s, b);
	if (!stats_get_unlisted(s, &tx, &rx))
		return;
	json_u64(b, "unlisted_tx_bytes", tx);
	json_u64(b, "unlisted_rx_bytes", rx);
}
