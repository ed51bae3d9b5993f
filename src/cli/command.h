/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* The COMMAND of `pevent -- COMMAND`. */
struct command {
	pid_t pid;	/* 0: none */
	int pidfd;	/* polls readable at its end; valid while pid is not 0 */
	bool ended;
	int wait_status;	/* when ended */
};

/* argv from PATH, with this signal mask and the default action for SIGPIPE if reset_pipe. */
int command_spawn(struct command *c, char **argv, const sigset_t *mask, bool reset_pipe);
void command_finish(struct command *c);	/* accepts zeroed; leaves the process alone */
static inline bool command_running(const struct command *c)
{
	return c->pid && !c->ended;
}
void command_signal(const struct command *c, int signal);
/* Takes its status if it has ended. */
void command_reap(struct command *c);
/* As a shell gives it: the code, or 128 + signal; 0 while it runs or when there is none. */
int command_status(const struct command *c);

#endif
