/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The public header's implementation: contexts, their configuration, their account. */
#include "pevent/pevent.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop.h"
#include "model/network.h"
#include "source/live.h"
#include "source/replay.h"
#include "util/macro.h"

#define TICK_US 5000
#define RECEIVE_BUFFER (64u << 20)
#define ARGS_MAX (32u << 10)
#define ARGS_LIMIT (128u << 10)
#define TABLE_MAX 262144
#define WATCHDOG_S 30

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
	/* Remote hosts choose ports: nobody is to know which of them would collide. */
	(void)!getrandom(&p->model.network.flows.seed, sizeof(p->model.network.flows.seed),
			 GRND_NONBLOCK);
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

static void pass_on(void *data, int level, const char *message)
{
	struct pevent *p = data;

	p->log_fn(p->log_data, (enum pevent_log_level)level, message);
}

_public_ void pevent_set_log(struct pevent *p, pevent_log_fn fn, void *data)
{
	p->log_fn = fn;
	p->log_data = data;
	p->log = (struct log){ .fn = fn ? pass_on : NULL, .data = p };
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

_public_ int pevent_dispatch(struct pevent *p)
{
	return p->source ? loop_dispatch(p) : -ENODEV;
}

_public_ int pevent_next(struct pevent *p, const struct pevent_event **ret)
{
	const struct pevent_event *ev;

	if (!p->source)
		return -ENODEV;
	while (!(ev = network_take(&p->model)))
		if (!loop_advance(p)) {
			ev = network_take_again(&p->model);
			break;
		}
	*ret = ev;
	return ev != NULL;
}

_public_ int pevent_stop(struct pevent *p)
{
	if (!p->source)
		return -ENODEV;
	if (!p->stopping)
		loop_stop(p);
	return 0;
}

_public_ int pevent_add_lost(struct pevent *p, enum pevent_source source, uint64_t count)
{
	if ((unsigned int)source >= PEVENT_SOURCE_COUNT)
		return -EINVAL;
	if (source == PEVENT_SOURCE_OUTPUT)
		p->lost_output += count;
	loop_add_lost(p, source, count);
	return 0;
}

static unsigned int files_wanted(const struct pevent_config *config)
{
	const unsigned int want = config->want;
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
	if (want & PEVENT_WANT_FILES)
		files |= PROC_FILE_MASK(PROC_FD) | PROC_FILE_MASK(PROC_FD_COUNT);
	if (!config->no_network)
		files |= PROC_FILE_MASK(PROC_NETNS);
	return files;
}

/* Samples; and the first scan, which tells what processes had used before the run. */
static unsigned int sample_files(unsigned int want)
{
	unsigned int files = PROC_FILE_MASK(PROC_STATUS) | PROC_FILE_MASK(PROC_OOM_SCORE) |
			     PROC_FILE_MASK(PROC_TASKS) | PROC_FILE_MASK(PROC_FD_COUNT);

	if (want & PEVENT_WANT_FILES)
		files |= PROC_FILE_MASK(PROC_FD);
	if (want & PEVENT_WANT_CGROUP)
		files |= PROC_FILE_MASK(PROC_CGROUP);
	if (want & PEVENT_WANT_LOGINUID)
		files |= PROC_FILE_MASK(PROC_LOGINUID);
	return files;
}

static enum network_owner network_owner(enum pevent_owner owner)
{
	return owner == PEVENT_OWNER_PERF ? NETWORK_OWNER_PERF :
	       owner == PEVENT_OWNER_DIAG ? NETWORK_OWNER_DIAG : NETWORK_OWNER_AUTO;
}

/* An input that failed on its first steps leaves room for another. */
static void close_input(struct pevent *p)
{
	p->source->ops->free(p->source);
	p->source = NULL;
	p->clock = (struct clock){ 0 };
}

static int watch_network(struct pevent *p)
{
	struct epoll_event ev = { .events = EPOLLIN };

	if (p->source->network_fd >= 0 &&
	    epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->source->network_fd, &ev) < 0)
		return -errno;
	return 0;
}

_public_ int pevent_add_live(struct pevent *p)
{
	const struct live_options options = {
		.connector = { .buffer = p->config.receive_buffer, .guard = !p->config.no_guard },
		.proc_files = files_wanted(&p->config),
		.sample_files = sample_files(p->config.want),
		.usage = !p->config.no_taskstats,
		.network = !p->config.no_network,
		.network_options = { .interface = p->config.interface,
				     .owner = network_owner(p->config.owner),
				     .buffer = p->config.receive_buffer, .realtime = true },
		.delays = p->config.delay_accounting,
		.args_max = p->config.args_max,
		.exec_readers = !p->config.no_exec_readers,
		.record_dir = p->record_dir,
	};
	struct epoll_event ev = { .events = EPOLLIN };
	int error;

	if (p->source)
		return -EBUSY;
	source_host_read(&p->host);
	error = live_new(&p->source, &options, &p->clock, &p->log, loop_ingest, p);
	if (error < 0)
		return error;
	if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->source->fd, &ev) < 0)
		error = -errno;
	if (error == 0)
		error = watch_network(p);
	if (error == 0)
		error = loop_begin(p);
	if (error == 0)
		error = loop_self_test(p);
	if (error < 0) {
		close_input(p);
		return error;
	}
	loop_arm(p, NSEC_PER_USEC);
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
	error = loop_begin(p);
	if (error < 0) {
		close_input(p);
		return log_error(&p->log, error, "%s: holds no scan of /proc", dir);
	}
	(void)!write(p->ready_fd, &one, sizeof(one));	/* it always has work, until its end */
	return 0;
}

_public_ int pevent_get_fd(const struct pevent *p)
{
	return p->epoll_fd;
}

_public_ void pevent_get_host(const struct pevent *p, struct pevent_host *ret)
{
	*ret = (struct pevent_host){ .ticks_per_second = p->host.ticks_per_second,
				     .cpus = p->host.cpus, .replay = p->clock.is_virtual };
	memcpy(ret->nodename, p->host.nodename, sizeof(ret->nodename));
	memcpy(ret->release, p->host.release, sizeof(ret->release));
	memcpy(ret->machine, p->host.machine, sizeof(ret->machine));
	memcpy(ret->boot_id, p->host.boot_id, sizeof(ret->boot_id));
}

static struct pevent_machine get_machine(const struct pevent *p)
{
	const struct source_machine *begin = &p->machine_begin, *end = &p->machine_end;

	if (!p->has_machine_begin || !p->has_machine_end)
		return (struct pevent_machine){ .known = false };
	return (struct pevent_machine){
		.known = true, .cpu_busy_ns = end->cpu_busy_ns - begin->cpu_busy_ns,
		.cpu_idle_ns = end->cpu_idle_ns - begin->cpu_idle_ns,
		.memory_total = end->memory_total, .memory_available = end->memory_available,
		.load = { end->load[0], end->load[1], end->load[2] },
	};
}

/* Records that were lost, or that the kernel had no memory for: nobody else tells of these. */
static void tell_missing(const struct pevent *p, char *state, size_t size)
{
	size_t len = strlen(state);

	if (p->model.records_missed)
		snprintf(state + len, size - len, ", threads without a record: %llu",
			 (unsigned long long)p->model.records_missed);
}

static void get_network(const struct pevent *p, const struct network_account *account,
			struct pevent_stats *ret)
{
	struct pevent_source_stats *packets = &ret->source[PEVENT_SOURCE_PACKETS];
	struct pevent_source_stats *sockets = &ret->source[PEVENT_SOURCE_SOCKETS];

	packets->active = p->source && p->source->network;
	packets->received = account->packets;
	packets->lost = p->packets_lost;
	memcpy(packets->state, account->packets_state, sizeof(packets->state));
	sockets->active = packets->active && (account->perf || account->lookups);
	sockets->received = account->records + account->notices;
	sockets->lost = p->records_lost + p->sockets_lost;
	memcpy(sockets->state, account->sockets_state, sizeof(sockets->state));
	network_get_stats(&p->model, &ret->network);
	ret->network.other_packets = account->other_packets;
	ret->network.skipped_packets = account->skipped_packets;
	ret->network.namespaces = account->namespaces;
	ret->network.namespaces_peak = account->namespaces_peak;
	ret->network.namespaces_refused = account->namespaces_refused;
}

_public_ void pevent_get_stats(const struct pevent *p, struct pevent_stats *ret)
{
	struct pevent_source_stats *s = ret->source;
	struct source_account account = { .connector = "not open", .exec_reader = "not open",
					  .usage = "not open",
					  .network = { .packets_state = "off",
						       .sockets_state = "off" } };

	*ret = (struct pevent_stats){
		.processes = process_count(&p->model.table), .processes_peak = p->model.table.peak,
		.rescans = p->rescans, .dispatches = p->dispatches,
		.receive_queue_peak = p->queue_peak, .samples = p->model.samples,
	};
	memcpy(ret->events, p->model.events, sizeof(ret->events));
	ret->machine = get_machine(p);
	if (p->source)
		p->source->ops->account(p->source, &account);

	s[PEVENT_SOURCE_CONNECTOR].active = p->source;
	s[PEVENT_SOURCE_CONNECTOR].received = p->received;
	s[PEVENT_SOURCE_CONNECTOR].lost = p->refused + p->model.queue.refused +
		MAX(p->sequence.lost, p->drops_before + p->drops.total);
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
	s[PEVENT_SOURCE_TASKSTATS].active = account.usage_active && p->model.records_since_ns;
	s[PEVENT_SOURCE_TASKSTATS].received = account.usage_received;
	s[PEVENT_SOURCE_TASKSTATS].lost = p->drops.usage_total + p->model.records.evicted;
	memcpy(s[PEVENT_SOURCE_TASKSTATS].state, account.usage, sizeof(account.usage));
	tell_missing(p, s[PEVENT_SOURCE_TASKSTATS].state,
		     sizeof(s[PEVENT_SOURCE_TASKSTATS].state));
	s[PEVENT_SOURCE_SAMPLER].active = p->source && p->sampler.interval_ns;
	get_network(p, &account.network, ret);
	s[PEVENT_SOURCE_SAMPLER].received = p->model.samples;
}
