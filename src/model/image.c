/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

/* Copies a piece to the end of the image's bytes, NUL-terminated. */
static const char *place(char **end, const char *data, size_t len)
{
	char *start = *end;

	if (!data)
		return NULL;
	memcpy(start, data, len);
	start[len] = '\0';
	*end = start + len + 1;
	return start;
}

struct image *image_new(const struct proc_facts *f, enum pevent_origin origin, size_t *account)
{
	size_t args_len = *account < IMAGES_MAX ? f->args_len : MIN(f->args_len,
								   (size_t)IMAGE_ARGS_SHORT);
	size_t size = sizeof(struct image) + args_len + f->exe_len + f->cwd_len + f->cgroup_len + 4;
	struct image *image = malloc(size);
	char *end;

	if (!image)
		return NULL;
	end = image->bytes;
	*image = (struct image){ .refs = 1, .size = size, .account = account };
	*account += size;
	image->pub.args = place(&end, f->args, args_len);
	image->pub.args_len = f->args ? args_len : 0;
	image->pub.args_total = f->args ? f->args_total : 0;
	image->pub.exe = place(&end, f->exe, f->exe_len);
	image->pub.cwd = place(&end, f->cwd, f->cwd_len);
	image->pub.cgroup = place(&end, f->cgroup, f->cgroup_len);
	image->pub.origin = f->args || f->exe ? origin : PEVENT_FROM_NONE;
	return image;
}

struct image *image_move(const struct image *image, const char *cgroup, size_t len)
{
	const struct pevent_image *pub = &image->pub;
	const struct proc_facts facts = {
		.args = pub->args, .args_len = pub->args_len, .args_total = pub->args_total,
		.exe = pub->exe, .exe_len = pub->exe ? strlen(pub->exe) : 0,
		.cwd = pub->cwd, .cwd_len = pub->cwd ? strlen(pub->cwd) : 0,
		.cgroup = cgroup, .cgroup_len = len,
	};

	return image_new(&facts, pub->origin, image->account);
}

struct image *image_ref(struct image *image)
{
	if (image)
		image->refs++;
	return image;
}

struct image *image_unref(struct image *image)
{
	if (image && --image->refs == 0) {
		*image->account -= image->size;
		free(image);
	}
	return NULL;
}
