/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/wait.h>

#include "sink/connection.h"
#include "sink/json.h"
#include "sink/json_network.h"
#include "sink/json_put.h"
#include "sink/json_usage.h"
#include "sink/signals.h"
#include "sink/time_text.h"
#include "sink/users.h"
#include "util/base64.h"
#include "util/macro.h"

#define BOOT_PREFIX 8	/* of the boot id, in entity ids */

struct json {
	struct pevent_host host;
	struct users *users;
	struct time_text event_time, start_time;	/* one minute is kept by each */
};

/* ECS's words for each type of event: event.action, and what event.type holds. */
static const struct {
	const char *action, *type;
} actions[PEVENT_TYPE_COUNT] = {
	[PEVENT_FORK] = { "fork", "start" },	[PEVENT_CLONE] = { "clone", "start" },
	[PEVENT_EXEC] = { "exec", "start" },	[PEVENT_EXIT] = { "exit", "end" },
	[PEVENT_CORE] = { "core", "info" },	[PEVENT_COMM] = { "comm", "change" },
	[PEVENT_PTRACE] = { "ptrace", "change" }, [PEVENT_UID] = { "uid", "change" },
	[PEVENT_GID] = { "gid", "change" },	[PEVENT_SID] = { "sid", "change" },
	[PEVENT_LOST] = { "lost", "info" },	[PEVENT_START] = { "start", "info" },
	[PEVENT_SNAPSHOT] = { "snapshot", "info" },
	[PEVENT_CONN] = { "conn", "connection\",\"start" },
	[PEVENT_CLOSE] = { "close", "connection\",\"end" },
};

int json_new(struct json **ret, const struct pevent_host *host)
{
	struct json *j = calloc(1, sizeof(*j));
	int r;

	if (!j)
		return -ENOMEM;
	j->host = *host;
	j->event_time.style = j->start_time.style = TIME_RFC3339;
	/* Of another machine, or another time, only the numbers are known. */
	r = host->replay ? 0 : users_new(&j->users);
	if (r < 0) {
		free(j);
		return r;
	}
	*ret = j;
	return 0;
}

struct json *json_free(struct json *j)
{
	if (!j)
		return NULL;
	users_free(j->users);
	free(j);
	return NULL;
}

static void put_entity(struct json *j, struct strbuf *b, pid_t pid, uint64_t ticks)
{
	size_t n = strnlen(j->host.boot_id, BOOT_PREFIX);

	if (pid <= 0 || !ticks || n < BOOT_PREFIX)
		return;
	json_lit(b, "\"entity_id\":\"");
	strbuf_append(b, j->host.boot_id, n);
	json_lit(b, "-");
	strbuf_put_u64(b, (uint64_t)pid);
	json_lit(b, "-");
	strbuf_put_u64(b, ticks);
	json_lit(b, "\",");
}

/* process.name: the executable's base name, else comm. */
static void put_name(struct strbuf *b, const char *exe, const char comm[16])
{
	static const char deleted[] = " (deleted)";	/* as readlink(2) on /proc/PID/exe says */
	const char *name = comm;
	size_t len = strnlen(comm, 16), mark = sizeof(deleted) - 1;

	if (exe && *exe) {
		const char *slash = strrchr(exe, '/');

		name = slash ? slash + 1 : exe;
		len = strlen(name);
		if (len > mark && !memcmp(name + len - mark, deleted, mark))
			len -= mark;
	}
	if (len)
		json_string(b, "name", name, len);
}

/* "key":{"id":"0","name":"root"}, - ECS's ids are keywords. */
#define put_user(j, b, key, uid, now) \
	((uid) != UINT32_MAX ? (json_open(b, key), put_user_members(j, b, uid, now)) : (void)0)

static void put_user_members(struct json *j, struct strbuf *b, uint32_t uid, uint64_t now_ns)
{
	const char *name = j->users ? users_name(j->users, uid, now_ns) : NULL;

	json_lit(b, "\"id\":\"");
	strbuf_put_u64(b, uid);
	json_lit(b, "\",");
	if (name)
		json_string(b, "name", name, strlen(name));
	json_close(b);
}

static void put_group_members(struct strbuf *b, uint32_t gid)
{
	json_lit(b, "\"id\":\"");
	strbuf_put_u64(b, gid);
	json_lit(b, "\"},");
}

static void put_ids(struct json *j, const struct pevent_event *e, struct strbuf *b)
{
	const struct pevent_process *p = &e->process;
	uint32_t uid = p->uid, euid = p->euid, gid = p->gid, egid = p->egid;

	if (e->type == PEVENT_UID) {
		uid = e->u.ids.real;
		euid = e->u.ids.effective;
	} else if (e->type == PEVENT_GID) {
		gid = e->u.ids.real;
		egid = e->u.ids.effective;
	}
	put_user(j, b, "user", euid, e->time_ns);
	put_user(j, b, "real_user", uid, e->time_ns);
	if (egid != UINT32_MAX) {
		json_open(b, "group");
		put_group_members(b, egid);
	}
	if (gid != UINT32_MAX) {
		json_open(b, "real_group");
		put_group_members(b, gid);
	}
}

static void put_tty(struct strbuf *b, uint32_t tty)
{
	if (!tty)
		return;
	json_lit(b, "\"tty\":{\"char_device\":{");
	json_u64(b, "major", tty >> 8 & 0xfff);
	json_u64(b, "minor", (tty & 0xff) | (tty >> 12 & 0xfff00));
	json_close(b);
	json_close(b);
}

static void put_args(struct strbuf *b, const struct pevent_image *image)
{
	const char *s = image->args, *end = s + image->args_len;
	uint64_t count = 0;

	json_lit(b, "\"args\":[");
	for (; s < end; count++) {
		size_t len = strnlen(s, (size_t)(end - s));

		strbuf_putc(b, '"');
		escape_json(b, s, len);
		json_lit(b, "\",");
		s += len + 1;
	}
	if (count && b->len)
		b->len--;
	json_lit(b, "],");
	if (image->args_total <= image->args_len)
		json_u64(b, "args_count", count);
}

static void put_parent(struct json *j, const struct pevent_process *p, struct strbuf *b)
{
	const char *exe = p->parent_image ? p->parent_image->exe : NULL;

	if (p->ppid <= 0)
		return;
	json_open(b, "parent");
	put_entity(j, b, p->ppid, p->parent_start_ticks);
	json_u64(b, "pid", (uint64_t)p->ppid);
	put_name(b, exe, p->parent_comm);
	if (exe)
		json_string(b, "executable", exe, strlen(exe));
	json_close(b);
}

/* The thread that acted; its name only where it is that thread's. */
static void put_thread(const struct pevent_event *e, struct strbuf *b)
{
	const struct pevent_process *p = &e->process;
	const char *comm = p->comm;
	bool leader = !e->tid || e->tid == p->pid || e->type == PEVENT_EXIT;
	size_t start = b->len;

	if (e->type == PEVENT_COMM) {
		comm = e->u.comm.new_comm;
		leader = true;
	}
	json_open(b, "thread");
	if (e->tid > 0 && (e->type != PEVENT_EXIT || e->tid == p->pid))
		json_u64(b, "id", (uint64_t)e->tid);
	if (leader && comm[0])
		json_string(b, "name", comm, strnlen(comm, 16));
	json_close_filled(b, start);
}

static uint64_t end_of(const struct pevent_event *e)
{
	if (e->process.end_ns)
		return e->process.end_ns;
	return e->u.exit.origin != PEVENT_FROM_NONE ? e->time_ns : 0;
}

static void put_life(struct json *j, const struct pevent_event *e, struct strbuf *b)
{
	const struct pevent_process *p = &e->process;
	int status = e->u.exit.wait_status;

	if (p->start_ns) {
		json_lit(b, "\"start\":\"");
		json_time(b, &j->start_time, p->start_ns, e->realtime_offset_ns);
		json_lit(b, "\",");
	}
	if (e->type != PEVENT_EXIT)
		return;
	if (end_of(e)) {
		json_lit(b, "\"end\":\"");
		json_time(b, &j->event_time, end_of(e), e->realtime_offset_ns);
		json_lit(b, "\",");
	}
	if (e->u.exit.origin != PEVENT_FROM_NONE)
		json_u64(b, "exit_code", (unsigned int)(WIFSIGNALED(status) ?
							128 + WTERMSIG(status) :
							WEXITSTATUS(status)));
}

static void put_process(struct json *j, const struct pevent_event *e, struct strbuf *b)
{
	const struct pevent_process *p = &e->process;
	const struct pevent_image *image = p->image;
	const char *exe = image ? image->exe : NULL;

	json_open(b, "process");
	put_entity(j, b, p->pid, p->start_ticks);
	json_u64(b, "pid", (uint64_t)p->pid);
	put_thread(e, b);
	put_parent(j, p, b);
	if (p->pgrp > 0) {
		json_lit(b, "\"group_leader\":{\"pid\":");
		strbuf_put_u64(b, (uint64_t)p->pgrp);
		json_lit(b, "},");
	}
	if (p->session > 0) {
		json_lit(b, "\"session_leader\":{\"pid\":");
		strbuf_put_u64(b, (uint64_t)p->session);
		json_lit(b, "},");
	}
	put_name(b, exe, p->comm);
	if (exe)
		json_string(b, "executable", exe, strlen(exe));
	if (image && image->args && !p->kernel_thread)
		put_args(b, image);
	if (image && image->cwd)
		json_string(b, "working_directory", image->cwd, strlen(image->cwd));
	put_ids(j, e, b);
	put_tty(b, p->tty);
	put_life(j, e, b);
	json_close(b);
}

/* The 64 hex digits that container engines put into the cgroup's last parts; NULL: none. */
static const char *container_id(const char *cgroup)
{
	size_t run = 0;

	for (const char *s = cgroup;; s++) {
		if ((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'f')) {
			run++;
			continue;
		}
		if (run == 64)
			return s - 64;
		if (!*s)
			return NULL;
		run = 0;
	}
}

static void put_event(struct json *j, const struct pevent_event *e, struct strbuf *b)
{
	bool thread_end = e->type == PEVENT_CLONE && e->u.thread_end;
	bool network = e->type == PEVENT_CONN || e->type == PEVENT_CLOSE;
	uint64_t end, ns;

	json_lit(b, "{\"@timestamp\":\"");
	json_time(b, &j->event_time, e->time_ns, e->realtime_offset_ns);
	json_lit(b, "\",\"event\":{\"kind\":\"event\",\"category\":[\"");
	strbuf_puts(b, network ? "network" : "process");
	json_lit(b, "\"],\"type\":[\"");
	strbuf_puts(b, thread_end ? "end" : actions[e->type].type);
	json_lit(b, "\"],\"action\":\"");
	strbuf_puts(b, actions[e->type].action);
	json_lit(b, "\",");
	json_u64(b, "sequence", e->sequence);
	if (e->type == PEVENT_EXIT) {
		end = end_of(e);
		if (e->process.start_ns && end >= e->process.start_ns)
			json_u64(b, "duration", end - e->process.start_ns);
		if (e->u.exit.origin == PEVENT_FROM_NONE)
			json_lit(b, "\"outcome\":\"unknown\",");
		else if (e->u.exit.wait_status)
			json_lit(b, "\"outcome\":\"failure\",");
		else
			json_lit(b, "\"outcome\":\"success\",");
	}
	if (e->type == PEVENT_CLOSE && connection_duration(connection_of(e), &ns))
		json_u64(b, "duration", ns);
	if (e->type == PEVENT_START)
		json_lit(b, "\"module\":\"pevent\",\"dataset\":\"pevent.process\",");
	json_close(b);
}

static void put_exit(const struct pevent_event *e, struct strbuf *b)
{
	int status = e->u.exit.wait_status;
	char name[SIGNAL_TEXT_MAX];

	if (e->u.exit.origin == PEVENT_FROM_NONE)
		return;
	json_open(b, "exit");
	if (WIFSIGNALED(status)) {
		json_u64(b, "signal", (unsigned int)WTERMSIG(status));
		json_string(b, "signal_name", name, signal_full(WTERMSIG(status), name));
		json_bool(b, "core_dumped", WCOREDUMP(status));
	} else {
		json_u64(b, "status", (unsigned int)WEXITSTATUS(status));
	}
	json_u64(b, "wait_status", (unsigned int)status);
	if (e->u.exit.oom_killed)
		json_bool(b, "oom_killed", true);
	json_close(b);
}

#define put_origin(b, key, origin) \
	((origin) != PEVENT_FROM_NONE && pevent_origin_name(origin) ? \
	 json_string(b, key, pevent_origin_name(origin), strlen(pevent_origin_name(origin))) : \
	 (void)0)

static void put_source(const struct pevent_event *e, struct strbuf *b)
{
	const struct pevent_process *p = &e->process;
	size_t start = b->len;

	json_open(b, "source");
	if (p->image && (p->image->args || p->image->exe))
		put_origin(b, "args", p->image_origin);
	if (p->ppid > 0)
		put_origin(b, "parent", p->parent_origin);
	if (p->start_ns)
		put_origin(b, "start", p->start_origin);
	if (e->type == PEVENT_EXIT)
		put_origin(b, "exit", e->u.exit.origin);
	if (e->usage.known)
		put_origin(b, "usage", e->usage.origin);
	if (e->usage.known & PEVENT_KNOWN_NETWORK)
		put_origin(b, "network", e->usage.network.origin);
	json_close_filled(b, start);
}

/* What the type of the event alone has. */
static void put_own(struct json *j, const struct pevent_event *e, struct strbuf *b)
{
	switch (e->type) {
	case PEVENT_SNAPSHOT:
		if (e->u.at_end)
			json_lit(b, "\"snapshot\":\"end\",");
		else
			json_lit(b, "\"snapshot\":\"start\",");
		json_usage(b, e, &j->event_time);
		break;
	case PEVENT_EXIT:
		put_exit(e, b);
		json_usage(b, e, &j->event_time);
		if (e->u.exit.origin == PEVENT_FROM_NONE)
			json_lit(b, "\"incomplete\":true,");
		break;
	case PEVENT_COMM:
		if (e->u.comm.old_comm[0]) {
			json_open(b, "comm");
			json_string(b, "old", e->u.comm.old_comm,
				    strnlen(e->u.comm.old_comm, 16));
			json_close(b);
		}
		break;
	case PEVENT_PTRACE:
		json_open(b, "ptrace");
		json_bool(b, "attached", e->u.ptrace.tracer != 0);
		if (e->u.ptrace.tracer > 0) {
			json_open(b, "tracer");
			json_u64(b, "pid", (uint64_t)e->u.ptrace.tracer);
			if (e->u.ptrace.tracer_comm[0])
				json_string(b, "name", e->u.ptrace.tracer_comm,
					    strnlen(e->u.ptrace.tracer_comm, 16));
			json_close(b);
		}
		json_close(b);
		break;
	default:
		break;
	}
}

static void put_truncated(const struct pevent_event *e, struct strbuf *b)
{
	const struct pevent_image *image = e->process.image;
	size_t start = b->len;

	json_open(b, "truncated");
	if (image && image->args && image->args_total > image->args_len)
		json_u64(b, "args_bytes", image->args_total);
	if (e->files && e->files->total > e->files->n)
		json_u64(b, "files", e->files->total);
	if (e->connections && e->connections->total > e->connections->n)
		json_u64(b, "connections", e->connections->total);
	json_close_filled(b, start);
}

static void put_pevent(struct json *j, const struct pevent_event *e, struct strbuf *b)
{
	const struct pevent_process *p = &e->process;
	const struct pevent_image *image = p->image;
	size_t start = b->len;

	json_open(b, "pevent");
	put_own(j, e, b);
	json_connections(b, e, &j->event_time);
	json_files(b, e, &j->event_time);
	if (p->loginuid != UINT32_MAX)
		json_u64(b, "loginuid", p->loginuid);
	if (image && image->cgroup)
		json_string(b, "cgroup", image->cgroup, strlen(image->cgroup));
	if (image && image->args && !utf8_valid(image->args, image->args_len)) {
		json_lit(b, "\"args_base64\":\"");
		base64_append(b, image->args, image->args_len);
		json_lit(b, "\",");
	}
	put_truncated(e, b);
	put_source(e, b);
	json_close_filled(b, start);
}

static void put_lost(const struct pevent_event *e, struct strbuf *b)
{
	const char *source = pevent_source_name(e->u.lost.source);

	json_lit(b, "\"pevent\":{\"lost\":{");
	if (e->u.lost.count)
		json_u64(b, "count", e->u.lost.count);
	if (source)
		json_string(b, "source", source, strlen(source));
	if (e->cpu != UINT32_MAX)
		json_u64(b, "cpu", e->cpu);
	json_close(b);
	json_close(b);
}

static void put_start(struct json *j, const struct pevent_stats *stats, struct strbuf *b)
{
	const struct pevent_host *h = &j->host;

	size_t start;

	json_lit(b, "\"ecs\":{\"version\":\"8.11.0\"},");
	start = b->len;
	json_open(b, "host");
	if (h->nodename[0])
		json_string(b, "name", h->nodename, strnlen(h->nodename, 65));
	if (h->machine[0])
		json_string(b, "architecture", h->machine, strnlen(h->machine, 65));
	if (h->boot_id[0]) {
		json_open(b, "boot");
		json_string(b, "id", h->boot_id, strnlen(h->boot_id, 37));
		json_close(b);
	}
	if (h->release[0]) {
		json_open(b, "os");
		json_string(b, "kernel", h->release, strnlen(h->release, 65));
		json_close(b);
	}
	json_close_filled(b, start);
	json_open(b, "pevent");
	json_u64(b, "schema", 1);
	json_string(b, "version", pevent_version(), strlen(pevent_version()));
	json_bool(b, "replay", h->replay);
	json_open(b, "sources");
	for (int i = 0; stats && i < PEVENT_SOURCE_COUNT; i++) {
		const struct pevent_source_stats *s = &stats->source[i];

		if (!s->active && !s->state[0])
			continue;
		strbuf_putc(b, '"');
		strbuf_puts(b, pevent_source_name((enum pevent_source)i));
		json_lit(b, "\":{");
		json_bool(b, "active", s->active);
		if (s->state[0])
			json_string(b, "state", s->state, strnlen(s->state, sizeof(s->state)));
		json_close(b);
	}
	json_close(b);
	json_close(b);
}

void json_event(struct json *j, const struct pevent_event *e, const struct pevent_stats *stats,
		struct strbuf *b)
{
	const struct pevent_image *image = e->process.image;
	const char *container = image && image->cgroup ? container_id(image->cgroup) : NULL;

	put_event(j, e, b);
	if (e->type == PEVENT_START) {
		put_start(j, stats, b);
	} else if (e->type == PEVENT_LOST) {
		put_lost(e, b);
	} else {
		json_network_event(b, e);
		put_process(j, e, b);
		if (container) {
			json_open(b, "container");
			json_string(b, "id", container, 64);
			json_close(b);
		}
		put_pevent(j, e, b);
	}
	json_end_line(b);
}
