/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tracepoints.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "util/macro.h"

#define RINGS_TOTAL (64u << 20)	/* bytes of all CPUs' rings, */
#define RING_MAX (16u << 20)	/* of one of them */
#define RING_MIN (1u << 20)
#define RECORDS_MAX 65536
#define HOLD_NS NSEC_PER_MSEC	/* as perf_drain() asks for */
#define LOST_NS NSEC_PER_SEC
#define UDP_ONLY "protocol==17"

#define WINDOW_NS (NSEC_PER_SEC / 20)
#define OFF_NS NSEC_PER_SEC
#define REVIEW_NS (NSEC_PER_SEC / 10)
/* Longer than a thread on a tracepoint is held up by interrupts. */
#define SETTLE_NS (100 * NSEC_PER_MSEC)

static bool is_payload(const struct tracepoint_record *r)
{
	return r->kind == TRACEPOINT_SEND || r->kind == TRACEPOINT_RECEIVE;
}

/* A power of two. */
static uint32_t ring_pages(void)
{
	const long cpus = MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L);
	uint32_t size = RING_MAX;

	while (size > RING_MIN && (uint64_t)size * (uint64_t)cpus > RINGS_TOTAL)
		size /= 2;
	return size / (uint32_t)sysconf(_SC_PAGESIZE);
}

static int enable_udp(struct tracepoints *t, bool on)
{
	int error = perf_enable(&t->perf, TRACEPOINT_SEND, on);

	return error < 0 ? error : perf_enable(&t->perf, TRACEPOINT_RECEIVE, on);
}

/* Told when the records before it are. What is off drops those that come nevertheless. */
static void plan_change(struct tracepoints *t, int32_t tgid, bool to, uint64_t time_ns)
{
	t->changes[t->n_changes++] = (struct tracepoints_change){ tgid, to, time_ns };
}

static void count_anew(struct tracepoints *t, uint64_t now_ns)
{
	t->window_ns = now_ns;
	t->in_window = t->lost_in_window = 0;
	flooders_count_anew(&t->flooders);
}

static int set_filter(struct tracepoints *t)
{
	char filter[sizeof(UDP_ONLY) + FLOODERS_FILTER] = UDP_ONLY;
	int error;

	flooders_filter(&t->flooders, filter + strlen(filter));
	error = perf_refilter(&t->perf, TRACEPOINT_SEND, filter);
	return error < 0 ? error : perf_refilter(&t->perf, TRACEPOINT_RECEIVE, filter);
}

/* Those that came off are told even if the filter fails: all are then, at once. */
static int refilter(struct tracepoints *t)
{
	const uint64_t before = clock_now(t->clock);
	const int error = set_filter(t);
	const uint64_t after = clock_now(t->clock);

	t->is_stale = error < 0;
	t->settle_ns = after + SETTLE_NS;
	for (size_t i = 0; i < t->flooders.n_known; i++)
		if (t->flooders.known[i].is_off && !t->flooders.known[i].was_told)
			plan_change(t, t->flooders.known[i].tgid, false, before);
	for (size_t i = 0; i < t->flooders.n_known && error == 0; i++)
		if (!t->flooders.known[i].is_off && t->flooders.known[i].was_told)
			plan_change(t, t->flooders.known[i].tgid, true, after);
	return error;
}

static void switch_udp(struct tracepoints *t, bool on)
{
	const uint64_t before = clock_now(t->clock);
	bool works = (!on || !t->is_stale || refilter(t) == 0) && enable_udp(t, on) == 0;
	const uint64_t after = clock_now(t->clock);

	if (on && !works)
		(void)enable_udp(t, false);
	plan_change(t, 0, on && works, on ? after : before);
	t->off_until_ns = on && works ? 0 : after + OFF_NS;
	count_anew(t, after);
}

void tracepoints_init(struct tracepoints *t, const struct clock *clock)
{
	*t = (struct tracepoints){ .clock = clock, .until_ns = UINT64_MAX };
	flooders_init(&t->flooders, NULL);
	plan_change(t, 0, false, clock_now(clock));
}

static int filter_udp(struct tracepoints *t)
{
	int error = perf_filter(&t->perf, TRACEPOINT_SEND, UDP_ONLY);

	return error < 0 ? error : perf_filter(&t->perf, TRACEPOINT_RECEIVE, UDP_ONLY);
}

int tracepoints_open(struct tracepoints *t, bool udp)
{
	const struct perf_options options = {
		.kinds = 1u << TRACEPOINT_STATE |
			 (udp ? 1u << TRACEPOINT_SEND | 1u << TRACEPOINT_RECEIVE : 0),
		.pages = ring_pages(), .max_records = RECORDS_MAX,
	};
	int error = perf_open(&t->perf, &options);

	if (error < 0)
		return error;
	error = perf_enable(&t->perf, TRACEPOINT_STATE, true);
	if (error < 0) {
		perf_close(&t->perf);
		return error;
	}
	t->is_open = true;
	t->until_ns = 0;
	t->has_udp = filter_udp(t) == 0;
	if (t->has_udp)
		switch_udp(t, true);
	return 0;
}

const char *tracepoints_cure(int error)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
		return " (needs CAP_PERFMON, and CAP_SYS_ADMIN where tracefs is not mounted)";
	case -ENOBUFS:
		return " (needs CAP_IPC_LOCK, or a higher kernel.perf_event_mlock_kb)";
	case -ENOENT:
	case -ENODEV:
		return " (needs Linux 4.16 with CONFIG_FTRACE)";
	default:
		return "";
	}
}

void tracepoints_close(struct tracepoints *t)
{
	if (t->is_open)
		perf_close(&t->perf);
	t->is_open = t->has_udp = false;
}

/* Whom a drain is for. */
struct drain {
	struct tracepoints *t;
	const struct network_fns *fns;
	void *data;
};

static void tell_change(struct drain *d, const struct tracepoints_change *c)
{
	struct flooder *f = flooders_find(&d->t->flooders, c->tgid);

	if (c->tgid == 0) {
		d->t->udp = c->on;
		d->fns->udp(d->data, c->on, c->time_ns);
		return;
	}
	if (f)
		f->was_told = !c->on;
	if (c->on)
		d->t->flooders.n_told--;
	else
		d->t->flooders.n_told++;
	if (d->fns->udp_process)
		d->fns->udp_process(d->data, c->tgid, c->on, c->time_ns);
}

static void tell_changes(struct drain *d, uint64_t until_ns)
{
	struct tracepoints *t = d->t;
	size_t n = 0;

	while (n < t->n_changes && t->changes[n].time_ns <= until_ns)
		tell_change(d, &t->changes[n++]);
	t->n_changes -= n;
	memmove(t->changes, t->changes + n, t->n_changes * sizeof(t->changes[0]));
}

/* In two ways the same losses become known, at different times. */
static void tell_lost(struct drain *d, uint64_t total)
{
	struct tracepoints *t = d->t;

	if (total <= t->lost_told)
		return;
	d->fns->lost(d->data, total - t->lost_told);
	t->lost_told = total;
}

/* True: it is to be told of. */
static bool take_payload(struct tracepoints *t, const struct tracepoint_record *r)
{
	const struct flooder *f;

	if (r->time_ns >= t->window_ns) {
		t->in_window++;
		flooders_count(&t->flooders, r->pid, r->tid);
	}
	if (!t->udp || !t->flooders.n_told)
		return t->udp;
	f = flooders_find(&t->flooders, r->pid);
	return !f || !f->was_told;
}

static void take(void *data, const struct tracepoint_record *r)
{
	struct drain *d = data;
	struct tracepoints *t = d->t;

	if (t->n_changes)
		tell_changes(d, r->time_ns);
	if (r->kind == TRACEPOINT_LOST) {
		t->lost_records += r->lost;
		t->lost_in_window += r->time_ns >= t->window_ns ? r->lost : 0;
		tell_lost(d, t->lost_records);
		return;
	}
	if (!is_payload(r) || take_payload(t, r))
		d->fns->record(d->data, r);
}

static bool review(struct tracepoints *t, uint64_t now)
{
	if (now < t->review_ns + REVIEW_NS)
		return false;
	t->review_ns = now;
	return flooders_review(&t->flooders, now);
}

/* Until then who was left out is still counted. */
static void settle(struct tracepoints *t, uint64_t now)
{
	if (now < t->settle_ns)
		return;
	perf_settle(&t->perf);
	t->settle_ns = 0;
	count_anew(t, clock_now(t->clock));
}

/* now: when the drain began, so that a window's records are those of its time, however late. */
static void guard_rate(struct tracepoints *t, uint64_t now)
{
	const uint64_t elapsed = now - MIN(now, t->window_ns);
	const uint64_t all = t->in_window + t->lost_in_window;
	uint64_t allowed = TRACEPOINTS_UDP_MAX * MAX(elapsed, WINDOW_NS) / NSEC_PER_SEC;
	bool changes;

	if (t->n_changes)
		return;
	if (t->settle_ns) {
		settle(t, now);
		return;
	}
	if (t->off_until_ns) {
		if (now >= t->off_until_ns)
			switch_udp(t, true);
		return;
	}
	changes = review(t, now);
	if (all > allowed) {
		/* Of those that came, that part; the others are no different. */
		allowed = (uint64_t)((double)allowed * (double)t->in_window / (double)all);
		t->is_stale = t->is_stale || changes;
		changes = flooders_exclude(&t->flooders, t->in_window, allowed, now);
		if (!changes)
			switch_udp(t, false);
	}
	if (changes && refilter(t) < 0)
		switch_udp(t, false);
	else if (changes || elapsed >= WINDOW_NS)
		count_anew(t, now);
}

void tracepoints_drain(struct tracepoints *t, uint64_t now_ns, const struct network_fns *fns,
		       void *data)
{
	struct drain d = { t, fns, data };

	if (!t->is_open) {
		tell_changes(&d, UINT64_MAX);
		return;
	}
	t->until_ns = now_ns - MIN(now_ns, HOLD_NS);
	perf_drain(&t->perf, t->until_ns, take, &d);
	tell_changes(&d, t->until_ns);
	if (now_ns >= t->lost_ns + LOST_NS) {
		t->lost_ns = now_ns;
		tell_lost(&d, perf_lost(&t->perf));
	}
	if (t->has_udp)
		guard_rate(t, now_ns);
}
