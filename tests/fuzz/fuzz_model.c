/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stream of facts into a model whose table is tiny. The first byte is the table's limit, the
 * second picks a filter; then five bytes are a step: what, process, thread, detail, time passed.
 * Few numbers are used, so that most steps meet a process that there is.
 */
#include <string.h>

#include "fuzz.h"
#include "model/model.h"

enum step {
	STEP_FORK, STEP_THREAD, STEP_EXEC, STEP_EXEC_UNREAD, STEP_EXIT, STEP_THREAD_EXIT, STEP_COMM,
	STEP_UID, STEP_GID, STEP_SID, STEP_PTRACE, STEP_CORE, STEP_LOST, STEP_SCAN, STEP_FILTER,
	STEP_PULL, STEP_RECORD, STEP_SAMPLE, STEP_SNAPSHOT, STEP_SETTLE, STEP_OOM, STEP_COUNT
};

static const uint32_t kinds[STEP_COUNT] = {
	[STEP_FORK] = CN_FORK,	      [STEP_THREAD] = CN_FORK,
	[STEP_EXEC] = CN_EXEC,	      [STEP_EXEC_UNREAD] = CN_EXEC,
	[STEP_EXIT] = (uint32_t)CN_EXIT, [STEP_THREAD_EXIT] = (uint32_t)CN_EXIT,
	[STEP_COMM] = CN_COMM,	      [STEP_UID] = CN_UID,
	[STEP_GID] = CN_GID,	      [STEP_SID] = CN_SID,
	[STEP_PTRACE] = CN_PTRACE,    [STEP_CORE] = CN_COREDUMP,
	[STEP_LOST] = FACT_LOST,
};

struct state {
	struct model m;
	size_t limit;
	uint64_t time, sequence;
	uint64_t sum;		/* of every byte that an event points to */
};

static void read_image(struct state *s, const struct pevent_image *image)
{
	if (!image)
		return;
	for (size_t i = 0; image->args && i <= image->args_len; i++)
		s->sum += (unsigned char)image->args[i];
	s->sum += image->exe ? strlen(image->exe) : 0;
	s->sum += image->cwd ? strlen(image->cwd) : 0;
	s->sum += image->cgroup ? strlen(image->cgroup) : 0;
}

static void read_process(struct state *s, const struct pevent_process *p)
{
	FUZZ_CHECK(memchr(p->comm, '\0', sizeof(p->comm)));
	FUZZ_CHECK(memchr(p->parent_comm, '\0', sizeof(p->parent_comm)));
	FUZZ_CHECK(p->threads <= p->threads_peak);
	read_image(s, p->image);
	read_image(s, p->parent_image);
}

/* No subtraction of what was before has gone below zero. */
static void read_usage(const struct pevent_usage *u)
{
	const uint64_t limit = UINT64_C(1) << 60;

	FUZZ_CHECK(u->cpu_ns < limit && u->cpu_error_ns < limit && u->minor_faults < limit);
	FUZZ_CHECK(u->read_bytes < limit && u->write_bytes < limit && u->run_queue_ns < limit);
	if (u->known & PEVENT_KNOWN_CPU_SPLIT)
		FUZZ_CHECK(u->user_ns + u->system_ns == u->cpu_ns);
	if (u->known & PEVENT_KNOWN_CPU)
		FUZZ_CHECK(u->origin == PEVENT_FROM_TASKSTATS || u->origin == PEVENT_FROM_PROC);
	if (u->known & PEVENT_KNOWN_SAMPLE)
		FUZZ_CHECK(u->sample.count > 0);
}

static void pull(struct state *s)
{
	const struct pevent_event *ev;

	while ((ev = queue_take(&s->m.queue))) {
		FUZZ_CHECK(ev->sequence == ++s->sequence);
		FUZZ_CHECK((unsigned int)ev->type < PEVENT_TYPE_COUNT);
		read_process(s, &ev->process);
		read_process(s, &ev->parent);
		if (ev->type == PEVENT_COMM) {
			FUZZ_CHECK(memchr(ev->u.comm.old_comm, '\0', 16));
			FUZZ_CHECK(memchr(ev->u.comm.new_comm, '\0', 16));
		}
		if (ev->type == PEVENT_PTRACE)
			FUZZ_CHECK(memchr(ev->u.ptrace.tracer_comm, '\0', 16));
		if (ev->type == PEVENT_EXIT)
			FUZZ_CHECK(ev->process.end_ns <= ev->time_ns && ev->process.end_ns);
		if (ev->type == PEVENT_EXIT || ev->type == PEVENT_SNAPSHOT)
			read_usage(&ev->usage);
		else
			FUZZ_CHECK(ev->usage.known == 0);
		for (size_t i = 0; ev->files && i < ev->files->n; i++)
			s->sum += strlen(ev->files->file[i].target);
	}
}

static void check_table(const struct state *s)
{
	const struct process_table *t = &s->m.table;
	size_t living = 0, dead = 0;

	for (const struct list *l = t->living.next; l != &t->living; l = l->next)
		living++;
	for (const struct list *l = t->dead.next; l != &t->dead; l = l->next)
		dead++;
	FUZZ_CHECK(living + dead == t->by_pid.count);
	FUZZ_CHECK(t->by_pid.count <= s->limit);
	FUZZ_CHECK(dead == t->n_dead && dead <= PROCESS_TOMBSTONES);
	FUZZ_CHECK(process_count(t) == living && living <= t->peak);
}

static struct proc_facts facts_of(const struct state *s, const uint8_t *p)
{
	struct proc_facts f = {
		.read_ns = s->time + p[4] % 4, .pid = 1 + p[1] % 16,
		.args = "a\0b", .args_len = 4, .args_total = 4,
		.exe = "/bin/a", .exe_len = 6, .has_stat = true, .has_status = p[3] & 1,
		.has_loginuid = p[3] & 2, .loginuid = p[3],
		.stat = { .pid = 1 + p[1] % 16, .ppid = p[2] % 18, .pgrp = p[3] % 4, .comm = "a",
			  .state = p[3] & 4 ? 'Z' : 'S', .threads = 1u + (p[3] >> 3 & 3),
			  .start_ticks = p[4] },
	};

	f.has_tasks = p[2] & 1;
	f.tasks = (struct proc_tasks){ .threads = f.stat.threads, .has_schedstat = p[2] & 2,
				       .has_io = p[2] & 4, .has_switches = p[2] & 8,
				       .user_ticks = p[3], .run_ns = p[3], .minor_faults = p[4],
				       .read_bytes = p[3], .run_queue_ns = p[2] };
	f.has_fd_count = p[2] & 16;
	f.fd_count = p[3];
	if (p[2] & 32)
		f.fds = "c 0 /dev/null", f.fds_len = 14;
	if (p[3] & 32)
		f.args = NULL, f.args_len = f.args_total = 0;
	if (p[3] & 64)
		f.cgroup = "/a", f.cgroup_len = 2;
	if (p[3] == 255)
		f.has_stat = false;
	return f;
}

/* Up to four processes in the steps that follow; returns how many bytes those were. */
static size_t scan(struct state *s, const uint8_t *p, size_t left)
{
	size_t n = p[1] % 4, used = 0;

	/* Facts up to its end have been applied, and each reading lies before that. */
	model_scan_begin(&s->m, s->time, s->time + 3, p[2] == 0);
	for (; n > 0 && left - used >= 5; n--, used += 5) {
		struct proc_facts f = facts_of(s, p + 5 + used);

		model_scan_found(&s->m, &f);
	}
	model_scan_end(&s->m);
	s->time += 3;
	return used;
}

static void set_filter(struct state *s, uint8_t pick)
{
	static const char *const regex = "^a b$", *const glob = "/[ab]";
	static const pid_t pids[] = { 3, 5 }, pgrp = 2;
	static const uint32_t uid = 1;
	const struct log log = { 0 };
	struct pevent_filter f = PEVENT_FILTER_INIT;

	f.pids = pids;
	f.n_pids = pick & 1 ? 2 : 0;
	f.pgrps = &pgrp;
	f.n_pgrps = pick >> 1 & 1;
	f.uids = &uid;
	f.n_uids = pick >> 2 & 1;
	f.regexes = &regex;
	f.n_regexes = pick >> 3 & 1;
	f.cgroups = &glob;
	f.n_cgroups = pick >> 4 & 1;
	f.failed = pick & 32;
	f.longer_than_ns = pick & 64 ? 3 : 0;
	f.types = pick & 128 ? PEVENT_MASK(PEVENT_EXIT) | PEVENT_MASK(PEVENT_FORK) : 0;
	FUZZ_CHECK(filter_set(&s->m.filter, &f, &log) == 0);
	model_filter_changed(&s->m);
}

static void apply(struct state *s, enum step step, const uint8_t *p)
{
	struct cn_event ev = {
		.what = kinds[step], .cpu = p[2] & 1, .seq = p[3], .time_ns = s->time,
		.tgid = 1 + p[1] % 16, .tid = 1 + p[1] % 16,
	};
	struct proc_facts f = facts_of(s, p);

	if (step == STEP_THREAD || step == STEP_THREAD_EXIT)
		ev.tid = 100 + p[2] % 16;
	if (ev.what == CN_FORK)
		ev.u.fork.parent_tgid = 1 + p[2] % 16;
	else if (ev.what == CN_COMM)
		memset(ev.u.comm, p[3], sizeof(ev.u.comm));
	else if (ev.what == (uint32_t)CN_EXIT)
		ev.u.exit.status = p[3];
	else
		ev.u.ids.real = ev.u.ids.effective = p[2] % 18;
	model_apply(&s->m, &ev, step == STEP_EXEC ? &f : NULL, PEVENT_FROM_EXEC_READER);
}

static void add_record(struct state *s, const uint8_t *p)
{
	struct taskstats_record r = {
		.version = 8 + p[3] % 10, .tid = p[2] & 1 ? 1 + p[1] % 16 : 100 + p[2] % 16,
		.tgid = 1 + p[1] % 16, .has_group_end = p[3] & 1, .group_end = (p[3] & 3) == 3,
		.comm = "a", .elapsed_ns = p[3], .run_ns = p[2], .run_delay_ns = p[4],
		.run_delay_count = p[2] & 4, .voluntary_switches = p[2] & 8, .user_ns = p[3] & 4,
		.system_ns = p[3] & 8, .read_bytes = p[2], .minor_faults = p[3],
	};

	model_add_record(&s->m, &r, s->time);
}

/* Steps of the resource accounts; false: another one. */
static bool account(struct state *s, enum step step, const uint8_t *p)
{
	struct proc_facts f = facts_of(s, p);

	switch (step) {
	case STEP_RECORD:
		add_record(s, p);
		return true;
	case STEP_SAMPLE:
		(void)model_sample_next(&s->m, p[2]);
		model_sample(&s->m, &f);
		return true;
	case STEP_SNAPSHOT:
		model_snapshot(&s->m, p[2] & 1, s->time);
		return true;
	case STEP_SETTLE:
		s->time += p[2] & 1 ? 2000000000 : 0;
		model_settle(&s->m, s->time);
		return true;
	case STEP_OOM:
		model_mark_oom(&s->m, 1 + p[1] % 16);
		return true;
	default:
		return false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct state s = { .time = 1 };

	if (size < 2)
		return 0;
	s.limit = 1 + data[0] % 12;
	FUZZ_CHECK(model_init(&s.m, s.limit, 100) == 0);
	s.m.records_since_ns = data[1] & 1;
	set_filter(&s, data[1]);
	for (size_t at = 2; at + 5 <= size && at < 4096; at += 5) {
		enum step step = data[at] % STEP_COUNT;

		s.time += data[at + 4] & 15;
		if (step == STEP_PULL)
			pull(&s);
		else if (step == STEP_FILTER)
			set_filter(&s, data[at + 3]);
		else if (step == STEP_SCAN)
			at += scan(&s, data + at, size - at - 5);
		else if (!account(&s, step, data + at))
			apply(&s, step, data + at);
		check_table(&s);
	}
	pull(&s);
	FUZZ_CHECK(s.m.queue.refused == 0);
	FUZZ_CHECK(s.m.sequence == s.sequence);
	model_finish(&s.m);
	if (s.sum == 1)		/* so that no compiler takes the reading away */
		puts("# one");
	return 0;
}
