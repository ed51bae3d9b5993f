/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_LIST_H
#define UTIL_LIST_H

#include <stdbool.h>

/* Doubly linked ring embedded in its members; the head is a node as well. */
struct list {
	struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
	l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#endif
