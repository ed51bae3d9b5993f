/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util/macro.h"

static const struct {
	const char *name;
	bool link;
} files[PROC_FILE_COUNT] = {
	[PROC_STAT] = { "/stat", false },	[PROC_CMDLINE] = { "/cmdline", false },
	[PROC_EXE] = { "/exe", true },		[PROC_STATUS] = { "/status", false },
	[PROC_CGROUP] = { "/cgroup", false },	[PROC_CWD] = { "/cwd", true },
	[PROC_LOGINUID] = { "/loginuid", false }, [PROC_OOM_SCORE] = { "/oom_score", false },
	[PROC_TASKS] = { "/task", false },	[PROC_FD] = { "/fd", false },
	[PROC_FD_COUNT] = { "/fd", false },
};

size_t procfs_record_max(const struct procfs *fs)
{
	return sizeof(struct proc_read) + fs->args_max + (PROC_FILE_COUNT - 1) * PROCFS_TEXT_MAX;
}

int procfs_open(const char *root)
{
	int fd = open(root, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* "PID" at the end of a buffer of 11 digits; returns where it starts. */
static char *write_pid(char *end, int32_t pid)
{
	uint32_t v = (uint32_t)pid;

	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return end;
}

/* Reads to the end or to max bytes; a short read of a /proc file is its end. */
static int32_t read_file(int root, const char *path, char *buf, size_t max)
{
	size_t len = 0;
	ssize_t n;
	int fd = openat(root, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	do {
		size_t ask = MIN(max - len, (size_t)PROCFS_TEXT_MAX);

		n = read(fd, buf + len, ask);
		if (n < 0) {
			n = -errno;
			break;
		}
		len += (size_t)n;
		if ((size_t)n < ask)
			break;
	} while (len < max);
	close(fd);
	return len == 0 && n < 0 ? (int32_t)n : (int32_t)len;
}

static int32_t read_link(int root, const char *path, char *buf, size_t max)
{
	ssize_t n = readlinkat(root, path, buf, max);

	return n < 0 ? -errno : (int32_t)n;
}

/*
 * -EPERM without CAP_SYS_PTRACE or where Yama forbids it, -ENODATA when the address is not told:
 * then the file has to do.
 */
static int32_t read_args(int32_t pid, const char *stat, int32_t stat_len, char *buf, size_t max,
			 uint32_t *ret_cut)
{
	struct proc_stat st;
	struct iovec local, remote;
	ssize_t n;

	if (stat_len < 0 || proc_stat_decode(stat, (size_t)stat_len, &st) < 0 || !st.args_total)
		return -ENODATA;
	local = (struct iovec){ buf, MIN(max, st.args_total) };
	remote = (struct iovec){ (void *)(uintptr_t)st.args_start, local.iov_len };
	n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	if (n < 0)
		return -errno;
	if ((size_t)n != local.iov_len)
		return -EFAULT;
	*ret_cut = st.args_total > max;
	return (int32_t)n;
}

/* One file of a process; results of the earlier ones are in head. */
static int32_t read_one(const struct procfs *fs, enum proc_file file, const char *path,
			struct proc_read *head, enum procfs_args how, char *out)
{
	int32_t result = -ENODATA;

	if (files[file].link)
		return read_link(fs->fd, path, out, PROCFS_TEXT_MAX);
	if (file != PROC_CMDLINE)
		return read_file(fs->fd, path, out, PROCFS_TEXT_MAX);
	if (how == PROCFS_FROM_MEMORY)
		result = read_args(head->pid, out - MAX(head->result[PROC_STAT], 0),
				   head->result[PROC_STAT], out, fs->args_max, &head->cmdline_cut);
	if (result < 0) {
		result = read_file(fs->fd, path, out, fs->args_max);
		head->cmdline_cut = result == (int32_t)fs->args_max;
	}
	return result;
}

size_t procfs_read(const struct procfs *fs, int32_t pid, uint64_t event_ns, enum procfs_args how,
		   void *buf)
{
	struct proc_read head = { .event_ns = event_ns, .pid = pid };
	char *out = (char *)buf + sizeof(head);
	char name[11 + 16], *start = write_pid(name + 11, pid);
	bool gone = false;

	for (unsigned int i = 0; i < PROC_FILE_COUNT; i++) {
		if (gone || !(fs->mask & PROC_FILE_MASK(i))) {
			head.result[i] = gone ? -ESRCH : -ENODATA;
			continue;
		}
		memcpy(name + 11, files[i].name, strlen(files[i].name) + 1);
		head.result[i] = read_one(fs, i, start, &head, how, out);
		if (i == 0) {
			head.read_ns = clock_now(fs->clock);
			gone = head.result[i] == -ENOENT || head.result[i] == -ESRCH;
		}
		if (head.result[i] > 0)
			out += head.result[i];
	}
	memcpy(buf, &head, sizeof(head));
	return (size_t)(out - (char *)buf);
}

static int32_t pid_of_name(const char *name)
{
	int32_t pid = 0;

	for (; *name; name++) {
		if (*name < '0' || *name > '9' || pid > (INT32_MAX - 9) / 10)
			return -1;
		pid = pid * 10 + (*name - '0');
	}
	return pid;
}

int procfs_scan(const struct procfs *from, struct strbuf *ret)
{
	struct procfs brief = *from, *fs = &brief;
	int fd = openat(fs->fd, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return -errno;
	brief.args_max = MIN(brief.args_max, (uint32_t)PROCFS_SCAN_ARGS);
	dir = fdopendir(fd);
	if (!dir) {
		int error = errno;

		close(fd);
		return -error;
	}
	while ((entry = readdir(dir))) {
		int32_t pid = pid_of_name(entry->d_name);
		uint32_t len;
		char *room;

		if (pid <= 0)
			continue;
		room = strbuf_reserve(ret, sizeof(len) + procfs_record_max(fs));
		if (!room)
			break;
		len = (uint32_t)procfs_read(fs, pid, 0, PROCFS_FROM_FILE, room + sizeof(len));
		memcpy(room, &len, sizeof(len));
		strbuf_commit(ret, sizeof(len) + len);
	}
	closedir(dir);
	return ret->failed ? -ENOMEM : 0;
}
