/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "sink/cell.h"

/* The cell's text, which lives until the next call. */
static const char *size_text(uint64_t bytes, bool estimate, size_t width)
{
	static struct cell c;

	memset(&c, 0, sizeof(c));
	cell_size(&c, bytes, estimate, width);
	CHECK(c.len <= width && c.len < sizeof(c.s));
	return c.s;
}

static const char *span_text(uint64_t ns, bool estimate, size_t width)
{
	static struct cell c;

	memset(&c, 0, sizeof(c));
	cell_span(&c, ns, estimate, width);
	CHECK(c.len <= width && c.len < sizeof(c.s));
	return c.s;
}

#define CHECK_TEXT(have, want) \
	do { \
		const char *text = have; \
		CHECK_STR(text, strlen(text), want); \
	} while (0)

TEST(sizes)
{
	CHECK_TEXT(size_text(0, false, 6), "0");
	CHECK_TEXT(size_text(1, false, 6), "1");
	CHECK_TEXT(size_text(1023, false, 6), "1023");
	CHECK_TEXT(size_text(1024, false, 6), "1.0K");
	CHECK_TEXT(size_text(1024 + 102, false, 6), "1.0K");
	CHECK_TEXT(size_text(1024 + 103, false, 6), "1.1K");
	CHECK_TEXT(size_text(34918, false, 6), "34.0K");
	CHECK_TEXT(size_text(102399, false, 6), "99.9K");
	CHECK_TEXT(size_text(102400, false, 6), "100K");
	CHECK_TEXT(size_text((1 << 20) - 1, false, 6), "1023K");
	CHECK_TEXT(size_text(1 << 20, false, 6), "1.0M");
	CHECK_TEXT(size_text(UINT64_C(308) << 20, false, 6), "308M");
	CHECK_TEXT(size_text(UINT64_C(3) << 40, false, 6), "3.0T");
	CHECK_TEXT(size_text(UINT64_C(1) << 60, false, 6), "1.0E");
	CHECK_TEXT(size_text(UINT64_MAX, false, 6), "15.9E");
}

TEST(estimated_sizes)
{
	CHECK_TEXT(size_text(0, true, 6), "0~");
	CHECK_TEXT(size_text(1023, true, 6), "1023~");
	CHECK_TEXT(size_text(102399, true, 6), "99.9K~");
	CHECK_TEXT(size_text((1 << 20) - 1, true, 6), "1023K~");
	CHECK_TEXT(size_text(UINT64_MAX, true, 6), "15.9E~");
}

TEST(sizes_take_a_larger_unit_or_no_decimal_when_the_column_is_narrow)
{
	CHECK_TEXT(size_text(1023, true, 5), "1023~");
	CHECK_TEXT(size_text((1 << 20) - 1, false, 5), "1023K");
	CHECK_TEXT(size_text((1 << 20) - 1, true, 5), "0.9M~");
	CHECK_TEXT(size_text(102399, false, 5), "99.9K");
	CHECK_TEXT(size_text(102399, true, 5), "99K~");
	CHECK_TEXT(size_text(UINT64_MAX, true, 5), "15E~");
}

TEST(every_size_fits)
{
	for (size_t width = 5; width <= 8; width++) {
		for (unsigned int shift = 0; shift < 64; shift++) {
			uint64_t power = UINT64_C(1) << shift;

			for (int estimate = 0; estimate < 2; estimate++) {
				size_text(power - 1, estimate, width);
				size_text(power, estimate, width);
				size_text(power * 3 / 2, estimate, width);
				size_text(~power, estimate, width);
			}
		}
	}
}

TEST(spans)
{
	CHECK_TEXT(span_text(0, false, 8), "0us");
	CHECK_TEXT(span_text(999999, true, 8), "999us~");
	CHECK_TEXT(span_text(1000000, false, 8), "1.00ms");
	CHECK_TEXT(span_text(999999999, false, 8), "999.99ms");
	CHECK_TEXT(span_text(999999999, true, 8), "999.9ms~");
	CHECK_TEXT(span_text(UINT64_C(59999999999), true, 8), "59.99s~");
	CHECK_TEXT(span_text(UINT64_C(3599) * 1000000000, true, 8), "59.98m~");
	CHECK_TEXT(span_text(UINT64_MAX, true, 8), "584.54y~");
}

TEST(every_span_fits)
{
	for (unsigned int shift = 0; shift < 64; shift++) {
		uint64_t power = UINT64_C(1) << shift;

		for (int estimate = 0; estimate < 2; estimate++) {
			span_text(power - 1, estimate, 8);
			span_text(power, estimate, 8);
			span_text(power * 3 / 2, estimate, 8);
			span_text(~power, estimate, 8);
		}
	}
	span_text(UINT64_C(365) * 86400 * 1000000000, true, 8);
}

TEST(digits)
{
	uint64_t power = 1;

	CHECK_EQ(cell_digits(0), 1);
	CHECK_EQ(cell_digits(UINT64_MAX), 20);
	for (size_t n = 1; n < 20; n++) {
		power *= 10;
		CHECK_EQ(cell_digits(power - 1), n);
		CHECK_EQ(cell_digits(power), n + 1);
	}
}

TEST_MAIN()
