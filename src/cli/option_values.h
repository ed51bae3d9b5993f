/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_OPTION_VALUES_H
#define CLI_OPTION_VALUES_H

/* Between options.c, which has the table, and option_values.c, which reads arguments. */

#include "cli/options.h"
#include "pevent/pevent.h"

#define TYPES_NETWORK (PEVENT_MASK(PEVENT_CONN) | PEVENT_MASK(PEVENT_CLOSE))
/* Snapshots are no events that happen, and of connections there are many more than of processes:
 * who wants them names them. */
#define TYPES_ALL (PEVENT_MASK_ALL & ~PEVENT_MASK(PEVENT_SNAPSHOT) & ~TYPES_NETWORK)

/* How far parsing has come; a message is put into why once. */
struct parser {
	struct options *o;
	struct strbuf *why;
	char option[32];	/* the one being read: "-e" */
};

/* Each takes the argument of one option. -EINVAL: `why` has the message; -ENOMEM. */
int option_take_events(struct parser *p, const char *value);
int option_take_pgrps(struct parser *p, const char *value);
int option_take_pids(struct parser *p, const char *value);
int option_take_users(struct parser *p, const char *value);
int option_take_regex(struct parser *p, const char *value);
int option_take_cgroup(struct parser *p, const char *value);
int option_take_duration(struct parser *p, const char *value);
int option_take_longer_than(struct parser *p, const char *value);
int option_take_sample(struct parser *p, const char *value);
int option_take_time(struct parser *p, const char *value);
int option_take_columns(struct parser *p, const char *value);
int option_take_output(struct parser *p, const char *value);
int option_take_replay(struct parser *p, const char *value);
int option_take_interface(struct parser *p, const char *value);
int option_take_owner(struct parser *p, const char *value);
int option_take_receive_buffer(struct parser *p, const char *value);

#endif
