/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop's state and its steps: drains the source each tick, brings its facts into order, joins
 * them with what the exec readers fetched, and moves the model on.
 */
#ifndef LOOP_H
#define LOOP_H

#include "model/model.h"
#include "model/reorder.h"
#include "model/sequence.h"
#include "pevent/pevent.h"
#include "sampler.h"
#include "source/host.h"
#include "source/source.h"
#include "util/clock.h"
#include "util/log.h"

struct probe {
	struct source_probe child;
	bool pending, forked;		/* sent and not answered; its FORK was seen */
	int32_t record_of;		/* whose exit record is awaited; 0: nobody's */
};

/* A scan of /proc that waits for the facts that are older than it. */
struct scan {
	bool wanted, taken;
	struct strbuf records;
	uint64_t begin_ns, end_ns;
};

struct pevent {
	struct pevent_config config;
	struct log log;			/* passes on to the next two */
	pevent_log_fn log_fn;
	void *log_data;
	struct clock clock;
	struct source_host host;
	struct source *source;		/* NULL: no input yet */
	char *record_dir;
	struct model model;
	struct reorder reorder;
	struct sequence sequence;
	struct source_drops drops;
	struct probe probe;
	struct scan scan;
	struct sampler sampler;
	struct source_machine machine_begin, machine_end;
	bool has_machine_begin, has_machine_end;
	uint64_t horizon_ns;		/* facts up to here are in order */
	uint64_t packets_lost, sockets_lost;	/* that the stream has been told of */
	uint64_t records_lost, facts_refused;
	uint64_t last_tend_ns;		/* of the network namespaces */
	uint64_t last_ports_ns;		/* sockets were asked for */
	uint64_t sockets_ns;		/* of the newest that processes were looked at for */
	uint64_t newest_ns;	/* time of the youngest event taken in */
	uint64_t last_event_ns, last_scan_ns;
	uint64_t drops_before;		/* of sockets that the watchdog replaced */
	uint64_t received, refused, lost_output, dispatches, queue_peak, rescans;
	int epoll_fd, timer_fd, ready_fd;
	bool busy;			/* draining by the timer, not by poll */
	bool silent;		/* the watchdog has said so */
	bool usage_seen;	/* an exit record has come */
	bool stopping, residue_told, survivors_told;
};

/* The run begins: who is there already. -EIO: /proc cannot be read. */
int loop_begin(struct pevent *p);
/* A child of our own must be seen, or nothing that follows can be believed. Live only. */
int loop_self_test(struct pevent *p);
/* One tick. -ENODATA: the recording is at its end. */
int loop_dispatch(struct pevent *p);
/* The next fact into the model; false: none is due. */
bool loop_advance(struct pevent *p);
/* Withdraws and takes in the rest. */
void loop_stop(struct pevent *p);
/* Events from the source, before they are in order. For live_new(). */
void loop_ingest(void *data, const struct cn_event *ev);
/* Something is missing from here on; 0: it is not known how much. */
void loop_add_lost(struct pevent *p, enum pevent_source source, uint64_t count);
/* What the source has now; how many events, or -errno. */
int loop_drain(struct pevent *p);
/* Forks a child of our own, or takes a recording's; -errno: there is none. */
int loop_send_probe(struct pevent *p);
/* Is it an event of that child, and none of the stream? */
bool loop_is_probe(struct pevent *p, const struct cn_event *ev);
/* After a drain: did it leave an exit record? */
void loop_end_probe(struct pevent *p);
/* The watchdog: a new socket where that child is not seen. */
void loop_watch(struct pevent *p, uint64_t now_ns);
/* Packets, and what is told of sockets. 0 or -errno. */
int loop_drain_network(struct pevent *p);
/* Network namespaces come and go with the processes in them; sockets are asked for again. */
void loop_tend_networks(struct pevent *p, uint64_t now_ns);
/* Packets sent before the end are still to come out of their rings, and the ends of sockets. */
void loop_await_packets(struct pevent *p);
/* The next wake-up by the timer. */
void loop_arm(struct pevent *p, uint64_t delay_ns);

#endif
