/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "facts.h"

#include <errno.h>
#include <stdlib.h>

#include "network.h"

#define FACTS_FIRST 64

void facts_finish(struct facts *f)
{
	free(f->slot);
	*f = (struct facts){ 0 };
}

static struct network_fact *at(const struct facts *f, size_t i)
{
	return &f->slot[i & (f->size - 1)];
}

static int grow(struct facts *f)
{
	size_t size = f->size ? 2 * f->size : FACTS_FIRST;
	struct network_fact *slot = size <= FACTS_MAX ? malloc(size * sizeof(*slot)) : NULL;

	if (!slot)
		return -ENOBUFS;
	for (size_t i = f->head; i != f->tail; i++)
		slot[i & (size - 1)] = *at(f, i);
	free(f->slot);
	f->slot = slot;
	f->size = size;
	return 0;
}

/* They come nearly sorted: few have to move. */
int facts_add(struct facts *f, const struct network_fact *fact)
{
	size_t i = f->tail;

	if (f->tail - f->head == f->size && grow(f) < 0)
		return -ENOBUFS;
	for (; i != f->head && at(f, i - 1)->time_ns > fact->time_ns; i--)
		*at(f, i) = *at(f, i - 1);
	*at(f, i) = *fact;
	f->tail++;
	return 0;
}

struct network_fact *facts_recent(const struct facts *f, size_t i)
{
	return i < f->tail - f->head ? at(f, f->tail - 1 - i) : NULL;
}

const struct network_fact *facts_peek(const struct facts *f)
{
	return f->head != f->tail ? at(f, f->head) : NULL;
}

void facts_pop(struct facts *f)
{
	f->head++;
}
