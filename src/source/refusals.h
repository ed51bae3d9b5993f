/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network namespaces of which something could not be opened: each kind of error is told once. */
#ifndef SOURCE_REFUSALS_H
#define SOURCE_REFUSALS_H

#include <stddef.h>
#include <stdint.h>

#include "util/log.h"

#define REFUSALS_KEPT 4096
#define REFUSALS_TOLD 16

struct refusals {
	const struct log *log;
	uint32_t netns[REFUSALS_KEPT];	/* the last ones that count */
	size_t n;		/* how many there have been */
	int told[REFUSALS_TOLD];
	size_t n_told;
};

/* Returns the error. */
int refusals_tell(struct refusals *r, uint32_t netns, int error);
/* The same of one whose packets are not counted: it counts, however often it is tried again. */
int refusals_add(struct refusals *r, uint32_t netns, int error);

#endif
