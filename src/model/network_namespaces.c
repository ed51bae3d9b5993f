/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network namespaces that processes are in: which are entered, and since when. */
#include "network.h"
#include "util/macro.h"

#define SOON_NS NSEC_PER_SEC	/* those of the first scan are entered, and not all at once */

static struct network_known *find_known(struct network_state *n, uint32_t netns)
{
	for (size_t i = 0; i < n->n_known; i++)
		if (n->known[i].netns == netns)
			return &n->known[i];
	return NULL;
}

void network_meet(struct model *m, struct process *p, uint32_t netns)
{
	struct network_state *n = &m->network;

	p->netns = netns;
	if (!n->is_on || netns == n->own || find_known(n, netns) ||
	    n->n_known == ARRAY_SIZE(n->known) || n->n_new == ARRAY_SIZE(n->new))
		return;
	n->known[n->n_known++] = (struct network_known){ .netns = netns };
	n->new[n->n_new++] = (struct network_new){ .netns = netns, .pid = p->pub.pid };
}

void network_entered(struct model *m, uint32_t netns, uint64_t since_ns)
{
	struct network_state *n = &m->network;
	struct network_known *known = find_known(n, netns);

	n->has_entries = true;
	if (!known && n->n_known < ARRAY_SIZE(n->known)) {
		known = &n->known[n->n_known++];
		*known = (struct network_known){ .netns = netns };
	}
	if (!known || known->is_in)
		return;
	known->is_in = true;
	known->since_ns = since_ns;
}

void network_forget(struct model *m, uint32_t netns)
{
	struct network_state *n = &m->network;
	struct network_known *known = find_known(n, netns);

	if (known)
		*known = n->known[--n->n_known];
}

bool network_was_unseen(struct network_state *n, const struct process *p)
{
	const struct network_known *known;

	if (!n->is_on || !n->has_entries || !p->netns || p->netns == n->own)
		return false;
	known = find_known(n, p->netns);
	return !known || !known->is_in ||
	       (p->pub.before_run ? n->begin_ns + SOON_NS : p->pub.start_ns) < known->since_ns;
}

static void mark_inhabited(struct model *m)
{
	struct network_state *n = &m->network;
	const struct list *all = &m->table.living;
	struct network_known *known = NULL;

	for (const struct list *l = all->prev; l != all; l = l->prev) {
		struct process *p = CONTAINER_OF(l, struct process, order);

		if (!p->netns || p->netns == n->own)
			continue;
		if (!known || known->netns != p->netns)	/* neighbours often share it */
			known = find_known(n, p->netns);
		if (known)
			known->is_inhabited = true;
		else
			network_meet(m, p, p->netns);
	}
}

size_t network_survey(struct model *m, uint32_t *ret, size_t max)
{
	struct network_state *n = &m->network;
	size_t count = 0;

	for (size_t i = 0; i < n->n_known; i++)
		n->known[i].is_inhabited = false;
	mark_inhabited(m);
	for (size_t i = 0; i < n->n_known && count < max; i++)
		if (n->known[i].is_in && !n->known[i].is_inhabited &&
		    n->known[i].netns != n->own)
			ret[count++] = n->known[i].netns;
	return count;
}

pid_t network_inhabitant(const struct model *m, uint32_t netns, pid_t before)
{
	const struct process *from = process_find_living(&m->table, before);
	const struct list *all = &m->table.living;

	for (const struct list *l = from ? from->order.prev : all->prev; l != all; l = l->prev) {
		const struct process *p = CONTAINER_OF(l, struct process, order);

		if (p->netns == netns)
			return p->pub.pid;
	}
	return 0;
}
