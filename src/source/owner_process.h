/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /proc tells of one process that may have a socket: its descriptors, its parent, and whether
 * it is about to run on a CPU: a thread there that has come before it has interrupted it.
 */
#ifndef SOURCE_OWNER_PROCESS_H
#define SOURCE_OWNER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sockets, by their inodes. */
struct owner_sockets {
	const uint32_t *inodes;
	size_t n;
};

/*
 * What descriptors are read by. Of the stable kernels of 2026 on (6.18.40, 6.12.97 and others), who
 * reads a link, /proc/PID/fd/N, or /proc/PID/stat while that process is within execve(2) sleeps
 * until it has freed its old memory: 300 us (fs/proc/base.c, call_proc_get_link()). Who reads
 * /proc/PID/fdinfo/N does not; since Linux 5.14 it tells the inode (proc_pid_fdinfo(5)). But that
 * of an epoll or inotify descriptor has a line for all it watches: it is for newcomers.
 */
struct owner_proc {
	int dir;		/* descriptor of /proc */
	uint32_t sockets;	/* the mount of all sockets in fdinfo; 0: links are read */
};

/* `socket`: one of the caller's. */
void owner_proc_init(struct owner_proc *p, int dir, int socket);

/* How many of a process's descriptors are read. */
enum owner_depth {
	OWNER_NEWEST,	/* those of the highest numbers: 30 us */
	OWNER_MANY,	/* and of many others some: 300 us, where there are some fifty */
};

/*
 * A descriptor of the process that is one of them: its number, and whose. -ENOENT: none of
 * those read; -ESRCH: there is no such process.
 */
int owner_process_find(const struct owner_proc *proc, int32_t tgid, enum owner_depth depth,
		       const struct owner_sockets *sockets, uint32_t *ret_inode);
/* Whether that descriptor of the process is the socket. */
bool owner_process_has(const struct owner_proc *proc, int32_t tgid, int fd, uint32_t inode);
/* 0: none, or it is gone. */
int32_t owner_process_parent(int proc, int32_t tgid);
/* A thread of it that runs, or waits for nothing but to run, on this CPU; 0: none. */
int32_t owner_process_runs(int proc, int32_t tgid, int cpu);
/* When that thread last ran, by its CPU's clock, in nanoseconds; 0: the kernel does not tell. */
uint64_t owner_process_ran(int proc, int32_t tgid, int32_t tid);
/* Whether it descends from `from`, as far as those between them live. */
bool owner_process_descends(int proc, int32_t tgid, int32_t from);

/* The inode that a descriptor's link names; 0: it is no socket. */
uint32_t owner_link_inode(const char *link, size_t len);

#endif
