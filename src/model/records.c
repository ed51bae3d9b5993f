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

static void free_all(struct list *all)
{
	while (!list_empty(all)) {
		struct entry *e = of_order(all->next);

		list_remove(&e->order);
		free(e);
	}
}

void records_finish(struct records *r)
{
	if (!r->order.next)
		return;
	free_all(&r->order);
	free_all(&r->spare);
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

static struct entry *oldest(const struct records *r, int32_t tid, unsigned int *ret_n)
{
	struct hash_node *node = hash_find(&r->by_tid, (uint64_t)tid), *last = NULL;

	for (*ret_n = 0; node; node = hash_find_next(node), ++*ret_n)
		last = node;
	return last ? of_node(last) : NULL;
}

int records_add(struct records *r, const struct taskstats_record *record, uint64_t drained_ns)
{
	struct entry *e, *old;
	unsigned int n;

	old = oldest(r, record->tid, &n);
	if (n >= RECORDS_PER_TID) {
		drop(r, old);
		r->evicted++;
	}
	e = get_spare(r);
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

static bool fits(const struct taskstats_record *r, int32_t tgid, uint64_t longest_ns)
{
	return (r->tgid == 0 || r->tgid == tgid) && r->elapsed_ns <= longest_ns;
}

bool records_take(struct records *r, int32_t tid, int32_t tgid, uint64_t longest_ns,
		  struct taskstats_record *ret)
{
	struct hash_node *node = hash_find(&r->by_tid, (uint64_t)tid);
	struct entry *found = NULL, *e;
	unsigned int n;

	for (; node; node = hash_find_next(node))
		if (fits(&of_node(node)->record, tgid, longest_ns))
			found = of_node(node);
	if (!found)
		return false;
	*ret = found->record;
	do {
		e = oldest(r, tid, &n);
		drop(r, e);
	} while (e != found);
	return true;
}

void records_forget(struct records *r, int32_t tid, uint64_t time_ns)
{
	struct entry *e;
	unsigned int n;

	while ((e = oldest(r, tid, &n)) && e->drained_ns < time_ns)
		drop(r, e);
}
