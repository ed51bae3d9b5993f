/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_HASH_H
#define UTIL_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Chained hash of nodes that their owner embeds and keeps; equal keys stand newest first. */
struct hash_node {
	struct hash_node *next;
	uint64_t key;
};

struct hash {
	struct hash_node **buckets;
	size_t n_buckets;	/* power of two, grows with count */
	size_t count, limit;
};

int hash_init(struct hash *h, size_t limit);
void hash_finish(struct hash *h);	/* frees the buckets, not the nodes; accepts zeroed */
/* -ENOSPC at the limit; never fails for memory (it stops growing instead). */
int hash_insert(struct hash *h, struct hash_node *node, uint64_t key);
void hash_remove(struct hash *h, struct hash_node *node);
struct hash_node *hash_find(const struct hash *h, uint64_t key);
struct hash_node *hash_find_next(const struct hash_node *node);	/* same key, older */
/* Visit every node; fn may remove the node it is given. */
void hash_each(struct hash *h, void (*fn)(struct hash_node *node, void *data), void *data);

#endif
