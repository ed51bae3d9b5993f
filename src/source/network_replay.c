/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "network_replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "capture.h"
#include "record.h"
#include "record_names.h"
#include "util/macro.h"

/* A network namespace's packets. */
struct space {
	struct list list;
	uint32_t netns;
	struct capture capture;
};

/* Whom packets are for. */
struct taker {
	const struct network_fns *fns;
	void *data;
	uint32_t netns;
	uint64_t taken;
};

int network_replay_init(struct network_replay *n, int dir, struct replay_lines *lines,
			int64_t realtime_offset_ns, const struct log *log)
{
	struct json_object *o;

	*n = (struct network_replay){ .lines = lines, .log = log,
				      .realtime_offset_ns = realtime_offset_ns };
	list_init(&n->spaces);
	n->dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (n->dir < 0)
		return -errno;
	/* It carries no time, and stands before all that do. */
	o = replay_lines_find_until(lines, REPLAY_NETWORK, 0);
	if (!o)
		return 0;
	n->recorded = true;
	n->own = (uint32_t)replay_int(o, "own");
	network_account_get(o, &n->account);
	replay_lines_drop(lines, REPLAY_NETWORK);
	return 0;
}

void network_replay_finish(struct network_replay *n)
{
	if (!n->lines)
		return;
	while (!list_empty(&n->spaces)) {
		struct space *s = CONTAINER_OF(n->spaces.next, struct space, list);

		list_remove(&s->list);
		capture_close(&s->capture);
		free(s);
	}
	close_p(&n->dir);
}

uint64_t network_replay_next(struct network_replay *n, uint64_t after_ns, uint64_t until_ns)
{
	uint64_t time_ns;

	if (!n->recorded || n->error)
		return until_ns;
	time_ns = replay_lines_next_time(n->lines, REPLAY_SOCKET, until_ns);
	return time_ns > after_ns ? time_ns : until_ns;
}

static struct space *space_of(struct network_replay *n, uint32_t netns)
{
	char name[RECORD_PACKETS_NAME];
	struct space *s;

	for (struct list *l = n->spaces.next; l != &n->spaces; l = l->next) {
		s = CONTAINER_OF(l, struct space, list);
		if (s->netns == netns)
			return s;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->netns = netns;
	record_packets_name(name, netns, netns == n->own);
	if (capture_open_offline(&s->capture, n->dir, name, n->realtime_offset_ns, n->log) < 0) {
		free(s);
		return NULL;
	}
	list_append(&n->spaces, &s->list);
	return s;
}

static void take_packet(void *data, const struct packet *p, uint64_t time_ns, const void *raw,
			size_t caplen, size_t wirelen)
{
	struct taker *t = data;

	(void)raw;
	(void)caplen;
	(void)wirelen;
	t->taken++;
	t->fns->packet(t->data, t->netns, p, time_ns);
}

/* What is not IP stands in the file as well, and is not counted. */
static int replay_packets(struct network_replay *n, uint32_t netns, uint64_t wanted,
			  const struct network_fns *fns, void *data)
{
	struct taker t = { fns, data, netns, 0 };
	struct space *s = space_of(n, netns);

	if (!s)
		return -EBADMSG;
	while (t.taken < wanted)
		if (capture_replay(&s->capture, UINT64_MAX, 1, take_packet, &t) <= 0)
			return log_error(n->log, -EBADMSG, "packets of network namespace %u: %s",
					 netns, "fewer than were recorded");
	/* Of a run in many namespaces not all files can be open. */
	if (!s->capture.held)
		capture_close(&s->capture);
	return 0;
}

static int replay_line(struct network_replay *n, const struct network_line *line,
		       const struct network_fns *fns, void *data)
{
	switch (line->kind) {
	case NETWORK_LINE_PACKETS:
		return replay_packets(n, line->netns, line->u.packets, fns, data);
	case NETWORK_LINE_RECORD:
		fns->record(data, &line->u.record);
		break;
	case NETWORK_LINE_DESTROYED:
		fns->destroyed(data, line->netns, &line->u.socket, line->at_ns);
		break;
	case NETWORK_LINE_EXISTING:
		fns->existing(data, line->netns, &line->u.socket);
		break;
	case NETWORK_LINE_FOUND:
		fns->found(data, &line->u.found);
		break;
	case NETWORK_LINE_UDP:
		fns->udp(data, line->u.udp.on, line->u.udp.time_ns);
		break;
	case NETWORK_LINE_UDP_PROCESS:
		if (fns->udp_process)
			fns->udp_process(data, line->u.udp.tgid, line->u.udp.on,
					 line->u.udp.time_ns);
		break;
	case NETWORK_LINE_LOST:
		fns->lost(data, line->u.lost);
		break;
	case NETWORK_LINE_ENTERED:
		fns->entered(data, line->netns, line->at_ns);
		break;
	case NETWORK_LINE_LEFT:
		fns->left(data, line->netns);
		break;
	case NETWORK_LINE_DRAINED:
		n->drained = *line;
		n->account = line->u.drained.account;
		break;
	default:
		break;
	}
	return 0;
}

int network_replay_drain(struct network_replay *n, uint64_t until_ns,
			 const struct network_fns *fns, void *data)
{
	struct network_line line;
	struct json_object *o;

	while (n->recorded && n->error == 0 &&
	       (o = replay_lines_find_until(n->lines, REPLAY_SOCKET, until_ns))) {
		int error = network_line_get(o, &line);

		replay_lines_drop(n->lines, REPLAY_SOCKET);
		if (error == 0)
			n->error = replay_line(n, &line, fns, data);
		else
			log_warning(n->log, "%s: a line about a socket is not understood",
				    RECORD_PROC);
	}
	return n->error;
}

/* A drain that brought nothing has no line: it was as far behind as the last one that has. */
static uint64_t until(const struct network_replay *n, uint64_t then_ns, uint64_t drain_ns)
{
	const uint64_t told_ns = n->drained.time_ns;

	if (!told_ns || then_ns >= told_ns || drain_ns <= told_ns)
		return then_ns;
	return drain_ns - (told_ns - then_ns);
}

uint64_t network_replay_packets_until(const struct network_replay *n, uint64_t drain_ns)
{
	return until(n, n->drained.u.drained.packets_until, drain_ns);
}

uint64_t network_replay_records_until(const struct network_replay *n, uint64_t drain_ns)
{
	return until(n, n->drained.u.drained.records_until, drain_ns);
}
