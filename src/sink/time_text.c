/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <time.h>

#include "sink/time_text.h"
#include "util/macro.h"

/* v with exactly n digits, leading zeros included. */
static char *put_digits(char *to, uint64_t v, unsigned int n)
{
	for (unsigned int i = n; i-- > 0; v /= 10)
		to[i] = (char)('0' + v % 10);
	return to + n;
}

static char *put_number(char *to, uint64_t v)
{
	unsigned int n = 1;

	for (uint64_t rest = v; rest >= 10; rest /= 10)
		n++;
	return put_digits(to, v, n);
}

size_t time_text_width(enum time_style style)
{
	static const unsigned char widths[TIME_STYLE_COUNT] = {
		[TIME_ISO] = 23, [TIME_CLOCK] = 12, [TIME_EPOCH] = 14, [TIME_BOOT] = 14,
		[TIME_RFC3339] = 30,
	};

	return widths[style];
}

/* What all times of a minute begin with. Once per minute, so that a change to summer time shows. */
static void set_minute(struct time_text *t, int64_t minute)
{
	time_t seconds = (time_t)(minute * 60);
	char *p = t->prefix;
	struct tm tm = { 0 };

	if (t->utc || t->style == TIME_RFC3339)
		gmtime_r(&seconds, &tm);
	else
		localtime_r(&seconds, &tm);
	if (t->style != TIME_CLOCK) {
		p = put_digits(p, (uint64_t)(tm.tm_year + 1900), 4);
		*p++ = '-';
		p = put_digits(p, (uint64_t)tm.tm_mon + 1, 2);
		*p++ = '-';
		p = put_digits(p, (uint64_t)tm.tm_mday, 2);
		*p++ = t->style == TIME_RFC3339 ? 'T' : ' ';
	}
	p = put_digits(p, (uint64_t)tm.tm_hour, 2);
	*p++ = ':';
	p = put_digits(p, (uint64_t)tm.tm_min, 2);
	*p++ = ':';
	t->prefix_len = (size_t)(p - t->prefix);
	t->minute = minute;
	t->valid = true;
}

size_t time_text_put(struct time_text *t, uint64_t monotonic_ns, int64_t realtime_offset_ns,
		     char *to)
{
	uint64_t ns, rest;
	int64_t minute;
	char *p = to;

	if (t->style == TIME_BOOT) {
		uint64_t fraction = monotonic_ns / NSEC_PER_USEC % 1000000;
		unsigned int digits = 6;

		p = put_number(p, monotonic_ns / NSEC_PER_SEC);
		*p++ = '.';
		/* After 115 days fewer digits, so that the width stays. */
		for (size_t n = (size_t)(p - to); n > 8 && digits > 1; n--, digits--)
			fraction /= 10;
		return (size_t)(put_digits(p, fraction, digits) - to);
	}
	ns = monotonic_ns + (uint64_t)realtime_offset_ns;
	if (t->style == TIME_EPOCH) {
		p = put_number(p, ns / NSEC_PER_SEC);
		*p++ = '.';
		return (size_t)(put_digits(p, ns / NSEC_PER_MSEC % 1000, 3) - to);
	}
	minute = (int64_t)(ns / (60 * NSEC_PER_SEC));
	if (!t->valid || t->minute != minute)
		set_minute(t, minute);
	memcpy(p, t->prefix, t->prefix_len);
	p += t->prefix_len;
	rest = ns % (60 * NSEC_PER_SEC);
	p = put_digits(p, rest / NSEC_PER_SEC, 2);
	*p++ = '.';
	if (t->style != TIME_RFC3339)
		return (size_t)(put_digits(p, rest / NSEC_PER_MSEC % 1000, 3) - to);
	p = put_digits(p, rest % NSEC_PER_SEC, 9);
	*p++ = 'Z';
	return (size_t)(p - to);
}
