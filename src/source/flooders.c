/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flooders.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/macro.h"

#define TINY_PART 32	/* who has less than that part of what is allowed is no flooder */

struct candidate {
	struct flooder_thread thread;
	uint64_t of_process;
};

static bool has_ended(int32_t tgid, int32_t tid)
{
	return syscall(SYS_tgkill, tgid, tid, 0) < 0 && errno == ESRCH;
}

void flooders_init(struct flooders *f, bool (*ended)(int32_t tgid, int32_t tid))
{
	*f = (struct flooders){ .has_ended = ended ? ended : has_ended };
}

void flooders_count(struct flooders *f, int32_t tgid, int32_t tid)
{
	const uint32_t mixed = ((uint32_t)tid ^ f->salt) * UINT32_C(2654435761);
	struct flooder_thread *s = &f->seen[mixed / (UINT32_MAX / FLOODERS_SEEN + 1)];

	/* 0 and -1 are no process: pevent cannot see it, or it has ended. */
	if (tgid <= 0 || tid <= 0)
		return;
	if (s->count == 0)
		*s = (struct flooder_thread){ .tgid = tgid, .tid = tid };
	if (s->tid == tid)
		s->count++;
	else
		s->count--;
}

/* Two who were in each other's way will not be again. */
void flooders_count_anew(struct flooders *f)
{
	memset(f->seen, 0, sizeof(f->seen));
	f->salt += UINT32_C(0x9e3779b9);
}

struct flooder *flooders_find(struct flooders *f, int32_t tgid)
{
	for (size_t i = 0; i < f->n_known; i++)
		if (f->known[i].tgid == tgid)
			return &f->known[i];
	return NULL;
}

static int by_process(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->thread.tgid < y->thread.tgid ? -1 : x->thread.tgid > y->thread.tgid;
}

/* Processes by what they cause, each one's threads in a row, by what they do. */
static int by_count(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->of_process != y->of_process)
		return x->of_process > y->of_process ? -1 : 1;
	if (x->thread.tgid != y->thread.tgid)
		return by_process(a, b);
	return x->thread.count > y->thread.count ? -1 : x->thread.count < y->thread.count;
}

static size_t list_candidates(const struct flooders *f, struct candidate *ret)
{
	size_t n = 0, begin = 0;
	uint64_t sum = 0;

	for (size_t i = 0; i < FLOODERS_SEEN; i++)
		if (f->seen[i].count)
			ret[n++].thread = f->seen[i];
	qsort(ret, n, sizeof(*ret), by_process);
	for (size_t i = 0; i < n; i++) {
		sum += ret[i].thread.count;
		if (i + 1 < n && ret[i + 1].thread.tgid == ret[i].thread.tgid)
			continue;
		for (; begin <= i; begin++)
			ret[begin].of_process = sum;
		sum = 0;
	}
	qsort(ret, n, sizeof(*ret), by_count);
	return n;
}

static bool is_in_filter(const struct flooders *f, int32_t tid)
{
	for (size_t i = 0; i < f->n_threads; i++)
		if (f->threads[i].tid == tid)
			return true;
	return false;
}

/* There is room: of all that are known, at most half are off. */
static struct flooder *make_known(struct flooders *f, int32_t tgid)
{
	struct flooder *found = NULL;

	if (f->n_known < FLOODERS_KNOWN) {
		found = &f->known[f->n_known++];
	} else {
		for (size_t i = 0; i < f->n_known; i++) {
			struct flooder *k = &f->known[i];

			if (!k->is_off && !k->was_told && (!found || k->until_ns < found->until_ns))
				found = k;
		}
	}
	if (found)
		*found = (struct flooder){ .tgid = tgid };
	return found;
}

static void set_off(struct flooders *f, int32_t tgid, uint64_t now_ns)
{
	struct flooder *k = flooders_find(f, tgid);

	if (!k)
		k = make_known(f, tgid);
	if (!k || k->is_off)
		return;
	k->is_off = true;
	k->wait_ns = k->wait_ns ? MIN(2 * k->wait_ns, FLOODERS_WAIT_MAX_NS) : FLOODERS_WAIT_NS;
	k->until_ns = now_ns + k->wait_ns;
}

bool flooders_exclude(struct flooders *f, uint64_t total, uint64_t allowed, uint64_t now_ns)
{
	struct candidate list[FLOODERS_SEEN];
	const size_t n = list_candidates(f, list), before = f->n_threads;
	uint64_t rest = total;
	int32_t tgid = 0;

	for (size_t i = 0; i < n && f->n_threads < FLOODERS_THREADS; i++) {
		const struct candidate *c = &list[i];

		if (c->thread.tgid != tgid &&
		    (rest <= allowed / 2 || c->of_process < allowed / TINY_PART))
			break;
		tgid = c->thread.tgid;
		/* It is, and speaks all the same: the filter is of no use against it. */
		if (is_in_filter(f, c->thread.tid))
			continue;
		f->threads[f->n_threads++] = c->thread;
		rest -= MIN(rest, c->thread.count);
	}
	if (f->n_threads == before || rest > allowed) {
		f->n_threads = before;
		return false;
	}
	for (size_t i = before; i < f->n_threads; i++)
		set_off(f, f->threads[i].tgid, now_ns);
	return true;
}

static bool has_threads(const struct flooders *f, int32_t tgid)
{
	for (size_t i = 0; i < f->n_threads; i++)
		if (f->threads[i].tgid == tgid)
			return true;
	return false;
}

bool flooders_review(struct flooders *f, uint64_t now_ns)
{
	const size_t before = f->n_threads;

	for (size_t i = f->n_threads; i-- > 0;) {
		const struct flooder_thread *t = &f->threads[i];
		const struct flooder *k = flooders_find(f, t->tgid);

		/* Soon, or another may have its number. */
		if (!k || now_ns >= k->until_ns || f->has_ended(t->tgid, t->tid))
			f->threads[i] = f->threads[--f->n_threads];
	}
	for (size_t i = f->n_known; i-- > 0;) {
		struct flooder *k = &f->known[i];

		if (k->is_off && !has_threads(f, k->tgid)) {
			k->is_off = false;
			k->until_ns = now_ns + k->wait_ns;
		} else if (!k->is_off && !k->was_told && now_ns >= k->until_ns) {
			*k = f->known[--f->n_known];
		}
	}
	return f->n_threads != before;
}

void flooders_filter(const struct flooders *f, char to[static FLOODERS_FILTER])
{
	size_t len = 0;

	_Static_assert(FLOODERS_FILTER > FLOODERS_THREADS * sizeof(" && common_pid!=4194304000"),
		       "room for all");
	to[0] = '\0';
	for (size_t i = 0; i < f->n_threads; i++)
		len += (size_t)snprintf(to + len, FLOODERS_FILTER - len, " && common_pid!=%d",
					(int)f->threads[i].tid);
}
