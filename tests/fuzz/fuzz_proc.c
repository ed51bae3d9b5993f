/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "wire/proc.h"

static void check_inside(const uint8_t *data, size_t size, const char *p, size_t len)
{
	const char *begin = (const char *)data;

	if (p)
		FUZZ_CHECK(p >= begin && p <= begin + size && len <= (size_t)(begin + size - p));
}

static void check_stat(const struct proc_stat *st)
{
	FUZZ_CHECK(memchr(st->comm, '\0', sizeof(st->comm)));
	FUZZ_CHECK(!st->args_total || st->args_start + st->args_total > st->args_start);
}

static void check_score(const struct proc_facts *f)
{
	FUZZ_CHECK(!f->has_oom_score || (f->oom_score >= 0 && f->oom_score <= 2000));
}

/* What was decoded is written, and decoded again, as the same. */
static void check_tasks(const struct proc_tasks *tasks)
{
	char text[PROC_TASKS_TEXT_MAX], again[PROC_TASKS_TEXT_MAX];
	size_t len = proc_tasks_put(tasks, text);
	struct proc_tasks back;

	FUZZ_CHECK(len <= sizeof(text));
	FUZZ_CHECK(proc_tasks_decode(text, len, &back) == 0);
	FUZZ_CHECK(proc_tasks_put(&back, again) == len && !memcmp(text, again, len));
}

static void check_fds(const char *text, size_t size)
{
	const char *end = text + size;
	struct proc_fd fd;

	while (proc_fd_next(&text, &size, &fd)) {
		FUZZ_CHECK(fd.fd >= 0 && fd.type && strchr(PROC_FD_TYPES, fd.type));
		FUZZ_CHECK(fd.target < text && fd.target + strlen(fd.target) + 1 == text);
		FUZZ_CHECK(text + size == end);
	}
}

/* One text in each of the four places, with the others as they may be. */
static void check_threads(const char *text, int32_t len)
{
	static const char stat[] = "1 (x) S 1 1 1 0 0 0 1 2 3 4 5 6";
	const int32_t stat_len = sizeof(stat) - 1;
	struct proc_tasks t = { 0 };

	proc_tasks_add(&t, text, len, text, len, text, len, text, len);
	FUZZ_CHECK(t.threads <= 1);
	FUZZ_CHECK(t.threads || (!t.has_schedstat && !t.has_io && !t.has_switches));
	check_tasks(&t);
	t = (struct proc_tasks){ 0 };
	proc_tasks_add(&t, stat, stat_len, text, len, text, len, text, len);
	proc_tasks_add(&t, stat, stat_len, text, -1, text, len, text, len);
	FUZZ_CHECK(t.threads == 2 && !t.has_schedstat && t.user_ticks == 10);
	check_tasks(&t);
}

static void check_texts(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *path = NULL;
	struct proc_status status;
	struct proc_tasks tasks;
	struct proc_stat st;
	uint32_t number;
	size_t len = 0;
	int error;

	error = proc_stat_decode(text, size, &st);
	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	if (error == 0)
		check_stat(&st);
	error = proc_status_decode(text, size, &status);
	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	error = proc_cgroup_decode(text, size, &path, &len);
	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	FUZZ_CHECK((error == 0) == (path != NULL));
	check_inside(data, size, path, len);
	if (path)
		FUZZ_CHECK(!memchr(path, '\n', len));
	error = proc_u32_decode(text, size, &number);
	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	error = proc_tasks_decode(text, size, &tasks);
	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	if (error == 0)
		check_tasks(&tasks);
	check_threads(text, (int32_t)size);
	check_fds(text, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proc_facts f;

	check_texts(data, size);
	if (proc_read_decode(data, size, &f) < 0)
		return 0;
	FUZZ_CHECK(size >= sizeof(struct proc_read));
	check_inside(data, size, f.args, f.args_len);
	check_inside(data, size, f.exe, f.exe_len);
	check_inside(data, size, f.cgroup, f.cgroup_len);
	check_inside(data, size, f.cwd, f.cwd_len);
	FUZZ_CHECK(f.args || f.args_len == 0);
	FUZZ_CHECK(f.cgroup || f.cgroup_len == 0);
	FUZZ_CHECK(f.args_total >= f.args_len);
	FUZZ_CHECK(f.cmdline_error <= 0);
	if (f.has_stat)
		check_stat(&f.stat);
	if (f.has_tasks)
		check_tasks(&f.tasks);
	check_inside(data, size, f.fds, f.fds_len);
	if (f.fds)
		check_fds(f.fds, f.fds_len);
	check_score(&f);
	return 0;
}
