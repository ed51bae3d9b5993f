/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "owner_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "netlink.h"
#include "util/clock.h"
#include "util/macro.h"
#include "wire/cn.h"

#define FORKS_BUFFER (4u << 20)	/* some 5,000 processes between two packets or looks */
#define BATCH 32
#define SLOT 192
#define FIRST 8			/* asked before the recent ones */
#define FEW 12			/* descriptors that are read before all are listed */
#define SOME 50			/* of those listed */
#define DIRENTS 2048		/* bytes: more than 64 descriptors */
#define NAME_MAX_LEN 32		/* of "socket:[4294967295]" */

/* linux/cn_proc.h: of EXIT; of the child in FORK. */
#define CN_OFFSET_TID 52
#define CN_OFFSET_TGID 56
#define CN_OFFSET_CHILD_TID 60
#define CN_OFFSET_CHILD_TGID 64

/* struct linux_dirent64 of getdents64(2) */
enum { DIRENT_LENGTH = 16, DIRENT_NAME = 19 };

static const struct clock real;

/* How far a search has come. */
struct cursor {
	uint32_t newest, back;	/* in the ring */
	size_t recent;
	unsigned int asked;
	bool old;		/* not among the newest FIRST */
};

int owner_mutex_init(pthread_mutex_t *ret)
{
	pthread_mutexattr_t attr;
	int error;

	pthread_mutexattr_init(&attr);
	(void)pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	error = pthread_mutex_init(ret, &attr);
	pthread_mutexattr_destroy(&attr);
	return -error;
}

void owner_scan_init(struct owner_scan *s, int proc)
{
	memset(s, 0, sizeof(*s));
	s->proc = proc;
	s->forks = -1;
	(void)owner_mutex_init(&s->lock);
}

void owner_scan_finish(struct owner_scan *s)
{
	if (s->forks >= 0)
		close(s->forks);
	s->forks = -1;
	pthread_mutex_destroy(&s->lock);
}

/* Classic BPF loads words as big-endian; the message is in the machine's order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BPF_WORD(v) __builtin_bswap32(v)
#else
#define BPF_WORD(v) (v)
#endif

/* Forks and exits of processes: the thread is the leader. */
static int attach_filter(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CN_OFFSET_WHAT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_WORD((uint32_t)CN_FORK), 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CN_OFFSET_CHILD_TID),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CN_OFFSET_CHILD_TGID),
		BPF_STMT(BPF_JMP | BPF_JA, 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BPF_WORD((uint32_t)CN_EXIT), 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CN_OFFSET_TID),
		BPF_STMT(BPF_MISC | BPF_TAX, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, CN_OFFSET_TGID),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { ARRAY_SIZE(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ?
	       -errno : 0;
}

int owner_scan_listen(struct owner_scan *s)
{
	struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = 1u << (CN_IDX - 1) };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
	int error;

	if (fd < 0)
		return -errno;
	error = attach_filter(fd);
	(void)netlink_set_buffer(fd, FORKS_BUFFER);
	if (error == 0 && bind(fd, (struct sockaddr *)&group, sizeof(group)) < 0)
		error = -errno;
	if (error < 0) {
		close(fd);
		return error;
	}
	s->forks = fd;
	return 0;
}

static void add(struct owner_scan *s, int32_t tgid)
{
	s->forked[s->n_forked++ % OWNER_FORKED_MAX] = tgid;
}

void owner_scan_add(struct owner_scan *s, int32_t tgid)
{
	pthread_mutex_lock(&s->lock);
	add(s, tgid);
	pthread_mutex_unlock(&s->lock);
}

static void forget(int32_t *places, size_t n, int32_t tgid)
{
	for (size_t i = 0; i < n; i++)
		if (places[i] == tgid)
			places[i] = 0;
}

static void drop(struct owner_scan *s, int32_t tgid)
{
	forget(s->forked, OWNER_FORKED_MAX, tgid);
	forget(s->recent, OWNER_RECENT_MAX, tgid);
}

void owner_scan_remove(struct owner_scan *s, int32_t tgid)
{
	pthread_mutex_lock(&s->lock);
	drop(s, tgid);
	pthread_mutex_unlock(&s->lock);
}

void owner_scan_drain(struct owner_scan *s)
{
	uint8_t slots[BATCH][SLOT];
	struct sockaddr_nl from[BATCH];
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	int n;

	if (s->forks < 0)
		return;
	pthread_mutex_lock(&s->lock);
	do {
		netlink_prepare(msgs, iov, from, slots[0], SLOT, BATCH);
		n = recvmmsg(s->forks, msgs, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++) {
			struct cn_event ev;

			if (msgs[i].msg_hdr.msg_namelen < sizeof(from[i]) || from[i].nl_pid != 0)
				continue;
			if (cn_decode(slots[i], msgs[i].msg_len, &ev) < 0)
				continue;
			if (ev.what == (uint32_t)CN_FORK)
				add(s, ev.tgid);
			else
				drop(s, ev.tgid);
		}
	} while (n == BATCH || (n < 0 && errno == ENOBUFS));
	pthread_mutex_unlock(&s->lock);
}

/* 1: it is; 0: something else; -errno. */
static int is_socket(int dir, const char *fd, const char *name, size_t len)
{
	char link[NAME_MAX_LEN];
	ssize_t n = readlinkat(dir, fd, link, sizeof(link));

	if (n < 0)
		return -errno;
	return n == (ssize_t)len && !memcmp(link, name, len);
}

/* Some descriptors, without those from low to below high: owner_scan_all() reads all. */
static bool is_listed(int dir, uint32_t low, uint32_t high, const char *name, size_t len)
{
	char buf[DIRENTS];
	long n = syscall(SYS_getdents64, dir, buf, sizeof(buf));

	unsigned int asked = 0;

	for (long at = 0; at + DIRENT_NAME < n && asked < SOME;
	     at += load_u16(buf + at + DIRENT_LENGTH)) {
		const char *fd = buf + at + DIRENT_NAME;
		unsigned long number = strtoul(fd, NULL, 10);

		if (*fd == '.' || (number >= low && number < high))
			continue;
		if (is_socket(dir, fd, name, len) > 0)
			return true;
		asked++;
	}
	return false;
}

static int open_fds(const struct owner_scan *s, int32_t tgid)
{
	char path[24];
	int fd;

	(void)snprintf(path, sizeof(path), "%d/fd", tgid);
	fd = openat(s->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static size_t socket_name(char name[NAME_MAX_LEN], uint32_t inode)
{
	return (size_t)snprintf(name, NAME_MAX_LEN, "socket:[%u]", inode);
}

/* How many descriptors there are; 0: not known, before Linux 6.2. */
static uint32_t count_fds(int dir)
{
	struct stat st;

	return fstat(dir, &st) < 0 ? 0 : (uint32_t)MIN(MAX(st.st_size, 0), INT32_MAX);
}

/*
 * 1: it has; 0: not; -ESRCH: there is no such process. A new descriptor gets the lowest free
 * number: mostly, that is how many there were. To read one takes 3 us, to list them 17 us and
 * more, and meanwhile what would run on this CPU waits.
 */
static int has(const struct owner_scan *s, int32_t tgid, const char *name, size_t len)
{
	int dir = open_fds(s, tgid), result = 0;
	uint32_t count, low, high;
	bool complete;

	if (dir < 0)
		return dir == -ENOENT || dir == -ESRCH ? -ESRCH : 0;
	count = count_fds(dir);
	high = count ? count : FEW;
	low = high - MIN(high, (uint32_t)FEW);
	complete = count && low == 0;
	for (uint32_t i = high; i-- > low && result <= 0;) {
		char fd[12];

		(void)snprintf(fd, sizeof(fd), "%u", i);
		result = is_socket(dir, fd, name, len);
		complete = complete && result >= 0;
	}
	if (result <= 0)
		result = !complete && is_listed(dir, low, high, name, len);
	close(dir);
	return result;
}

static int32_t next_forked(const struct owner_scan *s, struct cursor *c)
{
	int32_t tgid = 0;

	while (!tgid && c->back < MIN(c->newest, (uint32_t)OWNER_FORKED_MAX))
		tgid = s->forked[(c->newest - ++c->back) % OWNER_FORKED_MAX];
	return tgid;
}

/* The newest, then those that lately had sockets, then those before the newest; 0: no more. */
static int32_t next_candidate(struct owner_scan *s, struct cursor *c)
{
	int32_t tgid = 0;

	pthread_mutex_lock(&s->lock);
	if (c->asked < FIRST)
		tgid = next_forked(s, c);
	c->old = !tgid;
	while (!tgid && c->recent < OWNER_RECENT_MAX)
		tgid = s->recent[c->recent++];
	if (!tgid)
		tgid = next_forked(s, c);
	pthread_mutex_unlock(&s->lock);
	return tgid;
}

/* It is no newcomer, and likely to open another. */
static void remember(struct owner_scan *s, int32_t tgid)
{
	size_t i = 0;

	pthread_mutex_lock(&s->lock);
	while (i < OWNER_RECENT_MAX - 1 && s->recent[i] && s->recent[i] != tgid)
		i++;
	memmove(s->recent + 1, s->recent, i * sizeof(s->recent[0]));
	s->recent[0] = tgid;
	pthread_mutex_unlock(&s->lock);
}

int32_t owner_scan_find(struct owner_scan *s, uint32_t inode, uint64_t patience_ns)
{
	const uint64_t begin = clock_now(&real);
	struct cursor c = { 0 };
	char name[NAME_MAX_LEN];
	size_t len = socket_name(name, inode);
	int32_t tgid;

	pthread_mutex_lock(&s->lock);
	c.newest = s->n_forked;
	pthread_mutex_unlock(&s->lock);
	while ((tgid = next_candidate(s, &c))) {
		int result = has(s, tgid, name, len);

		if (result > 0) {
			if (c.old)
				remember(s, tgid);
			return tgid;
		}
		if (result == -ESRCH)
			owner_scan_remove(s, tgid);
		else
			c.asked++;
		if (clock_now(&real) - begin > patience_ns)
			break;
	}
	return 0;
}

static void look_at(struct owner_scan *s, int32_t tgid, struct owner_wanted *wanted, size_t n)
{
	char link[NAME_MAX_LEN];
	int fd = open_fds(s, tgid);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		unsigned long inode;
		ssize_t len;

		if (entry->d_name[0] == '.')
			continue;
		len = readlinkat(fd, entry->d_name, link, sizeof(link) - 1);
		if (len <= 8 || memcmp(link, "socket:[", 8) != 0)
			continue;
		link[len] = '\0';
		inode = strtoul(link + 8, NULL, 10);
		for (size_t i = 0; i < n; i++)
			if (wanted[i].inode == inode)
				wanted[i].tgid = tgid;
	}
	closedir(dir);
}

int owner_scan_all(struct owner_scan *s, struct owner_wanted *wanted, size_t n)
{
	int fd = openat(s->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		int error = -errno;

		if (fd >= 0)
			close(fd);
		return error;
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_at(s, (int32_t)strtol(entry->d_name, NULL, 10), wanted, n);
	closedir(dir);
	for (size_t i = 0; i < n; i++)
		if (wanted[i].tgid)
			remember(s, wanted[i].tgid);
	return 0;
}
