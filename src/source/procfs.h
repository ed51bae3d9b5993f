/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads /proc below a directory descriptor, into the records of wire/proc.h. */
#ifndef SOURCE_PROCFS_H
#define SOURCE_PROCFS_H

#include <stdint.h>

#include "util/clock.h"
#include "util/strbuf.h"
#include "wire/proc.h"

#define PROCFS_TEXT_MAX 4096	/* bytes kept of each file but the command line */
#define PROCFS_SCAN_ARGS 4096	/* bytes kept of command lines in a scan: all are held at once */
#define PROCFS_SCAN_FULL (64u << 20)	/* bytes held, beyond which a scan reads no descriptors */

struct procfs {
	int fd;			/* of the root */
	unsigned int mask;	/* PROC_FILE_MASK() of what to read */
	uint32_t args_max;	/* bytes of command line to keep */
	const struct clock *clock;
};

/* Bytes that one record can take, whatever the mask. */
size_t procfs_record_max(const struct procfs *fs);
/* Descriptor of the directory, or -errno. */
int procfs_open(const char *root);
/*
 * Right after an exec argv is where the kernel put it, and the process's memory is a cheaper place
 * to read it from than the file, which costs the watched program an inode: PROCFS_FROM_MEMORY.
 * Later a program may have moved or overwritten it (setproctitle), which the file knows about.
 */
enum procfs_args { PROCFS_FROM_FILE, PROCFS_FROM_MEMORY };

/*
 * Reads one process into buf (procfs_record_max() bytes), returns the record's length. A process
 * that is gone gives a record whose results are all errors.
 */
size_t procfs_read(const struct procfs *fs, int32_t pid, uint64_t event_ns, enum procfs_args how,
		   void *buf);
/* The same for a look at a living process: event_ns is 0, many files are cheaper this way. */
size_t procfs_sample(const struct procfs *fs, int32_t pid, void *buf);
/*
 * One record after the other for every process that exists, each led by its length (uint32_t).
 * Appends to ret; -errno of the directory itself.
 */
int procfs_scan(const struct procfs *fs, struct strbuf *ret);

#endif
