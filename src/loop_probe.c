/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Children of our own, which must be seen: at the begin, and when all others are silent. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "loop.h"
#include "util/macro.h"

#define PROBE_ANSWER_NS NSEC_PER_SEC
#define PROBE_TAIL_NS (NSEC_PER_SEC / 10)	/* its EXIT may follow its reaping */
#define SELF_TEST_NS (NSEC_PER_SEC / 2)
#define SELF_TESTS 4

bool loop_is_probe(struct pevent *p, const struct cn_event *ev)
{
	const struct source_probe *child = &p->probe.child;

	if (ev->tgid != child->pid || child->pid == 0)
		return false;
	if (ev->what == CN_FORK && ev->time_ns >= child->begin_ns && ev->time_ns <= child->end_ns) {
		p->probe.forked = true;
		return true;
	}
	if (ev->what == (uint32_t)CN_EXIT && p->probe.forked &&
	    ev->time_ns <= child->end_ns + PROBE_TAIL_NS) {
		p->probe.pending = p->probe.forked = p->silent = false;
		p->probe.child.pid = 0;
		return true;
	}
	return false;
}

/*
 * The record of a probe comes with the drain of its EXIT or not at all: what came later would be
 * that of a stranger with its number. Where none has come yet, none will.
 */
void loop_end_probe(struct pevent *p)
{
	const struct source_probe *child = &p->probe.child;

	if (!p->probe.record_of ||
	    (child->pid && p->newest_ns <= child->end_ns + PROBE_TAIL_NS))
		return;
	p->probe.record_of = 0;
	if (p->usage_seen)
		return;
	log_warning(&p->log, "exit accounting: a process of our own left no record: what "
		    "processes use is known from samples only");
	p->source->ops->close_usage(p->source);
	p->model.records_since_ns = 0;
}

int loop_send_probe(struct pevent *p)
{
	struct source_probe child;
	int error = p->source->ops->probe(p->source, &child);

	if (error == 0)
		p->probe = (struct probe){ .child = child, .pending = true,
					   .record_of = p->source->usage ? child.pid : 0 };
	return error;
}

/* A new subscription, to be tested at once: the kernel's count may be further below what it was. */
static void reopen(struct pevent *p, uint64_t now)
{
	struct epoll_event ev = { .events = 0 };

	p->probe = (struct probe){ .child = { .end_ns = now } };
	p->drops_before += p->drops.total;
	p->drops.total = p->drops.queued = 0;
	p->scan.wanted = true;
	p->last_event_ns = now;
	if (p->source->ops->reopen(p->source, loop_ingest, p) < 0)
		return;
	(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->source->fd, &ev);
	p->busy = true;
	loop_add_lost(p, PEVENT_SOURCE_CONNECTOR, 0);
	(void)loop_send_probe(p);
}

/*
 * Another program can silence every listener on the machine (it withdraws more often than it
 * subscribes), so silence is not believed: a child of our own must be seen, or the socket is
 * replaced. What was missed nobody counted: the kernel numbers no events for nobody.
 */
void loop_watch(struct pevent *p, uint64_t now)
{
	uint64_t quiet = p->config.watchdog_s * NSEC_PER_SEC;

	if (p->clock.is_virtual || p->stopping)
		return;
	if (!p->probe.pending) {
		if (now - p->last_event_ns >= quiet && now - p->probe.child.end_ns >= quiet)
			(void)loop_send_probe(p);
		return;
	}
	/* Whatever came since shows that it lives, be the answer itself lost or still queued. */
	if (p->last_event_ns > p->probe.child.end_ns)
		p->probe.pending = p->silent = false;
	if (!p->probe.pending || now - p->probe.child.end_ns < PROBE_ANSWER_NS)
		return;
	if (!p->silent)
		log_warning(&p->log, "process connector: silent, and a test process was not seen: "
			    "subscribing anew");
	p->silent = true;
	reopen(p, now);
}

static int await_probe(struct pevent *p)
{
	uint64_t until = clock_now(&p->clock) + SELF_TEST_NS;
	int error = p->probe.pending ? 0 : loop_send_probe(p);

	while (error >= 0 && p->probe.pending && clock_now(&p->clock) < until) {
		error = loop_drain(p);
		if (p->probe.pending)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return error < 0 ? error : 0;
}

int loop_self_test(struct pevent *p)
{
	int error = 0;

	for (int attempt = 0; attempt < SELF_TESTS; attempt++) {
		error = await_probe(p);
		if (error < 0 || !p->probe.pending)
			break;
		reopen(p, clock_now(&p->clock));
		sequence_finish(&p->sequence);
	}
	if (error < 0)
		return log_error(&p->log, error, "self-test: %s", strerror(-error));
	if (p->probe.pending)
		return log_error(&p->log, -EIO, "self-test: a process of our own was not seen: "
				 "another program silences the process connector");
	return 0;
}
