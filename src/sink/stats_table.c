/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "sink/stats_table.h"
#include "util/macro.h"

struct stats_row *stats_row_new(size_t row_size, const char *name, size_t len)
{
	struct stats_row *row = calloc(1, row_size + len + 1);

	if (!row)
		return NULL;
	row->name_len = len;
	row->name = memcpy((char *)row + row_size, name, len);
	return row;
}

int stats_table_init(struct stats_table *t, size_t row_size, size_t rows_max,
		     void (*row_finish)(struct stats_row *row))
{
	struct stats_table table = { .row_size = row_size, .row_finish = row_finish };

	table.other = stats_row_new(row_size, "(other)", 7);
	if (!table.other || hash_init(&table.rows, rows_max) < 0) {
		free(table.other);
		return -ENOMEM;
	}
	*t = table;
	return 0;
}

static void drop_row(struct hash_node *node, void *data)
{
	struct stats_table *t = data;
	struct stats_row *row = CONTAINER_OF(node, struct stats_row, node);

	if (t->row_finish)
		t->row_finish(row);
	free(row);
}

void stats_table_finish(struct stats_table *t)
{
	if (!t->other)
		return;
	hash_each(&t->rows, drop_row, t);
	drop_row(&t->other->node, t);
	hash_finish(&t->rows);
	*t = (struct stats_table){ 0 };
}

/* Eight bytes a step; good enough for names that are compared in full anyway. */
static uint64_t hash_bytes(const char *s, size_t len)
{
	uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t last = 0;

	for (; len >= 8; s += 8, len -= 8) {
		h = (h ^ load_u64(s)) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	memcpy(&last, s, len);
	h = (h ^ last) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 29;
}

static bool is_named(const struct stats_row *row, const char *name, size_t len)
{
	return row->name_len == len && !memcmp(row->name, name, len);
}

struct stats_row *stats_table_get(struct stats_table *t, const char *name, size_t len)
{
	struct hash_node *node;
	struct stats_row *row;
	uint64_t key;

	if (t->last && is_named(t->last, name, len))
		return t->last;
	key = hash_bytes(name, len);
	for (node = hash_find(&t->rows, key); node; node = hash_find_next(node)) {
		row = CONTAINER_OF(node, struct stats_row, node);
		if (is_named(row, name, len))
			return t->last = row;
	}
	if (t->rows.count >= t->rows.limit)
		return t->other;
	row = stats_row_new(t->row_size, name, len);
	if (!row || hash_insert(&t->rows, &row->node, key) < 0) {
		free(row);
		return t->other;
	}
	return t->last = row;
}

struct listing {
	struct stats_row **rows;
	size_t n;
};

static void list_row(struct hash_node *node, void *data)
{
	struct listing *l = data;

	l->rows[l->n++] = CONTAINER_OF(node, struct stats_row, node);
}

static int compare_rows(const void *a, const void *b, void *data)
{
	const struct stats_row *p = *(struct stats_row *const *)a;
	const struct stats_row *q = *(struct stats_row *const *)b;
	stats_order *const *order = data;
	int r = (*order)(p, q);

	if (!r)
		r = memcmp(p->name, q->name, MIN(p->name_len, q->name_len));
	return r ? r : (p->name_len > q->name_len) - (p->name_len < q->name_len);
}

struct stats_row **stats_table_sorted(struct stats_table *t, stats_order *order, size_t *ret_n)
{
	struct listing l = { .rows = calloc(t->rows.count + 1, sizeof(struct stats_row *)) };

	if (!l.rows)
		return NULL;
	hash_each(&t->rows, list_row, &l);
	qsort_r(l.rows, l.n, sizeof(struct stats_row *), compare_rows, &order);
	*ret_n = l.n;
	return l.rows;
}

int stats_by_cpu(const struct stats_row *a, const struct stats_row *b)
{
	const struct usage_sum *p = &a->usage, *q = &b->usage;

	if (p->cpu_ns != q->cpu_ns)
		return p->cpu_ns < q->cpu_ns ? 1 : -1;
	return (p->processes < q->processes) - (p->processes > q->processes);
}
