/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "owner_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <sys/socket.h>

#include "netlink.h"
#include "util/clock.h"
#include "util/macro.h"
#include "wire/cn.h"

#define FORKS_BUFFER (4u << 20)	/* some 5,000 processes between two packets or looks */
#define BATCH 32
#define SLOT 192
#define FIRST 8			/* asked before the recent ones */
#define QUICKLY 32		/* asked for their newest descriptors alone */
#define NEW_NS (50 * NSEC_PER_MSEC)	/* may be within execve */
#define MET_MAX 32		/* one met again beyond them is taken for another */
#define MORE 16			/* asked on when one has it, but does not run */
#define ALL_OF 8		/* sockets that one process is asked for */
#define ANCESTORS 16
#define LINK_MAX_LEN 32		/* of "socket:[4294967295]" */

/* linux/cn_proc.h: of EXIT; of the child in FORK. */
#define CN_OFFSET_TID 52
#define CN_OFFSET_TGID 56
#define CN_OFFSET_CHILD_TID 60
#define CN_OFFSET_CHILD_TGID 64

static const struct clock real;

/* How far a search has come. */
struct cursor {
	uint32_t newest, back;	/* in the ring */
	size_t recent;
	unsigned int asked;
	bool old;		/* not among the newest FIRST */
	uint64_t told_ns;	/* when it was forked; 0: long ago */
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
	s->proc.dir = s->newcomers.dir = proc;
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
	owner_proc_init(&s->newcomers, s->proc.dir, fd);
	return 0;
}

static void add(struct owner_scan *s, int32_t tgid, uint64_t now)
{
	const uint32_t place = s->n_forked++ % OWNER_FORKED_MAX;

	s->forked[place] = tgid;
	s->told_ns[place] = now;
}

void owner_scan_add(struct owner_scan *s, int32_t tgid)
{
	pthread_mutex_lock(&s->lock);
	add(s, tgid, clock_now(&real));
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

uint32_t owner_scan_drain(struct owner_scan *s)
{
	uint8_t slots[BATCH][SLOT];
	struct sockaddr_nl from[BATCH];
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	const uint64_t now = clock_now(&real);
	uint32_t changes;
	int n;

	pthread_mutex_lock(&s->lock);
	do {
		if (s->forks < 0)
			break;
		netlink_prepare(msgs, iov, from, slots[0], SLOT, BATCH);
		n = recvmmsg(s->forks, msgs, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < n; i++) {
			struct cn_event ev;

			if (msgs[i].msg_hdr.msg_namelen < sizeof(from[i]) || from[i].nl_pid != 0)
				continue;
			if (cn_decode(slots[i], msgs[i].msg_len, &ev) < 0)
				continue;
			if (ev.what == (uint32_t)CN_FORK)
				add(s, ev.tgid, now);
			else
				drop(s, ev.tgid);
		}
		s->changes += (uint32_t)MAX(n, 0) + (n < 0 && errno == ENOBUFS);
	} while (n == BATCH || (n < 0 && errno == ENOBUFS));
	changes = s->changes;
	pthread_mutex_unlock(&s->lock);
	return changes;
}

static int32_t next_forked(const struct owner_scan *s, struct cursor *c)
{
	int32_t tgid = 0;

	while (!tgid && c->back < MIN(c->newest, (uint32_t)OWNER_FORKED_MAX)) {
		const uint32_t place = (c->newest - ++c->back) % OWNER_FORKED_MAX;

		tgid = s->forked[place];
		c->told_ns = s->told_ns[place];
	}
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
	if (!tgid)
		c->told_ns = 0;
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
	forget(s->recent, OWNER_RECENT_MAX, tgid);
	while (i < OWNER_RECENT_MAX - 1 && s->recent[i])
		i++;
	memmove(s->recent + 1, s->recent, i * sizeof(s->recent[0]));
	s->recent[0] = tgid;
	pthread_mutex_unlock(&s->lock);
}

/* A child has its parent's descriptors, by the same numbers. */
static int32_t parent_that_has(const struct owner_scan *s, const struct owner_holder *h)
{
	int32_t parent = owner_process_parent(s->proc.dir, h->tgid);

	return parent > 0 && owner_process_has(&s->proc, parent, h->fd, h->inode) ? parent : 0;
}

/*
 * Two that are about to run here: the one that was interrupted last ran last. A parent that wakes
 * its child is such a pair. Neither, where the kernel does not tell.
 */
static void decide(const struct owner_scan *s, int cpu, const struct owner_holder *other,
		   struct owner_holder *h, bool *tied)
{
	uint64_t ran = owner_process_ran(s->proc.dir, h->tgid,
					 owner_process_runs(s->proc.dir, h->tgid, cpu));
	uint64_t other_ran = owner_process_ran(s->proc.dir, other->tgid,
					       owner_process_runs(s->proc.dir, other->tgid, cpu));

	if (other_ran > ran)
		*h = *other;
	h->others = true;
	*tied = *tied || ran == other_ran;
}

/* From one to its ancestors, to the one that runs. */
static void climb(const struct owner_scan *s, int cpu, struct owner_holder *h, bool *tied)
{
	struct owner_holder up = *h;
	int32_t parent;

	for (int i = 0; i < ANCESTORS && (parent = parent_that_has(s, &up)); i++) {
		up.tgid = parent;
		up.certain = owner_process_runs(s->proc.dir, parent, cpu);
		up.others = h->others = true;
		if (up.certain && h->certain)
			decide(s, cpu, &up, h, tied);
		else if (!h->certain)
			*h = up;
	}
}

/* What a search has found so far. */
struct finding {
	struct owner_holder best;
	bool several;	/* those so far are not of one family, or socket */
	bool tied;	/* two ran at the same time */
	int32_t met[MET_MAX];	/* that had one: as new and as recent a process is asked twice */
	unsigned int n_met;
};

static bool is_met(struct finding *f, int32_t tgid)
{
	for (unsigned int i = 0; i < f->n_met; i++)
		if (f->met[i] == tgid)
			return true;
	if (f->n_met < MET_MAX)
		f->met[f->n_met++] = tgid;
	return false;
}

/* One more that has one of them. */
static void meet(const struct owner_scan *s, int cpu, const struct owner_holder *h,
		 struct finding *f)
{
	struct owner_holder found = *h, *best = &f->best;
	const bool same = best->inode == h->inode;

	if (is_met(f, h->tgid))
		return;
	found.certain = owner_process_runs(s->proc.dir, found.tgid, cpu);
	climb(s, cpu, &found, &f->tied);
	if (!best->tgid) {
		*best = found;
	} else if (found.certain && best->certain && found.tgid != best->tgid) {
		decide(s, cpu, &found, best, &f->tied);
	} else if (found.certain && !best->certain) {
		found.others = found.others || same;
		*best = found;
	} else if (!best->certain) {
		f->several = f->several || found.tgid != best->tgid || !same;
		best->others = true;
	} else {
		best->others = best->others || same;
	}
}

static bool has_all(const struct owner_scan *s, int32_t tgid, const struct owner_sockets *sockets)
{
	uint32_t inode;

	if (sockets->n > ALL_OF)
		return false;
	for (size_t i = 0; i < sockets->n; i++) {
		const struct owner_sockets one = { &sockets->inodes[i], 1 };

		if (owner_process_find(&s->proc, tgid, OWNER_MANY, &one, &inode) < 0)
			return false;
	}
	return true;
}

/* How many more are asked, once one has it. */
static unsigned int limit(const struct owner_search *search, const struct owner_holder *best,
			  unsigned int asked)
{
	if (best->tgid && (!search->wide || (best->certain && !best->others &&
					     search->sockets.n == 1)))
		return 0;
	return best->tgid ? asked + MORE : UINT32_MAX;
}

/* Asked for its newest descriptors, and has none of them among these. */
struct passed {
	const struct owner_proc *proc;
	int32_t tgid;
};

/* Those that were passed over may have it as well: from their parent, by the same number. */
static void meet_heirs(const struct owner_scan *s, int cpu, const struct owner_holder *h,
		       const struct passed *passed, unsigned int n, struct finding *f)
{
	struct owner_holder heir = *h;

	for (unsigned int i = 0; i < n; i++) {
		heir.tgid = passed[i].tgid;
		if (owner_process_has(passed[i].proc, heir.tgid, heir.fd, heir.inode))
			meet(s, cpu, &heir, f);
	}
}

/* As many as there is time for, from `begin` on. */
static void ask(struct owner_scan *s, const struct owner_search *search, enum owner_depth depth,
		uint64_t begin, uint64_t patience, struct finding *f)
{
	unsigned int until = depth == OWNER_NEWEST ? QUICKLY : UINT32_MAX, n_passed = 0;
	struct passed passed[QUICKLY];
	struct cursor c = { 0 };
	int32_t tgid;

	pthread_mutex_lock(&s->lock);
	c.newest = s->n_forked;
	pthread_mutex_unlock(&s->lock);
	while (c.asked < until && (tgid = next_candidate(s, &c))) {
		/* It may have been told since the begin. */
		const bool is_new = depth == OWNER_NEWEST && c.told_ns + NEW_NS > begin;
		const struct owner_proc *proc = is_new ? &s->newcomers : &s->proc;
		struct owner_holder h = { .tgid = tgid };

		h.fd = owner_process_find(proc, tgid, depth, &search->sockets, &h.inode);
		if (h.fd >= 0) {
			if (c.old)
				remember(s, tgid);
			meet(s, search->cpu, &h, f);
			if (depth == OWNER_NEWEST)
				meet_heirs(s, search->cpu, &h, passed, n_passed, f);
			until = MIN(until, limit(search, &f->best, c.asked));
		} else if (depth == OWNER_NEWEST && h.fd != -ESRCH) {
			passed[n_passed++] = (struct passed){ proc, tgid };
		}
		if (h.fd == -ESRCH)
			owner_scan_remove(s, tgid);
		else
			c.asked++;
		if (clock_now(&real) - begin > patience)
			break;
	}
}

/*
 * Who sends has mostly just opened what it sends by, though above many descriptors of its parent's:
 * to ask for all of those would leave time for few processes. Where it is not the one that runs,
 * another may have it among its older ones, by another number.
 */
static void find(struct owner_scan *s, const struct owner_search *search, struct finding *f)
{
	const uint64_t begin = clock_now(&real);
	struct finding all = { 0 };

	if (!search->wide) {
		ask(s, search, OWNER_NEWEST, begin, search->patience_ns / 2, f);
		if (f->best.certain || clock_now(&real) - begin > search->patience_ns)
			return;
	}
	ask(s, search, OWNER_MANY, begin, search->patience_ns, &all);
	if (!all.best.tgid)
		return;
	all.best.others = all.best.others || f->best.others ||
			  (f->best.tgid && f->best.tgid != all.best.tgid);
	*f = all;
}

void owner_scan_find(struct owner_scan *s, const struct owner_search *search,
		     struct owner_holder *ret)
{
	const struct owner_sockets *sockets = &search->sockets;
	struct finding f = { 0 };

	find(s, search, &f);
	*ret = f.best;
	ret->certain = ret->certain && !f.tied;
	if (!ret->tgid || ret->certain)
		return;
	if (f.several || (sockets->n > 1 && !has_all(s, ret->tgid, sockets)))
		ret->tgid = 0;
	ret->inode = sockets->inodes[0];
}

/* Who has it is told by the ancestor of all, if there is one. */
struct held {
	int32_t tgid;
	bool shared, several;
};

static void hold(struct owner_scan *s, struct held *held, int32_t tgid)
{
	if (held->tgid == tgid)
		return;
	held->shared = held->tgid != 0;
	if (!held->tgid || owner_process_descends(s->proc.dir, held->tgid, tgid))
		held->tgid = tgid;
	else if (!owner_process_descends(s->proc.dir, tgid, held->tgid))
		held->several = true;
	remember(s, tgid);
}

static void look_at(struct owner_scan *s, int32_t tgid, const struct owner_wanted *wanted,
		    struct held *held, size_t n)
{
	char path[24], link[LINK_MAX_LEN];
	struct dirent *entry;
	DIR *dir;
	int fd;

	(void)snprintf(path, sizeof(path), "%d/fd", tgid);
	fd = openat(s->proc.dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		ssize_t len = entry->d_name[0] == '.' ? 0 :
			      readlinkat(fd, entry->d_name, link, sizeof(link));
		uint32_t inode = owner_link_inode(link, (size_t)MAX(len, 0));

		for (size_t i = 0; i < n && inode; i++)
			if (wanted[i].inode == inode)
				hold(s, &held[i], tgid);
	}
	closedir(dir);
}

int owner_scan_all(struct owner_scan *s, struct owner_wanted *wanted, size_t n)
{
	int fd = openat(s->proc.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct held *held = calloc(n, sizeof(*held));
	DIR *dir = fd < 0 || !held ? NULL : fdopendir(fd);
	int error = dir ? 0 : -errno;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			look_at(s, (int32_t)strtol(entry->d_name, NULL, 10), wanted, held, n);
	for (size_t i = 0; i < n && dir; i++) {
		wanted[i].tgid = held[i].several ? 0 : held[i].tgid;
		wanted[i].shared = held[i].shared;
	}
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
	free(held);
	return error;
}
