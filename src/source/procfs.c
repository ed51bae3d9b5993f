/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "procfs_made.h"
#include "util/macro.h"

#define PID_DIGITS 10
#define NAME_ROOM 16
#define THREADS_NS NSEC_PER_SEC	/* a scan goes on without the sums of threads then */
/* Made of directories: these need a descriptor of the process's own. */
#define FROM_DIRECTORY (PROC_FILE_MASK(PROC_TASKS) | PROC_FILE_MASK(PROC_FD) | \
			PROC_FILE_MASK(PROC_FD_COUNT))

static const char *const files[PROC_FILE_COUNT] = {
	[PROC_STAT] = "stat", [PROC_CMDLINE] = "cmdline", [PROC_EXE] = "exe",
	[PROC_STATUS] = "status", [PROC_CGROUP] = "cgroup", [PROC_CWD] = "cwd",
	[PROC_LOGINUID] = "loginuid", [PROC_OOM_SCORE] = "oom_score", [PROC_TASKS] = "task",
	[PROC_FD] = "fd", [PROC_FD_COUNT] = "fd", [PROC_NETNS] = "ns/net",
};

size_t procfs_record_max(const struct procfs *fs)
{
	return sizeof(struct proc_read) + fs->args_max + PROCFS_FD_TEXT_MAX +
	       (PROC_FILE_COUNT - 2) * PROCFS_TEXT_MAX;
}

int procfs_open(const char *root)
{
	int fd = open(root, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
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

/* A process being read. */
struct reading {
	const struct procfs *fs;
	enum procfs_args how;
	int at;				/* what path starts from: its directory, or the root */
	const char *path;
	struct proc_read head;
	const char *text[PROC_FILE_COUNT];	/* of those with a result >= 0 */
};

static int32_t read_cmdline(struct reading *r, char *out)
{
	struct proc_read *head = &r->head;
	int32_t result = -ENODATA;

	if (r->how == PROCFS_FROM_MEMORY)
		result = read_args(head->pid, r->text[PROC_STAT], head->result[PROC_STAT], out,
				   r->fs->args_max, &head->cmdline_cut);
	if (result < 0) {
		result = procfs_text(r->at, r->path, out, r->fs->args_max);
		head->cmdline_cut = result == (int32_t)r->fs->args_max;
	}
	return result;
}

/*
 * Most processes have one thread: stat has said so, and what status said of it is known. Of too
 * many none is looked at.
 */
static int32_t read_tasks(const struct reading *r, char *out)
{
	const int32_t *result = r->head.result;
	struct proc_stat st = { .threads = 0 };

	if (result[PROC_STAT] >= 0)
		(void)proc_stat_decode(r->text[PROC_STAT], (size_t)result[PROC_STAT], &st);
	if (st.threads > PROCFS_THREADS_MAX)
		return -E2BIG;
	if (st.threads != 1)
		return procfs_tasks(r->at, 0, NULL, -ENODATA, out);
	return procfs_tasks(r->at, r->head.pid, r->text[PROC_STATUS], result[PROC_STATUS], out);
}

static int32_t read_one(struct reading *r, enum proc_file file, char *out)
{
	switch (file) {
	case PROC_CMDLINE:
		return read_cmdline(r, out);
	case PROC_EXE:
	case PROC_CWD:
	case PROC_NETNS:
		return read_link(r->at, r->path, out, PROCFS_TEXT_MAX);
	case PROC_TASKS:
		return read_tasks(r, out);
	case PROC_FD:
		return procfs_fds(r->at, out, PROCFS_FD_TEXT_MAX);
	case PROC_FD_COUNT:
		return procfs_fd_count(r->at, out);
	default:
		return procfs_text(r->at, r->path, out, PROCFS_TEXT_MAX);
	}
}

/* All that is wanted, one behind the other at out; name is the end of the path. */
static size_t read_all(struct reading *r, char *name, char *out)
{
	struct proc_read *head = &r->head;
	bool gone = r->at == -ENOENT || r->at == -ESRCH;
	char *begin = out;

	if (gone)
		head->read_ns = clock_now(r->fs->clock);
	for (unsigned int i = 0; i < PROC_FILE_COUNT; i++) {
		head->result[i] = gone ? -ESRCH : -ENODATA;
		if (gone || !(r->fs->mask & PROC_FILE_MASK(i)))
			continue;
		memcpy(name, files[i], strlen(files[i]) + 1);
		head->result[i] = r->at < 0 ? r->at : read_one(r, i, out);
		if (!head->read_ns)
			head->read_ns = clock_now(r->fs->clock);
		if (i == PROC_STAT)
			gone = head->result[i] == -ENOENT || head->result[i] == -ESRCH;
		r->text[i] = out;
		if (head->result[i] > 0)
			out += head->result[i];
	}
	return (size_t)(out - begin);
}

/*
 * By its directory what is read of one process is of one process, however fast ids are used again,
 * and many files cost less; the few of an exec cost less by their paths.
 */
static size_t read_process(struct reading *r, bool by_directory, void *buf)
{
	char path[PID_DIGITS + 1 + NAME_ROOM], *name = path + PID_DIGITS + 1, *start;
	char *out = (char *)buf + sizeof(r->head);
	size_t len;

	path[PID_DIGITS] = '\0';
	start = procfs_digits(path + PID_DIGITS, (uint32_t)r->head.pid);
	r->at = r->fs->fd;
	r->path = by_directory ? name : start;
	if (by_directory) {
		r->at = openat(r->fs->fd, start, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (r->at < 0)
			r->at = -errno;
	}
	path[PID_DIGITS] = '/';
	len = read_all(r, name, out);
	if (by_directory && r->at >= 0)
		close(r->at);
	memcpy(buf, &r->head, sizeof(r->head));
	return sizeof(r->head) + len;
}

size_t procfs_read(const struct procfs *fs, int32_t pid, uint64_t event_ns, enum procfs_args how,
		   void *buf)
{
	struct reading r = { .fs = fs, .how = how, .head = { .event_ns = event_ns, .pid = pid } };

	return read_process(&r, fs->mask & FROM_DIRECTORY, buf);
}

size_t procfs_sample(const struct procfs *fs, int32_t pid, void *buf)
{
	struct reading r = { .fs = fs, .how = PROCFS_FROM_FILE, .head = { .pid = pid } };

	return read_process(&r, true, buf);
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
	uint64_t until;
	DIR *dir;

	if (fd < 0)
		return -errno;
	brief.args_max = MIN(brief.args_max, (uint32_t)PROCFS_SCAN_ARGS);
	until = clock_now(fs->clock) + THREADS_NS;
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
		if (clock_now(fs->clock) >= until)
			brief.mask &= ~PROC_FILE_MASK(PROC_TASKS);
		if (ret->len >= PROCFS_SCAN_FULL)
			brief.mask &= ~PROC_FILE_MASK(PROC_FD);
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
