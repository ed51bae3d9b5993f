/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the arguments of options mean. */
#include <errno.h>
#include <net/if.h>
#include <pwd.h>
#include <regex.h>

#include "cli/option_values.h"
#include "pevent/pevent.h"
#include "sink/text.h"
#include "util/escape.h"
#include "util/macro.h"
#include "util/parse.h"

#define PID_LIMIT 4194304	/* PID_MAX_LIMIT of linux/threads.h */
#define RECEIVE_BUFFER_MIN 4096u
#define RECEIVE_BUFFER_MAX (1u << 30)
#define SAMPLE_MIN_NS NSEC_PER_MSEC

static const struct {
	const char *name;
	uint32_t types;
	bool alias;	/* not listed */
} event_names[] = {
	{ "fork", PEVENT_MASK(PEVENT_FORK), false },
	{ "exec", PEVENT_MASK(PEVENT_EXEC), false },
	{ "exit", PEVENT_MASK(PEVENT_EXIT), false },
	{ "core", PEVENT_MASK(PEVENT_CORE), false },
	{ "comm", PEVENT_MASK(PEVENT_COMM), false },
	{ "clone", PEVENT_MASK(PEVENT_CLONE), false },
	{ "ptrce", PEVENT_MASK(PEVENT_PTRACE), false },
	{ "uid", PEVENT_MASK(PEVENT_UID), false },
	{ "gid", PEVENT_MASK(PEVENT_GID), false },
	{ "sid", PEVENT_MASK(PEVENT_SID), false },
	{ "snap", PEVENT_MASK(PEVENT_SNAPSHOT), false },
	{ "conn", PEVENT_MASK(PEVENT_CONN), false },
	{ "close", PEVENT_MASK(PEVENT_CLOSE), false },
	{ "net", TYPES_NETWORK, false },
	{ "all", TYPES_ALL, false },
	{ "coredump", PEVENT_MASK(PEVENT_CORE), true },
	{ "thread", PEVENT_MASK(PEVENT_CLONE), true },
	{ "ptrace", PEVENT_MASK(PEVENT_PTRACE), true },
	{ "snapshot", PEVENT_MASK(PEVENT_SNAPSHOT), true },
};

static const char *const time_names[] = {
	[TIME_ISO] = "iso", [TIME_CLOCK] = "clock", [TIME_EPOCH] = "epoch", [TIME_BOOT] = "boot",
};

static const char *const owner_names[] = {
	[PEVENT_OWNER_AUTO] = "auto", [PEVENT_OWNER_PERF] = "perf", [PEVENT_OWNER_DIAG] = "diag",
};

static int bad(struct parser *p, const char *value, size_t len, const char *what)
{
	strbuf_puts(p->why, p->option);
	strbuf_puts(p->why, ": ");
	escape_text(p->why, value, len);
	strbuf_puts(p->why, ": ");
	strbuf_puts(p->why, what);
	return -EINVAL;
}

static int list_add(struct options_list *l, const void *item, size_t size)
{
	void *items = realloc(l->items, (l->n + 1) * size);

	if (!items)
		return -ENOMEM;
	l->items = items;
	memcpy((char *)items + l->n++ * size, item, size);
	return 0;
}

/* fn for each piece of a comma list. */
static int each_piece(struct parser *p, const char *list,
		      int (*fn)(struct parser *p, const char *piece))
{
	_cleanup_(free_p) char *copy = strdup(list);
	char *rest = copy, *piece;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	while (!r && (piece = strsep(&rest, ",")))
		r = fn(p, piece);
	return r;
}

static int add_event(struct parser *p, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(event_names); i++) {
		if (!strcmp(name, event_names[i].name)) {
			p->o->types |= event_names[i].types;
			if (event_names[i].types & TYPES_NETWORK)
				p->o->needs_network = "-e";
			return 0;
		}
	}
	bad(p, name, strlen(name), "no such event; there are");
	for (size_t i = 0; i < ARRAY_SIZE(event_names); i++) {
		if (event_names[i].alias)
			continue;
		strbuf_putc(p->why, ' ');
		strbuf_puts(p->why, event_names[i].name);
	}
	return -EINVAL;
}

int option_take_events(struct parser *p, const char *value)
{
	return each_piece(p, value, add_event);
}

static int add_pid(struct parser *p, struct options_list *l, const char *s, const char *what)
{
	uint64_t v;
	pid_t pid;

	if (parse_u64(s, 1, PID_LIMIT, &v) < 0)
		return bad(p, s, strlen(s), what);
	pid = (pid_t)v;
	return list_add(l, &pid, sizeof(pid));
}

static int add_pgrp(struct parser *p, const char *s)
{
	return add_pid(p, &p->o->pgrps, s, "not a process group");
}

static int add_process(struct parser *p, const char *s)
{
	return add_pid(p, &p->o->pids, s, "not a process id");
}

int option_take_pgrps(struct parser *p, const char *value)
{
	return each_piece(p, value, add_pgrp);
}

int option_take_pids(struct parser *p, const char *value)
{
	return each_piece(p, value, add_process);
}

static int add_user(struct parser *p, const char *s)
{
	struct passwd *pw;
	uint64_t v;
	uint32_t uid;

	if (parse_u64(s, 0, UINT32_MAX - 1, &v) < 0) {
		pw = *s ? getpwnam(s) : NULL;
		if (!pw)
			return bad(p, s, strlen(s), "no such user");
		v = pw->pw_uid;
	}
	uid = (uint32_t)v;
	return list_add(&p->o->uids, &uid, sizeof(uid));
}

int option_take_users(struct parser *p, const char *value)
{
	return each_piece(p, value, add_user);
}

int option_take_regex(struct parser *p, const char *value)
{
	char error[128];
	regex_t regex;
	int r = regcomp(&regex, value, REG_EXTENDED | REG_NOSUB);

	if (r) {
		regerror(r, &regex, error, sizeof(error));
		return bad(p, value, strlen(value), error);
	}
	regfree(&regex);
	return list_add(&p->o->regexes, &value, sizeof(value));
}

int option_take_cgroup(struct parser *p, const char *value)
{
	if (!*value)
		return bad(p, value, 0, "an empty pattern matches nothing");
	return list_add(&p->o->cgroups, &value, sizeof(value));
}

static int read_time(struct parser *p, const char *value, uint64_t *ret)
{
	int r = parse_duration(value, ret);

	if (r == -ERANGE)
		return bad(p, value, strlen(value), "out of range");
	if (r < 0)
		return bad(p, value, strlen(value), "not a time such as 60, 0.5, 90s, 5m or 1h");
	return 0;
}

static int take_time_span(struct parser *p, const char *value, uint64_t *ret)
{
	uint64_t v;
	int r = read_time(p, value, &v);

	if (r < 0)
		return r;
	if (!v)
		return bad(p, value, strlen(value), "must be more than nothing");
	*ret = v;
	return 0;
}

int option_take_duration(struct parser *p, const char *value)
{
	return take_time_span(p, value, &p->o->duration_ns);
}

int option_take_longer_than(struct parser *p, const char *value)
{
	return take_time_span(p, value, &p->o->longer_than_ns);
}

int option_take_sample(struct parser *p, const char *value)
{
	uint64_t v;
	int r = read_time(p, value, &v);

	if (r < 0)
		return r;
	if (v && v < SAMPLE_MIN_NS)
		return bad(p, value, strlen(value), "must be at least 1ms, or 0 for never");
	p->o->sample_ns = v ? v : PEVENT_SAMPLE_OFF;
	return 0;
}

int option_take_time(struct parser *p, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(time_names); i++) {
		if (!strcmp(value, time_names[i])) {
			p->o->time = (enum time_style)i;
			return 0;
		}
	}
	return bad(p, value, strlen(value), "not one of clock, iso, epoch, boot");
}

int option_take_columns(struct parser *p, const char *value)
{
	struct text_options options = { .columns = value, .terminal_fd = -1 };
	struct strbuf why = { 0 };
	struct text *text = NULL;
	int r;

	r = text_new(&text, &options, &why);
	if (r == -EINVAL) {
		strbuf_puts(p->why, p->option);
		strbuf_puts(p->why, ": ");
		strbuf_append(p->why, why.data, why.len);
	}
	strbuf_finish(&why);
	text_free(text);
	p->o->columns = value;
	return r;
}

int option_take_output(struct parser *p, const char *value)
{
	if (!*value)
		return bad(p, value, 0, "the name of a file is missing");
	p->o->output = value;
	return 0;
}

int option_take_replay(struct parser *p, const char *value)
{
	p->o->replay = value;
	return 0;
}

static int check_device(struct parser *p, const char *name)
{
	size_t len = strlen(name);

	if (!strcmp(name, "any"))
		return bad(p, name, len, "stands for all devices, beside which there are none");
	/* As the kernel's dev_valid_name() has it. */
	if (!len || len >= IFNAMSIZ || strcspn(name, "/: \t\n\v\f\r") != len ||
	    !strcmp(name, ".") || !strcmp(name, ".."))
		return bad(p, name, len, "not the name of a device");
	return 0;
}

int option_take_interface(struct parser *p, const char *value)
{
	bool all = !strcmp(value, "any");
	int r = all ? 0 : each_piece(p, value, check_device);

	if (r < 0)
		return r;
	p->o->interface = all ? NULL : value;
	p->o->needs_network = "-i";
	return 0;
}

int option_take_owner(struct parser *p, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(owner_names); i++) {
		if (!strcmp(value, owner_names[i])) {
			p->o->owner = (enum pevent_owner)i;
			p->o->needs_network = "--owner";
			return 0;
		}
	}
	return bad(p, value, strlen(value), "not one of auto, perf, diag");
}

int option_take_receive_buffer(struct parser *p, const char *value)
{
	uint64_t v;

	if (parse_size(value, &v) < 0 || v < RECEIVE_BUFFER_MIN || v > RECEIVE_BUFFER_MAX)
		return bad(p, value, strlen(value), "not a size from 4K to 1G, such as 64M");
	p->o->receive_buffer = (uint32_t)v;
	return 0;
}
