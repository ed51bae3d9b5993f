/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "strbuf.h"

#define STRBUF_MIN_SIZE 256

void strbuf_finish(struct strbuf *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct strbuf){ 0 };
}

void strbuf_reset(struct strbuf *b)
{
	b->len = 0;
	b->failed = false;
}

/* One byte more than `size` is allocated, for the NUL that vsnprintf() insists on. */
static bool strbuf_grow(struct strbuf *b, size_t n)
{
	size_t max = b->limit ? MIN(b->limit, SIZE_MAX / 4) : SIZE_MAX / 4;
	size_t size;
	char *data;

	if (n > max || b->len > max - n)
		return false;
	size = MAX(MAX(b->size * 2, b->len + n), STRBUF_MIN_SIZE);
	size = MIN(size, max);
	data = realloc(b->data, size + 1);
	if (!data)
		return false;
	b->data = data;
	b->size = size;
	return true;
}

/* After a failure nothing is taken any more: what the buffer holds is a prefix, without holes. */
char *strbuf_reserve(struct strbuf *b, size_t n)
{
	if (b->failed)
		return NULL;
	if ((n > b->size - b->len || !b->data) && !strbuf_grow(b, n)) {
		b->failed = true;
		return NULL;
	}
	return b->data + b->len;
}

void strbuf_append(struct strbuf *b, const void *data, size_t len)
{
	char *p;

	if (!len)
		return;
	p = strbuf_reserve(b, len);
	if (!p)
		return;
	memcpy(p, data, len);
	b->len += len;
}

void strbuf_puts(struct strbuf *b, const char *s)
{
	strbuf_append(b, s, strlen(s));
}

void strbuf_putc(struct strbuf *b, char c)
{
	char *p = strbuf_reserve(b, 1);

	if (!p)
		return;
	*p = c;
	b->len++;
}

void strbuf_pad(struct strbuf *b, char c, size_t n)
{
	char *p;

	if (!n)
		return;
	p = strbuf_reserve(b, n);
	if (!p)
		return;
	memset(p, c, n);
	b->len += n;
}

static const char two_digits[] =
	"00010203040506070809" "10111213141516171819" "20212223242526272829"
	"30313233343536373839" "40414243444546474849" "50515253545556575859"
	"60616263646566676869" "70717273747576777879" "80818283848586878889"
	"90919293949596979899";

static unsigned int count_digits(uint64_t v)
{
	static const uint64_t power[] = {
		UINT64_C(0), UINT64_C(10), UINT64_C(100), UINT64_C(1000), UINT64_C(10000),
		UINT64_C(100000), UINT64_C(1000000), UINT64_C(10000000), UINT64_C(100000000),
		UINT64_C(1000000000), UINT64_C(10000000000), UINT64_C(100000000000),
		UINT64_C(1000000000000), UINT64_C(10000000000000), UINT64_C(100000000000000),
		UINT64_C(1000000000000000), UINT64_C(10000000000000000),
		UINT64_C(100000000000000000), UINT64_C(1000000000000000000),
		UINT64_C(10000000000000000000),
	};
	/* 1233 / 4096 is log10(2), near enough for 64 bits; it is low by one at most. */
	unsigned int n = (64 - (unsigned int)__builtin_clzll(v | 1)) * 1233 >> 12;

	return n + (v >= power[n]);
}

void strbuf_put_u64(struct strbuf *b, uint64_t v)
{
	unsigned int n = count_digits(v);
	char *p = strbuf_reserve(b, n);

	if (!p)
		return;
	b->len += n;
	p += n;
	while (v >= 100) {
		p -= 2;
		memcpy(p, &two_digits[2 * (v % 100)], 2);
		v /= 100;
	}
	if (v >= 10)
		memcpy(p - 2, &two_digits[2 * v], 2);
	else
		p[-1] = (char)('0' + v);
}

void strbuf_put_i64(struct strbuf *b, int64_t v)
{
	if (v >= 0) {
		strbuf_put_u64(b, (uint64_t)v);
		return;
	}
	strbuf_putc(b, '-');
	strbuf_put_u64(b, -(uint64_t)v);
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
	char *p = strbuf_reserve(b, 0);
	va_list ap;
	int n;

	if (!p)
		return;
	va_start(ap, fmt);
	n = vsnprintf(p, b->size - b->len + 1, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n > b->size - b->len) {
		p = strbuf_reserve(b, (size_t)n);
		if (!p)
			return;
		va_start(ap, fmt);
		n = vsnprintf(p, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	if (n < 0) {
		b->failed = true;
		return;
	}
	b->len += (size_t)n;
}
