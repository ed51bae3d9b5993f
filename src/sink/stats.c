/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/wait.h>

#include "sink/command_text.h"
#include "sink/connection.h"
#include "sink/stats.h"
#include "sink/stats_data.h"
#include "util/macro.h"
#include "util/parse.h"

#define RATE_SLOT_NS (NSEC_PER_SEC / RATE_SLOTS)

static struct program *program_of(struct stats_row *row)
{
	return CONTAINER_OF(row, struct program, row);
}

static void program_finish(struct stats_row *row)
{
	histogram_finish(&program_of(row)->lifetimes);
}

int stats_new(struct stats **ret, size_t programs_max)
{
	struct stats *s = calloc(1, sizeof(*s));
	struct stats_row *all = stats_row_new(sizeof(struct program), "Total", 5);
	int r = s && all ? 0 : -ENOMEM;

	if (s && all)
		s->all = program_of(all);
	else
		free(all);
	if (!r)
		r = stats_table_init(&s->remotes, sizeof(struct remote), STATS_REMOTES_MAX, NULL);
	if (!r)
		r = stats_table_init(&s->programs, sizeof(struct program), programs_max,
				     program_finish);
	for (size_t i = 0; !r && i < GROUPING_COUNT; i++)
		r = stats_table_init(&s->groups[i], sizeof(struct stats_row), STATS_GROUPS_MAX,
				     NULL);
	if (r < 0) {
		stats_free(s);
		return r;
	}
	*ret = s;
	return 0;
}

struct stats *stats_free(struct stats *s)
{
	if (!s)
		return NULL;
	stats_table_finish(&s->remotes);
	stats_table_finish(&s->programs);
	for (size_t i = 0; i < GROUPING_COUNT; i++)
		stats_table_finish(&s->groups[i]);
	for (size_t i = 0; i < TOP_COUNT; i++)
		stats_top_finish(&s->top[i]);
	if (s->all)
		program_finish(&s->all->row);
	free(s->all);
	free(s);
	return NULL;
}

static const char unknown[] = "(unknown)";

/* A name that is not known gets the row that says so. */
static struct stats_row *get_row(struct stats_table *t, const char *name, size_t len)
{
	return name ? stats_table_get(t, name, len) :
		      stats_table_get(t, unknown, sizeof(unknown) - 1);
}

bool stats_is_known(const struct stats_row *row)
{
	return row->name_len != sizeof(unknown) - 1 || memcmp(row->name, unknown, row->name_len);
}

bool stats_has_groups(const struct stats *s, int grouping)
{
	const struct stats_table *t = &s->groups[grouping];

	return t->rows.count > 1 || (t->last && stats_is_known(t->last));
}

bool stats_remote_is_estimate(const struct stats *s, const struct remote *r)
{
	return r->estimate || s->unlisted_connections;
}

bool stats_get_unlisted(const struct stats *s, uint64_t *ret_tx, uint64_t *ret_rx)
{
	const struct usage_sum *all = &s->all->row.usage;

	*ret_tx = all->tx_bytes - MIN(all->tx_bytes, s->remote_tx);
	*ret_rx = all->rx_bytes - MIN(all->rx_bytes, s->remote_rx);
	return *ret_tx || *ret_rx;
}

uint32_t stats_row_user(const struct stats_row *row)
{
	uint64_t user;

	return parse_u64(row->name, 0, UINT32_MAX - 1, &user) < 0 ? UINT32_MAX : (uint32_t)user;
}

static struct program *find_program(struct stats *s, const struct pevent_process *process)
{
	size_t len = 0;
	const char *name = command_program(process, &len);

	return program_of(get_row(&s->programs, name, len));
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

static struct stats_row *find_parent(struct stats *s, const struct pevent_process *p)
{
	struct pevent_process parent = { .image = p->parent_image };
	size_t len = 0;
	const char *name;

	memcpy(parent.comm, p->parent_comm, sizeof(parent.comm));
	name = command_program(&parent, &len);
	return get_row(&s->groups[BY_PARENT], name, len);
}

static struct stats_row *find_user(struct stats *s, const struct pevent_process *p)
{
	char digits[16];
	int len = snprintf(digits, sizeof(digits), "%" PRIu32, p->euid);

	return get_row(&s->groups[BY_USER], p->euid == UINT32_MAX ? NULL : digits, (size_t)len);
}

static struct stats_row *find_cgroup(struct stats *s, const struct pevent_process *p)
{
	const char *name = p->image ? p->image->cgroup : NULL;

	return get_row(&s->groups[BY_CGROUP], name, name ? strlen(name) : 0);
}

/* Of those that waited at all: most processes never do, and would hide them. */
static void add_waits(struct stats *s, const struct pevent_usage *u)
{
	uint64_t block_io = 0;

	if (u->known & PEVENT_KNOWN_DELAYS)
		block_io = u->delay_ns[PEVENT_DELAY_BLKIO];
	if (u->known & PEVENT_KNOWN_RUN_QUEUE && u->run_queue_waits)
		log2_counts_add(&s->log2[LOG2_RUN_QUEUE], u->run_queue_ns / u->run_queue_waits);
	if (block_io && block_io != UINT64_MAX)	/* the latter: this kernel does not count it */
		log2_counts_add(&s->log2[LOG2_BLOCK_IO], block_io);
}

static void add_remote(struct stats *s, const struct pevent_event *e,
		       const struct pevent_connection *c, struct program *program)
{
	if (!remote_add(&s->remotes, e, c, &program->row) || !connection_is_counted(e, c))
		return;
	s->remote_tx += c->tx.bytes;
	s->remote_rx += c->rx.bytes;
}

/* Of TCP each one when it is closed, or at the end of the run; of others, which are not closed, all
 * of a process when it is told of. */
static void add_connections(struct stats *s, const struct pevent_event *e, struct program *program)
{
	const struct pevent_connections *all = e->connections;

	for (size_t i = 0; all && i < all->n; i++) {
		const struct pevent_connection *c = &all->connection[i];

		if (e->type == PEVENT_CLOSE || c->protocol != IPPROTO_TCP ||
		    (e->type == PEVENT_SNAPSHOT && c->open))
			add_remote(s, e, c, program);
	}
	if (all && all->n && e->type != PEVENT_CLOSE)
		s->unlisted_connections += connections_in_no_row(e);
}

/* Of a process, once: at its end, or at the end of the run. */
static void add_usage(struct stats *s, const struct pevent_event *e, struct program *program)
{
	const struct pevent_usage *u = &e->usage;

	usage_sum_add(&program->row.usage, u);
	usage_sum_add(&s->all->row.usage, u);
	usage_sum_add(&find_parent(s, &e->process)->usage, u);
	usage_sum_add(&find_user(s, &e->process)->usage, u);
	usage_sum_add(&find_cgroup(s, &e->process)->usage, u);
	if (u->known & PEVENT_KNOWN_CPU)
		stats_top_add(&s->top[TOP_CPU], u->cpu_ns,
			      usage_is_estimate(u, PEVENT_KNOWN_CPU), &program->row, e);
	if (u->known & PEVENT_KNOWN_PEAK)
		stats_top_add(&s->top[TOP_PEAK_RSS], u->peak_rss,
			      usage_is_estimate(u, PEVENT_KNOWN_PEAK), &program->row, e);
	if (u->known & PEVENT_KNOWN_IO)
		stats_top_add(&s->top[TOP_IO], u->read_bytes + u->write_bytes,
			      usage_is_estimate(u, PEVENT_KNOWN_IO), &program->row, e);
	add_waits(s, u);
	add_connections(s, e, program);
}

static uint64_t life_of(const struct pevent_event *e)
{
	uint64_t end = e->process.end_ns ? e->process.end_ns : e->time_ns;

	return end > e->process.start_ns ? end - e->process.start_ns : 0;
}

static void add_account(struct stats *s, const struct pevent_event *e, struct program *program)
{
	add_usage(s, e, program);
	s->qualities[usage_quality(&e->usage)]++;
	if (e->process.start_ns && life_of(e) < NSEC_PER_SEC)
		usage_sum_add(&s->short_lived, &e->usage);
}

/* How it ended, and after how long. */
static void add_exit(struct stats *s, const struct pevent_event *e, struct program *program)
{
	const struct pevent_process *p = &e->process;
	int status = e->u.exit.wait_status;

	s->oom_kills += e->u.exit.oom_killed;
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
		uint64_t life = life_of(e);

		histogram_add(&program->lifetimes, life);
		histogram_add(&s->all->lifetimes, life);
		log2_counts_add(&s->log2[LOG2_LIFETIME], life);
	}
}

static void add_survivor(struct stats *s, const struct pevent_event *e)
{
	if (!e->u.at_end)
		return;
	s->survivors++;
	add_usage(s, e, find_program(s, &e->process));
}

/* Of those that are shown. */
static void count_event(struct stats *s, const struct pevent_event *e, struct program *program)
{
	s->unnamed += !stats_is_known(&program->row);
	s->other_events += &program->row == s->programs.other;
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
		rate_add(&s->exits, e->time_ns);
		break;
	default:
		break;
	}
}

void stats_add(struct stats *s, const struct pevent_event *e)
{
	struct program *program;

	if (!s->first_ns)
		s->first_ns = e->time_ns;
	s->last_ns = MAX(s->last_ns, e->time_ns);
	s->sequence = MAX(s->sequence, e->sequence);
	s->realtime_offset_ns = e->realtime_offset_ns;
	if (e->type == PEVENT_LOST || e->type == PEVENT_START)
		return;
	if (e->type == PEVENT_CLONE && e->u.thread_end) {
		s->thread_ends++;	/* clone counts threads, as fork counts processes */
		return;
	}
	if (e->type == PEVENT_SNAPSHOT) {
		add_survivor(s, e);
		return;
	}

	program = find_program(s, &e->process);
	if (e->type == PEVENT_EXIT) {
		add_account(s, e, program);
		add_exit(s, e, program);
	} else if (e->type == PEVENT_CLOSE) {
		add_connections(s, e, program);
	}
	if (e->sequence)
		count_event(s, e, program);
}

int stats_by_events(const struct stats_row *a, const struct stats_row *b)
{
	const struct program *p = CONTAINER_OF(a, struct program, row);
	const struct program *q = CONTAINER_OF(b, struct program, row);

	return (p->total < q->total) - (p->total > q->total);
}

uint64_t stats_first_ns(const struct stats *s)
{
	return s->first_ns;
}

uint64_t stats_last_ns(const struct stats *s)
{
	return s->last_ns;
}
