/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of /proc/PID (proc_pid_stat(5) and its siblings), and how pevent carries a set of it. */
#ifndef WIRE_PROC_H
#define WIRE_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct proc_stat {
	int32_t pid, ppid, pgrp, session;
	char comm[16];		/* NUL-terminated; work queues print longer names: cut */
	char state;
	uint32_t tty;		/* tty_nr */
	bool kernel_thread;	/* PF_KTHREAD */
	uint32_t threads;
	uint64_t user_ticks, system_ticks;	/* CPU time of all threads, dead ones too */
	uint64_t start_ticks;	/* boot-time clock ticks */
	int32_t cpu;		/* it is or last was on; -1: not told */
	uint64_t args_start;	/* address of argv's strings; 0 where the kernel hides it */
	uint64_t args_total;	/* their length; 0 where the kernel hides it */
};

struct proc_status {
	uint32_t uid, euid, gid, egid;
	bool has_memory;	/* a kernel thread or a zombie has none */
	uint64_t peak_vm, vm, peak_rss, rss, swap;	/* VmPeak Size HWM RSS Swap, in bytes */
};

/*
 * What all living threads of a process have used, summed: PROC_TASKS. A thread that has ended is
 * not in it, though the leader stays listed until the others are gone.
 */
struct proc_tasks {
	uint32_t threads;	/* that could be read */
	bool has_schedstat, has_io, has_switches;	/* of all of them */
	uint64_t user_ticks, system_ticks, minor_faults, major_faults;	/* task/TID/stat */
	uint64_t run_ns, run_queue_ns, run_queue_waits;	/* task/TID/schedstat */
	uint64_t read_chars, write_chars, read_bytes, write_bytes, cancelled_write_bytes; /* io */
	uint64_t voluntary_switches, involuntary_switches;	/* task/TID/status */
};

/* One entry of PROC_FD. */
#define PROC_FD_TYPES "rdcbpsl?"
struct proc_fd {
	int32_t fd;
	char type;		/* as ls(1) has them; ?: not known */
	const char *target;	/* NUL-terminated; points into the bytes */
};

/* -EBADMSG: not in the kernel's format. */
int proc_stat_decode(const char *text, size_t len, struct proc_stat *ret);
int proc_status_decode(const char *text, size_t len, struct proc_status *ret);
/* The unified hierarchy's path, or systemd's named one where that is "/"; points into text. */
int proc_cgroup_decode(const char *text, size_t len, const char **ret, size_t *ret_len);
int proc_u32_decode(const char *text, size_t len, uint32_t *ret);
/* "net:[INODE]", as the link of a network namespace and mountinfo have it. */
int proc_netns_decode(const char *text, size_t len, uint32_t *ret);

/* In the order of reading: the first ones are what everybody wants. */
enum proc_file {
	PROC_STAT,
	PROC_CMDLINE,
	PROC_EXE,		/* link */
	PROC_STATUS,
	PROC_CGROUP,
	PROC_CWD,		/* link */
	PROC_LOGINUID,
	PROC_OOM_SCORE,		/* 0 to 2000 */
	PROC_TASKS,		/* made of task/TID: stat schedstat io status, see proc_tasks_put */
	PROC_FD,		/* made of fd/: see proc_fd_next */
	PROC_FD_COUNT,		/* made of fd/: how many, in decimal */
	PROC_NETNS,		/* link ns/net: "net:[INODE]" */
	PROC_FILE_COUNT
};

#define PROC_FILE_MASK(file) (1u << (file))

/*
 * The text of PROC_TASKS: one line "KEY VALUE..." per group of struct proc_tasks that is known.
 * text has room for PROC_TASKS_TEXT_MAX bytes; returns the length.
 */
#define PROC_TASKS_TEXT_MAX 512
size_t proc_tasks_put(const struct proc_tasks *tasks, char *text);
/* -EBADMSG: not in that format. */
int proc_tasks_decode(const char *text, size_t len, struct proc_tasks *ret);
/*
 * Adds one thread to tasks, which begins zeroed: its stat, schedstat, io and status; a length < 0:
 * could not be read. One without stat is none; a group that one thread did not give is not known.
 */
void proc_tasks_add(struct proc_tasks *tasks, const char *stat, int32_t stat_len,
		    const char *schedstat, int32_t schedstat_len, const char *io, int32_t io_len,
		    const char *status, int32_t status_len);

/*
 * PROC_FD is a sequence of "TYPE FD TARGET\0". Takes the next entry off *text; 0 at the end or
 * where it is not in that format.
 */
int proc_fd_next(const char **text, size_t *len, struct proc_fd *ret);

/* What was read of one process, as bytes: this header, then each file's, in the order above. */
struct proc_read {
	uint64_t event_ns;	/* of the EXEC that caused it; 0: a scan */
	uint64_t read_ns;	/* CLOCK_MONOTONIC after the first file was read */
	int32_t pid;
	uint32_t cmdline_cut;	/* 1: the command line is longer than what was kept */
	int32_t result[PROC_FILE_COUNT];	/* length; -errno; -ENODATA: not asked for */
};

/* The same, decoded; pointers go into the bytes. */
struct proc_facts {
	uint64_t event_ns, read_ns;
	int32_t pid;
	int32_t cmdline_error;	/* 0 or -errno */
	bool has_stat, has_status, has_loginuid;
	struct proc_stat stat;
	struct proc_status status;
	uint32_t loginuid;
	bool has_oom_score, has_tasks, has_fd_count, has_netns;
	bool tasks_refused;	/* asked for and not given: too many threads, no permission */
	int32_t oom_score;
	struct proc_tasks tasks;
	uint32_t fd_count;
	uint32_t netns;		/* inode of the network namespace */
	const char *fds;	/* PROC_FD: for proc_fd_next() */
	size_t fds_len;
	const char *args, *exe, *cgroup, *cwd;	/* NULL: not known */
	size_t args_len, exe_len, cgroup_len, cwd_len;
	uint64_t args_total;
};

/* buf need not be aligned. -EBADMSG: lengths do not add up. */
int proc_read_decode(const void *buf, size_t len, struct proc_facts *ret);

#endif
