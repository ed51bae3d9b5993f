/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <sys/wait.h>

#include "sink/command_text.h"
#include "sink/signals.h"
#include "sink/stats_data.h"
#include "sink/summary.h"
#include "util/escape.h"
#include "util/hash.h"
#include "util/macro.h"

#define NAME_MAX_LEN 31
#define CHAIN_SHOWN 8

/* A process that lives, or that is an ancestor of one that does or of the line that is shown. */
struct member {
	struct hash_node node;	/* by pid, while it lives */
	struct member *parent;	/* NULL: not known, or the command's */
	unsigned int refs;	/* its life, its children, being the end of the deepest line */
	unsigned int depth;	/* the command: 1 */
	uint64_t start_ns, end_ns;	/* end 0: it lives */
	pid_t pid;
	bool has_children;
	unsigned char name_len;
	char name[NAME_MAX_LEN];	/* of its program, without directory; raw */
};

/* The process that has most of something. */
struct best {
	uint64_t value;
	pid_t pid;
	struct strbuf command;
};

struct summary {
	struct hash living;	/* of struct member */
	size_t members;
	uint64_t unfollowed;	/* forks beyond the limit, or by a parent that is not known */
	struct member *deepest;	/* NULL: none */
	struct best largest, longest;	/* peak RSS; life of one without children */
	struct usage_sum usage;
	uint64_t qualities[USAGE_QUALITY_COUNT];	/* of all that ended */
	uint64_t failed, signalled, oom_kills, unseen, survivors;
	uint32_t threads_peak;	/* of one process */
	bool ended;		/* the command */
	bool alive;		/* the command, so they say at the end of the run */
	bool status_known, end_known;
	int wait_status;
	uint64_t first_ns, last_ns;	/* the command's life */
	struct strbuf command;
};

int summary_new(struct summary **ret)
{
	struct summary *s = calloc(1, sizeof(*s));

	if (!s || hash_init(&s->living, SUMMARY_MEMBERS_MAX) < 0) {
		free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

/* Not recursive: a line of descent can be as long as the run. */
static void member_unref(struct summary *s, struct member *m)
{
	while (m && !--m->refs) {
		struct member *parent = m->parent;

		free(m);
		s->members--;
		m = parent;
	}
}

static void end_life(struct summary *s, struct member *m, uint64_t now)
{
	m->end_ns = now;
	hash_remove(&s->living, &m->node);
	member_unref(s, m);
}

static void end_node(struct hash_node *node, void *data)
{
	end_life(data, CONTAINER_OF(node, struct member, node), 1);
}

struct summary *summary_free(struct summary *s)
{
	if (!s)
		return NULL;
	hash_each(&s->living, end_node, s);
	member_unref(s, s->deepest);
	hash_finish(&s->living);
	strbuf_finish(&s->largest.command);
	strbuf_finish(&s->longest.command);
	strbuf_finish(&s->command);
	free(s);
	return NULL;
}

static struct member *find(const struct summary *s, pid_t pid)
{
	struct hash_node *node = hash_find(&s->living, (uint64_t)pid);

	return node ? CONTAINER_OF(node, struct member, node) : NULL;
}

static void set_name(struct member *m, const struct pevent_process *p)
{
	size_t len = 0;
	const char *name = command_program(p, &len);
	const char *slash = name ? memrchr(name, '/', len) : NULL;

	if (slash && slash + 1 < name + len) {
		len -= (size_t)(slash + 1 - name);
		name = slash + 1;
	}
	m->name_len = (unsigned char)MIN(len, sizeof(m->name));
	if (name)
		memcpy(m->name, name, m->name_len);
}

static uint64_t life_of(const struct member *m, uint64_t now)
{
	uint64_t end = m->end_ns ? m->end_ns : now;

	return end > m->start_ns ? end - m->start_ns : 0;
}

static void consider_deepest(struct summary *s, struct member *m, uint64_t now)
{
	struct member *old = s->deepest;

	if (old && (m == old || m->depth < old->depth ||
		    (m->depth == old->depth && life_of(m, now) <= life_of(old, now))))
		return;
	m->refs++;
	s->deepest = m;
	member_unref(s, old);
}

static void add_member(struct summary *s, pid_t command, const struct pevent_event *e)
{
	const struct pevent_process *p = &e->process;
	struct member *parent = find(s, p->ppid), *stale = find(s, p->pid), *m = NULL;

	if (p->pid == command && !s->first_ns)
		s->first_ns = e->time_ns;
	else if (!parent)
		s->unfollowed++;
	if (s->members < SUMMARY_MEMBERS_MAX)
		m = calloc(1, sizeof(*m));
	if (!m) {
		s->unfollowed += parent || p->pid == command;
		return;
	}
	s->members++;
	*m = (struct member){ .refs = 1, .depth = 1, .start_ns = e->time_ns, .pid = p->pid };
	if (parent) {
		m->parent = parent;
		m->depth = parent->depth + 1;
		parent->refs++;
		parent->has_children = true;
	}
	set_name(m, p);
	if (stale)
		end_life(s, stale, e->time_ns);	/* its exit was lost */
	hash_insert(&s->living, &m->node, (uint64_t)p->pid);	/* limit: that of members */
	consider_deepest(s, m, e->time_ns);
}

static void add_exec(struct summary *s, pid_t command, const struct pevent_event *e)
{
	struct member *m = find(s, e->process.pid);

	if (m)
		set_name(m, &e->process);
	if (e->process.pid == command && !s->command.len)
		stats_put_command(&s->command, &e->process);
}

static void consider_best(struct best *best, uint64_t value, const struct pevent_process *p)
{
	if (value <= best->value)
		return;
	best->value = value;
	best->pid = p->pid;
	strbuf_reset(&best->command);
	stats_put_command(&best->command, p);
}

static void add_usage(struct summary *s, const struct pevent_event *e)
{
	usage_sum_add(&s->usage, &e->usage);
	if (e->usage.known & PEVENT_KNOWN_PEAK)
		consider_best(&s->largest, e->usage.peak_rss, &e->process);
	s->threads_peak = MAX(s->threads_peak, e->process.threads_peak);
}

static void count_status(struct summary *s, int wait_status)
{
	s->failed += wait_status != 0;
	s->signalled += WIFSIGNALED(wait_status);
}

static void add_status(struct summary *s, const struct pevent_event *e)
{
	s->qualities[usage_quality(&e->usage)]++;
	s->oom_kills += e->u.exit.oom_killed;
	if (e->u.exit.origin == PEVENT_FROM_NONE) {
		s->unseen++;
		return;
	}
	count_status(s, e->u.exit.wait_status);
}

static void add_exit(struct summary *s, pid_t command, const struct pevent_event *e)
{
	uint64_t end = e->process.end_ns ? e->process.end_ns : e->time_ns;
	struct member *m = find(s, e->process.pid);

	add_usage(s, e);
	add_status(s, e);
	if (m) {
		set_name(m, &e->process);
		m->end_ns = end;
		consider_deepest(s, m, end);
		if (!m->has_children)
			consider_best(&s->longest, life_of(m, end), &e->process);
		end_life(s, m, end);
	}
	if (e->process.pid != command || s->ended)
		return;
	s->ended = true;
	s->status_known = s->end_known = e->u.exit.origin != PEVENT_FROM_NONE;
	s->wait_status = e->u.exit.wait_status;
	s->last_ns = end;
	if (!s->command.len)
		stats_put_command(&s->command, &e->process);
}

static void add_survivor(struct summary *s, pid_t command, const struct pevent_event *e)
{
	struct member *m = find(s, e->process.pid);

	if (!e->u.at_end)
		return;
	s->survivors++;
	s->alive |= e->process.pid == command && !s->ended;
	add_usage(s, e);
	if (m)
		end_life(s, m, e->time_ns);
}

void summary_add(struct summary *s, pid_t command, const struct pevent_event *e)
{
	if (!s->ended)
		s->last_ns = MAX(s->last_ns, e->time_ns);
	switch (e->type) {
	case PEVENT_FORK:
		add_member(s, command, e);
		break;
	case PEVENT_EXEC:
		add_exec(s, command, e);
		break;
	case PEVENT_EXIT:
		add_exit(s, command, e);
		break;
	case PEVENT_SNAPSHOT:
		add_survivor(s, command, e);
		break;
	default:
		break;
	}
}

void summary_reaped(struct summary *s, pid_t command, int wait_status)
{
	struct member *m = s->ended ? NULL : find(s, command);

	if (s->status_known)
		return;
	if (!s->ended) {
		s->qualities[s->alive ? USAGE_ESTIMATED : USAGE_UNKNOWN]++;
		s->unseen++;
		s->survivors -= s->alive;
		if (!s->alive)
			usage_sum_add(&s->usage, &(struct pevent_usage){ 0 });
	}
	if (m)
		end_life(s, m, s->last_ns);
	count_status(s, wait_status);
	s->ended = s->status_known = true;
	s->wait_status = wait_status;
}

static void put_status(const struct summary *s, struct strbuf *b)
{
	char name[SIGNAL_TEXT_MAX];

	if (!s->ended) {
		strbuf_puts(b, "still running");
	} else if (!s->status_known) {
		strbuf_puts(b, "ended, its status was not seen");
	} else if (WIFSIGNALED(s->wait_status)) {
		strbuf_puts(b, "killed by ");
		strbuf_append(b, name, signal_full(WTERMSIG(s->wait_status), name));
		if (WCOREDUMP(s->wait_status))
			strbuf_puts(b, ", core dumped");
	} else {
		strbuf_puts(b, "exit code ");
		strbuf_put_u64(b, (uint64_t)WEXITSTATUS(s->wait_status));
	}
}

static void put_best(const struct best *best, struct strbuf *b)
{
	strbuf_printf(b, "[%lld] ", (long long)best->pid);
	strbuf_append(b, best->command.data, best->command.len);
	strbuf_putc(b, '\n');
}

static void put_cpu(const struct summary *s, uint64_t wall, struct strbuf *b)
{
	const struct usage_sum *u = &s->usage;

	stats_put_label(b, "CPU time:");
	if (!(u->known & PEVENT_KNOWN_CPU)) {
		strbuf_puts(b, "-\n");
		return;
	}
	stats_say_span(b, u->cpu_ns, u->partial & PEVENT_KNOWN_CPU);
	if (!(u->partial & PEVENT_KNOWN_CPU)) {		/* else nobody knows */
		strbuf_puts(b, ", off by at most ");
		stats_say_span(b, u->cpu_error_ns, false);
	}
	if (usage_sum_has_split(u)) {
		strbuf_puts(b, "; user ");
		stats_say_span(b, u->user_ns, true);
		strbuf_puts(b, ", system ");
		stats_say_span(b, u->system_ns, true);
	}
	if (wall) {
		strbuf_puts(b, "; ");
		stats_put_percent(b, u->cpu_ns, wall, 0);
		strbuf_puts(b, " % of a CPU");
	}
	strbuf_putc(b, '\n');
}

static void put_processes(const struct summary *s, struct strbuf *b)
{
	uint64_t running = s->survivors + s->living.count;
	bool first = false;

	stats_put_label(b, "Processes:");
	strbuf_put_u64(b, s->usage.processes + s->living.count);
	if (s->threads_peak > 1) {
		strbuf_puts(b, ", at most ");
		strbuf_put_u64(b, s->threads_peak);
		strbuf_puts(b, " threads in one");
	}
	if (s->failed) {
		stats_put_item(b, &first, s->failed);
		strbuf_puts(b, "failed");
	}
	if (s->signalled) {
		stats_put_item(b, &first, s->signalled);
		strbuf_puts(b, "by a signal");
	}
	if (s->oom_kills) {
		stats_put_item(b, &first, s->oom_kills);
		strbuf_puts(b, "for want of memory");
	}
	if (running) {
		stats_put_item(b, &first, running);
		strbuf_puts(b, "still running");
	}
	strbuf_putc(b, '\n');
}

static void put_network(const struct usage_sum *u, struct strbuf *b)
{
	bool estimate = usage_sum_is_estimate(u, PEVENT_KNOWN_NETWORK);
	bool traffic_estimate = usage_sum_traffic_is_estimate(u);

	if (!(u->known & PEVENT_KNOWN_NETWORK))
		return;
	stats_put_label(b, "Network:");
	stats_say_size(b, u->tx_bytes, traffic_estimate);
	strbuf_puts(b, " sent, ");
	stats_say_size(b, u->rx_bytes, traffic_estimate);
	strbuf_puts(b, " received, ");
	strbuf_put_u64(b, u->connections);
	strbuf_puts(b, estimate ? "~" : "");
	strbuf_puts(b, u->connections == 1 ? " connection\n" : " connections\n");
}

static void put_resources(const struct summary *s, struct strbuf *b)
{
	const struct usage_sum *u = &s->usage;
	bool io = usage_sum_is_estimate(u, PEVENT_KNOWN_IO);

	stats_put_label(b, "Peak memory:");
	if (u->known & PEVENT_KNOWN_PEAK) {
		stats_say_size(b, u->peak_rss, usage_sum_is_estimate(u, PEVENT_KNOWN_PEAK));
		strbuf_puts(b, s->largest.command.len ? ", the largest: " : "\n");
	} else {
		strbuf_puts(b, "-\n");
	}
	if (s->largest.command.len)
		put_best(&s->largest, b);
	stats_put_label(b, "Block I/O:");
	if (u->known & PEVENT_KNOWN_IO) {
		stats_say_size(b, u->read_bytes, io);
		strbuf_puts(b, " read, ");
		stats_say_size(b, u->write_bytes, io);
		strbuf_puts(b, " written\n");
	} else {
		strbuf_puts(b, "-\n");
	}
	put_network(u, b);
	stats_put_label(b, "Page faults:");
	if (u->known & PEVENT_KNOWN_FAULTS) {
		const char *mark = u->partial & PEVENT_KNOWN_FAULTS ? "~" : "";

		strbuf_put_u64(b, u->minor_faults);
		strbuf_puts(b, mark);
		strbuf_puts(b, " minor, ");
		strbuf_put_u64(b, u->major_faults);
		strbuf_puts(b, mark);
		strbuf_puts(b, " major\n");
	} else {
		strbuf_puts(b, "-\n");
	}
}

static void put_member(const struct member *m, uint64_t now, struct strbuf *b)
{
	strbuf_printf(b, "[%lld] ", (long long)m->pid);
	if (m->name_len)
		escape_text(b, m->name, m->name_len);
	else
		strbuf_putc(b, '-');
	strbuf_putc(b, ' ');
	stats_say_span(b, life_of(m, now), false);
}

/* Where a generation of a line is shown, when only its two ends are; CHAIN_SHOWN: nowhere. */
static unsigned int chain_slot(unsigned int generation, unsigned int depth)
{
	if (depth <= CHAIN_SHOWN || generation <= CHAIN_SHOWN / 2)
		return generation - 1;
	return depth - generation < CHAIN_SHOWN / 2 ? CHAIN_SHOWN - 1 - (depth - generation) :
						      CHAIN_SHOWN;
}

/* From the first ancestor down. */
static void put_chain(const struct summary *s, struct strbuf *b)
{
	const struct member *shown[CHAIN_SHOWN + 1] = { NULL };
	unsigned int depth = s->deepest->depth;

	for (const struct member *m = s->deepest; m; m = m->parent)
		shown[chain_slot(m->depth, depth)] = m;
	stats_put_label(b, "Deepest:");
	strbuf_printf(b, "%s%u generations: ", s->unfollowed ? "at least " : "", depth);
	for (unsigned int i = 0; i < MIN(depth, CHAIN_SHOWN); i++) {
		if (i)
			strbuf_puts(b, " > ");
		if (i == CHAIN_SHOWN / 2 && depth > CHAIN_SHOWN)
			strbuf_printf(b, "(%u more) > ", depth - CHAIN_SHOWN);
		put_member(shown[i], s->last_ns, b);
	}
	strbuf_putc(b, '\n');
}

static void put_gap(struct strbuf *b, bool *first, uint64_t n, const char *what)
{
	if (!n)
		return;
	stats_put_item(b, first, n);
	strbuf_puts(b, what);
}

static void put_completeness(const struct summary *s, const struct pevent_stats *account,
			     struct strbuf *b)
{
	bool first = true;

	stats_put_label(b, "Incomplete:");
	put_gap(b, &first, s->qualities[USAGE_UNKNOWN], "exits without an account");
	put_gap(b, &first, s->qualities[USAGE_ESTIMATED], "exits with an estimate only");
	put_gap(b, &first, s->unseen, "ends not seen");
	stats_put_losses(b, &first, account, PEVENT_SOURCE_OUTPUT);
	strbuf_puts(b, first ? "nothing\n" : "\n");
}

void summary_text(const struct summary *s, const struct pevent_stats *account, struct strbuf *b)
{
	uint64_t wall = s->first_ns && s->last_ns > s->first_ns ? s->last_ns - s->first_ns : 0;

	stats_put_label(b, "Command:");
	put_status(s, b);
	if (s->command.len) {
		strbuf_puts(b, ": ");
		strbuf_append(b, s->command.data, s->command.len);
	}
	strbuf_putc(b, '\n');
	stats_put_label(b, "Wall time:");
	if (wall)
		stats_say_span(b, wall, s->ended && !s->end_known);
	else
		strbuf_putc(b, '-');
	strbuf_putc(b, '\n');
	put_cpu(s, wall, b);
	put_processes(s, b);
	put_resources(s, b);
	if (s->deepest && s->deepest->depth > 1)
		put_chain(s, b);
	if (s->longest.command.len && s->deepest && s->deepest->depth > 1) {
		stats_put_label(b, "Longest:");
		stats_say_span(b, s->longest.value, false);
		strbuf_puts(b, ", of those without children: ");
		put_best(&s->longest, b);
	}
	put_completeness(s, account, b);
}
