/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "util/clock.h"
#include "util/macro.h"

/* A list of CPUs; where there are none "(null)", an empty line, or no file. */
static bool has_tickless_cpus(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/nohz_full", "re");
	int first = f ? fgetc(f) : EOF;

	if (f)
		fclose(f);
	return first >= '0' && first <= '9';
}

void source_host_read(struct source_host *ret)
{
	struct source_host host = { 0 };
	struct utsname u;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f) {
		(void)!fread(host.boot_id, 1, sizeof(host.boot_id) - 1, f);
		fclose(f);
	}
	if (uname(&u) == 0) {
		snprintf(host.nodename, sizeof(host.nodename), "%s", u.nodename);
		snprintf(host.release, sizeof(host.release), "%s", u.release);
		snprintf(host.machine, sizeof(host.machine), "%s", u.machine);
	}
	host.ticks_per_second = (uint32_t)MAX(sysconf(_SC_CLK_TCK), 1);
	host.cpus = (uint32_t)MAX(sysconf(_SC_NPROCESSORS_CONF), 1);
	host.tick_ns = clock_tick();
	host.tickless = has_tickless_cpus();
	*ret = host;
}
