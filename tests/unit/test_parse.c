/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "test.h"
#include "util/macro.h"
#include "util/parse.h"

#define UNTOUCHED UINT64_C(0x1122334455667788)

struct example {
	const char *text;
	int error;
	uint64_t value;
};

static void check_examples(const struct example *e, size_t n,
			   int (*parse)(const char *s, uint64_t *ret))
{
	for (size_t i = 0; i < n; i++) {
		uint64_t v = UNTOUCHED;
		int r = parse(e[i].text, &v);

		if (r != e[i].error || v != (r ? UNTOUCHED : e[i].value))
			printf("# \"%s\"\n", e[i].text);
		CHECK_EQ(r, e[i].error);
		CHECK_EQ(v, r ? UNTOUCHED : e[i].value);
	}
}

static int parse_any(const char *s, uint64_t *ret)
{
	return parse_u64(s, 0, UINT64_MAX, ret);
}

static int parse_bounded(const char *s, uint64_t *ret)
{
	return parse_u64(s, 5, 10, ret);
}

TEST(u64)
{
	static const struct example examples[] = {
		{ "0", 0, 0 }, { "7", 0, 7 }, { "00012", 0, 12 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "18446744073709551620", -ERANGE, 0 },
		{ "99999999999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999999999x", -EINVAL, 0 },
		{ "", -EINVAL, 0 }, { " 1", -EINVAL, 0 }, { "1 ", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 }, { "-1", -EINVAL, 0 }, { "0x10", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 }, { "1e3", -EINVAL, 0 }, { "1\n", -EINVAL, 0 },
		{ "\xd9\xa1", -EINVAL, 0 }, { "/", -EINVAL, 0 }, { ":", -EINVAL, 0 },
	};

	check_examples(examples, ARRAY_SIZE(examples), parse_any);
}

TEST(u64_bounds)
{
	static const struct example examples[] = {
		{ "4", -ERANGE, 0 }, { "5", 0, 5 }, { "10", 0, 10 }, { "11", -ERANGE, 0 },
		{ "x", -EINVAL, 0 },
	};

	check_examples(examples, ARRAY_SIZE(examples), parse_bounded);
}

TEST(duration)
{
	static const struct example examples[] = {
		{ "0", 0, 0 },
		{ "60", 0, 60 * NSEC_PER_SEC },
		{ "0.5", 0, NSEC_PER_SEC / 2 },
		{ "90s", 0, 90 * NSEC_PER_SEC },
		{ "250ms", 0, 250 * NSEC_PER_MSEC },
		{ "10us", 0, 10 * NSEC_PER_USEC },
		{ "5m", 0, 300 * NSEC_PER_SEC },
		{ "1h", 0, 3600 * NSEC_PER_SEC },
		{ "1d", 0, 86400 * NSEC_PER_SEC },
		{ "0.1", 0, 100000000 }, { "0.3", 0, 300000000 },
		{ "1.123456789", 0, 1123456789 },
		{ "1.1234567891", -EINVAL, 0 },
		{ "0.000000001", 0, 1 },
		{ "0.000000001d", 0, 86400 },
		{ "1.5us", 0, 1500 }, { "0.001us", 0, 1 }, { "0.0001us", -ERANGE, 0 },
		{ "0.000001ms", 0, 1 }, { "0.0000001ms", -ERANGE, 0 },
		{ "1.5h", 0, 5400 * NSEC_PER_SEC },
		{ "0.999999999m", 0, 59999999940 },
		{ "18446744073.709551615", 0, UINT64_MAX },
		{ "18446744073.709551616", -ERANGE, 0 },
		{ "18446744074", -ERANGE, 0 },
		{ "18446744073709551615us", -ERANGE, 0 },
		{ "18446744073709551615.5us", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "213503d", 0, UINT64_C(213503) * 86400 * NSEC_PER_SEC },
		{ "213504d", -ERANGE, 0 },
		{ "", -EINVAL, 0 }, { "s", -EINVAL, 0 }, { ".", -EINVAL, 0 },
		{ ".5", -EINVAL, 0 }, { "5.", -EINVAL, 0 }, { "5.s", -EINVAL, 0 },
		{ "1.2.3", -EINVAL, 0 }, { "1,5", -EINVAL, 0 }, { "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 }, { " 1", -EINVAL, 0 }, { "1 s", -EINVAL, 0 },
		{ "1s ", -EINVAL, 0 }, { "1S", -EINVAL, 0 }, { "1w", -EINVAL, 0 },
		{ "1ss", -EINVAL, 0 }, { "1m30s", -EINVAL, 0 }, { "inf", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 }, { "1e3", -EINVAL, 0 }, { "0x1", -EINVAL, 0 },
	};

	check_examples(examples, ARRAY_SIZE(examples), parse_duration);
}

TEST(size)
{
	static const struct example examples[] = {
		{ "0", 0, 0 }, { "512", 0, 512 },
		{ "64K", 0, 65536 }, { "64KB", 0, 65536 }, { "64KiB", 0, 65536 },
		{ "16M", 0, UINT64_C(16) << 20 }, { "16MiB", 0, UINT64_C(16) << 20 },
		{ "2G", 0, UINT64_C(2) << 30 }, { "2GB", 0, UINT64_C(2) << 30 },
		{ "3T", 0, UINT64_C(3) << 40 }, { "3TiB", 0, UINT64_C(3) << 40 },
		{ "16777215T", 0, UINT64_C(16777215) << 40 },
		{ "16777216T", -ERANGE, 0 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "18446744073709551615K", -ERANGE, 0 },
		{ "", -EINVAL, 0 }, { "K", -EINVAL, 0 }, { "1k", -EINVAL, 0 },
		{ "1Ki", -EINVAL, 0 }, { "1KIB", -EINVAL, 0 }, { "1 K", -EINVAL, 0 },
		{ "1.5K", -EINVAL, 0 }, { "-1K", -EINVAL, 0 }, { "1KK", -EINVAL, 0 },
		{ "1P", -EINVAL, 0 }, { "1B", -EINVAL, 0 }, { "1KiBx", -EINVAL, 0 },
	};

	check_examples(examples, ARRAY_SIZE(examples), parse_size);
}

TEST_MAIN()
