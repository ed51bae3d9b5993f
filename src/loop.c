/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loop.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "model/network.h"
#include "util/macro.h"

#define DRAIN_MAX 65536		/* events taken in at a time */
#define BATCH_MAX 256		/* a drain may go beyond its limit by less than this */
#define DRAIN_NS (50 * NSEC_PER_MSEC)	/* a drain takes less */
#define SIGNAL_MASK 0x7fu	/* of a wait status */
#define LATE_NS (NSEC_PER_MSEC / 10)	/* a reader that was there in time needs less */
#define SETTLE_NS (10 * NSEC_PER_MSEC)	/* who is gone from /proc still has its EXIT to come */
#define CLOCK_SET_NS ((int64_t)NSEC_PER_MSEC)
#define RESCAN_PAUSE_NS (NSEC_PER_SEC / 5)

void loop_arm(struct pevent *p, uint64_t delay_ns)
{
	struct itimerspec when = { .it_value = {
		.tv_sec = (time_t)(delay_ns / NSEC_PER_SEC),
		.tv_nsec = (long)(delay_ns % NSEC_PER_SEC) } };

	(void)timerfd_settime(p->timer_fd, 0, &when, NULL);
}

static void watch_source(struct pevent *p, bool watch)
{
	struct epoll_event ev = { .events = watch ? EPOLLIN : 0 };

	if (p->source->fd >= 0)
		(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_MOD, p->source->fd, &ev);
	if (p->source->network_fd >= 0)
		(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_MOD, p->source->network_fd, &ev);
}

/*
 * Under load the timer wakes the loop, not each event: that would cost 3-10 times the CPU. When a
 * tick found nothing and nothing is held, the socket's first event does, or the watchdog's time.
 */
static void set_pace(struct pevent *p, bool found, uint64_t now)
{
	bool busy = found || reorder_count(&p->reorder) || p->scan.wanted || p->scan.taken ||
		    p->probe.pending || p->sampler.in_round || !list_empty(&p->model.ending) ||
		    network_next(&p->model) != UINT64_MAX || queue_count(&p->model.queue);
	uint64_t quiet = p->config.watchdog_s * NSEC_PER_SEC;

	if (p->clock.is_virtual)
		return;
	if (busy != p->busy)
		watch_source(p, !busy);
	p->busy = busy;
	/* 0 would disarm it. */
	quiet = MAX(MIN(quiet, sampler_wait(&p->sampler, now)), NSEC_PER_USEC);
	loop_arm(p, busy ? p->config.tick_us * NSEC_PER_USEC : quiet);
}

static void hold(struct pevent *p, const struct cn_event *ev)
{
	if (reorder_add(&p->reorder, ev) < 0)
		p->refused++;
}

void loop_add_lost(struct pevent *p, enum pevent_source source, uint64_t count)
{
	struct cn_event lost = { .what = FACT_LOST, .cpu = UINT32_MAX, .ack = source,
				 .time_ns = clock_now(&p->clock) };

	do {
		lost.seq = (uint32_t)MIN(count, (uint64_t)UINT32_MAX);
		count -= lost.seq;
		hold(p, &lost);
	} while (count);
	loop_arm(p, p->config.tick_us * NSEC_PER_USEC);
}

/* Each event as it comes out of the socket. */
void loop_ingest(void *data, const struct cn_event *ev)
{
	struct pevent *p = data;
	uint32_t missing;

	if (ev->what == CN_NONE && ev->cpu == UINT32_MAX)
		return;		/* an old kernel's acknowledgement: not in the sequence */
	missing = sequence_step(&p->sequence, ev->cpu, ev->seq);
	if (missing) {
		struct cn_event lost = { .what = FACT_LOST, .cpu = ev->cpu, .seq = missing,
					 .time_ns = ev->time_ns };

		hold(p, &lost);
		p->scan.wanted = true;
	}
	if (ev->what == CN_NONE || ev->what == FACT_LOST)	/* that is ours alone */
		return;
	p->received++;
	p->newest_ns = MAX(p->newest_ns, ev->time_ns);
	if (!loop_is_probe(p, ev))
		hold(p, ev);
}

static void ingest_usage(void *data, const struct taskstats_record *record)
{
	struct pevent *p = data;

	p->usage_seen = true;
	if (record->tid == p->probe.record_of)
		p->probe.record_of = 0;
	else	/* A virtual clock stands at the beginning of the drain. */
		model_add_record(&p->model, record, clock_now(&p->clock) + DRAIN_NS);
}

/*
 * Events, then records: the kernel queues a thread's record before its EXIT, so that after this the
 * records of all EXITs taken in are there.
 */
int loop_drain(struct pevent *p)
{
	int error = p->clock.is_virtual ? 0 : loop_drain_network(p), n;

	if (error < 0)
		return error;
	n = p->source->ops->drain(p->source, DRAIN_MAX, loop_ingest, p);
	if (n < 0)
		return n;
	/* In a recording the messages say which drain it is. */
	if (p->clock.is_virtual)
		error = loop_drain_network(p);
	if (error == 0)
		error = p->source->ops->drain_usage(p->source, ingest_usage, p);
	loop_end_probe(p);
	return error < 0 ? error : n;
}

/* Reading two clocks jitters by 100 ns; only what moves more than that is a clock being set. */
static void follow_clock(int64_t *offset, int64_t now)
{
	if (now - *offset > CLOCK_SET_NS || *offset - now > CLOCK_SET_NS)
		*offset = now;
}

static void sync_clock(struct pevent *p)
{
	follow_clock(&p->model.realtime_offset_ns, clock_realtime_offset(&p->clock));
	follow_clock(&p->model.boottime_offset_ns, clock_boottime_offset(&p->clock));
}

/* Records of a scan into the model, all facts before it having been applied. */
static void apply_scan(struct pevent *p, bool first)
{
	struct strbuf *b = &p->scan.records;
	struct proc_facts facts;
	uint32_t len;

	model_scan_begin(&p->model, p->scan.begin_ns, p->scan.end_ns, first);
	for (size_t at = 0; at + sizeof(len) <= b->len; at += sizeof(len) + len) {
		len = load_u32(b->data + at);
		if (proc_read_decode(b->data + at + sizeof(len), len, &facts) == 0)
			model_scan_found(&p->model, &facts);
	}
	model_scan_end(&p->model);
	strbuf_finish(b);
	p->scan.taken = false;
	p->last_scan_ns = p->scan.end_ns;
}

static int take_scan(struct pevent *p, bool first)
{
	int error = p->source->ops->scan(p->source, first, &p->scan.records, &p->scan.begin_ns,
					 &p->scan.end_ns);

	if (error < 0)
		strbuf_finish(&p->scan.records);
	else if (!first)
		p->scan.end_ns += SETTLE_NS;
	p->scan.taken = error == 0;
	return error;
}

/* What loss left wrong in the table, /proc sets right; not while the storm still rages. */
static void rescan(struct pevent *p, uint64_t now, bool drained)
{
	bool due = p->scan.wanted && drained && now >= p->last_scan_ns + RESCAN_PAUSE_NS;

	/* A recording has the scans that were made, each at its time. */
	if (p->scan.taken || !(due || p->clock.is_virtual))
		return;
	p->scan.wanted = false;
	if (take_scan(p, false) == 0)
		p->rescans++;
}

static void read_drops(struct pevent *p)
{
	struct source_drops drops;

	if (p->source->ops->drops(p->source, &drops) < 0)
		return;
	if (drops.total != p->drops.total)
		p->scan.wanted = true;
	if (drops.usage_total != p->drops.usage_total)
		loop_add_lost(p, PEVENT_SOURCE_TASKSTATS,
			      drops.usage_total - p->drops.usage_total);
	p->drops = drops;
	p->queue_peak = MAX(p->queue_peak, (uint64_t)drops.queued);
}

/* The horizon is still that of the dispatch before: all before it was applied, unless one waits. */
static void read_stolen(struct pevent *p)
{
	const struct cn_event *waits = reorder_peek(&p->reorder, p->horizon_ns);
	const uint64_t since_ns = waits ? waits->time_ns : p->horizon_ns + 1;
	struct machine_stolen sums;

	while (p->source->ops->stolen(p->source, since_ns, &sums) == 0)
		stolen_add(&p->model.stolen, &sums);
}

/*
 * Up to where everything has been taken in: until just before the drain began, since what came
 * while it went on may still wait; when it was cut short, up to what it got to.
 */
static uint64_t safe_horizon(const struct pevent *p, uint64_t before, bool drained)
{
	uint64_t until = drained ? before : MIN(before, p->newest_ns);

	until = until > REORDER_WINDOW_NS ? until - REORDER_WINDOW_NS : 0;
	return p->source->network ? MIN(until, p->source->records_until_ns) : until;
}

/* For a whole drain, each of whose events may bring a LOST before it. */
static bool has_room(const struct pevent *p)
{
	return reorder_count(&p->reorder) + 2 * (DRAIN_MAX + BATCH_MAX) <= REORDER_MAX;
}

int loop_dispatch(struct pevent *p)
{
	uint64_t expirations, before = clock_now(&p->clock);
	bool drained = false, room = has_room(p);
	int n = 0;

	p->dispatches++;
	(void)!read(p->timer_fd, &expirations, sizeof(expirations));
	if (p->clock.is_virtual && !p->probe.pending)
		(void)loop_send_probe(p);
	if (room) {
		n = loop_drain(p);
		drained = n < DRAIN_MAX;
	}
	if (p->clock.is_virtual)
		before = clock_now(&p->clock);
	sync_clock(p);
	if (n > 0)
		p->last_event_ns = before;
	read_drops(p);
	read_stolen(p);
	/* What fills it in a damaged recording may be of a time that never comes. */
	if (n == -ENODATA || n == -EBADMSG || (!room && p->clock.is_virtual))
		p->horizon_ns = UINT64_MAX;
	else
		p->horizon_ns = safe_horizon(p, before, drained);
	if (p->horizon_ns == UINT64_MAX)
		network_tick(&p->model, UINT64_MAX, UINT64_MAX);
	else
		network_tick(&p->model, p->source->packets_until_ns, before);
	loop_tend_networks(p, before);
	rescan(p, before, n >= 0 && drained);
	sampler_step(p, before);
	loop_watch(p, before);
	set_pace(p, n > 0, before);
	return n < 0 ? n : 0;
}

/* Did the process exec again before its /proc was read? */
static bool is_outdated(const struct pevent *p, const struct cn_event *ev, uint64_t read_ns)
{
	const struct cn_event *later;

	for (size_t i = 1; (later = reorder_at(&p->reorder, i)); i++) {
		if (later->time_ns > read_ns)
			break;
		if (later->what == CN_EXEC && later->tgid == ev->tgid)
			return true;
	}
	return false;
}

/* EXEC waits for what its reader fetched; true when it is applied. */
static bool apply_exec(struct pevent *p, const struct cn_event *ev)
{
	enum pevent_origin origin = PEVENT_FROM_EXEC_READER;
	struct proc_facts facts;
	const void *record;
	size_t len;
	enum source_answer answer = p->source->ops->exec_get(p->source, ev->cpu, ev->tgid,
							     ev->time_ns, &record, &len);
	bool good;

	if (answer == SOURCE_WAIT)
		return false;
	good = answer == SOURCE_RECORD && proc_read_decode(record, len, &facts) == 0;
	if (good && facts.read_ns - ev->time_ns > LATE_NS) {
		/* It may be of a later program: what came meanwhile decides. */
		if (facts.read_ns > p->horizon_ns)
			return false;
		good = !is_outdated(p, ev, facts.read_ns);
		origin = PEVENT_FROM_PROC;
	}
	model_apply(&p->model, ev, good ? &facts : NULL, origin);
	return true;
}

/*
 * The OOM killer's SIGKILL looks like any other; the kernel's log tells them apart. It names a
 * thread that has memory still: another one where the leader has left.
 */
static void look_for_oom(struct pevent *p, const struct cn_event *ev)
{
	const struct source_ops *ops = p->source->ops;

	if (ev->what != (uint32_t)CN_EXIT || (ev->u.exit.status & SIGNAL_MASK) != SIGKILL)
		return;
	if (ops->oom_killed(p->source, ev->tgid, ev->time_ns) ||
	    (ev->tid != ev->tgid && ops->oom_killed(p->source, ev->tid, ev->time_ns)))
		model_mark_oom(&p->model, ev->tgid);
}

static bool advance(struct pevent *p)
{
	const struct cn_event *ev = reorder_peek(&p->reorder, p->horizon_ns);
	uint64_t until = ev ? ev->time_ns : p->horizon_ns, next = network_next(&p->model);
	bool scan_due = p->scan.taken &&
			(ev ? until > p->scan.end_ns : until >= p->scan.end_ns);

	if (sampler_replay(p, scan_due ? p->scan.end_ns : until))
		return true;
	if (scan_due) {
		apply_scan(p, false);
		return true;
	}
	if (next <= until && next != UINT64_MAX) {
		network_advance(&p->model);
		return true;
	}
	if (!ev) {
		size_t before = queue_count(&p->model.queue);

		model_settle(&p->model, p->horizon_ns);
		return queue_count(&p->model.queue) != before;
	}
	model_settle(&p->model, ev->time_ns);
	look_for_oom(p, ev);
	if (ev->what != CN_EXEC) {
		model_apply(&p->model, ev, NULL, PEVENT_FROM_NONE);
	} else if (!apply_exec(p, ev)) {
		if (!p->stopping)
			return false;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		return true;
	}
	reorder_pop(&p->reorder);
	return true;
}

/* After the end: what still waits, as much as there is room for. */
static int drain_rest(struct pevent *p)
{
	int n = 0, sum = 0;

	while (has_room(p) && (n = loop_drain(p)) > 0)
		sum += n;
	return sum;
}

/* At the end: losses after which no event of their CPU came to show the gap. */
static bool tell_residue(struct pevent *p)
{
	uint64_t drops = p->drops_before + p->drops.total;

	if (!p->stopping || p->residue_told)
		return false;
	p->residue_told = true;
	if (drops <= p->sequence.lost)
		return false;
	model_report_lost(&p->model, PEVENT_SOURCE_CONNECTOR, UINT32_MAX, drops - p->sequence.lost,
			  clock_now(&p->clock));
	return true;
}

/* At the end of it all: the machine's totals; who is left, with what it used meanwhile. */
static bool tell_survivors(struct pevent *p)
{
	uint64_t now;

	if (!p->stopping || p->survivors_told)
		return false;
	p->survivors_told = true;
	p->has_machine_end = p->source->ops->machine(p->source, true, &p->machine_end, &now) == 0;
	if (!(p->config.snapshot & PEVENT_SNAPSHOT_END))
		return false;
	sampler_finish(p);
	model_snapshot(&p->model, true, clock_now(&p->clock));
	return true;
}

bool loop_advance(struct pevent *p)
{
	return advance(p) || (p->stopping && drain_rest(p) > 0) || tell_residue(p) ||
	       tell_survivors(p);
}

void loop_stop(struct pevent *p)
{
	p->stopping = true;
	p->source->ops->stop(p->source);
	(void)drain_rest(p);
	loop_await_packets(p);
	read_drops(p);
	/* What loss left wrong is set right for the last time. */
	if (p->scan.wanted && !p->clock.is_virtual) {
		strbuf_finish(&p->scan.records);	/* of a scan before the last loss */
		p->rescans += take_scan(p, false) == 0;
	}
	p->scan.wanted = false;
	p->horizon_ns = UINT64_MAX;
	network_tick(&p->model, UINT64_MAX, UINT64_MAX);
}

/* Who is there already; then the stream begins. */
int loop_begin(struct pevent *p)
{
	uint64_t now = clock_now(&p->clock);

	p->model.ns_per_tick = NSEC_PER_SEC / p->host.ticks_per_second;
	p->model.tick_ns = p->host.tick_ns ? p->host.tick_ns : p->model.ns_per_tick;
	p->model.tickless = p->host.tickless;
	p->model.cpus = p->host.cpus;
	p->model.records_since_ns = p->source->usage ? now : 0;
	p->model.delays_since_ns = p->source->delays_since_ns;
	p->model.network.is_on = p->source->network;
	p->model.network.has_notices = p->source->notices;
	p->model.network.has_records = p->source->records;
	p->model.network.has_lookups = p->source->lookups;
	p->model.network.flows.is_partial = p->config.interface;
	p->model.network.own = p->source->own_netns;
	p->model.network.begin_ns = p->model.network.now_ns = now;
	p->model.network.keeps_connections = p->config.want & PEVENT_WANT_CONNECTIONS;
	p->model.keeps_files = !p->source->network || (p->config.want & PEVENT_WANT_FILES);
	sync_clock(p);
	p->last_event_ns = now;
	/* Which sockets there are: the scan tells whose. */
	if (loop_drain_network(p) < 0)
		return -EIO;
	if (take_scan(p, true) < 0)
		return -EIO;
	sequence_finish(&p->sequence);	/* what passed before is not part of the run */
	model_report_start(&p->model, now);
	apply_scan(p, true);
	if (p->config.snapshot & PEVENT_SNAPSHOT_START)
		model_snapshot(&p->model, false, now);
	p->has_machine_begin = p->source->ops->machine(p->source, false, &p->machine_begin,
							 &now) == 0;
	sampler_init(&p->sampler, p->config.sample_ns, now);
	return 0;
}
