/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sampler.h"

#include "loop.h"
#include "util/macro.h"

#define INTERVAL_NS NSEC_PER_SEC
#define SHARE 100	/* of a CPU: one part in so many */
#define SLICE_NS NSEC_PER_MSEC
#define SLICE_MIN 8	/* looks between two readings of the clock */

void sampler_init(struct sampler *s, uint64_t sample_ns, uint64_t now_ns)
{
	*s = (struct sampler){ .interval_ns = sample_ns ? sample_ns : INTERVAL_NS,
			       .thrifty = sample_ns == 0 };
	if (sample_ns == PEVENT_SAMPLE_OFF)
		s->interval_ns = 0;
	s->next_ns = now_ns + s->interval_ns;
}

/* False: a recording has no more, now. */
static bool look(struct pevent *p, pid_t pid, bool last)
{
	struct proc_facts facts;
	const void *record;
	size_t len;

	if (p->source->ops->sample(p->source, pid, last, &record, &len) < 0)
		return false;
	if (proc_read_decode(record, len, &facts) == 0)
		model_sample(&p->model, &facts);
	return true;
}

static void end_round(struct sampler *s)
{
	uint64_t pause = s->thrifty ? MAX(s->interval_ns, s->spent_ns * SHARE) : s->interval_ns;

	s->in_round = false;
	s->next_ns = s->begin_ns + pause;
}

/* True: the round is at its end. */
static bool do_slice(struct pevent *p)
{
	uint64_t begin = clock_thread_cpu(), spent = 0;
	pid_t pid = 0;

	while (spent < SLICE_NS) {
		for (int i = 0; i < SLICE_MIN; i++) {
			pid = model_sample_next(&p->model, p->sampler.round);
			if (pid)
				look(p, pid, false);
		}
		spent = clock_thread_cpu() - begin;
		if (!pid)
			break;
	}
	p->sampler.spent_ns += spent;
	return !pid;
}

void sampler_step(struct pevent *p, uint64_t now_ns)
{
	struct sampler *s = &p->sampler;

	if (p->clock.is_virtual) {
		while (look(p, 0, false))
			;
		return;
	}
	if (!s->interval_ns || (!s->in_round && now_ns < s->next_ns))
		return;
	if (!s->in_round) {
		s->in_round = true;
		s->begin_ns = now_ns;
		s->spent_ns = 0;
		s->round++;
	}
	if (do_slice(p))
		end_round(s);
}

uint64_t sampler_wait(const struct sampler *s, uint64_t now_ns)
{
	if (!s->interval_ns)
		return UINT64_MAX;
	return s->in_round || s->next_ns <= now_ns ? 0 : s->next_ns - now_ns;
}

void sampler_finish(struct pevent *p)
{
	pid_t pid;

	if (p->clock.is_virtual) {
		while (look(p, 0, true))
			;
		return;
	}
	p->sampler.round++;
	while ((pid = model_sample_next(&p->model, p->sampler.round)))
		look(p, pid, true);
}
