/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "owner.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "owner_later.h"
#include "owner_memory.h"
#include "owner_quiet.h"
#include "owner_scan.h"
#include "owner_space.h"
#include "owner_tap.h"
#include "priority.h"
#include "util/clock.h"
#include "util/macro.h"
#include "util/ring.h"

#define WATCHERS_MAX 16
#define FOUND_RING (128u << 10)
#define EVENTS 16
#define ANSWERS 2048		/* flows that a CPU remembers */
#define TOLD 4096		/* flows whose owner has been told */
#define STOP UINT32_MAX		/* epoll's mark, where others have a namespace's place */

#define ASK_AGAIN_NS (2 * NSEC_PER_MSEC)	/* of a flow, unless processes came or went */
#define WINDOW_NS (100 * NSEC_PER_MSEC)
#define WINDOW_IDLE 500		/* packets that tell nothing new: 5,000 a second, 3 % of a CPU */
#define REPEATS (WINDOW_IDLE / 16)	/* of a port that is hushed, beyond those of others */
#define DROPS_NS NSEC_PER_SEC

static const struct clock real;

/* A namespace's packets on a watcher's CPUs. */
struct tap {
	int fd;
	struct owner_quiet quiet;
};

/* What a thread may take from the programs on its CPU, whatever namespaces they are in. */
struct budget {
	uint64_t window_ns;	/* when it began */
	uint32_t idle, idle_udp;	/* packets in it that told nothing: TCP or nobody's; UDP */
	struct owner_repeaters repeaters;	/* among the latter */
};

struct answer {
	uint64_t flow;		/* hash of namespace and both ends; 64 bits: as good as itself */
	uint64_t asked_ns;
	uint32_t changes;	/* forks and exits by then */
};

/* Of a packet. */
enum result {
	NOTHING_NEW,
	TELLING,
	NOBODY,		/* was found in time: perhaps later */
};

struct watcher {
	struct owners *owners;
	unsigned int nth;
	pthread_t thread;
	bool started, unpinned;
	enum priority priority;
	int epoll;
	pthread_mutex_t lock;	/* of the taps; held while packets are dealt with */
	struct tap tap[NETWORK_NAMESPACES_MAX];
	struct budget budget;
	struct answer answer[ANSWERS];
	struct owner_memory memory;
	struct ring found;
	atomic_uint_fast64_t n_lookups, n_found, n_skipped, n_hushed;
};

struct owners {
	const struct log *log;
	bool realtime;
	unsigned int count;
	uint32_t cpus;
	uint64_t seed;
	int proc, stop;
	sem_t ready;
	struct owner_scan scan;
	struct owner_later later;
	struct owner_space space[NETWORK_NAMESPACES_MAX];	/* place by place, as the taps */
	uint64_t drops, drops_read_ns;
	atomic_uint_fast64_t told[TOLD];	/* hashes of a flow, its socket and owner */
	struct watcher watcher[WATCHERS_MAX];
};

/* Both ends as the sender sees them. */
static void id_of(const struct packet *p, uint32_t ifindex, struct inet_diag_id *ret)
{
	*ret = (struct inet_diag_id){ .family = p->family, .protocol = p->protocol,
				      .local_port = p->src_port, .remote_port = p->dst_port,
				      .ifindex = ifindex, .cookie = INET_DIAG_NO_COOKIE };
	memcpy(ret->local, p->src, sizeof(ret->local));
	memcpy(ret->remote, p->dst, sizeof(ret->remote));
}

static uint64_t hash_of(const struct owners *o, const struct packet *p, uint32_t netns)
{
	struct packet_flow flow;
	bool swapped;

	packet_flow(p, &flow, &swapped);
	return packet_flow_hash(&flow, o->seed ^ (uint64_t)netns << 1 ^ swapped);
}

/* By whichever thread: programs change their CPUs. */
static bool is_news(struct owners *o, uint64_t flow, const struct network_found *f)
{
	uint64_t what = (flow ^ f->id.cookie) * UINT64_C(0x9e3779b97f4a7c15);

	what = (what ^ what >> 29 ^ (uint64_t)f->tgid << 1 ^ f->shared) *
	       UINT64_C(0xbf58476d1ce4e5b9);
	return atomic_exchange_explicit(&o->told[flow % TOLD], what, memory_order_relaxed) != what;
}

static enum result look_up(struct watcher *w, const struct packet *p, unsigned int place,
			   uint32_t ifindex, uint64_t time_ns, uint64_t now)
{
	struct owner_space *space = &w->owners->space[place];
	const uint64_t flow = hash_of(w->owners, p, space->netns);
	const bool udp = p->protocol == IPPROTO_UDP;
	struct answer *a = &w->answer[flow % ANSWERS];
	struct network_found found = { .netns = space->netns, .packet_ns = time_ns };
	struct inet_diag_socket socket;

	if (udp && a->flow == flow && now - a->asked_ns < ASK_AGAIN_NS &&
	    a->changes == w->memory.changes)
		return NOTHING_NEW;
	*a = (struct answer){ flow, now, w->memory.changes };
	atomic_fetch_add_explicit(&w->n_lookups, 1, memory_order_relaxed);
	id_of(p, ifindex, &found.id);
	if (owner_space_ask(space, &found.id, &socket) < 0)
		return NOTHING_NEW;
	found.id.cookie = socket.id.cookie;
	found.id.ifindex = socket.id.ifindex;
	found.inode = socket.inode;
	/* Without an inode it is nobody's, any more. */
	if (found.inode && !owner_memory_ask(&w->memory, space, !udp || socket.id.remote_port,
					     &found)) {
		if (found.shared && is_news(w->owners, flow, &found))
			owner_publish(&w->found, &found);
		return NOBODY;
	}
	if (!is_news(w->owners, flow, &found))
		return NOTHING_NEW;
	if (found.tgid)
		atomic_fetch_add_explicit(&w->n_found, 1, memory_order_relaxed);
	owner_publish(&w->found, &found);
	return TELLING;
}

/*
 * A flood costs its sender a small share of a CPU: its port is passed over for a while, or all are,
 * when no port stands out.
 */
static void hush(struct watcher *w, unsigned int place, uint64_t now)
{
	uint32_t tap = place;
	uint16_t port = 0;

	(void)owner_repeaters_take(&w->budget.repeaters, REPEATS, &tap, &port);
	w->budget.idle_udp = 0;
	if (w->tap[tap].fd < 0 || !owner_quiet_add(&w->tap[tap].quiet, port, now))
		return;
	atomic_fetch_add_explicit(&w->n_hushed, 1, memory_order_relaxed);
	/* Where that fails they are passed over here. */
	(void)owner_quiet_apply(&w->tap[tap].quiet, w->tap[tap].fd);
}

/* Ends what is over of the quiet; until when the next lasts, 0: none. */
static uint64_t end_quiet(struct watcher *w, uint64_t now)
{
	uint64_t next = 0;

	for (size_t place = 0; place < ARRAY_SIZE(w->tap); place++) {
		struct tap *t = &w->tap[place];

		if (owner_quiet_end(&t->quiet, now))
			(void)owner_quiet_apply(&t->quiet, t->fd);
		if (t->quiet.n > 0 && (!next || t->quiet.until_ns[0] < next))
			next = t->quiet.until_ns[0];
	}
	return next;
}

static void take_packet(struct watcher *w, unsigned int place, const struct owner_datagram *d)
{
	/* The kernel does not say how long one was that it cut. */
	const size_t len = d->caplen < OWNER_TAP_SNAPLEN ? d->caplen : UINT32_MAX;
	const uint64_t now = clock_now(&real);
	struct budget *b = &w->budget;
	struct packet p;
	enum result result;

	if (packet_decode(PACKET_LINK_RAW, d->data, d->caplen, len, &p) || !p.has_ports)
		return;
	/* Its period is counted once. */
	if (p.protocol == IPPROTO_UDP && owner_quiet_has(&w->tap[place].quiet, p.src_port))
		return;
	if (now - b->window_ns > WINDOW_NS) {
		*b = (struct budget){ .window_ns = now };
		w->memory.busy_ns = w->memory.lost_ns = 0;
	}
	if (b->idle > WINDOW_IDLE) {
		atomic_fetch_add_explicit(&w->n_skipped, 1, memory_order_relaxed);
		return;
	}
	result = look_up(w, &p, place, d->ifindex, d->time_ns, now);
	if (result == NOBODY || (result == NOTHING_NEW && p.protocol == IPPROTO_TCP)) {
		b->idle++;
	} else if (result == NOTHING_NEW) {
		owner_repeaters_count(&b->repeaters, place, p.src_port);
		if (++b->idle_udp > WINDOW_IDLE)
			hush(w, place, now);
	}
}

static void take_packets(struct watcher *w, unsigned int place)
{
	struct owner_datagram batch[OWNER_TAP_BATCH];
	size_t n = owner_tap_read(w->tap[place].fd, batch);

	/* Those before the packets. */
	w->memory.changes = owner_scan_drain(&w->owners->scan);
	for (size_t i = 0; i < n; i++)
		take_packet(w, place, &batch[i]);
}

static int wait_ms(uint64_t until, uint64_t now)
{
	if (!until)
		return -1;
	return until <= now ? 1 : (int)((until - now) / NSEC_PER_MSEC) + 1;
}

static void pin(struct watcher *w)
{
	const struct owners *o = w->owners;

	w->unpinned = priority_pin(w->nth, o->cpus - 1, o->count) < 0;
	w->memory.cpu = w->unpinned || o->cpus > o->count ? -1 : (int)w->nth;
}

static void *watcher_main(void *arg)
{
	struct watcher *w = arg;
	struct epoll_event events[EVENTS];
	uint64_t quiet = 0;

	pin(w);
	w->priority = priority_take(w->owners->realtime);
	(void)sem_post(&w->owners->ready);
	for (;;) {
		uint64_t now = quiet ? clock_now(&real) : 0;
		int n = epoll_wait(w->epoll, events, EVENTS, wait_ms(quiet, now));

		pthread_mutex_lock(&w->lock);
		for (int i = 0; i < n; i++) {
			if (events[i].data.u32 == STOP) {
				pthread_mutex_unlock(&w->lock);
				return NULL;
			}
			/* It may have been left since. */
			if (w->tap[events[i].data.u32].fd >= 0)
				take_packets(w, events[i].data.u32);
		}
		quiet = end_quiet(w, clock_now(&real));
		pthread_mutex_unlock(&w->lock);
		/* A CPU that went offline and came back has lost its thread. */
		if (w->owners->cpus <= w->owners->count && sched_getcpu() != (int)w->nth)
			pin(w);
	}
}

static int watch(const struct watcher *w, int fd, uint32_t mark)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = mark };

	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int start_watcher(struct owners *o, unsigned int nth)
{
	struct watcher *w = &o->watcher[nth];
	int error;

	w->owners = o;
	w->nth = nth;
	w->memory.scan = &o->scan;
	w->memory.later = &o->later;
	for (size_t i = 0; i < ARRAY_SIZE(w->tap); i++)
		w->tap[i].fd = -1;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0)
		return -errno;
	error = owner_mutex_init(&w->lock);
	if (error == 0)
		error = ring_init(&w->found, FOUND_RING);
	if (error == 0)
		error = watch(w, o->stop, STOP);
	if (error == 0)
		error = owner_thread_start(&w->thread, watcher_main, w);
	w->started = error == 0;
	return error;
}

static int open_all(struct owners *o)
{
	int error;

	o->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	o->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (o->proc < 0 || o->stop < 0)
		return -errno;
	o->scan.proc.dir = o->proc;
	error = owner_scan_listen(&o->scan);
	if (error == 0)
		error = owner_later_start(&o->later, &o->scan, o->stop);
	for (unsigned int i = 0; i < o->count && error == 0; i++)
		error = start_watcher(o, i);
	return error;
}

static void tell(const struct owners *o)
{
	enum priority worst = PRIORITY_FIFO;
	bool unpinned = false;

	for (unsigned int i = 0; i < o->count; i++) {
		worst = MAX(worst, o->watcher[i].priority);
		unpinned = unpinned || o->watcher[i].unpinned;
	}
	if (o->cpus > o->count)
		log_warning(o->log, "owners of sockets: %u CPUs share %u threads: those of the "
			    "shortest programs may be missed", o->cpus, o->count);
	if (unpinned)
		log_warning(o->log, "owners of sockets: cannot run on every CPU (offline, or kept "
			    "out by a cpuset): those of short programs may be missed there");
	if (o->realtime && worst != PRIORITY_FIFO)
		log_warning(o->log, "owners of sockets: SCHED_FIFO refused (needs CAP_SYS_NICE): "
			    "those of short programs may be missed");
}

int owners_new(struct owners **ret, bool realtime, const struct log *log)
{
	/* Its rings have fields of their own cache lines. */
	struct owners *o = aligned_alloc(_Alignof(struct owners), sizeof(*o));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int error;

	if (!o)
		return log_error(log, -ENOMEM, "owners of sockets: %s", strerror(ENOMEM));
	memset(o, 0, sizeof(*o));
	o->log = log;
	o->realtime = realtime;
	o->cpus = (uint32_t)MAX(cpus, 1);
	o->count = MIN(o->cpus, (uint32_t)WATCHERS_MAX);
	for (unsigned int i = 0; i < WATCHERS_MAX; i++)
		o->watcher[i].epoll = -1;
	if (getrandom(&o->seed, sizeof(o->seed), GRND_NONBLOCK) < 0)
		o->seed = clock_now(&real);
	owner_scan_init(&o->scan, -1);
	sem_init(&o->ready, 0, 0);
	error = open_all(o);
	if (error < 0) {
		owners_free(o);
		return log_error(log, error, "owners of sockets: %s%s", strerror(-error),
				 error == -EPERM ? ": needs CAP_NET_ADMIN: run as root" : "");
	}
	for (unsigned int i = 0; i < o->count; i++)
		while (sem_wait(&o->ready) < 0)
			;
	tell(o);
	*ret = o;
	return 0;
}

static void finish_watcher(struct watcher *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->tap); i++)
		if (w->tap[i].fd >= 0)
			close(w->tap[i].fd);
	close(w->epoll);
	pthread_mutex_destroy(&w->lock);
	ring_finish(&w->found);
}

struct owners *owners_free(struct owners *o)
{
	const uint64_t one = 1;

	if (!o)
		return NULL;
	(void)!write(o->stop, &one, sizeof(one));
	for (unsigned int i = 0; i < o->count; i++)
		if (o->watcher[i].started)
			(void)pthread_join(o->watcher[i].thread, NULL);
	owner_later_finish(&o->later);
	for (unsigned int i = 0; i < o->count; i++)
		if (o->watcher[i].epoll >= 0)
			finish_watcher(&o->watcher[i]);
	for (size_t i = 0; i < ARRAY_SIZE(o->space); i++)
		owner_space_close(&o->space[i]);
	owner_scan_finish(&o->scan);
	sem_destroy(&o->ready);
	close_p(&o->proc);
	close_p(&o->stop);
	free(o);
	return NULL;
}

static struct owner_space *find_space(struct owners *o, bool is_open, uint32_t netns)
{
	for (size_t i = 0; i < ARRAY_SIZE(o->space); i++)
		if (o->space[i].is_open == is_open && (!is_open || o->space[i].netns == netns))
			return &o->space[i];
	return NULL;
}

static int add_tap(struct watcher *w, unsigned int place, int fd)
{
	int error;

	pthread_mutex_lock(&w->lock);
	w->tap[place] = (struct tap){ .fd = fd };
	error = watch(w, fd, place);
	pthread_mutex_unlock(&w->lock);
	return error;
}

int owners_add_namespace(struct owners *o, uint32_t netns)
{
	struct owner_space *space = find_space(o, false, 0);
	int fds[WATCHERS_MAX], error;

	if (find_space(o, true, netns))
		return 0;
	if (!space)
		return -ENOSPC;
	error = owner_space_open(space, netns);
	if (error == 0)
		error = owner_taps_open(fds, o->count);
	if (error < 0) {
		owner_space_close(space);
		return error;
	}
	for (unsigned int i = 0; i < o->count; i++) {
		int result = add_tap(&o->watcher[i], (unsigned int)(space - o->space), fds[i]);

		error = error < 0 ? error : result;
	}
	if (error < 0)
		owners_remove_namespace(o, netns);
	return error;
}

/* Closing takes milliseconds: a thread that waits for the lock could not run meanwhile. */
void owners_remove_namespace(struct owners *o, uint32_t netns)
{
	struct owner_space *space = find_space(o, true, netns);

	if (!space)
		return;
	for (unsigned int i = 0; i < o->count; i++) {
		struct tap *t = &o->watcher[i].tap[space - o->space];
		int fd;

		pthread_mutex_lock(&o->watcher[i].lock);
		fd = t->fd;
		*t = (struct tap){ .fd = -1 };
		pthread_mutex_unlock(&o->watcher[i].lock);
		o->drops += owner_tap_drops(fd);
		close(fd);
	}
	owner_space_close(space);
}

/* The ring whose next is the oldest of all; NULL: they are empty. */
static struct ring *oldest(struct owners *o, struct network_found *ret)
{
	struct ring *found = NULL;

	for (unsigned int i = 0; i <= o->count; i++) {
		struct ring *ring = i < o->count ? &o->watcher[i].found : &o->later.found;
		struct network_found f;
		size_t len;
		const void *record = ring_peek(ring, &len);

		if (!record)
			continue;
		memcpy(&f, record, sizeof(f));
		if (found && f.packet_ns >= ret->packet_ns)
			continue;
		found = ring;
		*ret = f;
	}
	return found;
}

/* Descriptors of taps are this thread's to change. */
static void read_drops(struct owners *o)
{
	const uint64_t now = clock_now(&real);

	if (now - o->drops_read_ns < DROPS_NS)
		return;
	o->drops_read_ns = now;
	for (unsigned int i = 0; i < o->count; i++)
		for (size_t place = 0; place < NETWORK_NAMESPACES_MAX; place++)
			if (o->watcher[i].tap[place].fd >= 0)
				o->drops += owner_tap_drops(o->watcher[i].tap[place].fd);
}

unsigned int owners_drain(struct owners *o, void (*fn)(void *data, const struct network_found *f),
			  void *data)
{
	struct network_found found;
	struct ring *ring;
	unsigned int n = 0;

	read_drops(o);
	for (; (ring = oldest(o, &found)); n++) {
		ring_release(ring);
		fn(data, &found);
	}
	return n;
}

void owners_get_account(const struct owners *o, struct owners_account *ret)
{
	struct owners_account a = { .threads = o->count, .realtime = true };

	for (unsigned int i = 0; i < o->count; i++) {
		const struct watcher *w = &o->watcher[i];

		a.realtime = a.realtime && w->priority == PRIORITY_FIFO;
		a.lookups += atomic_load_explicit(&w->n_lookups, memory_order_relaxed);
		a.found += atomic_load_explicit(&w->n_found, memory_order_relaxed);
		a.skipped += atomic_load_explicit(&w->n_skipped, memory_order_relaxed);
		a.lost += atomic_load_explicit(&w->n_hushed, memory_order_relaxed) +
			  atomic_load_explicit(&w->found.refused, memory_order_relaxed);
	}
	a.found += atomic_load_explicit(&o->later.n_found, memory_order_relaxed);
	a.lost += atomic_load_explicit(&o->later.found.refused, memory_order_relaxed);
	a.lost += a.skipped + o->drops + atomic_load_explicit(&o->later.lost, memory_order_relaxed);
	*ret = a;
}
