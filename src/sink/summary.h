/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_SUMMARY_H
#define SINK_SUMMARY_H

#include <sys/types.h>

#include "pevent/pevent.h"
#include "util/strbuf.h"

/*
 * What a command and all that descends from it have used, and whether that is all: the end of
 * `pevent -- COMMAND`. Fed with the events of that tree only. Of the living, and of the dead that
 * they descend from, at most SUMMARY_MEMBERS_MAX are followed for the line of descent.
 */
struct summary;

#define SUMMARY_MEMBERS_MAX 32768

int summary_new(struct summary **ret);
struct summary *summary_free(struct summary *s);	/* accepts NULL; returns NULL */
/* command: the pid it was started with. */
void summary_add(struct summary *s, pid_t command, const struct pevent_event *event);
/* After all events, for want of the command's EXIT: it has ended with this status of wait(2). */
void summary_reaped(struct summary *s, pid_t command, int wait_status);
/* Lines of text; account: for what was lost. */
void summary_text(const struct summary *s, const struct pevent_stats *account, struct strbuf *b);

#endif
