/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "cli/diag.h"
#include "cli/session.h"
#include "util/macro.h"

/* How long the exit event of the command may come after its end. */
#define COMMAND_GRACE_NS (50 * NSEC_PER_MSEC)

static void on_log(void *data, enum pevent_log_level level, const char *message)
{
	struct session *s = data;

	if (level == PEVENT_LOG_DEBUG)
		return;
	diag(NULL, "%s", message);
	s->logged |= level == PEVENT_LOG_ERROR;
}

/* The library names its errors and their cure itself. */
static int failed(struct session *s, const char *what, int error, int status)
{
	if (!s->logged)
		diag_errno(what, error);
	return status;
}

/*
 * Under nohup SIGHUP stays ignored; the others end a run always, also that of a script's background
 * job, which has INT and QUIT ignored. Before any thread exists, so that all have the mask.
 */
static int catch_signals(struct session *s)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction old;
	sigset_t mask;

	sigemptyset(&mask);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (signals[i] != SIGHUP ||
		    (!sigaction(SIGHUP, NULL, &old) && old.sa_handler != SIG_IGN))
			sigaddset(&mask, signals[i]);
	sigprocmask(SIG_BLOCK, &mask, &s->old_mask);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, &old);
	s->reset_pipe = old.sa_handler != SIG_IGN;
	s->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return s->signal_fd < 0 || s->timer_fd < 0 ? -errno : 0;
}

/* The command's summary is of all its processes, whatever is shown. */
#define SUMMARIZED (PEVENT_MASK(PEVENT_FORK) | PEVENT_MASK(PEVENT_EXEC) | \
		    PEVENT_MASK(PEVENT_EXIT) | PEVENT_MASK(PEVENT_SNAPSHOT))

/* Statistics of what was used are of all that the other filters let through. */
#define COUNTED (PEVENT_MASK(PEVENT_EXIT) | PEVENT_MASK(PEVENT_CLOSE) | \
		 PEVENT_MASK(PEVENT_SNAPSHOT))

static int set_filter(struct session *s)
{
	const struct options *o = s->options;
	struct pevent_filter filter = {
		.size = sizeof(filter),
		.types = o->types,
		.silent = o->statistics ? COUNTED : 0,
		.followed = o->command ? SUMMARIZED : 0,
		.pgrps = o->pgrps.items,
		.n_pgrps = o->pgrps.n,
		.pids = o->pids.items,
		.n_pids = o->pids.n,
		.uids = o->uids.items,
		.n_uids = o->uids.n,
		.regexes = o->regexes.items,
		.n_regexes = o->regexes.n,
		.cgroups = o->cgroups.items,
		.n_cgroups = o->cgroups.n,
		.failed = o->failed,
		.longer_than_ns = o->longer_than_ns,
	};

	return pevent_set_filter(s->p, &filter);
}

/* Statistics and the command's summary count the survivors, too, shown or not. */
static unsigned int choose_snapshots(const struct options *o)
{
	if (o->snapshot && !o->command)		/* of a command nothing is there at the start */
		return PEVENT_SNAPSHOT_START | PEVENT_SNAPSHOT_END;
	/* And a replay may be asked for either. */
	return o->snapshot || o->statistics || o->command || o->directory ? PEVENT_SNAPSHOT_END : 0;
}

static struct pevent_config make_config(const struct options *o, unsigned int want)
{
	struct pevent_config config = PEVENT_CONFIG_INIT;

	if (o->uids.n)
		want |= PEVENT_WANT_STATUS;
	if (o->cgroups.n)
		want |= PEVENT_WANT_CGROUP;
	if (o->regexes.n || o->statistics || o->command)
		want |= PEVENT_WANT_EXE;
	if (o->statistics)
		want |= PEVENT_WANT_STATUS | PEVENT_WANT_CGROUP | PEVENT_WANT_CONNECTIONS;
	if (o->files)
		want |= PEVENT_WANT_FILES;
	config.want = want;
	config.receive_buffer = o->receive_buffer;
	config.sample_ns = o->sample_ns;
	config.snapshot = choose_snapshots(o);
	config.delay_accounting = o->delay_accounting;
	config.no_taskstats = o->no_taskstats;
	config.no_network = o->no_network;
	config.owner = o->owner;
	config.interface = o->interface;
	return config;
}

/* What was asked for by name is not left out; a replay shows what there is. */
static int check_network(const struct session *s)
{
	const struct options *o = s->options;
	struct pevent_stats stats;

	if (!o->needs_network)
		return STATUS_OK;
	pevent_get_stats(s->p, &stats);
	if (stats.network.known)
		return STATUS_OK;
	if (!o->replay) {
		diag(o->needs_network, "packets: %s",
		     stats.source[PEVENT_SOURCE_PACKETS].state);
		return STATUS_ERROR;
	}
	if (o->types & (PEVENT_MASK(PEVENT_CONN) | PEVENT_MASK(PEVENT_CLOSE)))
		diag(o->replay, "holds no network: there are no events conn and close");
	return STATUS_OK;
}

int session_open(struct session *s, const struct options *o, const struct session_ops *ops,
		 void *data, unsigned int want, const char *record_to)
{
	const struct pevent_config config = make_config(o, want);
	int r;

	*s = (struct session){ .options = o, .ops = ops, .data = data, .wake_fd = -1,
			       .output_fd = -1, .signal_fd = -1, .timer_fd = -1 };
	r = catch_signals(s);
	if (r < 0)
		return failed(s, "signals", r, STATUS_ERROR);
	r = pevent_new(&s->p, &config);
	if (r < 0)
		return failed(s, "start", r, STATUS_ERROR);
	pevent_set_log(s->p, on_log, s);
	r = set_filter(s);
	if (r < 0)
		return failed(s, "filter", r, r == -EINVAL ? STATUS_USAGE : STATUS_ERROR);
	if (record_to) {
		r = pevent_record_to(s->p, record_to);
		if (r < 0)
			return failed(s, record_to, r, STATUS_ERROR);
	}
	r = o->replay ? pevent_add_recording(s->p, o->replay) : pevent_add_live(s->p);
	if (r < 0)
		return failed(s, o->replay ? o->replay : "process events", r, STATUS_ERROR);
	return check_network(s);
}

static void set_timer(struct session *s, uint64_t ns)
{
	struct itimerspec t = { .it_value = { .tv_sec = (time_t)(ns / NSEC_PER_SEC),
					      .tv_nsec = (long)(ns % NSEC_PER_SEC) } };

	timerfd_settime(s->timer_fd, 0, &t, NULL);
}

/* A child must not inherit the priority, nor the command compete with what it is watched by. */
static void raise_priority(void)
{
	struct sched_param param = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param) < 0)
		diag("-r", "%s: running with normal priority", strerror(errno));
}

static int start_command(struct session *s)
{
	char **argv = s->options->command;
	int r;

	if (!argv)
		return STATUS_OK;
	r = command_spawn(&s->command, argv, &s->old_mask, s->reset_pipe);
	if (r < 0) {
		diag_errno(argv[0], r);
		return r == -ENOENT ? 127 : 126;
	}
	r = pevent_follow(s->p, s->command.pid);
	return r < 0 ? failed(s, argv[0], r, STATUS_ERROR) : STATUS_OK;
}

/* From the terminal, INT and QUIT reach the command as well: it decides, the second time we do. */
static void on_signal(struct session *s, int signal)
{
	bool running = command_running(&s->command);

	if (signal == SIGHUP && s->ops->hangup && !s->ended && s->ops->hangup(s->data))
		return;
	if (running && (signal == SIGTERM || signal == SIGHUP)) {
		command_signal(&s->command, signal);
		return;
	}
	if (running && !s->interrupted) {
		s->interrupted = true;
		return;
	}
	s->abandoned = running;
	s->stopping = s->forced = true;
}

static void read_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		on_signal(s, (int)info.ssi_signo);
}

static void on_timer(struct session *s)
{
	uint64_t count;

	if (read(s->timer_fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
		s->stopping = true;
}

static void on_command_end(struct session *s)
{
	command_reap(&s->command);
	if (s->command.ended && !s->stopping)
		set_timer(s, COMMAND_GRACE_NS);
}

enum { POLL_EVENTS, POLL_SIGNALS, POLL_TIMER, POLL_WAKE, POLL_OUTPUT, POLL_COMMAND, POLL_COUNT };

/* Sleeps until there is something to do; `gated`: the output must get room first. */
static void wait_for_work(struct session *s, bool gated)
{
	struct pollfd fds[POLL_COUNT] = {
		[POLL_EVENTS] = { .fd = gated ? -1 : pevent_get_fd(s->p), .events = POLLIN },
		[POLL_SIGNALS] = { .fd = s->signal_fd, .events = POLLIN },
		[POLL_TIMER] = { .fd = s->timer_fd, .events = POLLIN },
		[POLL_WAKE] = { .fd = s->wake_fd, .events = POLLIN },
		[POLL_OUTPUT] = { .fd = s->output_fd },
		[POLL_COMMAND] = { .fd = command_running(&s->command) ? s->command.pidfd : -1,
				   .events = POLLIN },
	};
	int r = poll(fds, POLL_COUNT, s->stopping && !gated ? 0 : -1);

	if (r < 0)
		return;
	if (fds[POLL_SIGNALS].revents)
		read_signals(s);
	if (fds[POLL_TIMER].revents)
		on_timer(s);
	if (fds[POLL_COMMAND].revents)
		on_command_end(s);
	if (fds[POLL_OUTPUT].revents) {
		s->output_fd = -1;	/* its reader is gone */
		s->stopping = s->forced = true;
	}
}

/* A replay's time limit, for what happened; snapshots come at the end, wherever that is. */
static bool is_cut(struct session *s, const struct pevent_event *e)
{
	const struct options *o = s->options;

	if (!o->replay || !o->duration_ns || e->type == PEVENT_SNAPSHOT)
		return false;
	if (!s->first_ns)
		s->first_ns = e->time_ns;
	if (e->time_ns > s->first_ns && e->time_ns - s->first_ns > o->duration_ns)
		s->past_end = s->stopping = true;
	return s->past_end;
}

static void on_event(struct session *s, const struct pevent_event *e)
{
	struct pevent_event moved;

	if (e->type == PEVENT_EXIT && s->command.pid && e->process.pid == s->command.pid)
		s->command_seen = true;
	if (is_cut(s, e)) {
		s->cut += e->sequence != 0;
		return;
	}
	if (s->cut && e->sequence) {
		moved = *e;
		moved.sequence -= s->cut;	/* follows what was let through */
		e = &moved;
	}
	s->ops->event(s->data, e);
}

/* False: events are left, the output has no room for them. */
static bool take_events(struct session *s)
{
	const struct pevent_event *e;

	for (;;) {
		if (!s->forced && s->ops->ready && !s->ops->ready(s->data))
			return false;
		if (pevent_next(s->p, &e) <= 0)
			return true;
		on_event(s, e);
	}
}

void session_drain(struct session *s)
{
	s->forced = true;
	take_events(s);
}

static void end_batch(struct session *s)
{
	int r = s->ops->batch(s->data);

	if (!r)
		return;
	s->stopping = s->forced = true;
	s->failed |= r < 0;
}

/* One turn of the loop; returns false when events are left. */
static bool step(struct session *s)
{
	bool all = take_events(s);
	int r;

	if (all && s->stopping && !s->stopped) {
		pevent_stop(s->p);
		s->stopped = true;
		all = take_events(s);
	} else if (all && !s->stopping) {
		r = pevent_dispatch(s->p);
		if (r < 0 && r != -ENODATA) {
			failed(s, "process events", r, 0);
			s->failed = true;
		}
		if (r < 0)
			s->stopping = true;
		all = take_events(s);
	}
	s->ended = all && s->stopped;
	end_batch(s);
	if (s->command.ended && s->command_seen)
		s->stopping = true;
	return all;
}

int session_run(struct session *s)
{
	bool gated = false;
	int status;

	if (s->options->realtime)
		raise_priority();
	status = start_command(s);
	if (status != STATUS_OK) {
		pevent_stop(s->p);
		return status;
	}
	if (s->options->duration_ns && !s->options->replay)
		set_timer(s, s->options->duration_ns);
	while (!s->ended) {
		wait_for_work(s, gated);
		gated = !step(s);
	}
	return s->failed ? STATUS_ERROR : STATUS_OK;
}

static bool anything_lost(struct session *s)
{
	struct pevent_stats stats;

	pevent_get_stats(s->p, &stats);
	for (size_t i = 0; i < PEVENT_SOURCE_COUNT; i++)
		if (stats.source[i].lost)
			return true;
	return false;
}

int session_end(struct session *s, int status)
{
	bool lost = s->options->strict && anything_lost(s);

	s->wake_fd = s->output_fd = -1;
	s->stopping = false;
	set_timer(s, 0);
	while (command_running(&s->command) && !s->abandoned)
		wait_for_work(s, true);
	if (status != STATUS_OK)
		return status;
	if (s->abandoned)
		return 128 + SIGINT;
	if (command_status(&s->command))
		return command_status(&s->command);
	return lost ? STATUS_LOST : STATUS_OK;
}

void session_finish(struct session *s)
{
	s->p = pevent_free(s->p);
	command_finish(&s->command);
	close_p(&s->signal_fd);
	close_p(&s->timer_fd);
}
