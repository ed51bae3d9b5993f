/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the network's sources tell, handed on to the model. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "loop.h"
#include "model/network.h"
#include "util/macro.h"

#define TEND_NS NSEC_PER_SEC
#define REST_NS (2 * NSEC_PER_MSEC)	/* between two drains at the end */
#define PORTS_NS (NSEC_PER_SEC / 4)	/* between two questions who waits at a port */
#define ENTER_TRIES 16		/* of those who live in a namespace; a second later once more */
#define ENTER_NS (10 * NSEC_PER_MSEC)	/* at a time; the others follow */
#define LOOK_NS (5 * NSEC_PER_SEC)	/* for who has a new socket; then it is nobody's */

static void ingest_packet(void *data, uint32_t netns, const struct packet *packet,
			  uint64_t time_ns)
{
	struct pevent *p = data;

	network_packet(&p->model, netns, packet, time_ns);
}

static void hold_fact(struct pevent *p, const struct network_fact *fact)
{
	p->facts_refused += network_add(&p->model, fact) < 0;
}

static void ingest_record(void *data, const struct tracepoint_record *r)
{
	struct pevent *p = data;

	p->facts_refused += network_record(&p->model, r) < 0;
}

/* When it was is not told, but what made it go comes first. A recording may say anything. */
static void ingest_destroyed(void *data, uint32_t netns, const struct inet_diag_socket *s,
			     uint64_t time_ns)
{
	struct pevent *p = data;
	const uint64_t drain_ns = p->source->network_ns;
	const struct network_fact fact = {
		.netns = netns, .kind = NETWORK_DESTROYED, .u.destroyed = *s,
		.time_ns = MIN(MAX(time_ns, drain_ns), drain_ns + NSEC_PER_SEC),
	};

	hold_fact(p, &fact);
}

static void ingest_existing(void *data, uint32_t netns, const struct inet_diag_socket *s)
{
	struct pevent *p = data;

	network_existing(&p->model, netns, s);
}

static void ingest_found(void *data, const struct network_found *f)
{
	const struct network_fact fact = {
		.time_ns = f->packet_ns, .netns = f->netns, .kind = NETWORK_FOUND,
		.u.found = { .id = f->id, .inode = f->inode, .tgid = f->tgid, .shared = f->shared },
	};

	hold_fact(data, &fact);
}

static void ingest_udp(void *data, bool on, uint64_t time_ns)
{
	struct pevent *p = data;

	network_udp(&p->model, on, time_ns);
}

static void ingest_udp_process(void *data, int32_t tgid, bool on, uint64_t time_ns)
{
	struct pevent *p = data;

	network_udp_process(&p->model, tgid, on, time_ns);
}

static void ingest_lost(void *data, uint64_t records)
{
	struct pevent *p = data;

	p->records_lost += records;
	network_lost(&p->model, p->source->network_ns);
	loop_add_lost(p, PEVENT_SOURCE_SOCKETS, records);
}

static void ingest_entered(void *data, uint32_t netns, uint64_t since_ns)
{
	struct pevent *p = data;

	network_entered(&p->model, netns, since_ns);
}

static void ingest_left(void *data, uint32_t netns)
{
	struct pevent *p = data;

	network_forget(&p->model, netns);
}

static const struct network_fns network_fns = {
	.packet = ingest_packet, .record = ingest_record, .destroyed = ingest_destroyed,
	.existing = ingest_existing, .found = ingest_found, .udp = ingest_udp,
	.udp_process = ingest_udp_process, .lost = ingest_lost,
	.entered = ingest_entered, .left = ingest_left,
};

/* A counter of what is missing has grown: the stream says so here. */
static void tell_growth(struct pevent *p, enum pevent_source source, uint64_t now, uint64_t *told)
{
	if (now <= *told)
		return;
	loop_add_lost(p, source, now - *told);
	network_lost(&p->model, p->source->network_ns);
	*told = now;
}

int loop_drain_network(struct pevent *p)
{
	const struct network_state *n = &p->model.network;
	struct source *s = p->source;
	int error = s->ops->drain_network(s, &network_fns, p);

	tell_growth(p, PEVENT_SOURCE_PACKETS, s->packets_lost + n->flows.evicted +
		    n->flows.refused, &p->packets_lost);
	tell_growth(p, PEVENT_SOURCE_SOCKETS, s->notices_lost + n->sockets.evicted +
		    p->facts_refused + n->refused, &p->sockets_lost);
	return error;
}

/* Whose records are too many: packets have to do, from now on. */
static void look_at_sockets(struct pevent *p)
{
	struct network_state *n = &p->model.network;

	if (!n->n_looks)
		return;
	p->source->ops->tell_sockets(p->source, &network_fns, p);
	p->source->wants_sockets = true;
	for (size_t i = 0; i < n->n_looks; i++)
		sampler_look(p, n->looks[i]);
	n->n_looks = 0;
}

/* Who was met there first may be gone, others not. */
static int enter_network(struct pevent *p, const struct network_new *new)
{
	const struct source_ops *ops = p->source->ops;
	const uint32_t netns = new->netns;
	int result = ops->enter_network(p->source, netns, new->pid, &network_fns, p);
	pid_t pid = 0;

	for (int i = 0; i < ENTER_TRIES && result == -ESRCH; i++) {
		pid = network_inhabitant(&p->model, netns, pid);
		if (!pid)
			break;
		result = ops->enter_network(p->source, netns, pid, &network_fns, p);
	}
	return result;
}

static void enter_networks(struct pevent *p)
{
	struct network_state *n = &p->model.network;
	const uint64_t end = clock_now(&p->clock) + ENTER_NS;
	size_t done = 0;

	while (done < n->n_new && clock_now(&p->clock) < end) {
		const struct network_new *new = &n->new[done++];

		/* It may be gone; the next process that is met there is the next chance. */
		if (enter_network(p, new) < 0)
			network_forget(&p->model, new->netns);
	}
	n->n_new -= done;
	memmove(n->new, n->new + done, n->n_new * sizeof(n->new[0]));
}

static void leave_empty(struct pevent *p)
{
	uint32_t netns[NETWORKS_MAX];
	size_t n = network_survey(&p->model, netns, ARRAY_SIZE(netns));

	for (size_t i = 0; i < n; i++)
		p->source->ops->leave_network(p->source, netns[i], &network_fns, p);
}

void loop_tend_networks(struct pevent *p, uint64_t now)
{
	struct network_state *n = &p->model.network;

	if (p->clock.is_virtual || !p->source->network)
		return;
	enter_networks(p);
	look_at_sockets(p);
	/* Somebody listens of whom no record told: since before the run, or there are none. */
	if (n->wants_ports && now >= p->last_ports_ns + PORTS_NS) {
		n->wants_ports = false;
		p->last_ports_ns = now;
		p->source->ops->tell_sockets(p->source, &network_fns, p);
	}
	p->source->wants_sockets = n->sockets.unowned > 0 && now < n->sockets_ns + LOOK_NS;
	if (p->source->wants_sockets && n->sockets_ns > p->sockets_ns) {
		p->sockets_ns = n->sockets_ns;
		sampler_hurry(p, now);
	}
	if (now < p->last_tend_ns + TEND_NS)
		return;
	p->last_tend_ns = now;
	leave_empty(p);
}

void loop_await_packets(struct pevent *p)
{
	const uint64_t end = clock_now(&p->clock);

	while (!p->clock.is_virtual && p->source->network &&
	       p->source->packets_until_ns < end &&
	       clock_now(&p->clock) < end + 2 * NETWORK_EXIT_NS && loop_drain_network(p) == 0)
		nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
}
