/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exit records that wait for the EXIT of their thread. The kernel queues a thread's record before
 * its EXIT event, so whoever finds none at the EXIT need not wait: it was lost.
 */
#ifndef MODEL_RECORDS_H
#define MODEL_RECORDS_H

#include <stdint.h>

#include "util/hash.h"
#include "util/list.h"
#include "wire/taskstats.h"

/* More than 64 MiB of kernel memory hold; beyond it the oldest gives way. */
#define RECORDS_MAX (1u << 17)
#define RECORDS_PER_TID 8	/* a number is not given that often between two drains */

struct records {
	struct hash by_tid;
	struct list order;	/* oldest first */
	struct list spare;	/* a few, kept for the next */
	unsigned int n_spare;
	uint64_t evicted;	/* for want of room */
};

int records_init(struct records *r);
void records_finish(struct records *r);	/* accepts zeroed */
/* drained_ns: a time after the record was made. -ENOMEM. */
int records_add(struct records *r, const struct taskstats_record *record, uint64_t drained_ns);
/*
 * The oldest one of the thread that can be of this process and of no longer a life; what is older
 * goes with it. false: there is none.
 */
bool records_take(struct records *r, int32_t tid, int32_t tgid, uint64_t longest_ns,
		  struct taskstats_record *ret);
/* A thread of that number begins at time_ns: what was made before is of an earlier one. */
void records_forget(struct records *r, int32_t tid, uint64_t time_ns);

#endif
