/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_STATS_NETWORK_H
#define SINK_STATS_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pevent/pevent.h"
#include "sink/stats_table.h"

#define REMOTE_PROGRAMS 4

/* What processes had to do with one remote address. */
struct remote {
	struct stats_row row;	/* its name: the address as text; nothing is put into its usage */
	uint64_t connections, retransmits;	/* of TCP */
	uint64_t uncounted;	/* of connections: retransmits are not known */
	uint64_t tx_bytes, rx_bytes;	/* of IP packets */
	uint64_t rtt_sum_ns, rtts;	/* of connections where it is known */
	bool known;		/* tx_bytes, rx_bytes: of some connection */
	bool estimate;		/* the same: not of all, or of an owner that is inferred */
	const struct stats_row *programs[REMOTE_PROGRAMS];	/* the first ones */
	size_t n_programs;
	bool more_programs;
};

/* program must outlive the table, which holds struct remote. False: of no known address. */
bool remote_add(struct stats_table *t, const struct pevent_event *e,
		const struct pevent_connection *c, const struct stats_row *program);
/* All but the row and programs. */
void remote_merge(struct remote *r, const struct remote *other);
/* Something of it to tell? */
bool remote_is_used(const struct remote *r);
/* Are they known of some connection, or is there none to have any? */
bool remote_has_retransmits(const struct remote *r);
/* Of those that an EXIT or SNAPSHOT had no room to list (e->connections has one at least), how many
 * nothing else tells of: a CLOSE does of TCP. */
uint64_t connections_in_no_row(const struct pevent_event *e);
/* Most bytes first; then by connections. */
stats_order remote_by_bytes;

#endif
