/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "cli/session.h"
#include "sink/stats.h"
#include "sink/summary.h"
#include "sink/writer.h"

/* How long a reader may take nothing at the end of a run before the rest is given up. */
#define REPORT_STALL_NS UINT64_C(3000000000)

/* Statistics of the run to standard output, through w when it writes there, else NULL.
 * 0 or -errno of writing, which was reported; -EPIPE is not an error to report. */
int report_statistics(struct session *s, struct stats *stats, struct writer *w);
/* What the command's tree has used, to standard error. */
void report_summary(struct session *s, struct summary *summary);
/* Tells of a writer's error. 0: there is none; positive: its reader has gone; else negative. */
int report_write_error(const struct writer *w, const char *name);

#endif
