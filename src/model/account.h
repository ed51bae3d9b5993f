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

struct teardown;

struct account_units {
	uint64_t ns_per_tick;	/* of CPU times in /proc/PID/stat */
	uint64_t tick_ns;	/* of the kernel's clock: counters of what runs lag by so much, */
	bool tickless;		/* or by any time */
	uint32_t cpus;		/* so many threads can run at a time; 0: not known */
	bool stolen;		/* a hypervisor takes time from the CPUs: stolen.h */
};

/* Looks at a living process; allocated with the first. */
struct account_sample {
	struct pevent_sample pub;
	struct pevent_usage total;	/* of all its threads up to the last look, dead or alive */
	uint64_t peak_rss, peak_vm;
};

/* Living threads when the run began, and the whole process with its dead ones. */
struct account_base {
	struct proc_tasks tasks;
	uint64_t cpu_ticks;
	char state;
	bool whole;	/* there were too many threads: tasks are the process's ticks */
};

struct account {
	uint32_t records, missing;	/* threads that ended with a record, and without */
	uint16_t version;		/* of the records: which delays they have */
	struct pevent_usage sum;	/* of the records; user and system by the clock tick */
	struct account_base *base;	/* used before the run; NULL: nothing */
	struct account_sample *sample;	/* NULL: never looked at */
};

void account_finish(struct account *a);		/* accepts zeroed */

/* A thread's end. */
void account_add(struct account *a, const struct taskstats_record *r,
		 const struct account_units *units);
/*
 * What the last thread did after its record was made. exit_ns: its EXIT event; start_ns: the
 * process's FORK event; executed: it is not a copy of its parent; others: what they took.
 */
void account_add_teardown(struct account *a, const struct taskstats_record *r, uint64_t start_ns,
			  uint64_t exit_ns, bool executed, struct teardown *others);
/* What it had used when the run began. */
void account_set_base(struct account *a, const struct proc_facts *facts);
void account_add_sample(struct account *a, const struct proc_facts *facts,
			const struct account_units *units);
/* It starts another program, whose memory is its own. */
void account_exec(struct account *a);

/*
 * Everything, for EXIT at end_ns, or for SNAPSHOT (0: it is alive). delays: delay accounting was on
 * for the whole life.
 */
void account_get(const struct account *a, uint64_t end_ns, bool delays,
		 const struct account_units *units, struct pevent_usage *ret);

#endif
