/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "macro.h"
#include "parse.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit durations[] = {
	{ "", NSEC_PER_SEC },
	{ "us", NSEC_PER_USEC },
	{ "ms", NSEC_PER_MSEC },
	{ "s", NSEC_PER_SEC },
	{ "m", 60 * NSEC_PER_SEC },
	{ "h", 3600 * NSEC_PER_SEC },
	{ "d", 86400 * NSEC_PER_SEC },
};

static const struct unit sizes[] = {
	{ "", 1 },
	{ "K", UINT64_C(1) << 10 }, { "KB", UINT64_C(1) << 10 }, { "KiB", UINT64_C(1) << 10 },
	{ "M", UINT64_C(1) << 20 }, { "MB", UINT64_C(1) << 20 }, { "MiB", UINT64_C(1) << 20 },
	{ "G", UINT64_C(1) << 30 }, { "GB", UINT64_C(1) << 30 }, { "GiB", UINT64_C(1) << 30 },
	{ "T", UINT64_C(1) << 40 }, { "TB", UINT64_C(1) << 40 }, { "TiB", UINT64_C(1) << 40 },
};

static const struct unit *find_unit(const struct unit *units, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(units[i].name, name))
			return &units[i];
	return NULL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * The digits at *s, which moves behind them. Overflow is kept for the end: "99999999999999999999x"
 * is no number at all, and that is what the user should hear.
 */
static int read_digits(const char **s, uint64_t *ret, bool *ret_overflow)
{
	bool overflow = false;
	uint64_t v = 0;

	if (!is_digit(**s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++) {
		overflow |= __builtin_mul_overflow(v, UINT64_C(10), &v);
		overflow |= __builtin_add_overflow(v, (uint64_t)(**s - '0'), &v);
	}
	*ret = v;
	*ret_overflow = overflow;
	return 0;
}

/* ".25" at *s as 250000000 parts of 10^9; 0 when there is no point. */
static int read_fraction(const char **s, uint64_t *ret)
{
	unsigned int digits = 0;
	uint64_t v = 0;

	if (**s != '.') {
		*ret = 0;
		return 0;
	}
	for ((*s)++; is_digit(**s); (*s)++) {
		if (++digits > 9)
			return -EINVAL;
		v = v * 10 + (uint64_t)(**s - '0');
	}
	if (!digits)
		return -EINVAL;
	for (; digits < 9; digits++)
		v *= 10;
	*ret = v;
	return 0;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	bool overflow;
	uint64_t v;
	int r;

	r = read_digits(&s, &v, &overflow);
	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	if (overflow || v < min || v > max)
		return -ERANGE;
	*ret = v;
	return 0;
}

int parse_duration(const char *s, uint64_t *ret_ns)
{
	const struct unit *unit;
	uint64_t v, fraction;
	bool overflow;
	int r;

	r = read_digits(&s, &v, &overflow);
	if (r < 0)
		return r;
	r = read_fraction(&s, &fraction);
	if (r < 0)
		return r;
	unit = find_unit(durations, ARRAY_SIZE(durations), s);
	if (!unit)
		return -EINVAL;

	/* Units are multiples or divisors of a second, so both ways are exact and fit 64 bits. */
	if (unit->factor >= NSEC_PER_SEC) {
		fraction *= unit->factor / NSEC_PER_SEC;
	} else {
		if (fraction % (NSEC_PER_SEC / unit->factor))
			return -ERANGE;
		fraction /= NSEC_PER_SEC / unit->factor;
	}
	if (overflow || __builtin_mul_overflow(v, unit->factor, &v) ||
	    __builtin_add_overflow(v, fraction, &v))
		return -ERANGE;
	*ret_ns = v;
	return 0;
}

int parse_size(const char *s, uint64_t *ret)
{
	const struct unit *unit;
	bool overflow;
	uint64_t v;
	int r;

	r = read_digits(&s, &v, &overflow);
	if (r < 0)
		return r;
	unit = find_unit(sizes, ARRAY_SIZE(sizes), s);
	if (!unit)
		return -EINVAL;
	if (overflow || __builtin_mul_overflow(v, unit->factor, &v))
		return -ERANGE;
	*ret = v;
	return 0;
}
