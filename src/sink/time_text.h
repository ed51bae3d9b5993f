/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_TIME_TEXT_H
#define SINK_TIME_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How a point of time is written. */
enum time_style {
	TIME_ISO,	/* 2026-11-20 20:14:01.123 */
	TIME_CLOCK,	/* 20:14:01.123 */
	TIME_EPOCH,	/* seconds since 1970: 1795205641.123 */
	TIME_BOOT,	/* seconds of CLOCK_MONOTONIC, as dmesg(1) has them: 12345.678901 */
	TIME_RFC3339,	/* 2026-11-20T20:14:01.123456789Z, always UTC */
	TIME_STYLE_COUNT
};

#define TIME_TEXT_MAX 40

/* Formats, keeping the minute it had last: zeroed with the style set it is ready for use. */
struct time_text {
	enum time_style style;
	bool utc;
	bool valid;
	int64_t minute;		/* since 1970, of prefix */
	char prefix[24];	/* "2026-11-20 20:14:" */
	size_t prefix_len;
};

size_t time_text_width(enum time_style style);
/* Writes at most TIME_TEXT_MAX bytes to `to`, returns how many. */
size_t time_text_put(struct time_text *t, uint64_t monotonic_ns, int64_t realtime_offset_ns,
		     char *to);

#endif
