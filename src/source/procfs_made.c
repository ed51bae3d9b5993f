/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "procfs_made.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "procfs.h"
#include "util/macro.h"

#define ENTRY_HEAD 16	/* "TYPE FD " */

char *procfs_digits(char *end, uint64_t v)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return end;
}

int32_t procfs_text(int dir, const char *path, char *buf, size_t max)
{
	size_t len = 0;
	ssize_t n;
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	do {
		size_t ask = MIN(max - len, (size_t)PROCFS_TEXT_MAX);

		n = read(fd, buf + len, ask);
		if (n < 0) {
			n = -errno;
			break;
		}
		len += (size_t)n;
		if ((size_t)n < ask)
			break;
	} while (len < max);
	close(fd);
	return len == 0 && n < 0 ? (int32_t)n : (int32_t)len;
}

/* The numbered entries of a directory, without the allocations of opendir(3). */
struct listing {
	int fd;
	int error;	/* -errno of what ended it early */
	ssize_t len, at;
	_Alignas(struct dirent64) char buf[4096];
};

static int listing_open(struct listing *l, int dir, const char *name)
{
	l->len = l->at = 0;
	l->error = 0;
	l->fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return l->fd < 0 ? -errno : 0;
}

static void listing_close(struct listing *l)
{
	close(l->fd);
}

/* NULL at the end. */
static const char *listing_next(struct listing *l)
{
	for (;;) {
		const char *entry;

		if (l->at >= l->len) {
			l->at = 0;
			l->len = getdents64(l->fd, l->buf, sizeof(l->buf));
			if (l->len < 0)
				l->error = -errno;
			if (l->len <= 0)
				return NULL;
		}
		entry = l->buf + l->at;
		l->at += load_u16(entry + offsetof(struct dirent64, d_reclen));
		entry += offsetof(struct dirent64, d_name);
		if (*entry >= '0' && *entry <= '9')
			return entry;
	}
}

struct thread_texts {
	char stat[1024], schedstat[128], io[512], status[PROCFS_TEXT_MAX];
};

/*
 * stat comes last: a thread that ended in between has none, and does not make unknown what the
 * others gave.
 */
static void add_thread(struct proc_tasks *tasks, int dir, const char *status, int32_t status_len)
{
	struct thread_texts t;
	int32_t schedstat_len = procfs_text(dir, "schedstat", t.schedstat, sizeof(t.schedstat));
	int32_t io_len = procfs_text(dir, "io", t.io, sizeof(t.io)), stat_len;

	if (status_len < 0) {
		status_len = procfs_text(dir, "status", t.status, sizeof(t.status));
		status = t.status;
	}
	stat_len = procfs_text(dir, "stat", t.stat, sizeof(t.stat));
	proc_tasks_add(tasks, t.stat, stat_len, t.schedstat, schedstat_len, t.io, io_len, status,
		       status_len);
}

static int add_thread_at(struct proc_tasks *tasks, int dir, const char *path, const char *status,
			 int32_t status_len)
{
	_cleanup_(close_p) int fd = openat(dir, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	add_thread(tasks, fd, status, status_len);
	return 0;
}

/* A thread that is gone by now is none; any other failure would make the sums lower bounds. */
static int add_all_threads(struct proc_tasks *tasks, int dir)
{
	struct listing l;
	const char *tid;
	unsigned int n = 0;
	int error = listing_open(&l, dir, "task");

	if (error < 0)
		return error;
	while (error == 0 && (tid = listing_next(&l))) {
		if (n++ == PROCFS_THREADS_MAX)
			error = -E2BIG;
		else
			error = add_thread_at(tasks, l.fd, tid, NULL, -1);
		if (error == -ENOENT || error == -ESRCH)
			error = 0;
	}
	if (error == 0)
		error = l.error;
	listing_close(&l);
	return error;
}

int32_t procfs_tasks(int dir, int32_t only, const char *status, int32_t status_len, char *out)
{
	struct proc_tasks tasks = { 0 };
	char path[20];
	int error;

	if (only) {
		snprintf(path, sizeof(path), "task/%d", (int)only);
		error = add_thread_at(&tasks, dir, path, status, status_len);
	} else {
		error = add_all_threads(&tasks, dir);
	}
	if (error < 0)
		return error;
	if (!tasks.threads)
		return -ESRCH;
	/* It has run: a kernel that does not count (no CONFIG_SCHEDSTATS) prints zeroes. */
	if (!tasks.run_queue_waits)
		tasks.has_schedstat = false;
	return (int32_t)proc_tasks_put(&tasks, out);
}

static char type_of_mode(unsigned int mode)
{
	static const struct {
		unsigned int mode;
		char type;
	} types[] = {
		{ S_IFREG, 'r' }, { S_IFDIR, 'd' }, { S_IFCHR, 'c' }, { S_IFBLK, 'b' },
		{ S_IFIFO, 'p' }, { S_IFSOCK, 's' }, { S_IFLNK, 'l' },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if ((mode & S_IFMT) == types[i].mode)
			return types[i].type;
	return '?';
}

/*
 * Most links tell. Of the others the type alone is asked for, which a file system keeps in memory:
 * one whose server is gone does not answer anything else.
 */
static char type_of(int fds, const char *name, const char *target, size_t len)
{
	static const struct {
		const char *prefix;
		char type;
	} known[] = {
		{ "socket:[", 's' }, { "pipe:[", 'p' }, { "anon_inode:", '?' },
	};
	struct statx st;

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (len >= strlen(known[i].prefix) &&
		    !memcmp(target, known[i].prefix, strlen(known[i].prefix)))
			return known[i].type;
	if (statx(fds, name, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_TYPE, &st) < 0 ||
	    !(st.stx_mask & STATX_TYPE))
		return '?';
	return type_of_mode(st.stx_mode);
}

/* Bytes of the entry; 0: closed by now, or not ours to see; -ENOSPC: does not fit. */
static int32_t put_entry(int fds, const char *name, char *out, size_t max)
{
	size_t digits = strlen(name), head = 2 + digits + 1;
	ssize_t n;

	if (head > ENTRY_HEAD || max < head + 2)
		return -ENOSPC;
	n = readlinkat(fds, name, out + head, max - head);
	if (n < 0)
		return 0;
	if ((size_t)n == max - head)
		return -ENOSPC;
	out[0] = type_of(fds, name, out + head, (size_t)n);
	out[1] = ' ';
	memcpy(out + 2, name, digits);
	out[head - 1] = ' ';
	out[head + (size_t)n] = '\0';
	return (int32_t)(head + (size_t)n + 1);
}

int32_t procfs_fds(int dir, char *out, size_t max)
{
	struct listing l;
	const char *name;
	size_t len = 0;
	int error = listing_open(&l, dir, "fd");

	if (error < 0)
		return error;
	while ((name = listing_next(&l))) {
		int32_t n = put_entry(l.fd, name, out + len, max - len);

		if (n < 0)
			break;
		len += (size_t)n;
	}
	listing_close(&l);
	return len || !l.error ? (int32_t)len : l.error;
}

/* Linux 6.2 tells the number as the directory's size; 0 there may also mean an older kernel. */
int32_t procfs_fd_count(int dir, char *out)
{
	char digits[20], *start;
	struct listing l;
	struct stat st;
	uint64_t n = 0;
	int error;

	if (fstatat(dir, "fd", &st, 0) < 0)
		return -errno;
	n = (uint64_t)st.st_size;
	if (!n) {
		error = listing_open(&l, dir, "fd");
		if (error < 0)
			return error;
		while (listing_next(&l))
			n++;
		listing_close(&l);
		if (l.error)
			return l.error;
	}
	start = procfs_digits(digits + sizeof(digits), n);
	memcpy(out, start, (size_t)(digits + sizeof(digits) - start));
	return (int32_t)(digits + sizeof(digits) - start);
}
