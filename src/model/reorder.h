/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of one CPU come in order, those of different CPUs up to 0.3 ms late (measured). They are
 * sorted here by the kernel's time and leave when nothing older can come.
 */
#ifndef MODEL_REORDER_H
#define MODEL_REORDER_H

#include <stddef.h>

#include "wire/cn.h"

#define REORDER_WINDOW_NS 1000000	/* the youngest millisecond stays */
#define REORDER_MAX (1u << 18)

struct reorder {
	struct cn_event *event;
	size_t size;		/* power of two */
	size_t head, tail;
};

int reorder_init(struct reorder *r);
void reorder_finish(struct reorder *r);	/* accepts zeroed */
/* -ENOBUFS at REORDER_MAX or when memory is out. */
int reorder_add(struct reorder *r, const struct cn_event *ev);
/* The oldest one not younger than horizon_ns, or NULL; it stays until popped. */
const struct cn_event *reorder_peek(const struct reorder *r, uint64_t horizon_ns);
/* The i-th oldest, NULL behind the youngest. */
const struct cn_event *reorder_at(const struct reorder *r, size_t i);
void reorder_pop(struct reorder *r);

static inline size_t reorder_count(const struct reorder *r)
{
	return r->tail - r->head;
}

#endif
