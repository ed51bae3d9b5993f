/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_JSON_USAGE_H
#define SINK_JSON_USAGE_H

/* Members of "pevent" that json.c leaves to json_usage.c. What is not known is left out. */

#include "pevent/pevent.h"
#include "sink/time_text.h"
#include "util/strbuf.h"

/* "usage" and "sample" of an EXIT or SNAPSHOT. t: any that writes RFC 3339. */
void json_usage(struct strbuf *b, const struct pevent_event *e, struct time_text *t);
/* "files" and when they were open. */
void json_files(struct strbuf *b, const struct pevent_event *e, struct time_text *t);

#endif
