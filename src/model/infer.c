/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "infer.h"

#include "network.h"
#include "traffic.h"
#include "util/macro.h"

void infer_later(struct model *m, const struct flow *f, unsigned int end)
{
	struct infer *in = &m->network.infer;

	/* What there is no room for stays unknown. */
	if (in->tail - in->head == ARRAY_SIZE(in->slot))
		return;
	in->slot[in->tail++ % ARRAY_SIZE(in->slot)] = (struct infer_flow){
		.name = f->name, .netns = f->netns, .end = end, .begin_ns = f->begin_ns,
	};
}

/* Tombstones stand in the order of their ends, nearly. */
static struct process *find_only(struct model *m, const struct infer_flow *i)
{
	const uint32_t netns = i->netns == m->network.own ? 0 : i->netns;
	struct process *found = NULL;

	for (struct list *l = m->table.dead.prev; l != &m->table.dead; l = l->prev) {
		struct process *p = CONTAINER_OF(l, struct process, order);

		if (p->pub.end_ns + INFER_NS < i->begin_ns)
			break;
		if (p->pub.end_ns < i->begin_ns || p->pub.end_ns > i->begin_ns + INFER_NS ||
		    p->pub.start_ns > i->begin_ns || p->pub.kernel_thread ||
		    (p->netns != netns && p->netns != i->netns))
			continue;
		if (found)
			return NULL;
		found = p;
	}
	return found;
}

void infer_owners(struct model *m, uint64_t exits_ns, uint64_t packets_ns)
{
	struct infer *in = &m->network.infer;

	for (; in->head != in->tail; in->head++) {
		const struct infer_flow *i = &in->slot[in->head % ARRAY_SIZE(in->slot)];
		struct process *p;
		struct flow *f;

		if (i->begin_ns + INFER_NS > exits_ns || i->begin_ns > packets_ns)
			break;
		f = flow_find(&m->network.flows, i->netns, &i->name, i->begin_ns);
		p = f && !f->end[i->end].owner ? find_only(m, i) : NULL;
		if (!p || !p->traffic || p->traffic->is_told)
			continue;
		f->end[i->end].role = PEVENT_ROLE_CLIENT;
		f->end[i->end].opened_ns = i->begin_ns;
		flow_own(f, i->end, p->traffic, PEVENT_FROM_INFERRED);
	}
}
