/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets whose owner is none of the newest processes: a thread without priority asks all of them,
 * once for all sockets that wait, ten times a second and a fiftieth of a CPU at most.
 */
#ifndef SOURCE_OWNER_LATER_H
#define SOURCE_OWNER_LATER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "network.h"
#include "owner_scan.h"
#include "util/ring.h"

#define OWNER_LATER_MAX 256	/* that wait */

struct owner_waiting {
	struct network_found found;
	bool silent;		/* who has it is only remembered, for the next time */
};

struct owner_later {
	struct owner_scan *scan;
	pthread_t thread;
	bool started;
	int stop, wake;		/* stop: the caller's, readable when it is to end */
	pthread_mutex_t lock;	/* of what waits */
	struct owner_waiting waiting[OWNER_LATER_MAX];
	size_t n_waiting;
	/* The thread's own. */
	struct owner_waiting taken[OWNER_LATER_MAX];
	struct owner_wanted wanted[OWNER_LATER_MAX];
	struct ring found;	/* for one reader; tgid 0: nobody's */
	atomic_uint_fast64_t n_found, lost;	/* lost: there was no room to wait */
};

/* A thread that blocks all signals. 0 or -errno. */
int owner_thread_start(pthread_t *ret, void *(*fn)(void *data), void *data);
/* For the ring of one that has been found. */
void owner_publish(struct ring *ring, const struct network_found *found);

/* In zeroed memory, aligned for a ring. 0 or -errno. */
int owner_later_start(struct owner_later *l, struct owner_scan *scan, int stop);
void owner_later_finish(struct owner_later *l);	/* once stop is readable; accepts zeroed */
/* Once while it waits. */
void owner_later_add(struct owner_later *l, const struct network_found *found, bool silent);

#endif
