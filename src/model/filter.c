/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

void filter_init(struct filter *f)
{
	*f = (struct filter){ .types = PEVENT_MASK_ALL };
}

void filter_finish(struct filter *f)
{
	for (size_t i = 0; i < f->n_regexes; i++)
		regfree(&f->regexes[i]);
	for (size_t i = 0; i < f->n_cgroups; i++)
		free(f->cgroups[i]);
	free(f->regexes);
	free(f->cgroups);
	free(f->pgrps);
	free(f->uids);
	free(f->pids);
	*f = (struct filter){ 0 };
}

static void *copy(const void *from, size_t n, size_t size, size_t *ret_n)
{
	void *to = n ? malloc(n * size) : NULL;

	if (to)
		memcpy(to, from, n * size);
	*ret_n = to ? n : 0;
	return to;
}

static int compile(struct filter *f, const struct pevent_filter *from, const struct log *log)
{
	f->regexes = calloc(from->n_regexes, sizeof(*f->regexes));
	if (from->n_regexes && !f->regexes)
		return -ENOMEM;
	for (size_t i = 0; i < from->n_regexes; i++) {
		int error = regcomp(&f->regexes[i], from->regexes[i], REG_EXTENDED | REG_NOSUB);
		char why[128];

		if (error) {
			regerror(error, &f->regexes[i], why, sizeof(why));
			return log_error(log, -EINVAL, "regular expression '%s': %s",
					 from->regexes[i], why);
		}
		f->n_regexes++;
	}
	return 0;
}

static int copy_globs(struct filter *f, const struct pevent_filter *from)
{
	f->cgroups = calloc(from->n_cgroups, sizeof(*f->cgroups));
	if (from->n_cgroups && !f->cgroups)
		return -ENOMEM;
	for (; f->n_cgroups < from->n_cgroups; f->n_cgroups++) {
		f->cgroups[f->n_cgroups] = strdup(from->cgroups[f->n_cgroups]);
		if (!f->cgroups[f->n_cgroups])
			return -ENOMEM;
	}
	return 0;
}

int filter_set(struct filter *f, const struct pevent_filter *from, const struct log *log)
{
	struct filter new;
	int error;

	filter_init(&new);
	if (from->types)
		new.types = from->types;
	new.silent = from->silent & ~new.types;
	new.followed = from->followed;
	new.failed = from->failed;
	new.longer_than_ns = from->longer_than_ns;
	new.pgrps = copy(from->pgrps, from->n_pgrps, sizeof(*new.pgrps), &new.n_pgrps);
	new.uids = copy(from->uids, from->n_uids, sizeof(*new.uids), &new.n_uids);
	error = compile(&new, from, log);
	if (error == 0)
		error = copy_globs(&new, from);
	if (error == 0 && (new.n_pgrps != from->n_pgrps || new.n_uids != from->n_uids))
		error = -ENOMEM;
	for (size_t i = 0; error == 0 && i < from->n_pids; i++)
		error = filter_follow(&new, from->pids[i]);
	if (error < 0) {
		filter_finish(&new);
		return error;
	}
	new.round = f->round + 1;
	filter_finish(f);
	*f = new;
	return 0;
}

int filter_follow(struct filter *f, pid_t pid)
{
	void *grown = realloc(f->pids, (f->n_pids + 1) * sizeof(*f->pids));

	if (!grown)
		return -ENOMEM;
	f->pids = grown;
	f->pids[f->n_pids++] = (struct filter_pid){ .pid = pid };
	return 0;
}

bool filter_names_pid(struct filter *f, pid_t pid)
{
	for (size_t i = 0; i < f->n_pids; i++)
		if (f->pids[i].pid == pid && !f->pids[i].bound)
			return f->pids[i].bound = true;
	return false;
}

bool filter_pass_type(const struct filter *f, enum pevent_type type)
{
	return (f->types | f->silent) & PEVENT_MASK(type);
}

bool filter_is_silent(const struct filter *f, enum pevent_type type)
{
	return f->silent & PEVENT_MASK(type);
}

/* The arguments joined by spaces, as ps(1) and pgrep -f see them. */
static bool match_args(const struct filter *f, const struct pevent_image *image)
{
	char *line;
	bool found = false;

	if (!image->args)
		return false;
	line = malloc(image->args_len + 1);
	if (!line)
		return false;
	for (size_t i = 0; i < image->args_len; i++)
		line[i] = image->args[i] ? image->args[i] : ' ';
	/* The last one's NUL is no blank; a process may have written over it, or it was cut off. */
	line[image->args_len - (image->args_len && !image->args[image->args_len - 1])] = '\0';
	for (size_t i = 0; i < f->n_regexes && !found; i++)
		found = regexec(&f->regexes[i], line, 0, NULL, 0) == 0;
	free(line);
	return found;
}

static bool match_cgroup(const struct filter *f, const struct pevent_image *image)
{
	for (size_t i = 0; i < f->n_cgroups && image && image->cgroup; i++)
		if (fnmatch(f->cgroups[i], image->cgroup, 0) == 0)
			return true;
	return f->n_cgroups == 0;
}

static bool match_program(const struct filter *f, const struct pevent_image *image)
{
	bool found = f->n_regexes == 0 || match_args(f, image);

	for (size_t i = 0; i < f->n_regexes && !found && image->exe; i++)
		found = regexec(&f->regexes[i], image->exe, 0, NULL, 0) == 0;
	return found;
}

/* Kernel threads, and programs that could not be read, have only a name. */
static bool match_comm(const struct filter *f, const char *comm)
{
	for (size_t i = 0; i < f->n_regexes; i++)
		if (regexec(&f->regexes[i], comm, 0, NULL, 0) == 0)
			return true;
	return f->n_regexes == 0;
}

/* Patterns are tried once per program, not once per event. */
static bool pass_image(const struct filter *f, const struct process *p)
{
	const struct pevent_image *pub = p->pub.image;
	struct image *image = image_of(pub);

	if (f->n_regexes == 0 && f->n_cgroups == 0)
		return true;
	if (!pub || (!pub->args && !pub->exe))
		return match_comm(f, p->pub.comm) && match_cgroup(f, pub);
	if (image->filter_round != f->round) {
		image->matches = match_program(f, pub) && match_cgroup(f, pub);
		image->filter_round = f->round;
	}
	return image->matches;
}

bool filter_pass_process(const struct filter *f, const struct process *p)
{
	bool found = f->n_pgrps == 0;

	if (f->n_pids && !p->followed)
		return false;
	for (size_t i = 0; i < f->n_pgrps && !found; i++)
		found = f->pgrps[i] == p->pub.pgrp;
	if (!found)
		return false;
	found = f->n_uids == 0;
	for (size_t i = 0; i < f->n_uids && !found; i++)
		found = f->uids[i] == p->pub.uid || f->uids[i] == p->pub.euid;
	return found && pass_image(f, p);
}

bool filter_wants_exit(const struct filter *f)
{
	return f->failed || f->longer_than_ns;
}

bool filter_pass_exit(const struct filter *f, const struct process *p, int wait_status)
{
	if (f->failed && wait_status == 0)
		return false;
	if (!f->longer_than_ns)
		return true;
	return p->pub.start_ns && p->pub.end_ns - p->pub.start_ns >= f->longer_than_ns;
}
