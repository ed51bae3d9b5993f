/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a hypervisor take the time of CPUs that would run? In the life of a process that shows from
 * a clock tick on; in the machine's sum, in units of 10 ms (steal, proc_stat(5)), some time later.
 */
#ifndef MODEL_STOLEN_H
#define MODEL_STOLEN_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/machine.h"

struct stolen_span {
	uint64_t begin_ns, end_ns;
};

struct stolen {
	struct machine_stolen last;	/* time 0: none yet */
	uint64_t excess_ns;		/* more than may be passed over */
	struct stolen_span now, before;	/* lives that end then are doubtful */
};

/*
 * Told when more has been stolen. since_ns: no end of a life from then on has been applied. What is
 * less than 1 % of the time that CPUs would have run is passed over: hardly a short life meets
 * it.
 */
void stolen_add(struct stolen *s, const struct machine_stolen *sums);

/* Was time stolen when this life ended? The same whether it is asked at once or later. */
bool stolen_at(const struct stolen *s, uint64_t end_ns);

#endif
