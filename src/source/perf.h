/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's socket tracepoints through perf_event_open(2), without BPF: one ring of records per
 * CPU. They tell of all namespaces, and which process acted. Needs CAP_PERFMON (before Linux 5.8
 * CAP_SYS_ADMIN) and, where no tracefs is mounted, CAP_SYS_ADMIN for a moment.
 */
#ifndef SOURCE_PERF_H
#define SOURCE_PERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/tracepoint.h"

struct perf_ring;
struct perf_key;

struct perf {
	struct perf_ring *rings;	/* one per CPU that was online; NULL: not open */
	size_t n_rings;
	size_t ring_size;	/* bytes of each */
	int fd;			/* readable when a ring is half full, once each time */
	struct tracepoint_format formats[TRACEPOINT_COUNT];	/* id 0: not opened */
	struct tracepoint_record *records;	/* taken from the rings, not yet given */
	struct perf_key *keys;
	size_t count, max;
	bool marked[TRACEPOINT_COUNT];	/* records of the events in use are, see perf_refilter() */
	uint64_t closed_lost;	/* of events that others have taken the place of */
	uint64_t received;	/* samples that were given */
	uint64_t lost;		/* sum of the LOST records taken; lags behind perf_lost() */
	uint64_t malformed;	/* dropped */
	uint64_t hurried;	/* given before their time, since there was no more room for them */
};

struct perf_options {
	uint32_t kinds;		/* bits 1 << enum tracepoint_kind; one of 0 bytes is no error */
	uint32_t pages;		/* of each ring; a power of two; less, if only that may be locked */
	uint32_t max_records;	/* held for sorting, 120 bytes each; 512 for each CPU and more */
};

/* In the order of time. */
typedef void (*perf_fn)(void *data, const struct tracepoint_record *record);

/*
 * Opens the tracepoints on all CPUs that are online, disabled, on CLOCK_MONOTONIC. A CPU that comes
 * later is not heard. Of the kinds that were asked for, those the kernel does not have are left out
 * (id 0 in formats); -ENOENT when it has none. Else the errno of what failed: -EACCES, -EPERM: not
 * privileged; -ENOBUFS: not even 128 KiB of each ring may be locked in memory, for which there is
 * CAP_IPC_LOCK; -EMFILE: a descriptor for each kind and CPU; -ENOMEM, -EINVAL: pages. Start before
 * anything that listens to forks: reading the formats may fork once.
 */
int perf_open(struct perf *p, const struct perf_options *options);
void perf_close(struct perf *p);	/* accepts zeroed */

/*
 * Takes only records for which the expression holds (Documentation/trace/events.rst), such as
 * "protocol==17". Once for each kind, before or after perf_enable(): then -EEXIST. -ENOENT: the
 * kind is not open; -EINVAL: not an expression over its fields.
 */
int perf_filter(struct perf *p, enum tracepoint_kind kind, const char *expression);
int perf_enable(struct perf *p, enum tracepoint_kind kind, bool on);	/* -ENOENT: not open */
/*
 * Puts new events, on, with this filter in place of those of a kind: that of an open one stays as
 * it is. Nothing that passes both filters is missed or given twice, if perf_settle() comes only
 * when all tracepoints that were being passed have been. -errno: all is as it was; -EBUSY: not
 * settled yet, or the kind is the first one that is open, whose events have the rings.
 */
int perf_refilter(struct perf *p, enum tracepoint_kind kind, const char *expression);
/* Ends what perf_refilter() has replaced. A perf_drain() must come before the next one. */
void perf_settle(struct perf *p);

/*
 * Empties the rings and gives what is not younger than until_ns, sorted by time over all rings; the
 * rest waits for the next call. A record reaches its ring microseconds after its time, later when
 * an interrupt falls in between: with until_ns a millisecond in the past the order holds over all
 * calls. UINT64_MAX gives everything. What comes while it runs waits for the next call. fn may not
 * call back. How many were given, LOST ones among them.
 */
unsigned int perf_drain(struct perf *p, uint64_t until_ns, perf_fn fn, void *data);

/*
 * Records that the kernel had no room for, since the start, also those that no LOST record tells of
 * yet. Exact from Linux 6.0 on, before that it is p->lost. Asks every CPU: not for each tick.
 */
uint64_t perf_lost(const struct perf *p);

#endif
