/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "emit.h"

#define WITH_FILES (PEVENT_MASK(PEVENT_EXEC) | PEVENT_MASK(PEVENT_EXIT) | \
		    PEVENT_MASK(PEVENT_SNAPSHOT))

/* An empty event in the queue, numbered unless it is silent; NULL when memory is out. */
static struct pevent_event *emit(struct model *m, enum pevent_type type, uint64_t time_ns,
				 uint32_t cpu)
{
	struct pevent_event *ev = queue_add(&m->queue);

	if (!ev)
		return NULL;
	ev->type = type;
	if (!filter_is_silent(&m->filter, type))
		ev->sequence = ++m->sequence;
	ev->time_ns = time_ns;
	ev->realtime_offset_ns = m->realtime_offset_ns;
	ev->cpu = cpu;
	return ev;
}

struct pevent_event *emit_of(struct model *m, enum pevent_type type, const struct cn_event *cn,
			     const struct process *p)
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
	if (PEVENT_MASK(type) & WITH_FILES)
		ev->files = p->files ? &p->files->pub : NULL;
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
