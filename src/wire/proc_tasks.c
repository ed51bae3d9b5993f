/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "cursor.h"
#include "proc.h"
#include "util/macro.h"

#define DIGITS_MAX 20	/* of 2^64 */
#define VALUES_MAX 5

/*
 * Values of struct proc_tasks that come from one file of a thread: they stand one after the other,
 * and are known or not together.
 */
enum { GROUP_STAT, GROUP_SCHEDSTAT, GROUP_IO, GROUP_STATUS, GROUP_COUNT };

static const struct group {
	const char *key;	/* of the line in PROC_TASKS */
	size_t known;		/* offset of the bool; 0: always known */
	size_t first;		/* offset of the first value */
	unsigned int n;
} groups[GROUP_COUNT] = {
	[GROUP_STAT] = { "stat ", 0, offsetof(struct proc_tasks, user_ticks), 4 },
	[GROUP_SCHEDSTAT] = { "schedstat ", offsetof(struct proc_tasks, has_schedstat),
			      offsetof(struct proc_tasks, run_ns), 3 },
	[GROUP_IO] = { "io ", offsetof(struct proc_tasks, has_io),
		       offsetof(struct proc_tasks, read_chars), 5 },
	[GROUP_STATUS] = { "status ", offsetof(struct proc_tasks, has_switches),
			   offsetof(struct proc_tasks, voluntary_switches), 2 },
};

_Static_assert(offsetof(struct proc_tasks, major_faults) -
	       offsetof(struct proc_tasks, user_ticks) == 3 * sizeof(uint64_t) &&
	       offsetof(struct proc_tasks, run_queue_waits) -
	       offsetof(struct proc_tasks, run_ns) == 2 * sizeof(uint64_t) &&
	       offsetof(struct proc_tasks, cancelled_write_bytes) -
	       offsetof(struct proc_tasks, read_chars) == 4 * sizeof(uint64_t) &&
	       offsetof(struct proc_tasks, involuntary_switches) -
	       offsetof(struct proc_tasks, voluntary_switches) == sizeof(uint64_t),
	       "the values of a group are neighbours");

static bool is_known(const struct proc_tasks *t, const struct group *g)
{
	return !g->known || *((const bool *)((const char *)t + g->known));
}

static void set_known(struct proc_tasks *t, const struct group *g, bool known)
{
	if (g->known)
		*((bool *)((char *)t + g->known)) = known;
}

static char *put_number(char *out, uint64_t v)
{
	char digits[DIGITS_MAX], *p = digits + sizeof(digits);
	size_t len;

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	len = (size_t)(digits + sizeof(digits) - p);
	memcpy(out, p, len);
	return out + len;
}

static char *put_key(char *out, const char *key)
{
	size_t len = strlen(key);

	memcpy(out, key, len);
	return out + len;
}

size_t proc_tasks_put(const struct proc_tasks *tasks, char *text)
{
	char *out = put_number(put_key(text, "threads "), tasks->threads);

	*out++ = '\n';
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		const struct group *g = &groups[i];

		if (!is_known(tasks, g))
			continue;
		out = put_key(out, g->key);
		for (unsigned int k = 0; k < g->n; k++) {
			const char *value = (const char *)tasks + g->first + k * sizeof(uint64_t);

			out = put_number(out, load_u64(value));
			*out++ = k + 1 < g->n ? ' ' : '\n';
		}
	}
	return (size_t)(out - text);
}

int proc_tasks_decode(const char *text, size_t len, struct proc_tasks *ret)
{
	struct cursor c = cursor_of(text, len), line;
	struct proc_tasks t = { 0 };
	uint64_t values[VALUES_MAX];

	if (!cursor_find_line(c, "threads ", &line) || !cursor_number(&line, values))
		return -EBADMSG;
	t.threads = (uint32_t)values[0];
	for (size_t i = 0; i < GROUP_COUNT; i++) {
		const struct group *g = &groups[i];

		if (!cursor_find_line(c, g->key, &line)) {
			if (!g->known)
				return -EBADMSG;
			continue;
		}
		if (!cursor_numbers(&line, values, g->n))
			return -EBADMSG;
		memcpy((char *)&t + g->first, values, g->n * sizeof(values[0]));
		set_known(&t, g, true);
	}
	*ret = t;
	return 0;
}

/* As proc_pid_stat(5) counts them. */
enum { F_STATE = 3, F_MINFLT = 10, F_MAJFLT = 12, F_UTIME = 14, F_STIME };

/* What an ended thread has used is told elsewhere, though it is listed while others live. */
static bool read_stat(struct cursor c, uint64_t *values)
{
	uint64_t field[F_STIME + 1] = { 0 };

	if (!cursor_after_last(&c, ')') || !cursor_skip_blank(&c) || *c.p == 'Z' || *c.p == 'X')
		return false;
	c.p++;
	if (!cursor_numbers(&c, &field[F_STATE + 1], F_STIME - F_STATE))
		return false;
	values[0] = field[F_UTIME];
	values[1] = field[F_STIME];
	values[2] = field[F_MINFLT];
	values[3] = field[F_MAJFLT];
	return true;
}

static bool read_schedstat(struct cursor c, uint64_t *values)
{
	return cursor_numbers(&c, values, 3);
}

/* One value behind each key; in the order in which the kernel prints them. */
static bool read_lines(struct cursor c, const char *const *keys, uint64_t *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct cursor line;

		if (!cursor_find_line(c, keys[i], &line) || !cursor_number(&line, &values[i]))
			return false;
		c.p = line.p;
	}
	return true;
}

static bool read_io(struct cursor c, uint64_t *values)
{
	static const char *const keys[] = { "rchar:", "wchar:", "read_bytes:", "write_bytes:",
					    "cancelled_write_bytes:" };

	return read_lines(c, keys, values, ARRAY_SIZE(keys));
}

static bool read_status(struct cursor c, uint64_t *values)
{
	static const char *const keys[] = { "voluntary_ctxt_switches:",
					    "nonvoluntary_ctxt_switches:" };

	return read_lines(c, keys, values, ARRAY_SIZE(keys));
}

static void add(struct proc_tasks *t, const struct group *g, const uint64_t *values)
{
	for (unsigned int i = 0; i < g->n; i++) {
		char *place = (char *)t + g->first + i * sizeof(uint64_t);
		uint64_t sum = load_u64(place) + values[i];

		memcpy(place, &sum, sizeof(sum));
	}
}

void proc_tasks_add(struct proc_tasks *tasks, const char *stat, int32_t stat_len,
		    const char *schedstat, int32_t schedstat_len, const char *io, int32_t io_len,
		    const char *status, int32_t status_len)
{
	const struct {
		const char *text;
		int32_t len;
		bool (*read)(struct cursor c, uint64_t *values);
	} files[GROUP_COUNT] = {
		[GROUP_STAT] = { stat, stat_len, read_stat },
		[GROUP_SCHEDSTAT] = { schedstat, schedstat_len, read_schedstat },
		[GROUP_IO] = { io, io_len, read_io },
		[GROUP_STATUS] = { status, status_len, read_status },
	};
	uint64_t values[VALUES_MAX];

	for (size_t i = 0; i < GROUP_COUNT; i++) {
		bool given = files[i].len >= 0 &&
			     files[i].read(cursor_of(files[i].text, (size_t)files[i].len), values);

		if (i == GROUP_STAT && !given)
			return;
		set_known(tasks, &groups[i], given && (!tasks->threads ||
						       is_known(tasks, &groups[i])));
		if (given)
			add(tasks, &groups[i], values);
	}
	tasks->threads++;
}
