/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_STRBUF_H
#define UTIL_STRBUF_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#include "macro.h"

/*
 * Growing buffer of bytes. Appending never fails at the call: when memory or the limit runs out
 * `failed` is set, the buffer keeps what it has, and the user looks once, at the end.
 */
struct strbuf {
	char *data;	/* not NUL-terminated; NULL while nothing was added */
	size_t len, size;
	size_t limit;	/* 0: none */
	bool failed;
};

void strbuf_finish(struct strbuf *b);	/* accepts zeroed; zeroes */
void strbuf_reset(struct strbuf *b);	/* empties, keeps the memory, clears failed */
/* Room for n more bytes at the returned place, NULL when there is none; then strbuf_commit. */
char *strbuf_reserve(struct strbuf *b, size_t n);
void strbuf_append(struct strbuf *b, const void *data, size_t len);
void strbuf_puts(struct strbuf *b, const char *s);
void strbuf_putc(struct strbuf *b, char c);
void strbuf_pad(struct strbuf *b, char c, size_t n);
void strbuf_put_u64(struct strbuf *b, uint64_t v);
void strbuf_put_i64(struct strbuf *b, int64_t v);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) _printf_(2, 3);

static inline void strbuf_commit(struct strbuf *b, size_t n)
{
	b->len += n;
}

#endif
