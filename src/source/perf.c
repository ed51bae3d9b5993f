/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "perf.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tracefs.h"
#include "util/macro.h"
#include "wire/cursor.h"

#define ONLINE_CPUS "/sys/devices/system/cpu/online"
#define FORMAT_LOST (1u << 4)	/* PERF_FORMAT_LOST, Linux 6.0 */
#define RING_LEAST (128u << 10)	/* bytes */
#define BATCH 256		/* records taken from one ring before the others are looked at */
#define RECORD_SIZE 512		/* ours have up to 112 bytes */
#define HOLD_NS NSEC_PER_MSEC	/* how far out of order a ring's records can be, see perf.h */
#define RAW_SIZE_AT 32		/* in a sample of TRACEPOINT_SAMPLE_TYPE: of what comes next, */
#define RAW_AT 36		/* and ends it */
/* Eight bytes more, 0 for tracepoints, that tell who reads records whose event they are of. */
#define MARK PERF_SAMPLE_TRANSACTION

_Static_assert(TRACEPOINT_SAMPLE_TYPE ==
	       (PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_RAW),
	       "what the decoder expects");

struct perf_ring {
	uint32_t cpu;
	int fd[TRACEPOINT_COUNT];	/* -1: not open; the first one open owns the ring */
	int next;		/* is about to take the place of one of them; -1: none */
	int last[TRACEPOINT_COUNT];	/* whose place was taken: until perf_settle() */
	bool in_place[TRACEPOINT_COUNT];	/* the new one, in the ring's order of records */
	struct perf_event_mmap_page *page;
	const uint8_t *data;
	size_t size, mapped;
	uint64_t head, tail;	/* what drain has to read; both only grow */
	uint64_t last_ns;	/* the youngest that was taken */
};

struct perf_key {
	uint64_t time_ns;
	uint32_t index;
};

/* A list as "0-3,8": CPUs up to max. How many, or -errno. */
static int read_cpus(uint32_t *cpus, size_t max)
{
	_cleanup_(close_p) int fd = open(ONLINE_CPUS, O_RDONLY | O_CLOEXEC);
	char text[4096];
	uint64_t first, last;
	size_t count = 0;
	struct cursor c;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return -errno;
	c = cursor_of(text, (size_t)n);
	do {
		if (!cursor_number(&c, &first))
			break;
		last = first;
		if (cursor_word(&c, "-") && !cursor_number(&c, &last))
			break;
		for (; first <= last && count < max; first++)
			cpus[count++] = (uint32_t)first;
	} while (cursor_word(&c, ","));
	return count ? (int)count : -ENODATA;
}

static int open_event(uint32_t id, uint32_t cpu, bool marked)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = id,
		.sample_period = 1,
		.sample_type = TRACEPOINT_SAMPLE_TYPE | (marked ? MARK : 0),
		.read_format = FORMAT_LOST,
		.disabled = 1,
		.watermark = 1,	/* wakeup_watermark 0: half of the ring */
		.sample_id_all = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	long fd = syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0 && errno == EINVAL) {
		attr.read_format = 0;
		fd = syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);
	}
	return fd < 0 ? -errno : (int)fd;
}

static int map_ring(struct perf_ring *r, int fd, uint32_t pages)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *map;

	r->size = pages * page;
	r->mapped = r->size + page;
	/* Writable: the kernel then does not overwrite what was not read. */
	map = mmap(NULL, r->mapped, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return errno == EPERM ? -ENOBUFS : -errno;
	r->page = map;
	r->data = (const uint8_t *)map + page;
	return 0;
}

static void close_ring(struct perf_ring *r)
{
	for (size_t i = 0; i < TRACEPOINT_COUNT; i++) {
		close_p(&r->fd[i]);
		close_p(&r->last[i]);
	}
	close_p(&r->next);
	if (r->page)
		munmap(r->page, r->mapped);
	r->page = NULL;
}

/* -ENODEV: the CPU is offline. */
static int open_ring(struct perf *p, struct perf_ring *r, uint32_t pages)
{
	struct epoll_event interest = { .events = EPOLLIN };
	int owner = -1, error;

	for (size_t i = 0; i < TRACEPOINT_COUNT; i++) {
		if (p->formats[i].id == 0)
			continue;
		r->fd[i] = open_event(p->formats[i].id, r->cpu, false);
		if (r->fd[i] < 0)
			return r->fd[i];
		if (owner >= 0) {
			if (ioctl(r->fd[i], PERF_EVENT_IOC_SET_OUTPUT, owner) < 0)
				return -errno;
			continue;
		}
		owner = r->fd[i];
		error = map_ring(r, owner, pages);
		if (error < 0)
			return error;
		if (epoll_ctl(p->fd, EPOLL_CTL_ADD, owner, &interest) < 0)
			return -errno;
	}
	return 0;
}

static void close_rings(struct perf *p)
{
	for (size_t i = 0; i < p->n_rings; i++)
		close_ring(&p->rings[i]);
	free(p->rings);
	p->rings = NULL;
	p->n_rings = 0;
}

static int open_rings(struct perf *p, uint32_t pages)
{
	uint32_t cpus[8192];	/* the kernel's limit */
	int n = read_cpus(cpus, ARRAY_SIZE(cpus)), error;

	if (n < 0)
		return n;
	p->rings = calloc((size_t)n, sizeof(*p->rings));
	if (!p->rings)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		struct perf_ring *r = &p->rings[p->n_rings];

		*r = (struct perf_ring){ .cpu = cpus[i], .next = -1 };
		memset(r->fd, 0xff, sizeof(r->fd));
		memset(r->last, 0xff, sizeof(r->last));
		error = open_ring(p, r, pages);
		if (error == 0) {
			p->n_rings++;
			continue;
		}
		close_ring(r);
		if (error != -ENODEV)
			return error;
	}
	p->ring_size = (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
	return p->n_rings ? 0 : -ENODEV;
}

/* Without CAP_IPC_LOCK there is kernel.perf_event_mlock_kb for each CPU, and RLIMIT_MEMLOCK. */
static int open_rings_that_fit(struct perf *p, uint32_t pages)
{
	const uint32_t least = RING_LEAST / (uint32_t)sysconf(_SC_PAGESIZE);
	int error = open_rings(p, pages);

	while (error == -ENOBUFS && pages / 2 >= least) {
		close_rings(p);
		pages /= 2;
		error = open_rings(p, pages);
	}
	return error;
}

static int choose_formats(struct perf *p, uint32_t kinds)
{
	bool any = false;
	int error = tracefs_formats(TRACEFS_ANY, p->formats);

	if (error < 0)
		return error;
	for (size_t i = 0; i < TRACEPOINT_COUNT; i++) {
		if (!(kinds & 1u << i))
			p->formats[i].id = 0;
		any = any || p->formats[i].id;
	}
	return any ? 0 : -ENOENT;
}

static int open_all(struct perf *p, const struct perf_options *options)
{
	int error = choose_formats(p, options->kinds);

	if (error < 0)
		return error;
	p->max = MAX(options->max_records, 4u * BATCH);
	p->records = calloc(p->max, sizeof(*p->records));
	p->keys = calloc(p->max, sizeof(*p->keys));
	if (!p->records || !p->keys)
		return -ENOMEM;
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd < 0)
		return -errno;
	return open_rings_that_fit(p, options->pages);
}

int perf_open(struct perf *p, const struct perf_options *options)
{
	int error;

	*p = (struct perf){ .fd = -1 };
	error = open_all(p, options);
	if (error < 0)
		perf_close(p);
	return error;
}

void perf_close(struct perf *p)
{
	close_rings(p);
	/* Zeroed, fd is not ours: it is opened after this. */
	if (p->records)
		close_p(&p->fd);
	free(p->records);
	free(p->keys);
	*p = (struct perf){ .fd = -1 };
}

static int for_each_event(struct perf *p, enum tracepoint_kind kind, unsigned long request,
			  const char *arg)
{
	if (kind >= TRACEPOINT_COUNT || p->formats[kind].id == 0)
		return -ENOENT;
	for (size_t i = 0; i < p->n_rings; i++)
		if (p->rings[i].fd[kind] >= 0 && ioctl(p->rings[i].fd[kind], request, arg) < 0)
			return -errno;
	return 0;
}

int perf_filter(struct perf *p, enum tracepoint_kind kind, const char *expression)
{
	return for_each_event(p, kind, PERF_EVENT_IOC_SET_FILTER, expression);
}

int perf_enable(struct perf *p, enum tracepoint_kind kind, bool on)
{
	return for_each_event(p, kind, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, NULL);
}

/* That the kernel had no room for: 0 where it does not say so for each event. */
static uint64_t lost_of(int fd)
{
	struct {
		uint64_t value, lost;
	} counts;

	return fd >= 0 && read(fd, &counts, sizeof(counts)) == sizeof(counts) ? counts.lost : 0;
}

static size_t first_kind(const struct perf *p)
{
	size_t i = 0;

	while (i < TRACEPOINT_COUNT && p->formats[i].id == 0)
		i++;
	return i;
}

/* A CPU that has gone offline has no next one. */
static int open_next(struct perf *p, struct perf_ring *r, enum tracepoint_kind kind,
		     const char *expression)
{
	r->next = open_event(p->formats[kind].id, r->cpu, !p->marked[kind]);
	if (r->next < 0)
		return r->next == -ENODEV ? 0 : r->next;
	if (ioctl(r->next, PERF_EVENT_IOC_SET_OUTPUT, r->fd[first_kind(p)]) < 0 ||
	    ioctl(r->next, PERF_EVENT_IOC_SET_FILTER, expression) < 0)
		return -errno;
	return 0;
}

/* All are open before the first one is on. */
static int start_next(struct perf *p, enum tracepoint_kind kind, const char *expression)
{
	for (size_t i = 0; i < p->n_rings; i++) {
		int error = open_next(p, &p->rings[i], kind, expression);

		if (error < 0)
			return error;
	}
	for (size_t i = 0; i < p->n_rings; i++)
		if (p->rings[i].next >= 0 &&
		    ioctl(p->rings[i].next, PERF_EVENT_IOC_ENABLE, NULL) < 0)
			return -errno;
	return 0;
}

/* What they have said already is not of the events in use. */
static void drop_next(struct perf *p, enum tracepoint_kind kind)
{
	for (size_t i = 0; i < p->n_rings; i++) {
		close_p(&p->rings[i].next);
		p->rings[i].next = -1;
		p->rings[i].in_place[kind] = true;
	}
}

static bool is_unsettled(const struct perf *p, enum tracepoint_kind kind)
{
	for (size_t i = 0; i < p->n_rings; i++)
		if (p->rings[i].last[kind] >= 0)
			return true;
	return false;
}

int perf_refilter(struct perf *p, enum tracepoint_kind kind, const char *expression)
{
	int error;

	if (kind >= TRACEPOINT_COUNT || p->formats[kind].id == 0)
		return -ENOENT;
	if (kind == first_kind(p) || is_unsettled(p, kind))
		return -EBUSY;
	error = start_next(p, kind, expression);
	if (error < 0) {
		drop_next(p, kind);
		return error;
	}
	p->marked[kind] = !p->marked[kind];
	for (size_t i = 0; i < p->n_rings; i++) {
		struct perf_ring *r = &p->rings[i];

		r->last[kind] = r->fd[kind];
		r->fd[kind] = r->next;
		r->next = -1;
		r->in_place[kind] = false;
	}
	return 0;
}

/* Who was interrupted on its way to an old event has not seen the new one before it. */
void perf_settle(struct perf *p)
{
	for (size_t i = 0; i < p->n_rings; i++) {
		for (size_t kind = 0; kind < TRACEPOINT_COUNT; kind++) {
			int *fd = &p->rings[i].last[kind];

			if (*fd < 0)
				continue;
			(void)ioctl(*fd, PERF_EVENT_IOC_DISABLE, NULL);
			p->closed_lost += lost_of(*fd);
			close(*fd);
			*fd = -1;
		}
	}
}

static void look_at_heads(struct perf *p)
{
	for (size_t i = 0; i < p->n_rings; i++)
		p->rings[i].head = __atomic_load_n(&p->rings[i].page->data_head, __ATOMIC_ACQUIRE);
}

/* The next record of a ring that is not empty, as one piece. NULL: a lie, or longer than ours. */
static const uint8_t *next_record(struct perf_ring *r, uint8_t *piece, size_t *ret_len)
{
	size_t at = r->tail & (r->size - 1), first = r->size - at, len;
	const uint8_t *p = r->data + at;

	/* Records are multiples of 8 bytes: a header is never in two pieces. */
	len = load_u16(p + offsetof(struct perf_event_header, size));
	if (len < sizeof(struct perf_event_header) || len > r->head - r->tail) {
		r->tail = r->head;
		return NULL;
	}
	r->tail += len;
	*ret_len = len;
	if (len <= first)
		return p;
	if (len > RECORD_SIZE)
		return NULL;
	memcpy(piece, p, first);
	memcpy(piece + first, r->data, len - first);
	return piece;
}

/*
 * The kernel asks events of one tracepoint in turn, the youngest first, and each CPU is one ring:
 * whatever the old events say of it after the new one's first record, the new one has said, or was
 * to leave out.
 */
static bool is_of_old_event(const struct perf *p, struct perf_ring *r, const uint8_t *raw,
			    size_t len, enum tracepoint_kind kind)
{
	bool marked;

	if (kind >= TRACEPOINT_COUNT)
		return false;
	marked = len > RAW_AT + (size_t)load_u32(raw + RAW_SIZE_AT);
	if (marked != p->marked[kind])
		return r->in_place[kind];
	r->in_place[kind] = true;
	return false;
}

/* There is room for BATCH records. */
static void take_batch(struct perf *p, struct perf_ring *r)
{
	uint8_t piece[RECORD_SIZE];
	const uint8_t *raw;
	size_t len;

	for (size_t n = 0; n < BATCH && r->tail != r->head; n++) {
		struct tracepoint_record *rec = &p->records[p->count];
		int result = -EBADMSG;

		raw = next_record(r, piece, &len);
		if (raw)
			result = tracepoint_decode(p->formats, raw, len, rec);
		if (result < 0)
			p->malformed++;
		if (result != 0 || is_of_old_event(p, r, raw, len, rec->kind))
			continue;
		p->lost += rec->lost;
		r->last_ns = MAX(r->last_ns, rec->time_ns);
		p->count++;
	}
	__atomic_store_n(&r->page->data_tail, r->tail, __ATOMIC_RELEASE);
}

/* Of the rings that hold something, the one that is furthest behind. NULL: all are empty. */
static struct perf_ring *next_ring(struct perf *p)
{
	struct perf_ring *found = NULL;

	for (size_t i = 0; i < p->n_rings; i++) {
		struct perf_ring *r = &p->rings[i];

		if (r->tail != r->head && (!found || r->last_ns < found->last_ns))
			found = r;
	}
	return found;
}

static int compare_keys(const void *a, const void *b)
{
	const struct perf_key *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void sort(struct perf *p)
{
	bool sorted = true;

	for (size_t i = 0; i < p->count; i++) {
		p->keys[i] = (struct perf_key){ p->records[i].time_ns, (uint32_t)i };
		sorted = sorted && (i == 0 || p->keys[i - 1].time_ns <= p->keys[i].time_ns);
	}
	if (!sorted)
		qsort(p->keys, p->count, sizeof(*p->keys), compare_keys);
}

/* What is sorted, up to and with until_ns. */
static unsigned int give(struct perf *p, uint64_t until_ns, perf_fn fn, void *data)
{
	size_t given = 0, kept = 0;

	for (; given < p->count && p->keys[given].time_ns <= until_ns; given++) {
		const struct tracepoint_record *rec = &p->records[p->keys[given].index];

		p->received += rec->kind != TRACEPOINT_LOST;
		fn(data, rec);
	}
	for (size_t i = 0; given && i < p->count; i++)
		if (p->records[i].time_ns > until_ns)
			p->records[kept++] = p->records[i];
	if (given)
		p->count = kept;
	return (unsigned int)given;
}

/* Gives what no ring can have anything before, and half of all when that is not enough. */
static unsigned int make_room(struct perf *p, uint64_t until_ns, perf_fn fn, void *data)
{
	uint64_t safe = next_ring(p)->last_ns;
	unsigned int given;

	sort(p);
	given = give(p, MIN(until_ns, safe > HOLD_NS ? safe - HOLD_NS : 0), fn, data);
	if (p->count <= p->max / 2)
		return given;
	sort(p);
	safe = p->keys[p->count / 2].time_ns;
	p->hurried += p->count;
	given += give(p, safe, fn, data);
	p->hurried -= p->count;
	return given;
}

unsigned int perf_drain(struct perf *p, uint64_t until_ns, perf_fn fn, void *data)
{
	unsigned int given = 0;
	struct perf_ring *r;

	look_at_heads(p);
	while ((r = next_ring(p))) {
		if (p->count + BATCH > p->max)
			given += make_room(p, until_ns, fn, data);
		take_batch(p, r);
	}
	sort(p);
	return given + give(p, until_ns, fn, data);
}

uint64_t perf_lost(const struct perf *p)
{
	uint64_t lost = p->closed_lost;

	for (size_t i = 0; i < p->n_rings; i++)
		for (size_t kind = 0; kind < TRACEPOINT_COUNT; kind++)
			lost += lost_of(p->rings[i].fd[kind]) + lost_of(p->rings[i].last[kind]);
	return MAX(lost, p->lost);
}
