/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>
#include <sys/wait.h>

#include "sink/columns.h"
#include "sink/connection.h"
#include "sink/signals.h"
#include "util/escape.h"
#include "util/macro.h"

enum { PID_WIDTH = 7, INFO_WIDTH = 6, INFO_WIDE = 7 };
enum { DURATION_WIDTH = 8, ID_WIDTH = 10, TTY_WIDTH = 8 };
enum { NAME_WIDTH = 15, USER_WIDTH = 12, PATH_WIDTH = 30 };

static void put_id(struct cell *c, uint32_t id)
{
	if (id == UINT32_MAX)
		cell_unknown(c);
	else
		cell_count(c, id, ID_WIDTH);
}

static void put_pid_of(struct cell *c, pid_t pid)
{
	if (pid > 0)
		cell_count(c, (uint64_t)pid, PID_WIDTH);
	else
		cell_unknown(c);
}

static void put_time(struct columns_state *s, const struct line *l, struct cell *c)
{
	c->len = time_text_put(&s->time, l->event->time_ns, l->event->realtime_offset_ns, c->s);
}

static void put_event(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	const char *name = pevent_type_name(l->event->type);

	/* No name is longer than the column; one of a later library might be. */
	cell_put(c, name, MIN(strlen(name), (size_t)5));
}

static void put_pid(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_pid_of(c, l->pid);
}

static void put_tid(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_pid_of(c, l->role == LINE_PARENT ? 0 : l->event->tid);
}

static void put_ppid(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_pid_of(c, l->process->ppid);
}

static void put_pgrp(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_pid_of(c, l->process->pgrp);
}

static void put_session(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_pid_of(c, l->process->session);
}

static void put_uid(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_id(c, l->process->uid);
}

static void put_euid(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_id(c, l->process->euid);
}

static void put_gid(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_id(c, l->process->gid);
}

static void put_egid(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_id(c, l->process->egid);
}

static void put_loginuid(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	put_id(c, l->process->loginuid);
}

static void put_user(struct columns_state *s, const struct line *l, struct cell *c)
{
	uint32_t uid = l->process->euid;
	const char *name = NULL;

	if (uid != UINT32_MAX && s->users)
		name = users_name(s->users, uid, l->event->time_ns);
	if (!name) {
		put_id(c, uid);
		return;
	}
	strbuf_reset(&s->scratch);
	escape_text(&s->scratch, name, strlen(name));
	cell_text(c, s->scratch.data, s->scratch.len, USER_WIDTH);
}

/* Device numbers of /proc/PID/stat; the majors are those of Documentation/admin-guide/devices. */
static void put_tty(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	uint32_t tty = l->process->tty;
	uint32_t major = tty >> 8 & 0xfff;
	uint32_t minor = (tty & 0xff) | (tty >> 12 & 0xfff00);
	size_t width = TTY_WIDTH;

	if (!tty) {
		cell_unknown(c);
		return;
	}
	if (major >= 136 && major <= 143) {
		minor += (major - 136) << 8;
		cell_puts(c, minor < 10000 ? "pts/" : "p/");
	} else if (major == 4) {
		cell_puts(c, minor < 64 ? "tty" : "ttyS");
		minor -= minor < 64 ? 0 : 64;
	} else if (major == 5 && minor == 1) {
		cell_puts(c, "console");
		return;
	} else {
		cell_count(c, major, 4);
		cell_puts(c, ":");
	}
	width -= c->len;
	if (width < 5 && minor > 999)
		cell_puts(c, "+");	/* no room for all of it */
	else
		cell_count(c, minor, MAX(width, (size_t)5));
}

static void put_glyph(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	static const char *const glyphs[PEVENT_TYPE_COUNT] = {
		[PEVENT_FORK] = "└", [PEVENT_CLONE] = "└", [PEVENT_EXEC] = "→",
		[PEVENT_EXIT] = "⇥", [PEVENT_CORE] = "☠", [PEVENT_COMM] = "↻",
		[PEVENT_PTRACE] = "⇄", [PEVENT_UID] = "↻", [PEVENT_GID] = "↻",
		[PEVENT_SID] = "↻", [PEVENT_LOST] = "!", [PEVENT_SNAPSHOT] = "•",
		[PEVENT_CONN] = "↔", [PEVENT_CLOSE] = "↮",
	};
	const char *glyph = glyphs[l->event->type];

	if (l->role == LINE_PARENT)
		glyph = "┬";
	else if (l->event->type == PEVENT_CLONE && l->event->u.thread_end)
		glyph = "⇥";
	cell_puts(c, glyph ? glyph : "");
	c->hidden = c->len > 1 ? c->len - 1 : 0;
}

static void put_exit_info(const struct pevent_event *e, struct cell *c)
{
	int status = e->u.exit.wait_status;

	if (e->u.exit.origin == PEVENT_FROM_NONE) {
		cell_puts(c, "lost");
	} else if (e->u.exit.oom_killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
		cell_puts(c, "OOM");
	} else if (WIFSIGNALED(status)) {
		char name[SIGNAL_TEXT_MAX];

		cell_put(c, name, signal_short(WTERMSIG(status), name));
		if (WCOREDUMP(status))
			cell_put(c, "+", 1);
	} else {
		cell_count(c, (uint64_t)WEXITSTATUS(status), INFO_WIDTH);
	}
}

static void put_role(const struct pevent_connection *connection, struct cell *c)
{
	static const char *const verbs[] = {
		[PEVENT_ROLE_CLIENT] = "connect", [PEVENT_ROLE_SERVER] = "accept",
	};
	unsigned int role = connection ? connection->role : PEVENT_ROLE_NONE;

	if (role < ARRAY_SIZE(verbs) && verbs[role])
		cell_puts(c, verbs[role]);
	else
		cell_unknown(c);
}

static void put_info(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	static const char *const roles[] = {
		[LINE_PARENT] = "parent", [LINE_CHILD] = "child", [LINE_THREAD] = "thread",
	};
	const struct pevent_event *e = l->event;

	switch (e->type) {
	case PEVENT_FORK:
	case PEVENT_CLONE:
		cell_puts(c, l->role == LINE_ONLY ? "end" : roles[l->role]);
		break;
	case PEVENT_EXIT:
		put_exit_info(e, c);
		break;
	case PEVENT_SNAPSHOT:
		cell_puts(c, e->u.at_end ? "end" : "start");
		break;
	case PEVENT_PTRACE:
		cell_puts(c, e->u.ptrace.tracer ? "attach" : "detach");
		break;
	case PEVENT_CONN:
	case PEVENT_CLOSE:
		put_role(connection_of(e), c);
		break;
	case PEVENT_UID:
	case PEVENT_GID:
		if (e->u.ids.effective == UINT32_MAX)
			cell_unknown(c);
		else
			cell_count(c, e->u.ids.effective, INFO_WIDTH);
		break;
	case PEVENT_LOST:
		if (e->u.lost.count)
			cell_count(c, e->u.lost.count, INFO_WIDTH);
		else
			cell_unknown(c);
		break;
	default:
		break;
	}
}

static void put_time_open(const struct pevent_connection *connection, struct cell *c)
{
	uint64_t ns;

	if (connection_duration(connection, &ns))
		cell_duration(c, ns, false, DURATION_WIDTH);
	else
		cell_unknown(c);
}

static void put_duration(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	const struct pevent_process *p = l->process;
	const struct pevent_event *e = l->event;
	uint64_t end = p->end_ns ? p->end_ns : e->time_ns;
	bool seen;

	if (e->type == PEVENT_CLOSE)
		put_time_open(connection_of(e), c);
	if (e->type != PEVENT_EXIT && e->type != PEVENT_SNAPSHOT)
		return;
	seen = e->type == PEVENT_SNAPSHOT || e->u.exit.origin != PEVENT_FROM_NONE;
	if (!p->start_ns || end < p->start_ns || (!seen && !p->end_ns))
		cell_unknown(c);
	else
		cell_duration(c, end - p->start_ns,
			      !seen || p->start_origin != PEVENT_FROM_EVENT,
			      DURATION_WIDTH);
}

static void put_cpu_number(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	if (l->event->cpu == UINT32_MAX)
		cell_unknown(c);
	else
		cell_count(c, l->event->cpu, 5);
}

static void put_threads(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	if (l->process->threads_peak)
		cell_count(c, l->process->threads_peak, 7);
	else
		cell_unknown(c);
}

static void put_name(struct columns_state *s, const char *name, size_t len, size_t width,
		     struct cell *c)
{
	if (!name || !len) {
		cell_unknown(c);
		return;
	}
	strbuf_reset(&s->scratch);
	escape_text(&s->scratch, name, len);
	cell_text(c, s->scratch.data, s->scratch.len, width);
}

static void put_comm(struct columns_state *s, const struct line *l, struct cell *c)
{
	put_name(s, l->process->comm, strnlen(l->process->comm, 16), NAME_WIDTH, c);
}

static void put_exe(struct columns_state *s, const struct line *l, struct cell *c)
{
	const struct pevent_image *image = l->process->image;
	const char *exe = image ? image->exe : NULL;

	put_name(s, exe, exe ? strlen(exe) : 0, PATH_WIDTH, c);
}

static void put_cgroup(struct columns_state *s, const struct line *l, struct cell *c)
{
	const struct pevent_image *image = l->process->image;
	const char *cgroup = image ? image->cgroup : NULL;

	put_name(s, cgroup, cgroup ? strlen(cgroup) : 0, PATH_WIDTH, c);
}

static void put_source(_unused_ struct columns_state *s, const struct line *l, struct cell *c)
{
	const char *name = pevent_origin_name(l->process->image_origin);

	if (l->process->image && name)
		cell_puts(c, name);
	else
		cell_unknown(c);
}

static const struct column columns[] = {
	{ "time", "Time", 0, false, true, 0, put_time },
	{ "event", "Event", 5, false, true, 0, put_event },
	{ "pid", "PID", PID_WIDTH, true, true, 0, put_pid },
	{ "tid", "TID", PID_WIDTH, true, false, 0, put_tid },
	{ "ppid", "PPID", PID_WIDTH, true, false, 0, put_ppid },
	{ "pgrp", "PGRP", PID_WIDTH, true, false, 0, put_pgrp },
	{ "session", "Session", PID_WIDTH, true, false, 0, put_session },
	{ "uid", "UID", ID_WIDTH, true, false, PEVENT_WANT_STATUS, put_uid },
	{ "euid", "EUID", ID_WIDTH, true, false, PEVENT_WANT_STATUS, put_euid },
	{ "gid", "GID", ID_WIDTH, true, false, PEVENT_WANT_STATUS, put_gid },
	{ "egid", "EGID", ID_WIDTH, true, false, PEVENT_WANT_STATUS, put_egid },
	{ "loginuid", "Login", ID_WIDTH, true, false, PEVENT_WANT_LOGINUID, put_loginuid },
	{ "user", "User", USER_WIDTH, false, false, PEVENT_WANT_STATUS, put_user },
	{ "tty", "TTY", TTY_WIDTH, false, false, 0, put_tty },
	{ "glyph", "", 1, false, true, 0, put_glyph },
	{ "info", "Info", INFO_WIDTH, true, true, 0, put_info, INFO_WIDE },
	{ "duration", "Duration", DURATION_WIDTH, true, false, 0, put_duration },
	{ "on", "On", 5, true, true, 0, put_cpu_number },
	{ "threads", "Threads", 7, true, false, 0, put_threads },
	{ "comm", "Comm", NAME_WIDTH, false, false, 0, put_comm },
	{ "exe", "Exe", PATH_WIDTH, false, false, PEVENT_WANT_EXE, put_exe },
	{ "cgroup", "Cgroup", PATH_WIDTH, false, false, PEVENT_WANT_CGROUP, put_cgroup },
	{ "source", "Source", 11, false, false, 0, put_source },
	{ "process", "Process", 0, false, true, 0, NULL },
};

_Static_assert(ARRAY_SIZE(columns) + COLUMNS_USAGE_MAX + COLUMNS_NETWORK_MAX <= COLUMNS_MAX,
	       "each may be shown");

const struct column *column_nth(size_t n)
{
	size_t usage = 0;

	if (n < ARRAY_SIZE(columns))
		return &columns[n];
	n -= ARRAY_SIZE(columns);
	while (column_usage_nth(usage))
		usage++;
	return n < usage ? column_usage_nth(n) : column_network_nth(n - usage);
}

const struct column *column_find(const char *name, size_t len)
{
	const struct column *column;

	for (size_t i = 0; (column = column_nth(i)); i++)
		if (strlen(column->name) == len && !memcmp(column->name, name, len))
			return column;
	return NULL;
}

static void put_comm_or_unknown(struct strbuf *b, const char comm[16])
{
	if (comm[0])
		escape_text(b, comm, strnlen(comm, 16));
	else
		strbuf_putc(b, '-');
}

const char *column_lost_what(enum pevent_source source)
{
	static const char *const what[PEVENT_SOURCE_COUNT] = {
		[PEVENT_SOURCE_CONNECTOR] = "events",
		[PEVENT_SOURCE_EXEC_READER] = "command lines",
		[PEVENT_SOURCE_PROC] = "processes",
		[PEVENT_SOURCE_TABLE] = "processes",
		[PEVENT_SOURCE_OUTPUT] = "lines",
		[PEVENT_SOURCE_TASKSTATS] = "exit records",
		[PEVENT_SOURCE_SAMPLER] = "samples",
		[PEVENT_SOURCE_PACKETS] = "packets",
		[PEVENT_SOURCE_SOCKETS] = "records of sockets",
	};

	/* There may be one of a later library. */
	return (unsigned int)source < ARRAY_SIZE(what) ? what[source] : "records";
}

static void put_lost(const struct pevent_event *e, struct strbuf *b)
{
	const char *source = pevent_source_name(e->u.lost.source);

	strbuf_puts(b, column_lost_what(e->u.lost.source));
	if (e->cpu != UINT32_MAX) {
		strbuf_puts(b, " on cpu ");
		strbuf_put_u64(b, e->cpu);
	}
	strbuf_puts(b, " (");
	strbuf_puts(b, source ? source : "unknown");
	strbuf_putc(b, ')');
}

/* From here to there for who connected, the other way for who accepted. */
static void put_addresses(const struct pevent_connection *c, struct strbuf *b)
{
	static const char *const arrows[] = {
		[PEVENT_ROLE_NONE] = " <-> ", [PEVENT_ROLE_CLIENT] = " -> ",
		[PEVENT_ROLE_SERVER] = " <- ",
	};
	char text[ENDPOINT_TEXT_MAX];

	if (!c)
		return;
	strbuf_append(b, text, endpoint_text(c->family, c->local, c->local_port, text));
	strbuf_puts(b, arrows[(unsigned int)c->role < ARRAY_SIZE(arrows) ? c->role : 0]);
	strbuf_append(b, text, endpoint_text(c->family, c->remote, c->remote_port, text));
	strbuf_putc(b, ' ');
}

void column_process(struct columns_state *s, const struct line *l, struct strbuf *b)
{
	const struct pevent_event *e = l->event;

	switch (e->type) {
	case PEVENT_LOST:
		put_lost(e, b);
		return;
	case PEVENT_COMM:
		put_comm_or_unknown(b, e->u.comm.old_comm);
		strbuf_append(b, " -> ", 4);
		put_comm_or_unknown(b, e->u.comm.new_comm);
		return;
	default:
		break;
	}
	if (!s->has_addresses)
		put_addresses(connection_of(e), b);
	command_text(b, l->process, s->style);
	if (e->type == PEVENT_PTRACE && e->u.ptrace.tracer) {
		strbuf_puts(b, " (tracer ");
		strbuf_put_u64(b, (uint64_t)e->u.ptrace.tracer);
		strbuf_putc(b, ' ');
		put_comm_or_unknown(b, e->u.ptrace.tracer_comm);
		strbuf_putc(b, ')');
	}
}
