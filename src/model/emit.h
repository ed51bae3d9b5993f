/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events into the queue, past the filter. */
#ifndef MODEL_EMIT_H
#define MODEL_EMIT_H

#include "model.h"

/* An event of a process, if the filter lets it through: NULL if not. Conditions on exits shut out
 * every other event. */
struct pevent_event *emit_of(struct model *m, enum pevent_type type, const struct cn_event *cn,
			     const struct process *p);
/* The same for EXIT: its end is in p. */
struct pevent_event *emit_exit(struct model *m, const struct cn_event *cn, const struct process *p,
			       int wait_status);

#endif
