/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stores what the kernel said, before anything is made of it, in a directory:
 *
 *	netlink.pcap	connector messages and exit records, LINKTYPE_NETLINK; all of one drain
 *			carry its time
 *	packets.pcap	packets of pevent's own network namespace, packets-INODE.pcap of another
 *	proc.jsonl	each /proc read, in the order of use, and what the loop was told; what the
 *			network told, and how many packets at which drain
 *	meta.json	the machine, and how its clocks stood
 *
 * Bytes in JSON strings are U+0000 to U+00FF, one each. Times are CLOCK_MONOTONIC nanoseconds,
 * but in the pcap files, which carry CLOCK_REALTIME as their readers expect.
 */
#ifndef SOURCE_RECORD_H
#define SOURCE_RECORD_H

#include "network.h"
#include "source.h"

#define RECORD_NETLINK "netlink.pcap"
#define RECORD_PROC "proc.jsonl"
#define RECORD_META "meta.json"
#define RECORD_LINKTYPE 253	/* LINKTYPE_NETLINK */
#define RECORD_PSEUDO_HEADER 16	/* of that link type, before the message */

struct capture_file;
struct recorder;

/*
 * of: what is recorded; usage_family: generic netlink number of taskstats, 0: no exit records.
 * Logs what fails.
 */
int recorder_new(struct recorder **ret, const char *dir, const struct source *of,
		 uint16_t usage_family, const struct clock *clock, const struct log *log);
struct recorder *recorder_free(struct recorder *r);
/* Hands what is stored to the kernel. 0, or the first error: then the recording has ended. */
int recorder_flush(struct recorder *r);
/* protocol: NETLINK_CONNECTOR or NETLINK_GENERIC. */
void recorder_netlink(struct recorder *r, uint64_t now_ns, int protocol, const void *raw,
		      size_t len);
void recorder_exec(struct recorder *r, const void *record, size_t len);
/* last: at the end of the run. */
void recorder_sample(struct recorder *r, bool last, const void *record, size_t len);
void recorder_scan(struct recorder *r, const struct strbuf *records, uint64_t begin_ns,
		   uint64_t end_ns);
void recorder_drops(struct recorder *r, uint64_t now_ns, const struct source_drops *drops);
void recorder_machine(struct recorder *r, const struct source_machine *machine, uint64_t time_ns);
void recorder_stolen(struct recorder *r, const struct machine_stolen *sums);
void recorder_oom(struct recorder *r, int32_t pid, uint64_t exit_ns, uint64_t time_ns);
void recorder_probe(struct recorder *r, const struct source_probe *probe);

/* Before the first scan: there is a network, and what of it could be opened; own: its inode. */
void recorder_network(struct recorder *r, uint32_t own, const struct network_account *account);
/*
 * Where the packets of a namespace go: the recorder's own file, the same each time; where there has
 * been one it goes on. NULL: it cannot be had: packets of this namespace are not recorded, which is
 * logged once; and without those of pevent's own the recording has ended.
 */
struct capture_file *recorder_packets(struct recorder *r, uint32_t netns, bool own, int linktype);
/* No more of them, for now: the file is closed. */
void recorder_packets_end(struct recorder *r, uint32_t netns);

/* Calls of network_fns, recorded and handed on; its data is a struct recorder_tee. */
struct recorder_tee {
	struct recorder *recorder;
	const struct network_fns *fns;
	void *data;
};
extern const struct network_fns recorder_tee_fns;
/*
 * A drain of the network: what is told until the next one carries its time, which is that of the
 * drain of messages in the same tick (recorder_netlink()): a replay drains both together.
 */
void recorder_network_begin(struct recorder *r, uint64_t time_ns);
/* How things stand after it; written when something has been told, or is different. */
void recorder_network_end(struct recorder *r, uint64_t packets_until, uint64_t records_until,
			  const struct network_account *account);

#endif
