/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_BASE64_H
#define UTIL_BASE64_H

#include <stddef.h>

#include "strbuf.h"

/* RFC 4648, section 4: the standard alphabet, padded, in one line. */
void base64_append(struct strbuf *b, const void *data, size_t len);

#endif
