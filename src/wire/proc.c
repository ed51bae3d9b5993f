/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc.h"

#include <errno.h>
#include <string.h>

#include "cursor.h"
#include "util/macro.h"

#define PF_KTHREAD 0x00200000u	/* linux/sched.h */
#define OOM_SCORE_MAX 2000	/* proc_oom_score(), fs/proc/base.c */

/* Numbers of the fields that are kept, as proc_pid_stat(5) counts them. */
enum { F_PPID = 4, F_PGRP, F_SESSION, F_TTY, F_FLAGS = 9, F_UTIME = 14,
       F_STIME, F_THREADS = 20, F_START = 22,
       F_PROCESSOR = 39, F_ARG_START = 48, F_ARG_END = 49 };

static bool wanted_field(int i)
{
	return (i >= F_PPID && i <= F_TTY) || i == F_FLAGS || i == F_UTIME || i == F_STIME ||
	       i == F_THREADS || i == F_START || i == F_PROCESSOR || i >= F_ARG_START;
}

int proc_stat_decode(const char *text, size_t len, struct proc_stat *ret)
{
	uint64_t field[F_ARG_END + 1] = { 0 };
	struct proc_stat st = { 0 };
	struct cursor c = cursor_of(text, len);
	const char *open;
	uint64_t pid;
	int i;

	open = memchr(text, '(', len);
	/* the name may hold anything, ')' included */
	if (!open || !cursor_number(&c, &pid) || !cursor_after_last(&c, ')') || c.p <= open)
		return -EBADMSG;
	memcpy(st.comm, open + 1, MIN((size_t)(c.p - open - 2), sizeof(st.comm) - 1));
	if (!cursor_skip_blank(&c))
		return -EBADMSG;
	st.state = *c.p++;
	for (i = F_PPID; i <= F_ARG_END; i++)
		if (wanted_field(i) ? !cursor_number(&c, &field[i]) : !cursor_skip_number(&c))
			break;
	if (i <= F_START)	/* arg_start is younger: Linux 3.5 */
		return -EBADMSG;

	st.pid = (int32_t)pid;
	st.ppid = (int32_t)field[F_PPID];
	st.pgrp = (int32_t)field[F_PGRP];
	st.session = (int32_t)field[F_SESSION];
	st.tty = (uint32_t)field[F_TTY];
	st.kernel_thread = field[F_FLAGS] & PF_KTHREAD;
	st.user_ticks = field[F_UTIME];
	st.system_ticks = field[F_STIME];
	st.threads = (uint32_t)field[F_THREADS];
	st.start_ticks = field[F_START];
	st.cpu = i > F_PROCESSOR ? (int32_t)field[F_PROCESSOR] : -1;
	if (field[F_ARG_END] > field[F_ARG_START]) {
		st.args_start = field[F_ARG_START];
		st.args_total = field[F_ARG_END] - field[F_ARG_START];
	}
	*ret = st;
	return 0;
}

/* Lines of /proc/PID/status that are kept: one or two numbers. */
static const struct status_line {
	const char *key;
	size_t first, second;	/* offsets of uint32_t, or of one uint64_t of kilobytes */
	bool ids;
} status_lines[] = {
	{ "Uid:", offsetof(struct proc_status, uid), offsetof(struct proc_status, euid), true },
	{ "Gid:", offsetof(struct proc_status, gid), offsetof(struct proc_status, egid), true },
	{ "VmPeak:", offsetof(struct proc_status, peak_vm), 0, false },
	{ "VmSize:", offsetof(struct proc_status, vm), 0, false },
	{ "VmHWM:", offsetof(struct proc_status, peak_rss), 0, false },
	{ "VmRSS:", offsetof(struct proc_status, rss), 0, false },
	{ "VmSwap:", offsetof(struct proc_status, swap), 0, false },
};
enum { LINE_UID, LINE_GID, LINE_RSS = 5 };
#define LINES_ALL ((1u << ARRAY_SIZE(status_lines)) - 1)

static bool take_status_line(struct cursor *c, const struct status_line *line,
			     struct proc_status *st)
{
	uint32_t first, second;
	uint64_t v[2];

	if (!cursor_numbers(c, v, line->ids ? 2 : 1))
		return false;
	if (line->ids) {
		first = (uint32_t)v[0];
		second = (uint32_t)v[1];
		memcpy((char *)st + line->first, &first, sizeof(first));
		memcpy((char *)st + line->second, &second, sizeof(second));
	} else {
		v[0] *= 1024;
		memcpy((char *)st + line->first, &v[0], sizeof(v[0]));
	}
	return true;
}

int proc_status_decode(const char *text, size_t len, struct proc_status *ret)
{
	struct cursor c = cursor_of(text, len), line;
	struct proc_status st = { 0 };
	unsigned int seen = 0;

	while (seen != LINES_ALL && cursor_line(&c, &line)) {
		if (line.p == line.end || (*line.p != 'V' && *line.p != 'U' && *line.p != 'G'))
			continue;
		for (unsigned int i = 0; i < ARRAY_SIZE(status_lines); i++) {
			if (!(seen & 1u << i) && cursor_word(&line, status_lines[i].key)) {
				if (!take_status_line(&line, &status_lines[i], &st))
					return -EBADMSG;
				seen |= 1u << i;
				break;
			}
		}
	}
	if (!(seen & 1u << LINE_UID) || !(seen & 1u << LINE_GID))
		return -EBADMSG;
	st.has_memory = seen & 1u << LINE_RSS;
	*ret = st;
	return 0;
}

/* Lines are "ID:CONTROLLERS:PATH"; the path may hold colons. */
int proc_cgroup_decode(const char *text, size_t len, const char **ret, size_t *ret_len)
{
	struct cursor c = cursor_of(text, len), path, line;
	bool have_unified = cursor_find_line(c, "0::", &path);

	if (have_unified && path.end - path.p > 1)
		goto found;
	while (cursor_line(&c, &line)) {
		line.p = memchr(line.p, ':', (size_t)(line.end - line.p));
		if (line.p && cursor_word(&line, ":name=systemd:")) {
			path = line;
			goto found;
		}
	}
	if (!have_unified)
		return -EBADMSG;
found:
	*ret = path.p;
	*ret_len = (size_t)(path.end - path.p);
	return 0;
}

int proc_u32_decode(const char *text, size_t len, uint32_t *ret)
{
	struct cursor c = cursor_of(text, len);
	uint64_t v;

	if (!cursor_number(&c, &v))
		return -EBADMSG;
	*ret = (uint32_t)v;
	return 0;
}

int proc_netns_decode(const char *text, size_t len, uint32_t *ret)
{
	struct cursor c = cursor_of(text, len);
	uint64_t inode;

	if (!cursor_word(&c, "net:[") || !cursor_number(&c, &inode) || !inode ||
	    inode > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)inode;
	return 0;
}

static int decode_oom_score(const char *text, size_t len, int32_t *ret)
{
	uint32_t score;
	int error = proc_u32_decode(text, len, &score);

	if (error < 0 || score > OOM_SCORE_MAX)
		return -EBADMSG;
	*ret = (int32_t)score;
	return 0;
}

/* One file's bytes into facts; what the kernel would not give stays absent. */
static void decode_file(enum proc_file file, const char *p, size_t len, struct proc_facts *f)
{
	switch (file) {
	case PROC_STAT:
		f->has_stat = proc_stat_decode(p, len, &f->stat) == 0;
		break;
	case PROC_CMDLINE:
		f->args = p;
		f->args_len = len;
		break;
	case PROC_EXE:
		f->exe = p;
		f->exe_len = len;
		break;
	case PROC_STATUS:
		f->has_status = proc_status_decode(p, len, &f->status) == 0;
		break;
	case PROC_CGROUP:
		if (proc_cgroup_decode(p, len, &f->cgroup, &f->cgroup_len) < 0)
			f->cgroup = NULL;
		break;
	case PROC_CWD:
		f->cwd = p;
		f->cwd_len = len;
		break;
	case PROC_LOGINUID:
		f->has_loginuid = proc_u32_decode(p, len, &f->loginuid) == 0;
		break;
	case PROC_OOM_SCORE:
		f->has_oom_score = decode_oom_score(p, len, &f->oom_score) == 0;
		break;
	case PROC_TASKS:
		f->has_tasks = proc_tasks_decode(p, len, &f->tasks) == 0;
		break;
	case PROC_FD_COUNT:
		f->has_fd_count = proc_u32_decode(p, len, &f->fd_count) == 0;
		break;
	case PROC_NETNS:
		f->has_netns = proc_netns_decode(p, len, &f->netns) == 0;
		break;
	case PROC_FD:
		f->fds = p;
		f->fds_len = len;
		break;
	case PROC_FILE_COUNT:
		break;
	}
}

int proc_read_decode(const void *buf, size_t len, struct proc_facts *ret)
{
	struct proc_facts f = { 0 };
	struct proc_read head;
	const char *p = (const char *)buf + sizeof(head);
	size_t left;

	if (len < sizeof(head))
		return -EBADMSG;
	memcpy(&head, buf, sizeof(head));
	left = len - sizeof(head);
	f.event_ns = head.event_ns;
	f.read_ns = head.read_ns;
	f.pid = head.pid;
	f.cmdline_error = head.result[PROC_CMDLINE] < 0 ? head.result[PROC_CMDLINE] : 0;
	f.tasks_refused = head.result[PROC_TASKS] < 0 && head.result[PROC_TASKS] != -ENODATA;

	for (unsigned int i = 0; i < PROC_FILE_COUNT; i++) {
		if (head.result[i] < 0)
			continue;
		if ((size_t)head.result[i] > left)
			return -EBADMSG;
		decode_file(i, p, (size_t)head.result[i], &f);
		p += head.result[i];
		left -= (size_t)head.result[i];
	}
	if (left)
		return -EBADMSG;
	/* Without an address space (it is dead, or a kernel thread) the file reads as empty. */
	if (f.args && f.args_len == 0 && !(f.has_stat && f.stat.args_start))
		f.args = NULL;
	f.args_total = f.args_len;
	if (f.args && head.cmdline_cut)
		f.args_total = MAX(f.has_stat ? f.stat.args_total : 0, (uint64_t)f.args_len + 1);
	*ret = f;
	return 0;
}
