/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "cli/diag.h"
#include "cli/report.h"
#include "sink/users.h"
#include "util/clock.h"
#include "util/macro.h"

int report_write_error(const struct writer *w, const char *name)
{
	int r = writer_error(w);

	if (!r)
		return 0;
	if (r == -EPIPE)
		return 1;
	diag_errno(name, r);
	return r;
}

/* Line by line, waiting for room: this may be more than the queue holds. */
static void write_lines(struct writer *w, const char *s, size_t len)
{
	while (len) {
		const char *end = memchr(s, '\n', len);
		size_t n = end ? (size_t)(end - s) + 1 : len;

		if (!writer_has_room(w, n))
			writer_finish(w, REPORT_STALL_NS);
		if (writer_line(w, s, n) < 0)
			break;
		s += n;
		len -= n;
	}
	writer_finish(w, REPORT_STALL_NS);
	if (!writer_error(w) && writer_unreported(w))
		diag("standard output", "the reader takes nothing, statistics are incomplete");
}

/* Of another machine, or another time, only the numbers of users are known. */
static void format(const struct session *s, struct stats *stats, struct stats_report *report,
		   struct strbuf *b)
{
	if (!s->options->replay)
		(void)users_new(&report->users);	/* without memory: numbers */
	(s->options->json ? stats_json : stats_text)(stats, report, b);
	users_free(report->users);
}

int report_statistics(struct session *s, struct stats *stats, struct writer *w)
{
	struct writer *own = NULL;
	struct pevent_stats account;
	struct stats_report report = { .account = &account };
	struct strbuf b = { 0 };
	uint64_t end = stats_last_ns(stats);
	int r = 0;

	if (!w)
		r = writer_new(&own, STDOUT_FILENO, false, WRITER_LIMIT_DEFAULT);
	if (r < 0) {
		diag_errno("standard output", r);
		return r;
	}
	pevent_get_stats(s->p, &account);
	if (!s->options->replay && end)
		end = MAX(end, clock_now(&(struct clock){ 0 }));
	if (w && !s->options->json)
		strbuf_putc(&b, '\n');	/* after the events */
	report.run_ns = end - stats_first_ns(stats);
	format(s, stats, &report, &b);
	write_lines(w ? w : own, b.data, b.len);
	r = report_write_error(w ? w : own, "standard output");
	strbuf_finish(&b);
	writer_free(own);
	return MIN(r, 0);
}

void report_summary(struct session *s, struct summary *summary)
{
	const struct command *command = &s->command;
	struct pevent_stats account;
	struct strbuf b = { 0 };

	if (command->ended)
		summary_reaped(summary, command->pid, command->wait_status);
	pevent_get_stats(s->p, &account);
	if (isatty(STDERR_FILENO))
		strbuf_putc(&b, '\n');	/* after the events, statistics, the command's own words */
	summary_text(summary, &account, &b);
	fwrite(b.data, 1, b.len, stderr);
	strbuf_finish(&b);
}
