/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "files.h"

#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

struct files *files_new(const struct proc_facts *f, size_t *account)
{
	const char *text = f->fds;
	size_t left = f->fds_len, n = 0, names = 0, total, size;
	struct proc_fd fd;
	struct files *files;
	char *end;

	if (!f->fds)
		return NULL;
	while (proc_fd_next(&text, &left, &fd)) {
		n++;
		names += strlen(fd.target) + 1;
	}
	total = f->has_fd_count ? MAX(f->fd_count, n) : n;
	if (*account >= FILES_MAX)
		n = names = 0;
	size = sizeof(*files) + n * sizeof(files->file[0]) + names;
	files = malloc(size);
	if (!files)
		return NULL;
	files->refs = 1;
	files->size = size;
	files->account = account;
	*account += size;
	files->pub = (struct pevent_files){ .n = n, .time_ns = f->read_ns, .file = files->file,
					    .total = total };
	end = (char *)&files->file[n];
	text = f->fds;
	left = f->fds_len;
	for (size_t i = 0; i < n && proc_fd_next(&text, &left, &fd); i++) {
		size_t len = strlen(fd.target) + 1;

		files->file[i] = (struct pevent_file){ .fd = fd.fd, .type = fd.type,
						       .target = end };
		memcpy(end, fd.target, len);
		end += len;
	}
	return files;
}

struct files *files_ref(struct files *files)
{
	if (files)
		files->refs++;
	return files;
}

struct files *files_unref(struct files *files)
{
	if (files && --files->refs == 0) {
		*files->account -= files->size;
		free(files);
	}
	return NULL;
}
