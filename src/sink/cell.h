/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_CELL_H
#define SINK_CELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/strbuf.h"

#define CELL_MAX 128

/* One value on its way into a column of fixed width. Start with len and hidden 0: blank. */
struct cell {
	char s[CELL_MAX];
	size_t len;
	size_t hidden;	/* bytes of s that take no column of their own: len - hidden columns wide */
};

size_t cell_digits(uint64_t v);	/* how many v has: at least 1 */
void cell_put(struct cell *c, const char *s, size_t len);
void cell_puts(struct cell *c, const char *s);
void cell_unknown(struct cell *c);	/* "-" */
/* 1280, 1.28M: in a unit of 1000 when it does not fit; width >= 5. */
void cell_count(struct cell *c, uint64_t v, size_t width);
/* 1023, 1.0K, 34.1K, 308M~: in powers of 1024, cut off; width >= 5. */
void cell_size(struct cell *c, uint64_t bytes, bool estimate, size_t width);
/* 0.007s, 12.345m~: s m h d y; an estimate has at most two decimals. width >= 6. */
void cell_duration(struct cell *c, uint64_t ns, bool estimate, size_t width);
/* As cell_duration(), in us and ms below a second: 350us, 7.25ms, 1.25s. */
void cell_span(struct cell *c, uint64_t ns, bool estimate, size_t width);
/* Text that is escaped already; what is too wide keeps its end, after "..". */
void cell_text(struct cell *c, const char *s, size_t len, size_t width);
/* Appends the cell, blanks before (right) or after it. */
char *cell_write(const struct cell *c, size_t width, bool right, char *to);
void cell_append(const struct cell *c, size_t width, bool right, struct strbuf *b);

#endif
