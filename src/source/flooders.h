/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who sends and receives so many datagrams that records of them would cost too much, and for how
 * long nothing is recorded of them. A filter of the kernel names threads, what is known or not
 * known is a process's: it is off when one of its threads is in the filter.
 */
#ifndef SOURCE_FLOODERS_H
#define SOURCE_FLOODERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOODERS_THREADS 16	/* in the filter */
#define FLOODERS_SEEN 512	/* a power of two */
#define FLOODERS_KNOWN (2 * FLOODERS_THREADS)	/* those that are off, and those that were */
#define FLOODERS_FILTER 512	/* bytes of its text */
#define FLOODERS_WAIT_NS UINT64_C(2000000000)	/* the first time, then twice as long, up to */
#define FLOODERS_WAIT_MAX_NS UINT64_C(60000000000)

struct flooder_thread {
	int32_t tgid, tid;
	uint32_t count;
};

struct flooder {
	int32_t tgid;
	bool is_off;
	bool was_told;		/* that it is off: the user's */
	uint64_t wait_ns;	/* how long it is off */
	uint64_t until_ns;	/* off: to be tried again; else to be forgotten */
};

struct flooders {
	/* Of each slot, who has more than half of it: whoever causes most records is there. */
	struct flooder_thread seen[FLOODERS_SEEN];
	uint32_t salt;
	struct flooder_thread threads[FLOODERS_THREADS];
	size_t n_threads;
	struct flooder known[FLOODERS_KNOWN];
	size_t n_known;
	size_t n_told;		/* of the known, the user's */
	bool (*has_ended)(int32_t tgid, int32_t tid);
};

/* has_ended: NULL: asks the kernel. */
void flooders_init(struct flooders *f, bool (*has_ended)(int32_t tgid, int32_t tid));
/* A record of a thread. */
void flooders_count(struct flooders *f, int32_t tgid, int32_t tid);
void flooders_count_anew(struct flooders *f);
/*
 * Of total records that were counted, so many may be: puts those that cause most into the filter,
 * process by process. False: that would not be enough, and nothing has changed.
 */
bool flooders_exclude(struct flooders *f, uint64_t total, uint64_t allowed, uint64_t now_ns);
/* Takes out who is to be tried again, or has ended. True: the filter must change. */
bool flooders_review(struct flooders *f, uint64_t now_ns);
/* The threads that are in the filter, as " && common_pid!=TID" each. */
void flooders_filter(const struct flooders *f, char to[static FLOODERS_FILTER]);
/* Of a process, NULL: it is none. */
struct flooder *flooders_find(struct flooders *f, int32_t tgid);

#endif
