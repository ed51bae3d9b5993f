/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sink/json_network.h"
#include "sink/json_put.h"
#include "sink/json_usage.h"
#include "sink/stats_usage.h"

static void put_cpu(const struct pevent_usage *u, struct strbuf *b)
{
	json_open(b, "cpu");
	json_u64(b, "total_ns", u->cpu_ns);
	if (u->known & PEVENT_KNOWN_CPU_SPLIT) {
		json_u64(b, "user_ns", u->user_ns);
		json_u64(b, "system_ns", u->system_ns);
	}
	json_u64(b, "error_ns", u->cpu_error_ns);
	json_close(b);
}

static void put_memory(const struct pevent_usage *u, struct strbuf *b)
{
	json_open(b, "memory");
	if (u->known & PEVENT_KNOWN_PEAK) {
		json_u64(b, "peak_rss_bytes", u->peak_rss);
		json_u64(b, "peak_vm_bytes", u->peak_vm);
	}
	if (u->known & PEVENT_KNOWN_FAULTS) {
		json_u64(b, "minor_faults", u->minor_faults);
		json_u64(b, "major_faults", u->major_faults);
	}
	json_close(b);
}

static void put_io(const struct pevent_usage *u, struct strbuf *b)
{
	json_open(b, "io");
	json_u64(b, "read_chars", u->read_chars);
	json_u64(b, "write_chars", u->write_chars);
	json_u64(b, "read_bytes", u->read_bytes);
	json_u64(b, "write_bytes", u->write_bytes);
	json_u64(b, "cancelled_write_bytes", u->cancelled_write_bytes);
	json_close(b);
}

static void put_sched(const struct pevent_event *e, struct strbuf *b)
{
	const struct pevent_usage *u = &e->usage;
	size_t start = b->len;

	json_open(b, "sched");
	if (u->known & PEVENT_KNOWN_SWITCHES) {
		json_u64(b, "voluntary_switches", u->voluntary_switches);
		json_u64(b, "involuntary_switches", u->involuntary_switches);
	}
	if (u->known & PEVENT_KNOWN_RUN_QUEUE) {
		json_u64(b, "run_queue_ns", u->run_queue_ns);
		json_u64(b, "run_queue_waits", u->run_queue_waits);
	}
	if (e->process.threads_peak)
		json_u64(b, "threads_peak", e->process.threads_peak);
	json_close_filled(b, start);
}

#define put_delay_of(b, key, ns) ((ns) == UINT64_MAX ? (void)0 : json_u64(b, key, ns))

static void put_delay(const struct pevent_usage *u, struct strbuf *b)
{
	size_t start = b->len;

	json_open(b, "delay");
	put_delay_of(b, "blkio_ns", u->delay_ns[PEVENT_DELAY_BLKIO]);
	put_delay_of(b, "swapin_ns", u->delay_ns[PEVENT_DELAY_SWAPIN]);
	put_delay_of(b, "reclaim_ns", u->delay_ns[PEVENT_DELAY_RECLAIM]);
	put_delay_of(b, "thrashing_ns", u->delay_ns[PEVENT_DELAY_THRASHING]);
	put_delay_of(b, "compact_ns", u->delay_ns[PEVENT_DELAY_COMPACT]);
	put_delay_of(b, "wpcopy_ns", u->delay_ns[PEVENT_DELAY_WPCOPY]);
	put_delay_of(b, "irq_ns", u->delay_ns[PEVENT_DELAY_IRQ]);
	json_close_filled(b, start);
}

static void put_interval(const struct pevent_usage *u, struct strbuf *b)
{
	const struct pevent_sample *s = &u->sample;

	json_u64(b, "interval_ns", s->interval_ns);
	if (u->known & PEVENT_KNOWN_CPU)
		json_u64(b, "interval_cpu_ns", s->interval_cpu_ns);
	if (u->known & PEVENT_KNOWN_IO) {
		json_u64(b, "interval_read_bytes", s->interval_read_bytes);
		json_u64(b, "interval_write_bytes", s->interval_write_bytes);
	}
}

static void put_sample(const struct pevent_event *e, struct strbuf *b, struct time_text *t)
{
	const struct pevent_sample *s = &e->usage.sample;

	json_lit(b, "\"sample\":{\"time\":\"");
	json_time(b, t, s->time_ns, e->realtime_offset_ns);
	json_lit(b, "\",");
	json_u64(b, "count", s->count);
	if (sample_has_state(s))
		json_string(b, "state", &s->state, 1);
	if (s->threads)
		json_u64(b, "threads", s->threads);
	if (s->files != UINT32_MAX)
		json_u64(b, "files", s->files);
	if (s->files_peak != UINT32_MAX)
		json_u64(b, "files_peak", s->files_peak);
	if (s->oom_score >= 0)
		json_u64(b, "oom_score", (uint64_t)s->oom_score);
	if (s->vm) {	/* else it has no memory of its own, or could not be asked */
		json_u64(b, "rss_bytes", s->rss);
		json_u64(b, "vm_bytes", s->vm);
		json_u64(b, "swap_bytes", s->swap);
		json_u64(b, "swap_peak_bytes", s->swap_peak);
	}
	if (s->interval_ns)
		put_interval(&e->usage, b);
	json_close(b);
}

void json_usage(struct strbuf *b, const struct pevent_event *e, struct time_text *t)
{
	const struct pevent_usage *u = &e->usage;
	size_t start = b->len;

	json_open(b, "usage");
	if (u->known & PEVENT_KNOWN_CPU)
		put_cpu(u, b);
	if (u->known & (PEVENT_KNOWN_PEAK | PEVENT_KNOWN_FAULTS))
		put_memory(u, b);
	if (u->known & PEVENT_KNOWN_IO)
		put_io(u, b);
	if (u->known & PEVENT_KNOWN_NETWORK)
		json_network_usage(b, u);
	put_sched(e, b);
	if (u->known & PEVENT_KNOWN_DELAYS)
		put_delay(u, b);
	if (u->known && u->incomplete)
		json_bool(b, "incomplete", true);
	json_close_filled(b, start);
	if (u->known & PEVENT_KNOWN_SAMPLE)
		put_sample(e, b, t);
}

/* ls(1)'s letters in words; NULL: not known. */
static const char *type_word(char type)
{
	switch (type) {
	case 'r':
		return "file";
	case 'd':
		return "directory";
	case 'c':
		return "character_device";
	case 'b':
		return "block_device";
	case 'p':
		return "pipe";
	case 's':
		return "socket";
	case 'l':
		return "symlink";
	default:
		return NULL;
	}
}

void json_files(struct strbuf *b, const struct pevent_event *e, struct time_text *t)
{
	const struct pevent_files *files = e->files;

	if (!files)
		return;
	json_lit(b, "\"files_time\":\"");
	json_time(b, t, files->time_ns, e->realtime_offset_ns);
	json_lit(b, "\",\"files\":[");
	for (size_t i = 0; i < files->n; i++) {
		const struct pevent_file *file = &files->file[i];
		const char *type = type_word(file->type);

		json_lit(b, "{\"fd\":");
		strbuf_put_i64(b, file->fd);
		json_lit(b, ",");
		if (type)
			json_string(b, "type", type, strlen(type));
		if (file->target)
			json_string(b, "target", file->target, strlen(file->target));
		json_close(b);
	}
	if (files->n && b->len)
		b->len--;
	json_lit(b, "],");
}
