/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kernel.task_delayacct on while a run lasts: of tasks forked meanwhile all delays are counted. */
#ifndef SOURCE_DELAYACCT_H
#define SOURCE_DELAYACCT_H

#include <stdbool.h>

#include "guard.h"
#include "util/log.h"

struct delayacct {
	bool changed;		/* it was off; the rest is only set then */
	int fd;			/* of the setting */
	struct guard guard;
	const struct log *log;
};

/*
 * Switches it on where it is off; root is a descriptor of /proc. With guard a helper process
 * switches it off again should this one be killed. Errors are logged with their cure: -ENOENT
 * (Linux before 5.14, no CONFIG_TASK_DELAY_ACCT), -EPERM, -EROFS. Call it before the connector
 * listens, that the helper's start is not in the stream; delayacct_restore() after it has ceased.
 */
int delayacct_on(struct delayacct *d, int root, bool guard, const struct log *log);
/* Is it on? Where that is not told, it is not. */
bool delayacct_is_on(int root);
/* Puts back what was there, unless another program has done so. Accepts zeroed. */
void delayacct_restore(struct delayacct *d);

#endif
