/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring.h"

/*
 * head and tail count bytes and never wrap; `& (size - 1)` is their place. A record is its length
 * (8 bytes), its bytes, and padding to 8. One that starts near the end runs on into a spare area
 * behind `size` as long as the longest record: it lies in one piece, and costs nothing extra.
 */
#define RING_HEADER sizeof(uint64_t)
#define RING_MIN_SIZE 4096

static size_t record_size(size_t len)
{
	return RING_HEADER + ((len + 7) & ~(size_t)7);
}

static unsigned char *record_at(const struct ring *r, size_t position)
{
	return r->data + (position & (r->size - 1));
}

static size_t record_len(const unsigned char *record)
{
	uint64_t len;

	memcpy(&len, record, sizeof(len));
	return (size_t)len;
}

int ring_init(struct ring *r, size_t size)
{
	size_t rounded = RING_MIN_SIZE;
	unsigned char *data;

	if (size > SIZE_MAX / 4)
		return -ENOMEM;
	while (rounded < size)
		rounded *= 2;
	/* Whole cache lines, as aligned_alloc() wants them: size / 2 is one. */
	data = aligned_alloc(64, rounded + rounded / 2 + 64);
	if (!data)
		return -ENOMEM;

	r->data = data;
	r->size = rounded;
	r->tail_seen = 0;
	r->head_seen = 0;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	atomic_init(&r->refused, 0);
	return 0;
}

void ring_finish(struct ring *r)
{
	if (!r)
		return;
	free(r->data);
	r->data = NULL;
	r->size = 0;
}

static void *ring_refuse(struct ring *r)
{
	/* The producer is the only writer: no locked instruction is needed. */
	uint_fast64_t n = atomic_load_explicit(&r->refused, memory_order_relaxed);

	atomic_store_explicit(&r->refused, n + 1, memory_order_relaxed);
	return NULL;
}

void *ring_reserve(struct ring *r, size_t len)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (len > r->size / 2)
		return ring_refuse(r);
	if (record_size(len) > r->size - (tail - r->head_seen)) {
		r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
		if (record_size(len) > r->size - (tail - r->head_seen))
			return ring_refuse(r);
	}
	return record_at(r, tail) + RING_HEADER;
}

void ring_publish(struct ring *r, size_t len)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint64_t header = len;

	memcpy(record_at(r, tail), &header, sizeof(header));
	atomic_store_explicit(&r->tail, tail + record_size(len), memory_order_release);
}

const void *ring_peek(struct ring *r, size_t *ret_len)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	const unsigned char *record;

	if (head == r->tail_seen) {
		r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
		if (head == r->tail_seen)
			return NULL;
	}
	record = record_at(r, head);
	*ret_len = record_len(record);
	return record + RING_HEADER;
}

/* The place of a record in the buffer tells its position: it is less than a round behind head's. */
const void *ring_next(struct ring *r, const void *record, size_t *ret_len)
{
	const unsigned char *start = (const unsigned char *)record - RING_HEADER, *next;
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t place = (size_t)(start - r->data);
	size_t position = head + ((place - head) & (r->size - 1)) + record_size(record_len(start));

	if (position == r->tail_seen) {
		r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
		if (position == r->tail_seen)
			return NULL;
	}
	next = record_at(r, position);
	*ret_len = record_len(next);
	return next + RING_HEADER;
}

void ring_release(struct ring *r)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t len = record_len(record_at(r, head));

	atomic_store_explicit(&r->head, head + record_size(len), memory_order_release);
}

size_t ring_used(const struct ring *r)
{
	/* head first: a tail read later is never behind it. */
	size_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	return atomic_load_explicit(&r->tail, memory_order_acquire) - head;
}
