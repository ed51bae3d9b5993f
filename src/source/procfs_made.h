/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What pevent makes of the directories of /proc/PID: PROC_TASKS, PROC_FD, PROC_FD_COUNT. */
#ifndef SOURCE_PROCFS_MADE_H
#define SOURCE_PROCFS_MADE_H

#include <stddef.h>
#include <stdint.h>

#define PROCFS_THREADS_MAX 256	/* about 15 us each, during which the loop does nothing else */
#define PROCFS_FD_TEXT_MAX 32768

/*
 * Each takes a descriptor of the process's directory and returns the length of the text put at
 * out, or -errno.
 */

/*
 * In PROC_TASKS_TEXT_MAX bytes. `only`, not 0, says that there is one thread, of that id, whose
 * status text may be known already (status_len < 0: not). -E2BIG: more threads than it looks at.
 */
int32_t procfs_tasks(int dir, int32_t only, const char *status, int32_t status_len, char *out);
/* At most max bytes, cut behind an entry. Asks no file system that could make it wait. */
int32_t procfs_fds(int dir, char *out, size_t max);
/* In 20 bytes. */
int32_t procfs_fd_count(int dir, char *out);

/* Reads to the end or to max bytes; a short read of a /proc file is its end. */
int32_t procfs_text(int dir, const char *path, char *buf, size_t max);
/* v in decimal before end, which has room for 20 digits; returns where it starts. */
char *procfs_digits(char *end, uint64_t v);

#endif
