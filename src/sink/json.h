/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_JSON_H
#define SINK_JSON_H

#include "pevent/pevent.h"
#include "util/strbuf.h"

/*
 * JSON Lines, schema 1: contrib/schema/pevent-1.schema.json. One object a line, ECS names first,
 * what is not known is absent. What is true for the whole run (ECS version, module, host) is in its
 * first line, event.action "start", only.
 *
 * process.entity_id names a process among all of a machine's, forever: the first eight characters
 * of the boot id, its pid, and its start in clock ticks since boot, as in "7f3c21aa-3523-184467".
 *
 * process.args_count is the real number of arguments; when arguments were cut off it is absent,
 * since nobody counted them, and pevent.truncated.args_bytes has the original size.
 * process.thread.name is the comm of the thread that process.thread.id names, or of the leader.
 */
struct json;

/* The machine's data is copied. */
int json_new(struct json **ret, const struct pevent_host *host);
struct json *json_free(struct json *j);	/* accepts NULL; returns NULL */
/* stats: the sources' state for a START event; may be NULL, else unused. */
void json_event(struct json *j, const struct pevent_event *event, const struct pevent_stats *stats,
		struct strbuf *b);

#endif
