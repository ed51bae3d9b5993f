/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sink/json_put.h"
#include "sink/signals.h"
#include "sink/stats.h"
#include "sink/stats_data.h"
#include "sink/time_text.h"
#include "util/macro.h"

/* Names as in event.action. */
static const char *const keys[PEVENT_TYPE_COUNT] = {
	[PEVENT_FORK] = "fork", [PEVENT_CLONE] = "clone", [PEVENT_EXEC] = "exec",
	[PEVENT_EXIT] = "exit", [PEVENT_CORE] = "core",	  [PEVENT_COMM] = "comm",
	[PEVENT_PTRACE] = "ptrace", [PEVENT_UID] = "uid", [PEVENT_GID] = "gid",
	[PEVENT_SID] = "sid",	[PEVENT_CONN] = "conn",	  [PEVENT_CLOSE] = "close",
};

/* "key":n, with a key that is not a literal. */
static void put_member(struct strbuf *b, const char *key, size_t len, uint64_t v)
{
	strbuf_putc(b, '"');
	strbuf_append(b, key, len);
	json_lit(b, "\":");
	strbuf_put_u64(b, v);
	strbuf_putc(b, ',');
}

static void put_counts(struct strbuf *b, const struct program *p)
{
	json_open(b, "events");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i] && p->events[i])
			put_member(b, keys[i], strlen(keys[i]), p->events[i]);
	json_u64(b, "total", p->total);
	json_close(b);
}

static void put_lifetimes(struct strbuf *b, const struct histogram *h)
{
	if (!h->count)
		return;
	json_open(b, "lifetime");
	json_u64(b, "count", h->count);
	json_u64(b, "min_ns", h->min);
	json_u64(b, "median_ns", histogram_percentile(h, 50));
	json_u64(b, "p95_ns", histogram_percentile(h, 95));
	json_u64(b, "max_ns", h->max);
	json_u64(b, "sum_ns", h->sum);
	json_close(b);
}

static void put_program(struct strbuf *b, const struct stats_row *row)
{
	const struct program *p = CONTAINER_OF(row, struct program, row);

	strbuf_putc(b, '{');
	json_string(b, "name", row->name, row->name_len);
	put_counts(b, p);
	put_lifetimes(b, &p->lifetimes);
	stats_put_usage_json(b, &row->usage);
	json_close(b);
}

static void put_programs(struct stats *s, struct strbuf *b)
{
	const struct stats_row *other = s->programs.other;
	_cleanup_(free_p) struct stats_row **rows = NULL;
	size_t n = 0;

	json_lit(b, "\"programs\":[");
	rows = stats_table_sorted(&s->programs, stats_by_events, &n);
	for (size_t i = 0; i < n; i++)
		put_program(b, rows[i]);
	if (CONTAINER_OF(other, struct program, row)->total || other->usage.processes)
		put_program(b, other);
	stats_close_list(b);
}

static void put_exits(const struct stats *s, struct strbuf *b)
{
	char name[SIGNAL_TEXT_MAX];

	json_lit(b, "\"exits\":{\"codes\":{");
	for (size_t i = 0; i < ARRAY_SIZE(s->exit_codes); i++) {
		if (!s->exit_codes[i])
			continue;
		strbuf_putc(b, '"');
		strbuf_put_u64(b, i);
		json_lit(b, "\":");
		strbuf_put_u64(b, s->exit_codes[i]);
		strbuf_putc(b, ',');
	}
	json_close(b);
	json_open(b, "signals");
	for (size_t i = 0; i < ARRAY_SIZE(s->exit_signals); i++)
		if (s->exit_signals[i])
			put_member(b, name, signal_full((int)i, name), s->exit_signals[i]);
	json_close(b);
	json_u64(b, "core_dumped", s->cores);
	json_u64(b, "oom_killed", s->oom_kills);
	json_u64(b, "not_seen", s->exits_unseen);
	json_u64(b, "before_run", s->exits_before_run);
	json_close(b);
}

static void put_sources(const struct pevent_stats *account, struct strbuf *b)
{
	json_open(b, "sources");
	for (int i = 0; i < PEVENT_SOURCE_COUNT; i++) {
		strbuf_putc(b, '"');
		strbuf_puts(b, pevent_source_name((enum pevent_source)i));
		json_lit(b, "\":{");
		json_u64(b, "received", account->source[i].received);
		json_u64(b, "lost", account->source[i].lost);
		json_close(b);
	}
	json_close(b);
}

static void put_summary(struct stats *s, const struct stats_report *r, struct strbuf *b)
{
	const struct pevent_stats *account = r->account;

	json_open(b, "summary");
	json_u64(b, "run_ns", r->run_ns);
	put_counts(b, s->all);
	json_u64(b, "thread_ends", s->thread_ends);
	put_lifetimes(b, &s->all->lifetimes);
	put_programs(s, b);
	stats_usage_json(s, r, b);
	stats_network_json(s, r, b);
	put_exits(s, b);
	json_open(b, "peak_per_second");
	json_u64(b, "fork", s->forks.peak);
	json_u64(b, "exec", s->execs.peak);
	json_u64(b, "exit", s->exits.peak);
	json_close(b);
	put_sources(account, b);
	json_u64(b, "rescans", account->rescans);
	json_u64(b, "processes_peak", account->processes_peak);
	json_u64(b, "execs_without_args", s->execs_without_args);
	json_u64(b, "unknown_program_events", s->unnamed);
	json_u64(b, "other_program_events", s->other_events);
	if (s->unlisted_connections)
		json_u64(b, "unlisted_connections", s->unlisted_connections);
	json_close(b);
}

void stats_json(struct stats *s, const struct stats_report *r, struct strbuf *b)
{
	struct time_text time = { .style = TIME_RFC3339 };
	char *to;

	json_lit(b, "{\"@timestamp\":\"");
	to = strbuf_reserve(b, TIME_TEXT_MAX);
	if (to)
		strbuf_commit(b, time_text_put(&time, s->last_ns, s->realtime_offset_ns, to));
	json_lit(b, "\",\"event\":{\"kind\":\"event\",\"category\":[\"process\"],"
		    "\"type\":[\"info\"],\"action\":\"summary\",");
	json_u64(b, "sequence", s->sequence + 1);
	json_close(b);
	json_open(b, "pevent");
	put_summary(s, r, b);
	json_close(b);
	json_end_line(b);
}
