/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "flow.h"
#include "image.h"
#include "traffic.h"

#define QUEUE_FIRST 16

int queue_init(struct queue *q)
{
	struct queue_slot *slot = calloc(QUEUE_FIRST, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	*q = (struct queue){ .slot = slot, .size = QUEUE_FIRST };
	return 0;
}

void queue_hold(struct pevent_event *ev)
{
	image_ref(image_of(ev->process.image));
	image_ref(image_of(ev->process.parent_image));
	image_ref(image_of(ev->parent.image));
	image_ref(image_of(ev->parent.parent_image));
	files_ref(files_of(ev->files));
}

void queue_release(struct queue_slot *slot)
{
	slot->due_ns = 0;
	slot->traffic = traffic_unref(slot->traffic);
	if (slot->flow)
		slot->flow->pins--;
	slot->flow = NULL;
}

static void let_go(struct queue_slot *slot)
{
	struct pevent_event *ev = &slot->ev;

	queue_release(slot);
	image_unref(image_of(ev->process.image));
	image_unref(image_of(ev->process.parent_image));
	image_unref(image_of(ev->parent.image));
	image_unref(image_of(ev->parent.parent_image));
	files_unref(files_of(ev->files));
	connections_unref(connections_of(ev->connections));
}

static void give_back(struct queue *q)
{
	if (q->taken)
		let_go(&q->slot[(q->head - 1) & (q->size - 1)]);
	q->taken = false;
}

void queue_finish(struct queue *q)
{
	if (!q->slot)
		return;
	while (queue_take(q))
		;
	free(q->slot);
	*q = (struct queue){ 0 };
}

/* Never while a slot is in the client's hands but at its next call: pointers stay good. */
static bool grow(struct queue *q)
{
	struct queue_slot *slot = calloc(q->size * 2, sizeof(*slot));

	if (!slot)
		return false;
	for (size_t i = q->head; i != q->tail; i++)
		slot[i & (q->size * 2 - 1)] = q->slot[i & (q->size - 1)];
	free(q->slot);
	q->slot = slot;
	q->size *= 2;
	return true;
}

struct pevent_event *queue_add(struct queue *q)
{
	struct pevent_event *ev;

	give_back(q);
	if (q->tail - q->head == q->size && !grow(q)) {
		q->refused++;
		return NULL;
	}
	ev = &q->slot[q->tail++ & (q->size - 1)].ev;
	queue_slot_of(ev)->due_ns = 0;
	queue_slot_of(ev)->traffic = NULL;
	queue_slot_of(ev)->flow = NULL;
	memset(ev, 0, offsetof(struct pevent_event, usage));
	ev->usage.known = 0;	/* what is not known has no other value */
	ev->usage.origin = PEVENT_FROM_NONE;
	return ev;
}

struct queue_slot *queue_head(struct queue *q)
{
	give_back(q);
	return q->head != q->tail ? &q->slot[q->head & (q->size - 1)] : NULL;
}

const struct pevent_event *queue_take(struct queue *q)
{
	give_back(q);
	if (q->head == q->tail)
		return NULL;
	q->taken = true;
	return &q->slot[q->head++ & (q->size - 1)].ev;
}
