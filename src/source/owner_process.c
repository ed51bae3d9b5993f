/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "owner_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "procfs_made.h"
#include "util/macro.h"
#include "wire/cursor.h"
#include "wire/proc.h"

#define NEWEST 6		/* descriptors of OWNER_NEWEST */
#define FEW 12			/* descriptors that are read before all are listed */
#define SOME 50			/* of those listed */
#define ANCESTORS 16
#define DIRENTS 2048		/* bytes: more than 64 descriptors or threads, which is enough */
#define LINK_MAX_LEN 32		/* of "socket:[4294967295]" */
#define FDINFO_MAX_LEN 256	/* of pos, flags, mnt_id, ino: the first lines of each */

/* struct linux_dirent64 of getdents64(2) */
enum { DIRENT_LENGTH = 16, DIRENT_NAME = 19 };

uint32_t owner_link_inode(const char *link, size_t len)
{
	static const char prefix[] = "socket:[";
	const size_t n = sizeof(prefix) - 1;
	uint64_t inode = 0;

	if (len < n + 2 || len > LINK_MAX_LEN || memcmp(link, prefix, n) != 0 ||
	    link[len - 1] != ']')
		return 0;
	for (size_t i = n; i < len - 1; i++) {
		if (link[i] < '0' || link[i] > '9')
			return 0;
		inode = inode * 10 + (uint64_t)(link[i] - '0');
	}
	return inode > UINT32_MAX ? 0 : (uint32_t)inode;
}

/* What stands behind that key, at the begin of a line; 0: nothing. */
static uint32_t number_after(struct cursor text, const char *key)
{
	uint64_t v;

	return cursor_find_line(text, key, &text) && cursor_number(&text, &v) && v <= UINT32_MAX ?
		       (uint32_t)v : 0;
}

void owner_proc_init(struct owner_proc *p, int dir, int socket)
{
	char path[48], text[FDINFO_MAX_LEN];
	struct cursor c;
	int32_t n;

	*p = (struct owner_proc){ .dir = dir };
	(void)snprintf(path, sizeof(path), "self/fdinfo/%d", socket);
	n = procfs_text(dir, path, text, sizeof(text));
	c = cursor_of(text, (size_t)MAX(n, 0));
	if (number_after(c, "ino:"))
		p->sockets = number_after(c, "mnt_id:");
}

static int read_link(const struct owner_proc *proc, int32_t tgid, const char *fd, uint32_t *ret)
{
	char path[48], link[LINK_MAX_LEN];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%d/fd/%.11s", tgid, fd);
	n = readlinkat(proc->dir, path, link, sizeof(link));
	if (n < 0)
		return -errno;
	*ret = owner_link_inode(link, (size_t)n);
	return 0;
}

/* A socket's inode, 0: something else. 0 or -errno. */
static int read_inode(const struct owner_proc *proc, int32_t tgid, const char *fd, uint32_t *ret)
{
	char path[48], text[FDINFO_MAX_LEN];
	struct cursor c;
	int32_t n;

	if (!proc->sockets)
		return read_link(proc, tgid, fd, ret);
	(void)snprintf(path, sizeof(path), "%d/fdinfo/%.11s", tgid, fd);
	n = procfs_text(proc->dir, path, text, sizeof(text));
	if (n < 0)
		return n;
	c = cursor_of(text, (size_t)n);
	*ret = number_after(c, "mnt_id:") == proc->sockets ? number_after(c, "ino:") : 0;
	return 0;
}

/* 1: it is one of them; 0: something else; -errno. */
static int is_one(const struct owner_proc *proc, int32_t tgid, const char *fd,
		  const struct owner_sockets *sockets, uint32_t *ret)
{
	uint32_t inode;
	int error = read_inode(proc, tgid, fd, &inode);

	if (error < 0 || !inode)
		return error;
	for (size_t i = 0; i < sockets->n; i++)
		if (sockets->inodes[i] == inode) {
			*ret = inode;
			return 1;
		}
	return 0;
}

static int open_dir(int proc, int32_t tgid, const char *name)
{
	char path[24];
	int fd;

	(void)snprintf(path, sizeof(path), "%d/%s", tgid, name);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Some descriptors, without those from low to below high. */
static int list(const struct owner_proc *proc, int32_t tgid, uint32_t low, uint32_t high,
		const struct owner_sockets *sockets, uint32_t *ret)
{
	int dir = open_dir(proc->dir, tgid, "fd"), found = -ENOENT;
	unsigned int asked = 0;
	char buf[DIRENTS];
	long n;

	if (dir < 0)
		return found;
	n = syscall(SYS_getdents64, dir, buf, sizeof(buf));
	for (long at = 0; at + DIRENT_NAME < n && asked < SOME && found < 0;
	     at += load_u16(buf + at + DIRENT_LENGTH)) {
		const char *fd = buf + at + DIRENT_NAME;
		unsigned long number = strtoul(fd, NULL, 10);

		if (*fd == '.' || (number >= low && number < high))
			continue;
		if (is_one(proc, tgid, fd, sockets, ret) > 0)
			found = (int)number;
		asked++;
	}
	close(dir);
	return found;
}

/* How many descriptors there are; 0: not known, before Linux 6.2. -errno. */
static int64_t count_fds(const struct owner_proc *proc, int32_t tgid)
{
	char path[24];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%d/fd", tgid);
	return fstatat(proc->dir, path, &st, 0) < 0 ? -errno : MIN(MAX(st.st_size, 0), INT32_MAX);
}

/*
 * A new descriptor gets the lowest free number: mostly, that is how many there were. To read one
 * takes 3 to 6 us, to list them 17 us and more, and meanwhile what would run on this CPU waits.
 */
int owner_process_find(const struct owner_proc *proc, int32_t tgid, enum owner_depth depth,
		       const struct owner_sockets *sockets, uint32_t *ret_inode)
{
	const uint32_t few = depth == OWNER_NEWEST ? NEWEST : FEW;
	int64_t count = count_fds(proc, tgid);
	uint32_t low, high;
	int found = -ENOENT;
	bool complete;

	if (count < 0)
		return count == -ENOENT || count == -ESRCH ? -ESRCH : -ENOENT;
	high = count ? (uint32_t)count : FEW;
	low = high - MIN(high, few);
	complete = count && low == 0;
	for (uint32_t i = high; i-- > low && found < 0;) {
		char fd[12];
		int result;

		(void)snprintf(fd, sizeof(fd), "%u", i);
		result = is_one(proc, tgid, fd, sockets, ret_inode);
		complete = complete && result >= 0;
		if (result > 0)
			found = (int)i;
	}
	if (found < 0 && !complete && depth == OWNER_MANY)
		found = list(proc, tgid, low, high, sockets, ret_inode);
	return found;
}

bool owner_process_has(const struct owner_proc *proc, int32_t tgid, int fd, uint32_t inode)
{
	uint32_t other;
	char number[12];

	(void)snprintf(number, sizeof(number), "%d", fd);
	return read_inode(proc, tgid, number, &other) == 0 && other == inode;
}

static int read_stat(int dir, const char *path, struct proc_stat *ret)
{
	char buf[1024];
	int32_t n = procfs_text(dir, path, buf, sizeof(buf));

	return n <= 0 ? -ESRCH : proc_stat_decode(buf, (size_t)n, ret);
}

static int stat_of(int proc, int32_t tgid, struct proc_stat *ret)
{
	char path[24];

	(void)snprintf(path, sizeof(path), "%d/stat", tgid);
	return read_stat(proc, path, ret);
}

int32_t owner_process_parent(int proc, int32_t tgid)
{
	struct proc_stat st;

	return stat_of(proc, tgid, &st) < 0 ? 0 : st.ppid;
}

bool owner_process_descends(int proc, int32_t tgid, int32_t from)
{
	for (int i = 0; i < ANCESTORS && tgid > 1; i++) {
		tgid = owner_process_parent(proc, tgid);
		if (tgid == from)
			return true;
	}
	return false;
}

static bool is_running(const struct proc_stat *st, int cpu)
{
	return st->state == 'R' && st->cpu == cpu;
}

int32_t owner_process_runs(int proc, int32_t tgid, int cpu)
{
	const pid_t self = gettid();	/* it runs because it looks */
	int32_t running = 0;
	struct proc_stat st;
	char buf[DIRENTS];
	int dir;
	long n;

	if (cpu < 0 || stat_of(proc, tgid, &st) < 0)
		return 0;
	if (is_running(&st, cpu) || st.threads < 2)
		return is_running(&st, cpu) ? tgid : 0;
	dir = open_dir(proc, tgid, "task");
	n = dir < 0 ? 0 : syscall(SYS_getdents64, dir, buf, sizeof(buf));
	for (long at = 0; at + DIRENT_NAME < n && !running;
	     at += load_u16(buf + at + DIRENT_LENGTH)) {
		const char *tid = buf + at + DIRENT_NAME;
		const long number = strtol(tid, NULL, 10);
		char path[32];

		if (*tid == '.' || number == tgid || number == self)
			continue;
		(void)snprintf(path, sizeof(path), "%.11s/stat", tid);
		if (read_stat(dir, path, &st) == 0 && is_running(&st, cpu))
			running = (int32_t)number;
	}
	if (dir >= 0)
		close(dir);
	return running;
}

uint64_t owner_process_ran(int proc, int32_t tgid, int32_t tid)
{
	char path[48], buf[512];
	struct cursor c;
	uint64_t ms, ns;
	int32_t n;

	(void)snprintf(path, sizeof(path), "%d/task/%d/sched", tgid, tid);
	n = procfs_text(proc, path, buf, sizeof(buf));
	/* "se.exec_start   :   1000.000001": six digits behind the point. */
	if (!cursor_find_line(cursor_of(buf, (size_t)MAX(n, 0)), "se.exec_start", &c) ||
	    !cursor_skip_blank(&c) || !cursor_word(&c, ":") || !cursor_number(&c, &ms) ||
	    !cursor_word(&c, ".") || !cursor_number(&c, &ns))
		return 0;
	return ms * NSEC_PER_MSEC + ns;
}
