/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as pevent's decoders give them: 16 bytes, an IPv4 one in the first 4, the others 0. */
#ifndef WIRE_ADDRESS_H
#define WIRE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ADDRESS_SIZE 16

static inline bool address_is_zero(const uint8_t *a)
{
	static const uint8_t zero[ADDRESS_SIZE];

	return !memcmp(a, zero, ADDRESS_SIZE);
}

static inline bool address_is_mapped(const uint8_t *a)
{
	static const uint8_t prefix[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(a, prefix, sizeof(prefix));
}

/*
 * An IPv6 socket that talks IPv4 has mapped addresses (::ffff:a.b.c.d), where its packets have IPv4
 * ones. Makes IPv4 of such a pair, of which one may be unset; returns whether it was one.
 */
static inline bool address_unmap(uint8_t *local, uint8_t *remote)
{
	bool l = address_is_mapped(local), r = address_is_mapped(remote);

	if ((!l && !address_is_zero(local)) || (!r && !address_is_zero(remote)) || (!l && !r))
		return false;
	memmove(local, local + 12, 4);
	memmove(remote, remote + 12, 4);
	memset(local + 4, 0, ADDRESS_SIZE - 4);
	memset(remote + 4, 0, ADDRESS_SIZE - 4);
	return true;
}

#endif
