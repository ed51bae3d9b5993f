/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A helper process that does one last act for this one when it is killed: it writes given bytes to
 * a descriptor that is open already. Who has two such acts starts two guards: each is armed and
 * disarmed, and ends, by itself.
 */
#ifndef SOURCE_GUARD_H
#define SOURCE_GUARD_H

#include <stddef.h>

struct guard {
	int fd;		/* the line to it */
	int pid;	/* 0: there is none; then all calls but guard_start() do nothing */
};

/*
 * Disarmed, and ready when this returns, so that nothing of its start comes later. The process's
 * parent sees no SIGCHLD. -errno: there is none.
 */
int guard_start(struct guard *g, int fd, const void *act, size_t len);
void guard_arm(struct guard *g);
/* Once this returns the guard will not act. */
void guard_disarm(struct guard *g);
/* Ends it, without its act, and reaps it. Accepts zeroed. */
void guard_stop(struct guard *g);

#endif
