/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* The only caller of clock_gettime(2). A replay sets the time instead. */
struct clock {
	bool is_virtual;
	uint64_t now_ns;		/* virtual: CLOCK_MONOTONIC */
	int64_t realtime_offset_ns;	/* virtual: CLOCK_REALTIME - CLOCK_MONOTONIC */
	int64_t boottime_offset_ns;	/* virtual: CLOCK_BOOTTIME - CLOCK_MONOTONIC: suspended */
};

uint64_t clock_now(const struct clock *c);
int64_t clock_realtime_offset(const struct clock *c);
int64_t clock_boottime_offset(const struct clock *c);
/* CPU time of the calling thread: what is spent, not a time of the run. Never virtual. */
uint64_t clock_thread_cpu(void);
/* Time between two ticks of the kernel's clock, CONFIG_HZ. Never virtual. */
uint64_t clock_tick(void);

#endif
