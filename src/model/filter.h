/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which events leave: the compiled form of struct pevent_filter. */
#ifndef MODEL_FILTER_H
#define MODEL_FILTER_H

#include <regex.h>
#include <stdbool.h>

#include "process.h"
#include "util/log.h"

struct filter {
	uint32_t types, silent, followed;
	pid_t *pgrps;
	size_t n_pgrps;
	uint32_t *uids;
	size_t n_uids;
	struct filter_pid {
		pid_t pid;
		bool bound;	/* its process is known: a later one of that number is not meant */
	} *pids;
	size_t n_pids;
	regex_t *regexes;
	size_t n_regexes;
	char **cgroups;
	size_t n_cgroups;
	bool failed;
	uint64_t longer_than_ns;
	unsigned int round;	/* changes with the patterns; never 0 */
};

void filter_init(struct filter *f);		/* lets everything through */
void filter_finish(struct filter *f);		/* accepts zeroed */
/* Replaces *f; on failure (-EINVAL logged, -ENOMEM) *f stays. */
int filter_set(struct filter *f, const struct pevent_filter *from, const struct log *log);
int filter_follow(struct filter *f, pid_t pid);
/* A process of this number appears: is it one of those named? Binds the name to it. */
bool filter_names_pid(struct filter *f, pid_t pid);

/* Is it one of pevent_filter.silent, not of the types? */
bool filter_is_silent(const struct filter *f, enum pevent_type type);
bool filter_pass_type(const struct filter *f, enum pevent_type type);
bool filter_pass_process(const struct filter *f, const struct process *p);
/* Of an EXIT, besides the two above. */
bool filter_pass_exit(const struct filter *f, const struct process *p, int wait_status);
/* Are there conditions that only an EXIT can meet? */
bool filter_wants_exit(const struct filter *f);

#endif
