/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json-c reads the JSON here: recordings come from users' bug reports, and a parser of hostile
 * text is not what pevent exists for.
 */
#include "replay_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "record_names.h"
#include "util/macro.h"

static const struct {
	const char *why, *time;		/* the key that says when it was written */
} kinds[REPLAY_KIND_COUNT] = {
	[REPLAY_EXEC] = { "exec", "time" },	  [REPLAY_SCAN] = { "scan", "begin" },
	[REPLAY_SCANNED] = { "scanned", "time" }, [REPLAY_SAMPLE] = { "sample", "time" },
	[REPLAY_LAST] = { "last", "time" },	  [REPLAY_DROPS] = { "drops", "time" },
	[REPLAY_PROBE] = { "probe", "begin" },	  [REPLAY_MACHINE] = { "machine", "time" },
	[REPLAY_OOM] = { "oom", "time" },	  [REPLAY_NETWORK] = { "network", "time" },
	[REPLAY_SOCKET] = { "socket", "time" },	  [REPLAY_STOLEN] = { "stolen", "time" },
};

struct line {
	struct list list;
	struct json_object *object;
	uint64_t time_ns;
};

void replay_lines_init(struct replay_lines *l, FILE *file, const struct log *log)
{
	*l = (struct replay_lines){ .file = file, .kind = REPLAY_KIND_COUNT, .log = log };
	for (int i = 0; i < REPLAY_KIND_COUNT; i++)
		list_init(&l->waiting[i]);
}

void replay_lines_finish(struct replay_lines *l)
{
	if (!l->file)
		return;
	for (int i = 0; i < REPLAY_KIND_COUNT; i++)
		while (!list_empty(&l->waiting[i]))
			replay_lines_drop(l, i);
	free(l->text);
	fclose(l->file);
}

int64_t replay_int(struct json_object *line, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(line, key, &v) ? json_object_get_int64(v) : 0;
}

static int kind_of(struct json_object *o)
{
	struct json_object *why;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, "why", &why) ||
	    !json_object_is_type(why, json_type_string))
		return -1;
	for (int i = 0; i < REPLAY_KIND_COUNT; i++)
		if (!strcmp(json_object_get_string(why), kinds[i].why))
			return i;
	return -1;
}

/* Reads one line to its queue; false at the end. Others than ours are passed over. */
static bool read_line(struct replay_lines *l)
{
	while (getline(&l->text, &l->text_size, l->file) > 0) {
		struct json_object *o = json_tokener_parse(l->text);
		int kind = kind_of(o);
		struct line *line = kind < 0 ? NULL : malloc(sizeof(*line));

		l->number++;
		if (line) {
			line->object = o;
			line->time_ns = (uint64_t)replay_int(o, kinds[kind].time);
			l->kind = kind;
			l->time_ns = line->time_ns;
			list_append(&l->waiting[kind], &line->list);
			return true;
		}
		json_object_put(o);
		log_warning(l->log, "%s: line %llu: not of a recording", RECORD_PROC,
			    (unsigned long long)l->number);
	}
	return false;
}

static struct line *first(struct replay_lines *l, enum replay_kind kind)
{
	if (list_empty(&l->waiting[kind]))
		return NULL;
	return CONTAINER_OF(l->waiting[kind].next, struct line, list);
}

static struct json_object *first_until(struct replay_lines *l, enum replay_kind kind,
				       uint64_t until_ns)
{
	struct line *line = first(l, kind);

	return line && line->time_ns <= until_ns ? line->object : NULL;
}

struct json_object *replay_lines_find(struct replay_lines *l, enum replay_kind kind)
{
	while (list_empty(&l->waiting[kind]))
		if (!read_line(l))
			return NULL;
	return first(l, kind)->object;
}

struct json_object *replay_lines_find_until(struct replay_lines *l, enum replay_kind kind,
					    uint64_t until_ns)
{
	while (l->time_ns <= until_ns && read_line(l))
		;
	return first_until(l, kind, until_ns);
}

uint64_t replay_lines_next_time(struct replay_lines *l, enum replay_kind kind, uint64_t until_ns)
{
	while (list_empty(&l->waiting[kind]) && l->time_ns <= until_ns && read_line(l))
		;
	return list_empty(&l->waiting[kind]) ? until_ns : MIN(first(l, kind)->time_ns, until_ns);
}

struct json_object *replay_lines_find_scanned(struct replay_lines *l, uint64_t until_ns)
{
	while (list_empty(&l->waiting[REPLAY_SCANNED]) &&
	       (l->kind == REPLAY_SCAN || l->kind == REPLAY_SCANNED) && read_line(l))
		;
	return first_until(l, REPLAY_SCANNED, until_ns);
}

void replay_lines_drop(struct replay_lines *l, enum replay_kind kind)
{
	struct line *line = first(l, kind);

	list_remove(&line->list);
	json_object_put(line->object);
	free(line);
}

/* Code points U+0000 to U+00FF back to bytes; others cannot be in a recording of ours: '?'. */
static int32_t put_bytes(struct strbuf *b, struct json_object *v)
{
	const unsigned char *s = (const unsigned char *)json_object_get_string(v);
	size_t len = (size_t)json_object_get_string_len(v), start = b->len;

	for (size_t i = 0; i < len; i++) {
		if (s[i] < 0x80) {
			strbuf_putc(b, (char)s[i]);
		} else if ((s[i] == 0xc2 || s[i] == 0xc3) && i + 1 < len) {
			strbuf_putc(b, (char)((s[i] & 3) << 6 | (s[i + 1] & 0x3f)));
			i++;
		} else if ((s[i] & 0xc0) != 0x80) {
			strbuf_putc(b, '?');
		}
	}
	return (int32_t)(b->len - start);
}

void replay_put_record(struct strbuf *b, struct json_object *line)
{
	struct proc_read head = {
		.event_ns = (uint64_t)replay_int(line, "event"),
		.read_ns = (uint64_t)replay_int(line, "time"),
		.pid = (int32_t)replay_int(line, "pid"),
		.cmdline_cut = replay_int(line, "cut") != 0,
	};
	size_t start = b->len;

	strbuf_append(b, &head, sizeof(head));
	for (unsigned int i = 0; i < PROC_FILE_COUNT; i++) {
		struct json_object *v;

		head.result[i] = -ENODATA;
		if (!json_object_object_get_ex(line, record_file_names[i], &v))
			continue;
		if (json_object_is_type(v, json_type_string))
			head.result[i] = put_bytes(b, v);
		else
			head.result[i] = MIN((int32_t)json_object_get_int64(v), -1);
	}
	if (!b->failed)
		memcpy(b->data + start, &head, sizeof(head));
}
