/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks at the /proc files of all living processes, round by round. Each tick gives it a slice, so
 * that the sockets are drained in time however many processes there are.
 */
#ifndef SAMPLER_H
#define SAMPLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct pevent;

struct sampler {
	uint64_t interval_ns;	/* between the beginnings of two rounds; 0: off */
	bool thrifty;		/* at most 1 % of a CPU, else 25 %: then it is longer */
	bool in_round;
	bool is_hurried;	/* another one follows at once */
	uint32_t round;
	uint64_t begin_ns, next_ns;	/* of this round, of the next */
	uint64_t spent_ns;	/* CPU time of this round */
};

/* sample_ns as in struct pevent_config. The first round begins an interval after now_ns. */
void sampler_init(struct sampler *s, uint64_t sample_ns, uint64_t now_ns);
void sampler_step(struct pevent *p, uint64_t now_ns);
/* Of a recording: the next look that was made before then; false: there is none. */
bool sampler_replay(struct pevent *p, uint64_t before_ns);
/* At one process, now. */
void sampler_look(struct pevent *p, pid_t pid);
/* A round begins now, or when the one that is under way has ended. */
void sampler_hurry(struct pevent *p, uint64_t now_ns);
/* Time until it has work; UINT64_MAX: none. */
uint64_t sampler_wait(const struct sampler *s, uint64_t now_ns);
/*
 * All living processes, at once: for the end of the run. After a second of CPU time the rest of
 * them keep the look they had.
 */
void sampler_finish(struct pevent *p);

#endif
