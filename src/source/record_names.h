/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and file names of a recording, shared by what writes and what reads them. */
#ifndef SOURCE_RECORD_NAMES_H
#define SOURCE_RECORD_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "capture_file.h"
#include "wire/proc.h"

static const char *const record_file_names[PROC_FILE_COUNT] = {
	[PROC_CMDLINE] = "cmdline", [PROC_EXE] = "exe",	      [PROC_STAT] = "stat",
	[PROC_STATUS] = "status",   [PROC_CGROUP] = "cgroup", [PROC_CWD] = "cwd",
	[PROC_LOGINUID] = "loginuid", [PROC_OOM_SCORE] = "oom_score", [PROC_TASKS] = "tasks",
	[PROC_FD] = "fd",	    [PROC_FD_COUNT] = "fd_count",
	[PROC_NETNS] = "netns",
};

#define RECORD_PACKETS_NAME 32

/* packets.pcap is of pevent's own network namespace. */
static inline void record_packets_name(char name[RECORD_PACKETS_NAME], uint32_t netns, bool own)
{
	if (own)
		snprintf(name, RECORD_PACKETS_NAME, CAPTURE_FILE);
	else
		snprintf(name, RECORD_PACKETS_NAME, "packets-%u.pcap", netns);
}

#endif
