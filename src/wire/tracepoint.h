/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of the kernel's socket tracepoints, as perf_event_open(2) delivers them. Where a field is
 * in a record is told by the kernel itself, in the tracepoint's `format` file in tracefs: it has
 * moved before (`protocol` was one byte until Linux 5.5).
 */
#ifndef WIRE_TRACEPOINT_H
#define WIRE_TRACEPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tracepoint_kind {
	TRACEPOINT_STATE,	/* sock:inet_sock_set_state, Linux 4.16 */
	TRACEPOINT_SEND,	/* sock:sock_send_length, 6.3 */
	TRACEPOINT_RECEIVE,	/* sock:sock_recv_length, 6.3 */
	TRACEPOINT_COUNT,
	TRACEPOINT_LOST = TRACEPOINT_COUNT,	/* of a record: others before it had no room */
};

enum tracepoint_field_name {
	TRACEPOINT_TYPE,	/* common_type: the tracepoint's id */
	TRACEPOINT_SKADDR,
	TRACEPOINT_FAMILY,
	TRACEPOINT_PROTOCOL,
	TRACEPOINT_OLD_STATE,
	TRACEPOINT_NEW_STATE,
	TRACEPOINT_LOCAL_PORT,
	TRACEPOINT_REMOTE_PORT,
	TRACEPOINT_LOCAL4,
	TRACEPOINT_REMOTE4,
	TRACEPOINT_LOCAL6,
	TRACEPOINT_REMOTE6,
	TRACEPOINT_RETURNED,
	TRACEPOINT_FLAGS,
	TRACEPOINT_FIELD_COUNT
};

/* Of one tracepoint: where its fields are, from the start of the raw data. */
struct tracepoint_format {
	enum tracepoint_kind kind;
	uint32_t id;		/* for perf_event_attr.config; 0: this kernel does not have it */
	struct {
		uint16_t offset, size;	/* size 0: it has no such field */
		bool is_signed;
	} field[TRACEPOINT_FIELD_COUNT];
};

struct tracepoint_record {
	uint64_t time_ns;	/* of the clock that the event was opened with */
	uint64_t skaddr;	/* the kernel's struct sock: names a socket while it lives */
	uint64_t lost;		/* LOST: how many */
	int32_t pid, tid;	/* process and thread that ran: in a state change the owner only */
				/* where it is the one that acts; 0: the idle task; -1: ended */
	uint32_t cpu;
	enum tracepoint_kind kind;
	uint16_t family;	/* AF_INET, AF_INET6 */
	uint16_t protocol;	/* IPPROTO_*; MPTCP is 262 */
	uint16_t local_port, remote_port;	/* STATE; machine's byte order; 0: not known yet */
	int32_t old_state, new_state;	/* STATE: TCP_* of netinet/tcp.h */
	uint8_t local[16], remote[16];	/* STATE: IPv4 the first 4, others 0; mapped are IPv4 */
	bool mapped;		/* STATE: an IPv6 socket that talks IPv4 */
	int32_t returned;	/* SEND, RECEIVE: bytes or -errno */
	uint32_t flags;		/* SEND, RECEIVE: MSG_* of the call; MSG_PEEK does not consume */
};

/*
 * The text of a `format` file. -EBADMSG: not in the kernel's format; -ENOMSG: another tracepoint's;
 * -ENOTSUP: a field that its records cannot do without is missing, or of a size that is not ours.
 */
int tracepoint_format_decode(const char *text, size_t len, struct tracepoint_format *ret);

/*
 * PERF_SAMPLE_TID | TIME | CPU | RAW (linux/perf_event.h), what perf_event_attr.sample_type must
 * be for tracepoint_decode(), with sample_id_all set: LOST then says when and on which CPU.
 */
#define TRACEPOINT_SAMPLE_TYPE 0x486u

/*
 * One record of a perf ring, header and all, of one of the tracepoints in formats[], of which there
 * are TRACEPOINT_COUNT in the order of their kinds. 1: a record of another kind (throttling, ...)
 * or tracepoint; -EBADMSG: lengths do not add up.
 */
int tracepoint_decode(const struct tracepoint_format *formats, const void *buf, size_t len,
		      struct tracepoint_record *ret);

#endif
