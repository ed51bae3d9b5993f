/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/macro.h"

#define TRACEFS_MAGIC 0x74726163	/* linux/magic.h */
#define CHILD_TIMEOUT_MS 2000
#define TEXT_MAX 4096

/* asm-generic/unistd.h; the same on every architecture but alpha */
#ifndef SYS_fsopen
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
enum { FS_CLOEXEC = 1, FS_CREATE = 6 };	/* linux/mount.h: FSOPEN_, FSMOUNT_, FSCONFIG_CMD_ */

static const char *const paths[TRACEPOINT_COUNT] = {
	[TRACEPOINT_STATE] = "events/sock/inet_sock_set_state/format",
	[TRACEPOINT_SEND] = "events/sock/sock_send_length/format",
	[TRACEPOINT_RECEIVE] = "events/sock/sock_recv_length/format",
};

static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };

/* Directories that there usually are: what the child hides under its mount, only it misses. */
static const char *const covers[] = { "/sys/kernel/tracing", "/sys", "/proc", "/tmp" };

/* The files as they were read, and as the child sends them. */
struct texts {
	struct {
		int32_t result;		/* length or -errno */
		char text[TEXT_MAX];
	} file[TRACEPOINT_COUNT];
};

/* Calls nothing but the kernel: the child runs it, too. */
static int32_t read_text(int dir, const char *path, char *text)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	int32_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (len < TEXT_MAX) {
		n = read(fd, text + len, (size_t)(TEXT_MAX - len));
		if (n <= 0 && !(n < 0 && errno == EINTR))
			break;
		len += n > 0 ? (int32_t)n : 0;
	}
	len = n < 0 ? -errno : len;
	close(fd);
	return len;
}

static void read_texts(int dir, struct texts *t)
{
	for (size_t i = 0; i < TRACEPOINT_COUNT; i++)
		t->file[i].result = read_text(dir, paths[i], t->file[i].text);
}

static void fail_texts(struct texts *t, int error)
{
	for (size_t i = 0; i < TRACEPOINT_COUNT; i++)
		t->file[i].result = error;
}

/*
 * O_PATH alone does not follow an automount: where debugfs is mounted and tracefs is not, a plain
 * open(2) would mount it below, and nobody would unmount it.
 */
static int read_mounted(struct texts *t)
{
	int error = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		_cleanup_(close_p) int dir = open(places[i], O_PATH | O_CLOEXEC);
		struct statfs fs;

		if (dir < 0 || fstatfs(dir, &fs) < 0) {
			error = errno == ENOENT ? error : -errno;
			continue;
		}
		if (fs.f_type != TRACEFS_MAGIC)
			continue;
		read_texts(dir, t);
		return 0;
	}
	return error;
}

static int read_detached(struct texts *t)
{
	_cleanup_(close_p) int context = -1, mounted = -1;

	context = (int)syscall(SYS_fsopen, "tracefs", FS_CLOEXEC);
	if (context < 0)
		return -errno;
	if (syscall(SYS_fsconfig, context, FS_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mounted = (int)syscall(SYS_fsmount, context, FS_CLOEXEC, 0);
	if (mounted < 0)
		return -errno;
	read_texts(mounted, t);
	return 0;
}

/* In the child: nothing that it mounts is seen outside, and goes when it does. */
static int mount_privately(void)
{
	int dir, error = -ENOENT;

	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(covers); i++) {
		if (mount("pevent", covers[i], "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
			  NULL) == 0) {
			dir = open(covers[i], O_PATH | O_CLOEXEC);
			return dir < 0 ? -errno : dir;
		}
		error = errno == ENOENT ? error : -errno;
	}
	return error;
}

static void child_main(int line, struct texts *t)
{
	const char *p = (const char *)t;
	size_t left = sizeof(*t);
	int dir = mount_privately();

	if (dir < 0)
		fail_texts(t, dir);
	else
		read_texts(dir, t);
	while (left > 0) {
		ssize_t n = write(line, p, left);

		if (n < 0 && errno != EINTR)
			_exit(1);
		p += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
	_exit(0);
}

/* -EIO: the child ended early; -ETIMEDOUT: it hangs. */
static int receive_texts(int line, struct texts *t)
{
	char *p = (char *)t;
	size_t left = sizeof(*t);

	while (left > 0) {
		struct pollfd pfd = { .fd = line, .events = POLLIN };
		int ready = poll(&pfd, 1, CHILD_TIMEOUT_MS);
		ssize_t n;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready < 0 ? -errno : -ETIMEDOUT;
		n = read(line, p, left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		left -= (size_t)n;
	}
	return 0;
}

static int read_in_child(struct texts *t)
{
	sigset_t all, old;
	int line[2], error;
	long pid;

	if (pipe2(line, O_CLOEXEC) < 0)
		return -errno;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	/* Exit signal 0: the embedding program sees no SIGCHLD, and its wait(2) not this child. */
	pid = syscall(SYS_clone, 0ul, NULL, NULL, NULL, 0ul);
	error = pid < 0 ? -errno : 0;
	if (pid == 0)
		child_main(line[1], t);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	close(line[1]);
	if (pid > 0) {
		error = receive_texts(line[0], t);
		if (error < 0)
			(void)kill((pid_t)pid, SIGKILL);
		while (waitpid((pid_t)pid, NULL, (int)__WCLONE) < 0 && errno == EINTR)
			;
	}
	close(line[0]);
	return error;
}

/* 0 when one of them is known: then those that are not are the kernel's lack. */
static int decode_texts(const struct texts *t, struct tracepoint_format *ret)
{
	int error = 0, known = 0;

	for (size_t i = 0; i < TRACEPOINT_COUNT; i++) {
		int32_t len = t->file[i].result;
		struct tracepoint_format format = { .kind = (enum tracepoint_kind)i };
		int result = len < 0 ? len : tracepoint_format_decode(t->file[i].text, (size_t)len,
								       &format);

		if (result == 0 && format.kind == i)
			known++;
		else if (error == 0)
			error = result < 0 ? result : -EBADMSG;
		ret[i] = format;
	}
	return known ? 0 : error;
}

int tracefs_formats(unsigned int ways, struct tracepoint_format ret[TRACEPOINT_COUNT])
{
	static const struct {
		enum tracefs_way way;
		int (*fn)(struct texts *t);
	} readers[] = {
		{ TRACEFS_MOUNTED, read_mounted },
		{ TRACEFS_DETACHED, read_detached },
		{ TRACEFS_CHILD, read_in_child },
	};
	struct tracepoint_format formats[TRACEPOINT_COUNT];
	struct texts texts;
	int error = -EINVAL;

	for (size_t i = 0; i < ARRAY_SIZE(readers); i++) {
		if (!(ways & readers[i].way))
			continue;
		error = readers[i].fn(&texts);
		if (error == 0)
			error = decode_texts(&texts, formats);
		if (error == 0) {
			memcpy(ret, formats, sizeof(formats));
			return 0;
		}
	}
	return error;
}
