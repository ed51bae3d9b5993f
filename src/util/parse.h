/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_PARSE_H
#define UTIL_PARSE_H

#include <stdint.h>

/*
 * Strict readers of what users type: the whole string or -EINVAL; -ERANGE outside the type or the
 * bounds. No sign, no blanks, no locale.
 */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);	/* decimal digits */
/* "60", "0.5", "90s", "250ms", "10us", "5m", "1h", "1d" -> nanoseconds; no suffix: seconds. */
int parse_duration(const char *s, uint64_t *ret_ns);
/* "512", "64K", "16M", "2G" (also KiB/KB spelling: "64KiB"), powers of 1024 -> bytes. */
int parse_size(const char *s, uint64_t *ret);

#endif
