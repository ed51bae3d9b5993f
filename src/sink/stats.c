/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/wait.h>

#include "sink/command_text.h"
#include "sink/stats.h"
#include "sink/stats_data.h"
#include "util/macro.h"

#define RATE_SLOT_NS (NSEC_PER_SEC / RATE_SLOTS)

static struct program *program_new(const char *name, size_t len)
{
	struct program *p = calloc(1, sizeof(*p) + len);

	if (!p)
		return NULL;
	p->name_len = len;
	memcpy(p->name, name, len);
	return p;
}

static void program_free(struct hash_node *node, _unused_ void *data)
{
	struct program *p = CONTAINER_OF(node, struct program, node);

	histogram_finish(&p->lifetimes);
	free(p);
}

int stats_new(struct stats **ret, size_t programs_max)
{
	struct stats *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->other = program_new("(other)", 7);
	s->all = program_new("Total", 5);
	if (!s->other || !s->all || hash_init(&s->programs, programs_max) < 0) {
		stats_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

struct stats *stats_free(struct stats *s)
{
	if (!s)
		return NULL;
	if (s->programs.buckets)
		hash_each(&s->programs, program_free, NULL);
	hash_finish(&s->programs);
	if (s->other)
		program_free(&s->other->node, NULL);
	if (s->all)
		program_free(&s->all->node, NULL);
	free(s);
	return NULL;
}

/* Eight bytes a step; good enough for names that are compared in full anyway. */
static uint64_t hash_bytes(const char *s, size_t len)
{
	uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t last = 0;

	for (; len >= 8; s += 8, len -= 8) {
		h = (h ^ load_u64(s)) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	memcpy(&last, s, len);
	h = (h ^ last) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 29;
}

static bool is_program(const struct program *p, const char *name, size_t len)
{
	return p->name_len == len && !memcmp(p->name, name, len);
}

static struct program *find_program(struct stats *s, const struct pevent_process *process)
{
	struct hash_node *node;
	struct program *p;
	const char *name;
	uint64_t key;
	size_t len;

	name = command_program(process, &len);
	if (!name) {
		s->unnamed++;
		name = "(unknown)";
		len = 9;
	}
	if (s->last && is_program(s->last, name, len))
		return s->last;
	key = hash_bytes(name, len);
	for (node = hash_find(&s->programs, key); node; node = hash_find_next(node)) {
		p = CONTAINER_OF(node, struct program, node);
		if (is_program(p, name, len)) {
			s->last = p;
			return p;
		}
	}
	p = program_new(name, len);
	if (!p || hash_insert(&s->programs, &p->node, key) < 0) {
		free(p);
		s->other_events++;
		return s->other;
	}
	s->last = p;
	return p;
}

static void rate_add(struct rate *r, uint64_t time_ns)
{
	uint64_t slot = time_ns / RATE_SLOT_NS;

	if (slot > r->slot + RATE_SLOTS) {
		memset(r->slots, 0, sizeof(r->slots));
		r->sum = 0;
		r->slot = slot;
	}
	for (; r->slot < slot; r->slot++) {
		uint32_t *oldest = &r->slots[(r->slot + 1) % RATE_SLOTS];

		r->sum -= *oldest;
		*oldest = 0;
	}
	r->slots[r->slot % RATE_SLOTS]++;
	r->sum++;
	r->peak = MAX(r->peak, r->sum);
}

static void add_exit(struct stats *s, const struct pevent_event *e, struct program *program)
{
	const struct pevent_process *p = &e->process;
	int status = e->u.exit.wait_status;

	rate_add(&s->exits, e->time_ns);
	if (p->before_run)
		s->exits_before_run++;
	if (e->u.exit.origin == PEVENT_FROM_NONE) {
		s->exits_unseen++;
		return;
	}
	if (WIFSIGNALED(status)) {
		s->exit_signals[MIN(WTERMSIG(status), SIGNAL_COUNT - 1)]++;
		s->cores += WCOREDUMP(status) ? 1 : 0;
	} else {
		s->exit_codes[WEXITSTATUS(status)]++;
	}
	/* Starts before the run are known to 10 ms only: they would spoil the exact minimum. */
	if (p->start_origin == PEVENT_FROM_EVENT) {
		uint64_t end = p->end_ns ? p->end_ns : e->time_ns;
		uint64_t life = end > p->start_ns ? end - p->start_ns : 0;

		histogram_add(&program->lifetimes, life);
		histogram_add(&s->all->lifetimes, life);
	}
}

void stats_add(struct stats *s, const struct pevent_event *e)
{
	struct program *program;

	if (!s->first_ns)
		s->first_ns = e->time_ns;
	s->last_ns = MAX(s->last_ns, e->time_ns);
	s->sequence = e->sequence;
	s->realtime_offset_ns = e->realtime_offset_ns;
	if (e->type == PEVENT_LOST || e->type == PEVENT_START)
		return;
	if (e->type == PEVENT_CLONE && e->u.thread_end) {
		s->thread_ends++;	/* clone counts threads, as fork counts processes */
		return;
	}

	program = find_program(s, &e->process);
	program->events[e->type]++;
	program->total++;
	s->all->events[e->type]++;
	s->all->total++;
	switch (e->type) {
	case PEVENT_FORK:
		rate_add(&s->forks, e->time_ns);
		break;
	case PEVENT_EXEC:
		rate_add(&s->execs, e->time_ns);
		if (!e->process.image || !e->process.image->args)
			s->execs_without_args++;
		break;
	case PEVENT_EXIT:
		add_exit(s, e, program);
		break;
	default:
		break;
	}
}

struct listing {
	struct program **rows;
	size_t n;
};

static void list_program(struct hash_node *node, void *data)
{
	struct listing *l = data;

	l->rows[l->n++] = CONTAINER_OF(node, struct program, node);
}

static int by_total(const void *a, const void *b)
{
	const struct program *p = *(struct program *const *)a, *q = *(struct program *const *)b;
	int r;

	if (p->total != q->total)
		return p->total < q->total ? 1 : -1;
	r = memcmp(p->name, q->name, MIN(p->name_len, q->name_len));
	return r ? r : (p->name_len > q->name_len) - (p->name_len < q->name_len);
}

struct program **stats_sorted(struct stats *s, size_t *ret_n)
{
	struct listing l = { .rows = calloc(s->programs.count + 1, sizeof(*l.rows)) };

	if (!l.rows)
		return NULL;
	hash_each(&s->programs, list_program, &l);
	qsort(l.rows, l.n, sizeof(*l.rows), by_total);
	if (s->other->total)
		l.rows[l.n++] = s->other;
	*ret_n = l.n;
	return l.rows;
}

uint64_t stats_first_ns(const struct stats *s)
{
	return s->first_ns;
}

uint64_t stats_last_ns(const struct stats *s)
{
	return s->last_ns;
}
