/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "proc.h"

#include <errno.h>
#include <string.h>

#include "util/macro.h"

#define PF_KTHREAD 0x00200000u	/* linux/sched.h */

/* A place in a text that is not NUL-terminated. */
struct cursor {
	const char *p, *end;
};

static bool skip_blank(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
	return c->p < c->end;
}

/* A decimal number, with sign; wraps as the kernel's own types do. */
static bool take_number(struct cursor *c, uint64_t *ret)
{
	uint64_t v = 0;
	bool negative = false;
	const char *start;

	if (!skip_blank(c))
		return false;
	if (*c->p == '-') {
		negative = true;
		c->p++;
	}
	for (start = c->p; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
		v = v * 10 + (uint64_t)(*c->p - '0');
	if (c->p == start)
		return false;
	*ret = negative ? 0 - v : v;
	return true;
}

/* The same without its value: most of a stat line is not kept, and this is read at every exec. */
static bool skip_number(struct cursor *c)
{
	const char *start;

	if (!skip_blank(c))
		return false;
	for (start = c->p; c->p < c->end && *c->p != ' ' && *c->p != '\n'; c->p++)
		;
	return c->p > start;
}

static const char *find_last(const char *text, size_t len, char wanted)
{
	while (len > 0)
		if (text[--len] == wanted)
			return text + len;
	return NULL;
}

/* Numbers of the fields that are kept, as proc_pid_stat(5) counts them. */
enum { F_PPID = 4, F_PGRP, F_SESSION, F_TTY, F_FLAGS = 9, F_THREADS = 20, F_START = 22,
       F_ARG_START = 48, F_ARG_END = 49 };

static bool wanted_field(int i)
{
	return (i >= F_PPID && i <= F_TTY) || i == F_FLAGS || i == F_THREADS || i == F_START ||
	       i >= F_ARG_START;
}

int proc_stat_decode(const char *text, size_t len, struct proc_stat *ret)
{
	uint64_t field[F_ARG_END + 1] = { 0 };
	struct proc_stat st = { 0 };
	struct cursor c = { text, text + len };
	const char *open, *close;
	uint64_t pid;
	int i;

	open = memchr(text, '(', len);
	close = find_last(text, len, ')');	/* the name may hold anything, ')' included */
	if (!open || !close || close < open || !take_number(&c, &pid))
		return -EBADMSG;
	memcpy(st.comm, open + 1, MIN((size_t)(close - open - 1), sizeof(st.comm) - 1));
	c.p = close + 1;
	if (!skip_blank(&c))
		return -EBADMSG;
	st.state = *c.p++;
	for (i = F_PPID; i <= F_ARG_END; i++)
		if (wanted_field(i) ? !take_number(&c, &field[i]) : !skip_number(&c))
			break;
	if (i <= F_START)	/* arg_start is younger: Linux 3.5 */
		return -EBADMSG;

	st.pid = (int32_t)pid;
	st.ppid = (int32_t)field[F_PPID];
	st.pgrp = (int32_t)field[F_PGRP];
	st.session = (int32_t)field[F_SESSION];
	st.tty = (uint32_t)field[F_TTY];
	st.kernel_thread = field[F_FLAGS] & PF_KTHREAD;
	st.threads = (uint32_t)field[F_THREADS];
	st.start_ticks = field[F_START];
	if (field[F_ARG_END] > field[F_ARG_START]) {
		st.args_start = field[F_ARG_START];
		st.args_total = field[F_ARG_END] - field[F_ARG_START];
	}
	*ret = st;
	return 0;
}

/* The line that starts with key; sets the cursor behind it. */
static bool find_line(const char *text, size_t len, const char *key, struct cursor *ret)
{
	size_t key_len = strlen(key);
	const char *p = text, *end = text + len;

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if (!eol)
			eol = end;
		if ((size_t)(eol - p) >= key_len && !memcmp(p, key, key_len)) {
			*ret = (struct cursor){ p + key_len, eol };
			return true;
		}
		p = eol + 1;
	}
	return false;
}

int proc_status_decode(const char *text, size_t len, struct proc_status *ret)
{
	struct cursor c;
	uint64_t uid, euid, gid, egid;

	if (!find_line(text, len, "Uid:", &c) || !take_number(&c, &uid) || !take_number(&c, &euid))
		return -EBADMSG;
	if (!find_line(text, len, "Gid:", &c) || !take_number(&c, &gid) || !take_number(&c, &egid))
		return -EBADMSG;
	*ret = (struct proc_status){ (uint32_t)uid, (uint32_t)euid, (uint32_t)gid, (uint32_t)egid };
	return 0;
}

/* Lines are "ID:CONTROLLERS:PATH"; the path may hold colons. */
int proc_cgroup_decode(const char *text, size_t len, const char **ret, size_t *ret_len)
{
	struct cursor unified, named;
	bool have_unified = find_line(text, len, "0::", &unified);
	const char *p = text, *end = text + len;

	if (have_unified && unified.end - unified.p > 1)
		goto found;
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *colon;

		if (!eol)
			eol = end;
		colon = memchr(p, ':', (size_t)(eol - p));
		if (colon && find_line(colon, (size_t)(eol - colon), ":name=systemd:", &named)) {
			unified = named;
			goto found;
		}
		p = eol + 1;
	}
	if (!have_unified)
		return -EBADMSG;
found:
	*ret = unified.p;
	*ret_len = (size_t)(unified.end - unified.p);
	return 0;
}

int proc_u32_decode(const char *text, size_t len, uint32_t *ret)
{
	struct cursor c = { text, text + len };
	uint64_t v;

	if (!take_number(&c, &v))
		return -EBADMSG;
	*ret = (uint32_t)v;
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
		break;
	case PROC_TASKS:
		f->has_tasks = proc_tasks_decode(p, len, &f->tasks) == 0;
		break;
	case PROC_FD_COUNT:
		f->has_fd_count = proc_u32_decode(p, len, &f->fd_count) == 0;
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

size_t proc_tasks_put(const struct proc_tasks *tasks, char *text)
{
	(void)tasks;
	(void)text;
	return 0;
}

int proc_tasks_decode(const char *text, size_t len, struct proc_tasks *ret)
{
	(void)text;
	(void)len;
	(void)ret;
	return -EBADMSG;
}

int proc_fd_next(const char **text, size_t *len, struct proc_fd *ret)
{
	(void)text;
	(void)len;
	(void)ret;
	return 0;
}
