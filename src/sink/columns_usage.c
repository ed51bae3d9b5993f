/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Columns of what a process has used, on the lines of its exit and of snapshots. */
#include "sink/columns.h"
#include "sink/stats_usage.h"
#include "util/macro.h"

enum { SPAN_WIDTH = 8, BYTES_WIDTH = 6, COUNT_WIDTH = 7, SCORE_WIDTH = 5 };

const struct pevent_usage *column_usage(const struct line *l, unsigned int group, struct cell *c)
{
	const struct pevent_event *e = l->event;

	if (e->type != PEVENT_EXIT && e->type != PEVENT_SNAPSHOT)
		return NULL;
	if (e->usage.known & group)
		return &e->usage;
	cell_unknown(c);
	return NULL;
}

static void put_span(struct cell *c, const struct pevent_usage *u, unsigned int group, uint64_t ns)
{
	cell_span(c, ns, usage_is_estimate(u, group), SPAN_WIDTH);
}

static void put_size(struct cell *c, const struct pevent_usage *u, unsigned int group,
		     uint64_t bytes)
{
	cell_size(c, bytes, usage_is_estimate(u, group), BYTES_WIDTH);
}

static void put_count(struct cell *c, const struct pevent_usage *u, unsigned int group, uint64_t n)
{
	bool estimate = usage_is_estimate(u, group);

	cell_count(c, n, COUNT_WIDTH - estimate);
	if (estimate)
		cell_put(c, "~", 1);
}

/* The clock tick's counts divide it: never more than an estimate. */
static void put_part(struct cell *c, _unused_ const struct pevent_usage *u,
		     _unused_ unsigned int group, uint64_t ns)
{
	cell_span(c, ns, true, SPAN_WIDTH);
}

/* A bound is as exact as it can be. */
static void put_bound(struct cell *c, _unused_ const struct pevent_usage *u,
		      _unused_ unsigned int group, uint64_t ns)
{
	cell_span(c, ns, false, SPAN_WIDTH);
}

static void put_delay(struct cell *c, const struct pevent_usage *u, unsigned int group,
		      uint64_t ns)
{
	if (ns == UINT64_MAX)
		cell_unknown(c);
	else
		put_span(c, u, group, ns);
}

#define VALUE(id, group, put_value, field) \
	static void put_##id(_unused_ struct columns_state *s, const struct line *l, \
			     struct cell *c) \
	{ \
		const struct pevent_usage *u = column_usage(l, group, c); \
		if (u) \
			put_value(c, u, group, u->field); \
	}

VALUE(cpu, PEVENT_KNOWN_CPU, put_span, cpu_ns)
VALUE(error, PEVENT_KNOWN_CPU, put_bound, cpu_error_ns)
VALUE(usr, PEVENT_KNOWN_CPU_SPLIT, put_part, user_ns)
VALUE(sys, PEVENT_KNOWN_CPU_SPLIT, put_part, system_ns)
VALUE(wait, PEVENT_KNOWN_RUN_QUEUE, put_span, run_queue_ns)
VALUE(blkio, PEVENT_KNOWN_DELAYS, put_delay, delay_ns[PEVENT_DELAY_BLKIO])
VALUE(rss, PEVENT_KNOWN_PEAK, put_size, peak_rss)
VALUE(vm, PEVENT_KNOWN_PEAK, put_size, peak_vm)
VALUE(read, PEVENT_KNOWN_IO, put_size, read_bytes)
VALUE(write, PEVENT_KNOWN_IO, put_size, write_bytes)
VALUE(rchar, PEVENT_KNOWN_IO, put_size, read_chars)
VALUE(wchar, PEVENT_KNOWN_IO, put_size, write_chars)
VALUE(minflt, PEVENT_KNOWN_FAULTS, put_count, minor_faults)
VALUE(majflt, PEVENT_KNOWN_FAULTS, put_count, major_faults)
VALUE(vcsw, PEVENT_KNOWN_SWITCHES, put_count, voluntary_switches)
VALUE(ivcsw, PEVENT_KNOWN_SWITCHES, put_count, involuntary_switches)

/* What follows is as the last sample saw it, and says no more than that: no estimate. */
static void put_swap(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	const struct pevent_usage *u = column_usage(l, PEVENT_KNOWN_SAMPLE, c);

	if (u && u->sample.vm)
		cell_size(c, u->sample.swap, false, BYTES_WIDTH);
	else if (u)
		cell_unknown(c);
}

static void put_files(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	const struct pevent_usage *u = column_usage(l, PEVENT_KNOWN_SAMPLE, c);

	if (u && u->sample.files != UINT32_MAX)
		cell_count(c, u->sample.files, COUNT_WIDTH);
	else if (u)
		cell_unknown(c);
}

static void put_oom(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	const struct pevent_usage *u = column_usage(l, PEVENT_KNOWN_SAMPLE, c);

	if (u && u->sample.oom_score >= 0)
		cell_count(c, (uint64_t)u->sample.oom_score, SCORE_WIDTH);
	else if (u)
		cell_unknown(c);
}

static void put_state(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	const struct pevent_usage *u = column_usage(l, PEVENT_KNOWN_SAMPLE, c);

	if (u && sample_has_state(&u->sample))
		cell_put(c, &u->sample.state, 1);
	else if (u)
		cell_unknown(c);
}

static const struct column columns[] = {
	{ "cpu", "CPU", SPAN_WIDTH, true, false, 0, put_cpu },
	{ "usr", "Usr", SPAN_WIDTH, true, false, 0, put_usr },
	{ "sys", "Sys", SPAN_WIDTH, true, false, 0, put_sys },
	{ "error", "Error", SPAN_WIDTH, true, false, 0, put_error },
	{ "wait", "Wait", SPAN_WIDTH, true, false, 0, put_wait },
	{ "blkio", "Blkio", SPAN_WIDTH, true, false, 0, put_blkio },
	{ "rss", "RSS", BYTES_WIDTH, true, false, 0, put_rss },
	{ "vm", "VM", BYTES_WIDTH, true, false, 0, put_vm },
	{ "swap", "Swap", BYTES_WIDTH, true, false, 0, put_swap },
	{ "read", "Read", BYTES_WIDTH, true, false, 0, put_read },
	{ "write", "Write", BYTES_WIDTH, true, false, 0, put_write },
	{ "rchar", "Rchar", BYTES_WIDTH, true, false, 0, put_rchar },
	{ "wchar", "Wchar", BYTES_WIDTH, true, false, 0, put_wchar },
	{ "minflt", "Minflt", COUNT_WIDTH, true, false, 0, put_minflt },
	{ "majflt", "Majflt", COUNT_WIDTH, true, false, 0, put_majflt },
	{ "vcsw", "Vcsw", COUNT_WIDTH, true, false, 0, put_vcsw },
	{ "ivcsw", "Ivcsw", COUNT_WIDTH, true, false, 0, put_ivcsw },
	{ "files", "Files", COUNT_WIDTH, true, false, 0, put_files },
	{ "oom", "OOM", SCORE_WIDTH, true, false, 0, put_oom },
	{ "state", "State", 5, false, false, 0, put_state },
};

_Static_assert(ARRAY_SIZE(columns) <= COLUMNS_USAGE_MAX, "each may be shown");

const struct column *column_usage_nth(size_t n)
{
	return n < ARRAY_SIZE(columns) ? &columns[n] : NULL;
}
