/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_append(struct strbuf *b, const void *data, size_t len)
{
	const unsigned char *s = data;
	size_t out = (len + 2) / 3 * 4;
	char *p = strbuf_reserve(b, out);

	if (!p)
		return;
	for (; len >= 3; s += 3, len -= 3) {
		*p++ = alphabet[s[0] >> 2];
		*p++ = alphabet[(s[0] & 3) << 4 | s[1] >> 4];
		*p++ = alphabet[(s[1] & 15) << 2 | s[2] >> 6];
		*p++ = alphabet[s[2] & 63];
	}
	if (len) {
		unsigned char second = len > 1 ? s[1] : 0;

		*p++ = alphabet[s[0] >> 2];
		*p++ = alphabet[(s[0] & 3) << 4 | second >> 4];
		*p++ = len > 1 ? alphabet[(second & 15) << 2] : '=';
		*p++ = '=';
	}
	strbuf_commit(b, out);
}
