/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program as started: shared, counted, never changed but for the filter's memory. */
#ifndef MODEL_IMAGE_H
#define MODEL_IMAGE_H

#include <stdbool.h>

#include "pevent/pevent.h"
#include "wire/proc.h"

struct image {
	struct pevent_image pub;
	unsigned int refs;
	size_t size;
	size_t *account;	/* sum of the sizes of all */
	unsigned int filter_round;	/* filter that `matches` is the answer of; 0: none yet */
	bool matches;
	char bytes[];
};

#define IMAGES_MAX (128u << 20)	/* bytes of all images: beyond that arguments are cut shorter */
#define IMAGE_ARGS_SHORT 256

/*
 * What a program's /proc files say; NULL when memory is out. One reference is the caller's.
 * account must live as long as the image.
 */
struct image *image_new(const struct proc_facts *facts, enum pevent_origin origin,
			size_t *account);
/* The same program in another control group; NULL when memory is out. */
struct image *image_move(const struct image *image, const char *cgroup, size_t len);
struct image *image_ref(struct image *image);	/* accepts NULL */
struct image *image_unref(struct image *image);	/* accepts NULL, returns NULL */

static inline struct image *image_of(const struct pevent_image *pub)
{
	return (struct image *)(uintptr_t)pub;
}

#endif
