/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_file.h"
#include "host.h"
#include "network_line.h"
#include "record_names.h"
#include "util/macro.h"

#define ARPHRD_NETLINK 824
#define MESSAGE_MAX 4096
#define PCAP_SNAPLEN 65535
#define PACE_NS NSEC_PER_MSEC	/* between the reading of two clocks in one drain */

/* The packets of one network namespace. */
struct packets {
	uint32_t netns;
	struct capture_file *file;
};

struct recorder {
	int dir;
	struct capture_file *netlink;
	struct packets packets[NETWORK_NAMESPACES_MAX];
	size_t n_packets;
	bool packets_refused;	/* and it was told */
	FILE *proc;
	struct strbuf line;
	const struct clock *clock;
	int64_t realtime_offset_ns;	/* as it was at the start: replay knows no other */
	const struct log *log;
	int error;		/* -errno of the first write that failed */

	/* The network: lines of one drain carry its time. */
	uint64_t network_ns;
	struct network_line run;	/* packets that have no line yet */
	struct network_line drained;	/* as last written; time_ns 0: not yet */
	bool network_told;		/* something since */
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
	FILE *meta = capture_file_create(r->dir, RECORD_META);
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
		      "\"tick_ns\":%llu,\"tickless\":%d,\"taskstats_family\":%u,"
		      "\"delays_since\":%lld}\n",
		      (unsigned long long)clock_now(r->clock), (long long)r->realtime_offset_ns,
		      (long long)clock_boottime_offset(r->clock), host.ticks_per_second,
		      sysconf(_SC_PAGESIZE), host.cpus, (unsigned long long)host.tick_ns,
		      host.tickless, (unsigned int)usage_family, (long long)of->delays_since_ns);
	error = fwrite(b->data, 1, b->len, meta) == b->len ? 0 : -EIO;
	if (fclose(meta) != 0)
		error = -errno;
	strbuf_reset(b);
	return error;
}

static int open_files(struct recorder *r, const char *dir, const struct source *of,
		      uint16_t usage_family)
{
	int error;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	r->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (r->dir < 0)
		return -errno;
	if (!is_empty(r->dir))
		return -ENOTEMPTY;
	r->proc = capture_file_create(r->dir, RECORD_PROC);
	if (!r->proc)
		return -errno;
	error = capture_file_new(&r->netlink, r->dir, RECORD_NETLINK, RECORD_LINKTYPE,
				 PCAP_SNAPLEN, r->realtime_offset_ns);
	if (error < 0)
		return error;
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
	capture_file_free(r->netlink);
	for (size_t i = 0; i < r->n_packets; i++)
		capture_file_free(r->packets[i].file);
	if (r->proc)
		fclose(r->proc);
	if (r->dir >= 0)
		close(r->dir);
	strbuf_finish(&r->line);
	free(r);
	return NULL;
}

/* Lines come last: none tells of a packet that is not there. */
int recorder_flush(struct recorder *r)
{
	int error = capture_file_flush(r->netlink);

	for (size_t i = 0; error == 0 && i < r->n_packets; i++)
		error = capture_file_flush(r->packets[i].file);
	if (error == 0 && fflush(r->proc) != 0)
		error = -errno;
	if (error < 0)
		fail(r, error);
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

	if (r->error || len > sizeof(packet) - RECORD_PSEUDO_HEADER)
		return;
	memcpy(packet, pseudo, sizeof(pseudo));
	memcpy(packet + RECORD_PSEUDO_HEADER, raw, len);
	capture_write(r->netlink, RECORD_LINKTYPE, now_ns, packet, RECORD_PSEUDO_HEADER + len,
		      RECORD_PSEUDO_HEADER + len);
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

void recorder_stolen(struct recorder *r, const struct machine_stolen *sums)
{
	strbuf_printf(&r->line, "{\"why\":\"stolen\",\"time\":%llu,\"since\":%llu,\"busy\":%llu,"
		      "\"stolen\":%llu}",
		      (unsigned long long)sums->time_ns, (unsigned long long)sums->since_ns,
		      (unsigned long long)sums->busy_ns, (unsigned long long)sums->stolen_ns);
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

/* --- the network --- */

void recorder_network(struct recorder *r, uint32_t own, const struct network_account *account)
{
	strbuf_printf(&r->line, "{\"why\":\"network\",\"own\":%u", own);
	network_account_put(&r->line, account);
	strbuf_putc(&r->line, '}');
	write_line(r);
}

static struct packets *find_packets(struct recorder *r, uint32_t netns)
{
	for (size_t i = 0; i < r->n_packets; i++)
		if (r->packets[i].netns == netns)
			return &r->packets[i];
	return NULL;
}

static struct capture_file *refuse_packets(struct recorder *r, uint32_t netns, bool own, int error)
{
	if (own)
		fail(r, error);
	else if (!r->packets_refused)
		log_warning(r->log, "recording: packets of network namespace %u: %s: they are "
			    "not in it", netns, strerror(-error));
	r->packets_refused = true;
	return NULL;
}

struct capture_file *recorder_packets(struct recorder *r, uint32_t netns, bool own, int linktype)
{
	struct packets *p = find_packets(r, netns);
	char name[RECORD_PACKETS_NAME];
	int error;

	if (p)
		return p->file;
	if (r->n_packets == ARRAY_SIZE(r->packets))
		return refuse_packets(r, netns, own, -ENOSPC);
	p = &r->packets[r->n_packets];
	record_packets_name(name, netns, own);
	error = capture_file_new(&p->file, r->dir, name, linktype, PCAP_SNAPLEN,
				 r->realtime_offset_ns);
	if (error == -EEXIST)
		error = capture_file_append(&p->file, r->dir, name, linktype, PCAP_SNAPLEN,
					    r->realtime_offset_ns);
	if (error < 0)
		return refuse_packets(r, netns, own, error);
	p->netns = netns;
	r->n_packets++;
	return p->file;
}

static void write_network(struct recorder *r, const struct network_line *line)
{
	network_line_put(&r->line, line);
	write_line(r);
	r->network_told = true;
}

/* Packets that came in a row are one line, whose place among the others it keeps. */
static void end_run(struct recorder *r)
{
	if (r->run.u.packets)
		write_network(r, &r->run);
	r->run.u.packets = 0;
}

void recorder_packets_end(struct recorder *r, uint32_t netns)
{
	struct packets *p = find_packets(r, netns);
	int error;

	if (!p)
		return;
	if (r->run.netns == netns)
		end_run(r);
	error = capture_file_flush(p->file);
	if (error < 0)
		fail(r, error);
	capture_file_free(p->file);
	*p = r->packets[--r->n_packets];
}

static void tell(struct recorder *r, struct network_line *line)
{
	end_run(r);
	line->time_ns = r->network_ns;
	write_network(r, line);
}

static void tee_packet(void *data, uint32_t netns, const struct packet *p, uint64_t time_ns)
{
	const struct recorder_tee *tee = data;
	struct recorder *r = tee->recorder;

	if (netns != r->run.netns)
		end_run(r);
	/* A replay would miss what is in no file. */
	if (r->run.u.packets || find_packets(r, netns)) {
		r->run.kind = NETWORK_LINE_PACKETS;
		r->run.time_ns = r->network_ns;
		r->run.netns = netns;
		r->run.u.packets++;
	}
	tee->fns->packet(tee->data, netns, p, time_ns);
}

static void tee_record(void *data, const struct tracepoint_record *record)
{
	struct network_line line = { .kind = NETWORK_LINE_RECORD, .u.record = *record };
	const struct recorder_tee *tee = data;

	tell(tee->recorder, &line);
	tee->fns->record(tee->data, record);
}

static void tee_destroyed(void *data, uint32_t netns, const struct inet_diag_socket *s,
			  uint64_t time_ns)
{
	struct network_line line = { .kind = NETWORK_LINE_DESTROYED, .netns = netns,
				     .at_ns = time_ns, .u.socket = *s };
	const struct recorder_tee *tee = data;

	tell(tee->recorder, &line);
	tee->fns->destroyed(tee->data, netns, s, time_ns);
}

static void tee_existing(void *data, uint32_t netns, const struct inet_diag_socket *s)
{
	struct network_line line = { .kind = NETWORK_LINE_EXISTING, .netns = netns,
				     .u.socket = *s };
	const struct recorder_tee *tee = data;

	tell(tee->recorder, &line);
	tee->fns->existing(tee->data, netns, s);
}

static void tee_found(void *data, const struct network_found *found)
{
	struct network_line line = { .kind = NETWORK_LINE_FOUND, .netns = found->netns,
				     .u.found = *found };
	const struct recorder_tee *tee = data;

	tell(tee->recorder, &line);
	tee->fns->found(tee->data, found);
}

static void tee_udp(void *data, bool on, uint64_t time_ns)
{
	struct network_line line = { .kind = NETWORK_LINE_UDP,
				     .u.udp = { .on = on, .time_ns = time_ns } };
	const struct recorder_tee *tee = data;

	tell(tee->recorder, &line);
	tee->fns->udp(tee->data, on, time_ns);
}

static void tee_udp_process(void *data, int32_t tgid, bool on, uint64_t time_ns)
{
	struct network_line line = { .kind = NETWORK_LINE_UDP_PROCESS,
				     .u.udp = { .on = on, .tgid = tgid, .time_ns = time_ns } };
	const struct recorder_tee *tee = data;

	tell(tee->recorder, &line);
	if (tee->fns->udp_process)
		tee->fns->udp_process(tee->data, tgid, on, time_ns);
}

static void tee_lost(void *data, uint64_t records)
{
	struct network_line line = { .kind = NETWORK_LINE_LOST, .u.lost = records };
	const struct recorder_tee *tee = data;

	tell(tee->recorder, &line);
	tee->fns->lost(tee->data, records);
}

static void tee_entered(void *data, uint32_t netns, uint64_t since_ns)
{
	struct network_line line = { .kind = NETWORK_LINE_ENTERED, .netns = netns,
				     .at_ns = since_ns };
	const struct recorder_tee *tee = data;

	tell(tee->recorder, &line);
	tee->fns->entered(tee->data, netns, since_ns);
}

static void tee_left(void *data, uint32_t netns)
{
	struct network_line line = { .kind = NETWORK_LINE_LEFT, .netns = netns };
	const struct recorder_tee *tee = data;

	tell(tee->recorder, &line);
	tee->fns->left(tee->data, netns);
}

const struct network_fns recorder_tee_fns = {
	.packet = tee_packet,
	.record = tee_record,
	.destroyed = tee_destroyed,
	.existing = tee_existing,
	.found = tee_found,
	.udp = tee_udp,
	.udp_process = tee_udp_process,
	.lost = tee_lost,
	.entered = tee_entered,
	.left = tee_left,
};

void recorder_network_begin(struct recorder *r, uint64_t time_ns)
{
	end_run(r);
	r->network_ns = time_ns;
}

/* Is it as far behind the drain as it was then? UINT64_MAX never is. */
static bool keeps_pace(uint64_t until_ns, uint64_t now_ns, uint64_t last_until_ns, uint64_t last_ns)
{
	if (until_ns == UINT64_MAX || last_until_ns == UINT64_MAX)
		return until_ns == last_until_ns;
	return now_ns - until_ns - (last_ns - last_until_ns) + PACE_NS <= 2 * PACE_NS;
}

/* As long as nothing comes and nothing changes, a replay knows how far behind the drains it is. */
static bool is_news(const struct recorder *r, const struct network_line *now)
{
	const struct network_line *last = &r->drained;

	return r->network_told || !last->time_ns ||
	       !keeps_pace(now->u.drained.packets_until, now->time_ns,
			   last->u.drained.packets_until, last->time_ns) ||
	       !keeps_pace(now->u.drained.records_until, now->time_ns,
			   last->u.drained.records_until, last->time_ns) ||
	       !network_account_equal(&now->u.drained.account, &last->u.drained.account);
}

void recorder_network_end(struct recorder *r, uint64_t packets_until, uint64_t records_until,
			  const struct network_account *account)
{
	const struct network_line line = {
		.kind = NETWORK_LINE_DRAINED, .time_ns = r->network_ns,
		.u.drained = { packets_until, records_until, *account },
	};

	end_run(r);
	if (!is_news(r, &line))
		return;
	write_network(r, &line);
	r->drained = line;
	r->network_told = false;
}
