/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_USERS_H
#define SINK_USERS_H

#include <stdint.h>

/*
 * Names of user ids, from getpwuid_r(3), which may read files or ask a server. So each answer, also
 * "no such user", is kept: the 1024 ids used last, for ten minutes of the events' time.
 */
struct users;

int users_new(struct users **ret);
struct users *users_free(struct users *u);	/* accepts NULL; returns NULL */
/* NULL: has no name. The string, hostile bytes, is valid until the next call. */
const char *users_name(struct users *u, uint32_t uid, uint64_t now_ns);

#endif
