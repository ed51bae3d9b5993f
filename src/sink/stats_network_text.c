/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network in the text of -S: who was talked to, and what all of it came to. */
#include "sink/stats_data.h"
#include "util/escape.h"
#include "util/macro.h"

#define ROWS_SHOWN 20

static void put_cells(const struct stats *s, const struct remote *r, struct strbuf *b)
{
	bool estimate = stats_remote_is_estimate(s, r);

	stats_put_count(b, r->connections);
	stats_put_size(b, r->tx_bytes, r->known, estimate);
	stats_put_size(b, r->rx_bytes, r->known, estimate);
	if (remote_has_retransmits(r))
		stats_put_count(b, r->retransmits);
	else
		stats_put_heading(b, "-");
	stats_put_span(b, r->rtts ? r->rtt_sum_ns / r->rtts : 0, r->rtts, false);
}

static void put_programs(const struct remote *r, struct strbuf *b)
{
	for (size_t i = 0; i < r->n_programs; i++) {
		if (i)
			strbuf_puts(b, ", ");
		escape_text(b, r->programs[i]->name, r->programs[i]->name_len);
	}
	strbuf_puts(b, r->more_programs ? ", ...\n" : "\n");
}

static void put_remote(const struct stats *s, const struct remote *r, size_t width,
		       struct strbuf *b)
{
	put_cells(s, r, b);
	strbuf_append(b, r->row.name, r->row.name_len);
	strbuf_pad(b, ' ', MAX(width, r->row.name_len) - r->row.name_len + 1);
	put_programs(r, b);
}

static void put_headings(size_t width, struct strbuf *b)
{
	static const char name[] = "Remote";

	strbuf_putc(b, '\n');
	stats_put_heading(b, "Conns");
	stats_put_heading(b, "Sent");
	stats_put_heading(b, "Received");
	stats_put_heading(b, "Retrans");
	stats_put_heading(b, "Mean RTT");
	strbuf_puts(b, name);
	strbuf_pad(b, ' ', width - (sizeof(name) - 1) + 1);
	strbuf_puts(b, "Programs\n");
}

static const struct remote *remote_of(const struct stats_row *row)
{
	return CONTAINER_OF(row, struct remote, row);
}

static void put_table(struct stats *s, struct strbuf *b)
{
	const struct remote *other = remote_of(s->remotes.other);
	_cleanup_(free_p) struct stats_row **rows = NULL;
	struct remote rest = { 0 };
	size_t n = 0, width = other->row.name_len;

	rows = stats_table_sorted(&s->remotes, remote_by_bytes, &n);
	if (!n)
		return;
	for (size_t i = 0; i < MIN(n, (size_t)ROWS_SHOWN); i++)
		width = MAX(width, rows[i]->name_len);
	put_headings(width, b);
	for (size_t i = 0; i < n; i++) {
		if (i < ROWS_SHOWN)
			put_remote(s, remote_of(rows[i]), width, b);
		else
			remote_merge(&rest, remote_of(rows[i]));
	}
	if (n > ROWS_SHOWN) {
		put_cells(s, &rest, b);
		strbuf_putc(b, '(');
		strbuf_put_u64(b, n - ROWS_SHOWN);
		strbuf_puts(b, " more)\n");
	}
	if (remote_is_used(other))
		put_remote(s, other, width, b);
}

static void put_ways(uint64_t tx, uint64_t rx, bool estimate, struct strbuf *b)
{
	stats_say_size(b, tx, estimate);
	strbuf_puts(b, " sent, ");
	stats_say_size(b, rx, estimate);
	strbuf_puts(b, " received");
}

/* Of datagrams the tracepoints tell whose they are, but not with whom they were exchanged. */
static void put_unlisted(const struct stats *s, struct strbuf *b)
{
	bool estimate = usage_sum_traffic_is_estimate(&s->all->row.usage);
	uint64_t tx, rx;

	if (!stats_get_unlisted(s, &tx, &rx))
		return;
	if (!s->remotes.rows.count)
		strbuf_putc(b, '\n');
	stats_put_label(b, "Not listed:");
	put_ways(tx, rx, estimate, b);
	strbuf_puts(b, " over UDP and others\n");
}

void stats_network_tables(struct stats *s, struct strbuf *b)
{
	put_table(s, b);
	put_unlisted(s, b);
}

/* What was not attributed is said even when it is nothing. */
void stats_network_line(const struct pevent_stats *account, struct strbuf *b)
{
	const struct pevent_network_stats *n = &account->network;
	uint64_t dropped = account->source[PEVENT_SOURCE_PACKETS].lost;

	if (!n->known)
		return;
	stats_put_label(b, "Network:");
	put_ways(n->tx.bytes, n->rx.bytes, false, b);
	strbuf_puts(b, "; by unknown owners ");
	put_ways(n->unknown_tx.bytes, n->unknown_rx.bytes, false, b);
	if (n->late_tx.packets || n->late_rx.packets) {
		strbuf_puts(b, "; after their owner's exit ");
		put_ways(n->late_tx.bytes, n->late_rx.bytes, false, b);
	}
	if (n->forwarded_packets) {
		strbuf_puts(b, "; ");
		stats_say_size(b, n->forwarded_bytes, false);
		strbuf_puts(b, " forwarded");
	}
	strbuf_puts(b, "; ");
	strbuf_put_u64(b, dropped);
	strbuf_puts(b, " packets dropped");
	if (n->namespaces_refused) {
		strbuf_puts(b, "; not counted in ");
		strbuf_put_u64(b, n->namespaces_refused);
		strbuf_puts(b, " namespaces");
	}
	strbuf_putc(b, '\n');
}
