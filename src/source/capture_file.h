/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where packets and messages are recorded: a pcap file with nanoseconds of CLOCK_REALTIME. */
#ifndef SOURCE_CAPTURE_FILE_H
#define SOURCE_CAPTURE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CAPTURE_FILE "packets.pcap"

struct capture_file;

/* A new file in dir, to be written; NULL: errno. */
FILE *capture_file_create(int dir, const char *name);
/* A new file in dir, for packets of one link type. 0 or -errno, not logged. */
int capture_file_new(struct capture_file **ret, int dir, const char *name, int linktype,
		     uint32_t snaplen, int64_t realtime_offset_ns);
/* The same, after what is in such a file already, of that link type. */
int capture_file_append(struct capture_file **ret, int dir, const char *name, int linktype,
			uint32_t snaplen, int64_t realtime_offset_ns);
struct capture_file *capture_file_free(struct capture_file *f);
/* Hands what is stored to the kernel. 0, or the first error of this file. */
int capture_file_flush(struct capture_file *f);
/* Another link type than the file's, of a device that came back as another, is -ENOTSUP there. */
void capture_write(struct capture_file *f, int linktype, uint64_t time_ns, const void *raw,
		   size_t caplen, size_t wirelen);

#endif
