/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the network told, out of a recording: the same calls, in order, at the same drains. */
#ifndef SOURCE_NETWORK_REPLAY_H
#define SOURCE_NETWORK_REPLAY_H

#include "network_line.h"
#include "replay_lines.h"
#include "util/list.h"

struct network_replay {
	bool recorded;			/* there was a network */
	uint32_t own;			/* inode of pevent's own namespace */
	struct network_account account;	/* as it stood at the last drain */
	struct network_line drained;	/* its line; time_ns 0: there was none yet */
	struct list spaces;		/* whose packets have been asked for */
	struct replay_lines *lines;
	int dir;
	int error;			/* how it ended before its end: 0: it did not */
	int64_t realtime_offset_ns;
	const struct log *log;
};

/* dir is duplicated. Reads no further than to the first line. */
int network_replay_init(struct network_replay *n, int dir, struct replay_lines *lines,
			int64_t realtime_offset_ns, const struct log *log);
void network_replay_finish(struct network_replay *n);	/* accepts zeroed */
/* Time of the next drain, if it is after after_ns and before until_ns; else until_ns. */
uint64_t network_replay_next(struct network_replay *n, uint64_t after_ns, uint64_t until_ns);
/* What was told at drains up to then. -EBADMSG, logged: a file breaks off, or is missing. */
int network_replay_drain(struct network_replay *n, uint64_t until_ns,
			 const struct network_fns *fns, void *data);
/* Up to when all packets, or records, had been drained at that time; 0: it is not known. */
uint64_t network_replay_packets_until(const struct network_replay *n, uint64_t drain_ns);
uint64_t network_replay_records_until(const struct network_replay *n, uint64_t drain_ns);

#endif
