/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pevent: what every process on this machine did, from its fork to its exit.
 *
 * A context is fed by one input, the running kernel or a recording of it, and is read by pulling:
 *
 *	pevent_new(&p, NULL); pevent_add_live(p);
 *	for (;;) {
 *		poll(pevent_get_fd(p), ...);
 *		pevent_dispatch(p);
 *		while (pevent_next(p, &event) > 0)
 *			...
 *	}
 *	pevent_stop(p); (the rest:) while (pevent_next(p, &event) > 0) ...; pevent_free(p);
 *
 * A context belongs to one thread at a time. Unless a line says otherwise, functions return 0 or a
 * negative errno value, leave outputs untouched on failure, and neither print nor exit: text goes
 * to the callback of pevent_set_log(). Times are nanoseconds of CLOCK_MONOTONIC, sizes are bytes.
 */
#ifndef PEVENT_H
#define PEVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pevent;

/* What happened. The kernel's sources are named in linux/cn_proc.h. */
enum pevent_type {
	PEVENT_FORK,	/* a process was created */
	PEVENT_CLONE,	/* a thread was created, or ended (pevent_event.thread_end) */
	PEVENT_EXEC,	/* a process replaced its program */
	PEVENT_EXIT,	/* a process ended: its last thread is gone */
	PEVENT_CORE,	/* a signal that dumps core hit it; EXIT tells whether it did */
	PEVENT_COMM,	/* a thread was renamed: prctl(PR_SET_NAME), /proc/PID/comm */
	PEVENT_PTRACE,	/* a tracer attached or detached */
	PEVENT_UID,	/* user ids changed */
	PEVENT_GID,	/* group ids changed */
	PEVENT_SID,	/* it became the leader of a new session */
	PEVENT_LOST,	/* something is missing from the stream at this place */
	PEVENT_START,	/* first event of a run: which input, which sources, in what state */
	PEVENT_SNAPSHOT,	/* it is alive, and has used this (pevent_config.snapshot) */
	PEVENT_CONN,	/* it opened a TCP connection, or accepted one */
	PEVENT_CLOSE,	/* a TCP connection of its is closed: pevent_event.connections */
	PEVENT_TYPE_COUNT
};

#define PEVENT_MASK(type) (1u << (type))
#define PEVENT_MASK_ALL (PEVENT_MASK(PEVENT_TYPE_COUNT) - 1)

/* Where a value comes from. */
enum pevent_origin {
	PEVENT_FROM_NONE,		/* not known */
	PEVENT_FROM_EVENT,		/* the event itself */
	PEVENT_FROM_PROC,		/* /proc, some time after the fact */
	PEVENT_FROM_EXEC_READER,	/* /proc, before the program's first instruction */
	PEVENT_FROM_INHERITED,		/* the parent's value when this process was forked */
	PEVENT_FROM_INFERRED,		/* follows from other values; may be wrong */
	PEVENT_FROM_TASKSTATS,		/* the kernel's exit accounting (linux/taskstats.h) */
	PEVENT_FROM_PERF,		/* the kernel's socket tracepoints (perf_event_open(2)) */
	PEVENT_FROM_SOCK_DIAG,		/* sock_diag(7), and who has the socket open in /proc */
	PEVENT_ORIGIN_COUNT
};

/* Where something can get lost, or fail to open. */
enum pevent_source {
	PEVENT_SOURCE_CONNECTOR,	/* process connector: events */
	PEVENT_SOURCE_EXEC_READER,	/* exec readers: command lines */
	PEVENT_SOURCE_PROC,		/* /proc: processes older than the run, and after loss */
	PEVENT_SOURCE_TABLE,		/* process table: entries evicted at its limit */
	PEVENT_SOURCE_OUTPUT,		/* a client's output: lines that its reader did not take */
	PEVENT_SOURCE_TASKSTATS,	/* exit accounting: what processes used */
	PEVENT_SOURCE_SAMPLER,		/* looks at /proc while they live */
	PEVENT_SOURCE_PACKETS,		/* capture: what the network carries */
	PEVENT_SOURCE_SOCKETS,		/* who owns a socket, and its final counts */
	PEVENT_SOURCE_COUNT
};

/* A program as it was started: shared by a process and the children it forks, until they exec. */
struct pevent_image {
	const char *exe;	/* readlink(/proc/PID/exe), or NULL (PEVENT_WANT_EXE) */
	const char *args;	/* argv, each argument with its NUL; NULL: not known */
	size_t args_len;	/* bytes at args, NULs included; 0 with args set: empty argv */
	uint64_t args_total;	/* bytes the program was given; > args_len: the rest was cut off */
	const char *cwd;	/* working directory at exec, or NULL (PEVENT_WANT_CWD) */
	const char *cgroup;	/* path in the cgroup hierarchy, or NULL (PEVENT_WANT_CGROUP) */
	enum pevent_origin origin;	/* of exe and args at the exec that made this image */
};

/* One process (thread group). Ids are as the initial namespaces number them. */
struct pevent_process {
	pid_t pid;		/* tgid */
	pid_t pgrp, session;	/* 0: not known */
	uint64_t start_ns;	/* its fork; 0: not known */
	uint64_t start_ticks;	/* since boot; with pid and boot id a name for all time */
	uint64_t end_ns;	/* its last thread's end; 0: alive */
	uint64_t exec_ns;	/* its last exec; 0: none seen */
	pid_t ppid;		/* who forked it, not who adopted it; 0: not known, or the kernel */
	uint64_t parent_start_ticks;	/* as start_ticks, of that process; 0: not known */
	uint64_t parent_start_ns;	/* 0: not known */
	const struct pevent_image *parent_image; /* what the parent ran then; NULL: not known */
	const struct pevent_image *image;	/* NULL: not known */
	char comm[16];		/* name of its leader thread; "": not known */
	char parent_comm[16];	/* "": not known */
	uint32_t uid, euid, gid, egid;	/* UINT32_MAX: not known */
	uint32_t loginuid;	/* UINT32_MAX: not set or not known */
	uint32_t tty;		/* device number as in /proc/PID/stat; 0: none or not known */
	uint32_t threads;	/* now; 0: not known */
	uint32_t threads_peak;
	bool kernel_thread;
	bool before_run;	/* existed before the run: start_ns has 10 ms resolution */
	enum pevent_origin image_origin;	/* of image, as it came to this process */
	enum pevent_origin parent_origin;	/* of ppid */
	enum pevent_origin start_origin;	/* of start_ns */
};

/* Groups of values in pevent_usage that are known. */
enum pevent_known {
	PEVENT_KNOWN_CPU = 1 << 0,	/* cpu_ns, cpu_error_ns */
	PEVENT_KNOWN_CPU_SPLIT = 1 << 1,	/* user_ns, system_ns */
	PEVENT_KNOWN_PEAK = 1 << 2,	/* peak_rss, peak_vm */
	PEVENT_KNOWN_FAULTS = 1 << 3,
	PEVENT_KNOWN_IO = 1 << 4,
	PEVENT_KNOWN_SWITCHES = 1 << 5,
	PEVENT_KNOWN_RUN_QUEUE = 1 << 6,
	PEVENT_KNOWN_DELAYS = 1 << 7,	/* delay_ns: kernel.task_delayacct is on */
	PEVENT_KNOWN_SAMPLE = 1 << 8,	/* sample */
	PEVENT_KNOWN_NETWORK = 1 << 9,	/* network: packets are counted */
};

/* Why threads waited, beyond the run queue (Documentation/accounting/delay-accounting.rst). */
enum pevent_delay {
	PEVENT_DELAY_BLKIO,	/* synchronous block I/O */
	PEVENT_DELAY_SWAPIN,	/* pages from swap */
	PEVENT_DELAY_RECLAIM,	/* memory reclaim */
	PEVENT_DELAY_THRASHING,	/* pages that were thrown out a moment ago */
	PEVENT_DELAY_COMPACT,	/* memory compaction */
	PEVENT_DELAY_WPCOPY,	/* copies of write-protected pages */
	PEVENT_DELAY_IRQ,	/* interrupts took its CPU */
	PEVENT_DELAY_COUNT
};

/* The last look at a living process's /proc files. */
struct pevent_sample {
	uint64_t time_ns;	/* when it was taken */
	uint32_t count;		/* how many were, of this process */
	char state;		/* proc_pid_stat(5): R, S, D, ... */
	uint32_t threads;
	uint32_t files, files_peak;	/* open descriptors; UINT32_MAX: not known */
	int32_t oom_score;	/* proc_pid_oom_score(5); -1: not known */
	uint64_t rss, vm, swap, swap_peak;	/* bytes */
	uint64_t interval_ns;	/* since the sample before; 0: the first. In that time: */
	uint64_t interval_cpu_ns, interval_read_bytes, interval_write_bytes;
};

/* One direction of what the network carried. */
struct pevent_traffic {
	uint64_t packets;	/* as captured: segments that the device will split count once */
	uint64_t bytes;		/* of IP packets, their headers included */
	uint64_t payload;	/* bytes of the program's own; TCP: none twice */
};

/*
 * What went over the sockets of a process, until its end. UDP is what its system calls sent and
 * received, each of them one packet with one IP and one UDP header (estimated), where the kernel
 * tells of these; else packets, as of all else.
 */
struct pevent_network {
	struct pevent_traffic tx, rx;
	uint64_t connections;	/* TCP: opened or accepted */
	uint64_t retransmits;	/* TCP: segments sent again */
	enum pevent_origin origin;	/* of its sockets' owner, the least certain one of them:
					 * PERF, SOCK_DIAG, INFERRED; NONE: it had none */
	bool incomplete;	/* packets were dropped, or final counts did not come in 50 ms */
	bool estimated;		/* packets and bytes of datagrams follow from their payload; or a
				 * socket was shared, all of whose bytes are with one process */
};

/* How a process came to a connection. */
enum pevent_role {
	PEVENT_ROLE_NONE,	/* not known; UDP and others have none */
	PEVENT_ROLE_CLIENT,	/* connect(2) */
	PEVENT_ROLE_SERVER,	/* accept(2) */
};

/* One socket's traffic with one remote end. */
struct pevent_connection {
	uint8_t family;		/* AF_INET, AF_INET6 */
	uint8_t protocol;	/* IPPROTO_TCP, IPPROTO_UDP, ... */
	enum pevent_role role;
	enum pevent_origin origin;	/* of its owner */
	uint8_t local[16], remote[16];	/* IPv4: the first 4 */
	uint16_t local_port, remote_port;	/* 0: the protocol has none */
	uint32_t netns;		/* inode of its network namespace; 0: not known */
	bool shared;		/* another process had it, too: all its bytes count here */
	bool open;		/* not closed yet */
	bool final;		/* payload and retransmits are the kernel's own, at its end */
	bool incomplete;	/* less was captured than there was */
	uint64_t opened_ns;	/* 0: before the run, or not known */
	uint64_t closed_ns;	/* 0: not known */
	struct pevent_traffic tx, rx;
	uint64_t retransmits;	/* TCP: segments sent again from this end */
	uint64_t rtt_ns;	/* TCP: smoothed round trip time, at its end; 0: not known */
};

/* Connections of a process: PEVENT_WANT_CONNECTIONS. */
struct pevent_connections {
	size_t n;
	size_t total;		/* > n: the oldest closed ones are not listed */
	const struct pevent_connection *connection;
};

/*
 * What a process has used, all its threads together: since its fork, or since the run began when
 * it is older than that (pevent_process.before_run; peaks are of its whole life).
 */
struct pevent_usage {
	unsigned int known;	/* enum pevent_known: other values mean nothing */
	enum pevent_origin origin;	/* TASKSTATS: the kernel counted; PROC: as last sampled */
	bool incomplete;	/* some thread's record is missing: sums are lower bounds */
	uint64_t cpu_ns;	/* user and system */
	uint64_t cpu_error_ns;	/* cpu_ns may be off by so much; when by more: pevent(8), CPU */
	uint64_t user_ns, system_ns;	/* cpu_ns, divided as the clock tick's counts are */
	uint64_t run_queue_ns, run_queue_waits;	/* ready, without a CPU; how often */
	uint64_t voluntary_switches, involuntary_switches;
	uint64_t peak_rss, peak_vm;	/* of its last program; the kernel counts rss in batches
					 * and has not seen any of the smallest */
	uint64_t minor_faults, major_faults;
	uint64_t read_chars, write_chars;	/* read(2), write(2) and the like, of any file */
	uint64_t read_bytes, write_bytes;	/* from and to block devices */
	uint64_t cancelled_write_bytes;	/* of write_bytes: truncated before they were written */
	uint64_t delay_ns[PEVENT_DELAY_COUNT];	/* UINT64_MAX: this kernel does not count it */
	struct pevent_network network;
	struct pevent_sample sample;
};

/* An open descriptor: /proc/PID/fd. */
struct pevent_file {
	int fd;
	char type;		/* r d c b p s l: as ls(1) shows them; ?: not known */
	const char *target;	/* path, "socket:[INODE]", "pipe:[INODE]", "anon_inode:..." */
};

struct pevent_files {
	size_t n;
	size_t total;		/* > n: the rest was cut off */
	uint64_t time_ns;	/* when they were open */
	const struct pevent_file *file;
};

struct pevent_event {
	enum pevent_type type;
	uint64_t sequence;	/* of this context: 1, 2, 3, ... without gaps, after the filter;
				 * 0: pevent_filter.silent */
	uint64_t time_ns;	/* when it happened, by the kernel's clock */
	int64_t realtime_offset_ns;	/* add to time_ns for CLOCK_REALTIME */
	uint32_t cpu;		/* UINT32_MAX: not known */
	pid_t tid;		/* the thread that did it (FORK, CLONE: the new one); 0: none */
	struct pevent_process process;	/* whose event it is; pid 0 with LOST and START */
	struct pevent_process parent;	/* FORK: who forked it; pid 0: not known */
	union {
		bool thread_end;	/* CLONE: the thread ended */
		struct {
			int wait_status;	/* as wait(2) gives it */
			enum pevent_origin origin;	/* NONE: its end was not seen */
			bool oom_killed;	/* by the kernel, for want of memory */
		} exit;
		struct {
			char old_comm[16];	/* "": not known */
			char new_comm[16];
		} comm;
		struct {
			uint32_t real, effective;	/* UID, GID: the new ids */
		} ids;
		struct {
			pid_t tracer;		/* 0: detached */
			char tracer_comm[16];	/* "": not known */
		} ptrace;
		struct {
			uint64_t count;		/* events, records, lines; 0: not known how many */
			enum pevent_source source;
		} lost;
		bool at_end;	/* SNAPSHOT: the run ends; else it begins */
	} u;
	bool filtered;		/* here by pevent_filter.followed alone */
	const struct pevent_files *files;	/* EXEC, EXIT, SNAPSHOT; NULL: not known */
	/* CONN, CLOSE: the one; EXIT, SNAPSHOT: all of the process; NULL: none, or not known */
	const struct pevent_connections *connections;
	struct pevent_usage usage;	/* EXIT, SNAPSHOT; else known is 0 */
};

/* What the exec readers fetch besides command line, comm, process group, session and terminal.
 * Each one costs the watched program microseconds per exec. */
enum pevent_want {
	PEVENT_WANT_EXE = 1 << 0,
	PEVENT_WANT_STATUS = 1 << 1,	/* ids of processes older than the run */
	PEVENT_WANT_CWD = 1 << 2,
	PEVENT_WANT_CGROUP = 1 << 3,
	PEVENT_WANT_LOGINUID = 1 << 4,
	PEVENT_WANT_FILES = 1 << 5,	/* open descriptors; at each sample, too */
	PEVENT_WANT_CONNECTIONS = 1 << 6,	/* with EXIT and SNAPSHOT; costs the loop alone */
};

/* When every living process is told of. */
enum pevent_snapshot {
	PEVENT_SNAPSHOT_START = 1 << 0,
	PEVENT_SNAPSHOT_END = 1 << 1,	/* with what it used meanwhile */
};

#define PEVENT_SAMPLE_OFF UINT64_MAX

/* How the owner of a socket is found. */
enum pevent_owner {
	PEVENT_OWNER_AUTO,	/* the best that this kernel lets us */
	PEVENT_OWNER_PERF,	/* socket tracepoints */
	PEVENT_OWNER_DIAG,	/* a lookup at the first packet: misses some of the shortest */
};

/* Start from PEVENT_CONFIG_INIT; 0 means the default, which the line names. */
struct pevent_config {
	size_t size;		/* sizeof(struct pevent_config) */
	unsigned int want;	/* enum pevent_want; 0 */
	uint32_t tick_us;	/* time between two drains under load; 5000 */
	uint32_t receive_buffer;	/* bytes asked of SO_RCVBUFFORCE; 64 MiB */
	uint32_t args_max;	/* bytes of argv kept per program; 32 KiB, at most 128 KiB */
	uint32_t table_max;	/* processes known at a time; 262144 */
	uint32_t watchdog_s;	/* seconds of silence before the sources are tested; 30 */
	uint64_t sample_ns;	/* between looks at each process; as often as 1 % of a CPU allows,
				 * at most once a second; PEVENT_SAMPLE_OFF: never */
	unsigned int snapshot;	/* enum pevent_snapshot: when SNAPSHOT events are made; 0: never */
	bool delay_accounting;	/* kernel.task_delayacct on while the run lasts */
	bool no_taskstats;	/* usage from samples only */
	bool no_exec_readers;	/* read /proc from the loop instead (late, often too late) */
	bool no_guard;		/* no helper process that withdraws after kill -9 */
	bool no_network;	/* no capture, no socket tracepoints, no sock_diag */
	enum pevent_owner owner;	/* AUTO */
	const char *interface;	/* comma list of devices to capture at, in every namespace that has
				 * one of that name; NULL: all */
};
#define PEVENT_CONFIG_INIT { .size = sizeof(struct pevent_config) }

/* What pevent_next() lets through. Kinds that are set must all match; within one, any entry does.
 * Patterns match the program as it is at the event. LOST and START always pass. */
struct pevent_filter {
	size_t size;		/* sizeof(struct pevent_filter) */
	uint32_t types;		/* PEVENT_MASK() of those wanted; 0: all */
	uint32_t silent;	/* those let through besides, with sequence 0 */
	uint32_t followed;	/* the same, whatever other kinds say: of pids, pevent_follow() */
	const pid_t *pgrps;	/* process groups */
	size_t n_pgrps;
	const pid_t *pids;	/* processes and all that descend from them */
	size_t n_pids;
	const uint32_t *uids;	/* real or effective user */
	size_t n_uids;
	const char *const *regexes;	/* POSIX extended: command line, executable, or comm */
	size_t n_regexes;
	const char *const *cgroups;	/* glob(7) on the cgroup's path; needs PEVENT_WANT_CGROUP */
	size_t n_cgroups;
	bool failed;		/* only exits with a status other than 0 */
	uint64_t longer_than_ns;	/* only exits after a life of at least this; 0: off */
};
#define PEVENT_FILTER_INIT { .size = sizeof(struct pevent_filter) }

/* One source's account. */
struct pevent_source_stats {
	bool active;
	char state[96];		/* one phrase: how it runs, or why it does not */
	uint64_t received;	/* events, command lines, processes */
	uint64_t lost;		/* what is known not to have arrived */
};

/* The whole machine, beside what its processes are known to have used. */
struct pevent_machine {
	uint64_t cpu_busy_ns;	/* all CPUs, since the run began; /proc/stat: in clock ticks */
	uint64_t cpu_idle_ns;
	uint64_t memory_total, memory_available;	/* /proc/meminfo, at the end */
	uint32_t load[3];	/* hundredths: 1, 5 and 15 minutes; /proc/loadavg */
	bool known;		/* the run is over, and /proc said it */
};

/*
 * All that was captured. What crosses the loopback device is both sent and received; what is
 * forwarded is neither.
 */
struct pevent_network_stats {
	bool known;		/* packets are counted */
	struct pevent_traffic tx, rx;	/* of this host's sockets, known or not */
	struct pevent_traffic unknown_tx, unknown_rx;	/* of them: whose is not known */
	struct pevent_traffic late_tx, late_rx;		/* of them: after their owner's EXIT */
	uint64_t forwarded_packets, forwarded_bytes;	/* IP, between others */
	uint64_t other_packets;		/* not IP: ARP and the like, or not understood */
	uint64_t skipped_packets;	/* seen once more at a stacked device, not counted */
	uint64_t namespaces, namespaces_peak;	/* network namespaces entered */
	uint64_t namespaces_refused;	/* met and not entered: what they had is not known */
};

struct pevent_stats {
	struct pevent_source_stats source[PEVENT_SOURCE_COUNT];
	uint64_t events[PEVENT_TYPE_COUNT];	/* seen, before the filter */
	uint64_t processes;		/* in the table now */
	uint64_t processes_peak;
	uint64_t rescans;		/* of /proc, after loss */
	uint64_t dispatches;
	uint64_t receive_queue_peak;	/* bytes of kernel memory that waited */
	uint64_t samples;		/* looks at a process's /proc files */
	struct pevent_machine machine;
	struct pevent_network_stats network;
};

/* Of the machine that the input describes. */
struct pevent_host {
	char nodename[65], release[65], machine[65];	/* uname(2) */
	char boot_id[37];		/* /proc/sys/kernel/random/boot_id */
	uint32_t ticks_per_second;	/* unit of start_ticks */
	uint32_t cpus;			/* possible ones */
	bool replay;			/* a recording */
};

enum pevent_log_level { PEVENT_LOG_ERROR, PEVENT_LOG_WARNING, PEVENT_LOG_DEBUG };
typedef void (*pevent_log_fn)(void *data, enum pevent_log_level level, const char *message);

/* A context without input. -EINVAL: config from a newer header or out of range. */
int pevent_new(struct pevent **ret, const struct pevent_config *config);
/* Withdraws every subscription, frees; returns NULL. */
struct pevent *pevent_free(struct pevent *p);
/* message: "what: why", without newline. Set before adding an input: its errors name their cure. */
void pevent_set_log(struct pevent *p, pevent_log_fn fn, void *data);

/* The running kernel. -EPERM, -ENOTSUP (wrong namespace, kernel option), ...: see the log. */
int pevent_add_live(struct pevent *p);
/* A directory made by pevent_record_to(): replayed on its own clock, as fast as it is read. */
int pevent_add_recording(struct pevent *p, const char *dir);
/* Store the raw input of pevent_add_live() in dir, which must be new or empty. Call before it. */
int pevent_record_to(struct pevent *p, const char *dir);
/* Copies the filter, in place of the old one and of pevent_follow(). -EINVAL: logged. */
int pevent_set_filter(struct pevent *p, const struct pevent_filter *filter);
/* Let through, of all processes, only pid (a child just made, not yet seen) and its descendants. */
int pevent_follow(struct pevent *p, pid_t pid);

/* A descriptor that polls readable when pevent_dispatch() has work. Owned by the context. */
int pevent_get_fd(const struct pevent *p);
/* Take in what the sources have; never blocks. -ENODATA: the recording is at its end; -EBADMSG: it
 * breaks off here; other errors: of the socket, or of writing the recording. */
int pevent_dispatch(struct pevent *p);
/* 1 and the next event in order of time; 0: none now. It is valid until the next call on p. */
int pevent_next(struct pevent *p, const struct pevent_event **ret);
/* Withdraw, drain: what is still held then comes from pevent_next() without delay. */
int pevent_stop(struct pevent *p);
/* Put a LOST event into the stream, at its time, and into the account: for lines that the client
 * could not deliver. */
int pevent_add_lost(struct pevent *p, enum pevent_source source, uint64_t count);

void pevent_get_stats(const struct pevent *p, struct pevent_stats *ret);
void pevent_get_host(const struct pevent *p, struct pevent_host *ret);

/* "fork", "clone", ... as in the output; NULL when out of range. */
const char *pevent_type_name(enum pevent_type type);
/* "connector", "exec-reader", ... */
const char *pevent_source_name(enum pevent_source source);
/* "event", "proc", "exec-reader", ... */
const char *pevent_origin_name(enum pevent_origin origin);
/* "0.1.0" */
const char *pevent_version(void);

#ifdef __cplusplus
}
#endif

#endif
