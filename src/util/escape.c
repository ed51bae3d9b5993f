/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "escape.h"

enum {
	CONTROL = 1 << 0,	/* C0 but NUL, DEL */
	HIGH = 1 << 1,		/* not ASCII: look at the whole sequence */
	SHELL = 1 << 2,		/* a shell may act on it, the single quote included */
	QUOTE = 1 << 3,		/* ' */
	BACKSLASH = 1 << 4,
	JSON = 1 << 5,		/* " and backslash */
	NUL = 1 << 6,
	UNSAFE = CONTROL | NUL,
};

static const unsigned char classes[256] = {
	[0x00] = NUL,
	[0x01 ... 0x1f] = CONTROL,
	[0x7f] = CONTROL,
	[0x80 ... 0xff] = HIGH,
	[' '] = SHELL, ['!'] = SHELL, ['#'] = SHELL, ['$'] = SHELL, ['&'] = SHELL,
	['('] = SHELL, [')'] = SHELL, ['*'] = SHELL, [';'] = SHELL, ['<'] = SHELL,
	['>'] = SHELL, ['?'] = SHELL, ['['] = SHELL, [']'] = SHELL, ['^'] = SHELL,
	['`'] = SHELL, ['{'] = SHELL, ['|'] = SHELL, ['}'] = SHELL, ['~'] = SHELL,
	['"'] = SHELL | JSON,
	['\\'] = SHELL | JSON | BACKSLASH,
	['\''] = SHELL | QUOTE,
};

static const char hex[] = "0123456789abcdef";

struct utf8_char {
	uint32_t code;	/* when valid */
	size_t len;	/* of the sequence; invalid: of the maximal subpart, at least 1 */
	bool valid;
};

/* The Unicode Standard, table 3-7: only the second byte's range depends on the first byte. */
static struct utf8_char utf8_next(const unsigned char *s, size_t len)
{
	unsigned char lead = s[0], low = 0x80, high = 0xbf;
	struct utf8_char c = { .len = 1 };
	size_t need;

	if (lead < 0x80) {
		c.code = lead;
		c.valid = true;
		return c;
	}
	if (lead >= 0xc2 && lead <= 0xdf) {
		need = 2;
		c.code = lead & 0x1f;
	} else if (lead >= 0xe0 && lead <= 0xef) {
		need = 3;
		c.code = lead & 0x0f;
		if (lead == 0xe0)
			low = 0xa0;	/* else overlong */
		else if (lead == 0xed)
			high = 0x9f;	/* else a surrogate */
	} else if (lead >= 0xf0 && lead <= 0xf4) {
		need = 4;
		c.code = lead & 0x07;
		if (lead == 0xf0)
			low = 0x90;	/* else overlong */
		else if (lead == 0xf4)
			high = 0x8f;	/* else above U+10FFFF */
	} else {
		return c;
	}
	for (; c.len < need; c.len++) {
		if (c.len == len || s[c.len] < low || s[c.len] > high)
			return c;
		c.code = c.code << 6 | (s[c.len] & 0x3f);
		low = 0x80;
		high = 0xbf;
	}
	c.valid = true;
	return c;
}

size_t utf8_decode(const char *s, size_t len, uint32_t *ret)
{
	struct utf8_char c;

	if (!len)
		return 0;
	c = utf8_next((const unsigned char *)s, len);
	if (!c.valid)
		return 0;
	*ret = c.code;
	return c.len;
}

static inline unsigned int classes_of_8(const unsigned char *s)
{
	return classes[s[0]] | classes[s[1]] | classes[s[2]] | classes[s[3]] |
	       classes[s[4]] | classes[s[5]] | classes[s[6]] | classes[s[7]];
}

/* How many bytes at the start have none of the classes. */
static inline size_t span(const unsigned char *s, size_t len, unsigned int mask)
{
	size_t i = 0;

	while (len - i >= 8 && !(classes_of_8(s + i) & mask))
		i += 8;
	while (i < len && !(classes[s[i]] & mask))
		i++;
	return i;
}

bool utf8_valid(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0;

	while (i < len) {
		struct utf8_char c;

		i += span(p + i, len - i, HIGH);
		if (i == len)
			break;
		c = utf8_next(p + i, len - i);
		if (!c.valid)
			return false;
		i += c.len;
	}
	return true;
}

static bool is_unsafe(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c ||
	       code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

/* As span(), over ASCII without the classes and over every other character that is safe. */
static inline size_t span_safe(const unsigned char *s, size_t len, unsigned int mask)
{
	size_t i = 0;

	while (i < len) {
		struct utf8_char c;

		i += span(s + i, len - i, mask | HIGH);
		if (i == len || !(classes[s[i]] & HIGH))
			break;
		c = utf8_next(s + i, len - i);
		if (!c.valid || is_unsafe(c.code))
			break;
		i += c.len;
	}
	return i;
}

static void put_byte(struct strbuf *b, unsigned char byte)
{
	const char text[] = { '\\', 'x', hex[byte >> 4], hex[byte & 15] };

	strbuf_append(b, text, sizeof(text));
}

/* One character that span_safe() stopped at; returns its bytes. */
static size_t put_unsafe(struct strbuf *b, const unsigned char *s, size_t len)
{
	struct utf8_char c;
	int shift = 20;

	if (classes[*s] & (BACKSLASH | QUOTE)) {
		const char text[] = { '\\', (char)*s };

		strbuf_append(b, text, sizeof(text));
		return 1;
	}
	c = utf8_next(s, len);
	if (!c.valid || c.code < 0x80) {
		for (size_t i = 0; i < c.len; i++)
			put_byte(b, s[i]);
		return c.len;
	}
	strbuf_append(b, "\\u{", 3);
	while (!(c.code >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		strbuf_putc(b, hex[c.code >> shift & 15]);
	strbuf_putc(b, '}');
	return c.len;
}

/* Bytes of the classes and unsafe characters get a backslash, one way or the other. */
static void put_escaped(struct strbuf *b, const unsigned char *s, size_t len, unsigned int mask)
{
	size_t i = 0;

	while (i < len) {
		size_t n = span_safe(s + i, len - i, mask);

		strbuf_append(b, s + i, n);
		i += n;
		if (i < len)
			i += put_unsafe(b, s + i, len - i);
	}
}

void escape_text(struct strbuf *b, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	if (span_safe(p, len, UNSAFE | BACKSLASH) == len)
		strbuf_append(b, p, len);
	else
		put_escaped(b, p, len, UNSAFE | BACKSLASH);
}

/* A word that holds something a shell acts on, or nothing. */
static void put_quoted(struct strbuf *b, const unsigned char *s, size_t len)
{
	size_t i = 0;

	if (span_safe(s, len, UNSAFE) < len) {
		strbuf_append(b, "$'", 2);
		put_escaped(b, s, len, UNSAFE | BACKSLASH | QUOTE);
		strbuf_putc(b, '\'');
		return;
	}
	strbuf_putc(b, '\'');
	while (i < len) {
		size_t n = span(s + i, len - i, QUOTE);

		strbuf_append(b, s + i, n);
		i += n;
		if (i < len) {
			strbuf_append(b, "'\\''", 4);
			i++;
		}
	}
	strbuf_putc(b, '\'');
}

void escape_shell_word(struct strbuf *b, const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;

	if (len && span_safe(p, len, UNSAFE | SHELL) == len)
		strbuf_append(b, p, len);
	else
		put_quoted(b, p, len);
}

/* Nearly every command line: all of it bare. False, with nothing done, when it is not. */
static bool put_plain_args(struct strbuf *b, const unsigned char *s, size_t len)
{
	size_t out = s[len - 1] ? len : len - 1;
	const unsigned char *end;
	char *p;

	if (span(s, len, CONTROL | HIGH | SHELL) < len)
		return false;
	end = memchr(s, '\0', len);
	if (memchr(s, '=', end ? (size_t)(end - s) : len))
		return false;
	p = strbuf_reserve(b, out);
	if (!p)
		return true;
	memcpy(p, s, out);
	for (size_t i = 0; end; end = memchr(s + i, '\0', len - i)) {
		size_t at = (size_t)(end - s);

		if (at == i)
			return false;
		if (at < out)
			p[at] = ' ';
		i = at + 1;
		if (i == len)
			break;
	}
	strbuf_commit(b, out);
	return true;
}

void escape_args(struct strbuf *b, const char *args, size_t len)
{
	const unsigned char *s = (const unsigned char *)args;

	if (!len || put_plain_args(b, s, len))
		return;
	for (size_t i = 0; i < len;) {
		const unsigned char *word = s + i, *end = memchr(word, '\0', len - i);
		size_t n = end ? (size_t)(end - word) : len - i;

		if (i)
			strbuf_putc(b, ' ');
		if (!i && memchr(word, '=', n))
			put_quoted(b, word, n);
		else
			escape_shell_word(b, args + i, n);
		i += n + 1;
	}
}

void escape_json(struct strbuf *b, const char *s, size_t len)
{
	static const char letters[256] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't',
		['"'] = '"', ['\\'] = '\\',
	};
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0;

	while (i < len) {
		size_t n = span_safe(p + i, len - i, UNSAFE | JSON);
		struct utf8_char c;

		strbuf_append(b, p + i, n);
		i += n;
		if (i == len)
			return;
		c = utf8_next(p + i, len - i);
		i += c.len;
		if (!c.valid) {
			strbuf_append(b, "\xef\xbf\xbd", 3);
		} else if (c.code < 0x80 && letters[c.code]) {
			const char text[] = { '\\', letters[c.code] };

			strbuf_append(b, text, sizeof(text));
		} else {
			/* Nothing that is unsafe lies above U+FFFF. */
			const char text[] = { '\\', 'u', hex[c.code >> 12 & 15],
					      hex[c.code >> 8 & 15], hex[c.code >> 4 & 15],
					      hex[c.code & 15] };

			strbuf_append(b, text, sizeof(text));
		}
	}
}
