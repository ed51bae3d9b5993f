/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the kernel's texts, which are not NUL-terminated, from left to right. */
#ifndef WIRE_CURSOR_H
#define WIRE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const char *p, *end;
};

static inline struct cursor cursor_of(const char *text, size_t len)
{
	return (struct cursor){ text, text + len };
}

/* False: nothing is left. */
static inline bool cursor_skip_blank(struct cursor *c)
{
	while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
		c->p++;
	return c->p < c->end;
}

/* A decimal number, with sign; wraps as the kernel's own types do. */
static inline bool cursor_number(struct cursor *c, uint64_t *ret)
{
	uint64_t v = 0;
	bool negative = false;
	const char *start;

	if (!cursor_skip_blank(c))
		return false;
	if (*c->p == '-') {
		negative = true;
		c->p++;
	}
	for (start = c->p; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
		v = v * 10 + (uint64_t)(*c->p - '0');
	if (c->p == start)
		return false;
	*ret = negative ? 0 - v : v;
	return true;
}

/* n of them; what was read before one was missing is in ret. */
static inline bool cursor_numbers(struct cursor *c, uint64_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!cursor_number(c, &ret[i]))
			return false;
	return true;
}

/* The same without its value: most of a stat line is not kept, and this is read at every exec. */
static inline bool cursor_skip_number(struct cursor *c)
{
	const char *start;

	if (!cursor_skip_blank(c))
		return false;
	for (start = c->p; c->p < c->end && *c->p != ' ' && *c->p != '\n'; c->p++)
		;
	return c->p > start;
}

/* Takes word off, when that is what comes next. */
static inline bool cursor_word(struct cursor *c, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(c->end - c->p) < len || memcmp(c->p, word, len))
		return false;
	c->p += len;
	return true;
}

/* Goes behind the last such byte; false: there is none. */
static inline bool cursor_after_last(struct cursor *c, char wanted)
{
	const char *p = c->end;

	while (p > c->p)
		if (*--p == wanted) {
			c->p = p + 1;
			return true;
		}
	return false;
}

/* Takes the next line off, without its newline; false at the end. */
static inline bool cursor_line(struct cursor *c, struct cursor *ret)
{
	const char *eol;

	if (c->p >= c->end)
		return false;
	eol = memchr(c->p, '\n', (size_t)(c->end - c->p));
	*ret = (struct cursor){ c->p, eol ? eol : c->end };
	c->p = eol ? eol + 1 : c->end;
	return true;
}

/* What follows key on the first line that starts with it. */
static inline bool cursor_find_line(struct cursor c, const char *key, struct cursor *ret)
{
	struct cursor line;

	while (cursor_line(&c, &line)) {
		if (cursor_word(&line, key)) {
			*ret = line;
			return true;
		}
	}
	return false;
}

#endif
