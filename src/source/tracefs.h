/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel's tracefs tells of the tracepoints that pevent knows, mounted or not. */
#ifndef SOURCE_TRACEFS_H
#define SOURCE_TRACEFS_H

#include "wire/tracepoint.h"

/* Ways to a tracefs, in the order of trying. */
enum tracefs_way {
	TRACEFS_MOUNTED = 1 << 0,	/* where it usually is */
	TRACEFS_DETACHED = 1 << 1,	/* fsmount(2), Linux 5.2: on no directory */
	TRACEFS_CHILD = 1 << 2,		/* mounted by a child in a mount namespace of its own */
	TRACEFS_ANY = TRACEFS_MOUNTED | TRACEFS_DETACHED | TRACEFS_CHILD,
};

/*
 * Reads the formats of all kinds; one that the kernel does not have has id 0. Leaves no mount,
 * directory, descriptor or process. The child exists for milliseconds, without a signal to anybody.
 * -errno: not even one could be read. -EPERM, -EACCES: needs CAP_SYS_ADMIN; -ENODEV, -ENOENT: a
 * kernel without tracefs or without these tracepoints; -ENOTSUP: their fields are not as we know.
 */
int tracefs_formats(unsigned int ways, struct tracepoint_format ret[TRACEPOINT_COUNT]);

#endif
