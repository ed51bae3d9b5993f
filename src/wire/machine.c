/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include <errno.h>

#include "cursor.h"

/* The order of the first line, proc_stat(5). */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, KEPT };

int machine_stat_decode(const char *text, size_t len, struct machine_ticks *ret)
{
	struct cursor line;
	uint64_t v[KEPT];

	if (!cursor_find_line(cursor_of(text, len), "cpu ", &line) ||
	    !cursor_numbers(&line, v, KEPT))
		return -EBADMSG;
	ret->busy = v[USER] + v[NICE] + v[SYSTEM] + v[IRQ] + v[SOFTIRQ];
	ret->idle = v[IDLE] + v[IOWAIT];
	ret->stolen = v[STEAL];
	return 0;
}

static bool take_kilobytes(struct cursor c, const char *key, uint64_t *ret)
{
	struct cursor line;
	uint64_t v;

	if (!cursor_find_line(c, key, &line) || !cursor_number(&line, &v))
		return false;
	*ret = v * 1024;
	return true;
}

int machine_meminfo_decode(const char *text, size_t len, struct machine_memory *ret)
{
	struct cursor c = cursor_of(text, len);
	struct machine_memory m;

	if (!take_kilobytes(c, "MemTotal:", &m.total) ||
	    !take_kilobytes(c, "MemAvailable:", &m.available))
		return -EBADMSG;
	*ret = m;
	return 0;
}

/* "12.34": the kernel prints two digits behind the point. */
static bool take_hundredths(struct cursor *c, uint32_t *ret)
{
	uint64_t whole, part;
	const char *start;

	if (!cursor_number(c, &whole) || !cursor_word(c, "."))
		return false;
	start = c->p;
	if (!cursor_number(c, &part) || c->p != start + 2 || part > 99 ||
	    whole > UINT32_MAX / 100 - 1)
		return false;
	*ret = (uint32_t)(whole * 100 + part);
	return true;
}

int machine_loadavg_decode(const char *text, size_t len, uint32_t ret[3])
{
	struct cursor c = cursor_of(text, len);
	uint32_t load[3];

	for (size_t i = 0; i < 3; i++)
		if (!take_hundredths(&c, &load[i]))
			return -EBADMSG;
	memcpy(ret, load, sizeof(load));
	return 0;
}
