/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "record.h"
#include "util/macro.h"

#define OTHER_RING (4u << 20)
#define MANY 64			/* of those; the rings of more are smaller */
#define MANY_RING (1u << 20)
#define OTHER_NOTICES (4u << 20)
#define DROPS_NS (NSEC_PER_SEC / 5)
#define CLOCK_SET_NS ((int64_t)NSEC_PER_MSEC)	/* less is no setting of the clock */
#define CLOCK_SMOOTH 4
#define WATCHES_MAX (3 * NETWORK_NAMESPACES_MAX + 2)	/* all of them */
#define TCP 6			/* IPPROTO_TCP */

static struct space *find(const struct network *n, uint32_t netns)
{
	for (size_t i = 0; i < n->n_spaces; i++)
		if (n->spaces[i]->netns == netns)
			return n->spaces[i];
	return NULL;
}

static int watch(struct network *n, int fd, struct space *s, uint32_t how)
{
	struct epoll_event ev = { .events = EPOLLIN | how, .data.ptr = s };

	if (fd < 0 || epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	return -errno;
}

static void unwatch(struct network *n, int fd)
{
	if (fd >= 0)
		(void)epoll_ctl(n->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

/* Takes it over. Answers are waited for while there is a question; else nobody reads there. */
static int add_space(struct network *n, struct space *s)
{
	int error = watch(n, s->capture.fd, s, 0);

	if (error == 0 && s->diag.is_open)
		error = watch(n, s->diag.notices, s, 0);
	if (error == 0 && s->diag.is_open)
		error = watch(n, s->diag.fd, s, EPOLLET);
	if (error < 0) {
		space_free(s);
		return error;
	}
	s->capture.realtime_offset_ns = n->realtime_offset_ns;
	if (s->capture.fd >= 0 && n->options.recorder)
		s->capture.file = recorder_packets(n->options.recorder, s->netns,
						   n->n_spaces == 0, s->capture.linktype);
	n->spaces[n->n_spaces++] = s;
	n->peak = MAX(n->peak, network_count_spaces(n));
	return 0;
}

/* What is opened within a namespace. */
struct entry {
	struct network *network;
	struct space *space;
	uint32_t netns;
	int owners_error;
};

static int enter(void *data)
{
	static const struct log nobody = { 0 };
	struct entry *e = data;
	struct network *n = e->network;
	const struct space_options options = {
		.interface = n->interface,
		.ring = n->n_spaces > MANY ? MANY_RING : OTHER_RING,
		.notices = MIN(n->options.buffer, OTHER_NOTICES),
	};
	/* Not from this thread: the caller's log is the caller's. */
	int error = space_new(&e->space, e->netns, &options, &nobody);

	if (error == 0)
		e->space->log = e->space->capture.log = n->log;
	if (error == 0 && n->owners)
		e->owners_error = owners_add_namespace(n->owners, e->netns);
	return error;
}

static int open_own(struct network *n)
{
	const struct space_options options = {
		.interface = n->interface, .is_own = true, .ring = NETWORK_OWN_RING,
		.notices = n->options.buffer,
	};
	const uint32_t netns = netns_of_thread();
	struct space *s = NULL;
	/* Of which nothing may be open: it is there all the same. */
	int error = space_new(&s, netns, &options, n->log);

	return error < 0 ? error : add_space(n, s);
}

static void tell_tracepoints(const struct network *n, int error)
{
	const char *cure = tracepoints_cure(error);

	if (n->options.owner == NETWORK_OWNER_PERF)
		(void)log_error(n->log, error, "socket tracepoints: %s%s", strerror(-error), cure);
	else
		log_warning(n->log, "socket tracepoints: %s%s: who owns a socket is looked up, the "
			    "shortest are missed", strerror(-error), cure);
}

/* Records of datagrams do not say by which device they went: of some alone, packets have to do. */
static int open_tracepoints(struct network *n)
{
	int error;

	if (n->options.owner == NETWORK_OWNER_DIAG)
		return 0;
	error = tracepoints_open(&n->tracepoints, !n->spaces[0]->capture.n_names);
	n->tracepoints_error = error;
	if (error < 0)
		tell_tracepoints(n, error);
	else
		error = watch(n, n->tracepoints.perf.fd, NULL, 0);
	return n->options.owner == NETWORK_OWNER_PERF ? error : 0;
}

/* Where the tracepoints say nothing: before Linux 6.3 that is UDP. */
static void open_owners(struct network *n)
{
	int error;

	if (n->tracepoints.has_udp || n->options.owner == NETWORK_OWNER_PERF ||
	    owners_new(&n->owners, n->options.realtime, n->log) < 0)
		return;
	error = owners_add_namespace(n->owners, n->spaces[0]->netns);
	if (error < 0) {
		n->owners = owners_free(n->owners);
		(void)log_error(n->log, error, "owners of sockets: packets: %s%s", strerror(-error),
				error == -EPERM ? ": needs CAP_NET_RAW: run as root" : "");
	}
}

static int open_all(struct network *n)
{
	int error;

	n->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (n->epoll_fd < 0)
		return -errno;
	error = open_own(n);
	/* Without packets there is nothing to own. */
	if (error < 0 || n->spaces[0]->capture.fd < 0)
		return error;
	error = open_tracepoints(n);
	if (error < 0)
		return error;
	open_owners(n);
	if (netns_mounts_open(&n->mounts) == 0) {
		struct epoll_event ev = { .events = EPOLLPRI };

		n->wake_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
		if (n->wake_fd >= 0)
			(void)epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, n->wake_fd, &ev);
	}
	return 0;
}

int network_open(struct network **ret, const struct network_options *options,
		 const struct clock *clock, const struct log *log)
{
	struct network *n = calloc(1, sizeof(*n));
	int error;

	if (!n)
		return -ENOMEM;
	n->options = *options;
	n->clock = clock;
	n->log = n->refusals.log = log;
	n->epoll_fd = n->wake_fd = -1;
	n->realtime_offset_ns = clock_realtime_offset(clock);
	tracepoints_init(&n->tracepoints, clock);
	if (options->interface) {
		n->interface = strdup(options->interface);
		if (!n->interface)
			return network_free(n), -ENOMEM;
	}
	error = open_all(n);
	if (error < 0) {
		network_free(n);
		return error;
	}
	*ret = n;
	return 0;
}

struct network *network_free(struct network *n)
{
	if (!n)
		return NULL;
	n->owners = owners_free(n->owners);
	tracepoints_close(&n->tracepoints);
	for (size_t i = 0; i < n->n_spaces; i++)
		space_free(n->spaces[i]);
	closer_finish(&n->closer);
	netns_mounts_close(&n->mounts);
	close_p(&n->wake_fd);
	close_p(&n->epoll_fd);
	free(n->interface);
	free(n);
	return NULL;
}

int network_get_fd(const struct network *n)
{
	return n->epoll_fd;
}

/* Marks what has something. -errno: of epoll, never seen. */
static int look(struct network *n)
{
	struct epoll_event events[WATCHES_MAX];
	int count = epoll_wait(n->epoll_fd, events, WATCHES_MAX, 0);

	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		struct space *s = events[i].data.ptr;

		if (s)
			s->is_ready = true;
	}
	return 0;
}

/*
 * Packets carry the time of day, which somebody may set, and which runs up to 500 ppm fast or slow
 * while it is being adjusted. A single reading may be off by as long as it was interrupted.
 */
static void follow_clock(struct network *n)
{
	const int64_t now = clock_realtime_offset(n->clock);
	const int64_t moved = now - n->realtime_offset_ns;

	if (moved <= CLOCK_SET_NS && moved >= -CLOCK_SET_NS)
		n->realtime_offset_ns += moved / CLOCK_SMOOTH;
	else
		n->realtime_offset_ns = now;
	for (size_t i = 0; i < n->n_spaces; i++)
		n->spaces[i]->capture.realtime_offset_ns = n->realtime_offset_ns;
}

/* A block is handed over when its timeout ends, which a timer of the kernel's ticks notices. */
static uint64_t held_ns(void)
{
	return CAPTURE_TIMEOUT_MS * NSEC_PER_MSEC + clock_tick();
}

static void drain_packets(struct network *n, uint64_t now, const struct network_fns *fns,
			  void *data)
{
	uint64_t until = now - MIN(now, held_ns());
	bool any = false;

	for (size_t i = 0; i < n->n_spaces; i++) {
		struct space *s = n->spaces[i];

		if (n->interface)
			(void)capture_follow(&s->capture, now);
		s->is_ready = s->is_ready || s->left_ns;
		if (s->is_ready)
			space_drain_packets(s, fns, data, &until);
		any = any || s->capture.fd >= 0;
	}
	n->packets_until_ns = any ? until : UINT64_MAX;
}

struct found {
	const struct network *network;
	const struct network_fns *fns;
	void *data;
};

/* Of TCP the tracepoints know better. */
static void take_found(void *data, const struct network_found *f)
{
	const struct found *found = data;

	if (f->id.protocol != TCP || !found->network->tracepoints.is_open)
		found->fns->found(found->data, f);
}

/* The i-th; nothing of it is to be read any more. */
static void let_go(struct network *n, size_t i)
{
	struct space *s = n->spaces[i];

	space_drops(s);
	network_add_counts(s, &n->gone);
	unwatch(n, s->capture.fd);
	if (s->diag.is_open) {
		unwatch(n, s->diag.notices);
		unwatch(n, s->diag.fd);
	}
	if (n->owners)
		owners_remove_namespace(n->owners, s->netns);
	if (s->capture.file)
		recorder_packets_end(n->options.recorder, s->netns);
	n->spaces[i] = n->spaces[--n->n_spaces];
	closer_take(&n->closer, s);
}

/* One of those whose last block of packets must have been read by a drain that began now. */
static void let_one_go(struct network *n, uint64_t now)
{
	if (closer_is_busy(&n->closer))
		return;
	for (size_t i = 1; i < n->n_spaces; i++) {
		const struct space *s = n->spaces[i];

		if (s->left_ns && now >= s->left_ns + held_ns() && !s->has_more) {
			let_go(n, i);
			return;
		}
	}
}

static void read_drops(struct network *n, uint64_t now)
{
	if (now < n->drops_ns + DROPS_NS && !n->is_ending)
		return;
	n->drops_ns = now;
	for (size_t i = 0; i < n->n_spaces; i++)
		space_drops(n->spaces[i]);
}

/* Namespaces that are mounted (ip netns, containers) and not in yet: enters them. Cheap. */
static void look_around(struct network *n, const struct network_fns *fns, void *data)
{
	if (netns_mounts_update(&n->mounts) <= 0 && !n->mounts_changed)
		return;
	n->mounts_changed = false;
	for (size_t i = 0; i < n->mounts.n; i++) {
		const struct space *s = find(n, n->mounts.inodes[i]);

		if (!s || s->left_ns)
			(void)network_enter(n, n->mounts.inodes[i], 0, fns, data);
	}
}

int network_drain(struct network *n, const struct network_fns *fns, void *data)
{
	struct found found = { n, fns, data };
	const uint64_t now = clock_now(n->clock);
	int error;

	if (!n->has_begun)
		fns->entered(data, n->spaces[0]->netns, 0);
	look_around(n, fns, data);
	n->has_begun = true;
	for (size_t i = 0; i < n->n_spaces; i++)
		space_tell_existing(n->spaces[i], fns, data);
	error = look(n);
	if (error < 0)
		return error;
	follow_clock(n);
	drain_packets(n, now, fns, data);
	if (n->is_ending)
		n->tracepoints.lost_ns = 0;
	tracepoints_drain(&n->tracepoints, now, fns, data);
	for (size_t i = 0; i < n->n_spaces; i++) {
		if (n->spaces[i]->is_ready)
			space_drain_notices(n->spaces[i], fns, data);
		n->spaces[i]->is_ready = false;
	}
	if (n->owners)
		(void)owners_drain(n->owners, take_found, &found);
	let_one_go(n, now);
	read_drops(n, now);
	return 0;
}

void network_run_ends(struct network *n)
{
	n->is_ending = true;
}

uint64_t network_packets_until(const struct network *n)
{
	return n->packets_until_ns;
}

uint64_t network_records_until(const struct network *n)
{
	return n->tracepoints.until_ns;
}

static int enter_by(struct network *n, uint32_t netns, int fd)
{
	struct entry e = { n, NULL, netns, 0 };
	int error = netns_run(fd, enter, &e);

	if (error < 0)
		return error;
	if (e.space->diag_error < 0)
		(void)refusals_tell(&n->refusals, netns, e.space->diag_error);
	if (e.owners_error < 0)
		(void)refusals_tell(&n->refusals, netns, e.owners_error);
	/* Without packets nothing is known of it: it is tried again. */
	error = e.space->capture_error;
	if (error < 0)
		space_free(e.space);
	else
		error = add_space(n, e.space);
	if (error < 0 && n->owners)
		owners_remove_namespace(n->owners, netns);
	return error;
}

int network_enter(struct network *n, uint32_t netns, int32_t pid, const struct network_fns *fns,
		  void *data)
{
	struct space *s = find(n, netns);
	int fd, error;

	if (s) {
		s->left_ns = 0;
		fns->entered(data, netns, 0);
		return 1;
	}
	if (n->n_spaces == NETWORK_NAMESPACES_MAX)
		return refusals_add(&n->refusals, netns, -ENOSPC);
	fd = pid ? netns_open(pid, netns) : netns_open_mounted(netns);
	if (fd < 0)
		return fd == -ESRCH ? fd : refusals_add(&n->refusals, netns, fd);
	error = enter_by(n, netns, fd);
	close(fd);
	if (error < 0)
		return refusals_add(&n->refusals, netns, error);
	fns->entered(data, netns, n->has_begun ? clock_now(n->clock) : 0);
	space_tell_existing(n->spaces[n->n_spaces - 1], fns, data);
	return 0;
}

void network_tell_existing(struct network *n, const struct network_fns *fns, void *data)
{
	for (size_t i = 0; i < n->n_spaces; i++) {
		if (n->spaces[i]->left_ns)
			continue;
		space_ask_existing(n->spaces[i]);
		space_tell_existing(n->spaces[i], fns, data);
	}
}

void network_leave(struct network *n, uint32_t netns, const struct network_fns *fns, void *data)
{
	struct space *s = find(n, netns);

	int result;

	if (!s || s == n->spaces[0] || s->left_ns)
		return;
	result = netns_mounts_update(&n->mounts);
	n->mounts_changed |= result > 0;
	/* Where it cannot be known, it stays. */
	if ((result < 0 && n->mounts.is_open) || netns_mounts_has(&n->mounts, netns))
		return;
	s->left_ns = clock_now(n->clock);
	fns->left(data, netns);
}

uint32_t network_own(const struct network *n)
{
	return n->spaces[0]->netns;
}
