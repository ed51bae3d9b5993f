/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "util/escape.h"

/* The tests' own reading of UTF-8, from the values' side: 0 when invalid. */
static size_t decode(const unsigned char *s, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc0 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	uint32_t code = n == 1 ? s[0] : s[0] & (0x7fu >> n);

	if (!n || n > len || s[0] >= 0xf8)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret = code;
	return n;
}

/* The longest beginning of a valid sequence, or one byte: D93b of The Unicode Standard. */
static size_t subpart(const unsigned char *s, size_t len)
{
	uint32_t code;

	for (size_t n = len < 3 ? len : 3; n > 1; n--) {
		unsigned char whole[4] = { 0x80, 0x80, 0x80, 0x80 };

		memcpy(whole, s, n);
		if (decode(whole, sizeof(whole), &code) > n)
			return n;
	}
	return 1;
}

static bool unsafe(uint32_t code)
{
	static const uint32_t ranges[][2] = {
		{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0x61c, 0x61c }, { 0x200e, 0x200f },
		{ 0x2028, 0x202e }, { 0x2066, 0x2069 },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i][0] && code <= ranges[i][1])
			return true;
	return false;
}

static void check_safe(const struct strbuf *b)
{
	uint32_t code;

	FUZZ_CHECK(!b->failed);
	for (size_t i = 0, n; i < b->len; i += n) {
		n = decode((const unsigned char *)b->data + i, b->len - i, &code);
		FUZZ_CHECK(n);
		FUZZ_CHECK(!unsafe(code));
	}
}

static unsigned int hex4(const char *s)
{
	char digits[5] = { s[0], s[1], s[2], s[3] };
	char *end;
	unsigned long v = strtoul(digits, &end, 16);

	FUZZ_CHECK(end == digits + 4);
	return (unsigned int)v;
}

/* One character of a JSON string as RFC 8259 reads it; bytes of it. */
static size_t read_json(const char *s, size_t len, uint32_t *ret)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p;

	FUZZ_CHECK(s[0] != '"' && (unsigned char)s[0] >= 0x20);
	if (s[0] != '\\')
		return decode((const unsigned char *)s, len, ret);
	FUZZ_CHECK(len >= 2);
	if (s[1] == 'u') {
		FUZZ_CHECK(len >= 6);
		*ret = hex4(s + 2);
		return 6;
	}
	p = memchr(from, s[1], sizeof(from) - 1);
	FUZZ_CHECK(p);
	*ret = (unsigned char)to[p - from];
	return 2;
}

/* What a reader of the JSON gets is the input, invalid pieces replaced. */
static void check_json(const struct strbuf *b, const uint8_t *data, size_t size)
{
	size_t i = 0, k = 0;
	bool valid = true;

	while (i < b->len) {
		uint32_t got, want;
		size_t n;

		i += read_json(b->data + i, b->len - i, &got);
		FUZZ_CHECK(k < size);
		n = decode(data + k, size - k, &want);
		if (n) {
			FUZZ_CHECK(got == want);
			k += n;
			continue;
		}
		FUZZ_CHECK(got == 0xfffd);
		valid = false;
		k += subpart(data + k, size - k);
	}
	FUZZ_CHECK(k == size);
	FUZZ_CHECK(utf8_valid((const char *)data, size) == valid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *s = (const char *)data;
	struct strbuf b = { 0 };

	escape_text(&b, s, size);
	check_safe(&b);
	strbuf_reset(&b);
	escape_shell_word(&b, s, size);
	check_safe(&b);
	strbuf_reset(&b);
	escape_args(&b, s, size);
	check_safe(&b);
	strbuf_reset(&b);
	escape_json(&b, s, size);
	check_safe(&b);
	check_json(&b, data, size);
	strbuf_finish(&b);
	return 0;
}
