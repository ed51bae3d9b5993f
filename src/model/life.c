/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "life.h"

#include <string.h>

#include "emit.h"
#include "network.h"
#include "util/macro.h"

uint64_t life_ticks_of(const struct model *m, uint64_t time_ns)
{
	return (time_ns + (uint64_t)m->boottime_offset_ns) / m->ns_per_tick;
}

static uint64_t time_of_ticks(const struct model *m, uint64_t ticks)
{
	int64_t t = (int64_t)(ticks * m->ns_per_tick - (uint64_t)m->boottime_offset_ns);

	return t > 0 ? (uint64_t)t : 1;
}

struct process *life_add(struct model *m, pid_t pid, uint64_t time_ns)
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

struct account_units life_units(const struct model *m)
{
	return (struct account_units){ .ns_per_tick = m->ns_per_tick, .tick_ns = m->tick_ns,
				       .tickless = m->tickless, .cpus = m->cpus };
}

void life_get_usage(const struct model *m, const struct process *p, bool alive,
		    struct pevent_usage *ret)
{
	const struct account_units units = life_units(m);
	bool delays = p->pub.start_ns >= m->delays_since_ns;

	account_get(&p->account, alive ? 0 : p->pub.end_ns, delays, &units, ret);
	/* What it had used before the run is not known, nor what it used since. */
	if (p->pub.before_run && !p->account.base)
		ret->known &= PEVENT_KNOWN_PEAK | PEVENT_KNOWN_SAMPLE;
}

void life_end(struct model *m, struct process *p, const struct cn_event *cn, uint32_t status,
	      enum pevent_origin origin)
{
	struct pevent_event *ev;

	p->pub.end_ns = p->group_ended ? p->exit_ns : cn->time_ns;
	p->pub.threads = 0;
	ev = emit_exit(m, cn, p, (int)status);
	if (ev) {
		ev->u.exit.wait_status = (int)status;
		ev->u.exit.origin = origin;
		ev->u.exit.oom_killed = p->oom_killed;
		life_get_usage(m, p, false, &ev->usage);
	}
	network_end(m, p, ev);
	process_bury(&m->table, p);
}

void life_close(struct model *m, struct process *p, uint64_t time_ns)
{
	struct cn_event cn = { .time_ns = time_ns, .cpu = UINT32_MAX, .tid = p->pub.pid };

	if (p->group_ended)
		life_end(m, p, &cn, p->status, PEVENT_FROM_EVENT);
	else
		life_end(m, p, &cn, 0, PEVENT_FROM_NONE);
}

struct process *life_meet_found(struct model *m, struct process *p, pid_t pid, uint64_t time_ns)
{
	if (!p || p->dead) {
		p = life_add(m, pid, time_ns);
		/* Its fork came before the run, or is among what was lost. */
		if (p)
			p->pub.before_run = m->events[PEVENT_LOST] == 0;
	}
	if (p)
		p->changed_ns = time_ns;
	return p;
}

struct process *life_meet(struct model *m, pid_t pid, uint64_t time_ns)
{
	return life_meet_found(m, process_find(&m->table, pid), pid, time_ns);
}

void life_inherit(struct process *child, const struct process *parent)
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
	child->netns = parent->netns;
	child->followed |= parent->followed;
}

void life_take_identity(struct model *m, struct process *p, const struct proc_facts *f)
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
	if (f->has_netns)
		network_meet(m, p, f->netns);
}

bool life_near(uint64_t ticks, uint64_t other)
{
	return ticks - other + 1 <= 2;
}

bool life_same_start(const struct process *p, const struct proc_facts *f)
{
	return p->pub.start_ticks == 0 || f->stat.start_ticks == 0 ||
	       life_near(p->pub.start_ticks, f->stat.start_ticks);
}
