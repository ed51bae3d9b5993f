/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_STATS_TABLE_H
#define SINK_STATS_TABLE_H

#include <stddef.h>

#include "sink/stats_usage.h"
#include "util/hash.h"

/* What the processes of one name have used; the first member of larger rows. */
struct stats_row {
	struct hash_node node;
	struct usage_sum usage;
	size_t name_len;
	const char *name;	/* raw bytes, behind the row; a NUL follows */
};

/* Rows by name, as many as the limit allows; later names share the row "(other)". */
struct stats_table {
	struct hash rows;
	size_t row_size;
	void (*row_finish)(struct stats_row *row);	/* NULL: nothing to do */
	struct stats_row *other;	/* not among rows */
	struct stats_row *last;		/* most events in a row are one name's */
};

/* row_size: of the struct that begins with a stats_row; the rest of it starts zeroed. */
int stats_table_init(struct stats_table *t, size_t row_size, size_t rows_max,
		     void (*row_finish)(struct stats_row *row));
void stats_table_finish(struct stats_table *t);	/* accepts zeroed */
/* The name's row, or t->other. */
struct stats_row *stats_table_get(struct stats_table *t, const char *name, size_t len);

/* NULL: no memory. */
struct stats_row *stats_row_new(size_t row_size, const char *name, size_t len);

/* Negative: a before b. Equal rows follow their names. */
typedef int stats_order(const struct stats_row *a, const struct stats_row *b);

/* All rows but "(other)", *ret_n of them, which the caller frees. NULL: no memory. */
struct stats_row **stats_table_sorted(struct stats_table *t, stats_order *order, size_t *ret_n);
/* Most CPU time first; then by processes. */
stats_order stats_by_cpu;

#endif
