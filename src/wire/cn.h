/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the kernel's process connector (linux/connector.h, linux/cn_proc.h). The numbers are
 * our own copy: distributions ship headers older than their kernels.
 */
#ifndef WIRE_CN_H
#define WIRE_CN_H

#include <stddef.h>
#include <stdint.h>

#define CN_IDX 1u	/* CN_IDX_PROC: also the multicast group */
#define CN_VAL 1u	/* CN_VAL_PROC */

/* nlmsghdr 16, cn_msg 20, proc_event 40; no field of proc_event is aligned in it. */
#define CN_OFFSET_WHAT 36
#define CN_OFFSET_CPU 40
#define CN_MESSAGE_SIZE 76

enum cn_op {
	CN_LISTEN = 1,
	CN_IGNORE = 2,
};

enum cn_what {
	CN_NONE = 0x00000000,	/* acknowledgement */
	CN_FORK = 0x00000001,
	CN_EXEC = 0x00000002,
	CN_UID = 0x00000004,
	CN_GID = 0x00000040,
	CN_SID = 0x00000080,
	CN_PTRACE = 0x00000100,
	CN_COMM = 0x00000200,
	CN_COREDUMP = 0x40000000,
	CN_EXIT = (int)0x80000000,
};

struct cn_event {
	uint32_t what;		/* enum cn_what; others exist on kernels to come */
	uint32_t cpu;		/* UINT32_MAX: an acknowledgement of an old kernel, not in seq */
	uint32_t seq, ack;	/* of cn_msg; seq counts per cpu */
	uint64_t time_ns;	/* CLOCK_MONOTONIC */
	int32_t tid, tgid;	/* whom it is about; fork: the child */
	union {
		int32_t error;	/* NONE: errno value of the request */
		struct {
			int32_t parent_tid, parent_tgid;
		} fork;
		struct {
			uint32_t real, effective;
		} ids;
		struct {
			int32_t tracer_tid, tracer_tgid;	/* 0: detached */
		} ptrace;
		char comm[16];	/* not always NUL-terminated */
		struct {
			uint32_t status;	/* wait status */
			uint32_t signal;	/* to the parent; UINT32_MAX: a thread's */
		} exit;
	} u;
};

/*
 * One datagram. Kernels before 4.18 send shorter bodies, later ones may send longer: absent fields
 * are 0. -EBADMSG: not a whole connector message; -ENOMSG: another connector's (not idx 1, val 1).
 */
int cn_decode(const void *buf, size_t len, struct cn_event *ret);

#define CN_REQUEST_SIZE 40
/* A request as the kernel wants it: netlink header, cn_msg, one operation word. */
void cn_request(void *buf, enum cn_op op, uint32_t seq, uint32_t ack, uint32_t port);

#endif
