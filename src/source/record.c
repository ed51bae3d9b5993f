/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "record_names.h"
#include "util/macro.h"

#define ARPHRD_NETLINK 824
#define MESSAGE_MAX 4096
#define PCAP_SNAPLEN 65535

struct recorder {
	int dir;
	pcap_t *pcap;
	pcap_dumper_t *netlink;
	FILE *proc;
	struct strbuf line;
	const struct clock *clock;
	int64_t realtime_offset_ns;	/* as it was at the start: replay knows no other */
	const struct log *log;
	int error;		/* -errno of the first write that failed */
};

/* Each byte as the code point of its value: nothing is lost, and text stays readable. */
static void put_bytes(struct strbuf *b, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";

	strbuf_putc(b, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
			strbuf_putc(b, (char)c);
		} else {
			strbuf_puts(b, "\\u00");
			strbuf_putc(b, hex[c >> 4]);
			strbuf_putc(b, hex[c & 15]);
		}
	}
	strbuf_putc(b, '"');
}

static FILE *create(int dir, const char *name)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

static bool is_empty(int dir)
{
	_cleanup_(close_p) int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int entries = 0;

	if (!d)
		return false;
	fd = -1;
	while (readdir(d))
		entries++;
	closedir(d);
	return entries <= 2;	/* "." and ".." */
}

/* What is stored up to here is good; a hole in it would not be seen. */
static void fail(struct recorder *r, int error)
{
	if (r->error == 0)
		r->error = log_error(r->log, error, "recording: %s: it ends here",
				     strerror(-error));
}

static void write_line(struct recorder *r)
{
	strbuf_putc(&r->line, '\n');
	if (r->line.failed)
		fail(r, -ENOMEM);
	else if (r->error == 0 &&
		 fwrite(r->line.data, 1, r->line.len, r->proc) != r->line.len)
		fail(r, -errno);
	strbuf_reset(&r->line);
}

static void put_key(struct strbuf *b, const char *key, const char *value)
{
	strbuf_printf(b, ",\"%s\":", key);
	put_bytes(b, value, strlen(value));
}

static int write_meta(struct recorder *r, const struct source *of, uint16_t usage_family)
{
	FILE *meta = create(r->dir, RECORD_META);
	struct strbuf *b = &r->line;
	struct source_host host;
	int error;

	if (!meta)
		return -errno;
	source_host_read(&host);
	strbuf_puts(b, "{\"format\":1");
	put_key(b, "nodename", host.nodename);
	put_key(b, "release", host.release);
	put_key(b, "machine", host.machine);
	put_key(b, "boot_id", host.boot_id);
	strbuf_printf(b, ",\"started\":%llu,\"realtime_offset\":%lld,\"boottime_offset\":%lld,"
		      "\"ticks_per_second\":%u,\"page_size\":%ld,\"cpus\":%u,"
		      "\"tick_ns\":%llu,\"taskstats_family\":%u,\"delays_since\":%lld}\n",
		      (unsigned long long)clock_now(r->clock), (long long)r->realtime_offset_ns,
		      (long long)clock_boottime_offset(r->clock), host.ticks_per_second,
		      sysconf(_SC_PAGESIZE), host.cpus, (unsigned long long)host.tick_ns,
		      (unsigned int)usage_family, (long long)of->delays_since_ns);
	error = fwrite(b->data, 1, b->len, meta) == b->len ? 0 : -EIO;
	if (fclose(meta) != 0)
		error = -errno;
	strbuf_reset(b);
	return error;
}

static int open_files(struct recorder *r, const char *dir, const struct source *of,
		      uint16_t usage_family)
{
	FILE *f;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	r->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir < 0)
		return -errno;
	if (!is_empty(r->dir))
		return -ENOTEMPTY;
	r->proc = create(r->dir, RECORD_PROC);
	f = r->proc ? create(r->dir, RECORD_NETLINK) : NULL;
	if (!f)
		return -errno;
	r->pcap = pcap_open_dead_with_tstamp_precision(RECORD_LINKTYPE, PCAP_SNAPLEN,
						       PCAP_TSTAMP_PRECISION_NANO);
	r->netlink = r->pcap ? pcap_dump_fopen(r->pcap, f) : NULL;
	if (!r->netlink) {
		fclose(f);
		return -ENOMEM;
	}
	return write_meta(r, of, usage_family);
}

int recorder_new(struct recorder **ret, const char *dir, const struct source *of,
		 uint16_t usage_family, const struct clock *clock, const struct log *log)
{
	struct recorder *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	*r = (struct recorder){ .dir = -1, .clock = clock, .log = log,
				.realtime_offset_ns = clock_realtime_offset(clock) };
	error = open_files(r, dir, of, usage_family);
	if (error < 0) {
		recorder_free(r);
		return log_error(log, error, "%s: %s", dir, strerror(-error));
	}
	*ret = r;
	return 0;
}

struct recorder *recorder_free(struct recorder *r)
{
	if (!r)
		return NULL;
	if (r->netlink)
		pcap_dump_close(r->netlink);
	if (r->pcap)
		pcap_close(r->pcap);
	if (r->proc)
		fclose(r->proc);
	if (r->dir >= 0)
		close(r->dir);
	strbuf_finish(&r->line);
	free(r);
	return NULL;
}

int recorder_flush(struct recorder *r)
{
	if (r->error == 0 &&
	    (ferror(pcap_dump_file(r->netlink)) || pcap_dump_flush(r->netlink) < 0 ||
	     fflush(r->proc) != 0))
		fail(r, errno ? -errno : -EIO);
	return r->error;
}

void recorder_netlink(struct recorder *r, uint64_t now_ns, int protocol, const void *raw,
		      size_t len)
{
	/* Of the pseudo header all fields but these are 0 for netlink; big-endian. */
	const uint8_t pseudo[RECORD_PSEUDO_HEADER] = {
		[2] = ARPHRD_NETLINK >> 8, [3] = ARPHRD_NETLINK & 0xff, [15] = (uint8_t)protocol,
	};
	uint8_t packet[RECORD_PSEUDO_HEADER + MESSAGE_MAX];
	uint64_t real = now_ns + (uint64_t)r->realtime_offset_ns;
	struct pcap_pkthdr head = {
		.ts = { .tv_sec = (time_t)(real / NSEC_PER_SEC),
			.tv_usec = (suseconds_t)(real % NSEC_PER_SEC) },	/* nanoseconds */
		.caplen = (bpf_u_int32)(RECORD_PSEUDO_HEADER + len),
		.len = (bpf_u_int32)(RECORD_PSEUDO_HEADER + len),
	};

	if (r->error || len > sizeof(packet) - RECORD_PSEUDO_HEADER)
		return;
	memcpy(packet, pseudo, sizeof(pseudo));
	memcpy(packet + RECORD_PSEUDO_HEADER, raw, len);
	pcap_dump((u_char *)r->netlink, &head, packet);
}

static void put_process(struct strbuf *b, const char *why, const void *record, size_t len)
{
	const char *p = (const char *)record + sizeof(struct proc_read);
	struct proc_read head;

	if (len < sizeof(head))
		return;
	memcpy(&head, record, sizeof(head));
	strbuf_printf(b, "{\"why\":\"%s\",\"event\":%llu,\"time\":%llu,\"pid\":%d,\"cut\":%u", why,
		      (unsigned long long)head.event_ns, (unsigned long long)head.read_ns,
		      (int)head.pid, (unsigned int)head.cmdline_cut);
	for (unsigned int i = 0; i < PROC_FILE_COUNT; i++) {
		if (head.result[i] == -ENODATA)
			continue;
		strbuf_printf(b, ",\"%s\":", record_file_names[i]);
		if (head.result[i] < 0) {
			strbuf_put_i64(b, head.result[i]);
			continue;
		}
		put_bytes(b, p, (size_t)head.result[i]);
		p += head.result[i];
	}
	strbuf_putc(b, '}');
}

void recorder_exec(struct recorder *r, const void *record, size_t len)
{
	put_process(&r->line, "exec", record, len);
	write_line(r);
}

void recorder_sample(struct recorder *r, bool last, const void *record, size_t len)
{
	put_process(&r->line, last ? "last" : "sample", record, len);
	write_line(r);
}

void recorder_scan(struct recorder *r, const struct strbuf *records, uint64_t begin_ns,
		   uint64_t end_ns)
{
	uint32_t len;

	strbuf_printf(&r->line, "{\"why\":\"scan\",\"begin\":%llu,\"end\":%llu}",
		      (unsigned long long)begin_ns, (unsigned long long)end_ns);
	write_line(r);
	for (size_t at = 0; at < records->len; at += sizeof(len) + len) {
		len = load_u32(records->data + at);
		put_process(&r->line, "scanned", records->data + at + sizeof(len), len);
		write_line(r);
	}
}

void recorder_drops(struct recorder *r, uint64_t now_ns, const struct source_drops *drops)
{
	strbuf_printf(&r->line, "{\"why\":\"drops\",\"time\":%llu,\"total\":%u,\"queued\":%u,"
		      "\"usage_total\":%u,\"usage_queued\":%u}", (unsigned long long)now_ns,
		      drops->total, drops->queued, drops->usage_total, drops->usage_queued);
	write_line(r);
}

void recorder_machine(struct recorder *r, const struct source_machine *m, uint64_t time_ns)
{
	strbuf_printf(&r->line, "{\"why\":\"machine\",\"time\":%llu,\"busy\":%llu,\"idle\":%llu,"
		      "\"memory\":%llu,\"available\":%llu,\"load\":[%u,%u,%u]}",
		      (unsigned long long)time_ns, (unsigned long long)m->cpu_busy_ns,
		      (unsigned long long)m->cpu_idle_ns, (unsigned long long)m->memory_total,
		      (unsigned long long)m->memory_available, m->load[0], m->load[1],
		      m->load[2]);
	write_line(r);
}

void recorder_oom(struct recorder *r, int32_t pid, uint64_t exit_ns, uint64_t time_ns)
{
	strbuf_printf(&r->line, "{\"why\":\"oom\",\"time\":%llu,\"pid\":%d,\"exit\":%llu}",
		      (unsigned long long)time_ns, (int)pid, (unsigned long long)exit_ns);
	write_line(r);
}

void recorder_probe(struct recorder *r, const struct source_probe *probe)
{
	strbuf_printf(&r->line, "{\"why\":\"probe\",\"pid\":%d,\"begin\":%llu,\"end\":%llu}",
		      (int)probe->pid, (unsigned long long)probe->begin_ns,
		      (unsigned long long)probe->end_ns);
	write_line(r);
}
