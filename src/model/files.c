/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "files.h"

#include <stdlib.h>
#include <string.h>

#include "util/macro.h"

struct files *files_new(const struct proc_facts *f)
{
	const char *text = f->fds;
	size_t left = f->fds_len, n = 0, names = 0;
	struct proc_fd fd;
	struct files *files;
	char *end;

	if (!f->fds)
		return NULL;
	while (proc_fd_next(&text, &left, &fd)) {
		n++;
		names += strlen(fd.target) + 1;
	}
	files = malloc(sizeof(*files) + n * sizeof(files->file[0]) + names);
	if (!files)
		return NULL;
	files->refs = 1;
	files->pub = (struct pevent_files){ .n = n, .time_ns = f->read_ns, .file = files->file,
					    .total = f->has_fd_count ? MAX(f->fd_count, n) : n };
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
	if (files && --files->refs == 0)
		free(files);
	return NULL;
}
