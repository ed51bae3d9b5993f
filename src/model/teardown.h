/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process's last thread does after its record was made: releasing memory, closing files. It
 * is over at the EXIT event; but between the two the thread may have waited for a CPU as well, and
 * nothing says so. What others of about its size took of late tells the two apart.
 */
#ifndef MODEL_TEARDOWN_H
#define MODEL_TEARDOWN_H

#include <stdbool.h>
#include <stdint.h>

#define TEARDOWN_CLASSES 48

struct teardown_class {
	uint64_t typical_ns;	/* not much waiting in it */
	uint32_t seen;
};

/* Two classes for each doubling of peak memory; copies of a parent have little of their own. */
struct teardown {
	struct teardown_class copies[TEARDOWN_CLASSES], programs[TEARDOWN_CLASSES];
};

/*
 * gap_ns: from the record to the EXIT. How much of it was work. executed: it is no copy; peak_rss
 * in bytes, 0: not known.
 */
uint64_t teardown_work(struct teardown *t, bool executed, uint64_t peak_rss, uint64_t gap_ns);

#endif
