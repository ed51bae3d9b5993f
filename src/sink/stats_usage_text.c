/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was used, by whom: the tables and lines of -S about resources. */
#include "sink/cell.h"
#include "sink/stats_data.h"
#include "sink/users.h"
#include "util/escape.h"
#include "util/macro.h"

#define ROWS_SHOWN 20
#define BAR_WIDTH 40
#define SHARE_WIDTH 6
#define NUMBER_WIDTH 8

static void put_share(struct strbuf *b, uint64_t part, uint64_t whole)
{
	if (whole)
		stats_put_percent(b, part, whole, SHARE_WIDTH);
	else
		strbuf_printf(b, "%*s", SHARE_WIDTH, "-");
	strbuf_putc(b, ' ');
}

static bool has_network(const struct stats *s)
{
	return s->all->row.usage.known & PEVENT_KNOWN_NETWORK;
}

static void put_number(struct strbuf *b, uint64_t v, bool known, bool estimate)
{
	struct cell c;

	c.len = c.hidden = 0;
	if (known)
		cell_count(&c, v, NUMBER_WIDTH - estimate);
	else
		cell_unknown(&c);
	if (known && estimate)
		cell_put(&c, "~", 1);
	cell_append(&c, NUMBER_WIDTH, true, b);
	strbuf_putc(b, ' ');
}

static void put_network(const struct usage_sum *u, struct strbuf *b)
{
	bool known = u->known & PEVENT_KNOWN_NETWORK;
	bool estimate = usage_sum_is_estimate(u, PEVENT_KNOWN_NETWORK);
	bool traffic_estimate = usage_sum_traffic_is_estimate(u);

	stats_put_size(b, u->tx_bytes, known, traffic_estimate);
	stats_put_size(b, u->rx_bytes, known, traffic_estimate);
	put_number(b, u->connections, known, estimate);
	put_number(b, u->retransmits, known, estimate);
}

static void put_cells(const struct stats *s, const struct usage_sum *u, struct strbuf *b)
{
	bool cpu = u->known & PEVENT_KNOWN_CPU, split = usage_sum_has_split(u);
	bool io = u->known & PEVENT_KNOWN_IO;
	bool estimate = usage_sum_is_estimate(u, PEVENT_KNOWN_CPU);
	bool io_estimate = usage_sum_is_estimate(u, PEVENT_KNOWN_IO);

	stats_put_count(b, u->processes);
	stats_put_span(b, u->cpu_ns, cpu, estimate);
	put_share(b, u->cpu_ns, cpu ? s->all->row.usage.cpu_ns : 0);
	stats_put_span(b, u->user_ns, split, true);
	stats_put_span(b, u->system_ns, split, true);
	stats_put_span(b, cpu ? u->cpu_ns / u->cpu_processes : 0, cpu, estimate);
	stats_put_size(b, u->peak_rss, u->known & PEVENT_KNOWN_PEAK,
		       usage_sum_is_estimate(u, PEVENT_KNOWN_PEAK));
	stats_put_size(b, u->read_bytes, io, io_estimate);
	stats_put_size(b, u->write_bytes, io, io_estimate);
	if (has_network(s))
		put_network(u, b);
}

static void put_headings(const struct stats *s, const char *last, struct strbuf *b)
{
	strbuf_putc(b, '\n');
	stats_put_heading(b, "Procs");
	stats_put_heading(b, "CPU");
	strbuf_printf(b, "%*s ", SHARE_WIDTH, "CPU %");
	stats_put_heading(b, "User");
	stats_put_heading(b, "System");
	stats_put_heading(b, "Mean CPU");
	stats_put_heading(b, "Peak RSS");
	stats_put_heading(b, "Read");
	stats_put_heading(b, "Written");
	if (has_network(s)) {
		stats_put_heading(b, "Sent");
		stats_put_heading(b, "Received");
		stats_put_heading(b, "Conns");
		stats_put_heading(b, "Retrans");
	}
	strbuf_puts(b, last);
	strbuf_putc(b, '\n');
}

static void put_name(const struct stats_row *row, struct users *users, const struct stats *s,
		     struct strbuf *b)
{
	const char *name = NULL;

	if (users && stats_row_user(row) != UINT32_MAX)
		name = users_name(users, stats_row_user(row), s->last_ns);
	if (name)
		escape_text(b, name, strlen(name));
	else
		escape_text(b, row->name, row->name_len);
	strbuf_putc(b, '\n');
}

/* users: whose names the rows are about, or NULL. */
static void put_table(const struct stats *s, struct stats_table *t, const char *heading,
		      struct users *users, struct strbuf *b)
{
	_cleanup_(free_p) struct stats_row **rows = NULL;
	struct usage_sum rest = { 0 };
	size_t n = 0, more = 0;

	put_headings(s, heading, b);
	rows = stats_table_sorted(t, stats_by_cpu, &n);
	for (size_t i = 0; i < n; i++) {
		if (!rows[i]->usage.processes)
			continue;	/* neither ended nor alive at the end: it became another */
		if (i < ROWS_SHOWN) {
			put_cells(s, &rows[i]->usage, b);
			put_name(rows[i], users, s, b);
			continue;
		}
		usage_sum_merge(&rest, &rows[i]->usage);
		more++;
	}
	if (more) {
		put_cells(s, &rest, b);
		strbuf_putc(b, '(');
		strbuf_put_u64(b, more);
		strbuf_puts(b, " more)\n");
	}
	if (t->other->usage.processes) {
		put_cells(s, &t->other->usage, b);
		put_name(t->other, NULL, s, b);
	}
}

/* Without the kernel's records and without samples there is a peak here and there, and no sums.
 * Of what is not known they are 0. */
static bool has_sums(const struct stats *s)
{
	const struct usage_sum *u = &s->all->row.usage;

	return u->cpu_ns || u->read_bytes || u->write_bytes || u->tx_bytes || u->rx_bytes;
}

static void put_consumers(const struct stats_top *t, const char *unit, const char *heading,
			  bool span, struct strbuf *b)
{
	if (!t->n)
		return;
	strbuf_putc(b, '\n');
	stats_put_heading(b, unit);
	stats_put_heading(b, "PID");
	stats_put_heading(b, "State");
	strbuf_puts(b, heading);
	strbuf_putc(b, '\n');
	for (size_t i = 0; i < t->n; i++) {
		const struct stats_consumer *c = &t->consumers[i];

		(span ? stats_put_span : stats_put_size)(b, c->value, true, c->estimate);
		stats_put_count(b, (uint64_t)c->pid);
		stats_put_heading(b, c->alive ? "alive" : "ended");
		strbuf_append(b, c->command.data, c->command.len);
		strbuf_putc(b, '\n');
	}
}

static void put_right(struct strbuf *b, uint64_t v, size_t width)
{
	strbuf_pad(b, ' ', width - cell_digits(v));
	strbuf_put_u64(b, v);
}

static void put_bar(struct strbuf *b, uint64_t count, uint64_t max)
{
	size_t length = (size_t)((double)count * BAR_WIDTH / (double)max + 0.5);

	if (count && !length)
		length = 1;	/* what is there is seen */
	strbuf_putc(b, '|');
	strbuf_pad(b, '*', length);
	strbuf_pad(b, ' ', BAR_WIDTH - length);
	strbuf_puts(b, "|\n");
}

static void put_log2(const struct log2_counts *l, const char *heading, struct strbuf *b)
{
	uint64_t max = 0;
	size_t width, first;

	if (!l->end)
		return;
	for (size_t i = 0; i < l->end; i++)
		max = MAX(max, l->counts[i]);
	for (first = 0; !l->counts[first];)
		first++;
	width = MAX(cell_digits(log2_counts_from(l->end) - 1), (size_t)4);
	strbuf_putc(b, '\n');
	strbuf_pad(b, ' ', 2 * (width - 4));
	strbuf_puts(b, "Microseconds Processes ");
	strbuf_puts(b, heading);
	strbuf_putc(b, '\n');
	for (size_t i = first; i < l->end; i++) {
		put_right(b, log2_counts_from(i), width);
		strbuf_puts(b, " -> ");
		put_right(b, log2_counts_from(i + 1) - 1, width);
		strbuf_putc(b, ' ');
		put_right(b, l->counts[i], MAX(cell_digits(max), (size_t)9));
		strbuf_putc(b, ' ');
		put_bar(b, l->counts[i], max);
	}
}

void stats_usage_tables(struct stats *s, const struct stats_report *r, struct strbuf *b)
{
	if (has_sums(s)) {
		put_table(s, &s->programs, "Program", NULL, b);
		put_cells(s, &s->all->row.usage, b);
		put_name(&s->all->row, NULL, s, b);
		put_table(s, &s->groups[BY_PARENT], "Parent program", NULL, b);
		put_table(s, &s->groups[BY_USER], "User", r->users, b);
		if (stats_has_groups(s, BY_CGROUP))
			put_table(s, &s->groups[BY_CGROUP], "Cgroup", NULL, b);
	}
	put_consumers(&s->top[TOP_CPU], "CPU", "Process: most CPU time", true, b);
	put_consumers(&s->top[TOP_PEAK_RSS], "Peak RSS", "Process: most memory", false, b);
	put_consumers(&s->top[TOP_IO], "I/O", "Process: most read and written", false, b);
	put_log2(&s->log2[LOG2_LIFETIME], "Lifetime", b);
	put_log2(&s->log2[LOG2_RUN_QUEUE], "Wait for a CPU, mean of each process", b);
	put_log2(&s->log2[LOG2_BLOCK_IO], "Wait for block I/O, of processes that waited", b);
}

void stats_say_span(struct strbuf *b, uint64_t ns, bool estimate)
{
	struct cell c;

	c.len = c.hidden = 0;
	cell_span(&c, ns, estimate, CELL_MAX);
	cell_append(&c, 0, false, b);
}

void stats_say_size(struct strbuf *b, uint64_t bytes, bool estimate)
{
	struct cell c;

	c.len = c.hidden = 0;
	cell_size(&c, bytes, estimate, CELL_MAX);
	cell_append(&c, 0, false, b);
}

static void put_machine(const struct pevent_machine *m, struct strbuf *b)
{
	uint64_t free_bytes = MIN(m->memory_available, m->memory_total);

	stats_put_label(b, "Machine:");
	if (m->cpu_busy_ns) {
		strbuf_puts(b, "CPUs busy for ");
		stats_say_span(b, m->cpu_busy_ns, true);
		strbuf_puts(b, " (");
		stats_put_percent(b, m->cpu_busy_ns, m->cpu_busy_ns + m->cpu_idle_ns, 0);
		strbuf_puts(b, " %), ");
	} else {
		strbuf_puts(b, "CPUs busy for less than a clock tick, ");
	}
	stats_say_size(b, m->memory_total - free_bytes, false);
	strbuf_puts(b, " of ");
	stats_say_size(b, m->memory_total, false);
	strbuf_puts(b, " memory in use, load");
	for (size_t i = 0; i < ARRAY_SIZE(m->load); i++)
		strbuf_printf(b, " %u.%02u", m->load[i] / 100, m->load[i] % 100);
	strbuf_putc(b, '\n');
}

/* "1.20s, 4.7 % of the busy time" */
static void put_part(const struct usage_sum *u, const struct pevent_machine *m, struct strbuf *b)
{
	stats_say_span(b, u->cpu_ns, usage_sum_is_estimate(u, PEVENT_KNOWN_CPU));
	if (m->known && m->cpu_busy_ns) {
		strbuf_puts(b, ", ");
		stats_put_percent(b, u->cpu_ns, m->cpu_busy_ns, 0);
		strbuf_puts(b, " % of the busy time");
	}
}

static void put_named(const struct stats *s, const struct pevent_machine *m, struct strbuf *b)
{
	const struct usage_sum *all = &s->all->row.usage, *brief = &s->short_lived;

	if (all->known & PEVENT_KNOWN_CPU) {
		stats_put_label(b, "CPU named:");
		put_part(all, m, b);
		strbuf_putc(b, '\n');
	}
	if (brief->known & PEVENT_KNOWN_CPU) {
		stats_put_label(b, "Short-lived:");
		put_part(brief, m, b);
		strbuf_puts(b, ", by ");
		strbuf_put_u64(b, brief->processes);
		strbuf_puts(b, " processes that lived under 1 s\n");
	}
}

static void put_accounts(const struct stats *s, struct strbuf *b)
{
	const struct {
		uint64_t n;
		const char *what;
	} accounts[] = {
		{ s->qualities[USAGE_COMPLETE], "exits complete" },
		{ s->qualities[USAGE_ESTIMATED], "exits estimated" },
		{ s->qualities[USAGE_UNKNOWN], "exits unknown" },
		{ s->survivors, "processes alive at the end" },
	};
	bool first = true;

	stats_put_label(b, "Accounts:");
	for (size_t i = 0; i < ARRAY_SIZE(accounts); i++) {
		if (!accounts[i].n)
			continue;
		stats_put_item(b, &first, accounts[i].n);
		strbuf_puts(b, accounts[i].what);
	}
	strbuf_puts(b, first ? "none\n" : "\n");
}

void stats_usage_lines(const struct stats *s, const struct stats_report *r, struct strbuf *b)
{
	const struct pevent_machine *m = &r->account->machine;

	if (m->known)
		put_machine(m, b);
	put_named(s, m, b);
	put_accounts(s, b);
}
