/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_ESCAPE_H
#define UTIL_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "strbuf.h"

/*
 * Names and arguments are hostile bytes. Each sink escapes them once, for its own format.
 *
 * Unsafe for a terminal: C0, DEL, C1 (U+0080-U+009F), bytes that are not valid UTF-8, bidirectional
 * controls (U+061C U+200E U+200F U+202A-U+202E U+2066-U+2069), line separators (U+2028 U+2029).
 * A single byte (C0, DEL, invalid) becomes \xNN, a code point \u{N...} in lower-case hex.
 */

/* As it is, unsafe bytes escaped and backslashes doubled: what looks escaped, is. */
void escape_text(struct strbuf *b, const char *s, size_t len);
/*
 * As a word of a shell command line: bare when it is plain, 'quoted' when a shell would act on it,
 * $'quoted' with escapes when it holds unsafe bytes, '' when empty.
 */
void escape_shell_word(struct strbuf *b, const char *s, size_t len);
/*
 * Arguments, each ended by NUL or by the end, as shell words with single spaces between. The first
 * is also quoted when it holds '=', which would make it an assignment.
 */
void escape_args(struct strbuf *b, const char *args, size_t len);
/*
 * Inside a JSON string, without the quotes: RFC 8259. Unsafe characters become \uNNNN, so that the
 * line is safe on a terminal too. Invalid UTF-8 becomes U+FFFD, one for each maximal subpart
 * (The Unicode Standard, 3.9); this alone loses something, see utf8_valid().
 */
void escape_json(struct strbuf *b, const char *s, size_t len);

/*
 * Bytes of the one valid sequence at s, its code point in *ret; 0: none. Overlong forms,
 * surrogates and what lies above U+10FFFF are not valid.
 */
size_t utf8_decode(const char *s, size_t len, uint32_t *ret);
bool utf8_valid(const char *s, size_t len);

#endif
