/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARM 'a'
#define DISARM 'd'	/* answered */
#define ANSWER_S 1
#define FDS_MAX 1024	/* without close_range(2) */

/*
 * Waits for the other end of the line to close. It holds nothing but its object and its line, and
 * is in a session of its own: what a terminal or a shell sends its parent is not for it.
 */
static void guard_main(int object, int line, const void *act, size_t len)
{
	bool armed = false;
	char byte = 0;
	ssize_t n;

	(void)prctl(PR_SET_NAME, "pevent-guard");
	(void)setsid();
	(void)!chdir("/");
	if (dup2(object, 0) < 0 || dup2(line, 1) < 0)
		_exit(1);
	if (syscall(SYS_close_range, 2u, ~0u, 0u) < 0)		/* Linux 5.9 */
		for (int fd = 2; fd < FDS_MAX; fd++)
			close(fd);
	n = write(1, &byte, 1);
	while ((n = read(1, &byte, 1)) > 0 || (n < 0 && errno == EINTR)) {
		if (n < 0)
			continue;
		armed = byte == ARM;
		if (!armed)
			n = write(1, &byte, 1);
	}
	if (armed)
		n = write(0, act, len);
	_exit(0);
}

int guard_start(struct guard *g, int fd, const void *act, size_t len)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	sigset_t all, old;
	int line[2];
	char byte;
	long pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line) < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	/* Exit signal 0. */
	pid = syscall(SYS_clone, 0ul, NULL, NULL, NULL, 0ul);
	if (pid == 0) {
		/* Numbers above those that guard_main() moves them to. */
		close(line[0]);
		guard_main(fcntl(fd, F_DUPFD, 2), fcntl(line[1], F_DUPFD, 2), act, len);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(line[1]);
	if (pid < 0) {
		close(line[0]);
		return -errno;
	}
	(void)setsockopt(line[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	g->fd = line[0];
	g->pid = (int)pid;
	(void)!read(line[0], &byte, 1);
	return 0;
}

static void tell(struct guard *g, char what)
{
	if (g->pid > 0)
		(void)!send(g->fd, &what, 1, MSG_NOSIGNAL);
}

void guard_arm(struct guard *g)
{
	tell(g, ARM);
}

void guard_disarm(struct guard *g)
{
	char answer;

	tell(g, DISARM);
	if (g->pid > 0)
		(void)!read(g->fd, &answer, 1);
}

void guard_stop(struct guard *g)
{
	if (g->pid <= 0)
		return;
	(void)kill(g->pid, SIGKILL);	/* stopped or not; it has nothing left to do */
	close(g->fd);
	while (waitpid(g->pid, NULL, __WCLONE) < 0 && errno == EINTR)
		;
	*g = (struct guard){ 0 };
}
