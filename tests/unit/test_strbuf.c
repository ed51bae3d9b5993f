/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "test.h"
#include "util/base64.h"
#include "util/strbuf.h"

TEST(zeroed)
{
	struct strbuf b = { 0 };

	strbuf_finish(&b);
	strbuf_finish(NULL);
	strbuf_reset(&b);
	strbuf_append(&b, NULL, 0);
	strbuf_pad(&b, ' ', 0);
	strbuf_puts(&b, "");
	CHECK(!b.data && !b.len && !b.failed);
	CHECK(strbuf_reserve(&b, 0));
	strbuf_finish(&b);
	CHECK(!b.data && !b.size);
}

TEST(append)
{
	struct strbuf b = { 0 };

	strbuf_append(&b, "a\0b", 3);
	strbuf_puts(&b, "cd");
	strbuf_putc(&b, 'e');
	strbuf_pad(&b, '.', 3);
	CHECK_STR(b.data, b.len, "a\0bcde...");
	memcpy(strbuf_reserve(&b, 2), "xy", 2);
	strbuf_commit(&b, 2);
	CHECK_STR(b.data, b.len, "a\0bcde...xy");
	strbuf_reset(&b);
	CHECK(!b.len && b.size && b.data);
	strbuf_finish(&b);
}

TEST(grow)
{
	struct strbuf b = { 0 };

	for (int i = 0; i < 100000; i++)
		strbuf_putc(&b, (char)('a' + i % 26));
	CHECK_EQ(b.len, 100000);
	for (int i = 0; i < 100000; i++)
		CHECK_EQ(b.data[i], 'a' + i % 26);
	strbuf_pad(&b, '-', 1000000);
	CHECK_EQ(b.len, 1100000);
	CHECK(!b.failed);
	strbuf_finish(&b);
}

TEST(limit)
{
	struct strbuf b = { .limit = 10 };

	strbuf_puts(&b, "12345678");
	strbuf_puts(&b, "abc");
	CHECK(b.failed);
	/* No hole: what would still fit comes too late. */
	strbuf_putc(&b, 'x');
	strbuf_printf(&b, "y");
	CHECK_STR(b.data, b.len, "12345678");
	strbuf_reset(&b);
	CHECK(!b.failed);
	strbuf_puts(&b, "1234567890");
	CHECK(!b.failed);
	strbuf_putc(&b, 'x');
	CHECK(b.failed);
	CHECK_EQ(b.len, 10);
	strbuf_finish(&b);
}

TEST(absurd_sizes)
{
	struct strbuf b = { 0 };

	strbuf_puts(&b, "kept");
	CHECK(!strbuf_reserve(&b, SIZE_MAX));
	CHECK(b.failed);
	strbuf_reset(&b);
	strbuf_puts(&b, "kept");
	CHECK(!strbuf_reserve(&b, SIZE_MAX - 4));
	CHECK_STR(b.data, b.len, "kept");
	strbuf_finish(&b);
}

static void check_u64(uint64_t v)
{
	struct strbuf b = { 0 };
	char want[32];

	snprintf(want, sizeof(want), "%" PRIu64, v);
	strbuf_put_u64(&b, v);
	test_bytes(__FILE__, __LINE__, b.data, b.len, want, strlen(want));
	strbuf_reset(&b);
	snprintf(want, sizeof(want), "%" PRId64, (int64_t)v);
	strbuf_put_i64(&b, (int64_t)v);
	test_bytes(__FILE__, __LINE__, b.data, b.len, want, strlen(want));
	strbuf_finish(&b);
}

TEST(numbers)
{
	uint64_t power = 1, random = 1;

	for (uint64_t v = 0; v < 1100; v++)
		check_u64(v);
	for (int i = 0; i < 20; i++, power *= 10)
		for (uint64_t d = 0; d < 3; d++)
			check_u64(power + d - 1);
	for (unsigned int bit = 0; bit < 64; bit++)
		for (uint64_t d = 0; d < 3; d++)
			check_u64((UINT64_C(1) << bit) + d - 1);
	for (unsigned int i = 0; i < 10000; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		check_u64(random >> (i % 64));
	}
	check_u64(UINT64_MAX);
	check_u64((uint64_t)INT64_MIN);
}

TEST(formatted)
{
	struct strbuf b = { 0 };

	strbuf_printf(&b, "%s-%d", "x", 7);
	CHECK_STR(b.data, b.len, "x-7");
	strbuf_printf(&b, "%1000d|", 1);
	CHECK_EQ(b.len, 1004);
	CHECK_STR(b.data + 1000, 4, "  1|");
	strbuf_finish(&b);
}

TEST(formatted_limit)
{
	struct strbuf b = { .limit = 5 };

	strbuf_printf(&b, "%05d", 42);
	CHECK_STR(b.data, b.len, "00042");
	strbuf_reset(&b);
	strbuf_printf(&b, "%06d", 42);
	CHECK(b.failed);
	CHECK_EQ(b.len, 0);
	strbuf_finish(&b);
}

TEST(base64)
{
	unsigned char all[256];
	struct strbuf b = { 0 };

	base64_append(&b, NULL, 0);
	CHECK_EQ(b.len, 0);
	base64_append(&b, "f", 1);
	CHECK_STR(b.data, b.len, "Zg==");
	strbuf_reset(&b);
	base64_append(&b, "fo", 2);
	CHECK_STR(b.data, b.len, "Zm8=");
	strbuf_reset(&b);
	base64_append(&b, "foo", 3);
	CHECK_STR(b.data, b.len, "Zm9v");
	strbuf_reset(&b);
	base64_append(&b, "fooba", 5);
	CHECK_STR(b.data, b.len, "Zm9vYmE=");
	strbuf_reset(&b);
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	base64_append(&b, all + 248, 8);
	CHECK_STR(b.data, b.len, "+Pn6+/z9/v8=");
	strbuf_reset(&b);
	base64_append(&b, all, sizeof(all));
	CHECK_EQ(b.len, 344);
	strbuf_finish(&b);
}

TEST_MAIN()
