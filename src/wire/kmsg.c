/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kmsg.h"

#include <errno.h>

#include "cursor.h"
#include "util/macro.h"

#define FACILITY_SHIFT 3	/* below it: the level */

/* "PRIORITY,SEQUENCE,MICROSECONDS,FLAGS[,...];TEXT\n" and continuation lines " KEY=VALUE\n". */
int kmsg_decode(const char *record, size_t len, struct kmsg *ret)
{
	struct cursor c = cursor_of(record, len), line;
	uint64_t priority, sequence, time_us;

	if (!cursor_line(&c, &line) || !cursor_number(&line, &priority) ||
	    !cursor_word(&line, ",") || !cursor_number(&line, &sequence) ||
	    !cursor_word(&line, ",") || !cursor_number(&line, &time_us))
		return -EBADMSG;
	line.p = memchr(line.p, ';', (size_t)(line.end - line.p));
	if (!line.p)
		return -EBADMSG;
	*ret = (struct kmsg){ .kernel = priority >> FACILITY_SHIFT == 0, .time_us = time_us,
			      .text = line.p + 1, .len = (size_t)(line.end - line.p - 1) };
	return 0;
}

/*
 * What stands before "Killed process PID (" in mm/oom_kill.c. Nothing before Linux 5.1, where
 * "Out of memory: Kill process" in a line of its own tells of an intention. Each process of a
 * group that memory.oom.group sentences is named in a line like these. The whole beginning has to
 * match: other messages of the kernel quote names that a program chose.
 */
static const char *const oom_lines[] = {
	"Out of memory: ",
	"Memory cgroup out of memory: ",
	"Out of memory (oom_kill_allocating_task): ",
	"Memory cgroup out of memory (oom_kill_allocating_task): ",
	"",
};

bool kmsg_oom_victim(const struct kmsg *message, int32_t *ret_pid)
{
	uint64_t pid;

	if (!message->kernel)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(oom_lines); i++) {
		struct cursor c = cursor_of(message->text, message->len);

		if (!cursor_word(&c, oom_lines[i]) || !cursor_word(&c, "Killed process ") ||
		    !cursor_number(&c, &pid) || !cursor_word(&c, " (") || pid == 0 ||
		    pid > INT32_MAX)
			continue;
		*ret_pid = (int32_t)pid;
		return true;
	}
	return false;
}
