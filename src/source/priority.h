/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that must run before whoever woke them does: pinned to their CPU, and first there. */
#ifndef SOURCE_PRIORITY_H
#define SOURCE_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>

/* Steps of the ladder, best first. */
enum priority {
	PRIORITY_FIFO,	/* SCHED_FIFO: before the waker's next instruction */
	PRIORITY_NICE,	/* nice -20 and a 0.1 ms slice: nearly always */
	PRIORITY_SLICE,	/* 0.1 ms slice: mostly */
	PRIORITY_PLAIN,	/* neither: often too late */
};

/* Down the ladder until a step holds, for the calling thread; without fifo from the second on. */
enum priority priority_take(bool fifo);
/*
 * The calling thread runs on the CPUs first, first + step, ... up to last. -errno: -EINVAL when all
 * are offline or kept out by a cpuset; the thread then runs anywhere.
 */
int priority_pin(uint32_t first, uint32_t last, uint32_t step);

#endif
