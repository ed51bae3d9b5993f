/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_COMMAND_TEXT_H
#define SINK_COMMAND_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "pevent/pevent.h"
#include "util/strbuf.h"

/* How a process is named for people: options -c, -s, -d. */
struct command_style {
	bool comm, shortname, dirstrip;
};

/*
 * The command line as shell words, " [... N bytes]" behind it when it was cut off at the end (N:
 * all of it). [comm] for kernel threads; (comm), or the executable, for an empty argv; the
 * executable, or (comm), when the arguments are not known; "-" for nothing at all.
 */
void command_text(struct strbuf *b, const struct pevent_process *p, struct command_style style);

/*
 * What the process runs, as raw bytes: the executable's path, or argv[0], or comm. NULL: not known.
 */
const char *command_program(const struct pevent_process *p, size_t *ret_len);

#endif
