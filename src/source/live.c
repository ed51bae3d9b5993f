/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "live.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "delayacct.h"
#include "exec_reader.h"
#include "netlink.h"
#include "oom.h"
#include "record.h"
#include "taskstats.h"
#include "util/macro.h"

#define STOLEN_PAUSE_NS (20 * NSEC_PER_MSEC)	/* between two looks at what was stolen */
#define STOLEN_PAUSE_MAX_NS (NSEC_PER_SEC / 2)

struct live {
	struct source source;
	struct connector connector;
	struct taskstats taskstats;
	struct delayacct delayacct;
	struct network *network;	/* NULL: none */
	struct oom oom;
	struct connector_options connector_options;
	struct procfs fs;		/* of exec readers and later scans, */
	struct procfs sample_fs, first_fs;	/* samples, the first scan */
	struct exec_readers *readers;	/* NULL: the loop reads, late */
	struct recorder *recorder;	/* NULL: none */
	void *own_record;		/* read by the loop last */
	struct source_drops last_drops;
	uint64_t stolen_ns, stolen_due_ns;	/* as read last; due: next */
	bool has_ends;		/* exit records came since */
	const struct clock *clock;
	const struct log *log;

	/* While draining: whom connector_drain() is for, and when it began. */
	void (*fn)(void *, const struct cn_event *);
	void *data;
	uint64_t now_ns;
	void (*usage_fn)(void *, const struct taskstats_record *);	/* the same of records */
};

static struct live *live_of(struct source *s)
{
	return CONTAINER_OF(s, struct live, source);
}

static void take(void *data, const struct cn_event *ev, const void *raw, size_t len)
{
	struct live *l = data;

	if (l->recorder)
		recorder_netlink(l->recorder, l->now_ns, NETLINK_CONNECTOR, raw, len);
	l->fn(l->data, ev);
}

static void take_usage(void *data, const struct taskstats_record *record, const void *raw,
		       size_t len)
{
	struct live *l = data;

	l->has_ends = true;
	if (l->recorder)
		recorder_netlink(l->recorder, l->now_ns, NETLINK_GENERIC, raw, len);
	l->usage_fn(l->data, record);
}

static int live_drain(struct source *s, unsigned int max,
		      void (*fn)(void *, const struct cn_event *), void *data)
{
	struct live *l = live_of(s);
	int n;

	l->fn = fn;
	l->data = data;
	if (!l->network)
		l->now_ns = clock_now(l->clock);
	n = connector_drain(&l->connector, max, take, l);
	if (l->recorder && n >= 0) {
		int error = recorder_flush(l->recorder);

		return error < 0 ? error : n;
	}
	return n;
}

/* In a recording records carry the time of the drain that they belong to. */
static int live_drain_usage(struct source *s, void (*fn)(void *, const struct taskstats_record *),
			    void *data)
{
	struct live *l = live_of(s);

	if (!s->usage)
		return 0;
	l->usage_fn = fn;
	l->data = data;
	return taskstats_drain(&l->taskstats, take_usage, l);
}

/* A recorder is told first; what it keeps of a drain carries the time of its messages. */
static const struct network_fns *tee(struct live *l, const struct network_fns *fns, void **data,
				     struct recorder_tee *ret)
{
	if (!l->recorder)
		return fns;
	*ret = (struct recorder_tee){ .recorder = l->recorder, .fns = fns, .data = *data };
	*data = ret;
	return &recorder_tee_fns;
}

static void get_horizons(struct live *l)
{
	l->source.packets_until_ns = network_packets_until(l->network);
	l->source.records_until_ns = network_records_until(l->network);
	network_get_losses(l->network, &l->source.packets_lost, &l->source.notices_lost);
}

static int live_drain_network(struct source *s, const struct network_fns *fns, void *data)
{
	struct live *l = live_of(s);
	struct network_account account;
	struct recorder_tee both;
	int error;

	if (!l->network)
		return 0;
	l->now_ns = s->network_ns = clock_now(l->clock);
	fns = tee(l, fns, &data, &both);
	if (l->recorder)
		recorder_network_begin(l->recorder, l->now_ns);
	error = network_drain(l->network, fns, data);
	get_horizons(l);
	if (l->recorder) {
		network_get_account(l->network, &account);
		recorder_network_end(l->recorder, s->packets_until_ns, s->records_until_ns,
				     &account);
	}
	return error;
}

static int live_enter_network(struct source *s, uint32_t netns, int32_t pid,
			      const struct network_fns *fns, void *data)
{
	struct live *l = live_of(s);
	struct recorder_tee both;

	fns = tee(l, fns, &data, &both);
	return l->network ? network_enter(l->network, netns, pid, fns, data) : -ENOTSUP;
}

static void live_tell_sockets(struct source *s, const struct network_fns *fns, void *data)
{
	struct live *l = live_of(s);
	struct recorder_tee both;

	fns = tee(l, fns, &data, &both);
	if (l->network)
		network_tell_existing(l->network, fns, data);
}

static void live_leave_network(struct source *s, uint32_t netns, const struct network_fns *fns,
			       void *data)
{
	struct live *l = live_of(s);
	struct recorder_tee both;

	fns = tee(l, fns, &data, &both);
	if (l->network)
		network_leave(l->network, netns, fns, data);
}

static void live_close_usage(struct source *s)
{
	taskstats_close(&live_of(s)->taskstats);
	s->usage = false;
	s->usage_silent = true;
}

static int live_drops(struct source *s, struct source_drops *ret)
{
	struct live *l = live_of(s);
	struct source_drops drops = { 0 };
	int error = netlink_drops(l->connector.fd, &drops.total, &drops.queued);

	if (error == 0 && s->usage)
		error = netlink_drops(l->taskstats.fd, &drops.usage_total, &drops.usage_queued);
	if (error < 0)
		return error;
	if (l->recorder && (drops.total != l->last_drops.total ||
			    drops.usage_total != l->last_drops.usage_total))
		recorder_drops(l->recorder, clock_now(l->clock), &drops);
	l->last_drops = drops;
	*ret = drops;
	return 0;
}

static int live_scan(struct source *s, bool first, struct strbuf *ret, uint64_t *ret_begin,
		     uint64_t *ret_end)
{
	struct live *l = live_of(s);
	uint64_t begin = clock_now(l->clock);
	int error = procfs_scan(first ? &l->first_fs : &l->fs, ret);

	if (error < 0)
		return log_error(l->log, error, "/proc: %s", strerror(-error));
	*ret_begin = begin;
	*ret_end = clock_now(l->clock);
	if (l->recorder)
		recorder_scan(l->recorder, ret, *ret_begin, *ret_end);
	return 0;
}

static enum source_answer live_exec_get(struct source *s, uint32_t cpu, int32_t pid,
					uint64_t event_ns, const void **ret, size_t *ret_len)
{
	struct live *l = live_of(s);
	enum source_answer answer = SOURCE_RECORD;

	if (l->readers) {
		answer = exec_readers_get(l->readers, cpu, pid, event_ns, clock_now(l->clock), ret,
					  ret_len);
	} else {
		*ret_len = procfs_read(&l->fs, pid, event_ns, PROCFS_FROM_FILE, l->own_record);
		*ret = l->own_record;
	}
	if (answer == SOURCE_RECORD && l->recorder)
		recorder_exec(l->recorder, *ret, *ret_len);
	return answer;
}

static int live_sample(struct source *s, int32_t pid, bool last, const void **ret,
		       size_t *ret_len)
{
	struct live *l = live_of(s);
	struct procfs fs = l->sample_fs;

	if (s->wants_sockets)
		fs.mask |= PROC_FILE_MASK(PROC_FD);
	*ret_len = procfs_sample(&fs, pid, l->own_record);
	*ret = l->own_record;
	if (l->recorder)
		recorder_sample(l->recorder, last, *ret, *ret_len);
	return 0;
}

static int live_machine(struct source *s, _unused_ bool last, struct source_machine *ret,
			uint64_t *ret_ns)
{
	struct live *l = live_of(s);
	struct source_machine machine;
	int error = source_machine_read(l->fs.fd, &machine);

	if (error < 0)
		return error;
	*ret_ns = clock_now(l->clock);
	*ret = machine;
	if (l->recorder)
		recorder_machine(l->recorder, ret, *ret_ns);
	return 0;
}

/* Big machines print many interrupts there: a thousandth of a CPU's time, or twice a second. */
static void put_off_stolen(struct live *l, uint64_t cost_ns)
{
	const uint64_t pause = MAX(STOLEN_PAUSE_NS, 1000 * cost_ns);

	l->stolen_due_ns = clock_now(l->clock) + MIN(pause, STOLEN_PAUSE_MAX_NS);
	l->has_ends = false;
}

static int live_stolen(struct source *s, uint64_t since_ns, struct machine_stolen *ret)
{
	struct live *l = live_of(s);
	const bool first = l->stolen_due_ns == 0;
	struct machine_stolen sums = { .since_ns = since_ns };
	uint64_t cpu_ns;
	int error;

	if (!first && (!l->has_ends || clock_now(l->clock) < l->stolen_due_ns))
		return -EAGAIN;
	cpu_ns = clock_thread_cpu();
	error = source_machine_stolen(l->fs.fd, &sums);
	sums.time_ns = clock_now(l->clock);
	put_off_stolen(l, clock_thread_cpu() - cpu_ns);
	if (error < 0)
		return error;
	if (!first && sums.stolen_ns == l->stolen_ns)
		return -EAGAIN;
	l->stolen_ns = sums.stolen_ns;
	*ret = sums;
	if (l->recorder)
		recorder_stolen(l->recorder, ret);
	return 0;
}

static bool live_oom_killed(struct source *s, int32_t pid, uint64_t exit_ns)
{
	struct live *l = live_of(s);
	bool killed = oom_killed(&l->oom, pid, exit_ns);

	if (killed && l->recorder)
		recorder_oom(l->recorder, pid, exit_ns, clock_now(l->clock));
	return killed;
}

static int live_probe(struct source *s, struct source_probe *ret)
{
	struct live *l = live_of(s);
	struct source_probe probe = { .begin_ns = clock_now(l->clock) };

	probe.pid = connector_probe();
	if (probe.pid < 0)
		return probe.pid;
	probe.end_ns = clock_now(l->clock);
	if (l->recorder)
		recorder_probe(l->recorder, &probe);
	*ret = probe;
	return 0;
}

static int live_reopen(struct source *s, void (*fn)(void *, const struct cn_event *), void *data)
{
	struct live *l = live_of(s);
	int error;

	/* Whoever silenced it took our subscription away: withdrawing would take one more. */
	l->connector.listening = false;
	connector_close(&l->connector);
	l->fn = fn;
	l->data = data;
	l->now_ns = clock_now(l->clock);
	error = connector_open(&l->connector, &l->connector_options, l->log, take, l);
	s->fd = l->connector.fd;
	l->last_drops.total = l->last_drops.queued = 0;
	return error;
}

static void live_stop(struct source *s)
{
	struct live *l = live_of(s);

	connector_ignore(&l->connector);
	if (l->network)
		network_run_ends(l->network);
}

/* How a socket runs; strange: messages that were not the kernel's, or not understood. */
static void describe(char *to, size_t size, uint32_t buffer, uint64_t strange)
{
	int n = snprintf(to, size, "%u KiB of kernel memory", buffer >> 10);

	if (strange && n > 0 && (size_t)n < size)
		snprintf(to + n, size - (size_t)n, ", %llu messages not its own dropped",
			 (unsigned long long)strange);
}

static void live_account(const struct source *s, struct source_account *ret)
{
	static const char *const modes[] = {
		[PRIORITY_FIFO] = "SCHED_FIFO", [PRIORITY_NICE] = "nice -20, 0.1 ms slice",
		[PRIORITY_SLICE] = "0.1 ms slice", [PRIORITY_PLAIN] = "no priority",
	};
	const struct live *l = CONTAINER_OF(s, const struct live, source);

	*ret = (struct source_account){ .usage_active = s->usage,
					.usage_received = l->taskstats.received,
					.network = { .packets_state = "off",
						     .sockets_state = "off" } };
	if (l->network)
		network_get_account(l->network, &ret->network);
	describe(ret->connector, sizeof(ret->connector), l->connector.buffer,
		 l->connector.foreign + l->connector.malformed);
	if (s->usage)
		describe(ret->usage, sizeof(ret->usage), l->taskstats.buffer,
			 l->taskstats.foreign + l->taskstats.malformed);
	else
		snprintf(ret->usage, sizeof(ret->usage), "%s",
			 s->usage_silent ? SOURCE_USAGE_SILENT : "off: only what samples show");
	if (!l->readers) {
		snprintf(ret->exec_reader, sizeof(ret->exec_reader), "off: /proc is read late");
		return;
	}
	ret->exec_active = true;
	ret->exec_read = exec_readers_read(l->readers);
	snprintf(ret->exec_reader, sizeof(ret->exec_reader), "%u threads, %s",
		 exec_readers_count(l->readers), modes[exec_readers_mode(l->readers)]);
}

static void live_free(struct source *s)
{
	struct live *l = live_of(s);

	exec_readers_free(l->readers);
	connector_close(&l->connector);
	delayacct_restore(&l->delayacct);
	taskstats_close(&l->taskstats);
	network_free(l->network);
	oom_close(&l->oom);
	recorder_free(l->recorder);
	if (l->fs.fd >= 0)
		close(l->fs.fd);
	free(l->own_record);
	free(l);
}

static const struct source_ops live_ops = {
	.drain = live_drain,
	.drain_usage = live_drain_usage,
	.close_usage = live_close_usage,
	.drain_network = live_drain_network,
	.enter_network = live_enter_network,
	.leave_network = live_leave_network,
	.tell_sockets = live_tell_sockets,
	.sample = live_sample,
	.machine = live_machine,
	.stolen = live_stolen,
	.oom_killed = live_oom_killed,
	.drops = live_drops,
	.scan = live_scan,
	.exec_get = live_exec_get,
	.probe = live_probe,
	.reopen = live_reopen,
	.stop = live_stop,
	.account = live_account,
	.free = live_free,
};

static bool has_capability(unsigned int cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return false;
	return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

/* What an unprivileged run does not get. */
static void tell_limits(const struct live *l, int oom_error)
{
	if (l->connector.buffer < l->connector_options.buffer)
		log_warning(l->log, "process connector: only %u KiB to hold events that wait "
			    "(needs CAP_NET_ADMIN, or a higher net.core.rmem_max): more may be "
			    "lost under load", l->connector.buffer >> 10);
	if (!has_capability(CAP_SYS_PTRACE))
		log_warning(l->log, "/proc: executables of other users' programs cannot be read "
			    "(needs CAP_SYS_PTRACE)");
	if (oom_error < 0)
		log_warning(l->log, "/dev/kmsg: %s: kills for want of memory are not told from "
			    "others%s", strerror(-oom_error),
			    oom_error == -EPERM ? " (needs CAP_SYSLOG)" : "");
}

/* Tasks that were forked before it was switched on have none. */
static int count_delays(struct live *l, const struct live_options *options)
{
	int error = 0;

	if (options->delays)
		error = delayacct_on(&l->delayacct, l->fs.fd, options->connector.guard, l->log);
	if (error < 0)
		return error;
	/* Nobody knows since when it was on. */
	if (l->delayacct.changed || delayacct_is_on(l->fs.fd))
		l->source.delays_since_ns = clock_now(l->clock);
	return 0;
}

/* Before the connector: it may fork once. */
static int open_network(struct live *l, const struct live_options *options)
{
	struct network_options wanted = options->network_options;
	struct network_account account;
	int error;

	if (!options->network)
		return 0;
	wanted.recorder = l->recorder;
	error = network_open(&l->network, &wanted, l->clock, l->log);
	if (error < 0)
		return error;
	network_get_account(l->network, &account);
	l->source.network = account.captures;
	l->source.notices = account.notices_open;
	l->source.records = account.perf;
	l->source.lookups = account.lookups;
	l->source.network_fd = network_get_fd(l->network);
	l->source.own_netns = network_own(l->network);
	get_horizons(l);
	if (l->recorder)
		recorder_network(l->recorder, l->source.own_netns, &account);
	return 0;
}

static int open_all(struct live *l, const struct live_options *options)
{
	/* Ids are known from the parent and from events; only a scan has to ask for them. */
	struct procfs exec_fs = l->fs;
	int error, readers_error = 0, usage_error = 0;

	error = connector_check(l->log);
	if (error < 0)
		return error;
	l->fs.fd = procfs_open("/proc");
	if (l->fs.fd < 0)
		return log_error(l->log, l->fs.fd, "/proc: %s", strerror(-l->fs.fd));
	l->sample_fs.fd = l->first_fs.fd = l->fs.fd;
	l->own_record = malloc(procfs_record_max(&l->fs));
	if (!l->own_record)
		return -ENOMEM;
	/* Before the connector: every EXIT of the run has its record. Else samples remain. */
	if (options->usage)
		usage_error = taskstats_open(&l->taskstats, options->connector.buffer);
	l->source.usage = options->usage && usage_error == 0;
	error = count_delays(l, options);
	if (error < 0)
		return error;
	if (options->record_dir) {
		error = recorder_new(&l->recorder, options->record_dir, &l->source,
				     l->taskstats.family, l->clock, l->log);
		if (error < 0)
			return error;
	}
	error = open_network(l, options);
	if (error < 0)
		return error;
	exec_fs.fd = l->fs.fd;
	exec_fs.mask &= ~PROC_FILE_MASK(PROC_STATUS);
	/* First, so that no event comes before somebody reads; what it has to say comes later. */
	if (options->exec_readers)
		readers_error = exec_readers_new(&l->readers, &exec_fs);
	l->now_ns = clock_now(l->clock);
	error = connector_open(&l->connector, &options->connector, l->log, take, l);
	if (error < 0)
		return error;
	if (l->readers)
		exec_readers_tell(l->readers, l->log);
	else if (readers_error < 0)
		log_warning(l->log, "exec readers: %s: /proc is read late, command lines of short "
			    "programs are missed", strerror(-readers_error));
	if (usage_error < 0)
		taskstats_tell(usage_error, l->log);
	tell_limits(l, oom_open(&l->oom));
	l->source.fd = l->connector.fd;
	l->source.buffer = l->connector.buffer;
	return 0;
}

int live_new(struct source **ret, const struct live_options *options, const struct clock *clock,
	     const struct log *log, void (*fn)(void *, const struct cn_event *), void *data)
{
	struct live *l = calloc(1, sizeof(*l));
	int error;

	if (!l)
		return -ENOMEM;
	*l = (struct live){
		.source = { .ops = &live_ops, .fd = -1, .network_fd = -1,
			    .delays_since_ns = UINT64_MAX },
		.connector = { .fd = -1 },
		.connector_options = options->connector,
		.oom = { .fd = -1 },
		.fs = { .fd = -1, .mask = options->proc_files, .args_max = options->args_max,
			.clock = clock },
		.clock = clock, .log = log, .fn = fn, .data = data,
	};
	l->sample_fs = l->first_fs = l->fs;
	l->sample_fs.mask = PROC_FILE_MASK(PROC_STAT) | options->sample_files;
	l->first_fs.mask |= options->sample_files;
	/* Who has which sockets at the start; later, where they are. */
	if (options->network) {
		l->first_fs.mask |= PROC_FILE_MASK(PROC_FD);
		l->sample_fs.mask |= PROC_FILE_MASK(PROC_NETNS);
	}
	error = open_all(l, options);
	if (error < 0) {
		live_free(&l->source);
		return error;
	}
	*ret = &l->source;
	return 0;
}
