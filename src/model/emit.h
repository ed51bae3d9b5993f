/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events into the queue, past the filter. */
#ifndef MODEL_EMIT_H
#define MODEL_EMIT_H

#include "model.h"

/*
 * An event of a process, if the filter lets it through: NULL if not. Exits are asked for on their
 * own, since conditions on them shut out every other event.
 */
struct pevent_event *emit_of(struct model *m, enum pevent_type type, const struct cn_event *cn,
			     const struct process *p);

#endif
