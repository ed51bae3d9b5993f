/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emit.h"

#define WITH_FILES (PEVENT_MASK(PEVENT_EXEC) | PEVENT_MASK(PEVENT_EXIT) | \
		    PEVENT_MASK(PEVENT_SNAPSHOT))

/* An empty event in the queue; NULL when memory is out. */
static struct pevent_event *emit(struct model *m, enum pevent_type type, uint64_t time_ns,
				 uint32_t cpu, bool numbered)
{
	struct pevent_event *ev = queue_add(&m->queue);

	if (!ev)
		return NULL;
	ev->type = type;
	if (numbered)
		ev->sequence = ++m->sequence;
	ev->time_ns = time_ns;
	ev->realtime_offset_ns = m->realtime_offset_ns;
	ev->cpu = cpu;
	return ev;
}

/* pass: what the filter says of this event beyond its type and its process. */
static struct pevent_event *emit_if(struct model *m, enum pevent_type type,
				    const struct cn_event *cn, const struct process *p, bool pass)
{
	const struct filter *f = &m->filter;
	struct pevent_event *ev;

	m->events[type]++;
	pass = pass && filter_pass_type(f, type) && filter_pass_process(f, p);
	if (!pass && !(p->followed && f->followed & PEVENT_MASK(type)))
		return NULL;
	ev = emit(m, type, cn->time_ns, cn->cpu, pass && !filter_is_silent(f, type));
	if (!ev)
		return NULL;
	ev->filtered = !pass;
	ev->tid = cn->tid;
	ev->process = p->pub;
	if (PEVENT_MASK(type) & WITH_FILES)
		ev->files = p->files ? &p->files->pub : NULL;
	queue_hold(ev);
	return ev;
}

struct pevent_event *emit_of(struct model *m, enum pevent_type type, const struct cn_event *cn,
			     const struct process *p)
{
	return emit_if(m, type, cn, p, !filter_wants_exit(&m->filter));
}

struct pevent_event *emit_exit(struct model *m, const struct cn_event *cn, const struct process *p,
			       int wait_status)
{
	return emit_if(m, PEVENT_EXIT, cn, p, filter_pass_exit(&m->filter, p, wait_status));
}

void model_report_lost(struct model *m, enum pevent_source source, uint32_t cpu, uint64_t count,
		       uint64_t time_ns)
{
	struct pevent_event *ev = emit(m, PEVENT_LOST, time_ns, cpu, true);

	m->events[PEVENT_LOST]++;
	if (!ev)
		return;
	ev->u.lost.count = count;
	ev->u.lost.source = source;
}

void model_report_start(struct model *m, uint64_t time_ns)
{
	m->events[PEVENT_START]++;
	(void)emit(m, PEVENT_START, time_ns, UINT32_MAX, true);
}
