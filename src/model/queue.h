/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events on their way out: each holds the images it points to. */
#ifndef MODEL_QUEUE_H
#define MODEL_QUEUE_H

#include <stddef.h>

#include "pevent/pevent.h"

struct queue {
	struct pevent_event *slot;
	size_t size;		/* power of two */
	size_t head, tail;	/* count on; `& (size - 1)` is the slot */
	bool taken;		/* the slot at head - 1 is in the client's hands */
	uint64_t refused;	/* events that memory had no room for */
};

int queue_init(struct queue *q);
void queue_finish(struct queue *q);	/* accepts zeroed */
/* A slot to fill, zeroed, at the end; NULL when memory is out. */
struct pevent_event *queue_add(struct queue *q);
/* After filling: takes the references. */
void queue_hold(struct pevent_event *ev);
/* The oldest, or NULL; the one before it is given back. */
const struct pevent_event *queue_take(struct queue *q);

#endif
