/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_MACHINE_H
#define SOURCE_MACHINE_H

#include <stdint.h>

#include "wire/machine.h"

struct source_machine {
	uint64_t cpu_busy_ns, cpu_idle_ns;	/* of all CPUs, since boot; only differences mean
						 * anything: 584 years of CPU time wrap */
	uint64_t memory_total, memory_available;	/* bytes */
	uint32_t load[3];	/* hundredths: 1, 5 and 15 minutes */
};

/* Reads files of /proc, below its descriptor. -errno; -EBADMSG: not in the kernel's format. */
int source_machine_read(int root, struct source_machine *ret);
/* The same of what a hypervisor took (steal, proc_stat(5)); its times are the caller's. */
int source_machine_stolen(int root, struct machine_stolen *ret);

#endif
