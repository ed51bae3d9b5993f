/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "sink/cell.h"
#include "sink/columns.h"
#include "sink/signals.h"
#include "sink/stats.h"
#include "sink/stats_data.h"
#include "util/escape.h"
#include "util/macro.h"

#define COUNT_WIDTH 8

/* In the order that the command's help lists them. */
static const struct {
	enum pevent_type type;
	const char *heading;
	bool always;
} counted[] = {
	{ PEVENT_FORK, "Fork", true },	  { PEVENT_EXEC, "Exec", true },
	{ PEVENT_EXIT, "Exit", true },	  { PEVENT_CORE, "Core", true },
	{ PEVENT_COMM, "Comm", true },	  { PEVENT_CLONE, "Clone", false },
	{ PEVENT_PTRACE, "Ptrce", false }, { PEVENT_UID, "Uid", false },
	{ PEVENT_GID, "Gid", false },	  { PEVENT_SID, "Sid", false },
	{ PEVENT_CONN, "Conn", false },	  { PEVENT_CLOSE, "Close", false },
};

static bool shown(const struct stats *s, size_t i)
{
	return counted[i].always || s->all->events[counted[i].type];
}

void stats_put_heading(struct strbuf *b, const char *s)
{
	struct cell c;

	c.len = c.hidden = 0;
	cell_puts(&c, s);
	cell_append(&c, COUNT_WIDTH, true, b);
	strbuf_putc(b, ' ');
}

void stats_put_count(struct strbuf *b, uint64_t v)
{
	struct cell c;

	c.len = c.hidden = 0;
	cell_count(&c, v, COUNT_WIDTH);
	cell_append(&c, COUNT_WIDTH, true, b);
	strbuf_putc(b, ' ');
}

void stats_put_span(struct strbuf *b, uint64_t ns, bool known, bool estimate)
{
	struct cell c;

	c.len = c.hidden = 0;
	if (known)
		cell_span(&c, ns, estimate, COUNT_WIDTH);
	else
		cell_unknown(&c);
	cell_append(&c, COUNT_WIDTH, true, b);
	strbuf_putc(b, ' ');
}

void stats_put_size(struct strbuf *b, uint64_t bytes, bool known, bool estimate)
{
	struct cell c;

	c.len = c.hidden = 0;
	if (known)
		cell_size(&c, bytes, estimate, COUNT_WIDTH);
	else
		cell_unknown(&c);
	cell_append(&c, COUNT_WIDTH, true, b);
	strbuf_putc(b, ' ');
}

void stats_put_percent(struct strbuf *b, uint64_t part, uint64_t whole, int width)
{
	double tenths = whole ? (double)part * 1000 / (double)whole : 0;
	uint64_t rounded = (uint64_t)(MIN(tenths, 1e12) + 0.5);	/* of any two numbers */

	strbuf_printf(b, "%*" PRIu64 ".%" PRIu64, MAX(width - 2, 1), rounded / 10, rounded % 10);
}

static void put_row(const struct stats *s, const struct program *p, struct strbuf *b)
{
	const struct histogram *h = &p->lifetimes;

	for (size_t i = 0; i < ARRAY_SIZE(counted); i++)
		if (shown(s, i))
			stats_put_count(b, p->events[counted[i].type]);
	stats_put_count(b, p->total);
	stats_put_span(b, h->min, h->count, false);
	stats_put_span(b, histogram_percentile(h, 50), h->count, h->count > 1);
	stats_put_span(b, histogram_percentile(h, 95), h->count, h->count > 1);
	stats_put_span(b, h->max, h->count, false);
	escape_text(b, p->row.name, p->row.name_len);
	strbuf_putc(b, '\n');
}

static void put_table(struct stats *s, struct strbuf *b)
{
	const struct program *other = CONTAINER_OF(s->programs.other, struct program, row);
	_cleanup_(free_p) struct stats_row **rows = NULL;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(counted); i++)
		if (shown(s, i))
			stats_put_heading(b, counted[i].heading);
	stats_put_heading(b, "Total");
	stats_put_heading(b, "Min life");
	stats_put_heading(b, "Median");
	stats_put_heading(b, "95 %");
	stats_put_heading(b, "Max life");
	strbuf_puts(b, "Program\n");
	rows = stats_table_sorted(&s->programs, stats_by_events, &n);
	for (size_t i = 0; i < n; i++) {
		const struct program *p = CONTAINER_OF(rows[i], struct program, row);

		if (p->total)	/* else it is only alive at the end */
			put_row(s, p, b);
	}
	if (other->total)
		put_row(s, other, b);
	put_row(s, s->all, b);
}

void stats_put_label(struct strbuf *b, const char *label)
{
	struct cell c;

	c.len = c.hidden = 0;
	cell_puts(&c, label);
	cell_append(&c, 13, false, b);
}

/* "12 with code 1", separated by commas. */
void stats_put_item(struct strbuf *b, bool *first, uint64_t n)
{
	if (!*first)
		strbuf_puts(b, ", ");
	*first = false;
	strbuf_put_u64(b, n);
	strbuf_putc(b, ' ');
}

static void put_exits(const struct stats *s, struct strbuf *b)
{
	char name[SIGNAL_TEXT_MAX];
	bool first = true;

	stats_put_label(b, "Exits:");
	for (size_t i = 0; i < ARRAY_SIZE(s->exit_codes); i++) {
		if (!s->exit_codes[i])
			continue;
		stats_put_item(b, &first, s->exit_codes[i]);
		strbuf_puts(b, "with code ");
		strbuf_put_u64(b, i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(s->exit_signals); i++) {
		if (!s->exit_signals[i])
			continue;
		stats_put_item(b, &first, s->exit_signals[i]);
		strbuf_puts(b, "by SIG");
		if (signal_short((int)i, name) > 3 && !memcmp(name, "SIG", 3))
			strbuf_put_u64(b, i);
		else
			strbuf_append(b, name, signal_short((int)i, name));
	}
	if (s->cores) {
		stats_put_item(b, &first, s->cores);
		strbuf_puts(b, "dumped core");
	}
	if (s->oom_kills) {
		stats_put_item(b, &first, s->oom_kills);
		strbuf_puts(b, "killed for want of memory");
	}
	if (s->exits_unseen) {
		stats_put_item(b, &first, s->exits_unseen);
		strbuf_puts(b, "not seen");
	}
	strbuf_puts(b, first ? "none\n" : "\n");
}

static void put_rates(const struct stats *s, struct strbuf *b)
{
	bool first = true;

	stats_put_label(b, "Best second:");
	stats_put_item(b, &first, s->forks.peak);
	strbuf_puts(b, "forks");
	stats_put_item(b, &first, s->execs.peak);
	strbuf_puts(b, "execs");
	stats_put_item(b, &first, s->exits.peak);
	strbuf_puts(b, "exits\n");
}

void stats_put_losses(struct strbuf *b, bool *first, const struct pevent_stats *account,
		      enum pevent_source except)
{
	for (int i = 0; i < PEVENT_SOURCE_COUNT; i++) {
		if (!account->source[i].lost || i == (int)except)
			continue;
		stats_put_item(b, first, account->source[i].lost);
		strbuf_puts(b, column_lost_what((enum pevent_source)i));
		strbuf_puts(b, " (");
		strbuf_puts(b, pevent_source_name((enum pevent_source)i));
		strbuf_putc(b, ')');
	}
}

static void put_lost(const struct pevent_stats *account, struct strbuf *b)
{
	bool first = true;

	stats_put_label(b, "Lost:");
	stats_put_losses(b, &first, account, PEVENT_SOURCE_COUNT);
	strbuf_puts(b, first ? "nothing\n" : "\n");
	if (account->rescans) {
		stats_put_label(b, "");
		strbuf_puts(b, "/proc was scanned again ");
		strbuf_put_u64(b, account->rescans);
		strbuf_puts(b, " times\n");
	}
}

/* What is not as complete as it could be. */
static void put_gaps(const struct stats *s, struct strbuf *b)
{
	const struct {
		uint64_t n;
		const char *what;
	} gaps[] = {
		{ s->execs_without_args, "execs without a command line" },
		{ s->unnamed, "events of unknown programs" },
		{ s->exits_before_run, "exits of processes older than the run (no lifetimes)" },
		{ s->other_events, "events of programs beyond the table's limit" },
		{ s->unlisted_connections, "connections in no row of remotes" },
	};
	bool first = true;

	stats_put_label(b, "Incomplete:");
	for (size_t i = 0; i < ARRAY_SIZE(gaps); i++) {
		if (!gaps[i].n)
			continue;
		stats_put_item(b, &first, gaps[i].n);
		strbuf_puts(b, gaps[i].what);
	}
	strbuf_puts(b, first ? "nothing\n" : "\n");
}

static void put_run(const struct stats *s, const struct stats_report *r, struct strbuf *b)
{
	struct cell c;

	stats_put_label(b, "Run:");
	c.len = c.hidden = 0;
	cell_duration(&c, r->run_ns, false, 12);
	cell_append(&c, 0, false, b);
	strbuf_puts(b, ", ");
	strbuf_put_u64(b, s->all->total);
	strbuf_puts(b, " events, at most ");
	strbuf_put_u64(b, r->account->processes_peak);
	strbuf_puts(b, " processes at a time\n");
}

void stats_text(struct stats *s, const struct stats_report *r, struct strbuf *b)
{
	put_table(s, b);
	stats_usage_tables(s, r, b);
	stats_network_tables(s, b);
	strbuf_putc(b, '\n');
	put_run(s, r, b);
	put_exits(s, b);
	put_rates(s, b);
	stats_usage_lines(s, r, b);
	stats_network_line(r->account, b);
	put_lost(r->account, b);
	put_gaps(s, b);
}
