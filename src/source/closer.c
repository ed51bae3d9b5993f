/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "closer.h"

#include <signal.h>

#include "space.h"

static void *closer_main(void *data)
{
	struct closer *c = data;

	space_free(c->space);
	atomic_store(&c->is_done, true);
	return NULL;
}

bool closer_is_busy(const struct closer *c)
{
	return c->has_thread && !atomic_load(&c->is_done);
}

void closer_take(struct closer *c, struct space *s)
{
	sigset_t all, old;

	closer_finish(c);
	c->space = s;
	atomic_store(&c->is_done, false);
	/* The embedding program's handlers run in its own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	c->has_thread = pthread_create(&c->thread, NULL, closer_main, c) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (!c->has_thread)
		space_free(s);
}

void closer_finish(struct closer *c)
{
	if (c->has_thread)
		pthread_join(c->thread, NULL);
	c->has_thread = false;
}
