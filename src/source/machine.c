/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include <unistd.h>

#include "procfs.h"
#include "procfs_made.h"
#include "util/macro.h"

/* Wraps at 2^64 without a jump, whatever the tick. */
static uint64_t ticks_to_ns(uint64_t ticks, uint64_t per_second)
{
	return ticks / per_second * NSEC_PER_SEC +
	       ticks % per_second * NSEC_PER_SEC / per_second;
}

static int read_ticks(int root, struct machine_ticks *ret)
{
	char text[PROCFS_TEXT_MAX];
	/* The first line is enough. */
	int32_t n = procfs_text(root, "stat", text, sizeof(text));

	return n < 0 ? n : machine_stat_decode(text, (size_t)n, ret);
}

int source_machine_stolen(int root, struct machine_stolen *ret)
{
	const uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
	struct machine_ticks ticks;
	int error = read_ticks(root, &ticks);

	if (error < 0)
		return error;
	ret->busy_ns = ticks_to_ns(ticks.busy, per_second);
	ret->stolen_ns = ticks_to_ns(ticks.stolen, per_second);
	return 0;
}

int source_machine_read(int root, struct source_machine *ret)
{
	const uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
	struct machine_memory memory;
	struct machine_ticks ticks;
	struct source_machine m;
	char text[PROCFS_TEXT_MAX];
	int32_t n;
	int error = read_ticks(root, &ticks);

	if (error < 0)
		return error;
	/* The first few lines are enough. */
	n = procfs_text(root, "meminfo", text, sizeof(text));
	error = n < 0 ? n : machine_meminfo_decode(text, (size_t)n, &memory);
	if (error < 0)
		return error;
	n = procfs_text(root, "loadavg", text, sizeof(text));
	error = n < 0 ? n : machine_loadavg_decode(text, (size_t)n, m.load);
	if (error < 0)
		return error;
	m.cpu_busy_ns = ticks_to_ns(ticks.busy, per_second);
	m.cpu_idle_ns = ticks_to_ns(ticks.idle, per_second);
	m.memory_total = memory.total;
	m.memory_available = memory.available;
	*ret = m;
	return 0;
}
