/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "hash.h"

#define HASH_MIN_BUCKETS 64

/*
 * Fibonacci hashing: the top bits of a product depend on all lower bits of the key. The fold brings
 * down what sits only in its upper half. Unseeded, so that a replay visits nodes in the same order.
 */
static inline size_t hash_bucket(const struct hash *h, uint64_t key)
{
	key ^= key >> 32;
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >>
			(64 - (unsigned int)__builtin_ctzll(h->n_buckets)));
}

int hash_init(struct hash *h, size_t limit)
{
	struct hash_node **buckets = calloc(HASH_MIN_BUCKETS, sizeof(*buckets));

	if (!buckets)
		return -ENOMEM;
	*h = (struct hash){ .buckets = buckets, .n_buckets = HASH_MIN_BUCKETS, .limit = limit };
	return 0;
}

void hash_finish(struct hash *h)
{
	if (!h)
		return;
	free(h->buckets);
	*h = (struct hash){ 0 };
}

/*
 * Bucket i splits into 2i and 2i + 1, in place from the last one down; appending keeps equal keys
 * in their order. Without memory the chains get longer, nothing else.
 */
static void hash_grow(struct hash *h)
{
	struct hash_node **buckets;
	size_t old = h->n_buckets;

	if (old > SIZE_MAX / sizeof(*buckets) / 2)
		return;
	buckets = realloc(h->buckets, 2 * old * sizeof(*buckets));
	if (!buckets)
		return;
	h->buckets = buckets;
	h->n_buckets = 2 * old;

	for (size_t i = old; i-- > 0;) {
		struct hash_node *node = buckets[i];
		struct hash_node **end[2] = { &buckets[2 * i], &buckets[2 * i + 1] };

		for (; node; node = node->next) {
			size_t half = hash_bucket(h, node->key) & 1;

			*end[half] = node;
			end[half] = &node->next;
		}
		*end[0] = NULL;
		*end[1] = NULL;
	}
}

int hash_insert(struct hash *h, struct hash_node *node, uint64_t key)
{
	struct hash_node **bucket;

	if (h->count >= h->limit)
		return -ENOSPC;
	if (h->count >= h->n_buckets)
		hash_grow(h);

	bucket = &h->buckets[hash_bucket(h, key)];
	node->key = key;
	node->next = *bucket;
	*bucket = node;
	h->count++;
	return 0;
}

void hash_remove(struct hash *h, struct hash_node *node)
{
	struct hash_node **link;

	if (!h->count)
		return;
	for (link = &h->buckets[hash_bucket(h, node->key)]; *link; link = &(*link)->next) {
		if (*link == node) {
			*link = node->next;
			node->next = NULL;
			h->count--;
			return;
		}
	}
}

static inline struct hash_node *hash_match(struct hash_node *node, uint64_t key)
{
	while (node && node->key != key)
		node = node->next;
	return node;
}

struct hash_node *hash_find(const struct hash *h, uint64_t key)
{
	if (!h->count)
		return NULL;
	return hash_match(h->buckets[hash_bucket(h, key)], key);
}

struct hash_node *hash_find_next(const struct hash_node *node)
{
	return hash_match(node->next, node->key);
}

void hash_each(struct hash *h, void (*fn)(struct hash_node *node, void *data), void *data)
{
	for (size_t i = 0; i < h->n_buckets; i++) {
		struct hash_node *node = h->buckets[i];

		while (node) {
			struct hash_node *next = node->next;

			fn(node, data);
			node = next;
		}
	}
}
