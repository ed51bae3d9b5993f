/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sink/cell.h"
#include "util/escape.h"
#include "util/macro.h"

void cell_put(struct cell *c, const char *s, size_t len)
{
	len = MIN(len, sizeof(c->s) - c->len);
	memcpy(c->s + c->len, s, len);
	c->len += len;
}

void cell_puts(struct cell *c, const char *s)
{
	cell_put(c, s, strlen(s));
}

void cell_unknown(struct cell *c)
{
	cell_put(c, "-", 1);
}

static void put_number(struct cell *c, uint64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	cell_put(c, digits + n, sizeof(digits) - n);
}

size_t cell_digits(uint64_t v)
{
	size_t n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

/* v / unit, cut off, with as many of at most `decimals` decimals as fit, then the suffix.
 * unit is 1 or a multiple of 1000. */
static void put_scaled(struct cell *c, uint64_t v, uint64_t unit, unsigned int decimals,
		       const char *suffix, size_t width)
{
	uint64_t whole = v / unit;
	uint64_t thousandths = unit >= 1000 ? v % unit / (unit / 1000) : 0;
	size_t used = cell_digits(whole) + strlen(suffix);

	if (unit < 1000)
		decimals = 0;
	while (decimals && used + 1 + decimals > width)
		decimals--;
	put_number(c, whole);
	if (decimals) {
		char text[4] = { '.', (char)('0' + thousandths / 100),
				 (char)('0' + thousandths / 10 % 10),
				 (char)('0' + thousandths % 10) };

		cell_put(c, text, 1 + decimals);
	}
	cell_puts(c, suffix);
}

void cell_count(struct cell *c, uint64_t v, size_t width)
{
	static const char units[][2] = { "K", "M", "G", "T", "P", "E" };
	uint64_t unit = 1000;
	size_t i = 0;

	if (cell_digits(v) <= width) {
		put_number(c, v);
		return;
	}
	while (i + 1 < ARRAY_SIZE(units) && v / unit >= 1000) {
		unit *= 1000;
		i++;
	}
	put_scaled(c, v, unit, 2, units[i], width);
}

void cell_size(struct cell *c, uint64_t bytes, bool estimate, size_t width)
{
	static const char units[] = "KMGTPE";
	size_t room = width - estimate;
	unsigned int i = 0;
	uint64_t whole = bytes;

	while (whole >= 1024 || cell_digits(whole) + (i > 0) > room)
		whole = bytes >> 10 * ++i;
	put_number(c, whole);
	if (i && whole < 100 && cell_digits(whole) + 3 <= room) {
		uint64_t rest = bytes - (whole << 10 * i);
		char text[2] = { '.', (char)('0' + (rest * 10 >> 10 * i)) };

		cell_put(c, text, sizeof(text));
	}
	if (i)
		cell_put(c, &units[i - 1], 1);
	if (estimate)
		cell_put(c, "~", 1);
}

struct time_unit {
	uint64_t below;	/* used for what is shorter */
	uint64_t ns;
	const char *name, *estimate;
};

static const struct time_unit time_units[] = {
	{ NSEC_PER_MSEC, NSEC_PER_USEC, "us", "us~" },
	{ NSEC_PER_SEC, NSEC_PER_MSEC, "ms", "ms~" },
	{ 60 * NSEC_PER_SEC, NSEC_PER_SEC, "s", "s~" },
	{ 3600 * NSEC_PER_SEC, 60 * NSEC_PER_SEC, "m", "m~" },
	{ 86400 * NSEC_PER_SEC, 3600 * NSEC_PER_SEC, "h", "h~" },
	{ 31557600 * NSEC_PER_SEC, 86400 * NSEC_PER_SEC, "d", "d~" },
	{ UINT64_MAX, 31557600 * NSEC_PER_SEC, "y", "y~" },
};

static void put_time(struct cell *c, const struct time_unit *u, uint64_t ns, bool estimate,
		     unsigned int decimals, size_t width)
{
	while (ns >= u->below && u < &time_units[ARRAY_SIZE(time_units) - 1])
		u++;
	put_scaled(c, ns, u->ns, decimals, estimate ? u->estimate : u->name, width);
}

void cell_duration(struct cell *c, uint64_t ns, bool estimate, size_t width)
{
	/* 0.000s would tell nothing of the shortest processes. */
	if (ns < NSEC_PER_MSEC && !estimate)
		put_time(c, &time_units[0], ns, estimate, 0, width);
	else
		put_time(c, &time_units[2], ns, estimate, estimate ? 2 : 3, width);
}

void cell_span(struct cell *c, uint64_t ns, bool estimate, size_t width)
{
	put_time(c, &time_units[0], ns, estimate, ns < NSEC_PER_MSEC ? 0 : 2, width);
}

struct range {
	uint32_t first, last;
};

static bool in_ranges(const struct range *r, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++)
		if (code >= r[i].first && code <= r[i].last)
			return true;
	return false;
}

/* Columns that terminals give a character: Unicode's East Asian Width, in broad strokes. */
static size_t char_columns(uint32_t code)
{
	static const struct range none[] = {
		{ 0x300, 0x36f }, { 0x483, 0x489 }, { 0x591, 0x5bd }, { 0x610, 0x61a },
		{ 0x64b, 0x65f }, { 0x200b, 0x200d }, { 0x2060, 0x2064 }, { 0x20d0, 0x20f0 },
		{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff }, { 0xe0000, 0xe0fff },
	};
	static const struct range two[] = {
		{ 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0x4dbf }, { 0x4e00, 0xa4cf },
		{ 0xa960, 0xa97c }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f },
		{ 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f },
		{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
	};

	if (code < 0x300)
		return 1;
	if (in_ranges(none, ARRAY_SIZE(none), code))
		return 0;
	return in_ranges(two, ARRAY_SIZE(two), code) ? 2 : 1;
}

static size_t text_columns(const char *s, size_t len)
{
	size_t columns = 0, n;
	uint32_t code;

	for (; len; s += n, len -= n) {
		n = utf8_decode(s, len, &code);
		if (!n)
			return columns + len;	/* escaped text is valid */
		columns += char_columns(code);
	}
	return columns;
}

void cell_text(struct cell *c, const char *s, size_t len, size_t width)
{
	size_t columns = text_columns(s, len);
	uint32_t code;

	if (columns > width || len > CELL_MAX) {
		cell_put(c, "..", 2);
		while (len && (columns > width - 2 || len > CELL_MAX - 2)) {
			size_t n = utf8_decode(s, len, &code);

			columns -= n ? char_columns(code) : 1;
			s += n ? n : 1;
			len -= n ? n : 1;
		}
		columns += 2;
	}
	cell_put(c, s, len);
	c->hidden = c->len - columns;
}

char *cell_write(const struct cell *c, size_t width, bool right, char *to)
{
	size_t columns = c->len - c->hidden;
	size_t pad = width > columns ? width - columns : 0;

	if (right) {
		memset(to, ' ', pad);
		to += pad;
	}
	memcpy(to, c->s, c->len);
	to += c->len;
	if (!right) {
		memset(to, ' ', pad);
		to += pad;
	}
	return to;
}

void cell_append(const struct cell *c, size_t width, bool right, struct strbuf *b)
{
	char *to = strbuf_reserve(b, c->len + width);

	if (to)
		strbuf_commit(b, (size_t)(cell_write(c, width, right, to) - to));
}
