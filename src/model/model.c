/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

#define CORE_DUMPED 0x80u	/* in a wait status */
#define SIGNAL_MASK 0x7fu
#define REVIVAL_NS NSEC_PER_SEC

int model_init(struct model *m, size_t table_max, uint32_t ticks_per_second)
{
	int error;

	*m = (struct model){ .ns_per_tick = NSEC_PER_SEC / ticks_per_second };
	filter_init(&m->filter);
	error = process_table_init(&m->table, table_max);
	return error < 0 ? error : queue_init(&m->queue);
}

void model_finish(struct model *m)
{
	queue_finish(&m->queue);
	process_table_finish(&m->table);
	filter_finish(&m->filter);
}

/* An empty event in the queue, numbered; NULL when memory is out. */
static struct pevent_event *emit(struct model *m, enum pevent_type type, uint64_t time_ns,
				 uint32_t cpu)
{
	struct pevent_event *ev = queue_add(&m->queue);

	if (!ev)
		return NULL;
	ev->type = type;
	ev->sequence = ++m->sequence;
	ev->time_ns = time_ns;
	ev->realtime_offset_ns = m->realtime_offset_ns;
	ev->cpu = cpu;
	return ev;
}

/*
 * The same for a process, if the filter lets it through. Exits are asked for on their own, since
 * conditions on them shut out every other event.
 */
static struct pevent_event *emit_of(struct model *m, enum pevent_type type,
				    const struct cn_event *cn, const struct process *p)
{
	struct pevent_event *ev;

	m->events[type]++;
	if (!filter_pass_type(&m->filter, type) || !filter_pass_process(&m->filter, p))
		return NULL;
	if (type != PEVENT_EXIT && filter_wants_exit(&m->filter))
		return NULL;
	ev = emit(m, type, cn->time_ns, cn->cpu);
	if (!ev)
		return NULL;
	ev->tid = cn->tid;
	ev->process = p->pub;
	queue_hold(ev);
	return ev;
}

void model_report_lost(struct model *m, enum pevent_source source, uint32_t cpu, uint64_t count,
		       uint64_t time_ns)
{
	struct pevent_event *ev = emit(m, PEVENT_LOST, time_ns, cpu);

	m->events[PEVENT_LOST]++;
	if (!ev)
		return;
	ev->u.lost.count = count;
	ev->u.lost.source = source;
}

void model_report_start(struct model *m, uint64_t time_ns)
{
	m->events[PEVENT_START]++;
	(void)emit(m, PEVENT_START, time_ns, UINT32_MAX);
}

/* In unsigned arithmetic: a recording's numbers may be anything. */
static uint64_t ticks_of(const struct model *m, uint64_t time_ns)
{
	return (time_ns + (uint64_t)m->boottime_offset_ns) / m->ns_per_tick;
}

static uint64_t time_of_ticks(const struct model *m, uint64_t ticks)
{
	int64_t t = (int64_t)(ticks * m->ns_per_tick - (uint64_t)m->boottime_offset_ns);

	return t > 0 ? (uint64_t)t : 1;
}

static struct process *add_process(struct model *m, pid_t pid, uint64_t time_ns)
{
	unsigned int evicted = 0;
	struct process *p = process_add(&m->table, pid, &evicted);

	if (evicted) {
		m->evicted += evicted;
		model_report_lost(m, PEVENT_SOURCE_TABLE, UINT32_MAX, evicted, time_ns);
	}
	if (p && filter_names_pid(&m->filter, pid))
		p->followed = true;
	return p;
}

static void end_process(struct model *m, struct process *p, const struct cn_event *cn,
			uint32_t status, enum pevent_origin origin)
{
	struct pevent_event *ev;

	p->pub.end_ns = cn->time_ns;
	p->pub.threads = 0;
	if (filter_pass_exit(&m->filter, p, (int)status)) {
		ev = emit_of(m, PEVENT_EXIT, cn, p);
		if (ev) {
			ev->u.exit.wait_status = (int)status;
			ev->u.exit.origin = origin;
		}
	} else {
		m->events[PEVENT_EXIT]++;
	}
	process_bury(&m->table, p);
}

/* It is gone, and its end was not seen. */
static void close_lost(struct model *m, struct process *p, uint64_t time_ns)
{
	struct cn_event cn = { .time_ns = time_ns, .cpu = UINT32_MAX, .tid = p->pub.pid };

	end_process(m, p, &cn, 0, PEVENT_FROM_NONE);
}

/* A process that the events name and nothing else is known of. */
static struct process *meet(struct model *m, pid_t pid, uint64_t time_ns)
{
	struct process *p = process_find_living(&m->table, pid);

	if (!p) {
		p = add_process(m, pid, time_ns);
		/* Its fork came before the run, or is among what was lost. */
		if (p)
			p->pub.before_run = m->events[PEVENT_LOST] == 0;
	}
	if (p)
		p->changed_ns = time_ns;
	return p;
}

static void inherit(struct process *child, const struct process *parent)
{
	struct pevent_process *c = &child->pub;
	const struct pevent_process *p = &parent->pub;

	process_set_parent(c, parent);
	process_set_image(child, image_ref(image_of(p->image)), PEVENT_FROM_INHERITED);
	memcpy(c->comm, p->comm, sizeof(c->comm));
	c->pgrp = p->pgrp;
	c->session = p->session;
	c->uid = p->uid;
	c->euid = p->euid;
	c->gid = p->gid;
	c->egid = p->egid;
	c->loginuid = p->loginuid;
	c->tty = p->tty;
	c->kernel_thread = p->kernel_thread;
	child->followed |= parent->followed;
}

static void apply_thread(struct model *m, const struct cn_event *cn)
{
	struct process *p = meet(m, cn->tgid, cn->time_ns);

	if (!p)
		return;
	if (p->pub.threads && cn->time_ns > p->scan_ns) {
		p->pub.threads++;
		p->pub.threads_peak = MAX(p->pub.threads_peak, p->pub.threads);
	}
	(void)emit_of(m, PEVENT_CLONE, cn, p);
}

static void apply_fork(struct model *m, const struct cn_event *cn)
{
	struct process *p = process_find_living(&m->table, cn->tgid), *parent;
	struct pevent_event *ev;

	if (p && p->scan_ns >= cn->time_ns)
		p->scan_ns = 0;		/* /proc showed it before this came out of the queue */
	else if (p)
		close_lost(m, p, cn->time_ns);
	if (!p || p->dead)
		p = add_process(m, cn->tgid, cn->time_ns);
	if (!p)
		return;
	p->changed_ns = cn->time_ns;
	p->leader_ended = false;
	p->pub.start_ns = cn->time_ns;
	p->pub.start_ticks = ticks_of(m, cn->time_ns);
	p->pub.start_origin = p->pub.parent_origin = PEVENT_FROM_EVENT;
	p->pub.before_run = false;
	p->pub.threads = p->pub.threads_peak = 1;
	p->pub.ppid = cn->u.fork.parent_tgid;
	parent = process_find(&m->table, cn->u.fork.parent_tgid);
	if (parent)
		inherit(p, parent);
	ev = emit_of(m, PEVENT_FORK, cn, p);
	if (!ev)
		return;
	if (parent) {
		ev->parent = parent->pub;
		image_ref(image_of(ev->parent.image));
		image_ref(image_of(ev->parent.parent_image));
	} else {
		process_blank(&ev->parent, cn->u.fork.parent_tgid);
	}
}

/* What /proc says of a process that is not the program's own: ids, group, terminal. */
static void take_identity(struct model *m, struct process *p, const struct proc_facts *f)
{
	struct pevent_process *pub = &p->pub;

	if (f->has_stat) {
		memcpy(pub->comm, f->stat.comm, sizeof(pub->comm));
		pub->pgrp = f->stat.pgrp;
		pub->session = f->stat.session;
		pub->tty = f->stat.tty;
		pub->kernel_thread = f->stat.kernel_thread;
		if (!pub->start_ns) {
			pub->start_ticks = f->stat.start_ticks;
			pub->start_ns = time_of_ticks(m, f->stat.start_ticks);
			pub->start_origin = PEVENT_FROM_PROC;
		}
		if (!pub->ppid && f->stat.ppid) {
			pub->ppid = f->stat.ppid;
			pub->parent_origin = PEVENT_FROM_PROC;
		}
	}
	if (f->has_status) {
		pub->uid = f->status.uid;
		pub->euid = f->status.euid;
		pub->gid = f->status.gid;
		pub->egid = f->status.egid;
	}
	if (f->has_loginuid)
		pub->loginuid = f->loginuid;
}

/* A fork's event is a little later than the start that /proc shows. */
static bool near(uint64_t ticks, uint64_t other)
{
	return ticks - other + 1 <= 2;
}

static bool same_start(const struct process *p, const struct proc_facts *f)
{
	return p->pub.start_ticks == 0 || f->stat.start_ticks == 0 ||
	       near(p->pub.start_ticks, f->stat.start_ticks);
}

static void apply_exec(struct model *m, const struct cn_event *cn, const struct proc_facts *f,
		       enum pevent_origin origin)
{
	struct process *p = process_find(&m->table, cn->tgid);
	struct image *image = NULL;
	bool scanned_since;

	/* A thread that is not the leader executes: the leader's exit came just before. */
	if (p && p->dead && cn->time_ns - p->pub.end_ns < REVIVAL_NS)
		process_revive(&m->table, p);
	p = meet(m, cn->tgid, cn->time_ns);
	if (!p)
		return;
	scanned_since = p->scan_ns >= cn->time_ns;
	p->scan_ns = 0;		/* from here on every thread is counted */
	p->leader_ended = false;
	p->pub.threads = 1;
	p->pub.threads_peak = MAX(p->pub.threads_peak, 1u);
	p->pub.exec_ns = cn->time_ns;
	p->pub.kernel_thread = false;
	p->status = 0;
	if (f && f->has_stat && !same_start(p, f))
		f = NULL;	/* its number has a new owner since */
	if (!scanned_since)
		p->pub.comm[0] = '\0';
	if (f)
		take_identity(m, p, f);
	if (f && (f->args || f->exe))
		image = image_new(f, origin, &m->image_bytes);
	if (!image)
		m->exec_missed++;
	if (image || !scanned_since)
		process_set_image(p, image, origin);
	(void)emit_of(m, PEVENT_EXEC, cn, p);
}

/* Threads that a core dump takes along may end before the flag is set: one that has it decides. */
static void merge_status(struct process *p, uint32_t status)
{
	bool core = (p->status & CORE_DUMPED) && !((p->status ^ status) & SIGNAL_MASK);

	p->status = status | (core ? CORE_DUMPED : 0);
}

static void end_thread(struct model *m, const struct cn_event *cn, const struct process *p)
{
	struct pevent_event *ev = emit_of(m, PEVENT_CLONE, cn, p);

	if (ev)
		ev->u.thread_end = true;
}

/* One thread fewer, unless the scan that counted them was later. */
static void count_exit(struct process *p, const struct cn_event *cn, bool leader)
{
	if (leader && p->leader_ended)
		return;
	if (leader)
		p->leader_ended = true;
	else if (cn->time_ns <= p->scan_ns)
		return;
	/* A thread whose begin was lost must not take the leader's place in the count. */
	if (p->pub.threads > (p->leader_ended ? 0u : 1u))
		p->pub.threads--;
}

/*
 * A leader's exit is not its process's end while other threads live; the last thread's is. Without
 * a count (a process met in the middle of its life) the leader has to do.
 */
static void apply_exit(struct model *m, const struct cn_event *cn)
{
	struct process *p = process_find_living(&m->table, cn->tgid);
	bool leader = cn->tid == cn->tgid;

	if (!p && !leader && process_find(&m->table, cn->tgid))
		return;		/* counted as ended already */
	p = meet(m, cn->tgid, cn->time_ns);
	if (!p)
		return;
	count_exit(p, cn, leader);
	merge_status(p, cn->u.exit.status);
	if (p->leader_ended && p->pub.threads == 0)
		end_process(m, p, cn, p->status, PEVENT_FROM_EVENT);
	else
		end_thread(m, cn, p);
}

static void apply_comm(struct model *m, const struct cn_event *cn)
{
	struct process *p = meet(m, cn->tgid, cn->time_ns);
	struct pevent_event *ev;
	bool leader = cn->tid == cn->tgid;
	char old[16] = "", new[16];

	if (!p)
		return;
	memcpy(new, cn->u.comm, sizeof(new));
	new[sizeof(new) - 1] = '\0';
	if (leader) {
		memcpy(old, p->pub.comm, sizeof(old));
		memcpy(p->pub.comm, new, sizeof(new));
	}
	ev = emit_of(m, PEVENT_COMM, cn, p);
	if (!ev)
		return;
	memcpy(ev->u.comm.old_comm, old, sizeof(old));
	memcpy(ev->u.comm.new_comm, new, sizeof(new));
}

static void apply_ids(struct model *m, const struct cn_event *cn)
{
	struct process *p = meet(m, cn->tgid, cn->time_ns);
	bool user = cn->what == CN_UID;
	struct pevent_event *ev;

	if (!p)
		return;
	*(user ? &p->pub.uid : &p->pub.gid) = cn->u.ids.real;
	*(user ? &p->pub.euid : &p->pub.egid) = cn->u.ids.effective;
	ev = emit_of(m, user ? PEVENT_UID : PEVENT_GID, cn, p);
	if (!ev)
		return;
	ev->u.ids.real = cn->u.ids.real;
	ev->u.ids.effective = cn->u.ids.effective;
}

static void apply_ptrace(struct model *m, const struct cn_event *cn)
{
	struct process *p = meet(m, cn->tgid, cn->time_ns), *tracer;
	struct pevent_event *ev = p ? emit_of(m, PEVENT_PTRACE, cn, p) : NULL;

	if (!ev)
		return;
	ev->u.ptrace.tracer = cn->u.ptrace.tracer_tgid;
	tracer = process_find(&m->table, cn->u.ptrace.tracer_tgid);
	if (tracer && ev->u.ptrace.tracer)
		memcpy(ev->u.ptrace.tracer_comm, tracer->pub.comm, sizeof(tracer->pub.comm));
}

static void apply_other(struct model *m, const struct cn_event *cn)
{
	struct process *p = meet(m, cn->tgid, cn->time_ns);

	if (!p)
		return;
	if (cn->what == CN_SID)
		p->pub.session = p->pub.pgrp = cn->tgid;
	(void)emit_of(m, cn->what == CN_SID ? PEVENT_SID : PEVENT_CORE, cn, p);
}

void model_apply(struct model *m, const struct cn_event *cn, const struct proc_facts *exec,
		 enum pevent_origin origin)
{
	switch (cn->what) {
	case CN_FORK:
		if (cn->tid == cn->tgid)
			apply_fork(m, cn);
		else
			apply_thread(m, cn);
		break;
	case CN_EXEC:
		apply_exec(m, cn, exec, origin);
		break;
	case (uint32_t)CN_EXIT:
		apply_exit(m, cn);
		break;
	case CN_COMM:
		apply_comm(m, cn);
		break;
	case CN_UID:
	case CN_GID:
		apply_ids(m, cn);
		break;
	case CN_PTRACE:
		apply_ptrace(m, cn);
		break;
	case CN_SID:
	case CN_COREDUMP:
		apply_other(m, cn);
		break;
	case FACT_LOST:
		if (cn->ack < PEVENT_SOURCE_COUNT)
			model_report_lost(m, cn->ack, cn->cpu, cn->seq, cn->time_ns);
		break;
	default:	/* acknowledgements; events of kernels to come */
		break;
	}
}

void model_scan_begin(struct model *m, uint64_t begin_ns, uint64_t end_ns, bool first)
{
	m->scan_round++;
	m->scan_begin_ns = begin_ns;
	m->scan_end_ns = end_ns;
	m->scan_first = first;
}

/* What the scan says of a process of which nothing that is younger is known. */
static void take_scan(struct model *m, struct process *p, const struct proc_facts *f)
{
	const struct pevent_image *old = p->pub.image;
	bool same = old && old->args && f->args && old->args_len == f->args_len &&
		    !memcmp(old->args, f->args, f->args_len);

	p->scan_ns = f->read_ns;
	/* A leader that ended stays counted until its last thread goes. */
	p->leader_ended = f->stat.state == 'Z';
	p->pub.threads = f->stat.threads - (p->leader_ended && f->stat.threads > 0);
	p->pub.threads_peak = MAX(p->pub.threads_peak, p->pub.threads);
	take_identity(m, p, f);
	if (!same && (f->args || f->exe || f->cgroup))
		process_set_image(p, image_new(f, PEVENT_FROM_PROC, &m->image_bytes),
				  PEVENT_FROM_PROC);
}

static void learn(struct model *m, const struct proc_facts *f)
{
	struct process *p = add_process(m, f->pid, m->scan_end_ns);

	if (!p)
		return;
	m->learnt++;
	p->round = m->scan_round;
	p->pub.before_run = m->scan_first;
	take_scan(m, p, f);
}

/* Is what the table has under this number the process that /proc showed? */
static bool is_same(const struct process *p, const struct proc_facts *f)
{
	if (p->pub.start_ticks == 0)
		return !p->dead || p->pub.end_ns >= f->read_ns;
	return same_start(p, f);
}

void model_scan_found(struct model *m, const struct proc_facts *f)
{
	struct process *p = process_find(&m->table, f->pid);

	if (!f->has_stat)
		return;		/* went away while it was read */
	if ((f->stat.state == 'Z' || f->stat.state == 'X') && f->stat.threads <= 1)
		return;
	if (p && is_same(p, f)) {
		p->round = m->scan_round;
		if (!p->dead && p->changed_ns <= f->read_ns)
			take_scan(m, p, f);
		return;
	}
	if (p && !p->dead)
		close_lost(m, p, m->scan_end_ns);
	learn(m, f);
}

/* Parents that /proc told by number only: now everybody is known. */
static void name_parents(struct model *m)
{
	for (struct list *l = m->table.living.next; l != &m->table.living; l = l->next) {
		struct process *p = CONTAINER_OF(l, struct process, order), *parent;

		if (p->pub.parent_origin != PEVENT_FROM_PROC || p->pub.parent_start_ns)
			continue;
		parent = process_find_living(&m->table, p->pub.ppid);
		if (parent)
			process_set_parent(&p->pub, parent);
	}
}

/* Is an ancestor followed? Chains are short; a loop of stale numbers ends by its length. */
static bool descends(const struct model *m, const struct process *p)
{
	for (int depth = 0; p && depth < 4096; depth++) {
		const struct process *parent;

		if (p->followed)
			return true;
		/* A parent's number may have another owner by now. */
		parent = process_find_living(&m->table, p->pub.ppid);
		if (!parent || !near(p->pub.parent_start_ticks, parent->pub.start_ticks))
			return false;
		p = parent;
	}
	return false;
}

static void mark_followed(struct model *m)
{
	struct list *l, *end = &m->table.living;

	for (l = end->next; l != end; l = l->next) {
		struct process *p = CONTAINER_OF(l, struct process, order);

		if (filter_names_pid(&m->filter, p->pub.pid))
			p->followed = true;
	}
	for (l = end->next; l != end; l = l->next) {
		struct process *p = CONTAINER_OF(l, struct process, order);

		p->followed = descends(m, p);
	}
}

void model_scan_end(struct model *m)
{
	struct list *l = m->table.living.next;

	while (l != &m->table.living) {
		struct process *p = CONTAINER_OF(l, struct process, order);

		l = l->next;
		if (!m->scan_first && p->round != m->scan_round &&
		    p->pub.start_ns < m->scan_begin_ns)
			close_lost(m, p, m->scan_end_ns);
	}
	name_parents(m);
	mark_followed(m);
}

void model_filter_changed(struct model *m)
{
	for (struct list *l = m->table.living.next; l != &m->table.living; l = l->next)
		CONTAINER_OF(l, struct process, order)->followed = false;
	mark_followed(m);
}
