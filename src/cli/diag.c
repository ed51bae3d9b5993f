/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/diag.h"
#include "util/escape.h"

void diag(const char *what, const char *fmt, ...)
{
	struct strbuf b = { .limit = 64 << 10 };
	char why[4096];
	size_t done = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	strbuf_puts(&b, "pevent: ");
	if (what) {
		escape_text(&b, what, strlen(what));
		strbuf_puts(&b, ": ");
	}
	escape_text(&b, why, strlen(why));
	strbuf_putc(&b, '\n');
	/* One write: lines of several threads and of the command do not mix. */
	while (done < b.len) {
		ssize_t r = write(STDERR_FILENO, b.data + done, b.len - done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0)
			break;
		done += (size_t)r;
	}
	strbuf_finish(&b);
}

void diag_errno(const char *what, int error)
{
	char text[128];

	diag(what, "%s", strerror_r(error < 0 ? -error : error, text, sizeof(text)));
}
