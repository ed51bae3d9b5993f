/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/ioctl.h>
#include <time.h>

#include "sink/columns.h"
#include "sink/text.h"
#include "util/escape.h"
#include "util/macro.h"

#define COLUMNS_DEFAULT "time,event,pid,info,duration,cpu,rss,read,write,sent,rcvd,process"
#define COLUMNS_NETWORK "time,event,pid,info,duration,sent,rcvd,retx,rtt,process"
#define COLUMNS_CLASSIC "time,event,pid,info,duration,process"
#define ROWS_DEFAULT 24
#define TYPES_NETWORK (PEVENT_MASK(PEVENT_CONN) | PEVENT_MASK(PEVENT_CLOSE))

struct text {
	const struct column *columns[COLUMNS_MAX];
	size_t n_columns;
	size_t line_max;	/* bytes that all columns but process can take */
	bool wide;		/* CONN or CLOSE are shown */
	struct columns_state state;
	int terminal_fd;
	unsigned int until_header;	/* lines; 0: it is due */
};

const char *text_column_name(size_t n)
{
	const struct column *column = column_nth(n);

	return column ? column->name : NULL;
}

static size_t column_width(const struct text *t, const struct column *column)
{
	if (column->wide && t->wide)
		return column->wide;
	return column->width || !column->put ? column->width :
					       time_text_width(t->state.time.style);
}

static bool has_column(const struct text *t, const struct column *column)
{
	for (size_t i = 0; i < t->n_columns; i++)
		if (t->columns[i] == column)
			return true;
	return false;
}

static void list_columns(struct strbuf *why)
{
	const char *name;

	for (size_t i = 0; (name = text_column_name(i)); i++) {
		strbuf_putc(why, ' ');
		strbuf_puts(why, name);
	}
}

static int bad_column(struct strbuf *why, const char *name, size_t len, const char *what)
{
	if (!why)
		return -EINVAL;
	escape_text(why, name, len);
	strbuf_puts(why, ": ");
	strbuf_puts(why, what);
	return -EINVAL;
}

static int set_columns(struct text *t, const char *list, struct strbuf *why)
{
	const char *end;

	for (;; list = end + 1) {
		const struct column *column;
		size_t len;

		end = strchrnul(list, ',');
		len = (size_t)(end - list);
		column = column_find(list, len);
		if (!column) {
			bad_column(why, list, len, "no such column; there are");
			if (why)
				list_columns(why);
			return -EINVAL;
		}
		if (has_column(t, column))
			return bad_column(why, list, len, "given twice");
		if (t->n_columns && !t->columns[t->n_columns - 1]->put)
			return bad_column(why, list, len, "after process, which must be last");
		t->columns[t->n_columns++] = column;
		if (!*end)
			return 0;
	}
}

/* Behind or before the named column, or in front of process, or last. */
static void insert_column(struct text *t, const char *name, const char *behind, const char *before)
{
	const struct column *column = column_find(name, strlen(name));
	size_t at = t->n_columns;

	if (has_column(t, column))
		return;
	for (size_t i = t->n_columns; i-- > 0;) {
		const char *there = t->columns[i]->name;

		if (behind && !strcmp(there, behind)) {
			at = i + 1;
			break;
		}
		if (!strcmp(there, "process") || (before && !strcmp(there, before)))
			at = i;
	}
	memmove(&t->columns[at + 1], &t->columns[at],
		(t->n_columns - at) * sizeof(t->columns[0]));
	t->columns[at] = column;
	t->n_columns++;
}

static int choose_columns(struct text *t, const struct text_options *o, struct strbuf *why)
{
	const char *list = o->columns ? o->columns : COLUMNS_DEFAULT;
	int r;

	t->wide = o->types & TYPES_NETWORK;
	if (!strcmp(list, "classic"))
		list = COLUMNS_CLASSIC;
	else if (!o->columns && t->wide && !(o->types & ~TYPES_NETWORK))
		list = COLUMNS_NETWORK;	/* of the rest nobody has a value */
	r = set_columns(t, list, why);
	if (r < 0)
		return r;
	if (o->extra) {
		insert_column(t, "uid", "pid", NULL);
		insert_column(t, "euid", "uid", NULL);
		insert_column(t, "tty", "euid", NULL);
	}
	if (o->glyph)
		insert_column(t, "glyph", NULL, "info");
	if (t->wide && !o->columns) {
		insert_column(t, "retx", "rcvd", NULL);
		insert_column(t, "rtt", "retx", NULL);
	}
	t->state.has_addresses = has_column(t, column_find("remote", 6)) &&
				 has_column(t, column_find("local", 5));
	t->line_max = t->n_columns + 1;
	for (size_t i = 0; i < t->n_columns; i++)
		t->line_max += column_width(t, t->columns[i]) + CELL_MAX;
	return 0;
}

int text_new(struct text **ret, const struct text_options *options, struct strbuf *why)
{
	struct text *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	tzset();
	t->terminal_fd = options->terminal_fd;
	t->state.time.style = options->time;
	t->state.time.utc = options->utc;
	t->state.style = (struct command_style){ options->comm, options->shortname,
						 options->dirstrip };
	r = choose_columns(t, options, why);
	if (!r && !options->replay && has_column(t, column_find("user", 4)))
		r = users_new(&t->state.users);
	if (r < 0) {
		text_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

struct text *text_free(struct text *t)
{
	if (!t)
		return NULL;
	users_free(t->state.users);
	strbuf_finish(&t->state.scratch);
	free(t);
	return NULL;
}

unsigned int text_want(const struct text *t)
{
	unsigned int want = 0;

	for (size_t i = 0; i < t->n_columns; i++)
		want |= t->columns[i]->want;
	return want;
}

void text_restart(struct text *t)
{
	t->until_header = 0;
}

static void put_header(struct text *t, struct strbuf *b)
{
	struct winsize size = { 0 };

	for (size_t i = 0; i < t->n_columns; i++) {
		const struct column *column = t->columns[i];
		struct cell c;

		c.len = c.hidden = 0;
		cell_puts(&c, column->heading);
		if (i)
			strbuf_putc(b, ' ');
		cell_append(&c, column_width(t, column), column->right, b);
	}
	strbuf_putc(b, '\n');

	t->until_header = UINT32_MAX;
	if (t->terminal_fd < 0)
		return;
	/* Asked each time: the window may have changed. */
	if (ioctl(t->terminal_fd, TIOCGWINSZ, &size) < 0 || size.ws_row < 3)
		size.ws_row = ROWS_DEFAULT;
	t->until_header = size.ws_row - 1u;
}

static void put_line(struct text *t, const struct line *line, struct strbuf *b)
{
	bool about_process = line->event->type != PEVENT_LOST;
	char *start, *to;

	if (!t->until_header)
		put_header(t, b);
	if (t->terminal_fd >= 0)
		t->until_header--;

	start = to = strbuf_reserve(b, t->line_max);
	if (!start)
		return;
	for (size_t i = 0; i < t->n_columns; i++) {
		const struct column *column = t->columns[i];
		struct cell c;

		if (i)
			*to++ = ' ';
		if (!column->put)
			break;
		c.len = c.hidden = 0;
		if (about_process || column->always)
			column->put(&t->state, line, &c);
		to = cell_write(&c, column_width(t, column), column->right, to);
	}
	strbuf_commit(b, (size_t)(to - start));
	if (!t->columns[t->n_columns - 1]->put)
		column_process(&t->state, line, b);
	strbuf_putc(b, '\n');
}

/* The kernel names the parent in the event; the record of it can be missing. */
static void put_fork(struct text *t, const struct pevent_event *e, struct strbuf *b)
{
	struct pevent_process unknown = {
		.uid = UINT32_MAX, .euid = UINT32_MAX, .gid = UINT32_MAX, .egid = UINT32_MAX,
		.loginuid = UINT32_MAX,
	};
	struct line line = { .event = e, .role = LINE_PARENT };

	if (e->type == PEVENT_CLONE) {
		line.process = &e->process;
		line.pid = e->process.pid;
	} else if (e->parent.pid) {
		line.process = &e->parent;
		line.pid = e->parent.pid;
	} else {
		unknown.pid = line.pid = e->process.ppid;
		unknown.image = e->process.parent_image;
		memcpy(unknown.comm, e->process.parent_comm, sizeof(unknown.comm));
		line.process = &unknown;
	}
	put_line(t, &line, b);

	line.process = &e->process;
	line.pid = e->type == PEVENT_CLONE ? e->tid : e->process.pid;
	line.role = e->type == PEVENT_CLONE ? LINE_THREAD : LINE_CHILD;
	put_line(t, &line, b);
}

void text_event(struct text *t, const struct pevent_event *e, struct strbuf *b)
{
	struct line line = { .event = e, .process = &e->process, .pid = e->process.pid };

	switch (e->type) {
	case PEVENT_START:
		if (!t->until_header)
			put_header(t, b);
		break;
	case PEVENT_FORK:
		put_fork(t, e, b);
		break;
	case PEVENT_CLONE:
		if (e->u.thread_end) {
			line.pid = e->tid;
			put_line(t, &line, b);
		} else {
			put_fork(t, e, b);
		}
		break;
	default:
		put_line(t, &line, b);
		break;
	}
}
