/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's facts mean. f(state, fact) -> events: no descriptors, no clock; facts come in
 * order of time.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "facts.h"
#include "filter.h"
#include "flow.h"
#include "process.h"
#include "queue.h"
#include "records.h"
#include "socket.h"
#include "stolen.h"
#include "teardown.h"
#include "wire/cn.h"

/* A fact of our own among those of the connector: `seq` of source `ack` are missing, on `cpu`. */
#define FACT_LOST 0x7ffffff0u

#define NETWORKS_MAX 512	/* namespaces that are kept in mind: more than can be entered */

/* What is known of the network: network.h. */
struct network_state {
	struct flows flows;
	struct sockets sockets;
	struct facts facts;
	bool is_on;		/* packets are counted */
	bool has_notices;	/* final counts come */
	bool has_records;	/* so do changes of TCP sockets' states */
	bool has_lookups;	/* the owners of (other) sockets are looked up */
	uint64_t lost_ns;	/* when something was lost last; 0: nothing */
	bool wants_ports;	/* somebody waits at a port that nobody told of */
	pid_t looks[16];	/* whose sockets, there already, the owner is to look for */
	size_t n_looks;
	uint64_t sockets_ns;	/* when one was told of that was not known */
	bool keeps_connections;	/* closed ones are listed, too */
	uint32_t own;		/* inode of pevent's namespace */
	uint64_t begin_ns;	/* of the run */
	bool has_entries;	/* it is told which namespaces are entered, and when */
	struct network_known {
		uint32_t netns;
		bool is_in;	/* its packets are counted, since: */
		uint64_t since_ns;
		bool is_inhabited;	/* at the last survey */
	} known[NETWORKS_MAX];	/* namespaces that processes are in, or were */
	size_t n_known;
	struct network_new {
		uint32_t netns;
		pid_t pid;
	} new[NETWORKS_MAX];	/* for the owner to enter */
	size_t n_new;
	struct network_switch {
		uint64_t time_ns;
		bool on;
	} udp[8];		/* from when on records told of datagrams; oldest first */
	size_t n_udp;
	struct infer {
		struct infer_flow {
			struct packet_flow name;
			uint32_t netns;
			unsigned int end;
			uint64_t begin_ns;
		} slot[1024];
		size_t head, tail;	/* count on */
	} infer;		/* flows whose owner nobody told, infer.h */
	struct pevent_traffic datagrams_tx, datagrams_rx;	/* that records told of */
	size_t n_notices;	/* NETWORK_DESTROYED among the facts, but those put off */
	uint64_t packets_until_ns, now_ns;
	uint64_t noticed_ns;	/* when the last of these was read */
	uint64_t settled_ns;	/* all that was told by then has been applied */
	uint64_t settling_ns, settling_until_ns;	/* its next value; last notice then */
	bool head_waits;	/* the oldest event was found to, and nothing has changed */
	uint64_t refused;	/* facts of its own making that there was no room for */
};

struct model {
	struct process_table table;
	struct filter filter;
	struct queue queue;
	uint64_t sequence;		/* of the last event let through */
	uint64_t events[PEVENT_TYPE_COUNT];
	uint64_t evicted;
	size_t image_bytes;		/* of all programs known */
	size_t file_bytes;		/* of all lists of open descriptors */
	uint64_t exec_missed;		/* programs whose command line nobody could read */
	uint64_t learnt;		/* processes that /proc told of */
	unsigned int scan_round;
	uint64_t scan_begin_ns, scan_end_ns;
	bool scan_first;
	struct network_state network;
	bool keeps_files;		/* open descriptors that /proc told of go into events */
	struct records records;
	uint64_t records_since_ns;	/* threads that ended later have one; 0: there are none */
	uint64_t records_missed;	/* such threads that had none */
	uint64_t delays_since_ns;	/* tasks begun later have their delays counted; 0: all */
	struct list ending;		/* whose last EXIT is due, longest first */
	uint64_t samples;
	uint64_t tick_ns;		/* of the kernel's clock */
	bool tickless;			/* on some CPU it may not tick */
	struct teardown teardown;	/* what it took others */
	struct stolen stolen;		/* what a hypervisor takes of the CPUs' time */
	uint32_t cpus;			/* possible ones; 0: not known */
	uint64_t run_begin_ns;		/* of the first scan; 0: there was none */
	uint64_t ns_per_tick;		/* of start_ticks, and of CPU times in /proc */
	int64_t boottime_offset_ns, realtime_offset_ns;	/* kept current by the owner */
};

int model_init(struct model *m, size_t table_max, uint32_t ticks_per_second);
void model_finish(struct model *m);	/* accepts zeroed */

/* exec: what was read for an EXEC, NULL: nothing; who read it in `origin`. */
void model_apply(struct model *m, const struct cn_event *ev, const struct proc_facts *exec,
		 enum pevent_origin origin);

/*
 * A scan of /proc, taken from begin_ns to end_ns: begin, each process it found, end. Facts up to
 * end_ns must have been applied. first: processes are older than the run, nothing is reported.
 */
void model_scan_begin(struct model *m, uint64_t begin_ns, uint64_t end_ns, bool first);
void model_scan_found(struct model *m, const struct proc_facts *facts);
void model_scan_end(struct model *m);

/* A record, before the EXIT of its thread; drained_ns: not before it was made. */
void model_add_record(struct model *m, const struct taskstats_record *record, uint64_t drained_ns);
/* It was the OOM killer who killed this one. Before its EXIT. */
void model_mark_oom(struct model *m, pid_t pid);
/* Facts up to now_ns have been applied: whose last EXIT has not come by then is ended. */
void model_settle(struct model *m, uint64_t now_ns);

/* Whose /proc files to read next in a round of looking at all; 0: nobody is left. */
pid_t model_sample_next(struct model *m, uint32_t round);
/* A look at a living process; one that is not known (yet, any more) is passed over. */
void model_sample(struct model *m, const struct proc_facts *facts);
/* SNAPSHOT of every living process. */
void model_snapshot(struct model *m, bool at_end, uint64_t time_ns);

/* Marks who descends from the processes that the filter names. */
void model_filter_changed(struct model *m);

/* LOST and START events of the owner's. */
void model_report_lost(struct model *m, enum pevent_source source, uint32_t cpu, uint64_t count,
		       uint64_t time_ns);
void model_report_start(struct model *m, uint64_t time_ns);

#endif
