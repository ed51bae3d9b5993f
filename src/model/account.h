/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process has used: the sum of the exit records of its threads, less what threads that are
 * older than the run had used before it; and what /proc showed meanwhile.
 */
#ifndef MODEL_ACCOUNT_H
#define MODEL_ACCOUNT_H

#include <stdbool.h>

#include "pevent/pevent.h"
#include "wire/proc.h"
#include "wire/taskstats.h"

/* Looks at a living process; allocated with the first. */
struct account_sample {
	struct pevent_sample pub;
	struct proc_tasks tasks;	/* living threads, as of the last look */
	bool has_tasks;
	uint64_t peak_rss, peak_vm;
};

struct account {
	uint32_t records, missing;	/* threads that ended with a record, and without */
	uint64_t cpu_ns, error_ns;
	uint64_t user_ns, system_ns;	/* by the tick: only their ratio is used */
	uint64_t run_ns;		/* cpu_run_virtual_total */
	uint64_t run_queue_ns, run_queue_waits;
	uint64_t voluntary_switches, involuntary_switches;
	uint64_t minor_faults, major_faults;
	uint64_t peak_rss, peak_vm;
	uint64_t read_chars, write_chars, read_bytes, write_bytes, cancelled_write_bytes;
	uint64_t delay_ns[TASKSTATS_DELAY_COUNT];
	uint16_t version;		/* of the records: which delays they have */
	struct proc_tasks *base;	/* used before the run; NULL: nothing */
	struct account_sample *sample;	/* NULL: never looked at */
};

void account_finish(struct account *a);		/* accepts zeroed */

/* A thread's end. When the kernel's clock tick comes late the CPU time does: tick_ns bounds it. */
void account_add(struct account *a, const struct taskstats_record *r, uint64_t tick_ns);
/*
 * What the last thread did after its record was made: releasing memory, closing files. exit_ns:
 * its EXIT event; start_ns: the process's FORK event.
 */
void account_add_teardown(struct account *a, const struct taskstats_record *r, uint64_t start_ns,
			  uint64_t exit_ns);
/* What it had used when the run began. */
void account_set_base(struct account *a, const struct proc_facts *facts);
void account_add_sample(struct account *a, const struct proc_facts *facts, uint64_t ns_per_tick);

/*
 * Everything, for EXIT (alive false) or SNAPSHOT. delays: delay accounting was on for the whole
 * life; ns_per_tick: of /proc's CPU times; tick_ns: of the kernel's clock.
 */
struct account_units {
	uint64_t ns_per_tick, tick_ns;
	bool delays;
};
void account_get(const struct account *a, bool alive, const struct account_units *units,
		 struct pevent_usage *ret);

#endif
