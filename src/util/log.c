/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

int log_at(const struct log *l, enum log_level level, int error, const char *fmt, ...)
{
	char message[1024];
	va_list ap;

	if (!l->fn)
		return error;
	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	l->fn(l->data, level, message);
	return error;
}
