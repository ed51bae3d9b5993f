/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "wire/machine.h"

static void check(int error, const void *value, size_t len)
{
	const uint8_t *bytes = value;
	size_t i = 0;

	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	while (i < len && bytes[i] == 0xa5)
		i++;
	FUZZ_CHECK(error == 0 || i == len);	/* untouched on failure */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct machine_memory memory;
	struct machine_ticks ticks;
	uint32_t load[3];

	memset(&ticks, 0xa5, sizeof(ticks));
	check(machine_stat_decode(text, size, &ticks), &ticks, sizeof(ticks));
	memset(&memory, 0xa5, sizeof(memory));
	check(machine_meminfo_decode(text, size, &memory), &memory, sizeof(memory));
	memset(load, 0xa5, sizeof(load));
	check(machine_loadavg_decode(text, size, load), load, sizeof(load));
	return 0;
}
