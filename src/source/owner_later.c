/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "owner_later.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/macro.h"

#define STACK (256u << 10)
#define RING (128u << 10)
#define PAUSE_MS 100
#define COST_SHARE 50

int owner_thread_start(pthread_t *ret, void *(*fn)(void *data), void *data)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int error = pthread_attr_init(&attr);

	if (error)
		return -error;
	(void)pthread_attr_setstacksize(&attr, STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	error = pthread_create(ret, &attr, fn, data);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -error;
}

void owner_publish(struct ring *ring, const struct network_found *found)
{
	void *room = ring_reserve(ring, sizeof(*found));

	if (!room)
		return;
	memcpy(room, found, sizeof(*found));
	ring_publish(ring, sizeof(*found));
}

static bool is_waiting(const struct owner_later *l, const struct network_found *found)
{
	for (size_t i = 0; i < l->n_waiting; i++) {
		const struct inet_diag_id *id = &l->waiting[i].found.id;

		if (l->waiting[i].found.inode == found->inode && id->cookie == found->id.cookie &&
		    id->remote_port == found->id.remote_port &&
		    !memcmp(id->remote, found->id.remote, sizeof(id->remote)))
			return true;
	}
	return false;
}

void owner_later_add(struct owner_later *l, const struct network_found *found, bool silent)
{
	const uint64_t one = 1;
	bool is_new;

	pthread_mutex_lock(&l->lock);
	is_new = !is_waiting(l, found);
	if (is_new && l->n_waiting < OWNER_LATER_MAX)
		l->waiting[l->n_waiting++] = (struct owner_waiting){ *found, silent };
	else if (is_new)
		atomic_fetch_add_explicit(&l->lost, 1, memory_order_relaxed);
	pthread_mutex_unlock(&l->lock);
	if (is_new)
		(void)!write(l->wake, &one, sizeof(one));
}

static size_t take_waiting(struct owner_later *l)
{
	uint64_t count;
	size_t n;

	(void)!read(l->wake, &count, sizeof(count));
	pthread_mutex_lock(&l->lock);
	n = l->n_waiting;
	memcpy(l->taken, l->waiting, n * sizeof(l->taken[0]));
	l->n_waiting = 0;
	pthread_mutex_unlock(&l->lock);
	return n;
}

/* The CPU time it took. */
static uint64_t search(struct owner_later *l)
{
	const uint64_t begin = clock_thread_cpu();
	size_t n = take_waiting(l);

	if (n == 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		l->wanted[i] = (struct owner_wanted){ .inode = l->taken[i].found.inode };
	(void)owner_scan_all(l->scan, l->wanted, n);
	for (size_t i = 0; i < n; i++) {
		struct network_found *found = &l->taken[i].found;

		found->tgid = l->wanted[i].tgid;
		found->shared = l->wanted[i].shared;
		if (l->taken[i].silent)
			continue;
		if (found->tgid)
			atomic_fetch_add_explicit(&l->n_found, 1, memory_order_relaxed);
		owner_publish(&l->found, found);
	}
	return clock_thread_cpu() - begin;
}

/* It also takes in forks, should there be many without a packet. */
static void *later_main(void *arg)
{
	struct owner_later *l = arg;
	struct pollfd fds[] = {
		{ .fd = l->stop, .events = POLLIN },
		{ .fd = l->wake, .events = POLLIN },
		{ .fd = l->scan->forks, .events = POLLIN },
	};

	for (;;) {
		uint64_t pause;

		(void)poll(fds, ARRAY_SIZE(fds), -1);
		pause = MAX(search(l) * COST_SHARE / NSEC_PER_MSEC, (uint64_t)PAUSE_MS);
		for (; pause > 0; pause -= MIN(pause, (uint64_t)PAUSE_MS)) {
			owner_scan_drain(l->scan);
			if (poll(fds, 1, PAUSE_MS) > 0)
				return NULL;
		}
	}
}

int owner_later_start(struct owner_later *l, struct owner_scan *scan, int stop)
{
	int error = owner_mutex_init(&l->lock);

	if (error < 0)
		return error;
	l->scan = scan;
	l->stop = stop;
	l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = l->wake < 0 ? -errno : ring_init(&l->found, RING);
	if (error == 0)
		error = owner_thread_start(&l->thread, later_main, l);
	l->started = error == 0;
	return error;
}

void owner_later_finish(struct owner_later *l)
{
	if (!l->scan)
		return;
	if (l->started)
		(void)pthread_join(l->thread, NULL);
	ring_finish(&l->found);
	close_p(&l->wake);
	pthread_mutex_destroy(&l->lock);
	l->scan = NULL;
}
