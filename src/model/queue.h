/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events on their way out: each holds the images it points to. */
#ifndef MODEL_QUEUE_H
#define MODEL_QUEUE_H

#include <stddef.h>

#include "pevent/pevent.h"

struct flow;
struct traffic;

/* An event, and what it waits for: the last counts of a process's sockets, or of one. */
struct queue_slot {
	struct pevent_event ev;
	uint64_t due_ns;	/* no longer than until then; 0: it does not wait */
	struct traffic *traffic;	/* referenced; or NULL */
	struct flow *flow;	/* pinned; or NULL */
	unsigned int end;	/* of flow */
};

struct queue {
	struct queue_slot *slot;
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
static inline size_t queue_count(const struct queue *q)
{
	return q->tail - q->head;
}

static inline struct queue_slot *queue_slot_of(struct pevent_event *ev)
{
	return (struct queue_slot *)(void *)((char *)ev - offsetof(struct queue_slot, ev));
}

/* The oldest, which stays, or NULL. */
struct queue_slot *queue_head(struct queue *q);
/* It waits no more. */
void queue_release(struct queue_slot *slot);
/* The oldest, or NULL; the one before it is given back. */
const struct pevent_event *queue_take(struct queue *q);

#endif
