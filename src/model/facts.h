/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was told of sockets and has not been applied, in order of time. */
#ifndef MODEL_FACTS_H
#define MODEL_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FACTS_MAX (1u << 16)

struct network_fact;

struct facts {
	struct network_fact *slot;
	size_t size;
	size_t head, tail;	/* of slot */
	uint64_t sequence;	/* of the last one */
	bool is_mixed;		/* not sorted since something came late */
};

void facts_finish(struct facts *f);	/* accepts zeroed */
/* -ENOBUFS at FACTS_MAX or when memory is out. Of the same time: behind the others. */
int facts_add(struct facts *f, const struct network_fact *fact);
/* The i-th that was added last; NULL: there are not so many. Its time must stay. */
struct network_fact *facts_recent(const struct facts *f, size_t i);
const struct network_fact *facts_peek(struct facts *f);	/* NULL: none */
void facts_pop(struct facts *f);

static inline size_t facts_count(const struct facts *f)
{
	return f->tail - f->head;
}

#endif
