/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Open descriptors of a process at one time: counted, never changed. */
#ifndef MODEL_FILES_H
#define MODEL_FILES_H

#include "pevent/pevent.h"
#include "wire/proc.h"

struct files {
	struct pevent_files pub;	/* first: files_of() */
	unsigned int refs;
	size_t size;
	size_t *account;	/* sum of the sizes of all */
	struct pevent_file file[];	/* the names follow */
};

#define FILES_MAX (128u << 20)	/* bytes of all lists: beyond that new ones are empty */

/*
 * What /proc/PID/fd said (proc_facts.fds); NULL when it was not read, or memory is out. One
 * reference is the caller's. account must live as long as the list.
 */
struct files *files_new(const struct proc_facts *facts, size_t *account);
struct files *files_ref(struct files *files);	/* accepts NULL */
struct files *files_unref(struct files *files);	/* accepts NULL, returns NULL */

static inline struct files *files_of(const struct pevent_files *pub)
{
	return (struct files *)(uintptr_t)pub;
}

#endif
