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
	uint64_t start_ticks;	/* boot-time clock ticks */
	uint64_t args_start;	/* address of argv's strings; 0 where the kernel hides it */
	uint64_t args_total;	/* their length; 0 where the kernel hides it */
};

struct proc_status {
	uint32_t uid, euid, gid, egid;
};

/* -EBADMSG: not in the kernel's format. */
int proc_stat_decode(const char *text, size_t len, struct proc_stat *ret);
int proc_status_decode(const char *text, size_t len, struct proc_status *ret);
/* The unified hierarchy's path, or systemd's named one where that is "/"; points into text. */
int proc_cgroup_decode(const char *text, size_t len, const char **ret, size_t *ret_len);
int proc_u32_decode(const char *text, size_t len, uint32_t *ret);

/* In the order of reading: the first ones are what everybody wants. */
enum proc_file {
	PROC_STAT,
	PROC_CMDLINE,
	PROC_EXE,		/* link */
	PROC_STATUS,
	PROC_CGROUP,
	PROC_CWD,		/* link */
	PROC_LOGINUID,
	PROC_FILE_COUNT
};

#define PROC_FILE_MASK(file) (1u << (file))

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
	const char *args, *exe, *cgroup, *cwd;	/* NULL: not known */
	size_t args_len, exe_len, cgroup_len, cwd_len;
	uint64_t args_total;
};

/* buf need not be aligned. -EBADMSG: lengths do not add up. */
int proc_read_decode(const void *buf, size_t len, struct proc_facts *ret);

#endif
