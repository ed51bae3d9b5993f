/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "emit.h"
#include "life.h"
#include "model.h"
#include "network.h"
#include "util/macro.h"

void model_scan_begin(struct model *m, uint64_t begin_ns, uint64_t end_ns, bool first)
{
	m->scan_round++;
	m->scan_begin_ns = begin_ns;
	m->scan_end_ns = end_ns;
	m->scan_first = first;
	if (first)
		m->run_begin_ns = begin_ns;
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
	life_take_identity(m, p, f);
	network_look(m, p, f);
	if (!same && (f->args || f->exe || f->cgroup))
		process_set_image(p, image_new(f, PEVENT_FROM_PROC, &m->image_bytes),
				  PEVENT_FROM_PROC);
}

/* No event tells that it was moved: a copy of its program's image, with another group. */
static void move_cgroup(struct process *p, const struct proc_facts *f)
{
	const struct pevent_image *image = p->pub.image;
	struct image *moved;

	if (!f->cgroup || !image || (image->cgroup && strlen(image->cgroup) == f->cgroup_len &&
				     !memcmp(image->cgroup, f->cgroup, f->cgroup_len)))
		return;
	moved = image_move(image_of(image), f->cgroup, f->cgroup_len);
	if (moved)
		process_set_image(p, moved, p->pub.image_origin);
}

/* What changes as it runs, and no event tells of. */
static void take_sample(struct model *m, struct process *p, const struct proc_facts *f)
{
	const struct account_units units = life_units(m);
	struct pevent_process *pub = &p->pub;

	m->samples++;
	account_add_sample(&p->account, f, &units);
	move_cgroup(p, f);
	pub->threads_peak = MAX(pub->threads_peak, f->stat.threads);
	pub->pgrp = f->stat.pgrp;
	pub->session = f->stat.session;
	pub->tty = f->stat.tty;
	if (f->has_loginuid)
		pub->loginuid = f->loginuid;
	if (f->has_netns)
		network_meet(m, p, f->netns);
	network_look(m, p, f);
	if (f->fds && m->keeps_files) {
		files_unref(p->files);
		p->files = files_new(f, &m->file_bytes);
	}
}

static void learn(struct model *m, const struct proc_facts *f)
{
	struct process *p = life_add(m, f->pid, m->scan_end_ns);

	if (!p)
		return;
	m->learnt++;
	p->round = m->scan_round;
	/* One that a later scan learns may be as old: the first one did not find it. */
	p->pub.before_run = m->scan_first ||
			    f->stat.start_ticks + 1 < life_ticks_of(m, m->run_begin_ns);
	take_scan(m, p, f);
	if (m->scan_first) {
		account_set_base(&p->account, f);
		take_sample(m, p, f);
	}
}

/* Is what the table has under this number the process that /proc showed? */
static bool is_same(const struct process *p, const struct proc_facts *f)
{
	if (p->pub.start_ticks == 0)
		return !p->dead || p->pub.end_ns >= f->read_ns;
	return life_same_start(p, f);
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
		life_close(m, p, m->scan_end_ns);
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
		if (!parent || !life_near(p->pub.parent_start_ticks, parent->pub.start_ticks))
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
			life_close(m, p, m->scan_end_ns);
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

pid_t model_sample_next(struct model *m, uint32_t round)
{
	struct list *all = &m->table.sampled;

	while (!list_empty(all)) {
		struct process *p = CONTAINER_OF(all->next, struct process, sampling);

		if (p->sample_round == round)
			break;
		p->sample_round = round;
		list_remove(&p->sampling);
		list_append(all, &p->sampling);
		return p->pub.pid;
	}
	return 0;
}

void model_sample(struct model *m, const struct proc_facts *f)
{
	struct process *p = process_find_living(&m->table, f->pid);

	/* Its end may be known here later than to /proc: then nothing new is seen. */
	if (p && f->has_stat && f->stat.state != 'Z' && f->stat.state != 'X' &&
	    life_same_start(p, f))
		take_sample(m, p, f);
}

void model_snapshot(struct model *m, bool at_end, uint64_t time_ns)
{
	struct list *all = &m->table.living;

	for (struct list *l = all->next; l != all; l = l->next) {
		struct process *p = CONTAINER_OF(l, struct process, order);
		struct cn_event cn = { .time_ns = time_ns, .cpu = UINT32_MAX,
				       .tid = p->pub.pid };
		struct pevent_event *ev = emit_of(m, PEVENT_SNAPSHOT, &cn, p);

		if (!ev)
			continue;
		ev->u.at_end = at_end;
		life_get_usage(m, p, true, &ev->usage);
		network_get_usage(m, p, ev);
	}
}
