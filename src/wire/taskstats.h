/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exit records of the kernel's taskstats (linux/taskstats.h, versions 8 to 17), as generic netlink
 * carries them. The layout is our own table: distributions ship headers older than their kernels.
 */
#ifndef WIRE_TASKSTATS_H
#define WIRE_TASKSTATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TASKSTATS_OLDEST 8u	/* Linux 2.6.28 */

/* Why a thread waited, with delay accounting on (kernel.task_delayacct); as in pevent.h. */
enum taskstats_delay {
	TASKSTATS_DELAY_BLKIO,		/* synchronous block I/O */
	TASKSTATS_DELAY_SWAPIN,		/* pages from swap */
	TASKSTATS_DELAY_RECLAIM,	/* memory reclaim */
	TASKSTATS_DELAY_THRASHING,	/* pages just thrown out */
	TASKSTATS_DELAY_COMPACT,	/* memory compaction */
	TASKSTATS_DELAY_WPCOPY,		/* write-protect copies */
	TASKSTATS_DELAY_IRQ,		/* interrupts' time */
	TASKSTATS_DELAY_COUNT
};

/* One thread's record. Times in nanoseconds, sizes in bytes; absent in old versions: 0. */
struct taskstats_record {
	uint16_t version;
	int32_t tid, tgid;	/* tgid 0 before version 12 */
	int32_t ppid;		/* of the real parent */
	uint32_t uid, gid;	/* real ids */
	uint32_t status;	/* wait status of this thread */
	bool group_end;		/* the last thread of its process (AGROUP, version 12) */
	bool has_group_end;	/* the version has that flag */
	char comm[16];
	uint64_t elapsed_ns;	/* wall time of the thread, microsecond resolution */
	uint64_t group_elapsed_ns;	/* of the process; version 12 */
	uint64_t user_ns, system_ns;	/* counted in clock ticks: often 0 */
	uint64_t run_ns;	/* exact, but stale since the last tick or switch */
	uint64_t run_delay_count, run_delay_ns;	/* waits in the run queue */
	uint64_t voluntary_switches, involuntary_switches;
	uint64_t minor_faults, major_faults;
	uint64_t peak_rss, peak_vm;	/* of the address space, so the same in all threads */
	uint64_t read_chars, write_chars, read_bytes, write_bytes, cancelled_write_bytes;
	uint64_t delay_ns[TASKSTATS_DELAY_COUNT];
	uint64_t exe_dev, exe_inode;	/* stat(2)'s; version 12 */
};

/*
 * One netlink datagram with one message. 0: *ret is the thread's record; 1: a message of another
 * kind (an acknowledgement, the sums of a group alone); -EBADMSG: lengths do not add up;
 * -ENOTSUP: a version older than 8.
 */
int taskstats_decode(const void *buf, size_t len, uint16_t family, struct taskstats_record *ret);

#endif
