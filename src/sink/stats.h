/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_STATS_H
#define SINK_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "pevent/pevent.h"
#include "util/strbuf.h"

/*
 * Statistics of a run: events per program, lifetimes, exits, rates, losses. A program is its
 * executable's path, so that every spelling of it is one row; argv[0] or comm stand in where the
 * path is not known. Programs beyond the limit share the row "(other)".
 */
struct stats;

#define STATS_PROGRAMS_DEFAULT 4096

int stats_new(struct stats **ret, size_t programs_max);
struct stats *stats_free(struct stats *s);	/* accepts NULL; returns NULL */
void stats_add(struct stats *s, const struct pevent_event *event);

/* The whole report as lines of text. run_ns: how long the run was. */
void stats_text(struct stats *s, const struct pevent_stats *account, uint64_t run_ns,
		struct strbuf *b);
/* The same as one line of JSON, event.action "summary", with the next sequence number. */
void stats_json(struct stats *s, const struct pevent_stats *account, uint64_t run_ns,
		struct strbuf *b);

/* Times of the first and the last event; 0: none yet. */
uint64_t stats_first_ns(const struct stats *s);
uint64_t stats_last_ns(const struct stats *s);

#endif
