/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Closes what is left of a namespace: the kernel waits in it until no CPU looks at a packet socket
 * any more, some 20 ms. The thread that drains has no time for that: another one has, one namespace
 * at a time.
 */
#ifndef SOURCE_CLOSER_H
#define SOURCE_CLOSER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct space;

struct closer {
	bool has_thread;	/* to be joined */
	atomic_bool is_done;	/* it has nothing left to do */
	pthread_t thread;
	struct space *space;
};

bool closer_is_busy(const struct closer *c);
/* Takes over s, which nothing may refer to any more; only when it is not busy. */
void closer_take(struct closer *c, struct space *s);
/* Waits for what is being closed; accepts zeroed. */
void closer_finish(struct closer *c);

#endif
