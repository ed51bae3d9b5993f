/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of a recording's /proc files, shared by what writes and what reads them. */
#ifndef SOURCE_RECORD_NAMES_H
#define SOURCE_RECORD_NAMES_H

#include "wire/proc.h"

static const char *const record_file_names[PROC_FILE_COUNT] = {
	[PROC_CMDLINE] = "cmdline", [PROC_EXE] = "exe",	      [PROC_STAT] = "stat",
	[PROC_STATUS] = "status",   [PROC_CGROUP] = "cgroup", [PROC_CWD] = "cwd",
	[PROC_LOGINUID] = "loginuid", [PROC_OOM_SCORE] = "oom_score", [PROC_TASKS] = "tasks",
	[PROC_FD] = "fd",	    [PROC_FD_COUNT] = "fd_count",
};

#endif
