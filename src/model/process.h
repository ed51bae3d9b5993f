/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process table: who is alive, and who was a moment ago. */
#ifndef MODEL_PROCESS_H
#define MODEL_PROCESS_H

#include "account.h"
#include "files.h"
#include "image.h"
#include "pevent/pevent.h"
#include "util/hash.h"
#include "util/list.h"

#define PROCESS_TOMBSTONES 4096	/* dead ones kept, for events that name them late */

struct process {
	struct hash_node node;	/* key: tgid; the newest of a number stands first */
	struct list order;	/* among the living or the dead, oldest first */
	struct pevent_process pub;	/* its images are referenced */
	uint64_t scan_ns;	/* when /proc showed it, its fork not having been seen; 0: seen */
	uint32_t round;		/* of the last scan that found it */
	uint32_t status;	/* wait status of the last thread that ended */
	uint64_t changed_ns;	/* of the last event that told something of it */
	struct account account;
	struct files *files;	/* open descriptors; NULL: not known */
	struct traffic *traffic;	/* what it sent and received; NULL: no sockets were seen */
	uint32_t netns;		/* inode of its network namespace; 0: not known, or pevent's own */
	uint32_t sharers;	/* living children that were forked since it listens */
	uint64_t forked_ns;	/* when it last did, listening; 0: never */
	bool listens;
	bool is_sharer;		/* one of those */
	struct list sampling;	/* among the living: whose turn is next stands first */
	uint32_t sample_round;	/* of the sampler that has looked at it */
	struct list ending;	/* its last thread is gone, EXITs of others are to come */
	bool group_ended;	/* the kernel has said so: AGROUP */
	uint64_t exit_ns;	/* of the last thread that ended */
	bool oom_killed;
	bool leader_ended;	/* its first thread is gone, the others live */
	bool dead;
	bool followed;		/* the filter's -P: named, or descends from one that is */
};

struct process_table {
	struct hash by_pid;
	struct list living, dead;
	struct list sampled;	/* the living, whose turn is next first */
	size_t n_dead;
	uint64_t peak;
};

int process_table_init(struct process_table *t, size_t limit);
void process_table_finish(struct process_table *t);	/* accepts zeroed */
/* The newest process of that number, alive or dead; NULL. */
struct process *process_find(const struct process_table *t, pid_t pid);
struct process *process_find_living(const struct process_table *t, pid_t pid);
/*
 * A living entry with nothing known but its pid. At the limit the oldest dead one makes room, and
 * when there is none, the oldest living one: *ret_evicted counts it. NULL when memory is out.
 */
struct process *process_add(struct process_table *t, pid_t pid, unsigned int *ret_evicted);
void process_bury(struct process_table *t, struct process *p);
void process_revive(struct process_table *t, struct process *p);
void process_blank(struct pevent_process *pub, pid_t pid);	/* all unknown */
/* Takes over the caller's reference. */
void process_set_image(struct process *p, struct image *image, enum pevent_origin origin);
void process_set_parent(struct pevent_process *pub, const struct process *parent);

static inline size_t process_count(const struct process_table *t)
{
	return t->by_pid.count - t->n_dead;
}

#endif
