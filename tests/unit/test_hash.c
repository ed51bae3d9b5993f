/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "test.h"
#include "util/hash.h"
#include "util/macro.h"

struct item {
	struct hash_node node;
	uint64_t value;
	unsigned int visits;
};

static struct item *item_of(struct hash_node *node)
{
	return node ? CONTAINER_OF(node, struct item, node) : NULL;
}

TEST(finish_zeroed)
{
	struct hash h = { 0 };
	struct hash_node node;

	CHECK(!hash_find(&h, 1));
	CHECK_EQ(hash_insert(&h, &node, 1), -ENOSPC);
	hash_finish(&h);
	hash_finish(&h);
	hash_finish(NULL);
}

TEST(limit)
{
	struct item items[4] = { 0 };
	struct hash h;

	CHECK_EQ(hash_init(&h, 3), 0);
	for (uint64_t i = 0; i < 3; i++)
		CHECK_EQ(hash_insert(&h, &items[i].node, i), 0);
	CHECK_EQ(hash_insert(&h, &items[3].node, 3), -ENOSPC);
	CHECK_EQ(h.count, 3);
	CHECK(!hash_find(&h, 3));
	hash_remove(&h, &items[0].node);
	CHECK_EQ(hash_insert(&h, &items[3].node, 3), 0);
	CHECK(hash_find(&h, 3) == &items[3].node);
	hash_finish(&h);
	CHECK_EQ(h.count, 0);
}

/* Keys as pevent has them: dense, strided by powers of two, only in the upper half. */
TEST(grow_and_find)
{
	enum { N = 100000 };
	struct item *items = calloc(N, sizeof(*items));
	struct hash h;

	CHECK(items);
	for (unsigned int shift = 0; shift <= 44; shift += 11) {
		size_t longest = 0;

		CHECK_EQ(hash_init(&h, N), 0);
		for (uint64_t i = 0; i < N; i++)
			CHECK_EQ(hash_insert(&h, &items[i].node, i << shift), 0);
		CHECK_EQ(h.count, N);
		CHECK_EQ(h.n_buckets, 131072);
		for (uint64_t i = 0; i < N; i++)
			CHECK(hash_find(&h, i << shift) == &items[i].node);
		CHECK(!hash_find(&h, (uint64_t)N << shift));
		for (size_t i = 0; i < h.n_buckets; i++) {
			size_t chain = 0;

			for (struct hash_node *n = h.buckets[i]; n; n = n->next)
				chain++;
			longest = MAX(longest, chain);
		}
		CHECK(longest <= 8);
		for (uint64_t i = 0; i < N; i += 2)
			hash_remove(&h, &items[i].node);
		for (uint64_t i = 0; i < N; i++)
			CHECK(!hash_find(&h, i << shift) == !(i & 1));
		CHECK_EQ(h.count, N / 2);
		hash_finish(&h);
	}
	free(items);
}

TEST(duplicates_newest_first)
{
	enum { KEYS = 100, COPIES = 20 };
	struct item *items = calloc(KEYS * COPIES, sizeof(*items));
	struct hash_node *node;
	struct hash h;

	CHECK(items);
	CHECK_EQ(hash_init(&h, SIZE_MAX), 0);
	/* Grows several times in between. */
	for (uint64_t copy = 0; copy < COPIES; copy++) {
		for (uint64_t key = 0; key < KEYS; key++) {
			struct item *item = &items[copy * KEYS + key];

			item->value = copy;
			CHECK_EQ(hash_insert(&h, &item->node, key), 0);
		}
	}
	for (uint64_t key = 0; key < KEYS; key++) {
		uint64_t copy = COPIES;

		for (node = hash_find(&h, key); node; node = hash_find_next(node)) {
			CHECK_EQ(node->key, key);
			CHECK_EQ(item_of(node)->value, --copy);
		}
		CHECK_EQ(copy, 0);
	}

	/* The one between leaves, its neighbours stay in order; removing twice is harmless. */
	hash_remove(&h, &items[(COPIES - 2) * KEYS + 7].node);
	hash_remove(&h, &items[(COPIES - 2) * KEYS + 7].node);
	CHECK_EQ(h.count, KEYS * COPIES - 1);
	node = hash_find(&h, 7);
	CHECK_EQ(item_of(node)->value, COPIES - 1);
	CHECK_EQ(item_of(hash_find_next(node))->value, COPIES - 3);
	hash_finish(&h);
	free(items);
}

static struct hash each_hash;

static void visit(struct hash_node *node, void *data)
{
	size_t *visited = data;

	item_of(node)->visits++;
	++*visited;
}

static void visit_and_free_odd(struct hash_node *node, void *data)
{
	visit(node, data);
	if (node->key & 1) {
		hash_remove(&each_hash, node);
		free(item_of(node));
	}
}

TEST(remove_during_each)
{
	struct hash *h = &each_hash;
	size_t visited = 0;

	CHECK_EQ(hash_init(h, 5000), 0);
	for (uint64_t i = 0; i < 5000; i++) {
		struct item *item = calloc(1, sizeof(*item));

		CHECK(item);
		CHECK_EQ(hash_insert(h, &item->node, i % 1000), 0);
	}
	hash_each(h, visit_and_free_odd, &visited);
	CHECK_EQ(visited, 5000);
	CHECK_EQ(h->count, 2500);
	visited = 0;
	hash_each(h, visit, &visited);
	CHECK_EQ(visited, 2500);
	for (uint64_t key = 0; key < 1000; key++) {
		struct hash_node *node;

		while ((node = hash_find(h, key))) {
			CHECK_EQ(key & 1, 0);
			CHECK_EQ(item_of(node)->visits, 2);
			hash_remove(h, node);
			free(item_of(node));
		}
	}
	CHECK_EQ(h->count, 0);
	hash_finish(h);
}

TEST_MAIN()
