/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "network.h"

#define FACTS_FIRST 64

void facts_finish(struct facts *f)
{
	free(f->slot);
	*f = (struct facts){ 0 };
}

/* Room for one more: what was popped, or more memory. */
static int make_room(struct facts *f)
{
	size_t count = f->tail - f->head, size = f->size ? 2 * f->size : FACTS_FIRST;
	struct network_fact *slot;

	if (f->head > f->size / 2) {
		memmove(f->slot, f->slot + f->head, count * sizeof(*f->slot));
		f->head = 0;
		f->tail = count;
		return 0;
	}
	if (count >= FACTS_MAX)
		return -ENOBUFS;
	slot = realloc(f->slot, size * sizeof(*slot));
	if (!slot)
		return -ENOBUFS;
	f->slot = slot;
	f->size = size;
	return 0;
}

int facts_add(struct facts *f, const struct network_fact *fact)
{
	struct network_fact *last = f->tail > f->head ? &f->slot[f->tail - 1] : NULL;

	f->is_mixed |= last && fact->time_ns < last->time_ns;
	if (f->tail == f->size && make_room(f) < 0)
		return -ENOBUFS;
	f->slot[f->tail] = *fact;
	f->slot[f->tail++].sequence = ++f->sequence;
	return 0;
}

struct network_fact *facts_recent(const struct facts *f, size_t i)
{
	return i < f->tail - f->head ? &f->slot[f->tail - 1 - i] : NULL;
}

static int by_time(const void *a, const void *b)
{
	const struct network_fact *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->sequence < y->sequence ? -1 : 1;
}

const struct network_fact *facts_peek(struct facts *f)
{
	if (f->is_mixed)
		qsort(f->slot + f->head, f->tail - f->head, sizeof(*f->slot), by_time);
	f->is_mixed = false;
	return f->head != f->tail ? &f->slot[f->head] : NULL;
}

void facts_pop(struct facts *f)
{
	f->head++;
	if (f->head == f->tail)
		f->head = f->tail = 0;
}
