/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/macro.h"

struct capture_file {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	int linktype;
	int error;		/* -errno of the first write that failed */
	int64_t realtime_offset_ns;
};

FILE *capture_file_create(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

/* Takes over stream. */
static int open_dump(struct capture_file **ret, FILE *stream, int linktype, uint32_t snaplen,
		     int64_t realtime_offset_ns)
{
	struct capture_file *f = calloc(1, sizeof(*f));

	if (f)
		f->pcap = pcap_open_dead_with_tstamp_precision(linktype, (int)snaplen,
							       PCAP_TSTAMP_PRECISION_NANO);
	if (f && f->pcap)
		f->dumper = pcap_dump_fopen(f->pcap, stream);
	if (!f || !f->dumper) {
		fclose(stream);
		capture_file_free(f);
		return -ENOMEM;
	}
	f->linktype = linktype;
	f->realtime_offset_ns = realtime_offset_ns;
	*ret = f;
	return 0;
}

int capture_file_new(struct capture_file **ret, int dir, const char *name, int linktype,
		     uint32_t snaplen, int64_t realtime_offset_ns)
{
	FILE *stream = capture_file_create(dir, name);

	return stream ? open_dump(ret, stream, linktype, snaplen, realtime_offset_ns) : -errno;
}

/* libpcap writes a header in any case: the same one once more. */
int capture_file_append(struct capture_file **ret, int dir, const char *name, int linktype,
			uint32_t snaplen, int64_t realtime_offset_ns)
{
	int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");
	struct capture_file *f;
	int error;

	if (!stream) {
		error = -errno;
		close_p(&fd);
		return error;
	}
	error = open_dump(&f, stream, linktype, snaplen, realtime_offset_ns);
	if (error < 0)
		return error;
	if (fseek(pcap_dump_file(f->dumper), 0, SEEK_END) < 0) {
		error = -errno;
		capture_file_free(f);
		return error;
	}
	*ret = f;
	return 0;
}

struct capture_file *capture_file_free(struct capture_file *f)
{
	if (!f)
		return NULL;
	if (f->dumper)
		pcap_dump_close(f->dumper);
	if (f->pcap)
		pcap_close(f->pcap);
	free(f);
	return NULL;
}

int capture_file_flush(struct capture_file *f)
{
	errno = 0;
	if (f->error == 0 &&
	    (ferror(pcap_dump_file(f->dumper)) || pcap_dump_flush(f->dumper) < 0))
		f->error = errno ? -errno : -EIO;
	return f->error;
}

void capture_write(struct capture_file *f, int linktype, uint64_t time_ns, const void *raw,
		   size_t caplen, size_t wirelen)
{
	uint64_t real = time_ns + (uint64_t)f->realtime_offset_ns;
	struct pcap_pkthdr head = {
		.ts = { .tv_sec = (time_t)(real / NSEC_PER_SEC),
			.tv_usec = (suseconds_t)(real % NSEC_PER_SEC) },	/* nanoseconds */
		.caplen = (bpf_u_int32)caplen,
		.len = (bpf_u_int32)wirelen,
	};

	if (linktype != f->linktype && f->error == 0)
		f->error = -ENOTSUP;
	if (f->error == 0)
		pcap_dump((u_char *)f->dumper, &head, raw);
}
