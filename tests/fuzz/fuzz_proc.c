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

static void check_texts(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *path = NULL;
	struct proc_status status;
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
	return 0;
}
