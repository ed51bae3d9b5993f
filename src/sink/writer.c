/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One ring of bytes. Positions only grow; position % size is the place. head <= tail <= fill:
 * [head, tail) belongs to the thread, [tail, fill) is collected by the producer. The lock is taken
 * once per hand-over, not per line.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "sink/writer.h"
#include "util/clock.h"
#include "util/macro.h"

#define REPORTS_MAX 4096	/* bytes; one at a time is short */
#define HAND_OVER ((size_t)64 << 10)	/* bytes collected at most before the thread gets them */

enum fd_kind {
	FD_FILE,	/* write(2) returns in its own time */
	FD_NONBLOCK,	/* our own non-blocking description of a pipe or terminal */
	FD_SOCKET,	/* send(2) with MSG_DONTWAIT */
	FD_SHARED,	/* can block and is shared: poll(2), then small pieces */
};

struct writer {
	char *ring;
	size_t limit;	/* of lines */
	size_t size;	/* of the ring: reports of losses go beyond the limit */
	pthread_t thread;
	int event_fd;	/* to the producer */
	int stop_fd;	/* to the thread, when it waits for the descriptor */

	/* the producer's */
	uint64_t fill;
	uint64_t head_seen;
	uint64_t dropped, dropped_told;
	bool dropping;
	bool armed;	/* the thread may have been asked for room */
	bool cut;	/* a line was given up in its middle: the next one starts anew */

	/* the thread's */
	int fd, shared_fd;	/* what is written to; the descriptor it was opened from */
	bool fd_owned;
	enum fd_kind kind;

	_Atomic int error;
	pthread_mutex_t lock;
	pthread_cond_t work, progress;
	/* under the lock */
	uint64_t head, tail;
	uint64_t wanted;	/* bytes of room the producer waits for; 0: none */
	uint64_t switch_at;	/* position from which next_fd is used */
	int next_fd;		/* -1: none */
	bool idle, stop, gone, discard;
	bool mid_line;		/* what was written last is not a line's end */
};

int writer_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		      0600);

	return fd < 0 ? -errno : fd;
}

/*
 * A blocked write(2) could not be interrupted at the end of a run, and O_NONBLOCK on the descriptor
 * itself would act on everybody who shares it: the shell, the command. So a pipe or terminal is
 * opened once more, for us alone.
 */
static void writer_set_fd(struct writer *w, int fd, bool owned)
{
	char path[32] = "/proc/self/fd/";
	char digits[12];
	size_t n = sizeof(digits), at = strlen(path);
	struct stat st;
	int own;

	w->fd = w->shared_fd = fd;
	w->fd_owned = owned;
	w->kind = FD_SHARED;
	if (fstat(fd, &st) < 0 || S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ||
	    (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
		w->kind = FD_FILE;	/* the last one for its EBADF */
		return;
	}
	if (S_ISSOCK(st.st_mode)) {
		w->kind = FD_SOCKET;
		return;
	}
	if (owned) {
		w->kind = FD_NONBLOCK;	/* by writer_open() */
		return;
	}
	for (int v = fd; v || n == sizeof(digits); v /= 10)
		digits[--n] = (char)('0' + v % 10);
	memcpy(path + at, digits + n, sizeof(digits) - n);
	own = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (own < 0)
		return;
	w->fd = own;
	w->kind = FD_NONBLOCK;
}

static void writer_drop_fd(struct writer *w)
{
	if (w->fd != w->shared_fd)
		close(w->fd);
	if (w->fd_owned)
		close(w->shared_fd);
	w->fd = w->shared_fd = -1;
}

static void notify(int fd)
{
	ssize_t r = write(fd, &(uint64_t){ 1 }, sizeof(uint64_t));

	(void)r;	/* EAGAIN: it is readable already */
}

/* Waits until the descriptor takes bytes or the writer is told to stop. */
static void wait_writable(struct writer *w)
{
	struct pollfd fds[] = {
		{ .fd = w->fd, .events = POLLOUT },
		{ .fd = w->stop_fd, .events = POLLIN },
	};

	poll(fds, ARRAY_SIZE(fds), -1);
}

static ssize_t writer_put(struct writer *w, const char *data, size_t len)
{
	ssize_t r;

	if (w->kind == FD_SHARED) {
		struct pollfd fd = { .fd = w->fd, .events = POLLOUT };

		if (poll(&fd, 1, 0) == 0)
			return -EAGAIN;
		len = MIN(len, (size_t)PIPE_BUF);
	}
	if (w->kind == FD_SOCKET)
		r = send(w->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		r = write(w->fd, data, len);
	if (r < 0)
		return -errno;
	return r > 0 ? r : -EIO;
}

/* Called and left with the lock held; writes [head, end) up to the ring's end. */
static void writer_step(struct writer *w, uint64_t end)
{
	size_t at = (size_t)(w->head % w->size);
	size_t len = MIN((size_t)(end - w->head), w->size - at);
	ssize_t r;

	pthread_mutex_unlock(&w->lock);
	r = writer_put(w, w->ring + at, MIN(len, 4 * HAND_OVER));
	if (r == -EAGAIN || r == -EWOULDBLOCK)
		wait_writable(w);
	pthread_mutex_lock(&w->lock);

	if (r > 0) {
		w->head += (uint64_t)r;
		w->mid_line = w->ring[at + (size_t)r - 1] != '\n';
		pthread_cond_signal(&w->progress);
		if (w->wanted && w->tail - w->head + w->wanted <= w->limit) {
			w->wanted = 0;
			notify(w->event_fd);
		}
	} else if (r != -EAGAIN && r != -EWOULDBLOCK && r != -EINTR) {
		atomic_store(&w->error, (int)r);
		w->head = w->tail;
		pthread_cond_signal(&w->progress);
		notify(w->event_fd);
	}
}

static void *writer_main(void *data)
{
	struct writer *w = data;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		uint64_t end = w->next_fd >= 0 ? w->switch_at : w->tail;

		if (w->stop)
			break;
		if (w->next_fd >= 0 && w->head >= w->switch_at) {
			writer_drop_fd(w);
			writer_set_fd(w, w->next_fd, true);
			w->next_fd = -1;
		} else if (w->head < end && !w->discard) {
			writer_step(w, end);
		} else {
			w->idle = true;
			pthread_cond_signal(&w->progress);
			pthread_cond_wait(&w->work, &w->lock);
			w->idle = false;
		}
	}
	w->gone = true;
	pthread_cond_signal(&w->progress);
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* Signals are for the main thread, and so is its real-time priority. */
static int writer_start(struct writer *w)
{
	struct sched_param param = { 0 };
	sigset_t all, old;
	pthread_attr_t attr;
	int r;

	r = pthread_attr_init(&attr);
	if (r)
		return -r;
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
	pthread_attr_setschedparam(&attr, &param);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&w->thread, &attr, writer_main, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -r;
}

static void writer_release(struct writer *w)
{
	if (w->event_fd >= 0)
		close(w->event_fd);
	if (w->stop_fd >= 0)
		close(w->stop_fd);
	if (w->next_fd >= 0)
		close(w->next_fd);
	writer_drop_fd(w);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->progress);
	free(w->ring);
	free(w);
}

int writer_new(struct writer **ret, int fd, bool own, size_t limit)
{
	pthread_condattr_t attr;
	struct writer *w;
	int r = 0;

	if (limit < 4096)
		return -EINVAL;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->limit = limit;
	w->size = limit + REPORTS_MAX;
	w->next_fd = -1;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->progress, &attr);
	pthread_condattr_destroy(&attr);
	writer_set_fd(w, fd, own);
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->event_fd < 0 || w->stop_fd < 0)
		r = -errno;
	w->ring = malloc(w->size);	/* touched as it fills */
	if (!r && !w->ring)
		r = -ENOMEM;
	if (!r)
		r = writer_start(w);
	if (r < 0) {
		w->fd_owned = false;
		writer_release(w);
		return r;
	}
	*ret = w;
	return 0;
}

/* Deadline for a condition variable made with CLOCK_MONOTONIC. */
static struct timespec in_ns(uint64_t ns)
{
	ns += clock_now(&(struct clock){ 0 });
	return (struct timespec){ .tv_sec = (time_t)(ns / NSEC_PER_SEC),
				  .tv_nsec = (long)(ns % NSEC_PER_SEC) };
}

struct writer *writer_free(struct writer *w)
{
	struct timespec deadline;
	bool gone;

	if (!w)
		return NULL;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	notify(w->stop_fd);
	pthread_cond_signal(&w->work);
	deadline = in_ns(NSEC_PER_SEC);
	while (!w->gone && !pthread_cond_timedwait(&w->progress, &w->lock, &deadline))
		;
	gone = w->gone;
	pthread_mutex_unlock(&w->lock);
	if (!gone) {
		/* Stuck in write(2) to something shared without reader: ends with the process. */
		pthread_detach(w->thread);
		return NULL;
	}
	pthread_join(w->thread, NULL);
	writer_release(w);
	return NULL;
}

/* What was collected becomes the thread's; learns how far that has come. */
static void hand_over(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	if (w->tail != w->fill) {
		w->tail = w->fill;
		if (w->idle)
			pthread_cond_signal(&w->work);
	} else if (w->idle && w->head == w->tail && w->next_fd < 0) {
		/* Nothing is under way: start over where the cache is warm. */
		w->head = w->tail = w->fill = 0;
	}
	w->head_seen = w->head;
	pthread_mutex_unlock(&w->lock);
}

void writer_flush(struct writer *w)
{
	if (w->fill != w->tail)
		hand_over(w);
}

static uint64_t count_lines(const char *s, size_t len)
{
	const char *end = s + len;
	uint64_t n = 0;

	while ((s = memchr(s, '\n', (size_t)(end - s)))) {
		n++;
		s++;
	}
	return n;
}

static size_t room(const struct writer *w)
{
	size_t used = (size_t)(w->fill - w->head_seen);

	return used < w->limit ? w->limit - used : 0;
}

static void collect(struct writer *w, const char *data, size_t len)
{
	size_t at = (size_t)(w->fill % w->size);
	size_t n = MIN(len, w->size - at);

	memcpy(w->ring + at, data, n);
	memcpy(w->ring, data + n, len - n);
	w->fill += len;
}

static int take_or_drop(struct writer *w, const void *data, size_t len, bool fits)
{
	if (!fits) {
		w->dropping = true;
		w->dropped += count_lines(data, len);
		return -ENOBUFS;
	}
	if (w->cut) {
		w->cut = false;
		collect(w, "\n", 1);
	}
	collect(w, data, len);
	return 0;
}

int writer_line(struct writer *w, const void *data, size_t len)
{
	int r = atomic_load_explicit(&w->error, memory_order_relaxed);

	if (r < 0)
		return r;
	/* tail changes in this thread only. */
	if (!w->dropping &&
	    (w->fill == w->tail || room(w) < len || w->fill - w->tail >= HAND_OVER))
		hand_over(w);
	return take_or_drop(w, data, len, !w->dropping && room(w) >= len + w->cut);
}

int writer_report(struct writer *w, const void *data, size_t len)
{
	int r = atomic_load_explicit(&w->error, memory_order_relaxed);

	if (r < 0)
		return r;
	hand_over(w);
	return take_or_drop(w, data, len,
			    w->size - (size_t)(w->fill - w->head_seen) >= len + w->cut);
}

int writer_get_fd(const struct writer *w)
{
	return w->event_fd;
}

bool writer_has_room(struct writer *w, size_t len)
{
	uint64_t count;
	ssize_t r;
	bool ok;

	if ((room(w) >= len && !w->armed) || atomic_load(&w->error))
		return true;
	hand_over(w);
	pthread_mutex_lock(&w->lock);
	r = read(w->event_fd, &count, sizeof(count));
	(void)r;
	w->head_seen = w->head;
	ok = room(w) >= len;
	w->wanted = ok ? 0 : len;
	w->armed = !ok;
	pthread_mutex_unlock(&w->lock);
	return ok;
}

uint64_t writer_resume(struct writer *w)
{
	uint64_t n = w->dropped - w->dropped_told;

	if (!w->dropping || !writer_has_room(w, w->limit / 2) || atomic_load(&w->error))
		return 0;
	w->dropping = false;
	w->dropped_told = w->dropped;
	return n;
}

uint64_t writer_unreported(struct writer *w)
{
	uint64_t n = w->dropped - w->dropped_told;

	w->dropped_told = w->dropped;
	return n;
}

/* Lock held. Lines from a line's middle count as well: they did not arrive as they should. */
static void drop_rest(struct writer *w)
{
	size_t at = (size_t)(w->head % w->size);
	size_t len = (size_t)(w->tail - w->head);
	size_t n = MIN(len, w->size - at);

	w->dropped += count_lines(w->ring + at, n) + count_lines(w->ring, len - n);
	w->dropping |= len > 0;
	w->cut = w->mid_line;
	w->head = w->tail;
}

void writer_finish(struct writer *w, uint64_t stall_ns)
{
	struct timespec deadline;
	uint64_t head;

	hand_over(w);
	pthread_mutex_lock(&w->lock);
	head = w->head;
	deadline = in_ns(stall_ns);
	while (w->head < w->tail && !atomic_load(&w->error)) {
		if (pthread_cond_timedwait(&w->progress, &w->lock, &deadline))
			break;
		if (w->head != head)
			deadline = in_ns(stall_ns);
		head = w->head;
	}
	if (w->head < w->tail) {
		/* The thread may sit in wait_writable() or in write(2), outside the lock. */
		w->discard = true;
		notify(w->stop_fd);
		deadline = in_ns(NSEC_PER_SEC);
		while (!w->idle && !pthread_cond_timedwait(&w->progress, &w->lock, &deadline))
			;
		if (w->idle) {
			uint64_t count;
			ssize_t r = read(w->stop_fd, &count, sizeof(count));

			(void)r;
			drop_rest(w);
		} else {
			atomic_store(&w->error, -ETIMEDOUT);
		}
		w->discard = false;
	}
	w->head_seen = w->head;
	pthread_mutex_unlock(&w->lock);
}

int writer_error(const struct writer *w)
{
	return atomic_load(&w->error);
}

uint64_t writer_dropped(const struct writer *w)
{
	return w->dropped;
}

int writer_reopen(struct writer *w, const char *path)
{
	int fd = writer_open(path);
	int old;

	if (fd < 0)
		return fd;
	hand_over(w);
	pthread_mutex_lock(&w->lock);
	old = w->next_fd;
	w->next_fd = fd;
	w->switch_at = w->tail;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
	if (old >= 0)
		close(old);
	return 0;
}
