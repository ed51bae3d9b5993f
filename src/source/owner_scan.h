/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which process has a socket open: those forked last are asked first, then those that lately had
 * one. What /proc/PID/fd says now is all that counts; a process that is gone is never named.
 */
#ifndef SOURCE_OWNER_SCAN_H
#define SOURCE_OWNER_SCAN_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define OWNER_FORKED_MAX 4096	/* power of two */
#define OWNER_RECENT_MAX 16

struct owner_scan {
	int proc;		/* descriptor of /proc, the caller's */
	int forks;		/* socket of the process connector; -1: none */
	pthread_mutex_t lock;	/* of what follows */
	int32_t forked[OWNER_FORKED_MAX];	/* tgids, a ring; 0: gone */
	uint32_t n_forked;	/* that ever were */
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
/* Takes in the forks and exits that wait. */
void owner_scan_drain(struct owner_scan *s);
/* A process that was forked, the newest until the next. */
void owner_scan_add(struct owner_scan *s, int32_t tgid);
/* One that is gone. */
void owner_scan_remove(struct owner_scan *s, int32_t tgid);

/*
 * The tgid of one that has the socket open; 0: not among those that could be asked. No other begins
 * to be asked after patience_ns: what runs on this CPU waits.
 */
int32_t owner_scan_find(struct owner_scan *s, uint32_t inode, uint64_t patience_ns);

struct owner_wanted {
	uint32_t inode;
	int32_t tgid;	/* returned; 0: nobody has it */
};

/*
 * Asks all processes, once for all `wanted`. The last in the order of /proc that has it is named:
 * mostly the newest.
 */
int owner_scan_all(struct owner_scan *s, struct owner_wanted *wanted, size_t n);

#endif
