/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of all devices of a network namespace, or of some, through libpcap; and of a recording of
 * them. Blocks of packets come when they are full or timeout_ms old: packets that were sent
 * together arrive together, each with its own time.
 */
#ifndef SOURCE_CAPTURE_H
#define SOURCE_CAPTURE_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/log.h"
#include "wire/packet.h"

struct capture_file;
struct devices;
struct pcap;
struct pcap_pkthdr;

#define CAPTURE_NAMES_MAX 16
/* An EXIT waits 50 ms for its packets: a late timer, or a busy CPU, may take what is left of it. */
#define CAPTURE_TIMEOUT_MS 30

struct capture_options {
	uint32_t snaplen;	/* bytes of each packet; 0: 128 */
	uint32_t buffer;	/* bytes of the kernel's ring; 0: 16 MiB */
	uint32_t timeout_ms;	/* 0: CAPTURE_TIMEOUT_MS */
	const char *interface;	/* comma list of devices, by name; NULL, "any": all */
	bool tells_missing;	/* warns of names that are of no device at the opening */
	struct devices *devices;	/* not of those named; NULL: stacked ones count twice */
};

struct capture_count {
	uint64_t packets;
	uint64_t bytes;		/* as on the wire; from cooked sockets without the link header */
};

struct capture_drops {
	uint64_t seen;		/* that passed the filter, with the dropped */
	uint64_t dropped;	/* no room in the ring */
};

struct capture {
	struct pcap *pcap;	/* NULL: not open */
	int fd;			/* for poll(2); -1: not open, a recording */
	int linktype;
	bool nanoseconds;
	int64_t realtime_offset_ns;	/* CLOCK_REALTIME - CLOCK_MONOTONIC: the caller's */
	struct capture_count ip, other, malformed;	/* other: not IP */
	struct capture_count skipped;	/* also seen at another device */
	struct capture_drops drops;
	uint32_t last_seen, last_dropped;	/* pcap's own, of 32 bits */
	struct capture_file *file;	/* where all but the skipped go; NULL: nowhere */
	struct capture_options options;
	const struct log *log;
	char names[CAPTURE_NAMES_MAX][IFNAMSIZ];
	uint32_t ifindexes[CAPTURE_NAMES_MAX];	/* of names; 0: there is none now */
	size_t n_names;		/* 0: all devices */
	uint64_t names_ns;	/* when they were last looked up */
	bool is_behind;		/* what has changed could not be followed; it was told */
	/* A recording's next packet */
	const struct pcap_pkthdr *held;	/* NULL: the end */
	const uint8_t *held_data;
	uint64_t held_ns;
	int end;		/* -ENODATA, or -EBADMSG: it stops in the middle */
};

/* time_ns: CLOCK_MONOTONIC. raw: with the link header of linktype; valid until it returns. */
typedef void (*capture_fn)(void *data, const struct packet *p, uint64_t time_ns, const void *raw,
			   size_t caplen, size_t wirelen);

/*
 * In the calling thread's network namespace. Errors are logged with their cure: -EPERM, -EINVAL
 * (the list of names), -EMFILE, -ENFILE, -ENOTSUP (link type), -EIO, -ENOMEM. A device that is
 * named need not be there: it is followed.
 */
int capture_open(struct capture *c, const struct capture_options *options, const struct log *log);
void capture_close(struct capture *c);	/* accepts zeroed */

/*
 * What waits, at most max packets (0: none); how many were taken, or -ENODEV: not open. Never
 * blocks. Other errors are logged and end the capture. A packet that crossed loopback comes once,
 * with ifindex 1.
 */
int capture_drain(struct capture *c, unsigned int max, capture_fn fn, void *data);

/*
 * Follows named devices that go and come back, at most ten times a second, from wherever it is
 * called. 0, or -errno, logged.
 */
int capture_follow(struct capture *c, uint64_t now_ns);

/* Exact. A system call. */
int capture_drops(struct capture *c, struct capture_drops *ret);

/* packets.pcap of a recording; logs what fails. The offset is that of the recording. */
int capture_open_offline(struct capture *c, int dir, const char *name,
			 int64_t realtime_offset_ns, const struct log *log);
/*
 * Its packets up to a time, at most max, in the order of the ring, in which packets of two CPUs may
 * be exchanged: none passes one that is later than until_ns. 0: none yet; -ENODATA: no more.
 */
int capture_replay(struct capture *c, uint64_t until_ns, unsigned int max, capture_fn fn,
		   void *data);

#endif
