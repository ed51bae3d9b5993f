/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "owner_memory.h"

#include <errno.h>

#include "util/clock.h"
#include "util/macro.h"

#define SEARCH_AGAIN_NS NSEC_PER_SEC
#define NOBODY_AGAIN_NS (100 * NSEC_PER_MSEC)	/* who has it is often found later, by then */
#define DOUBT_AGAIN_NS (20 * NSEC_PER_MSEC)	/* another may have bound the port since */
#define BUSY_NS (10 * NSEC_PER_MSEC)	/* taken from programs: no more is */
#define PATIENCE_NS (500 * NSEC_PER_USEC)
#define LITTLE_PATIENCE_NS (150 * NSEC_PER_USEC)
#define BOUND_MAX 32		/* sockets on one port: beyond it the kernel's answer is tried */

static const struct clock real;

/* Whether what is remembered holds for this packet. */
static bool is_current(const struct owner_memory *m, bool is_connected, uint64_t now,
		       struct owner_entry *e)
{
	const uint64_t age = now - e->searched_ns;
	const bool unchanged = e->changes == m->changes;
	const bool doubtful = e->several || e->holder.others;

	if (age >= SEARCH_AGAIN_NS)
		return false;
	if (!doubtful && !e->holder.tgid)
		return age < NOBODY_AGAIN_NS || m->lost_ns > BUSY_NS;
	if (!doubtful && unchanged && (is_connected || age < DOUBT_AGAIN_NS))
		return true;
	if (m->busy_ns > BUSY_NS) {
		if (e->several && e->holder.certain)
			e->holder.tgid = 0;
		e->holder.certain = false;
		return true;
	}
	return unchanged && !e->holder.certain && age < DOUBT_AGAIN_NS;
}

/* Those that share the port, the kernel's answer first. How many; -errno. */
static int list(struct owner_space *space, const struct network_found *found,
		struct owner_bound *ret)
{
	const struct owner_bound answer = { found->id.cookie, found->inode, found->id.ifindex };
	int n = owner_space_list(space, &found->id, ret, BOUND_MAX), at = 0;

	if (n < 0 || n > BOUND_MAX)
		return n < 0 ? n : -E2BIG;
	while (at < n && ret[at].inode != answer.inode)
		at++;
	if (at == BOUND_MAX)
		return -E2BIG;
	ret[at] = ret[0];
	ret[0] = answer;
	return MAX(n, at + 1);
}

/* Next time they are among those asked early. */
static void look_later(struct owner_later *later, const struct network_found *found,
		       const struct owner_bound *bound, int n)
{
	struct network_found one = *found;

	for (int i = 0; i < n; i++) {
		one.inode = bound[i].inode;
		one.id.cookie = bound[i].cookie;
		owner_later_add(later, &one, true);
	}
}

static void search(const struct owner_memory *m, struct owner_space *space, bool is_connected,
		   const struct network_found *found, struct owner_entry *e)
{
	struct owner_bound bound[BOUND_MAX];
	uint32_t inodes[BOUND_MAX];
	struct owner_search search = {
		.sockets = { &found->inode, 1 }, .cpu = m->cpu,
		.patience_ns = m->lost_ns > BUSY_NS ? LITTLE_PATIENCE_NS : PATIENCE_NS,
	};
	struct owner_holder narrow;
	int n;

	owner_scan_find(m->scan, &search, &narrow);
	e->holder = narrow;
	e->socket = (struct owner_bound){ found->id.cookie, found->inode, found->id.ifindex };
	if (!e->holder.others && (is_connected || e->holder.certain))
		return;
	bound[0] = e->socket;
	n = is_connected ? 1 : list(space, found, bound);
	e->several = n != 1;
	if (n < 0)
		e->holder.tgid = 0;
	if (n < 0 || (n == 1 && (!e->holder.tgid || m->cpu < 0)))
		return;
	for (int i = 0; i < n; i++)
		inodes[i] = bound[i].inode;
	search.sockets = (struct owner_sockets){ inodes, (size_t)n };
	search.wide = m->cpu >= 0;
	owner_scan_find(m->scan, &search, &e->holder);
	/* It had no time to come to the one that was found before. */
	if (n == 1 && narrow.tgid && !e->holder.tgid && !e->holder.inode) {
		e->holder = narrow;
		e->holder.certain = false;
		e->holder.others = true;
	}
	for (int i = 0; i < n; i++)
		if (bound[i].inode == e->holder.inode)
			e->socket = bound[i];
	if (n > 1 && !e->holder.tgid)
		look_later(m->later, found, bound, n);
}

bool owner_memory_ask(struct owner_memory *m, struct owner_space *space, bool is_connected,
		      struct network_found *found)
{
	struct owner_entry *e = &m->entry[found->id.cookie % OWNER_MEMORY_MAX];
	const bool known = e->cookie == found->id.cookie && e->inode == found->inode;
	const uint64_t now = clock_now(&real);

	if (!known || !is_current(m, is_connected, now, e)) {
		const struct owner_holder last = known ? e->holder : (struct owner_holder){ 0 };

		*e = (struct owner_entry){ .cookie = found->id.cookie, .inode = found->inode,
					   .searched_ns = now, .changes = m->changes };
		search(m, space, is_connected, found, e);
		/* Not found in time, but it has not gone away. */
		if (!e->holder.tgid && !e->several && last.tgid && last.inode == found->inode &&
		    owner_process_has(&m->scan->proc, last.tgid, last.fd, last.inode)) {
			e->holder = last;
			e->holder.certain = false;
		}
	}
	if (known && (e->holder.tgid || e->several))
		m->busy_ns += clock_now(&real) - now;
	else if (!e->holder.tgid)
		m->lost_ns += clock_now(&real) - now;
	if (!e->holder.tgid) {
		found->shared = e->several;
		if (!e->several)
			owner_later_add(m->later, found, false);
		return false;
	}
	found->id.cookie = e->socket.cookie;
	found->id.ifindex = e->socket.ifindex;
	found->inode = e->socket.inode;
	found->tgid = e->holder.tgid;
	found->shared = e->holder.others && !e->holder.certain;
	return true;
}
