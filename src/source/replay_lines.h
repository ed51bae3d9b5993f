/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * proc.jsonl of a recording, line by line. One that is not wanted yet is kept until its kind is
 * asked for; no more is read than what the question needs.
 */
#ifndef SOURCE_REPLAY_LINES_H
#define SOURCE_REPLAY_LINES_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "util/list.h"
#include "util/log.h"
#include "util/strbuf.h"

/* What a line is about. */
enum replay_kind {
	REPLAY_EXEC, REPLAY_SCAN, REPLAY_SCANNED, REPLAY_SAMPLE, REPLAY_LAST, REPLAY_DROPS,
	REPLAY_PROBE, REPLAY_MACHINE, REPLAY_OOM, REPLAY_NETWORK, REPLAY_SOCKET,
	REPLAY_STOLEN,
	REPLAY_KIND_COUNT
};

struct replay_lines {
	FILE *file;
	char *text;			/* getline's */
	size_t text_size;
	uint64_t number;		/* of the last line read, */
	enum replay_kind kind;		/* what it is about, */
	uint64_t time_ns;		/* and when it was written */
	struct list waiting[REPLAY_KIND_COUNT];	/* each kind in the order of the file */
	const struct log *log;
};

/* Owns the file from here on. */
void replay_lines_init(struct replay_lines *l, FILE *file, const struct log *log);
void replay_lines_finish(struct replay_lines *l);	/* accepts zeroed */

/* The next line of a kind, however far ahead; NULL: there is none. It stays until it is dropped. */
struct json_object *replay_lines_find(struct replay_lines *l, enum replay_kind kind);
/*
 * The same of those written up to then. Lines are in order of time, but for the times of /proc
 * reads, which are a little before.
 */
struct json_object *replay_lines_find_until(struct replay_lines *l, enum replay_kind kind,
					    uint64_t until_ns);
/* When the next of those was; until_ns: not before then. */
uint64_t replay_lines_next_time(struct replay_lines *l, enum replay_kind kind, uint64_t until_ns);
/* The next process of a scan that was made up to then: they follow it without a gap. */
struct json_object *replay_lines_find_scanned(struct replay_lines *l, uint64_t until_ns);
void replay_lines_drop(struct replay_lines *l, enum replay_kind kind);

/* 0 where the line has no such number. */
int64_t replay_int(struct json_object *line, const char *key);
/* A line about a process as the wire/proc.h record that it was made from; appended. */
void replay_put_record(struct strbuf *b, struct json_object *line);

#endif
