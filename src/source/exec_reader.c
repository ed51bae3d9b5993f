/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "exec_reader.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/socket.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connector.h"
#include "util/macro.h"
#include "util/ring.h"

#define READERS_MAX 16		/* each socket costs every event on the machine 92 ns to reject */
#define READER_BUFFER (16u << 20)
#define READER_RING (2u << 20)
#define READER_STACK (512u << 10)
#define TIMELY_NS NSEC_PER_MSEC	/* the program has not run yet, or hardly */
#define GIVE_UP_NS (100 * NSEC_PER_MSEC)
#define ORDER_NS NSEC_PER_MSEC

struct reader {
	struct exec_readers *owner;
	uint32_t cpu_first, cpu_last;
	struct nl_sock *sock;
	int fd;
	pthread_t thread;
	bool started;
	enum priority mode;
	bool unpinned;
	struct ring ring;
	void *record;			/* being read */
	_Atomic uint64_t passed_ns;	/* event time of the last EXEC dealt with */
	atomic_uint_fast64_t read;

	/* The loop's: how long it waits for this reader, and where it then was. */
	uint64_t waiting_since_ns, waiting_passed_ns;
	bool given_up;			/* it did not get on: not waited for until it does */
};

struct exec_readers {
	struct procfs fs;
	unsigned int count;
	uint32_t cpus;
	sem_t ready;		/* posted by each reader that has its priority */
	struct reader reader[READERS_MAX];
};

/* Fails when all of them are offline, and in a cpuset without them. */
static void pin(struct reader *r)
{
	r->unpinned = priority_pin(r->cpu_first, MIN(r->cpu_last, r->owner->cpus - 1), 1) < 0;
}

static void read_process(struct reader *r, const struct cn_event *ev)
{
	/* A program that has run may have put anything where its arguments were. */
	bool timely = clock_now(r->owner->fs.clock) - ev->time_ns < TIMELY_NS;
	size_t len = procfs_read(&r->owner->fs, ev->tgid, ev->time_ns,
				 timely ? PROCFS_FROM_MEMORY : PROCFS_FROM_FILE, r->record);
	void *room = ring_reserve(&r->ring, len);

	if (room) {
		memcpy(room, r->record, len);
		ring_publish(&r->ring, len);
		atomic_fetch_add_explicit(&r->read, 1, memory_order_relaxed);
	}
	atomic_store_explicit(&r->passed_ns, ev->time_ns, memory_order_release);
}

static void *reader_main(void *arg)
{
	struct reader *r = arg;
	uint8_t buf[192];

	/* Cancelled while it waits for the next event, nowhere else. */
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pin(r);
	r->mode = priority_take(true);
	(void)sem_post(&r->owner->ready);
	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		struct cn_event ev;
		ssize_t n;

		(void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
		n = recvfrom(r->fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &from_len);
		(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
		if (n < 0 && errno != EINTR && errno != ENOBUFS)
			return NULL;
		if (n < 0 || from_len < sizeof(from) || from.nl_pid != 0)
			continue;
		if (cn_decode(buf, (size_t)n, &ev) < 0 || ev.what != (uint32_t)CN_EXEC)
			continue;
		read_process(r, &ev);
		/* A CPU that went offline and came back has lost its reader. */
		if (r->cpu_first == r->cpu_last && sched_getcpu() != (int)ev.cpu)
			pin(r);
	}
}

static int start_reader(struct exec_readers *rs, struct reader *r)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int error;

	error = ring_init(&r->ring, READER_RING);
	if (error < 0)
		return error;
	r->record = malloc(procfs_record_max(&rs->fs));
	if (!r->record)
		return -ENOMEM;
	r->fd = connector_open_exec(r->cpu_first, r->cpu_last, READER_BUFFER, &r->sock);
	if (r->fd < 0)
		return r->fd;
	error = pthread_attr_init(&attr);
	if (error)
		return -error;
	(void)pthread_attr_setstacksize(&attr, READER_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	error = pthread_create(&r->thread, &attr, reader_main, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	r->started = error == 0;
	return -error;
}

/* Which CPUs are whose; the last reader has those that only come online later as well. */
static void share_cpus(struct exec_readers *rs)
{
	for (unsigned int i = 0; i < rs->count; i++) {
		struct reader *r = &rs->reader[i];

		r->owner = rs;
		r->fd = -1;
		r->cpu_first = (uint32_t)((uint64_t)i * rs->cpus / rs->count);
		r->cpu_last = (uint32_t)((uint64_t)(i + 1) * rs->cpus / rs->count) - 1;
	}
	rs->reader[rs->count - 1].cpu_last = UINT16_MAX;
}

int exec_readers_new(struct exec_readers **ret, const struct procfs *fs)
{
	/* Its rings have fields of their own cache lines. */
	struct exec_readers *rs = aligned_alloc(_Alignof(struct exec_readers), sizeof(*rs));
	long cpus = sysconf(_SC_NPROCESSORS_CONF);

	if (!rs)
		return -ENOMEM;
	memset(rs, 0, sizeof(*rs));
	rs->fs = *fs;
	rs->cpus = (uint32_t)MAX(cpus, 1);
	rs->count = MIN(rs->cpus, (uint32_t)READERS_MAX);
	sem_init(&rs->ready, 0, 0);
	share_cpus(rs);
	for (unsigned int i = 0; i < rs->count; i++) {
		int error = start_reader(rs, &rs->reader[i]);

		if (error < 0) {
			exec_readers_free(rs);
			return error;
		}
	}
	for (unsigned int i = 0; i < rs->count; i++)
		while (sem_wait(&rs->ready) < 0)
			;
	*ret = rs;
	return 0;
}

struct exec_readers *exec_readers_free(struct exec_readers *rs)
{
	if (!rs)
		return NULL;
	for (unsigned int i = 0; i < rs->count; i++)
		if (rs->reader[i].started)
			(void)pthread_cancel(rs->reader[i].thread);
	for (unsigned int i = 0; i < rs->count; i++) {
		struct reader *r = &rs->reader[i];

		if (r->started)
			(void)pthread_join(r->thread, NULL);
		if (r->sock)
			nl_socket_free(r->sock);
		ring_finish(&r->ring);
		free(r->record);
	}
	sem_destroy(&rs->ready);
	free(rs);
	return NULL;
}

unsigned int exec_readers_count(const struct exec_readers *rs)
{
	return rs->count;
}

enum priority exec_readers_mode(const struct exec_readers *rs)
{
	enum priority worst = PRIORITY_FIFO;

	for (unsigned int i = 0; i < rs->count; i++)
		worst = MAX(worst, rs->reader[i].mode);
	return worst;
}

void exec_readers_tell(const struct exec_readers *rs, const struct log *log)
{
	static const char *const what[] = {
		[PRIORITY_NICE] = "nice -20 and a 0.1 ms slice: a few command lines of the "
				  "shortest programs may be missed",
		[PRIORITY_SLICE] = "a 0.1 ms slice: command lines of short programs may be "
				   "missed",
		[PRIORITY_PLAIN] = "no priority: command lines of short programs are often "
				   "missed",
	};
	enum priority mode = exec_readers_mode(rs);

	if (rs->cpus > rs->count)
		log_warning(log, "exec readers: %u CPUs share %u readers: command lines of the "
			    "shortest programs may be missed", rs->cpus, rs->count);
	for (unsigned int i = 0; i < rs->count; i++) {
		if (!rs->reader[i].unpinned)
			continue;
		log_warning(log, "exec readers: cannot run on every CPU (offline, or kept out by a "
			    "cpuset): command lines of short programs may be missed there");
		break;
	}
	if (mode != PRIORITY_FIFO)
		log_warning(log, "exec readers: SCHED_FIFO refused (needs CAP_SYS_NICE), "
			    "running with %s", what[mode]);
}

static struct reader *reader_of(struct exec_readers *rs, uint32_t cpu)
{
	for (unsigned int i = 0; i < rs->count; i++)
		if (cpu <= rs->reader[i].cpu_last)
			return &rs->reader[i];
	return &rs->reader[rs->count - 1];
}

/* Nothing in the ring yet: wait as long as the reader gets on. */
static bool keep_waiting(struct reader *r, uint64_t passed, uint64_t now_ns)
{
	if (r->waiting_since_ns == 0 || r->waiting_passed_ns != passed) {
		r->waiting_since_ns = now_ns;
		r->waiting_passed_ns = passed;
		r->given_up = false;
	}
	if (now_ns - r->waiting_since_ns >= GIVE_UP_NS)
		r->given_up = true;
	return !r->given_up;
}

/* A reader of several CPUs gets their events a little out of order. */
static uint64_t disorder(const struct reader *r)
{
	return r->owner->cpus <= r->owner->count ? 0 : ORDER_NS;
}

/* Records that can no longer be asked for. */
static void release_stale(struct reader *r, uint64_t event_ns)
{
	struct proc_read head;
	const void *record;
	size_t len;

	while ((record = ring_peek(&r->ring, &len))) {
		memcpy(&head, record, sizeof(head));
		if (head.event_ns + disorder(r) >= event_ns)
			break;
		ring_release(&r->ring);
	}
}

enum source_answer exec_readers_get(struct exec_readers *rs, uint32_t cpu, int32_t pid,
					 uint64_t event_ns, uint64_t now_ns, const void **ret,
					 size_t *ret_len)
{
	struct reader *r = reader_of(rs, cpu);
	/* Before the ring is looked at: what was passed before is in it now. */
	uint64_t passed = atomic_load_explicit(&r->passed_ns, memory_order_acquire);
	struct proc_read head;
	const void *record;
	size_t len;

	release_stale(r, event_ns);
	for (record = ring_peek(&r->ring, &len); record;
	     record = ring_next(&r->ring, record, &len)) {
		memcpy(&head, record, sizeof(head));
		if (head.event_ns == event_ns && head.pid == pid) {
			r->waiting_since_ns = 0;
			r->given_up = false;
			*ret = record;
			*ret_len = len;
			return SOURCE_RECORD;
		}
		if (head.event_ns > event_ns + disorder(r))
			return SOURCE_MISSED;
	}
	if (passed < event_ns + disorder(r) && keep_waiting(r, passed, now_ns))
		return SOURCE_WAIT;
	return SOURCE_MISSED;
}


uint64_t exec_readers_read(const struct exec_readers *rs)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < rs->count; i++)
		sum += atomic_load_explicit(&rs->reader[i].read, memory_order_relaxed);
	return sum;
}
