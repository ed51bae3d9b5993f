/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Per-CPU sequence numbers of the connector: what is missing between two events of one CPU. */
#ifndef MODEL_SEQUENCE_H
#define MODEL_SEQUENCE_H

#include <stddef.h>
#include <stdint.h>

#define SEQUENCE_CPUS_MAX 8192	/* the kernel's own limit on x86-64 */

struct sequence {
	struct sequence_cpu {
		uint32_t next;
		uint32_t seen;
	} *cpu;
	size_t n_cpus;
	uint64_t lost;		/* sum of all gaps */
};

void sequence_finish(struct sequence *s);	/* accepts zeroed */
/* Number of events missing before this one; 0 for the first of its CPU. */
uint32_t sequence_step(struct sequence *s, uint32_t cpu, uint32_t seq);

#endif
