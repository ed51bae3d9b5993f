/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the network told, as lines of a recording: one for each call of network_fns, but that
 * packets stand in files of their own and only their number here. Fields are named as the kernel
 * names them; one that is 0 is left out.
 */
#ifndef SOURCE_NETWORK_LINE_H
#define SOURCE_NETWORK_LINE_H

#include "network.h"
#include "util/strbuf.h"

struct json_object;

enum network_line_kind {
	NETWORK_LINE_PACKETS,
	NETWORK_LINE_RECORD,
	NETWORK_LINE_DESTROYED,
	NETWORK_LINE_EXISTING,
	NETWORK_LINE_FOUND,
	NETWORK_LINE_UDP,
	NETWORK_LINE_UDP_PROCESS,
	NETWORK_LINE_LOST,
	NETWORK_LINE_ENTERED,
	NETWORK_LINE_LEFT,
	NETWORK_LINE_DRAINED,	/* how things stand after a drain */
	NETWORK_LINE_COUNT
};

struct network_line {
	enum network_line_kind kind;
	uint64_t time_ns;	/* of the drain */
	uint64_t at_ns;		/* DESTROYED: by then; ENTERED: since then */
	uint32_t netns;		/* of all but RECORD, UDP, UDP_PROCESS, LOST, DRAINED */
	union {
		uint64_t packets;	/* that many of its file, in a row */
		struct tracepoint_record record;
		struct inet_diag_socket socket;
		struct network_found found;
		struct {
			bool on;
			int32_t tgid;	/* UDP_PROCESS */
			uint64_t time_ns;
		} udp;
		uint64_t lost;
		struct {
			uint64_t packets_until, records_until;
			struct network_account account;	/* but how it runs in words */
		} drained;
	} u;
};

/* Appends an object, without newline. */
void network_line_put(struct strbuf *b, const struct network_line *line);
/* -EBADMSG: of no kind that is known; what else is wrong in it gives zeroes. */
int network_line_get(struct json_object *object, struct network_line *ret);

/* Members of an object that is begun, each led by a comma. */
void network_account_put(struct strbuf *b, const struct network_account *account);
void network_account_get(struct json_object *object, struct network_account *ret);
/* Where lines differ. */
bool network_account_equal(const struct network_account *a, const struct network_account *b);

#endif
