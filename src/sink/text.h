/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_TEXT_H
#define SINK_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "pevent/pevent.h"
#include "sink/time_text.h"
#include "util/strbuf.h"

/*
 * Events as lines of columns for people. Every column keeps its width: what does not fit is shown
 * in a larger unit or with fewer digits, names lose their start; only Process, the last, grows.
 * "-" is a value that is not known, "~" marks one that is an estimate.
 */
struct text;

struct text_options {
	const char *columns;	/* comma list of names, or "classic"; NULL: the default set */
	uint32_t types;		/* PEVENT_MASK()s that will come: they choose the default set */
	enum time_style time;
	bool utc;
	bool comm;		/* Process shows the comm field */
	bool shortname;		/* Process shows the first word only */
	bool dirstrip;		/* without the directory of argv[0] */
	bool extra;		/* uid, euid, tty after pid */
	bool glyph;		/* glyph before info */
	bool replay;		/* users are another machine's: only their numbers are known */
	int terminal_fd;	/* the header again as lines scroll off it; -1: not a terminal */
};

/* -EINVAL: columns; what is wrong with them is appended to `why` (may be NULL). */
int text_new(struct text **ret, const struct text_options *options, struct strbuf *why);
struct text *text_free(struct text *t);	/* accepts NULL; returns NULL */
void text_restart(struct text *t);	/* another file begins: the header is due */
/* Appends the event's lines, the header before them when it is due. START has none. */
void text_event(struct text *t, const struct pevent_event *event, struct strbuf *b);

/* What of /proc the chosen columns need: enum pevent_want. */
unsigned int text_want(const struct text *t);

/* Name of the nth column there is; NULL after the last. */
const char *text_column_name(size_t n);

#endif
