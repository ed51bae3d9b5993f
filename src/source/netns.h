/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Network namespaces: which one a process is in, which ones are mounted, and work within one. Where
 * a namespace is in use it needs CAP_SYS_ADMIN to enter it, and CAP_SYS_PTRACE to find it by a
 * process of somebody else.
 */
#ifndef SOURCE_NETNS_H
#define SOURCE_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Its inode, by which namespaces are told apart. -ESRCH: no such process, -EACCES, ... */
int netns_of(int32_t pid, uint32_t *ret);
uint32_t netns_of_thread(void);		/* the calling one's; 0: not known */
/* A descriptor of the namespace that pid is in, if it is this one still; -ESRCH: it is not. */
int netns_open(int32_t pid, uint32_t inode);

/*
 * What fn returns, within the namespace of descriptor fd, or -errno. It runs in a thread of its own
 * that ends with it: the caller waits, and can never be left behind in there.
 */
int netns_run(int fd, int (*fn)(void *data), void *data);

/* Those that are mounted somewhere, where no process need be in them: `ip netns`, containers. */
struct netns_mounts {
	int fd;			/* mountinfo: tells of changes */
	bool is_open, is_read;
	uint32_t *inodes;
	size_t n, room;
};

int netns_mounts_open(struct netns_mounts *m);	/* 0 or -errno */
void netns_mounts_close(struct netns_mounts *m);	/* accepts zeroed */
/* Reads them if any mount has changed. 1: read; 0: as they were; -errno. */
int netns_mounts_update(struct netns_mounts *m);
bool netns_mounts_has(const struct netns_mounts *m, uint32_t inode);
/* A descriptor of one, or -ESRCH: it is mounted nowhere that can be reached. */
int netns_open_mounted(uint32_t inode);

/*
 * A line of mountinfo (proc_pid_mountinfo(5)): the inode of the network namespace that it mounts,
 * and where; false: something else is. The line is changed; *ret_path points into it.
 */
bool netns_parse_mount(char *line, uint32_t *ret_inode, const char **ret_path);

#endif
