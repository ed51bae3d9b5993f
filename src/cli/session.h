/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <signal.h>
#include <stdbool.h>

#include "cli/command.h"
#include "cli/options.h"
#include "pevent/pevent.h"

enum exit_status { STATUS_OK = 0, STATUS_ERROR = 1, STATUS_USAGE = 2, STATUS_LOST = 3 };

/* What a verb does with a run. */
struct session_ops {
	void (*event)(void *data, const struct pevent_event *event);
	/* After each batch. Negative: end the run with status 1; positive: end it well. */
	int (*batch)(void *data);
	bool (*ready)(void *data);	/* may events be taken now? NULL: always */
	bool (*hangup)(void *data);	/* SIGHUP; false: it ends the run. NULL: false */
};

/* One run from its input to its end: signals, time limit, command, the loop. */
struct session {
	const struct options *options;
	const struct session_ops *ops;
	void *data;
	struct pevent *p;
	struct command command;
	int wake_fd;	/* the writer's, or -1 */
	int output_fd;	/* where a reader can go away, or -1 */

	/* own */
	sigset_t old_mask;
	bool reset_pipe;	/* SIGPIPE had its default action */
	int signal_fd, timer_fd;
	bool logged;		/* the library has said what is wrong */
	bool stopping, stopped, ended, interrupted, abandoned, forced, past_end, failed;
	bool command_seen;	/* its exit event */
	uint64_t first_ns;
	uint64_t cut;		/* events beyond the time limit of a replay */
};

/* Signals, context and input; record_to: directory or NULL. Returns an exit status. */
int session_open(struct session *s, const struct options *o, const struct session_ops *ops,
		 void *data, unsigned int want, const char *record_to);
/* Starts the command; to its end or that of the run. Returns an exit status. */
int session_run(struct session *s);
/* Takes what pevent_next() still has, after the run. */
void session_drain(struct session *s);
/* Waits for a command that outlives the run; the exit status of all. */
int session_end(struct session *s, int status);
void session_finish(struct session *s);

#endif
