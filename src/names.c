/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of the public enumerations, as all outputs write them. */
#include "pevent/pevent.h"
#include "util/macro.h"

static const char *const type_names[PEVENT_TYPE_COUNT] = {
	[PEVENT_FORK] = "fork",	  [PEVENT_CLONE] = "clone", [PEVENT_EXEC] = "exec",
	[PEVENT_EXIT] = "exit",	  [PEVENT_CORE] = "core",   [PEVENT_COMM] = "comm",
	[PEVENT_PTRACE] = "ptrce", [PEVENT_UID] = "uid",    [PEVENT_GID] = "gid",
	[PEVENT_SID] = "sid",	  [PEVENT_LOST] = "lost",   [PEVENT_START] = "start",
	[PEVENT_SNAPSHOT] = "snap", [PEVENT_CONN] = "conn",  [PEVENT_CLOSE] = "close",
};

static const char *const source_names[PEVENT_SOURCE_COUNT] = {
	[PEVENT_SOURCE_CONNECTOR] = "connector", [PEVENT_SOURCE_EXEC_READER] = "exec-reader",
	[PEVENT_SOURCE_PROC] = "proc",		 [PEVENT_SOURCE_TABLE] = "table",
	[PEVENT_SOURCE_OUTPUT] = "output",	 [PEVENT_SOURCE_TASKSTATS] = "taskstats",
	[PEVENT_SOURCE_SAMPLER] = "sampler",	 [PEVENT_SOURCE_PACKETS] = "packets",
	[PEVENT_SOURCE_SOCKETS] = "sockets",
};

static const char *const origin_names[PEVENT_ORIGIN_COUNT] = {
	[PEVENT_FROM_NONE] = "none",
	[PEVENT_FROM_EVENT] = "event",
	[PEVENT_FROM_PROC] = "proc",
	[PEVENT_FROM_EXEC_READER] = "exec-reader",
	[PEVENT_FROM_INHERITED] = "inherited",
	[PEVENT_FROM_INFERRED] = "inferred",
	[PEVENT_FROM_TASKSTATS] = "taskstats",
	[PEVENT_FROM_PERF] = "perf",
	[PEVENT_FROM_SOCK_DIAG] = "sock_diag",
};

_public_ const char *pevent_type_name(enum pevent_type type)
{
	return (size_t)type < ARRAY_SIZE(type_names) ? type_names[type] : NULL;
}

_public_ const char *pevent_source_name(enum pevent_source source)
{
	return (size_t)source < ARRAY_SIZE(source_names) ? source_names[source] : NULL;
}

_public_ const char *pevent_origin_name(enum pevent_origin origin)
{
	return (size_t)origin < ARRAY_SIZE(origin_names) ? origin_names[origin] : NULL;
}

_public_ const char *pevent_version(void)
{
	return PEVENT_VERSION;
}
