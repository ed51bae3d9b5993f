/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "account.h"

#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

/*
 * What a thread does after its record was made takes so much; all else is waiting for a CPU. From
 * compilations on two busy CPUs: with 20 us for each MiB of peak memory their sums are exact, and
 * 500 MiB of anonymous memory take 32.
 */
#define TEARDOWN_NS (60 * NSEC_PER_USEC)
#define TEARDOWN_NS_PER_MIB (30 * NSEC_PER_USEC)
#define STOLEN_TICKS 4		/* shorter lives show in no count whether a hypervisor interfered */
#define ROUNDING_NS (2 * NSEC_PER_USEC)

/* Versions of taskstats that brought a delay; 0: before any we read. */
static const uint16_t delay_since[TASKSTATS_DELAY_COUNT] = {
	[TASKSTATS_DELAY_THRASHING] = 9, [TASKSTATS_DELAY_COMPACT] = 11,
	[TASKSTATS_DELAY_WPCOPY] = 13, [TASKSTATS_DELAY_IRQ] = 14,
};

_Static_assert((int)TASKSTATS_DELAY_COUNT == (int)PEVENT_DELAY_COUNT, "the same delays");

void account_finish(struct account *a)
{
	free(a->base);
	free(a->sample);
	a->base = NULL;
	a->sample = NULL;
}

static uint64_t less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/*
 * The scheduler adds to its exact counter at ticks and switches only, and a record is made between
 * them: a thread of one uninterrupted slice reads 0. One that never slept was either running or
 * waiting for a CPU all its life, and both its life and that wait are known exactly.
 */
static uint64_t cpu_of(const struct taskstats_record *r, uint64_t tick_ns, uint64_t *ret_error)
{
	uint64_t awake = less(r->elapsed_ns, r->run_delay_ns);

	if (r->voluntary_switches == 0 && r->run_delay_count > 0 && awake >= r->run_ns) {
		/* A hypervisor may have had the CPU for some of it: then the counter shows less. */
		*ret_error = awake < STOLEN_TICKS * tick_ns ? ROUNDING_NS : awake - r->run_ns;
		return awake;
	}
	*ret_error = MIN(tick_ns, less(awake, r->run_ns));
	return r->run_ns;
}

void account_add(struct account *a, const struct taskstats_record *r, uint64_t tick_ns)
{
	uint64_t error;

	a->records++;
	a->cpu_ns += cpu_of(r, tick_ns, &error);
	a->error_ns += error;
	a->run_ns += r->run_ns;
	a->user_ns += r->user_ns;
	a->system_ns += r->system_ns;
	a->run_queue_ns += r->run_delay_ns;
	a->run_queue_waits += r->run_delay_count;
	a->voluntary_switches += r->voluntary_switches;
	a->involuntary_switches += r->involuntary_switches;
	a->minor_faults += r->minor_faults;
	a->major_faults += r->major_faults;
	a->peak_rss = MAX(a->peak_rss, r->peak_rss);
	a->peak_vm = MAX(a->peak_vm, r->peak_vm);
	a->read_chars += r->read_chars;
	a->write_chars += r->write_chars;
	a->read_bytes += r->read_bytes;
	a->write_bytes += r->write_bytes;
	a->cancelled_write_bytes += r->cancelled_write_bytes;
	for (size_t i = 0; i < TASKSTATS_DELAY_COUNT; i++)
		a->delay_ns[i] += r->delay_ns[i];
	a->version = r->version;
}

void account_add_teardown(struct account *a, const struct taskstats_record *r, uint64_t start_ns,
			  uint64_t exit_ns)
{
	uint64_t life = r->group_elapsed_ns ? r->group_elapsed_ns : r->elapsed_ns;
	uint64_t gap = less(less(exit_ns, start_ns), life);
	uint64_t most = TEARDOWN_NS + (r->peak_rss >> 20) * TEARDOWN_NS_PER_MIB;
	uint64_t teardown = MIN(gap, most);

	a->cpu_ns += teardown;
	a->error_ns += MAX(teardown, gap - teardown);
}

void account_set_base(struct account *a, const struct proc_facts *facts)
{
	if (!facts->has_tasks)
		return;
	if (!a->base)
		a->base = malloc(sizeof(*a->base));
	if (a->base)
		*a->base = facts->tasks;
}

static uint64_t cpu_of_tasks(const struct proc_tasks *t, uint64_t ns_per_tick)
{
	return t->has_schedstat ? t->run_ns : (t->user_ticks + t->system_ticks) * ns_per_tick;
}

/* Threads that ended in between took their counts along: at worst nothing is left. */
static void measure_interval(struct account_sample *s, const struct proc_facts *f,
			     uint64_t ns_per_tick)
{
	struct pevent_sample *p = &s->pub;

	p->interval_ns = p->interval_cpu_ns = p->interval_read_bytes = p->interval_write_bytes = 0;
	if (!p->count || !s->has_tasks || !f->has_tasks)
		return;
	p->interval_ns = less(f->read_ns, p->time_ns);
	p->interval_cpu_ns = less(cpu_of_tasks(&f->tasks, ns_per_tick),
				  cpu_of_tasks(&s->tasks, ns_per_tick));
	p->interval_read_bytes = less(f->tasks.read_bytes, s->tasks.read_bytes);
	p->interval_write_bytes = less(f->tasks.write_bytes, s->tasks.write_bytes);
}

void account_add_sample(struct account *a, const struct proc_facts *f, uint64_t ns_per_tick)
{
	struct account_sample *s = a->sample;
	struct pevent_sample *p;

	if (!s) {
		s = a->sample = calloc(1, sizeof(*s));
		if (!s)
			return;
		s->pub.files = s->pub.files_peak = UINT32_MAX;
	}
	p = &s->pub;
	measure_interval(s, f, ns_per_tick);
	s->has_tasks = f->has_tasks;
	s->tasks = f->tasks;
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
	if (f->has_status && f->status.has_memory) {
		p->rss = f->status.rss;
		p->vm = f->status.vm;
		p->swap = f->status.swap;
		p->swap_peak = MAX(p->swap_peak, p->swap);
		s->peak_rss = MAX(s->peak_rss, f->status.peak_rss);
		s->peak_vm = MAX(s->peak_vm, f->status.peak_vm);
	}
}

/* Living threads, as last seen, on top of the dead. */
static void add_living(const struct account *a, const struct account_units *units,
		       struct pevent_usage *u)
{
	const struct proc_tasks *t = &a->sample->tasks;

	u->cpu_ns += cpu_of_tasks(t, units->ns_per_tick);
	u->cpu_error_ns += t->threads * (t->has_schedstat ? units->tick_ns : units->ns_per_tick);
	u->user_ns += t->user_ticks * units->ns_per_tick;
	u->system_ns += t->system_ticks * units->ns_per_tick;
	u->run_queue_ns += t->run_queue_ns;
	u->run_queue_waits += t->run_queue_waits;
	u->voluntary_switches += t->voluntary_switches;
	u->involuntary_switches += t->involuntary_switches;
	u->minor_faults += t->minor_faults;
	u->major_faults += t->major_faults;
	u->read_chars += t->read_chars;
	u->write_chars += t->write_chars;
	u->read_bytes += t->read_bytes;
	u->write_bytes += t->write_bytes;
	u->cancelled_write_bytes += t->cancelled_write_bytes;
}

static void take_base(const struct proc_tasks *t, const struct account_units *units,
		      struct pevent_usage *u)
{
	u->cpu_ns = less(u->cpu_ns, cpu_of_tasks(t, units->ns_per_tick));
	u->cpu_error_ns += t->threads * (t->has_schedstat ? units->tick_ns : units->ns_per_tick);
	u->user_ns = less(u->user_ns, t->user_ticks * units->ns_per_tick);
	u->system_ns = less(u->system_ns, t->system_ticks * units->ns_per_tick);
	u->run_queue_ns = less(u->run_queue_ns, t->run_queue_ns);
	u->run_queue_waits = less(u->run_queue_waits, t->run_queue_waits);
	u->voluntary_switches = less(u->voluntary_switches, t->voluntary_switches);
	u->involuntary_switches = less(u->involuntary_switches, t->involuntary_switches);
	u->minor_faults = less(u->minor_faults, t->minor_faults);
	u->major_faults = less(u->major_faults, t->major_faults);
	u->read_chars = less(u->read_chars, t->read_chars);
	u->write_chars = less(u->write_chars, t->write_chars);
	u->read_bytes = less(u->read_bytes, t->read_bytes);
	u->write_bytes = less(u->write_bytes, t->write_bytes);
	u->cancelled_write_bytes = less(u->cancelled_write_bytes, t->cancelled_write_bytes);
}

/* The dead threads' share of it all. */
static void take_records(const struct account *a, struct pevent_usage *u)
{
	*u = (struct pevent_usage){
		.cpu_ns = a->cpu_ns, .cpu_error_ns = a->error_ns,
		.user_ns = a->user_ns, .system_ns = a->system_ns,
		.run_queue_ns = a->run_queue_ns, .run_queue_waits = a->run_queue_waits,
		.voluntary_switches = a->voluntary_switches,
		.involuntary_switches = a->involuntary_switches,
		.peak_rss = a->peak_rss, .peak_vm = a->peak_vm,
		.minor_faults = a->minor_faults, .major_faults = a->major_faults,
		.read_chars = a->read_chars, .write_chars = a->write_chars,
		.read_bytes = a->read_bytes, .write_bytes = a->write_bytes,
		.cancelled_write_bytes = a->cancelled_write_bytes,
	};
}

/* It has not been on a CPU since: both looks, and what lies between them, are exact. */
static bool has_rested(const struct account *a)
{
	const struct proc_tasks *now = &a->sample->tasks, *base = a->base;

	return base && !a->records && now->has_schedstat && base->has_schedstat &&
	       now->run_queue_waits == base->run_queue_waits && now->run_ns == base->run_ns;
}

/* The clock tick's counts are coarse: they tell how to divide, not how much there is. */
static void split_cpu(struct pevent_usage *u)
{
	uint64_t sum = u->user_ns + u->system_ns;

	if (!u->user_ns || !u->system_ns) {
		u->user_ns = u->system_ns = 0;
		return;
	}
	u->user_ns = (uint64_t)((double)u->cpu_ns * ((double)u->user_ns / (double)sum));
	u->user_ns = MIN(u->user_ns, u->cpu_ns);
	u->system_ns = u->cpu_ns - u->user_ns;
	u->known |= PEVENT_KNOWN_CPU_SPLIT;
}

/* Interrupts are counted by kernels with the option for it only: 0 may mean that they are not. */
static void take_delays(const struct account *a, struct pevent_usage *u)
{
	u->known |= PEVENT_KNOWN_DELAYS;
	for (size_t i = 0; i < PEVENT_DELAY_COUNT; i++) {
		bool counted = a->version >= delay_since[i] &&
			       (i != PEVENT_DELAY_IRQ || a->delay_ns[i]);

		u->delay_ns[i] = counted ? a->delay_ns[i] : UINT64_MAX;
	}
}

/* What the records, the look at the living, or both, know. */
static unsigned int what_is_known(const struct account *a, bool living)
{
	const struct proc_tasks *now = living ? &a->sample->tasks : NULL, *base = a->base;
	unsigned int known = PEVENT_KNOWN_CPU | PEVENT_KNOWN_FAULTS;

	if ((!now || now->has_io) && (!base || base->has_io))
		known |= PEVENT_KNOWN_IO;
	if ((!now || now->has_switches) && (!base || base->has_switches))
		known |= PEVENT_KNOWN_SWITCHES;
	if ((!now || now->has_schedstat) && (!base || base->has_schedstat) &&
	    (now || a->run_queue_waits))
		known |= PEVENT_KNOWN_RUN_QUEUE;
	return known;
}

void account_get(const struct account *a, bool alive, const struct account_units *units,
		 struct pevent_usage *ret)
{
	const struct account_sample *s = a->sample;
	bool counted = !alive && a->records > 0;
	bool living = !counted && s && s->has_tasks;
	struct pevent_usage u;

	take_records(a, &u);
	u.incomplete = counted && a->missing > 0;
	if (s) {
		u.sample = s->pub;
		u.known |= PEVENT_KNOWN_SAMPLE;
		u.peak_rss = MAX(u.peak_rss, s->peak_rss);
		u.peak_vm = MAX(u.peak_vm, s->peak_vm);
	}
	if (u.peak_rss)
		u.known |= PEVENT_KNOWN_PEAK;
	if (counted || living) {
		u.origin = counted ? PEVENT_FROM_TASKSTATS : PEVENT_FROM_PROC;
		u.known |= what_is_known(a, living);
		if (living)
			add_living(a, units, &u);
		if (a->base)
			take_base(a->base, units, &u);
		if (living && has_rested(a))
			u.cpu_error_ns = 0;
		split_cpu(&u);
	}
	if (counted && units->delays)
		take_delays(a, &u);
	*ret = u;
}
