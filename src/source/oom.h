/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who was killed by the OOM killer: the kernel's log says so. */
#ifndef SOURCE_OOM_H
#define SOURCE_OOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OOM_VICTIMS 64

struct oom {
	int fd;			/* -1: not open; oom_killed() then knows of nobody */
	unsigned int next;	/* where the next one goes: the oldest is overwritten */
	struct {
		int32_t pid;	/* 0: none */
		uint64_t time_ns;
	} victim[OOM_VICTIMS];
};

/*
 * The log from here on. -EPERM: kernel.dmesg_restrict, needs CAP_SYSLOG; -ENOENT: no /dev/kmsg
 * (a container). On failure fd is -1.
 */
int oom_open(struct oom *o);
void oom_close(struct oom *o);

/*
 * Whether pid, which died at around_ns (CLOCK_MONOTONIC), was named within 10 s of then. Takes in
 * what is new in the log; each death is told once, so that a later process of that id is innocent.
 */
bool oom_killed(struct oom *o, int32_t pid, uint64_t around_ns);

#endif
