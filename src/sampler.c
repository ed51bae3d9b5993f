/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sampler.h"

#include "loop.h"
#include "util/macro.h"

#define INTERVAL_NS NSEC_PER_SEC
/* Parts of a CPU, one in so many: of itself, and at an interval that was asked for. */
#define SHARE 100
#define SHARE_MOST 4
#define SLICE_NS NSEC_PER_MSEC
#define FINISH_NS NSEC_PER_SEC

void sampler_init(struct sampler *s, uint64_t sample_ns, uint64_t now_ns)
{
	*s = (struct sampler){ .interval_ns = sample_ns ? sample_ns : INTERVAL_NS,
			       .thrifty = sample_ns == 0 };
	if (sample_ns == PEVENT_SAMPLE_OFF)
		s->interval_ns = 0;
	s->next_ns = now_ns + s->interval_ns;
}

static void take(struct pevent *p, const void *record, size_t len)
{
	struct proc_facts facts;

	if (proc_read_decode(record, len, &facts) == 0)
		model_sample(&p->model, &facts);
}

static void look_at(struct pevent *p, pid_t pid, bool last)
{
	const void *record;
	size_t len;

	if (p->source->ops->sample(p->source, pid, last, &record, &len) == 0)
		take(p, record, len);
}

void sampler_look(struct pevent *p, pid_t pid)
{
	look_at(p, pid, false);
}

static bool replay(struct pevent *p, uint64_t before_ns, bool last)
{
	const void *record;
	size_t len;

	if (p->source->ops->next_sample(p->source, before_ns, last, &record, &len) < 0)
		return false;
	take(p, record, len);
	return true;
}

bool sampler_replay(struct pevent *p, uint64_t before_ns)
{
	return p->clock.is_virtual && replay(p, before_ns, false);
}

/*
 * One look may cost as much as some milliseconds (threads, open files), so that the clock is read
 * after each. True: the round is at its end.
 */
static bool do_slice(struct pevent *p, uint64_t slice_ns, bool last)
{
	uint64_t begin = clock_thread_cpu(), spent;
	pid_t pid;

	do {
		pid = model_sample_next(&p->model, p->sampler.round);
		if (pid)
			look_at(p, pid, last);
		spent = clock_thread_cpu() - begin;
	} while (pid && spent < slice_ns);
	p->sampler.spent_ns += spent;
	return !pid;
}

static void end_round(struct sampler *s)
{
	uint64_t least = s->spent_ns * (s->thrifty ? SHARE : SHARE_MOST);

	s->in_round = false;
	s->next_ns = s->is_hurried ? s->begin_ns : s->begin_ns + MAX(s->interval_ns, least);
	s->is_hurried = false;
}

void sampler_step(struct pevent *p, uint64_t now_ns)
{
	struct sampler *s = &p->sampler;

	if (p->clock.is_virtual || !s->interval_ns || (!s->in_round && now_ns < s->next_ns))
		return;
	if (!s->in_round) {
		s->in_round = true;
		s->begin_ns = now_ns;
		s->spent_ns = 0;
		s->round++;
	}
	if (do_slice(p, SLICE_NS, false))
		end_round(s);
}

void sampler_hurry(struct pevent *p, uint64_t now_ns)
{
	if (p->sampler.in_round)
		p->sampler.is_hurried = true;
	else
		p->sampler.next_ns = MIN(p->sampler.next_ns, now_ns);
}

uint64_t sampler_wait(const struct sampler *s, uint64_t now_ns)
{
	if (!s->interval_ns)
		return UINT64_MAX;
	return s->in_round || s->next_ns <= now_ns ? 0 : s->next_ns - now_ns;
}

void sampler_finish(struct pevent *p)
{
	if (p->clock.is_virtual) {
		while (replay(p, UINT64_MAX, true))
			;
		return;
	}
	p->sampler.round++;
	(void)do_slice(p, FINISH_NS, true);
}
