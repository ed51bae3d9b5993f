/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include "macro.h"

/* Values as in enum pevent_log_level. */
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_DEBUG };

/* Who is told; fn NULL: nobody. */
struct log {
	void (*fn)(void *data, int level, const char *message);
	void *data;
};

/* One line, "what: why", without newline; returns `error` so that callers can pass it on. */
int log_at(const struct log *l, enum log_level level, int error, const char *fmt, ...)
	_printf_(4, 5);

#define log_error(l, error, ...) log_at(l, LOG_LEVEL_ERROR, error, __VA_ARGS__)
#define log_warning(l, ...) ((void)log_at(l, LOG_LEVEL_WARNING, 0, __VA_ARGS__))
#define log_debug(l, ...) ((void)log_at(l, LOG_LEVEL_DEBUG, 0, __VA_ARGS__))

#endif
