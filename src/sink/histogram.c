/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sink/histogram.h"
#include "util/macro.h"

void histogram_finish(struct histogram *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < HISTOGRAM_OCTAVES; i++)
		free(h->octaves[i]);
	*h = (struct histogram){ 0 };
}

void histogram_add(struct histogram *h, uint64_t v)
{
	unsigned int octave = 0, sub = (unsigned int)v;

	if (v >= HISTOGRAM_SUB) {
		octave = 58 - (unsigned int)__builtin_clzll(v);
		sub = (unsigned int)(v >> (octave - 1)) - HISTOGRAM_SUB;
	}
	h->min = h->count ? MIN(h->min, v) : v;
	h->max = MAX(h->max, v);
	h->count++;
	if (__builtin_add_overflow(h->sum, v, &h->sum))
		h->sum = UINT64_MAX;

	if (!h->octaves[octave])
		h->octaves[octave] = calloc(HISTOGRAM_SUB, sizeof(uint32_t));
	if (!h->octaves[octave] || h->octaves[octave][sub] == UINT32_MAX)
		h->unplaced++;
	else
		h->octaves[octave][sub]++;
}

/* The middle of a bucket. */
static uint64_t bucket_value(unsigned int octave, unsigned int sub)
{
	uint64_t width;

	if (!octave)
		return sub;
	width = UINT64_C(1) << (octave - 1);
	return (HISTOGRAM_SUB + sub) * width + width / 2;
}

uint64_t histogram_percentile(const struct histogram *h, unsigned int percent)
{
	uint64_t placed = h->count - h->unplaced, seen = 0, rank;

	if (!placed)
		return 0;
	/* The nearest rank, from 1; without overflow for any count. */
	rank = placed / 100 * percent + (placed % 100 * percent + 99) / 100;
	rank = MAX(rank, UINT64_C(1));
	for (unsigned int i = 0; i < HISTOGRAM_OCTAVES; i++) {
		for (unsigned int k = 0; h->octaves[i] && k < HISTOGRAM_SUB; k++) {
			seen += h->octaves[i][k];
			if (seen >= rank)
				return MAX(h->min, MIN(bucket_value(i, k), h->max));
		}
	}
	return h->max;
}

void log2_counts_add(struct log2_counts *c, uint64_t ns)
{
	size_t i = 63 - (size_t)__builtin_clzll(ns / NSEC_PER_USEC | 1);

	c->counts[i]++;
	c->end = MAX(c->end, i + 1);
}

uint64_t log2_counts_from(size_t i)
{
	return i ? UINT64_C(1) << i : 0;
}
