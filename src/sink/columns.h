/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_COLUMNS_H
#define SINK_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include "pevent/pevent.h"
#include "sink/cell.h"
#include "sink/command_text.h"
#include "sink/time_text.h"
#include "sink/users.h"

/* Which line of an event it is: a fork has two. */
enum line_role { LINE_ONLY, LINE_PARENT, LINE_CHILD, LINE_THREAD };

struct line {
	const struct pevent_event *event;
	const struct pevent_process *process;	/* whom the line is about */
	pid_t pid;
	enum line_role role;
};

/* What the columns' functions keep from line to line. */
struct columns_state {
	struct time_text time;
	struct command_style style;
	struct users *users;	/* with the user column */
	bool has_addresses;	/* in columns of their own, not in that of the process */
	struct strbuf scratch;
};

struct column {
	const char *name, *heading;
	unsigned char width;	/* 0: that of the time's style, or open (process) */
	bool right;
	bool always;		/* also on lines that are about no process */
	unsigned int want;	/* enum pevent_want that its values need */
	/* NULL: process, which is last and open-ended. Leaves the cell alone for a blank. */
	void (*put)(struct columns_state *s, const struct line *line, struct cell *c);
	unsigned char wide;	/* its width where CONN and CLOSE are shown; 0: the same */
};

/* Each column there is may be shown. */
#define COLUMNS_USAGE_MAX 20
#define COLUMNS_NETWORK_MAX 12
#define COLUMNS_MAX (24 + COLUMNS_USAGE_MAX + COLUMNS_NETWORK_MAX)

const struct column *column_find(const char *name, size_t len);
const struct column *column_nth(size_t n);	/* NULL after the last */
/* Of these, the ones that show what a process has used. */
const struct column *column_usage_nth(size_t n);
/* And what it sent and received. */
const struct column *column_network_nth(size_t n);
/* What it used of a group of enum pevent_known; NULL: the cell says that it is not known, or stays
 * blank on a line of another event. */
const struct pevent_usage *column_usage(const struct line *line, unsigned int group,
					struct cell *c);
/* "events", "exit records": what a source loses; never NULL. */
const char *column_lost_what(enum pevent_source source);
/* The process column: the command line, and what else there is to say about the event. */
void column_process(struct columns_state *s, const struct line *line, struct strbuf *b);

#endif
