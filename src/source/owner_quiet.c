/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "owner_quiet.h"

#include <string.h>

#include "util/macro.h"

#define QUIET_NS NSEC_PER_SEC

bool owner_quiet_has(const struct owner_quiet *q, uint16_t port)
{
	for (unsigned int i = 0; i < q->n; i++)
		if (q->port[i] == 0 || q->port[i] == port)
			return true;
	return false;
}

bool owner_quiet_add(struct owner_quiet *q, uint16_t port, uint64_t now_ns)
{
	if (q->n == OWNER_TAP_QUIET_MAX)
		return false;
	q->port[q->n] = q->n == OWNER_TAP_QUIET_MAX - 1 ? 0 : port;
	q->until_ns[q->n++] = now_ns + QUIET_NS;
	return true;
}

bool owner_quiet_end(struct owner_quiet *q, uint64_t now_ns)
{
	unsigned int over = 0;

	while (over < q->n && q->until_ns[over] <= now_ns)
		over++;
	q->n -= over;
	memmove(q->port, q->port + over, q->n * sizeof(q->port[0]));
	memmove(q->until_ns, q->until_ns + over, q->n * sizeof(q->until_ns[0]));
	return over > 0;
}

int owner_quiet_apply(const struct owner_quiet *q, int tap)
{
	return owner_tap_take(tap, owner_quiet_has(q, 0) ? OWNER_TAP_TCP : OWNER_TAP_ALL, q->port,
			      q->n);
}

void owner_repeaters_count(struct owner_repeaters *r, uint32_t tap, uint16_t port)
{
	size_t free = OWNER_REPEATERS;

	for (size_t i = 0; i < OWNER_REPEATERS; i++) {
		if (r->place[i].count && r->place[i].tap == tap && r->place[i].port == port) {
			r->place[i].count++;
			return;
		}
		if (!r->place[i].count)
			free = i;
	}
	if (free < OWNER_REPEATERS) {
		r->place[free].tap = tap;
		r->place[free].port = port;
		r->place[free].count = 1;
		return;
	}
	for (size_t i = 0; i < OWNER_REPEATERS; i++)
		r->place[i].count--;
}

bool owner_repeaters_take(struct owner_repeaters *r, uint32_t least, uint32_t *ret_tap,
			  uint16_t *ret_port)
{
	size_t most = 0;

	for (size_t i = 1; i < OWNER_REPEATERS; i++)
		if (r->place[i].count > r->place[most].count)
			most = i;
	if (r->place[most].count < MAX(least, 1u))
		return false;
	*ret_tap = r->place[most].tap;
	*ret_port = r->place[most].port;
	r->place[most].count = 0;
	return true;
}
