/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of /dev/kmsg (Documentation/ABI/testing/dev-kmsg), and whom the OOM killer names. */
#ifndef WIRE_KMSG_H
#define WIRE_KMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KMSG_RECORD_MAX 8192	/* CONSOLE_EXT_LOG_MAX, printk's largest so far */

struct kmsg {
	bool kernel;		/* facility 0; what a program writes has another */
	uint64_t time_us;	/* local_clock(): CLOCK_MONOTONIC without NTP's corrections */
	const char *text;	/* points into the record; what is not printable is escaped */
	size_t len;
};

/* One read(2) of the device. -EBADMSG: not in the kernel's format. */
int kmsg_decode(const char *record, size_t len, struct kmsg *ret);
/* The process that the message says was killed for want of memory; false: it says none. */
bool kmsg_oom_victim(const struct kmsg *message, int32_t *ret_pid);

#endif
