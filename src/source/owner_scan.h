/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which process has a socket open: those forked last are asked first, then those that lately had
 * one. What /proc/PID/fd says now is all that counts; a process that is gone is never named.
 */
#ifndef SOURCE_OWNER_SCAN_H
#define SOURCE_OWNER_SCAN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "owner_process.h"

#define OWNER_FORKED_MAX 4096	/* power of two */
#define OWNER_RECENT_MAX 16

struct owner_scan {
	struct owner_proc proc;	/* the caller's, by links */
	struct owner_proc newcomers;	/* of those that may be within execve */
	int forks;		/* socket of the process connector; -1: none */
	pthread_mutex_t lock;	/* of what follows */
	int32_t forked[OWNER_FORKED_MAX];	/* tgids, a ring; 0: gone */
	uint64_t told_ns[OWNER_FORKED_MAX];	/* when that was told */
	uint32_t n_forked;	/* that ever were */
	uint32_t changes;	/* forks and exits so far, from where it wraps */
	int32_t recent[OWNER_RECENT_MAX];	/* owners found of late; 0: none */
};

/* Inherits priority: threads of different ones take it. 0 or -errno. */
int owner_mutex_init(pthread_mutex_t *ret);

void owner_scan_init(struct owner_scan *s, int proc);
void owner_scan_finish(struct owner_scan *s);	/* of an initialised one */
/*
 * Listens to forks and exits. It does not subscribe: that is up to a struct connector of the same
 * process, whose subscription the kernel takes back for sure. -errno: as bind(2).
 */
int owner_scan_listen(struct owner_scan *s);
/* Takes in the forks and exits that wait. `changes`. */
uint32_t owner_scan_drain(struct owner_scan *s);
/* A process that was forked, the newest until the next. */
void owner_scan_add(struct owner_scan *s, int32_t tgid);
/* One that is gone. */
void owner_scan_remove(struct owner_scan *s, int32_t tgid);

struct owner_search {
	struct owner_sockets sockets;	/* any of them: which one sent is not known */
	int cpu;		/* the thread's, where it interrupted the sender; -1: it did not */
	bool wide;		/* one that has it is not enough, it must be about to run */
	uint64_t patience_ns;	/* no other begins to be asked afterwards: what runs here waits */
};

struct owner_holder {
	int32_t tgid;		/* 0: nobody of those asked, or several: not known which */
	uint32_t inode;		/* of the socket, */
	int fd;			/* which it has open under this number */
	bool certain;		/* it was about to run on the CPU, as the last of them that ran */
	bool others;		/* also have that socket open */
};

/*
 * Who has a socket open. Where a parent has what its child has, and neither runs, the parent is
 * named. Of several sockets the first is named where one process has all of them.
 */
void owner_scan_find(struct owner_scan *s, const struct owner_search *search,
		     struct owner_holder *ret);

struct owner_wanted {
	uint32_t inode;
	int32_t tgid;	/* returned; 0: nobody has it, or several that do not descend from one */
	bool shared;	/* returned: more than one has it */
};

/* Asks all processes, once for all `wanted`. Of those that have one the ancestor is named. */
int owner_scan_all(struct owner_scan *s, struct owner_wanted *wanted, size_t n);

#endif
