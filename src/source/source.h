/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the loop reads from: the running kernel (live.c) or a recording of it (replay.c). */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "machine.h"
#include "network.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/strbuf.h"
#include "wire/cn.h"
#include "wire/taskstats.h"

struct source;

enum source_answer {
	SOURCE_RECORD,	/* *ret is set: wire/proc.h's record, until the next call */
	SOURCE_WAIT,	/* not yet */
	SOURCE_MISSED,	/* there is none */
};

/* A child that pevent forked to see whether its events come: not part of the stream. */
struct source_probe {
	int32_t pid;
	uint64_t begin_ns, end_ns;	/* its fork lies between */
};

struct source_drops {
	uint32_t total;		/* events refused since the socket was opened */
	uint32_t queued;	/* bytes waiting */
	uint32_t usage_total;	/* the same of exit records */
	uint32_t usage_queued;
};

#define SOURCE_USAGE_SILENT "silent: a process of our own left no record"

struct source_account {
	uint64_t exec_read;
	uint64_t usage_received;
	char connector[96], exec_reader[96], usage[96];	/* how they run */
	bool exec_active, usage_active;
	struct network_account network;
};

struct source_ops {
	/*
	 * At most max events to fn; how many, -ENODATA at the end of a recording, -EBADMSG where it
	 * breaks off, or -errno.
	 */
	int (*drain)(struct source *s, unsigned int max,
		     void (*fn)(void *, const struct cn_event *), void *data);
	/*
	 * All exit records that wait, right after a drain: those of the EXITs that it brought are
	 * among them. How many, or -errno.
	 */
	int (*drain_usage)(struct source *s,
			   void (*fn)(void *, const struct taskstats_record *), void *data);
	void (*close_usage)(struct source *s);	/* none came: usage_silent */
	/*
	 * Packets, and what was told of sockets, before a drain; sets the horizons. 0 or -errno;
	 * what is missing is told by fns, or counted.
	 */
	int (*drain_network)(struct source *s, const struct network_fns *fns, void *data);
	/* A process is in a namespace that was not seen before: network_enter(). */
	int (*enter_network)(struct source *s, uint32_t netns, int32_t pid,
			     const struct network_fns *fns, void *data);
	/* Sockets that are there, in all namespaces. */
	void (*tell_sockets)(struct source *s, const struct network_fns *fns, void *data);
	/* Nobody is in it: network_leave(). */
	void (*leave_network)(struct source *s, uint32_t netns, const struct network_fns *fns,
			      void *data);
	int (*drops)(struct source *s, struct source_drops *ret);
	/*
	 * wire/proc.h records, each led by its length (uint32_t), of all processes. -ENOENT: the
	 * recording has none now (first: has none at all).
	 */
	int (*scan)(struct source *s, bool first, struct strbuf *ret, uint64_t *ret_begin,
		    uint64_t *ret_end);
	/*
	 * A look at the files of a living process, as a wire/proc.h record, until the next call.
	 * last: at the end of the run, after all its facts. Not of a recording.
	 */
	int (*sample)(struct source *s, int32_t pid, bool last, const void **ret,
		      size_t *ret_len);
	/* Of a recording: the next of those made before then, and the next drain; -ENOENT: none. */
	int (*next_sample)(struct source *s, uint64_t before_ns, bool last, const void **ret,
			   size_t *ret_len);
	/* What was read for the EXEC of pid at event_ns on cpu. */
	enum source_answer (*exec_get)(struct source *s, uint32_t cpu, int32_t pid,
				       uint64_t event_ns, const void **ret, size_t *ret_len);
	/* The machine's totals, and when they were read; -ENOENT: not known. last: at the end. */
	int (*machine)(struct source *s, bool last, struct source_machine *ret, uint64_t *ret_ns);
	/*
	 * What a hypervisor took of the CPUs' time: at first, and when it has changed; since_ns is
	 * passed on. -EAGAIN: it has not, or was read a moment ago, or nobody has ended since; or
	 * -errno.
	 */
	int (*stolen)(struct source *s, uint64_t since_ns, struct machine_stolen *ret);
	/*
	 * Was the thread or process of that number, which SIGKILL ended at that time, a victim of
	 * the OOM killer? Said once of each.
	 */
	bool (*oom_killed)(struct source *s, int32_t pid, uint64_t exit_ns);
	/* Forks one, or tells of one that was; -ENOENT: none now. */
	int (*probe)(struct source *s, struct source_probe *ret);
	/* A new socket in place of the old one. */
	int (*reopen)(struct source *s, void (*fn)(void *, const struct cn_event *), void *data);
	void (*stop)(struct source *s);		/* withdraws; what waits can still be drained */
	void (*account)(const struct source *s, struct source_account *ret);
	void (*free)(struct source *s);		/* withdraws */
};

struct source {
	const struct source_ops *ops;
	int fd;			/* readable when there are events; -1: always */
	uint32_t buffer;	/* bytes of kernel memory for the queue */
	int network_fd;		/* readable when drain_network() has work; -1: none */
	bool network;		/* packets are counted */
	bool notices;		/* the ends of sockets are told */
	bool records;		/* so are changes of their states */
	bool lookups;		/* their owners are looked up */
	bool wants_sockets;	/* of the loop: samples list open descriptors */
	uint32_t own_netns;	/* inode of pevent's network namespace */
	uint64_t network_ns;	/* when the last drain_network() began */
	uint64_t packets_until_ns, records_until_ns;	/* all of them were drained up to then */
	uint64_t packets_lost, notices_lost;	/* so far */
	bool usage;		/* exit records come */
	bool usage_silent;	/* they should have, and do not */
	uint64_t delays_since_ns;	/* tasks begun later have delays; UINT64_MAX: none */
};

#endif
