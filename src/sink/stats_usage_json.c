/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was used, by whom: members of the summary's line. */
#include "sink/json_put.h"
#include "sink/stats_data.h"
#include "sink/users.h"
#include "util/macro.h"

void stats_close_list(struct strbuf *b)
{
	if (b->len && b->data[b->len - 1] == ',')
		b->len--;
	json_lit(b, "],");
}

static void put_cpu(struct strbuf *b, const struct usage_sum *u)
{
	json_open(b, "cpu");
	json_u64(b, "total_ns", u->cpu_ns);
	if (usage_sum_has_split(u)) {
		json_u64(b, "user_ns", u->user_ns);
		json_u64(b, "system_ns", u->system_ns);
	}
	json_u64(b, "error_ns", u->cpu_error_ns);
	json_u64(b, "mean_ns", u->cpu_ns / u->cpu_processes);
	json_close(b);
}

void stats_put_usage_json(struct strbuf *b, const struct usage_sum *u)
{
	unsigned int shown = PEVENT_KNOWN_CPU | PEVENT_KNOWN_PEAK | PEVENT_KNOWN_IO |
			     (u->known & PEVENT_KNOWN_NETWORK);

	if (!u->processes)
		return;
	json_open(b, "usage");
	json_u64(b, "processes", u->processes);
	if (u->known & PEVENT_KNOWN_CPU)
		put_cpu(b, u);
	if (u->known & PEVENT_KNOWN_PEAK) {
		json_open(b, "memory");
		json_u64(b, "peak_rss_bytes", u->peak_rss);
		json_close(b);
	}
	if (u->known & PEVENT_KNOWN_IO) {
		json_open(b, "io");
		json_u64(b, "read_bytes", u->read_bytes);
		json_u64(b, "write_bytes", u->write_bytes);
		json_close(b);
	}
	if (u->known & PEVENT_KNOWN_NETWORK) {
		json_open(b, "network");
		json_u64(b, "tx_bytes", u->tx_bytes);
		json_u64(b, "rx_bytes", u->rx_bytes);
		json_u64(b, "connections", u->connections);
		json_u64(b, "retransmits", u->retransmits);
		json_close(b);
	}
	if (u->known & shown && (u->partial & shown || u->traffic_estimated))
		json_bool(b, "estimated", true);
	json_close(b);
}

static void put_name(struct strbuf *b, const struct stats_row *row,
		     _unused_ const struct stats *s, _unused_ struct users *users)
{
	json_string(b, "name", row->name, row->name_len);
}

static void put_user(struct strbuf *b, const struct stats_row *row, const struct stats *s,
		     struct users *users)
{
	uint32_t user = stats_row_user(row);
	const char *name;

	if (user == UINT32_MAX) {
		put_name(b, row, s, users);
		return;
	}
	json_string(b, "id", row->name, row->name_len);
	name = users ? users_name(users, user, s->last_ns) : NULL;
	if (name)
		json_string(b, "name", name, strlen(name));
}

static const struct grouping {
	const char *key;
	void (*put_name)(struct strbuf *b, const struct stats_row *row, const struct stats *s,
			 struct users *users);
} groupings[GROUPING_COUNT] = {
	[BY_PARENT] = { "\"parents\":[", put_name },
	[BY_USER] = { "\"users\":[", put_user },
	[BY_CGROUP] = { "\"cgroups\":[", put_name },
};

static void put_group(struct stats *s, int by, struct users *users, struct strbuf *b)
{
	const struct grouping *g = &groupings[by];
	_cleanup_(free_p) struct stats_row **rows = NULL;
	struct stats_row *other = s->groups[by].other;
	size_t n = 0;

	rows = stats_table_sorted(&s->groups[by], stats_by_cpu, &n);
	strbuf_puts(b, g->key);
	for (size_t i = 0; i <= n; i++) {
		struct stats_row *row = i < n ? rows[i] : other;

		if (!row->usage.processes)
			continue;
		strbuf_putc(b, '{');
		g->put_name(b, row, s, users);
		stats_put_usage_json(b, &row->usage);
		json_close(b);
	}
	stats_close_list(b);
}

static void put_consumers(const struct stats_top *t, const char *key, const char *unit,
			  struct strbuf *b)
{
	strbuf_puts(b, key);
	for (size_t i = 0; i < t->n; i++) {
		const struct stats_consumer *c = &t->consumers[i];

		strbuf_putc(b, '{');
		json_u64(b, "pid", (uint64_t)c->pid);
		strbuf_puts(b, unit);
		strbuf_put_u64(b, c->value);
		strbuf_putc(b, ',');
		json_string(b, "program", c->program->name, c->program->name_len);
		json_string(b, "command_line", c->command.data, c->command.len);
		if (c->estimate)
			json_bool(b, "estimated", true);
		if (c->alive)
			json_bool(b, "alive", true);
		json_close(b);
	}
	stats_close_list(b);
}

static void put_log2(const struct log2_counts *l, const char *key, struct strbuf *b)
{
	strbuf_puts(b, key);
	for (size_t i = 0; i < l->end; i++) {
		if (!l->counts[i])
			continue;
		strbuf_putc(b, '{');
		json_u64(b, "from_us", log2_counts_from(i));
		json_u64(b, "below_us", log2_counts_from(i + 1));
		json_u64(b, "count", l->counts[i]);
		json_close(b);
	}
	stats_close_list(b);
}

static void put_load(struct strbuf *b, const char *key, uint32_t load)
{
	strbuf_printf(b, "%s%u.%02u,", key, load / 100, load % 100);
}

static void put_machine(const struct pevent_machine *m, struct strbuf *b)
{
	if (!m->known)
		return;
	json_open(b, "machine");
	json_u64(b, "cpu_busy_ns", m->cpu_busy_ns);
	json_u64(b, "cpu_idle_ns", m->cpu_idle_ns);
	json_u64(b, "memory_total_bytes", m->memory_total);
	json_u64(b, "memory_available_bytes", m->memory_available);
	put_load(b, "\"load_1m\":", m->load[0]);
	put_load(b, "\"load_5m\":", m->load[1]);
	put_load(b, "\"load_15m\":", m->load[2]);
	json_close(b);
}

static void put_busy_share(struct strbuf *b, const struct usage_sum *u,
			   const struct pevent_machine *m)
{
	json_lit(b, "\"busy_percent\":");
	stats_put_percent(b, u->cpu_ns, m->cpu_busy_ns, 0);
	strbuf_putc(b, ',');
}

static void put_named(const struct stats *s, const struct pevent_machine *m, struct strbuf *b)
{
	const struct usage_sum *all = &s->all->row.usage, *brief = &s->short_lived;
	bool share = m->known && m->cpu_busy_ns;

	if (all->known & PEVENT_KNOWN_CPU) {
		json_open(b, "named");
		json_u64(b, "cpu_ns", all->cpu_ns);
		if (share)
			put_busy_share(b, all, m);
		json_close(b);
	}
	json_open(b, "short_lived");
	json_u64(b, "processes", brief->processes);
	if (brief->known & PEVENT_KNOWN_CPU) {
		json_u64(b, "cpu_ns", brief->cpu_ns);
		if (share)
			put_busy_share(b, brief, m);
	}
	json_close(b);
}

void stats_usage_json(struct stats *s, const struct stats_report *r, struct strbuf *b)
{
	stats_put_usage_json(b, &s->all->row.usage);
	put_group(s, BY_PARENT, NULL, b);
	put_group(s, BY_USER, r->users, b);
	if (stats_has_groups(s, BY_CGROUP))
		put_group(s, BY_CGROUP, NULL, b);
	json_open(b, "top");
	put_consumers(&s->top[TOP_CPU], "\"cpu\":[", "\"cpu_ns\":", b);
	put_consumers(&s->top[TOP_PEAK_RSS], "\"peak_rss\":[", "\"peak_rss_bytes\":", b);
	put_consumers(&s->top[TOP_IO], "\"io\":[", "\"io_bytes\":", b);
	json_close(b);
	json_open(b, "histogram");
	put_log2(&s->log2[LOG2_LIFETIME], "\"lifetime\":[", b);
	put_log2(&s->log2[LOG2_RUN_QUEUE], "\"run_queue_wait\":[", b);
	put_log2(&s->log2[LOG2_BLOCK_IO], "\"block_io_wait\":[", b);
	json_close(b);
	put_machine(&r->account->machine, b);
	put_named(s, &r->account->machine, b);
	json_open(b, "accounts");
	json_u64(b, "complete", s->qualities[USAGE_COMPLETE]);
	json_u64(b, "estimated", s->qualities[USAGE_ESTIMATED]);
	json_u64(b, "unknown", s->qualities[USAGE_UNKNOWN]);
	json_u64(b, "alive", s->survivors);
	json_close(b);
}
