/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A recording as a source: same input, same events. Needs no privilege. */
#ifndef SOURCE_REPLAY_H
#define SOURCE_REPLAY_H

#include "host.h"
#include "source.h"

/* clock becomes virtual; host is filled from the recording. Errors are logged. */
int replay_new(struct source **ret, const char *dir, struct clock *clock, struct source_host *host,
	       const struct log *log);

#endif
