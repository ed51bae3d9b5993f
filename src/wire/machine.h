/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine's totals: texts of /proc/stat, /proc/meminfo, /proc/loadavg. */
#ifndef WIRE_MACHINE_H
#define WIRE_MACHINE_H

#include <stddef.h>
#include <stdint.h>

/* All CPUs together, in clock ticks since boot. */
struct machine_ticks {
	uint64_t busy;	/* user nice system irq softirq; guests are part of user and nice */
	uint64_t idle;	/* idle iowait */
	uint64_t stolen;	/* by a hypervisor; in neither */
};

/* All CPUs together, since boot: how long they ran, and were kept from it by a hypervisor. */
struct machine_stolen {
	uint64_t time_ns;	/* CLOCK_MONOTONIC, when it was read, */
	uint64_t since_ns;	/* and the first time of which not all events were applied then */
	uint64_t busy_ns, stolen_ns;
};

struct machine_memory {
	uint64_t total, available;	/* bytes */
};

/* -EBADMSG: not in the kernel's format. MemAvailable is of Linux 3.14. */
int machine_stat_decode(const char *text, size_t len, struct machine_ticks *ret);
int machine_meminfo_decode(const char *text, size_t len, struct machine_memory *ret);
/* Hundredths, of the last 1, 5 and 15 minutes. */
int machine_loadavg_decode(const char *text, size_t len, uint32_t ret[3]);

#endif
