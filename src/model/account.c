/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "account.h"

#include <stdlib.h>
#include <string.h>

#include "teardown.h"
#include "util/macro.h"

#define LATE_NS (20 * NSEC_PER_USEC)	/* from a life's begin to its FORK */
#define SHORT_NS (20 * NSEC_PER_MSEC)	/* held to be undisturbed, unless the machine is not */
#define TICK_LATE_NS (100 * NSEC_PER_USEC)	/* while interrupts are off */
#define ROUNDING_NS (2 * NSEC_PER_USEC)

/* Versions of taskstats that brought a delay; 0: before any we read. */
static const uint16_t delay_since[TASKSTATS_DELAY_COUNT] = {
	[TASKSTATS_DELAY_THRASHING] = 9, [TASKSTATS_DELAY_COMPACT] = 11,
	[TASKSTATS_DELAY_WPCOPY] = 13, [TASKSTATS_DELAY_IRQ] = 14,
};

_Static_assert((int)TASKSTATS_DELAY_COUNT == (int)PEVENT_DELAY_COUNT, "the same delays");

/* Plain sums: where they are in a record, in a look at living threads, and in the account. */
static const struct {
	uint16_t record, tasks, usage;
	bool ticks;	/* a look counts it in clock ticks */
} sums[] = {
#define SUM(in_record, in_tasks, in_usage, ticks) \
	{ offsetof(struct taskstats_record, in_record), offsetof(struct proc_tasks, in_tasks), \
	  offsetof(struct pevent_usage, in_usage), ticks }
#define SAME(name) SUM(name, name, name, false)
	SUM(user_ns, user_ticks, user_ns, true), SUM(system_ns, system_ticks, system_ns, true),
	SUM(run_delay_ns, run_queue_ns, run_queue_ns, false),
	SUM(run_delay_count, run_queue_waits, run_queue_waits, false),
	SAME(voluntary_switches), SAME(involuntary_switches), SAME(minor_faults),
	SAME(major_faults), SAME(read_chars), SAME(write_chars), SAME(read_bytes),
	SAME(write_bytes), SAME(cancelled_write_bytes),
#undef SAME
#undef SUM
};

static uint64_t get(const void *base, uint16_t offset)
{
	return load_u64((const char *)base + offset);
}

static uint64_t *sum_of(struct pevent_usage *u, size_t i)
{
	return (uint64_t *)(void *)((char *)u + sums[i].usage);
}

void account_finish(struct account *a)
{
	free(a->base);
	free(a->sample);
	a->base = NULL;
	a->sample = NULL;
}

/*
 * The scheduler adds to its exact counter at ticks and switches only, and a record is made between
 * them: a thread of one uninterrupted slice reads 0. One that never slept was either running or
 * waiting for a CPU all its life, and both its life and that wait are known exactly.
 */
static uint64_t cpu_of(const struct taskstats_record *r, const struct account_units *units,
		       uint64_t *ret_error)
{
	uint64_t awake = u64_less(r->elapsed_ns, r->run_delay_ns);
	uint64_t lag = u64_less(awake, r->run_ns), tick_ns = units->tick_ns;

	if (r->voluntary_switches || !r->run_delay_count || awake < r->run_ns) {
		*ret_error = MIN(tick_ns, lag);
		return r->run_ns;
	}
	/* A hypervisor, or interrupts, had the CPU, too: the counter lacks no more than a tick. */
	if (lag > tick_ns + TICK_LATE_NS && !units->tickless) {
		*ret_error = lag - tick_ns / 2;
		return r->run_ns + tick_ns / 2;
	}
	*ret_error = awake < SHORT_NS && !units->stolen ? ROUNDING_NS : lag;
	return awake;
}

void account_add(struct account *a, const struct taskstats_record *r,
		 const struct account_units *units)
{
	struct pevent_usage *u = &a->sum;
	uint64_t error;

	a->records++;
	a->version = r->version;
	u->cpu_ns += cpu_of(r, units, &error);
	u->cpu_error_ns += error;
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
		*sum_of(u, i) += get(r, sums[i].record);
	u->peak_rss = MAX(u->peak_rss, r->peak_rss);
	u->peak_vm = MAX(u->peak_vm, r->peak_vm);
	for (size_t i = 0; i < TASKSTATS_DELAY_COUNT; i++)
		u->delay_ns[i] += r->delay_ns[i];
}

void account_add_teardown(struct account *a, const struct taskstats_record *r, uint64_t start_ns,
			  uint64_t exit_ns, bool executed, struct teardown *others)
{
	uint64_t life = r->group_elapsed_ns ? r->group_elapsed_ns : r->elapsed_ns;
	uint64_t told = u64_less(exit_ns, start_ns), gap = u64_less(told, life);
	uint64_t work = teardown_work(others, executed, r->peak_rss, gap);

	a->sum.cpu_ns += work;
	a->sum.cpu_error_ns += MAX(work, gap + LATE_NS - work) + u64_less(life, told);
}

void account_set_base(struct account *a, const struct proc_facts *f)
{
	const struct proc_tasks whole = {
		.threads = f->stat.threads, .user_ticks = f->stat.user_ticks,
		.system_ticks = f->stat.system_ticks,
	};

	if (!f->has_tasks && !f->tasks_refused)
		return;
	if (!a->base)
		a->base = malloc(sizeof(*a->base));
	if (a->base)
		*a->base = (struct account_base){
			.tasks = f->has_tasks ? f->tasks : whole, .whole = !f->has_tasks,
			.cpu_ticks = f->stat.user_ticks + f->stat.system_ticks,
			.state = f->stat.state,
		};
}

void account_exec(struct account *a)
{
	a->sum.peak_rss = a->sum.peak_vm = 0;
	if (a->sample)
		a->sample->peak_rss = a->sample->peak_vm = 0;
}

static uint64_t cpu_of_tasks(const struct proc_tasks *t, const struct account_units *units)
{
	return t->has_schedstat ? t->run_ns :
				  (t->user_ticks + t->system_ticks) * units->ns_per_tick;
}

/* Counters lag behind in threads that run; what sleeps is counted. state: of the leader. */
static uint64_t error_of_tasks(const struct proc_tasks *t, char state,
			       const struct account_units *units)
{
	uint64_t running = units->cpus ? MIN(t->threads, units->cpus) : t->threads;

	if (!t->has_schedstat)
		return t->threads * units->ns_per_tick;
	return t->threads == 1 && state != 'R' ? 0 : running * units->tick_ns;
}

static void add_living(const struct proc_facts *f, const struct account_units *units,
		       struct pevent_usage *u)
{
	const struct proc_tasks *t = &f->tasks;

	u->cpu_ns += cpu_of_tasks(t, units);
	u->cpu_error_ns += error_of_tasks(t, f->stat.state, units);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
		*sum_of(u, i) += get(t, sums[i].tasks) * (sums[i].ticks ? units->ns_per_tick : 1);
}

static void take_base(const struct account_base *base, const struct account_units *units,
		      struct pevent_usage *u)
{
	const struct proc_tasks *t = &base->tasks;

	u->cpu_ns = u64_less(u->cpu_ns, cpu_of_tasks(t, units));
	u->cpu_error_ns += error_of_tasks(t, base->state, units);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
		uint64_t before = get(t, sums[i].tasks) *
				  (sums[i].ticks ? units->ns_per_tick : 1);

		*sum_of(u, i) = u64_less(*sum_of(u, i), before);
	}
}

/* What the records, or the look at the living, know, and what was known before the run. */
static unsigned int what_is_known(const struct account *a, const struct proc_tasks *now)
{
	const struct proc_tasks *base = a->base ? &a->base->tasks : NULL;
	unsigned int known = PEVENT_KNOWN_CPU | PEVENT_KNOWN_FAULTS;

	if (a->base && a->base->whole)
		return PEVENT_KNOWN_CPU;
	if ((!now || now->has_io) && (!base || base->has_io))
		known |= PEVENT_KNOWN_IO;
	if ((!now || now->has_switches) && (!base || base->has_switches))
		known |= PEVENT_KNOWN_SWITCHES;
	if ((!now || now->has_schedstat) && (!base || base->has_schedstat) &&
	    (now || a->sum.run_queue_waits))
		known |= PEVENT_KNOWN_RUN_QUEUE;
	return known;
}

/* It has not been on a CPU since the run began: both looks are exact. */
static bool has_rested(const struct account *a, const struct proc_tasks *now)
{
	const struct proc_tasks *base = a->base ? &a->base->tasks : NULL;

	return base && !a->records && !a->missing && now->has_schedstat && base->has_schedstat &&
	       now->run_queue_waits == base->run_queue_waits && now->run_ns == base->run_ns;
}

/*
 * All threads up to this look. Without the records of those that ended the process's own counter
 * knows of them still, by the clock tick.
 */
static void measure_total(const struct account *a, const struct proc_facts *f,
			  const struct account_units *units, struct pevent_usage *ret)
{
	struct pevent_usage u = a->sum;
	uint64_t ticks = f->stat.user_ticks + f->stat.system_ticks;

	u.known = 0;
	u.origin = PEVENT_FROM_PROC;
	if (f->has_tasks) {
		u.known = what_is_known(a, &f->tasks);
		add_living(f, units, &u);
		if (a->base)
			take_base(a->base, units, &u);
		if (has_rested(a, &f->tasks))
			u.cpu_error_ns = 0;
	}
	if ((f->has_tasks && a->missing) || f->tasks_refused || (a->base && a->base->whole)) {
		u.cpu_ns = MAX(u.cpu_ns, units->ns_per_tick *
					 u64_less(ticks, a->base ? a->base->cpu_ticks : 0));
		u.cpu_error_ns += 2 * units->ns_per_tick;
		u.known |= PEVENT_KNOWN_CPU;
		u.incomplete = true;
	}
	*ret = u;
}

/* A total that is smaller than the one before lacks a thread whose record is still to come. */
static void measure_interval(struct account_sample *s, const struct pevent_usage *total,
			     uint64_t read_ns)
{
	const struct pevent_usage *before = &s->total;
	struct pevent_sample *p = &s->pub;

	p->interval_ns = p->interval_cpu_ns = p->interval_read_bytes = p->interval_write_bytes = 0;
	if (!p->count || !(total->known & before->known & PEVENT_KNOWN_CPU) ||
	    total->cpu_ns < before->cpu_ns || total->read_bytes < before->read_bytes ||
	    total->write_bytes < before->write_bytes)
		return;
	p->interval_ns = u64_less(read_ns, p->time_ns);
	p->interval_cpu_ns = total->cpu_ns - before->cpu_ns;
	p->interval_read_bytes = total->read_bytes - before->read_bytes;
	p->interval_write_bytes = total->write_bytes - before->write_bytes;
}

static void look_at_memory(struct account_sample *s, const struct proc_status *status)
{
	struct pevent_sample *p = &s->pub;

	p->rss = status->rss;
	p->vm = status->vm;
	p->swap = status->swap;
	p->swap_peak = MAX(p->swap_peak, p->swap);
	s->peak_rss = MAX(s->peak_rss, status->peak_rss);
	s->peak_vm = MAX(s->peak_vm, status->peak_vm);
}

void account_add_sample(struct account *a, const struct proc_facts *f,
			const struct account_units *units)
{
	struct account_sample *s = a->sample;
	struct pevent_usage total;
	struct pevent_sample *p;

	if (!s) {
		s = a->sample = calloc(1, sizeof(*s));
		if (!s)
			return;
		s->pub.files = s->pub.files_peak = UINT32_MAX;
	}
	p = &s->pub;
	measure_total(a, f, units, &total);
	measure_interval(s, &total, f->read_ns);
	s->total = total;
	p->time_ns = f->read_ns;
	p->count++;
	p->state = f->stat.state;
	p->threads = f->stat.threads;
	p->oom_score = f->has_oom_score ? f->oom_score : -1;
	if (f->has_fd_count) {
		p->files = f->fd_count;
		p->files_peak = p->files_peak == UINT32_MAX ? p->files :
							      MAX(p->files_peak, p->files);
	}
	if (f->has_status && f->status.has_memory)
		look_at_memory(s, &f->status);
}

/* The clock tick's counts are coarse: they tell how to divide, not how much there is. */
static void split_cpu(struct pevent_usage *u)
{
	double user = (double)u->user_ns, system = (double)u->system_ns, share;

	if (!u->user_ns || !u->system_ns) {
		u->user_ns = u->system_ns = 0;
		return;
	}
	share = (double)u->cpu_ns * (user / (user + system));
	u->user_ns = share < (double)u->cpu_ns ? (uint64_t)share : u->cpu_ns;
	u->system_ns = u->cpu_ns - u->user_ns;
	u->known |= PEVENT_KNOWN_CPU_SPLIT;
}

/* Interrupts are counted by kernels with the option for it only: 0 may mean that they are not. */
static void take_delays(const struct account *a, struct pevent_usage *u)
{
	u->known |= PEVENT_KNOWN_DELAYS;
	for (size_t i = 0; i < PEVENT_DELAY_COUNT; i++) {
		bool counted = a->version >= delay_since[i] &&
			       (i != PEVENT_DELAY_IRQ || a->sum.delay_ns[i]);

		u->delay_ns[i] = counted ? a->sum.delay_ns[i] : UINT64_MAX;
	}
}

/* Records of some threads are missing: what the last look saw is the least it can be. */
static void fill_up(const struct pevent_usage *seen, struct pevent_usage *u)
{
	u->incomplete = true;
	if (!(seen->known & PEVENT_KNOWN_CPU))
		return;
	u->cpu_ns = MAX(u->cpu_ns, seen->cpu_ns);
	for (size_t i = 0; i < ARRAY_SIZE(sums); i++)
		*sum_of(u, i) = MAX(*sum_of(u, i), get(seen, sums[i].usage));
}

/* At its EXIT, by its records. */
static void get_counted(const struct account *a, const struct account_units *units,
			struct pevent_usage *u)
{
	u->origin = PEVENT_FROM_TASKSTATS;
	u->known = what_is_known(a, NULL);
	if (a->base)
		take_base(a->base, units, u);
	if (a->missing && a->sample)
		fill_up(&a->sample->total, u);
	/* The whole process's ticks had dead threads in them, who left no records in this run. */
	u->incomplete = a->missing > 0 || (a->base && a->base->whole);
}

void account_get(const struct account *a, uint64_t end_ns, bool delays,
		 const struct account_units *units, struct pevent_usage *ret)
{
	const struct account_sample *s = a->sample;
	struct pevent_usage u = a->sum;

	if (end_ns && a->records) {
		get_counted(a, units, &u);
	} else if (s && s->total.known) {
		u = s->total;
		u.cpu_error_ns += u64_less(end_ns, s->pub.time_ns) * MAX(s->pub.threads, 1u);
		/* Threads that ended, but for the last one. */
		u.incomplete |= a->missing > (end_ns ? 1 : 0);
	}
	split_cpu(&u);
	if (s) {
		u.sample = s->pub;
		u.known |= PEVENT_KNOWN_SAMPLE;
		u.peak_rss = MAX(a->sum.peak_rss, s->peak_rss);
		u.peak_vm = MAX(a->sum.peak_vm, s->peak_vm);
	}
	if (u.peak_rss)
		u.known |= PEVENT_KNOWN_PEAK;
	if (u.origin == PEVENT_FROM_TASKSTATS && delays && !a->base)
		take_delays(a, &u);
	*ret = u;
}
