/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tracepoint.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "cursor.h"
#include "util/macro.h"

/* linux/perf_event.h: struct perf_event_header, enum perf_event_type */
#define PERF_HEADER 8
enum { PERF_LOST = 2, PERF_SAMPLE = 9 };

/* A sample of TRACEPOINT_SAMPLE_TYPE: the bits in the order that perf_event_open(2) gives. */
enum {
	SAMPLE_PID = 8,
	SAMPLE_TID = 12,
	SAMPLE_TIME = 16,
	SAMPLE_CPU = 24,
	SAMPLE_RAW_SIZE = 32,
	SAMPLE_RAW = 36,
};

/* PERF_RECORD_LOST: id, lost, then struct sample_id of the same sample_type. */
enum {
	LOST_COUNT = 16,
	LOST_PID = 24,
	LOST_TID = 28,
	LOST_TIME = 32,
	LOST_CPU = 40,
	LOST_SIZE = 48,
};

#define RECORD_MAX 65536	/* of the header's 16 bit */

static const char *const names[TRACEPOINT_COUNT] = {
	[TRACEPOINT_STATE] = "inet_sock_set_state",
	[TRACEPOINT_SEND] = "sock_send_length",
	[TRACEPOINT_RECEIVE] = "sock_recv_length",
};

#define STATE (1u << TRACEPOINT_STATE)
#define LENGTH (1u << TRACEPOINT_SEND | 1u << TRACEPOINT_RECEIVE)

static const struct {
	const char *name, *alias;
	uint32_t needed_by;	/* kinds */
	uint16_t size;		/* 0: a number, of any */
} fields[TRACEPOINT_FIELD_COUNT] = {
	[TRACEPOINT_TYPE] = { "common_type", NULL, STATE | LENGTH, 0 },
	[TRACEPOINT_SKADDR] = { "skaddr", "sk", STATE | LENGTH, 0 },
	[TRACEPOINT_FAMILY] = { "family", NULL, STATE | LENGTH, 0 },
	[TRACEPOINT_PROTOCOL] = { "protocol", NULL, STATE | LENGTH, 0 },
	[TRACEPOINT_OLD_STATE] = { "oldstate", NULL, STATE, 0 },
	[TRACEPOINT_NEW_STATE] = { "newstate", NULL, STATE, 0 },
	[TRACEPOINT_LOCAL_PORT] = { "sport", NULL, STATE, 0 },
	[TRACEPOINT_REMOTE_PORT] = { "dport", NULL, STATE, 0 },
	[TRACEPOINT_LOCAL4] = { "saddr", NULL, STATE, 4 },
	[TRACEPOINT_REMOTE4] = { "daddr", NULL, STATE, 4 },
	[TRACEPOINT_LOCAL6] = { "saddr_v6", NULL, STATE, 16 },
	[TRACEPOINT_REMOTE6] = { "daddr_v6", NULL, STATE, 16 },
	[TRACEPOINT_RETURNED] = { "ret", "length", LENGTH, 0 },
	[TRACEPOINT_FLAGS] = { "flags", NULL, LENGTH, 0 },
};

static bool is(struct cursor c, const char *word)
{
	return word && cursor_word(&c, word) && c.p == c.end;
}

static bool is_identifier(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* "TYPE NAME" or "TYPE NAME[N]": the name. */
static struct cursor declared_name(struct cursor c)
{
	const char *bracket = c.p < c.end ? memchr(c.p, '[', (size_t)(c.end - c.p)) : NULL;
	const char *start;

	if (bracket)
		c.end = bracket;
	for (start = c.end; start > c.p && is_identifier(start[-1]);)
		start--;
	return (struct cursor){ start, c.end };
}

/* "KEY:NUMBER;", after blanks. */
static bool take_number(struct cursor *c, const char *key, uint64_t *ret)
{
	return cursor_skip_blank(c) && cursor_word(c, key) && cursor_number(c, ret) &&
	       cursor_word(c, ";");
}

/* "field:DECLARATION;\toffset:N;\tsize:N;\tsigned:N;"; false: not that. */
static bool take_field(struct cursor line, struct tracepoint_format *f)
{
	struct cursor name;
	uint64_t offset, size, is_signed = 0;
	const char *end;

	if (!cursor_skip_blank(&line) || !cursor_word(&line, "field:"))
		return true;
	end = line.p < line.end ? memchr(line.p, ';', (size_t)(line.end - line.p)) : NULL;
	if (!end)
		return false;
	name = declared_name((struct cursor){ line.p, end });
	line.p = end + 1;
	if (!take_number(&line, "offset:", &offset) || !take_number(&line, "size:", &size))
		return false;
	(void)take_number(&line, "signed:", &is_signed);
	if (offset >= RECORD_MAX || size >= RECORD_MAX)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!is(name, fields[i].name) && !is(name, fields[i].alias))
			continue;
		f->field[i].offset = (uint16_t)offset;
		f->field[i].size = (uint16_t)size;
		f->field[i].is_signed = is_signed != 0;
	}
	return true;
}

static bool is_number_size(uint16_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static int check_fields(const struct tracepoint_format *f)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint16_t size = f->field[i].size;

		if (!(fields[i].needed_by & 1u << f->kind))
			continue;
		if (fields[i].size ? size != fields[i].size : !is_number_size(size))
			return -ENOTSUP;
	}
	return 0;
}

int tracepoint_format_decode(const char *text, size_t len, struct tracepoint_format *ret)
{
	struct cursor c = cursor_of(text, len), line;
	struct tracepoint_format f = { .kind = TRACEPOINT_COUNT };
	uint64_t id;
	int error;

	if (!cursor_find_line(c, "name: ", &line))
		return -EBADMSG;
	for (unsigned int i = 0; i < TRACEPOINT_COUNT; i++)
		if (is(line, names[i]))
			f.kind = (enum tracepoint_kind)i;
	if (f.kind == TRACEPOINT_COUNT)
		return -ENOMSG;
	if (!cursor_find_line(c, "ID:", &line) || !cursor_number(&line, &id) || id == 0 ||
	    id > UINT16_MAX)	/* common_type has 16 bits */
		return -EBADMSG;
	f.id = (uint32_t)id;
	while (cursor_line(&c, &line))
		if (!take_field(line, &f))
			return -EBADMSG;
	error = check_fields(&f);
	if (error == 0)
		*ret = f;
	return error;
}

/* The raw data of one sample, with its tracepoint's format. */
struct raw {
	const struct tracepoint_format *format;
	const uint8_t *p;
	size_t len;
};

static bool has(const struct raw *r, enum tracepoint_field_name name)
{
	size_t size = r->format->field[name].size;

	return size && r->format->field[name].offset + size <= r->len;
}

/* 0 where the record does not have it; check_fields() has seen that it can. */
static uint64_t number(const struct raw *r, enum tracepoint_field_name name)
{
	const uint8_t *p;
	bool is_signed = r->format->field[name].is_signed;
	uint32_t v32;
	uint16_t v16;

	if (!has(r, name))
		return 0;
	p = r->p + r->format->field[name].offset;
	switch (r->format->field[name].size) {
	case 1:
		return is_signed ? (uint64_t)(int8_t)*p : *p;
	case 2:
		v16 = load_u16(p);
		return is_signed ? (uint64_t)(int16_t)v16 : v16;
	case 4:
		v32 = load_u32(p);
		return is_signed ? (uint64_t)(int32_t)v32 : v32;
	case 8:
		return load_u64(p);
	default:
		return 0;
	}
}

static void copy_address(const struct raw *r, enum tracepoint_field_name name, uint8_t *ret)
{
	if (has(r, name))
		memcpy(ret, r->p + r->format->field[name].offset, fields[name].size);
}

static void decode_state(const struct raw *r, struct tracepoint_record *rec)
{
	bool v6 = rec->family == AF_INET6;

	rec->old_state = (int32_t)number(r, TRACEPOINT_OLD_STATE);
	rec->new_state = (int32_t)number(r, TRACEPOINT_NEW_STATE);
	rec->local_port = (uint16_t)number(r, TRACEPOINT_LOCAL_PORT);
	rec->remote_port = (uint16_t)number(r, TRACEPOINT_REMOTE_PORT);
	copy_address(r, v6 ? TRACEPOINT_LOCAL6 : TRACEPOINT_LOCAL4, rec->local);
	copy_address(r, v6 ? TRACEPOINT_REMOTE6 : TRACEPOINT_REMOTE4, rec->remote);
	if (v6 && address_unmap(rec->local, rec->remote)) {
		rec->family = AF_INET;
		rec->mapped = true;
	}
}

/* A kernel whose record ends before a field that its format names is not one we can read. */
static bool is_whole(const struct raw *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].needed_by & 1u << r->format->kind &&
		    !has(r, (enum tracepoint_field_name)i))
			return false;
	return true;
}

static int decode_raw(const struct tracepoint_format *formats, struct raw *r,
		      struct tracepoint_record *rec)
{
	for (size_t i = 0; i < TRACEPOINT_COUNT; i++) {
		r->format = &formats[i];
		if (r->format->id && number(r, TRACEPOINT_TYPE) == r->format->id)
			break;
		r->format = NULL;
	}
	if (!r->format)
		return 1;
	if (!is_whole(r))
		return -EBADMSG;
	rec->kind = r->format->kind;
	rec->skaddr = number(r, TRACEPOINT_SKADDR);
	rec->family = (uint16_t)number(r, TRACEPOINT_FAMILY);
	rec->protocol = (uint16_t)number(r, TRACEPOINT_PROTOCOL);
	if (rec->kind == TRACEPOINT_STATE) {
		decode_state(r, rec);
	} else {
		rec->returned = (int32_t)number(r, TRACEPOINT_RETURNED);
		rec->flags = (uint32_t)number(r, TRACEPOINT_FLAGS);
	}
	return 0;
}

static int decode_sample(const struct tracepoint_format *formats, const uint8_t *p, size_t len,
			 struct tracepoint_record *rec)
{
	struct raw r = { 0 };

	if (len < SAMPLE_RAW)
		return -EBADMSG;
	r.p = p + SAMPLE_RAW;
	r.len = load_u32(p + SAMPLE_RAW_SIZE);
	if (r.len > len - SAMPLE_RAW)
		return -EBADMSG;
	rec->pid = (int32_t)load_u32(p + SAMPLE_PID);
	rec->tid = (int32_t)load_u32(p + SAMPLE_TID);
	rec->time_ns = load_u64(p + SAMPLE_TIME);
	rec->cpu = load_u32(p + SAMPLE_CPU);
	return decode_raw(formats, &r, rec);
}

static int decode_lost(const uint8_t *p, size_t len, struct tracepoint_record *rec)
{
	if (len < LOST_SIZE)
		return -EBADMSG;
	rec->kind = TRACEPOINT_LOST;
	rec->lost = load_u64(p + LOST_COUNT);
	rec->pid = (int32_t)load_u32(p + LOST_PID);
	rec->tid = (int32_t)load_u32(p + LOST_TID);
	rec->time_ns = load_u64(p + LOST_TIME);
	rec->cpu = load_u32(p + LOST_CPU);
	return 0;
}

int tracepoint_decode(const struct tracepoint_format *formats, const void *buf, size_t len,
		      struct tracepoint_record *ret)
{
	struct tracepoint_record rec = { 0 };
	const uint8_t *p = buf;
	size_t size;
	int result = 1;

	if (len < PERF_HEADER)
		return -EBADMSG;
	size = load_u16(p + 6);
	if (size < PERF_HEADER || size > len)
		return -EBADMSG;
	switch (load_u32(p)) {
	case PERF_SAMPLE:
		result = decode_sample(formats, p, size, &rec);
		break;
	case PERF_LOST:
		result = decode_lost(p, size, &rec);
		break;
	}
	if (result == 0)
		*ret = rec;
	return result;
}
