/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

#include <string.h>

#include "emit.h"
#include "life.h"
#include "network.h"
#include "util/macro.h"

#define CORE_DUMPED 0x80u	/* in a wait status */
#define SIGNAL_MASK 0x7fu
#define REVIVAL_NS NSEC_PER_SEC
#define FORK_NS (NSEC_PER_SEC / 10)	/* from a task's start to its event, on a busy machine */
#define SETTLE_NS NSEC_PER_SEC	/* between the EXITs of a process that has ended */

int model_init(struct model *m, size_t table_max, uint32_t ticks_per_second)
{
	int error;

	*m = (struct model){ .ns_per_tick = NSEC_PER_SEC / ticks_per_second,
			     .tick_ns = NSEC_PER_SEC / ticks_per_second,
			     .delays_since_ns = UINT64_MAX, .keeps_files = true };
	filter_init(&m->filter);
	list_init(&m->ending);
	error = process_table_init(&m->table, table_max);
	if (error == 0)
		error = records_init(&m->records);
	if (error == 0)
		error = flows_init(&m->network.flows, 0);
	if (error == 0)
		error = sockets_init(&m->network.sockets);
	return error < 0 ? error : queue_init(&m->queue);
}

void model_finish(struct model *m)
{
	queue_finish(&m->queue);
	flows_finish(&m->network.flows);
	sockets_finish(&m->network.sockets);
	facts_finish(&m->network.facts);
	process_table_finish(&m->table);
	records_finish(&m->records);
	filter_finish(&m->filter);
}

static void apply_thread(struct model *m, const struct cn_event *cn)
{
	struct process *p = life_meet(m, cn->tgid, cn->time_ns);

	records_forget(&m->records, cn->tid, cn->time_ns);
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

	records_forget(&m->records, cn->tid, cn->time_ns);
	if (p && p->scan_ns >= cn->time_ns) {
		p->scan_ns = 0;		/* /proc showed it before this came out of the queue */
		account_finish(&p->account);	/* what it had used by then counts, too */
	} else if (p) {
		life_close(m, p, cn->time_ns);
	}
	if (!p || p->dead)
		p = life_add(m, cn->tgid, cn->time_ns);
	if (!p)
		return;
	p->changed_ns = cn->time_ns;
	p->leader_ended = false;
	p->pub.start_ns = cn->time_ns;
	p->pub.start_ticks = life_ticks_of(m, cn->time_ns);
	p->pub.start_origin = p->pub.parent_origin = PEVENT_FROM_EVENT;
	p->pub.before_run = false;
	p->pub.threads = p->pub.threads_peak = 1;
	p->pub.ppid = cn->u.fork.parent_tgid;
	parent = process_find(&m->table, cn->u.fork.parent_tgid);
	if (parent)
		life_inherit(p, parent);
	if (parent && parent->listens) {
		p->listens = p->is_sharer = true;
		parent->sharers++;
		parent->forked_ns = cn->time_ns;
	}
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

static void apply_exec(struct model *m, const struct cn_event *cn, const struct proc_facts *f,
		       enum pevent_origin origin)
{
	struct process *p = process_find(&m->table, cn->tgid);
	struct image *image = NULL;
	bool scanned_since;

	/* A thread that is not the leader executes: the leader's exit came just before. */
	if (p && p->dead && cn->time_ns - p->pub.end_ns < REVIVAL_NS)
		process_revive(&m->table, p);
	p = life_meet(m, cn->tgid, cn->time_ns);
	if (!p)
		return;
	scanned_since = p->scan_ns >= cn->time_ns;
	p->scan_ns = 0;		/* from here on every thread is counted */
	p->leader_ended = p->group_ended = false;
	account_exec(&p->account);
	p->pub.threads = 1;
	p->pub.threads_peak = MAX(p->pub.threads_peak, 1u);
	p->pub.exec_ns = cn->time_ns;
	p->pub.kernel_thread = false;
	p->status = 0;
	if (f && f->has_stat && !life_same_start(p, f))
		f = NULL;	/* its number has a new owner since */
	if (!scanned_since)
		p->pub.comm[0] = '\0';
	if (f)
		life_take_identity(m, p, f);
	if (f && (f->args || f->exe))
		image = image_new(f, origin, &m->image_bytes);
	if (!image)
		m->exec_missed++;
	if (image || !scanned_since)
		process_set_image(p, image, origin);
	files_unref(p->files);
	p->files = f ? files_new(f, &m->file_bytes) : NULL;
	(void)emit_of(m, PEVENT_EXEC, cn, p);
}

/*
 * The last thread's status is its process's; known: that one has been seen. Threads that a core
 * dump takes along may end before the flag is set: one that has it decides.
 */
static void merge_status(struct process *p, uint32_t status, bool known)
{
	bool core = ((p->status | status) & CORE_DUMPED) && !((p->status ^ status) & SIGNAL_MASK);

	p->status = (known ? p->status : status) | (core ? CORE_DUMPED : 0);
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

/* The thread's record into its process's account. */
static void take_record(struct model *m, struct process *p, const struct taskstats_record *r,
			const struct cn_event *cn)
{
	struct account_units units = life_units(m);
	struct pevent_process *pub = &p->pub;
	bool leader = cn->tid == cn->tgid;

	units.stolen = stolen_at(&m->stolen, cn->time_ns);
	account_add(&p->account, r, &units);
	/* A record without the flag has no time of its process either: the leader's own will do. */
	if (pub->start_origin == PEVENT_FROM_EVENT &&
	    (r->has_group_end ? r->group_end : leader && pub->threads == 0))
		account_add_teardown(&p->account, r, pub->start_ns, cn->time_ns,
				     pub->exec_ns > pub->start_ns, &m->teardown);
	if (pub->uid == UINT32_MAX)
		pub->uid = r->uid;
	if (pub->gid == UINT32_MAX)
		pub->gid = r->gid;
	if (!pub->ppid && r->ppid > 0) {
		pub->ppid = r->ppid;
		pub->parent_origin = PEVENT_FROM_TASKSTATS;
	}
	if (leader && !pub->comm[0])
		memcpy(pub->comm, r->comm, sizeof(pub->comm));
}

/*
 * A leader's exit is not its process's end while other threads live; the last thread's is. Its
 * record says so; the count of threads knows whether EXITs of others are still to come. Without
 * a record the count decides, and without a count (a process met in the middle of its life) the
 * leader has to do.
 */
static bool is_over(struct process *p, const struct taskstats_record *r)
{
	bool counted = p->pub.threads == 0;

	if (r && r->group_end)
		p->group_ended = true;
	if (p->group_ended)
		return counted;
	return counted && p->leader_ended && !(r && r->has_group_end);
}

static bool has_ended(const struct process *p, const struct cn_event *cn)
{
	return p && p->dead && (cn->tid != cn->tgid || (p->group_ended && !p->leader_ended));
}

/* For how long the thread can have lived at most; fork's own work may take some of it. */
static uint64_t longest_life(const struct process *p, const struct cn_event *cn)
{
	if (!p || p->dead || p->pub.start_origin != PEVENT_FROM_EVENT)
		return UINT64_MAX;
	return cn->time_ns - p->pub.start_ns + FORK_NS;
}

/* What this thread used it had used before the scan, which does not know of it any more. */
static bool is_before_base(const struct process *p, const struct cn_event *cn)
{
	return p->account.base && cn->time_ns <= p->scan_ns;
}

static void apply_exit(struct model *m, const struct cn_event *cn)
{
	struct taskstats_record record;
	struct process *p = process_find(&m->table, cn->tgid);
	bool recorded = records_take(&m->records, cn->tid, cn->tgid, longest_life(p, cn), &record);
	bool leader = cn->tid == cn->tgid, known_end;

	if (has_ended(p, cn))
		return;
	p = life_meet_found(m, p, cn->tgid, cn->time_ns);
	if (!p)
		return;
	count_exit(p, cn, leader);
	p->exit_ns = cn->time_ns;
	known_end = p->group_ended;
	if (recorded && !is_before_base(p, cn)) {
		take_record(m, p, &record, cn);
	} else if (!recorded) {
		p->account.missing++;
		m->records_missed += m->records_since_ns && cn->time_ns >= m->records_since_ns;
	}
	merge_status(p, cn->u.exit.status, known_end);
	if (is_over(p, recorded ? &record : NULL)) {
		life_end(m, p, cn, p->status, PEVENT_FROM_EVENT);
		return;
	}
	if (p->group_ended && list_empty(&p->ending))
		list_append(&m->ending, &p->ending);
	end_thread(m, cn, p);
}

static void apply_comm(struct model *m, const struct cn_event *cn)
{
	struct process *p = life_meet(m, cn->tgid, cn->time_ns);
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
	struct process *p = life_meet(m, cn->tgid, cn->time_ns);
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
	struct process *p = life_meet(m, cn->tgid, cn->time_ns), *tracer;
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
	struct process *p = life_meet(m, cn->tgid, cn->time_ns);

	if (!p)
		return;
	if (cn->what == CN_SID)
		p->pub.session = p->pub.pgrp = cn->tgid;
	(void)emit_of(m, cn->what == CN_SID ? PEVENT_SID : PEVENT_CORE, cn, p);
}

void model_add_record(struct model *m, const struct taskstats_record *record, uint64_t drained_ns)
{
	if (records_add(&m->records, record, drained_ns) < 0)
		m->records.evicted++;
}

void model_mark_oom(struct model *m, pid_t pid)
{
	struct process *p = process_find_living(&m->table, pid);

	if (p)
		p->oom_killed = true;
}

void model_settle(struct model *m, uint64_t now_ns)
{
	while (!list_empty(&m->ending)) {
		struct process *p = CONTAINER_OF(m->ending.next, struct process, ending);

		if (now_ns < p->exit_ns + SETTLE_NS)
			break;
		life_close(m, p, p->exit_ns + SETTLE_NS);
	}
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
