/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `pevent [OPTION...] [-- COMMAND]`: events as lines, statistics at the end. */
#include <errno.h>

#include "cli/cmd.h"
#include "cli/diag.h"
#include "cli/report.h"
#include "cli/session.h"
#include "sink/json.h"
#include "sink/stats.h"
#include "sink/summary.h"
#include "sink/text.h"
#include "sink/writer.h"
#include "util/macro.h"

/* In a replay no line is dropped: events are taken only while this much fits. */
#define REPLAY_ROOM (WRITER_LIMIT_DEFAULT / 2)

struct log_run {
	const struct options *o;
	struct session session;
	struct text *text;	/* one of the two */
	struct json *json;
	struct stats *stats;	/* NULL: not wanted */
	struct summary *summary;	/* NULL: no command */
	struct writer *writer;	/* NULL with -q */
	const char *name;	/* of what the writer writes to */
	struct strbuf line;
};

static bool wants_json(const struct options *o)
{
	static const char *const suffixes[] = { ".json", ".jsonl", ".ndjson" };
	size_t len = o->output ? strlen(o->output) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t n = strlen(suffixes[i]);

		if (len > n && !strcmp(o->output + len - n, suffixes[i]))
			return true;
	}
	return o->json;
}

static void format(struct log_run *run, const struct pevent_event *e)
{
	struct pevent_event start;
	struct pevent_stats stats;

	if (run->text) {
		text_event(run->text, e, &run->line);
	} else if (e->type == PEVENT_START) {
		/* An event is valid until the next call. */
		start = *e;
		pevent_get_stats(run->session.p, &stats);
		json_event(run->json, &start, &stats, &run->line);
	} else {
		json_event(run->json, e, NULL, &run->line);
	}
}

static void on_event(void *data, const struct pevent_event *e)
{
	struct log_run *run = data;

	if (run->summary)
		summary_add(run->summary, run->session.command.pid, e);
	/* What is here for the summary alone does not count. */
	if (run->stats && !e->filtered)
		stats_add(run->stats, e);
	if (!run->writer || !e->sequence)
		return;
	strbuf_reset(&run->line);
	format(run, e);
	if (run->line.failed)
		pevent_add_lost(run->session.p, PEVENT_SOURCE_OUTPUT, 1);
	else if (run->line.len)
		(e->type == PEVENT_LOST ? writer_report : writer_line)(run->writer, run->line.data,
								       run->line.len);
	if (run->o->line_buffered)
		writer_flush(run->writer);
}

static int on_batch(void *data)
{
	struct log_run *run = data;
	uint64_t lost;
	int r;

	if (!run->writer)
		return 0;
	lost = writer_resume(run->writer);
	if (lost)
		pevent_add_lost(run->session.p, PEVENT_SOURCE_OUTPUT, lost);
	writer_flush(run->writer);
	r = writer_error(run->writer);
	return r == -EPIPE ? 1 : r;	/* a reader that has enough is no failure */
}

static bool is_ready(void *data)
{
	struct log_run *run = data;

	return !run->writer || writer_has_room(run->writer, REPLAY_ROOM);
}

static bool on_hangup(void *data)
{
	struct log_run *run = data;
	int r;

	if (!run->o->output)
		return false;
	if (!run->writer)
		return true;
	r = writer_reopen(run->writer, run->o->output);
	if (r < 0)
		diag_errno(run->o->output, r);
	else if (run->text)
		text_restart(run->text);
	return true;
}

static int open_output(struct log_run *run)
{
	int fd = STDOUT_FILENO, r;

	run->name = run->o->output ? run->o->output : "standard output";
	if (run->o->output) {
		fd = writer_open(run->o->output);
		if (fd < 0)
			return fd;
	}
	if (run->o->quiet) {
		if (run->o->output)
			close(fd);
		return 0;
	}
	r = writer_new(&run->writer, fd, run->o->output, WRITER_LIMIT_DEFAULT);
	if (r < 0 && run->o->output)
		close(fd);
	return r;
}

static int make_sinks(struct log_run *run, unsigned int *ret_want)
{
	const struct options *o = run->o;
	struct text_options options = {
		.columns = o->columns, .types = o->types, .time = o->time, .utc = o->utc,
		.comm = o->comm, .shortname = o->shortname, .dirstrip = o->dirstrip,
		.extra = o->extra, .glyph = o->glyph, .replay = o->replay,
		.terminal_fd = !o->output && isatty(STDOUT_FILENO) ? STDOUT_FILENO : -1,
	};
	int r = 0;

	if (o->statistics)
		r = stats_new(&run->stats, STATS_PROGRAMS_DEFAULT);
	if (r == 0 && o->command)
		r = summary_new(&run->summary);
	if (r < 0 || o->quiet)
		return r;
	if (wants_json(o)) {
		*ret_want = PEVENT_WANT_EXE | PEVENT_WANT_STATUS | PEVENT_WANT_CGROUP |
			    PEVENT_WANT_LOGINUID | PEVENT_WANT_CONNECTIONS;
		return 0;	/* needs to know the machine */
	}
	r = text_new(&run->text, &options, NULL);
	if (!r)
		*ret_want = text_want(run->text);
	return r;
}

/* The reader gets what is left, and what it missed, as long as it takes something. */
static void finish_output(struct log_run *run)
{
	struct session *s = &run->session;
	uint64_t lost;

	writer_finish(run->writer, REPORT_STALL_NS);
	lost = writer_resume(run->writer);
	if (lost)
		pevent_add_lost(s->p, PEVENT_SOURCE_OUTPUT, lost);
	session_drain(s);	/* the last batch may have told of a loss as well */
	writer_finish(run->writer, REPORT_STALL_NS);
	lost = writer_unreported(run->writer);
	if (!lost || writer_error(run->writer))
		return;
	pevent_add_lost(s->p, PEVENT_SOURCE_OUTPUT, lost);
	diag(run->name, "the reader takes nothing, %llu lines were lost at the end",
	     (unsigned long long)lost);
}

static int run_log(struct log_run *run)
{
	int status = session_run(&run->session);

	if (run->writer) {
		if (!writer_error(run->writer))
			finish_output(run);
		if (report_write_error(run->writer, run->name) < 0)
			status = STATUS_ERROR;
	}
	if (run->stats && status != 126 && status != 127) {
		struct writer *w = run->o->output ? NULL : run->writer;

		if (report_statistics(&run->session, run->stats, w) < 0 && status == STATUS_OK)
			status = STATUS_ERROR;
	}
	if (run->summary && status != 126 && status != 127)
		report_summary(&run->session, run->summary);
	return session_end(&run->session, status);
}

static int start_log(struct log_run *run)
{
	static const struct session_ops live = { on_event, on_batch, NULL, on_hangup };
	static const struct session_ops replay = { on_event, on_batch, is_ready, on_hangup };
	const struct options *o = run->o;
	struct session *s = &run->session;
	struct pevent_host host;
	unsigned int want = 0;
	int status, r;

	r = make_sinks(run, &want);
	if (r < 0) {
		diag_errno("output", r);
		return STATUS_ERROR;
	}
	status = session_open(s, o, o->replay ? &replay : &live, run, want, NULL);
	if (status != STATUS_OK)
		return status;
	pevent_get_host(s->p, &host);
	if (!o->quiet && !run->text)
		r = json_new(&run->json, &host);
	if (!r)
		r = open_output(run);
	if (r < 0) {
		diag_errno(run->name ? run->name : "output", r);
		return STATUS_ERROR;
	}
	if (run->writer) {
		s->wake_fd = writer_get_fd(run->writer);
		s->output_fd = o->output ? -1 : STDOUT_FILENO;
	}
	return run_log(run);
}

int cmd_log(const struct options *o)
{
	struct log_run run = {
		.o = o,
		.session = { .signal_fd = -1, .timer_fd = -1 },
	};
	int status = start_log(&run);

	writer_free(run.writer);
	stats_free(run.stats);
	summary_free(run.summary);
	json_free(run.json);
	text_free(run.text);
	strbuf_finish(&run.line);
	session_finish(&run.session);
	return status;
}
