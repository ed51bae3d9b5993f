/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_JSON_NETWORK_H
#define SINK_JSON_NETWORK_H

/* Members that json.c leaves to json_network.c. What is not known is left out. */

#include "pevent/pevent.h"
#include "sink/time_text.h"
#include "util/strbuf.h"

/* "network", in "usage". */
void json_network_usage(struct strbuf *b, const struct pevent_usage *u);
/* "connections", in "pevent". t: any that writes RFC 3339. */
void json_connections(struct strbuf *b, const struct pevent_event *e, struct time_text *t);
/* "source", "destination" and "network" of a CONN or CLOSE: ECS's words for it. */
void json_network_event(struct strbuf *b, const struct pevent_event *e);

#endif
