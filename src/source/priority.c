/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "priority.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SLICE_NS 100000

/* struct sched_attr of sched_setattr(2), first version. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static bool set_slice(int nice)
{
	struct attributes attr = { .size = sizeof(attr), .policy = SCHED_OTHER, .nice = nice,
				   .runtime = SLICE_NS };

	return syscall(SYS_sched_setattr, 0, &attr, 0u) == 0;
}

enum priority priority_take(bool fifo)
{
	struct sched_param param = { .sched_priority = 1 };

	if (fifo && sched_setscheduler(0, SCHED_FIFO, &param) == 0)
		return PRIORITY_FIFO;
	if (set_slice(-20))
		return PRIORITY_NICE;
	return set_slice(0) ? PRIORITY_SLICE : PRIORITY_PLAIN;
}

int priority_pin(uint32_t first, uint32_t last, uint32_t step)
{
	cpu_set_t *set = CPU_ALLOC(last + 1);
	size_t size = CPU_ALLOC_SIZE(last + 1);
	int error;

	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(size, set);
	for (uint32_t cpu = first; cpu <= last; cpu += step)
		CPU_SET_S(cpu, size, set);
	error = sched_setaffinity(0, size, set) < 0 ? -errno : 0;
	CPU_FREE(set);
	return error;
}
