/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/macro.h"

#define NSFS_MAGIC 0x6e736673	/* linux/magic.h */
#define MOUNTS_MAX 4096
#define MOUNTINFO "/proc/thread-self/mountinfo"
#define ROOT_PREFIX "net:["

static int inode_of(const char *path, uint32_t *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	*ret = (uint32_t)st.st_ino;
	return 0;
}

int netns_of(int32_t pid, uint32_t *ret)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return inode_of(path, ret);
}

uint32_t netns_of_thread(void)
{
	uint32_t inode = 0;

	(void)inode_of("/proc/thread-self/ns/net", &inode);
	return inode;
}

/* Something else may be at that place by now, such as a FIFO: nobody waits for it. */
static int open_path(const char *path, uint32_t inode)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ESRCH : -errno;
	if (fstatfs(fd, &fs) == 0 && fs.f_type == NSFS_MAGIC && fstat(fd, &st) == 0 &&
	    (uint32_t)st.st_ino == inode)
		return fd;
	close(fd);
	return -ESRCH;
}

int netns_open(int32_t pid, uint32_t inode)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return open_path(path, inode);
}

struct visit {
	int fd;
	int (*fn)(void *data);
	void *data;
	int result;
};

static void *visit_main(void *data)
{
	struct visit *v = data;

	v->result = setns(v->fd, CLONE_NEWNET) < 0 ? -errno : v->fn(v->data);
	return NULL;
}

int netns_run(int fd, int (*fn)(void *data), void *data)
{
	struct visit v = { fd, fn, data, 0 };
	sigset_t all, old;
	pthread_t thread;
	int error;

	/* The embedding program's handlers run in its own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	error = pthread_create(&thread, NULL, visit_main, &v);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return -error;
	pthread_join(thread, NULL);
	return v.result;
}

int netns_mounts_open(struct netns_mounts *m)
{
	int fd = open(MOUNTINFO, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*m = (struct netns_mounts){ .fd = fd, .is_open = true };
	return 0;
}

void netns_mounts_close(struct netns_mounts *m)
{
	if (!m->is_open)
		return;
	close(m->fd);
	free(m->inodes);
	*m = (struct netns_mounts){ 0 };
}

/* Blanks and backslashes in paths are written as \ooo. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

bool netns_parse_mount(char *line, uint32_t *ret_inode, const char **ret_path)
{
	char *field[5], *rest = line, *end;
	unsigned long inode;

	/* Mount, parent, device, root, mount point. Roots that are paths begin with a slash. */
	for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
		field[i] = strsep(&rest, " \n");
		if (!field[i])
			return false;
	}
	if (strncmp(field[3], ROOT_PREFIX, strlen(ROOT_PREFIX)) != 0)
		return false;
	errno = 0;
	inode = strtoul(field[3] + strlen(ROOT_PREFIX), &end, 10);
	if (errno || inode == 0 || inode > UINT32_MAX || strcmp(end, "]") != 0 ||
	    field[4][0] != '/')
		return false;
	unescape(field[4]);
	*ret_inode = (uint32_t)inode;
	*ret_path = field[4];
	return true;
}

/* Each one that is mounted, until fn returns other than 0: that, or -errno. */
static int for_each(int (*fn)(void *data, uint32_t inode, const char *path), void *data)
{
	FILE *f = fopen(MOUNTINFO, "re");
	char *line = NULL;
	size_t size = 0;
	int result = 0;

	if (!f)
		return -errno;
	while (result == 0 && getline(&line, &size, f) >= 0) {
		const char *path;
		uint32_t inode;

		if (netns_parse_mount(line, &inode, &path))
			result = fn(data, inode, path);
	}
	if (result == 0 && ferror(f))
		result = -EIO;
	fclose(f);
	free(line);
	return result;
}

static int add(void *data, uint32_t inode, _unused_ const char *path)
{
	struct netns_mounts *m = data;

	if (netns_mounts_has(m, inode) || m->n == MOUNTS_MAX)
		return 0;
	if (m->n == m->room) {
		size_t more = MAX(m->room * 2, (size_t)16);
		uint32_t *grown = reallocarray(m->inodes, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		m->inodes = grown;
		m->room = more;
	}
	m->inodes[m->n++] = inode;
	return 0;
}

int netns_mounts_update(struct netns_mounts *m)
{
	struct pollfd pfd = { m->fd, POLLPRI, 0 };
	struct netns_mounts now = { 0 };
	int error;

	if (!m->is_open)
		return -EBADF;
	/* Says once of each change that there was one. */
	if (poll(&pfd, 1, 0) <= 0 && m->is_read)
		return 0;
	error = for_each(add, &now);
	m->is_read = error == 0;
	if (error < 0) {
		free(now.inodes);
		return error;
	}
	free(m->inodes);
	m->inodes = now.inodes;
	m->n = now.n;
	m->room = now.room;
	return 1;
}

bool netns_mounts_has(const struct netns_mounts *m, uint32_t inode)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->inodes[i] == inode)
			return true;
	return false;
}

struct wanted {
	uint32_t inode;
	int fd;
};

static int open_wanted(void *data, uint32_t inode, const char *path)
{
	struct wanted *w = data;

	if (inode == w->inode)
		w->fd = open_path(path, inode);
	return w->fd >= 0;
}

int netns_open_mounted(uint32_t inode)
{
	struct wanted w = { inode, -ESRCH };
	int result = for_each(open_wanted, &w);

	return result < 0 ? result : w.fd;
}
