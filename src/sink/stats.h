/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_STATS_H
#define SINK_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "pevent/pevent.h"
#include "util/strbuf.h"

/*
 * Statistics of a run: events per program, lifetimes, exits, rates, losses; CPU time, memory, I/O
 * and network per program, parent program, user and cgroup; connections per remote address. A
 * program is its executable's path, so that every spelling of it is one row; argv[0] or comm stand
 * in where the path is not known. Programs beyond the limit share the row "(other)"; so do parents,
 * users, cgroups and addresses beyond theirs.
 */
struct stats;
struct users;

#define STATS_PROGRAMS_DEFAULT 4096
#define STATS_REMOTES_MAX 4096
#define STATS_GROUPS_MAX 1024	/* parents, users, cgroups: each */

/* What a report needs beside the events. */
struct stats_report {
	const struct pevent_stats *account;
	uint64_t run_ns;	/* how long the run was */
	struct users *users;	/* NULL: users have numbers only */
};

int stats_new(struct stats **ret, size_t programs_max);
struct stats *stats_free(struct stats *s);	/* accepts NULL; returns NULL */
/* Start SNAPSHOTs count for nothing, end SNAPSHOTs for what their processes have used; so do EXIT
 * and CLOSE with sequence 0 (pevent_filter.silent), and EXIT for how they ended. */
void stats_add(struct stats *s, const struct pevent_event *event);

/* The whole report as lines of text. */
void stats_text(struct stats *s, const struct stats_report *r, struct strbuf *b);
/* The same as one line of JSON, event.action "summary", with the next sequence number. */
void stats_json(struct stats *s, const struct stats_report *r, struct strbuf *b);

/* Times of the first and the last event; 0: none yet. */
uint64_t stats_first_ns(const struct stats *s);
uint64_t stats_last_ns(const struct stats *s);

#endif
