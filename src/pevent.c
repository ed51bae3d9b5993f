/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The public header's implementation: the loop that drains the source each tick, brings its facts
 * into order, joins them with what the exec readers fetched, and hands the model's events over.
 */
#include "pevent/pevent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "model/model.h"
#include "model/reorder.h"
#include "model/sequence.h"
#include "source/live.h"
#include "source/replay.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/macro.h"

#define TICK_US 5000
#define RECEIVE_BUFFER (64u << 20)
#define ARGS_MAX (32u << 10)
#define ARGS_LIMIT (128u << 10)
#define TABLE_MAX 262144
#define WATCHDOG_S 30
#define DRAIN_MAX 65536		/* events taken in at a time */
#define PROBE_ANSWER_NS NSEC_PER_SEC
#define PROBE_TAIL_NS (NSEC_PER_SEC / 10)	/* its EXIT may follow its reaping */
#define RESCAN_PAUSE_NS (NSEC_PER_SEC / 5)

struct probe {
	struct source_probe child;
	bool pending, forked;		/* sent and not answered; its FORK was seen */
};

/* A scan of /proc that waits for the facts that are older than it. */
struct scan {
	bool wanted, taken;
	struct strbuf records;
	uint64_t begin_ns, end_ns;
};

struct pevent {
	struct pevent_config config;
	struct log log;
	struct clock clock;
	struct pevent_host host;
	struct source *source;		/* NULL: no input yet */
	char *record_dir;
	struct model model;
	struct reorder reorder;
	struct sequence sequence;
	struct source_drops drops;
	struct probe probe;
	struct scan scan;
	uint64_t horizon_ns;		/* facts up to here are in order */
	uint64_t last_event_ns, last_scan_ns;
	uint64_t drops_before;		/* of sockets that the watchdog replaced */
	uint64_t received, refused, lost_output, dispatches, queue_peak, rescans;
	int epoll_fd, timer_fd, ready_fd;
	bool busy;			/* draining by the timer, not by poll */
	bool stopping, residue_told;
};

static int check_config(struct pevent_config *ret, const struct pevent_config *config)
{
	struct pevent_config c = PEVENT_CONFIG_INIT;

	if (config) {
		if (config->size != sizeof(c))
			return -EINVAL;
		c = *config;
	}
	c.tick_us = c.tick_us ? c.tick_us : TICK_US;
	c.receive_buffer = c.receive_buffer ? c.receive_buffer : RECEIVE_BUFFER;
	c.args_max = c.args_max ? c.args_max : ARGS_MAX;
	c.table_max = c.table_max ? c.table_max : TABLE_MAX;
	c.watchdog_s = c.watchdog_s ? c.watchdog_s : WATCHDOG_S;
	if (c.tick_us > 1000000 || c.args_max > ARGS_LIMIT)
		return -EINVAL;
	*ret = c;
	return 0;
}

static int open_descriptors(struct pevent *p)
{
	struct epoll_event timer = { .events = EPOLLIN }, ready = { .events = EPOLLIN };

	p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	p->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	p->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->epoll_fd < 0 || p->timer_fd < 0 || p->ready_fd < 0 ||
	    epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->timer_fd, &timer) < 0 ||
	    epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->ready_fd, &ready) < 0)
		return -errno;
	return 0;
}

_public_ int pevent_new(struct pevent **ret, const struct pevent_config *config)
{
	struct pevent *p = calloc(1, sizeof(*p));
	int error;

	if (!p)
		return -ENOMEM;
	p->epoll_fd = p->timer_fd = p->ready_fd = -1;
	error = check_config(&p->config, config);
	if (error == 0)
		error = open_descriptors(p);
	if (error == 0)
		error = reorder_init(&p->reorder);
	if (error == 0)
		error = model_init(&p->model, p->config.table_max, 100);
	if (error < 0) {
		pevent_free(p);
		return error;
	}
	*ret = p;
	return 0;
}

_public_ struct pevent *pevent_free(struct pevent *p)
{
	if (!p)
		return NULL;
	if (p->source)
		p->source->ops->free(p->source);
	model_finish(&p->model);
	reorder_finish(&p->reorder);
	sequence_finish(&p->sequence);
	strbuf_finish(&p->scan.records);
	close_p(&p->epoll_fd);
	close_p(&p->timer_fd);
	close_p(&p->ready_fd);
	free(p->record_dir);
	free(p);
	return NULL;
}

_public_ void pevent_set_log(struct pevent *p, pevent_log_fn fn, void *data)
{
	/* Same signature but for the enumeration's name. */
	p->log.fn = (void (*)(void *, int, const char *))(void (*)(void))fn;
	p->log.data = data;
}

_public_ int pevent_record_to(struct pevent *p, const char *dir)
{
	char *copy = strdup(dir);

	if (!copy || p->source) {
		free(copy);
		return p->source ? -EBUSY : -ENOMEM;
	}
	free(p->record_dir);
	p->record_dir = copy;
	return 0;
}

_public_ int pevent_set_filter(struct pevent *p, const struct pevent_filter *filter)
{
	int error;

	if (filter->size != sizeof(*filter))
		return -EINVAL;
	error = filter_set(&p->model.filter, filter, &p->log);
	if (error == 0)
		model_filter_changed(&p->model);
	return error;
}

_public_ int pevent_follow(struct pevent *p, pid_t pid)
{
	return filter_follow(&p->model.filter, pid);
}

/* The next wake-up by the timer; 0 seconds and nanoseconds would disarm it. */
static void arm_timer(struct pevent *p, uint64_t delay_ns)
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
}

/*
 * Under load the timer wakes the loop, not each event: that would cost 3-10 times the CPU. When a
 * tick found nothing and nothing is held, the socket's first event does, or the watchdog's time.
 */
static void set_pace(struct pevent *p, bool found)
{
	bool busy = found || reorder_count(&p->reorder) || p->scan.wanted || p->probe.pending;

	if (p->clock.is_virtual)
		return;
	if (busy != p->busy)
		watch_source(p, !busy);
	p->busy = busy;
	arm_timer(p, busy ? p->config.tick_us * NSEC_PER_USEC : p->config.watchdog_s * NSEC_PER_SEC);
}

static bool is_probe(struct pevent *p, const struct cn_event *ev)
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
		p->probe = (struct probe){ 0 };
		return true;
	}
	return false;
}

static void hold(struct pevent *p, const struct cn_event *ev)
{
	if (reorder_add(&p->reorder, ev) < 0)
		p->refused++;
}

/* Each event as it comes out of the socket. */
static void ingest(void *data, const struct cn_event *ev)
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
	if (ev->what == CN_NONE)
		return;
	p->received++;
	if (!is_probe(p, ev))
		hold(p, ev);
}

static void sync_clock(struct pevent *p)
{
	p->model.realtime_offset_ns = clock_realtime_offset(&p->clock);
	p->model.boottime_offset_ns = clock_boottime_offset(&p->clock);
}

/* Records of a scan into the model, all facts before it having been applied. */
static void apply_scan(struct pevent *p, bool first)
{
	struct strbuf *b = &p->scan.records;
	struct proc_facts facts;
	uint32_t len;

	model_scan_begin(&p->model);
	for (size_t at = 0; at + sizeof(len) <= b->len; at += sizeof(len) + len) {
		len = load_u32(b->data + at);
		if (proc_read_decode(b->data + at + sizeof(len), len, &facts) == 0)
			model_scan_found(&p->model, &facts, first);
	}
	model_scan_end(&p->model, p->scan.begin_ns, p->scan.end_ns, first);
	strbuf_finish(b);
	p->scan.taken = false;
	p->last_scan_ns = p->scan.end_ns;
}

static int take_scan(struct pevent *p)
{
	int error;

	p->scan.wanted = false;
	error = p->source->ops->scan(p->source, &p->scan.records, &p->scan.begin_ns,
				     &p->scan.end_ns);
	if (error < 0)
		strbuf_finish(&p->scan.records);
	p->scan.taken = error == 0;
	return error;
}

/* What loss left wrong in the table, /proc sets right; not while the storm still rages. */
static void rescan(struct pevent *p, uint64_t now, bool drained)
{
	if (!p->scan.wanted || p->scan.taken || !drained ||
	    now < p->last_scan_ns + RESCAN_PAUSE_NS)
		return;
	p->rescans++;
	(void)take_scan(p);
}

static void read_drops(struct pevent *p)
{
	struct source_drops drops;

	if (p->source->ops->drops(p->source, &drops) < 0)
		return;
	if (drops.total != p->drops.total)
		p->scan.wanted = true;
	p->drops = drops;
	p->queue_peak = MAX(p->queue_peak, (uint64_t)drops.queued);
}

static int send_probe(struct pevent *p)
{
	struct source_probe child;
	int error = p->source->ops->probe(p->source, &child);

	if (error == 0)
		p->probe = (struct probe){ .child = child, .pending = true };
	return error;
}

/*
 * Another program can silence every listener on the machine (it withdraws more often than it
 * subscribes), so silence is not believed: a child of our own must be seen, or the socket is
 * replaced. The sequence numbers then tell what was missed.
 */
static void watch(struct pevent *p, uint64_t now)
{
	uint64_t quiet = p->config.watchdog_s * NSEC_PER_SEC;
	int error;

	if (p->clock.is_virtual || p->stopping)
		return;
	if (!p->probe.pending) {
		if (now - p->last_event_ns >= quiet && now - p->probe.child.end_ns >= quiet)
			(void)send_probe(p);
		return;
	}
	if (now - p->probe.child.end_ns < PROBE_ANSWER_NS)
		return;
	log_warning(&p->log, "process connector: silent, and a test process was not seen: "
		    "subscribing anew");
	p->probe = (struct probe){ .child = { .end_ns = now } };
	p->drops_before += p->drops.total;
	p->drops = (struct source_drops){ 0 };
	error = p->source->ops->reopen(p->source, ingest, p);
	if (error == 0) {
		struct epoll_event ev = { .events = 0 };

		(void)epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->source->fd, &ev);
		p->busy = true;
		model_report_lost(&p->model, PEVENT_SOURCE_CONNECTOR, UINT32_MAX, 0, now);
	}
	p->scan.wanted = true;
	p->last_event_ns = now;
}

_public_ int pevent_dispatch(struct pevent *p)
{
	uint64_t expirations, now;
	int n = 0;

	if (!p->source)
		return -ENODEV;
	p->dispatches++;
	(void)!read(p->timer_fd, &expirations, sizeof(expirations));
	if (p->clock.is_virtual && !p->probe.pending)
		(void)send_probe(p);
	if (reorder_count(&p->reorder) + DRAIN_MAX <= REORDER_MAX)
		n = p->source->ops->drain(p->source, DRAIN_MAX, ingest, p);
	now = clock_now(&p->clock);
	sync_clock(p);
	if (n > 0)
		p->last_event_ns = now;
	read_drops(p);
	p->horizon_ns = n == -ENODATA ? UINT64_MAX : now - REORDER_WINDOW_NS;
	rescan(p, now, n >= 0 && n < DRAIN_MAX);
	watch(p, now);
	set_pace(p, n > 0);
	return n < 0 ? n : 0;
}

/* EXEC waits for what its reader fetched; true when it is applied. */
static bool apply_exec(struct pevent *p, const struct cn_event *ev)
{
	struct proc_facts facts;
	const void *record;
	size_t len;
	enum source_answer answer = p->source->ops->exec_get(p->source, ev->cpu, ev->tgid,
							     ev->time_ns, &record, &len);
	bool good;

	if (answer == SOURCE_WAIT)
		return false;
	good = answer == SOURCE_RECORD && proc_read_decode(record, len, &facts) == 0;
	model_apply(&p->model, ev, good ? &facts : NULL,
		    p->config.no_exec_readers ? PEVENT_FROM_PROC : PEVENT_FROM_EXEC_READER);
	return true;
}

/* The next fact into the model; false: none is due. */
static bool advance(struct pevent *p)
{
	const struct cn_event *ev = reorder_peek(&p->reorder, p->horizon_ns);

	if (p->scan.taken && (ev ? ev->time_ns > p->scan.end_ns
				 : p->horizon_ns >= p->scan.end_ns)) {
		apply_scan(p, false);
		return true;
	}
	if (!ev)
		return false;
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

_public_ int pevent_next(struct pevent *p, const struct pevent_event **ret)
{
	const struct pevent_event *ev;

	if (!p->source)
		return -ENODEV;
	while (!(ev = queue_take(&p->model.queue)))
		if (!advance(p) && !tell_residue(p))
			return 0;
	*ret = ev;
	return 1;
}

_public_ int pevent_stop(struct pevent *p)
{
	int n;

	if (!p->source)
		return -ENODEV;
	if (p->stopping)
		return 0;
	p->stopping = true;
	p->source->ops->stop(p->source);
	do
		n = p->source->ops->drain(p->source, REORDER_MAX, ingest, p);
	while (n > 0 && reorder_count(&p->reorder) < REORDER_MAX);
	read_drops(p);
	p->scan.wanted = false;
	p->horizon_ns = UINT64_MAX;
	return 0;
}

_public_ int pevent_add_lost(struct pevent *p, enum pevent_source source, uint64_t count)
{
	if ((unsigned int)source >= PEVENT_SOURCE_COUNT)
		return -EINVAL;
	if (source == PEVENT_SOURCE_OUTPUT)
		p->lost_output += count;
	model_report_lost(&p->model, source, UINT32_MAX, count, clock_now(&p->clock));
	return 0;
}

static unsigned int files_wanted(unsigned int want)
{
	unsigned int files = PROC_FILE_MASK(PROC_STAT) | PROC_FILE_MASK(PROC_CMDLINE);

	if (want & PEVENT_WANT_EXE)
		files |= PROC_FILE_MASK(PROC_EXE);
	if (want & PEVENT_WANT_STATUS)
		files |= PROC_FILE_MASK(PROC_STATUS);
	if (want & PEVENT_WANT_CWD)
		files |= PROC_FILE_MASK(PROC_CWD);
	if (want & PEVENT_WANT_CGROUP)
		files |= PROC_FILE_MASK(PROC_CGROUP);
	if (want & PEVENT_WANT_LOGINUID)
		files |= PROC_FILE_MASK(PROC_LOGINUID);
	return files;
}

static void read_host(struct pevent_host *host)
{
	struct utsname u;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f) {
		(void)!fread(host->boot_id, 1, sizeof(host->boot_id) - 1, f);
		fclose(f);
	}
	if (uname(&u) == 0) {
		snprintf(host->nodename, sizeof(host->nodename), "%s", u.nodename);
		snprintf(host->release, sizeof(host->release), "%s", u.release);
		snprintf(host->machine, sizeof(host->machine), "%s", u.machine);
	}
	host->ticks_per_second = (uint32_t)MAX(sysconf(_SC_CLK_TCK), 1);
	host->cpus = (uint32_t)MAX(sysconf(_SC_NPROCESSORS_CONF), 1);
}

/* Who is there already; then the stream begins. */
static int begin(struct pevent *p)
{
	uint64_t now = clock_now(&p->clock);

	p->model.ns_per_tick = NSEC_PER_SEC / p->host.ticks_per_second;
	sync_clock(p);
	p->last_event_ns = now;
	model_report_start(&p->model, now);
	if (take_scan(p) < 0)
		return -EIO;
	apply_scan(p, true);
	return 0;
}

/* A child of our own must be seen, or nothing that follows can be believed. */
static int self_test(struct pevent *p)
{
	uint64_t until = clock_now(&p->clock) + PROBE_ANSWER_NS;
	int error = send_probe(p);

	while (error >= 0 && p->probe.pending && clock_now(&p->clock) < until) {
		error = p->source->ops->drain(p->source, DRAIN_MAX, ingest, p);
		if (p->probe.pending)
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	if (error < 0)
		return log_error(&p->log, error, "self-test: %s", strerror(-error));
	if (p->probe.pending)
		return log_error(&p->log, -EIO, "self-test: a process of our own was not seen: "
				 "another program silences the process connector");
	return 0;
}

_public_ int pevent_add_live(struct pevent *p)
{
	const struct live_options options = {
		.connector = { .buffer = p->config.receive_buffer, .guard = !p->config.no_guard },
		.proc_files = files_wanted(p->config.want),
		.args_max = p->config.args_max,
		.exec_readers = !p->config.no_exec_readers,
		.record_dir = p->record_dir,
	};
	struct epoll_event ev = { .events = EPOLLIN };
	int error;

	if (p->source)
		return -EBUSY;
	read_host(&p->host);
	error = live_new(&p->source, &options, &p->clock, &p->log, ingest, p);
	if (error < 0)
		return error;
	if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->source->fd, &ev) < 0)
		error = -errno;
	if (error == 0)
		error = begin(p);
	if (error == 0)
		error = self_test(p);
	if (error < 0) {
		p->source->ops->free(p->source);
		p->source = NULL;
		return error;
	}
	arm_timer(p, NSEC_PER_USEC);
	return 0;
}

_public_ int pevent_add_recording(struct pevent *p, const char *dir)
{
	uint64_t one = 1;
	int error;

	if (p->source)
		return -EBUSY;
	error = replay_new(&p->source, dir, &p->clock, &p->host, &p->log);
	if (error < 0)
		return error;
	(void)!write(p->ready_fd, &one, sizeof(one));	/* it always has work, until its end */
	error = begin(p);
	if (error < 0)
		return log_error(&p->log, error, "%s: holds no scan of /proc", dir);
	return 0;
}

_public_ int pevent_get_fd(const struct pevent *p)
{
	return p->epoll_fd;
}

_public_ void pevent_get_host(const struct pevent *p, struct pevent_host *ret)
{
	*ret = p->host;
}

_public_ void pevent_get_stats(const struct pevent *p, struct pevent_stats *ret)
{
	struct pevent_source_stats *s = ret->source;
	struct source_account account = { .connector = "not open", .exec_reader = "not open" };

	*ret = (struct pevent_stats){
		.processes = process_count(&p->model.table), .processes_peak = p->model.table.peak,
		.rescans = p->rescans, .dispatches = p->dispatches,
		.receive_queue_peak = p->queue_peak,
	};
	memcpy(ret->events, p->model.events, sizeof(ret->events));
	if (p->source)
		p->source->ops->account(p->source, &account);

	s[PEVENT_SOURCE_CONNECTOR].active = p->source;
	s[PEVENT_SOURCE_CONNECTOR].received = p->received;
	s[PEVENT_SOURCE_CONNECTOR].lost = p->refused + MAX(p->sequence.lost,
							   p->drops_before + p->drops.total);
	memcpy(s[PEVENT_SOURCE_CONNECTOR].state, account.connector, sizeof(account.connector));
	s[PEVENT_SOURCE_EXEC_READER].active = account.exec_active;
	s[PEVENT_SOURCE_EXEC_READER].received = account.exec_read;
	s[PEVENT_SOURCE_EXEC_READER].lost = p->model.exec_missed;
	memcpy(s[PEVENT_SOURCE_EXEC_READER].state, account.exec_reader,
	       sizeof(account.exec_reader));
	s[PEVENT_SOURCE_PROC].active = p->source;
	s[PEVENT_SOURCE_PROC].received = p->model.learnt;
	s[PEVENT_SOURCE_TABLE].active = p->source;
	s[PEVENT_SOURCE_TABLE].received = p->model.table.peak;
	s[PEVENT_SOURCE_TABLE].lost = p->model.evicted;
	s[PEVENT_SOURCE_OUTPUT].active = true;
	s[PEVENT_SOURCE_OUTPUT].lost = p->lost_output;
}
