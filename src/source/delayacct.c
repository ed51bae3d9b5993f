/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "delayacct.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SETTING "sys/kernel/task_delayacct"

static const char off[] = "0\n", on[] = "1\n";

/* 0 or 1. Neither this nor write_value() moves the offset, which the guard's write begins at. */
static int read_value(int fd)
{
	char text[16];
	ssize_t n = pread(fd, text, sizeof(text), 0);

	if (n < 0)
		return -errno;
	return n > 0 && (text[0] == '0' || text[0] == '1') ? text[0] - '0' : -EBADMSG;
}

static int write_value(int fd, const char *text)
{
	return pwrite(fd, text, strlen(text), 0) < 0 ? -errno : 0;
}

static int explain(const struct log *log, int error)
{
	switch (error) {
	case -ENOENT:
		return log_error(log, error, "delay accounting: kernel.task_delayacct: not there: "
				 "needs Linux 5.14 and CONFIG_TASK_DELAY_ACCT");
	case -EPERM:
	case -EACCES:
		return log_error(log, -EPERM, "delay accounting: kernel.task_delayacct cannot be "
				 "changed: needs CAP_SYS_ADMIN: run as root");
	case -EROFS:
		return log_error(log, error, "delay accounting: /proc/sys is read-only: run on the "
				 "host, outside the container");
	default:
		return log_error(log, error, "delay accounting: kernel.task_delayacct: %s",
				 strerror(-error));
	}
}

static void start_guard(struct delayacct *d)
{
	int error = guard_start(&d->guard, d->fd, off, sizeof(off) - 1);

	if (error < 0)
		log_warning(d->log, "delay accounting: guard process: %s", strerror(-error));
	/* Before the change: to be killed in between must not leave it on. */
	guard_arm(&d->guard);
}

/* Where it is on already there is nothing to put back: changed stays false. */
static int switch_on(struct delayacct *d, bool guard)
{
	int error = read_value(d->fd);

	if (error != 0)
		return error < 0 ? error : 0;
	if (guard)
		start_guard(d);
	error = write_value(d->fd, on);
	d->changed = error == 0;
	return error;
}

/* Somebody who may only look can have what is on already. */
static int open_setting(int root)
{
	int fd = openat(root, SETTING, O_RDWR | O_CLOEXEC), error = -errno;

	if (fd >= 0 || (error != -EACCES && error != -EPERM && error != -EROFS))
		return fd < 0 ? error : fd;
	fd = openat(root, SETTING, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read_value(fd) == 1)
		return fd;
	if (fd >= 0)
		close(fd);
	return error;
}

bool delayacct_is_on(int root)
{
	int fd = openat(root, SETTING, O_RDONLY | O_CLOEXEC);
	bool is_on = fd >= 0 && read_value(fd) == 1;

	if (fd >= 0)
		close(fd);
	return is_on;
}

static void let_go(struct delayacct *d)
{
	guard_disarm(&d->guard);
	guard_stop(&d->guard);
	if (d->fd >= 0)
		close(d->fd);
	*d = (struct delayacct){ 0 };
}

int delayacct_on(struct delayacct *d, int root, bool guard, const struct log *log)
{
	int error;

	*d = (struct delayacct){ .fd = open_setting(root), .log = log };
	error = d->fd < 0 ? d->fd : switch_on(d, guard);
	if (!d->changed)
		let_go(d);
	return error < 0 ? explain(log, error) : 0;
}

void delayacct_restore(struct delayacct *d)
{
	int error = 0;

	if (!d->changed)
		return;
	if (read_value(d->fd) == 1)
		error = write_value(d->fd, off);
	if (error < 0)
		log_warning(d->log, "delay accounting: cannot be switched off again: %s",
			    strerror(-error));
	let_go(d);
}
