/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "cursor.h"
#include "proc.h"

int proc_fd_next(const char **text, size_t *len, struct proc_fd *ret)
{
	struct cursor c = cursor_of(*text, *len);
	struct proc_fd entry = { 0 };
	const char *end = memchr(c.p, '\0', *len);
	uint64_t fd;

	if (!end)
		return 0;
	c.end = end;
	if (c.end - c.p < 2 || !memchr(PROC_FD_TYPES, *c.p, sizeof(PROC_FD_TYPES) - 1))
		return 0;
	entry.type = *c.p++;
	if (!cursor_word(&c, " ") || !cursor_number(&c, &fd) || fd > INT32_MAX ||
	    !cursor_word(&c, " "))
		return 0;
	entry.fd = (int32_t)fd;
	entry.target = c.p;
	*len -= (size_t)(end + 1 - *text);
	*text = end + 1;
	*ret = entry;
	return 1;
}
