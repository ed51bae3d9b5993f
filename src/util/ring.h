/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_RING_H
#define UTIL_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Records of varying length from one producing thread to one consuming thread, without locks.
 * A record lies in one piece, aligned to 8 bytes; a release store of the tail publishes it.
 * Whoever puts a ring on the heap needs aligned_alloc(): its type is aligned to cache lines.
 */
struct ring {
	unsigned char *data;
	size_t size;	/* power of two */
	_Alignas(64) atomic_size_t head;	/* consumer's */
	size_t tail_seen;	/* consumer's: tail when it last had to look */
	_Alignas(64) atomic_size_t tail;	/* producer's */
	size_t head_seen;	/* producer's: head when it last had to look */
	atomic_uint_fast64_t refused;	/* records that found no room; producer's */
};

int ring_init(struct ring *r, size_t size);	/* rounded up to a power of two, at least 4096 */
void ring_finish(struct ring *r);	/* accepts zeroed */

/*
 * Producer: room for len bytes, NULL (and refused + 1) when there is none or len is more than half
 * of the size; an empty ring has room for anything up to that. Then publish.
 */
void *ring_reserve(struct ring *r, size_t len);
void ring_publish(struct ring *r, size_t len);	/* len <= the reserved one */

/* Consumer: the oldest record and its length, NULL when empty; it stays until released. */
const void *ring_peek(struct ring *r, size_t *ret_len);
/* The record behind one that was peeked, NULL: none yet. Neither is released. */
const void *ring_next(struct ring *r, const void *record, size_t *ret_len);
void ring_release(struct ring *r);

size_t ring_used(const struct ring *r);	/* bytes; either thread */

#endif
