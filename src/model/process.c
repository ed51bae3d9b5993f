/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process.h"

#include <stdlib.h>
#include <string.h>

#include "traffic.h"
#include "util/macro.h"

static struct process *of_node(struct hash_node *node)
{
	return node ? CONTAINER_OF(node, struct process, node) : NULL;
}

static struct process *of_order(struct list *order)
{
	return CONTAINER_OF(order, struct process, order);
}

int process_table_init(struct process_table *t, size_t limit)
{
	*t = (struct process_table){ 0 };
	list_init(&t->living);
	list_init(&t->dead);
	list_init(&t->sampled);
	return hash_init(&t->by_pid, limit);
}

static void drop(struct process_table *t, struct process *p)
{
	hash_remove(&t->by_pid, &p->node);
	list_remove(&p->order);
	list_remove(&p->sampling);
	list_remove(&p->ending);
	t->n_dead -= p->dead;
	account_finish(&p->account);
	files_unref(p->files);
	if (p->traffic)
		p->traffic->process = NULL;
	traffic_unref(p->traffic);
	image_unref(image_of(p->pub.image));
	image_unref(image_of(p->pub.parent_image));
	free(p);
}

void process_table_finish(struct process_table *t)
{
	if (!t->living.next)
		return;
	while (!list_empty(&t->living))
		drop(t, of_order(t->living.next));
	while (!list_empty(&t->dead))
		drop(t, of_order(t->dead.next));
	hash_finish(&t->by_pid);
}

struct process *process_find(const struct process_table *t, pid_t pid)
{
	return of_node(hash_find(&t->by_pid, (uint64_t)pid));
}

struct process *process_find_living(const struct process_table *t, pid_t pid)
{
	struct process *p = process_find(t, pid);

	return p && !p->dead ? p : NULL;
}

void process_blank(struct pevent_process *pub, pid_t pid)
{
	*pub = (struct pevent_process){
		.pid = pid, .uid = UINT32_MAX, .euid = UINT32_MAX, .gid = UINT32_MAX,
		.egid = UINT32_MAX, .loginuid = UINT32_MAX,
	};
}

struct process *process_add(struct process_table *t, pid_t pid, unsigned int *ret_evicted)
{
	struct process *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	process_blank(&p->pub, pid);
	list_init(&p->ending);
	while (hash_insert(&t->by_pid, &p->node, (uint64_t)pid) < 0) {
		if (!list_empty(&t->dead)) {
			drop(t, of_order(t->dead.next));
		} else {
			drop(t, of_order(t->living.next));
			++*ret_evicted;
		}
	}
	list_append(&t->living, &p->order);
	list_append(&t->sampled, &p->sampling);
	t->peak = MAX(t->peak, (uint64_t)process_count(t));
	return p;
}

void process_bury(struct process_table *t, struct process *p)
{
	if (p->dead)
		return;
	p->dead = true;
	list_remove(&p->sampling);
	list_remove(&p->ending);
	list_remove(&p->order);
	list_append(&t->dead, &p->order);
	if (++t->n_dead > PROCESS_TOMBSTONES)
		drop(t, of_order(t->dead.next));
}

void process_revive(struct process_table *t, struct process *p)
{
	if (!p->dead)
		return;
	p->dead = false;
	p->pub.end_ns = 0;
	t->n_dead--;
	list_remove(&p->order);
	list_append(&t->living, &p->order);
	list_append(&t->sampled, &p->sampling);
	t->peak = MAX(t->peak, (uint64_t)process_count(t));
}

void process_set_image(struct process *p, struct image *image, enum pevent_origin origin)
{
	image_unref(image_of(p->pub.image));
	p->pub.image = image ? &image->pub : NULL;
	p->pub.image_origin = image ? origin : PEVENT_FROM_NONE;
}

void process_set_parent(struct pevent_process *pub, const struct process *parent)
{
	image_ref(image_of(parent->pub.image));
	image_unref(image_of(pub->parent_image));
	pub->ppid = parent->pub.pid;
	pub->parent_start_ns = parent->pub.start_ns;
	pub->parent_start_ticks = parent->pub.start_ticks;
	pub->parent_image = parent->pub.image;
	memcpy(pub->parent_comm, parent->pub.comm, sizeof(pub->parent_comm));
}
