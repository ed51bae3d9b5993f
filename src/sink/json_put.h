/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_JSON_PUT_H
#define SINK_JSON_PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sink/time_text.h"
#include "util/escape.h"
#include "util/strbuf.h"

/*
 * Members of JSON objects. Each is followed by a comma; json_close() takes back the one before the
 * brace. Keys are literals that need no escaping.
 */

/* As strbuf_append(); inline, since the lengths are constants and a line has dozens of them. */
static inline void json_append(struct strbuf *b, const char *s, size_t len)
{
	if (b->data && !b->failed && b->size - b->len >= len) {
		memcpy(b->data + b->len, s, len);
		b->len += len;
	} else {
		strbuf_append(b, s, len);
	}
}

#define json_lit(b, literal) json_append(b, "" literal, sizeof(literal) - 1)

/* "key":value, */
#define json_u64(b, key, v) \
	(json_lit(b, "\"" key "\":"), strbuf_put_u64(b, v), json_lit(b, ","))
#define json_bool(b, key, v) \
	((v) ? json_lit(b, "\"" key "\":true,") : json_lit(b, "\"" key "\":false,"))
/* "key":"bytes", */
#define json_string(b, key, s, len) \
	(json_lit(b, "\"" key "\":\""), escape_json(b, s, len), json_lit(b, "\","))
/* "key":{ */
#define json_open(b, key) json_lit(b, "\"" key "\":{")

/* A point of time, without the quotes. */
static inline void json_time(struct strbuf *b, struct time_text *t, uint64_t ns, int64_t offset_ns)
{
	char *to = strbuf_reserve(b, TIME_TEXT_MAX);

	if (to)
		strbuf_commit(b, time_text_put(t, ns, offset_ns, to));
}

/* }, in the place of the last member's comma; an object without members stays {}. */
static inline void json_close(struct strbuf *b)
{
	if (b->len && b->data[b->len - 1] == ',')
		b->len--;
	json_lit(b, "},");
}

/* As json_close() for an object opened at b->len `start`: without members it is taken back. */
static inline void json_close_filled(struct strbuf *b, size_t start)
{
	if (b->len > start && b->data[b->len - 1] == '{')
		b->len = start;
	else
		json_close(b);
}

/* The end of a line that began with {. */
static inline void json_end_line(struct strbuf *b)
{
	if (b->len && b->data[b->len - 1] == ',')
		b->len--;
	json_lit(b, "}\n");
}

#endif
