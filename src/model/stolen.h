/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a hypervisor take CPU time from this machine? In the life of a process that shows from a
 * clock tick on; in the sum of all CPUs, in units of 10 ms (steal, proc_stat(5)), later.
 */
#ifndef MODEL_STOLEN_H
#define MODEL_STOLEN_H

#include <stdbool.h>
#include <stdint.h>

#define STOLEN_UNIT_NS 10000000u

struct stolen {
	uint64_t total_ns, time_ns;	/* as told last; time 0: never */
	uint64_t excess_ns;		/* beyond what may be passed over, at that time */
	uint64_t until_ns;		/* lives that end before are doubtful */
};

/*
 * Of all CPUs, since boot; told when it has grown. cpus: how many there are. What is less than 1 %
 * of their time is passed over: hardly a short life meets it.
 */
void stolen_add(struct stolen *s, uint64_t total_ns, uint64_t time_ns, uint32_t cpus);

#endif
