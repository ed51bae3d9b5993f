/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that the kernel tells of the network: packets, what becomes of sockets, who has them. Packets
 * and the ends of sockets are told for each network namespace: those that pevent was told of, its
 * own first, are entered once and hold a capture and a diagnosis socket each.
 */
#ifndef SOURCE_NETWORK_H
#define SOURCE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/clock.h"
#include "util/log.h"
#include "wire/inet_diag.h"
#include "wire/packet.h"
#include "wire/tracepoint.h"

struct network;
struct recorder;

#define NETWORK_NAMESPACES_MAX 256	/* beyond it a namespace's packets are not counted */

enum network_owner {
	NETWORK_OWNER_AUTO,	/* tracepoints; where they do not open, lookups */
	NETWORK_OWNER_PERF,	/* tracepoints, or -errno */
	NETWORK_OWNER_DIAG,	/* lookups */
};

struct network_options {
	const char *interface;	/* comma list; NULL: all devices */
	enum network_owner owner;
	uint32_t buffer;	/* bytes asked of SO_RCVBUFFORCE for notices */
	bool realtime;		/* lookups may run under SCHED_FIFO */
	struct recorder *recorder;	/* recorder_packets() has each one's file; NULL: none */
};

/* Found by a lookup at a socket's first packet: whose it is. */
struct network_found {
	uint32_t netns;		/* inode of the namespace */
	struct inet_diag_id id;	/* as its owner sees it, with protocol and cookie */
	uint32_t inode;		/* of the socket */
	int32_t tgid;		/* one that has it open; 0: nobody was found, or any of several */
	bool shared;		/* others may have, and which of them sent is not known */
	uint64_t packet_ns;	/* time of the packet */
};

/* netns: inode of the namespace. Pointers are valid until the callback returns. */
struct network_fns {
	/* Of one namespace in the order of its ring. */
	void (*packet)(void *data, uint32_t netns, const struct packet *p, uint64_t time_ns);
	/* In order of time, over all calls. */
	void (*record)(void *data, const struct tracepoint_record *r);
	/* A socket is gone, since before then; TCP: with its final counts. */
	void (*destroyed)(void *data, uint32_t netns, const struct inet_diag_socket *s,
			  uint64_t time_ns);
	/* One that was there when its namespace was entered. */
	void (*existing)(void *data, uint32_t netns, const struct inet_diag_socket *s);
	void (*found)(void *data, const struct network_found *f);
	/* From then on, in order of time, UDP payload is in records, or not. At the start, too. */
	void (*udp)(void *data, bool on, uint64_t time_ns);
	/*
	 * From then on, in order of time, records do not tell of the datagrams of a process that
	 * has too many; on: they do again, also because it has ended. NULL: nobody wants to know.
	 */
	void (*udp_process)(void *data, int32_t tgid, bool on, uint64_t time_ns);
	/* So many records did not come, by now. */
	void (*lost)(void *data, uint64_t records);
	/* A namespace is in, from then on; 0: since before anything was told. Also once more. */
	void (*entered)(void *data, uint32_t netns, uint64_t since_ns);
	/* It was left: who is met there is to be entered again. */
	void (*left)(void *data, uint32_t netns);
};

struct network_account {
	bool captures;		/* packets come */
	bool notices_open;	/* the ends of sockets are told */
	bool perf, udp;		/* tracepoints are open; and those of UDP payload, just now */
	bool lookups;		/* sockets' owners are looked up */
	uint64_t packets, records, notices;	/* taken in */
	uint64_t packets_dropped, records_lost, notices_lost;	/* known not to have come */
	uint64_t other_packets, skipped_packets;	/* not IP or not understood; seen twice */
	size_t namespaces, namespaces_peak;
	size_t namespaces_refused;	/* could not be entered: what they had is not known */
	char packets_state[96], sockets_state[96];	/* how they run */
};

/*
 * Opens the calling thread's own namespace and the tracepoints, before anything that listens to
 * forks: reading formats may fork once. What cannot be opened is logged with its cure and does
 * without, but what is no list of interfaces, or NETWORK_OWNER_PERF without: -errno. Nothing comes
 * before network_drain().
 */
int network_open(struct network **ret, const struct network_options *options,
		 const struct clock *clock, const struct log *log);
struct network *network_free(struct network *n);
/*
 * Readable when network_drain() has work: a block of packets, half a ring of records, notices. A
 * loop that sleeps wakes up for it, or the rings run over.
 */
int network_get_fd(const struct network *n);
/*
 * Packets, records, notices, lookups that wait, each of them in this order; never blocks. Before
 * these, namespaces that have been mounted (ip netns, containers) are entered. 0, or -errno:
 * nothing more will come.
 */
int network_drain(struct network *n, const struct network_fns *fns, void *data);
/* The run ends: what is known to be lost is asked for at each drain, not now and then. */
void network_run_ends(struct network *n);
/* Up to when all packets, and all records, have been drained; UINT64_MAX: there are none. */
uint64_t network_packets_until(const struct network *n);
uint64_t network_records_until(const struct network *n);
/*
 * Takes in the namespace `netns` that a process pid is in (0: that is mounted somewhere), and tells
 * of its sockets. 1: it is in already; -ESRCH: it could not be found any more; -ENOSPC: the limit;
 * other -errno, logged once each.
 */
int network_enter(struct network *n, uint32_t netns, int32_t pid, const struct network_fns *fns,
		  void *data);
/*
 * Tells once more of the sockets that wait at a port, and of all of UDP, in all namespaces: some
 * hundred at once, the others with the next drains.
 */
void network_tell_existing(struct network *n, const struct network_fns *fns, void *data);
/*
 * No process is in it: left, unless it is mounted or our own; its sockets would keep it alive. What
 * it has still to tell comes with the drains of the next 50 ms or so; network_enter() meanwhile
 * keeps it.
 */
void network_leave(struct network *n, uint32_t netns, const struct network_fns *fns, void *data);
uint32_t network_own(const struct network *n);
/* Packets and notices that are known not to have come, as last read: cheap. */
void network_get_losses(const struct network *n, uint64_t *ret_packets, uint64_t *ret_notices);
void network_get_account(const struct network *n, struct network_account *ret);

#endif
