/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_HISTOGRAM_H
#define SINK_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SUB 64	/* buckets per power of two: an error below 1/64 */
#define HISTOGRAM_OCTAVES 59	/* [0, 64), [64, 128), [128, 256), ... 2^64 */

/* Log-linear counts of 64-bit values. Zeroed it is empty and ready; memory comes as it is used. */
struct histogram {
	uint64_t count, min, max, sum;	/* exact; sum saturates */
	uint64_t unplaced;		/* counted, but there was no memory for their bucket */
	uint32_t *octaves[HISTOGRAM_OCTAVES];
};

void histogram_finish(struct histogram *h);	/* accepts NULL and zeroed */
void histogram_add(struct histogram *h, uint64_t v);
/* The value that `percent` of all values do not exceed, within 1/128 of itself; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *h, unsigned int percent);

#define LOG2_BUCKETS 55	/* 2^64 ns are less than 2^55 us */

/* Durations by powers of two of microseconds: [0, 2), [2, 4), [4, 8), ... Zeroed it is empty. */
struct log2_counts {
	uint64_t counts[LOG2_BUCKETS];
	size_t end;	/* all from here on are 0 */
};

void log2_counts_add(struct log2_counts *c, uint64_t ns);
/* Lower bound of bucket i, in microseconds. */
uint64_t log2_counts_from(size_t i);

#endif
