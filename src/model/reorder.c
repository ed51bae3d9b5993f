/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reorder.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define REORDER_FIRST 1024

int reorder_init(struct reorder *r)
{
	*r = (struct reorder){ .event = malloc(REORDER_FIRST * sizeof(*r->event)),
			       .size = REORDER_FIRST };
	return r->event ? 0 : -ENOMEM;
}

void reorder_finish(struct reorder *r)
{
	free(r->event);
	*r = (struct reorder){ 0 };
}

static struct cn_event *at(const struct reorder *r, size_t position)
{
	return &r->event[position & (r->size - 1)];
}

static bool grow(struct reorder *r)
{
	struct cn_event *event;

	if (r->size >= REORDER_MAX)
		return false;
	event = malloc(r->size * 2 * sizeof(*event));
	if (!event)
		return false;
	for (size_t i = r->head; i != r->tail; i++)
		event[i & (r->size * 2 - 1)] = *at(r, i);
	free(r->event);
	r->event = event;
	r->size *= 2;
	return true;
}

int reorder_add(struct reorder *r, const struct cn_event *ev)
{
	size_t i;

	if (reorder_count(r) == r->size && !grow(r))
		return -ENOBUFS;
	for (i = r->tail++; i != r->head && at(r, i - 1)->time_ns > ev->time_ns; i--)
		*at(r, i) = *at(r, i - 1);
	*at(r, i) = *ev;
	return 0;
}

const struct cn_event *reorder_peek(const struct reorder *r, uint64_t horizon_ns)
{
	if (r->head == r->tail || at(r, r->head)->time_ns > horizon_ns)
		return NULL;
	return at(r, r->head);
}

const struct cn_event *reorder_at(const struct reorder *r, size_t i)
{
	return i < reorder_count(r) ? at(r, r->head + i) : NULL;
}

void reorder_pop(struct reorder *r)
{
	r->head++;
}
