/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * json-c reads the JSON here: recordings come from users' bug reports, and a parser of hostile
 * text is not what pevent exists for.
 */
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/netlink.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"
#include "record_names.h"
#include "util/list.h"
#include "util/macro.h"

#define META_MAX 65536

/* What a line of proc.jsonl is about. */
enum kind {
	KIND_EXEC, KIND_SCAN, KIND_SCANNED, KIND_SAMPLE, KIND_LAST, KIND_DROPS, KIND_PROBE,
	KIND_MACHINE, KIND_OOM, KIND_COUNT
};

static const struct {
	const char *why, *time;		/* the key that says when it was written */
} kinds[KIND_COUNT] = {
	[KIND_EXEC] = { "exec", "time" },	[KIND_SCAN] = { "scan", "begin" },
	[KIND_SCANNED] = { "scanned", "time" }, [KIND_SAMPLE] = { "sample", "time" },
	[KIND_LAST] = { "last", "time" },	[KIND_DROPS] = { "drops", "time" },
	[KIND_PROBE] = { "probe", "begin" },	[KIND_MACHINE] = { "machine", "time" },
	[KIND_OOM] = { "oom", "time" },
};

/* A line that was read and is not used yet. */
struct line {
	struct list list;
	struct json_object *object;
	uint64_t time_ns;
};

struct replay {
	struct source source;
	pcap_t *pcap;
	FILE *proc;
	char *text;			/* getline's */
	size_t text_size;
	uint64_t line_number;
	struct list lines[KIND_COUNT];	/* each kind in the order of the file */
	uint64_t read_until_ns;		/* time of the last line read */
	struct cn_event held;		/* first message of the next drain, */
	struct taskstats_record held_usage;	/* if it is an exit record */
	uint64_t held_ns;
	bool have_held, held_is_usage, ended;
	uint16_t usage_family;
	bool truncated;			/* netlink.pcap stops in the middle */
	struct source_drops drops;
	struct strbuf record;		/* given out last, */
	uint64_t record_ns;		/* for the EXEC of that time, */
	int32_t record_pid;		/* and that process; 0: none */
	uint64_t malformed, exec_read, usage_received;
	struct clock *clock;
	const struct log *log;
};

static struct replay *replay_of(struct source *s)
{
	return CONTAINER_OF(s, struct replay, source);
}

static int64_t get_int(struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) ? json_object_get_int64(v) : 0;
}

static int kind_of(struct json_object *o)
{
	struct json_object *why;

	if (!json_object_is_type(o, json_type_object) ||
	    !json_object_object_get_ex(o, "why", &why) ||
	    !json_object_is_type(why, json_type_string))
		return -1;
	for (int i = 0; i < KIND_COUNT; i++)
		if (!strcmp(json_object_get_string(why), kinds[i].why))
			return i;
	return -1;
}

/* Reads one line to its queue; false at the end. Others than ours are passed over. */
static bool read_line(struct replay *r)
{
	while (getline(&r->text, &r->text_size, r->proc) > 0) {
		struct json_object *o = json_tokener_parse(r->text);
		int kind = kind_of(o);
		struct line *line = kind < 0 ? NULL : malloc(sizeof(*line));

		r->line_number++;
		if (line) {
			line->object = o;
			line->time_ns = (uint64_t)get_int(o, kinds[kind].time);
			r->read_until_ns = line->time_ns;
			list_append(&r->lines[kind], &line->list);
			return true;
		}
		json_object_put(o);
		log_warning(r->log, "%s: line %llu: not of a recording", RECORD_PROC,
			    (unsigned long long)r->line_number);
	}
	return false;
}

static struct line *first_line(struct replay *r, enum kind kind)
{
	if (list_empty(&r->lines[kind]))
		return NULL;
	return CONTAINER_OF(r->lines[kind].next, struct line, list);
}

/* The next line of a kind, however far ahead; NULL: there is none. */
static struct json_object *find_line(struct replay *r, enum kind kind)
{
	while (list_empty(&r->lines[kind]))
		if (!read_line(r))
			return NULL;
	return first_line(r, kind)->object;
}

/*
 * The next line of a kind that was written before the next drain. Lines are written in order of
 * time, but for the times of /proc reads, which are a little before.
 */
static struct json_object *find_line_now(struct replay *r, enum kind kind)
{
	uint64_t until = r->have_held ? r->held_ns : UINT64_MAX;
	struct line *line;

	while (r->read_until_ns <= until && read_line(r))
		;
	line = first_line(r, kind);
	return line && line->time_ns <= until ? line->object : NULL;
}

static void drop_line(struct replay *r, enum kind kind)
{
	struct line *line = first_line(r, kind);

	list_remove(&line->list);
	json_object_put(line->object);
	free(line);
}

/* Code points U+0000 to U+00FF back to bytes; others cannot be in a recording of ours: '?'. */
static int32_t put_bytes(struct strbuf *b, struct json_object *v)
{
	const unsigned char *s = (const unsigned char *)json_object_get_string(v);
	size_t len = (size_t)json_object_get_string_len(v), start = b->len;

	for (size_t i = 0; i < len; i++) {
		if (s[i] < 0x80) {
			strbuf_putc(b, (char)s[i]);
		} else if ((s[i] == 0xc2 || s[i] == 0xc3) && i + 1 < len) {
			strbuf_putc(b, (char)((s[i] & 3) << 6 | (s[i + 1] & 0x3f)));
			i++;
		} else if ((s[i] & 0xc0) != 0x80) {
			strbuf_putc(b, '?');
		}
	}
	return (int32_t)(b->len - start);
}

/* A line about a process as the record it was made from; appended. */
static void put_record(struct strbuf *b, struct json_object *o)
{
	struct proc_read head = {
		.event_ns = (uint64_t)get_int(o, "event"), .read_ns = (uint64_t)get_int(o, "time"),
		.pid = (int32_t)get_int(o, "pid"), .cmdline_cut = get_int(o, "cut") != 0,
	};
	size_t start = b->len;

	strbuf_append(b, &head, sizeof(head));
	for (unsigned int i = 0; i < PROC_FILE_COUNT; i++) {
		struct json_object *v;

		head.result[i] = -ENODATA;
		if (!json_object_object_get_ex(o, record_file_names[i], &v))
			continue;
		if (json_object_is_type(v, json_type_string))
			head.result[i] = put_bytes(b, v);
		else
			head.result[i] = MIN((int32_t)json_object_get_int64(v), -1);
	}
	if (!b->failed)
		memcpy(b->data + start, &head, sizeof(head));
}

/* The message of a packet; the pseudo header's last two bytes are the protocol. */
static bool decode_packet(struct replay *r, const u_char *data, size_t len)
{
	if (len < RECORD_PSEUDO_HEADER)
		return false;
	r->held_is_usage = data[15] == NETLINK_GENERIC;
	data += RECORD_PSEUDO_HEADER;
	len -= RECORD_PSEUDO_HEADER;
	if (r->held_is_usage)
		return taskstats_decode(data, len, r->usage_family, &r->held_usage) == 0;
	return cn_decode(data, len, &r->held) == 0;
}

/* The next message, if there is one; anything else in the file is counted. */
static void hold_next(struct replay *r)
{
	struct pcap_pkthdr *head;
	const u_char *data;
	int got;

	r->have_held = false;
	while ((got = pcap_next_ex(r->pcap, &head, &data)) == 1) {
		if (!decode_packet(r, data, head->caplen)) {
			r->malformed++;
			continue;
		}
		r->held_ns = (uint64_t)head->ts.tv_sec * NSEC_PER_SEC +
			     (uint64_t)head->ts.tv_usec -
			     (uint64_t)r->clock->realtime_offset_ns;
		r->have_held = true;
		return;
	}
	if (got == PCAP_ERROR) {
		r->truncated = true;
		log_error(r->log, -EBADMSG, "%s: %s", RECORD_NETLINK, pcap_geterr(r->pcap));
	}
}

/* All messages of one drain carry its time. */
static int replay_drain(struct source *s, unsigned int max,
			void (*fn)(void *, const struct cn_event *), void *data)
{
	struct replay *r = replay_of(s);
	uint64_t now = r->held_ns;
	unsigned int count = 0;

	if (!r->have_held || r->ended) {
		r->ended = true;
		return r->truncated ? -EBADMSG : -ENODATA;
	}
	r->clock->now_ns = MAX(r->clock->now_ns, now);
	while (r->have_held && !r->held_is_usage && r->held_ns == now && count < max) {
		fn(data, &r->held);
		hold_next(r);
		count++;
	}
	return (int)count;
}

static int replay_drain_usage(struct source *s, void (*fn)(void *, const struct taskstats_record *),
			      void *data)
{
	struct replay *r = replay_of(s);
	int count = 0;

	while (r->have_held && r->held_is_usage && r->held_ns == r->clock->now_ns && !r->ended) {
		fn(data, &r->held_usage);
		hold_next(r);
		count++;
	}
	r->usage_received += (uint64_t)count;
	return count;
}

static int replay_drops(struct source *s, struct source_drops *ret)
{
	struct replay *r = replay_of(s);
	struct json_object *o;

	while ((o = find_line_now(r, KIND_DROPS))) {
		r->drops.total = (uint32_t)get_int(o, "total");
		r->drops.queued = (uint32_t)get_int(o, "queued");
		r->drops.usage_total = (uint32_t)get_int(o, "usage_total");
		r->drops.usage_queued = (uint32_t)get_int(o, "usage_queued");
		drop_line(r, KIND_DROPS);
	}
	*ret = r->drops;
	return 0;
}

static int replay_scan(struct source *s, bool first, struct strbuf *ret, uint64_t *ret_begin,
		       uint64_t *ret_end)
{
	struct replay *r = replay_of(s);
	struct json_object *o = first ? find_line(r, KIND_SCAN) : find_line_now(r, KIND_SCAN);
	uint64_t begin, end;

	if (!o)
		return -ENOENT;
	begin = (uint64_t)get_int(o, "begin");
	end = (uint64_t)get_int(o, "end");
	drop_line(r, KIND_SCAN);
	/* Its processes follow it without a gap, each read before the scan's end. */
	while ((o = find_line(r, KIND_SCANNED)) &&
	       first_line(r, KIND_SCANNED)->time_ns <= end) {
		size_t at = ret->len;
		uint32_t len = 0;

		strbuf_append(ret, &len, sizeof(len));
		put_record(ret, o);
		drop_line(r, KIND_SCANNED);
		if (ret->failed)
			return -ENOMEM;
		len = (uint32_t)(ret->len - at - sizeof(len));
		memcpy(ret->data + at, &len, sizeof(len));
	}
	*ret_begin = begin;
	*ret_end = end;
	return 0;
}

static enum source_answer replay_exec_get(struct source *s, uint32_t cpu, int32_t pid,
					  uint64_t event_ns, const void **ret, size_t *ret_len)
{
	struct replay *r = replay_of(s);
	struct json_object *o;

	(void)cpu;
	if (r->record_pid == pid && r->record_ns == event_ns)
		goto found;
	while ((o = find_line(r, KIND_EXEC)) && (uint64_t)get_int(o, "event") < event_ns)
		drop_line(r, KIND_EXEC);
	if (!o || (uint64_t)get_int(o, "event") != event_ns || get_int(o, "pid") != pid)
		return SOURCE_MISSED;
	strbuf_reset(&r->record);
	put_record(&r->record, o);
	drop_line(r, KIND_EXEC);
	r->record_pid = 0;
	if (r->record.failed)
		return SOURCE_MISSED;
	r->exec_read++;
	r->record_pid = pid;
	r->record_ns = event_ns;
found:
	*ret = r->record.data;
	*ret_len = r->record.len;
	return SOURCE_RECORD;
}

static int replay_sample(struct source *s, _unused_ int32_t pid, bool last, const void **ret,
			 size_t *ret_len)
{
	const enum kind kind = last ? KIND_LAST : KIND_SAMPLE;
	struct replay *r = replay_of(s);
	struct json_object *o = find_line_now(r, kind);

	if (!o)
		return -ENOENT;
	strbuf_reset(&r->record);
	put_record(&r->record, o);
	r->record_pid = 0;
	drop_line(r, kind);
	if (r->record.failed)
		return -ENOMEM;
	*ret = r->record.data;
	*ret_len = r->record.len;
	return 0;
}

static int replay_machine(struct source *s, struct source_machine *ret, uint64_t *ret_ns)
{
	struct replay *r = replay_of(s);
	struct json_object *o = find_line_now(r, KIND_MACHINE), *load;

	if (!o)
		return -ENOENT;
	*ret = (struct source_machine){
		.cpu_busy_ns = (uint64_t)get_int(o, "busy"),
		.cpu_idle_ns = (uint64_t)get_int(o, "idle"),
		.memory_total = (uint64_t)get_int(o, "memory"),
		.memory_available = (uint64_t)get_int(o, "available"),
	};
	if (json_object_object_get_ex(o, "load", &load) &&
	    json_object_is_type(load, json_type_array))
		for (size_t i = 0; i < ARRAY_SIZE(ret->load); i++)
			ret->load[i] = (uint32_t)json_object_get_int64(
				json_object_array_get_idx(load, i));
	*ret_ns = (uint64_t)get_int(o, "time");
	r->clock->now_ns = MAX(r->clock->now_ns, *ret_ns);
	drop_line(r, KIND_MACHINE);
	return 0;
}

/* Those before it are of processes that this replay's limits keep out. */
static bool replay_oom_killed(struct source *s, int32_t pid, uint64_t exit_ns)
{
	struct replay *r = replay_of(s);
	struct json_object *o;
	bool killed;

	while ((o = find_line_now(r, KIND_OOM))) {
		if ((uint64_t)get_int(o, "exit") > exit_ns)
			return false;
		killed = (uint64_t)get_int(o, "exit") == exit_ns && get_int(o, "pid") == pid;
		drop_line(r, KIND_OOM);
		if (killed)
			return true;
	}
	return false;
}

static int replay_probe(struct source *s, struct source_probe *ret)
{
	struct replay *r = replay_of(s);
	struct json_object *o = find_line_now(r, KIND_PROBE);

	if (!o)
		return -ENOENT;
	*ret = (struct source_probe){ .pid = (int32_t)get_int(o, "pid"),
				      .begin_ns = (uint64_t)get_int(o, "begin"),
				      .end_ns = (uint64_t)get_int(o, "end") };
	drop_line(r, KIND_PROBE);
	return 0;
}

static int replay_reopen(struct source *s, void (*fn)(void *, const struct cn_event *), void *data)
{
	(void)s;
	(void)fn;
	(void)data;
	return 0;
}

static void replay_stop(struct source *s)
{
	replay_of(s)->ended = true;
}

static void replay_account(const struct source *s, struct source_account *ret)
{
	const struct replay *r = CONTAINER_OF(s, const struct replay, source);

	*ret = (struct source_account){ .exec_read = r->exec_read, .connector = "replay",
					.exec_reader = "replay", .exec_active = true,
					.usage = "replay", .usage_active = s->usage,
					.usage_received = r->usage_received };
	if (r->malformed)
		snprintf(ret->connector, sizeof(ret->connector),
			 "replay, %llu messages not understood", (unsigned long long)r->malformed);
}

static void replay_free(struct source *s)
{
	struct replay *r = replay_of(s);

	for (int i = 0; i < KIND_COUNT; i++)
		while (!list_empty(&r->lines[i]))
			drop_line(r, i);
	if (r->pcap)
		pcap_close(r->pcap);
	if (r->proc)
		fclose(r->proc);
	free(r->text);
	strbuf_finish(&r->record);
	free(r);
}

static const struct source_ops replay_ops = {
	.drain = replay_drain,
	.drain_usage = replay_drain_usage,
	.sample = replay_sample,
	.machine = replay_machine,
	.oom_killed = replay_oom_killed,
	.drops = replay_drops,
	.scan = replay_scan,
	.exec_get = replay_exec_get,
	.probe = replay_probe,
	.reopen = replay_reopen,
	.stop = replay_stop,
	.account = replay_account,
	.free = replay_free,
};

static FILE *open_in(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? NULL : fdopen(fd, "r");
}

static void copy_string(struct json_object *o, const char *key, char *to, size_t size)
{
	struct json_object *v;

	if (json_object_object_get_ex(o, key, &v))
		snprintf(to, size, "%s", json_object_get_string(v));
}

static int read_meta(struct replay *r, int dir, struct source_host *host)
{
	_cleanup_(free_p) char *text = calloc(1, META_MAX);
	FILE *f = open_in(dir, RECORD_META);
	struct json_object *o;
	int64_t ticks;

	if (!f)
		return log_error(r->log, -errno, "%s: %s", RECORD_META, strerror(errno));
	if (text)
		(void)!fread(text, 1, META_MAX - 1, f);
	fclose(f);
	o = text ? json_tokener_parse(text) : NULL;
	ticks = json_object_is_type(o, json_type_object) ? get_int(o, "ticks_per_second") : 0;
	if (ticks < 1 || ticks > 1000000 || get_int(o, "format") != 1) {
		json_object_put(o);
		return log_error(r->log, -EBADMSG, "%s: not of a recording", RECORD_META);
	}
	copy_string(o, "nodename", host->nodename, sizeof(host->nodename));
	copy_string(o, "release", host->release, sizeof(host->release));
	copy_string(o, "machine", host->machine, sizeof(host->machine));
	copy_string(o, "boot_id", host->boot_id, sizeof(host->boot_id));
	host->ticks_per_second = (uint32_t)ticks;
	host->cpus = (uint32_t)get_int(o, "cpus");
	host->tick_ns = (uint64_t)MAX(get_int(o, "tick_ns"), 0);
	r->usage_family = (uint16_t)get_int(o, "taskstats_family");
	r->source.usage = r->usage_family != 0;
	/* -1 there is UINT64_MAX here: never. */
	if (json_object_object_get_ex(o, "delays_since", NULL))
		r->source.delays_since_ns = (uint64_t)get_int(o, "delays_since");
	*r->clock = (struct clock){ .is_virtual = true, .now_ns = (uint64_t)get_int(o, "started"),
				    .realtime_offset_ns = get_int(o, "realtime_offset"),
				    .boottime_offset_ns = get_int(o, "boottime_offset") };
	json_object_put(o);
	return 0;
}

static int open_netlink(struct replay *r, int dir)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *f = open_in(dir, RECORD_NETLINK);

	if (!f)
		return log_error(r->log, -errno, "%s: %s", RECORD_NETLINK, strerror(errno));
	r->pcap = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!r->pcap) {
		fclose(f);
		return log_error(r->log, -EBADMSG, "%s: %s", RECORD_NETLINK, why);
	}
	if (pcap_datalink(r->pcap) != RECORD_LINKTYPE)
		return log_error(r->log, -EBADMSG, "%s: link type %d, not netlink", RECORD_NETLINK,
				 pcap_datalink(r->pcap));
	return 0;
}

int replay_new(struct source **ret, const char *path, struct clock *clock, struct source_host *host,
	       const struct log *log)
{
	_cleanup_(close_p) int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct source_host host_before = *host;
	const struct clock clock_before = *clock;
	struct replay *r;
	int error;

	if (dir < 0)
		return log_error(log, -errno, "%s: %s", path, strerror(errno));
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = (struct replay){ .source = { .ops = &replay_ops, .fd = -1,
					  .delays_since_ns = UINT64_MAX }, .clock = clock,
			      .log = log };
	for (int i = 0; i < KIND_COUNT; i++)
		list_init(&r->lines[i]);
	error = read_meta(r, dir, host);
	if (error == 0)
		error = open_netlink(r, dir);
	if (error == 0) {
		r->proc = open_in(dir, RECORD_PROC);
		if (!r->proc)
			error = log_error(log, -errno, "%s: %s", RECORD_PROC, strerror(errno));
	}
	if (error < 0) {
		replay_free(&r->source);
		*clock = clock_before;
		*host = host_before;
		return error;
	}
	hold_next(r);
	*ret = &r->source;
	return 0;
}
