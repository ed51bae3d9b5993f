/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "util/macro.h"

extern char **environ;

int command_spawn(struct command *c, char **argv, const sigset_t *mask, bool reset_pipe)
{
	posix_spawnattr_t attr;
	sigset_t pipe_only;
	pid_t pid;
	int fd, r;

	r = posix_spawnattr_init(&attr);
	if (r)
		return -r;
	sigemptyset(&pipe_only);
	if (reset_pipe)
		sigaddset(&pipe_only, SIGPIPE);
	posix_spawnattr_setsigdefault(&attr, &pipe_only);
	posix_spawnattr_setsigmask(&attr, mask);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	/* Fails with what execve(2) says. */
	r = posix_spawnp(&pid, argv[0], NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	if (r)
		return -r;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	*c = (struct command){ .pid = pid, .pidfd = fd };
	return fd < 0 ? -errno : 0;
}

void command_finish(struct command *c)
{
	if (c->pid && c->pidfd >= 0)
		close(c->pidfd);
	*c = (struct command){ 0 };
}

void command_signal(const struct command *c, int signal)
{
	if (command_running(c))
		kill(c->pid, signal);
}

void command_reap(struct command *c)
{
	int status;

	if (command_running(c) && waitpid(c->pid, &status, WNOHANG) == c->pid) {
		c->ended = true;
		c->wait_status = status;
	}
}

int command_status(const struct command *c)
{
	if (!c->ended)
		return 0;
	if (WIFSIGNALED(c->wait_status))
		return 128 + WTERMSIG(c->wait_status);
	return WEXITSTATUS(c->wait_status);
}
