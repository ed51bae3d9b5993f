/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `pevent record DIR`: the kernel's input as it came, for -R DIR. */
#include "cli/cmd.h"
#include "cli/diag.h"
#include "cli/report.h"
#include "cli/session.h"
#include "sink/stats.h"
#include "util/macro.h"

static void on_event(void *data, const struct pevent_event *e)
{
	struct stats *stats = data;

	if (stats)
		stats_add(stats, e);
}

static int on_batch(_unused_ void *data)
{
	return 0;
}

int cmd_record(const struct options *o)
{
	static const struct session_ops ops = { on_event, on_batch, NULL, NULL };
	/* A replay may be asked for anything, so everything is read. */
	const unsigned int want = PEVENT_WANT_EXE | PEVENT_WANT_STATUS | PEVENT_WANT_CWD |
				  PEVENT_WANT_CGROUP | PEVENT_WANT_LOGINUID;
	struct session s = { .signal_fd = -1, .timer_fd = -1 };
	struct stats *stats = NULL;
	int status = STATUS_OK, r = 0;

	if (o->statistics)
		r = stats_new(&stats, STATS_PROGRAMS_DEFAULT);
	if (r < 0) {
		diag_errno("statistics", r);
		return STATUS_ERROR;
	}
	status = session_open(&s, o, &ops, stats, want, o->directory);
	if (status == STATUS_OK) {
		status = session_run(&s);
		if (stats && status != 126 && status != 127 &&
		    report_statistics(&s, stats, NULL) < 0 && status == STATUS_OK)
			status = STATUS_ERROR;
		status = session_end(&s, status);
	}
	session_finish(&s);
	stats_free(stats);
	return status;
}
