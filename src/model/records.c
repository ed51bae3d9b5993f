/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "records.h"

#include <errno.h>
#include <stdlib.h>

#include "util/macro.h"

#define SPARE_MAX 1024

struct entry {
	struct hash_node node;	/* key: tid; the newest of a number stands first */
	struct list order;
	uint64_t drained_ns;
	struct taskstats_record record;
};

static struct entry *of_order(struct list *order)
{
	return CONTAINER_OF(order, struct entry, order);
}

static struct entry *of_node(struct hash_node *node)
{
	return CONTAINER_OF(node, struct entry, node);
}

int records_init(struct records *r)
{
	*r = (struct records){ 0 };
	list_init(&r->order);
	list_init(&r->spare);
	return hash_init(&r->by_tid, RECORDS_MAX);
}

static void drop(struct records *r, struct entry *e)
{
	hash_remove(&r->by_tid, &e->node);
	list_remove(&e->order);
	if (r->n_spare >= SPARE_MAX) {
		free(e);
		return;
	}
	list_append(&r->spare, &e->order);
	r->n_spare++;
}

void records_finish(struct records *r)
{
	if (!r->order.next)
		return;
	while (!list_empty(&r->order))
		drop(r, of_order(r->order.next));
	while (!list_empty(&r->spare)) {
		struct entry *e = of_order(r->spare.next);

		list_remove(&e->order);
		free(e);
	}
	hash_finish(&r->by_tid);
}

static struct entry *get_spare(struct records *r)
{
	struct entry *e;

	if (list_empty(&r->spare))
		return malloc(sizeof(*e));
	e = of_order(r->spare.next);
	list_remove(&e->order);
	r->n_spare--;
	return e;
}

int records_add(struct records *r, const struct taskstats_record *record, uint64_t drained_ns)
{
	struct entry *e = get_spare(r);

	if (!e)
		return -ENOMEM;
	e->record = *record;
	e->drained_ns = drained_ns;
	while (hash_insert(&r->by_tid, &e->node, (uint64_t)record->tid) < 0) {
		drop(r, of_order(r->order.next));
		r->evicted++;
	}
	list_append(&r->order, &e->order);
	return 0;
}

static struct entry *oldest(const struct records *r, int32_t tid)
{
	struct hash_node *node = hash_find(&r->by_tid, (uint64_t)tid), *next;

	if (!node)
		return NULL;
	while ((next = hash_find_next(node)))
		node = next;
	return of_node(node);
}

bool records_take(struct records *r, int32_t tid, struct taskstats_record *ret)
{
	struct entry *e = oldest(r, tid);

	if (!e)
		return false;
	*ret = e->record;
	drop(r, e);
	return true;
}

void records_forget(struct records *r, int32_t tid, uint64_t time_ns)
{
	struct entry *e;

	while ((e = oldest(r, tid)) && e->drained_ns < time_ns)
		drop(r, e);
}
