/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink's attributes (linux/netlink.h: struct nlattr), one after the other. */
#ifndef WIRE_ATTRIBUTE_H
#define WIRE_ATTRIBUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/macro.h"

#define ATTRIBUTE_HEADER 4
#define ATTRIBUTE_TYPE_MASK 0x3fff

static inline size_t attribute_align(size_t len)
{
	return (len + 3u) & ~(size_t)3;
}

/* Takes the next one off; false at the end, or when its length lies: then *left is not below 4. */
static inline bool attribute_next(const uint8_t **p, size_t *left, uint16_t *ret_type,
				  const uint8_t **ret, size_t *ret_len)
{
	size_t len;

	if (*left < ATTRIBUTE_HEADER)
		return false;
	len = load_u16(*p);
	if (len < ATTRIBUTE_HEADER || len > *left)
		return false;
	*ret_type = load_u16(*p + 2) & ATTRIBUTE_TYPE_MASK;
	*ret = *p + ATTRIBUTE_HEADER;
	*ret_len = len - ATTRIBUTE_HEADER;
	len = MIN(attribute_align(len), *left);
	*p += len;
	*left -= len;
	return true;
}

#endif
