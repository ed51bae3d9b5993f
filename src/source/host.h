/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine that the facts are from. */
#ifndef SOURCE_HOST_H
#define SOURCE_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct source_host {
	char nodename[65], release[65], machine[65];	/* uname(2) */
	char boot_id[37];		/* /proc/sys/kernel/random/boot_id */
	uint32_t ticks_per_second;	/* of start times in /proc */
	uint32_t cpus;			/* possible ones */
	uint64_t tick_ns;		/* between ticks of the kernel's clock: 1 / CONFIG_HZ */
	bool tickless;			/* CPUs may run without (nohz_full), but for one a second */
};

/* This one. What the kernel does not tell stays empty. */
void source_host_read(struct source_host *ret);

#endif
