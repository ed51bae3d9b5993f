/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sequence.h"

#include <stdlib.h>
#include <string.h>

void sequence_finish(struct sequence *s)
{
	free(s->cpu);
	*s = (struct sequence){ 0 };
}

static struct sequence_cpu *find(struct sequence *s, uint32_t cpu)
{
	size_t n = s->n_cpus ? s->n_cpus : 16;
	void *grown;

	if (cpu < s->n_cpus)
		return &s->cpu[cpu];
	if (cpu >= SEQUENCE_CPUS_MAX)
		return NULL;
	while (n <= cpu)
		n *= 2;
	grown = realloc(s->cpu, n * sizeof(*s->cpu));
	if (!grown)
		return NULL;
	s->cpu = grown;
	memset(&s->cpu[s->n_cpus], 0, (n - s->n_cpus) * sizeof(*s->cpu));
	s->n_cpus = n;
	return &s->cpu[cpu];
}

uint32_t sequence_step(struct sequence *s, uint32_t cpu, uint32_t seq)
{
	struct sequence_cpu *c = find(s, cpu);
	uint32_t gap = 0;

	if (!c)
		return 0;
	if (c->seen)
		gap = seq - c->next;	/* wraps as the kernel's counter does */
	if (gap > INT32_MAX) {		/* not lost, but late: kernels before 4.8 swap neighbours */
		s->lost -= s->lost > 0;
		return 0;
	}
	c->next = seq + 1;
	c->seen = 1;
	s->lost += gap;
	return gap;
}
