/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "network_replay.h"
#include "record.h"
#include "replay_lines.h"
#include "util/macro.h"

#define META_MAX 65536
#define FIRST_TOTALS_NS NSEC_PER_SEC	/* they are written within that time of the first scan */
#define OOM_TOLD_NS NSEC_PER_SEC	/* so is a victim, of its exit, */
#define EXEC_TOLD_NS NSEC_PER_SEC	/* and what was read of an EXEC, of the drain after it */

struct replay {
	struct source source;
	pcap_t *pcap;
	struct replay_lines lines;
	struct network_replay network;
	struct cn_event held;		/* first message of the next drain, */
	struct taskstats_record held_usage;	/* if it is an exit record */
	uint64_t held_ns, drain_ns;	/* time of that drain, of the last one */
	uint64_t scan_end_ns;		/* of the last scan */
	bool have_held, held_is_usage, ended;
	uint16_t usage_family;
	bool truncated;			/* netlink.pcap stops in the middle */
	struct source_drops drops;
	struct strbuf record;		/* given out last, */
	uint64_t record_ns;		/* for the EXEC of that time, */
	int32_t record_pid;		/* and that process; 0: none */
	struct strbuf sample;		/* given out last */
	uint64_t malformed, exec_read, usage_received;
	struct clock *clock;
	const struct log *log;
};

static struct replay *replay_of(struct source *s)
{
	return CONTAINER_OF(s, struct replay, source);
}

/* Time of the next drain, of messages or of the network; UINT64_MAX: there is none. */
static uint64_t now_of(struct replay *r)
{
	return network_replay_next(&r->network, r->drain_ns,
				   r->have_held ? r->held_ns : UINT64_MAX);
}

static struct json_object *find_line(struct replay *r, enum replay_kind kind)
{
	return replay_lines_find(&r->lines, kind);
}

static struct json_object *find_line_now(struct replay *r, enum replay_kind kind)
{
	return replay_lines_find_until(&r->lines, kind, now_of(r));
}

static void drop_line(struct replay *r, enum replay_kind kind)
{
	replay_lines_drop(&r->lines, kind);
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
	uint64_t next_ns = r->truncated ? UINT64_MAX : now_of(r);
	unsigned int count = 0;

	if (r->ended || (!r->have_held && next_ns == UINT64_MAX)) {
		r->ended = true;
		return r->truncated ? -EBADMSG : -ENODATA;
	}
	r->drain_ns = next_ns;
	r->clock->now_ns = MAX(r->clock->now_ns, r->drain_ns);
	while (r->have_held && !r->held_is_usage && r->held_ns == r->drain_ns && count < max) {
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

	while (r->have_held && r->held_is_usage && r->held_ns == r->drain_ns && !r->ended) {
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

	while ((o = find_line_now(r, REPLAY_DROPS))) {
		r->drops.total = (uint32_t)replay_int(o, "total");
		r->drops.queued = (uint32_t)replay_int(o, "queued");
		r->drops.usage_total = (uint32_t)replay_int(o, "usage_total");
		r->drops.usage_queued = (uint32_t)replay_int(o, "usage_queued");
		drop_line(r, REPLAY_DROPS);
	}
	*ret = r->drops;
	return 0;
}

static int replay_scan(struct source *s, bool first, struct strbuf *ret, uint64_t *ret_begin,
		       uint64_t *ret_end)
{
	struct replay *r = replay_of(s);
	struct json_object *o = first ? find_line(r, REPLAY_SCAN) : find_line_now(r, REPLAY_SCAN);
	uint64_t begin, end;

	if (!o)
		return -ENOENT;
	begin = (uint64_t)replay_int(o, "begin");
	end = (uint64_t)replay_int(o, "end");
	drop_line(r, REPLAY_SCAN);
	while ((o = replay_lines_find_scanned(&r->lines, end))) {
		size_t at = ret->len;
		uint32_t len = 0;

		strbuf_append(ret, &len, sizeof(len));
		replay_put_record(ret, o);
		drop_line(r, REPLAY_SCANNED);
		if (ret->failed)
			return -ENOMEM;
		len = (uint32_t)(ret->len - at - sizeof(len));
		memcpy(ret->data + at, &len, sizeof(len));
	}
	r->scan_end_ns = end;
	*ret_begin = begin;
	*ret_end = end;
	return 0;
}

static enum source_answer replay_exec_get(struct source *s, uint32_t cpu, int32_t pid,
					  uint64_t event_ns, const void **ret, size_t *ret_len)
{
	struct replay *r = replay_of(s);
	uint64_t until = MAX(now_of(r), event_ns);
	struct json_object *o;

	(void)cpu;
	until = until < UINT64_MAX - EXEC_TOLD_NS ? until + EXEC_TOLD_NS : UINT64_MAX;
	if (r->record_pid && r->record_pid == pid && r->record_ns == event_ns)
		goto found;
	while ((o = replay_lines_find_until(&r->lines, REPLAY_EXEC, until)) &&
	       (uint64_t)replay_int(o, "event") < event_ns)
		drop_line(r, REPLAY_EXEC);
	if (!o || (uint64_t)replay_int(o, "event") != event_ns || replay_int(o, "pid") != pid)
		return SOURCE_MISSED;
	strbuf_reset(&r->record);
	replay_put_record(&r->record, o);
	drop_line(r, REPLAY_EXEC);
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

static int replay_next_sample(struct source *s, uint64_t before_ns, bool last, const void **ret,
			      size_t *ret_len)
{
	const enum replay_kind kind = last ? REPLAY_LAST : REPLAY_SAMPLE;
	struct replay *r = replay_of(s);
	struct json_object *o;

	if (!before_ns)
		return -ENOENT;
	o = replay_lines_find_until(&r->lines, kind, MIN(now_of(r), before_ns - 1));
	if (!o)
		return -ENOENT;
	strbuf_reset(&r->sample);
	replay_put_record(&r->sample, o);
	drop_line(r, kind);
	if (r->sample.failed)
		return -ENOMEM;
	*ret = r->sample.data;
	*ret_len = r->sample.len;
	return 0;
}

/* The first ones follow the first scan; an old recording has none. */
static int replay_machine(struct source *s, bool last, struct source_machine *ret,
			  uint64_t *ret_ns)
{
	struct replay *r = replay_of(s);
	uint64_t until = last ? now_of(r) : r->scan_end_ns + FIRST_TOTALS_NS;
	struct json_object *o = replay_lines_find_until(&r->lines, REPLAY_MACHINE, until), *load;

	if (!o)
		return -ENOENT;
	*ret = (struct source_machine){
		.cpu_busy_ns = (uint64_t)replay_int(o, "busy"),
		.cpu_idle_ns = (uint64_t)replay_int(o, "idle"),
		.memory_total = (uint64_t)replay_int(o, "memory"),
		.memory_available = (uint64_t)replay_int(o, "available"),
	};
	if (json_object_object_get_ex(o, "load", &load) &&
	    json_object_is_type(load, json_type_array))
		for (size_t i = 0; i < ARRAY_SIZE(ret->load); i++)
			ret->load[i] = (uint32_t)json_object_get_int64(
				json_object_array_get_idx(load, i));
	*ret_ns = (uint64_t)replay_int(o, "time");
	if (last)
		r->clock->now_ns = MAX(r->clock->now_ns, *ret_ns);
	drop_line(r, REPLAY_MACHINE);
	return 0;
}

static int replay_stolen(struct source *s, uint64_t since_ns, struct machine_stolen *ret)
{
	struct replay *r = replay_of(s);
	struct json_object *o = find_line_now(r, REPLAY_STOLEN);

	(void)since_ns;
	if (!o)
		return -EAGAIN;
	*ret = (struct machine_stolen){
		.time_ns = (uint64_t)replay_int(o, "time"),
		.since_ns = (uint64_t)replay_int(o, "since"),
		.busy_ns = (uint64_t)replay_int(o, "busy"),
		.stolen_ns = (uint64_t)replay_int(o, "stolen"),
	};
	drop_line(r, REPLAY_STOLEN);
	return 0;
}

/*
 * The line was written when the EXIT left the order of time, which may have been a drain later than
 * it is here. Those before it are of processes that this replay's limits keep out.
 */
static bool replay_oom_killed(struct source *s, int32_t pid, uint64_t exit_ns)
{
	struct replay *r = replay_of(s);
	uint64_t until = MAX(now_of(r), exit_ns + OOM_TOLD_NS), exit_of;
	struct json_object *o;
	bool killed;

	while ((o = replay_lines_find_until(&r->lines, REPLAY_OOM, until))) {
		exit_of = (uint64_t)replay_int(o, "exit");
		killed = exit_of == exit_ns && replay_int(o, "pid") == pid;
		if (!killed && exit_of >= exit_ns)
			break;
		drop_line(r, REPLAY_OOM);
		if (killed)
			return true;
	}
	return false;
}

static int replay_probe(struct source *s, struct source_probe *ret)
{
	struct replay *r = replay_of(s);
	struct json_object *o = find_line_now(r, REPLAY_PROBE);

	if (!o)
		return -ENOENT;
	*ret = (struct source_probe){ .pid = (int32_t)replay_int(o, "pid"),
				      .begin_ns = (uint64_t)replay_int(o, "begin"),
				      .end_ns = (uint64_t)replay_int(o, "end") };
	drop_line(r, REPLAY_PROBE);
	return 0;
}

static int replay_reopen(struct source *s, void (*fn)(void *, const struct cn_event *), void *data)
{
	(void)s;
	(void)fn;
	(void)data;
	return 0;
}

static void replay_close_usage(struct source *s)
{
	s->usage = false;
	s->usage_silent = true;
}

/* The first one comes before the first scan, and before all messages. */
static int replay_drain_network(struct source *s, const struct network_fns *fns, void *data)
{
	struct replay *r = replay_of(s);
	struct network_replay *n = &r->network;
	uint64_t until = r->drain_ns;
	int error;

	s->network_ns = r->drain_ns;
	if (!r->scan_end_ns) {
		until = replay_lines_next_time(&r->lines, REPLAY_SCAN, UINT64_MAX);
		s->network_ns = replay_lines_next_time(&r->lines, REPLAY_SOCKET, until);
	}
	error = network_replay_drain(n, until, fns, data);
	s->packets_until_ns = network_replay_packets_until(n, r->drain_ns);
	s->records_until_ns = network_replay_records_until(n, r->drain_ns);
	s->packets_lost = n->account.packets_dropped;
	s->notices_lost = n->account.notices_lost;
	return error;
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
					.usage_active = s->usage,
					.usage_received = r->usage_received,
					.network = r->network.account };
	snprintf(ret->usage, sizeof(ret->usage), "%s",
		 s->usage_silent ? SOURCE_USAGE_SILENT : "replay");
	snprintf(ret->network.packets_state, sizeof(ret->network.packets_state), "%s",
		 r->network.recorded ? "replay" : "not recorded");
	memcpy(ret->network.sockets_state, ret->network.packets_state,
	       sizeof(ret->network.sockets_state));
	if (r->malformed)
		snprintf(ret->connector, sizeof(ret->connector),
			 "replay, %llu messages not understood", (unsigned long long)r->malformed);
}

static void replay_free(struct source *s)
{
	struct replay *r = replay_of(s);

	network_replay_finish(&r->network);
	replay_lines_finish(&r->lines);
	if (r->pcap)
		pcap_close(r->pcap);
	strbuf_finish(&r->record);
	strbuf_finish(&r->sample);
	free(r);
}

static const struct source_ops replay_ops = {
	.drain = replay_drain,
	.drain_network = replay_drain_network,
	.drain_usage = replay_drain_usage,
	.close_usage = replay_close_usage,
	.next_sample = replay_next_sample,
	.machine = replay_machine,
	.stolen = replay_stolen,
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
	ticks = json_object_is_type(o, json_type_object) ? replay_int(o, "ticks_per_second") : 0;
	if (ticks < 1 || ticks > 1000000 || replay_int(o, "format") != 1) {
		json_object_put(o);
		return log_error(r->log, -EBADMSG, "%s: not of a recording", RECORD_META);
	}
	copy_string(o, "nodename", host->nodename, sizeof(host->nodename));
	copy_string(o, "release", host->release, sizeof(host->release));
	copy_string(o, "machine", host->machine, sizeof(host->machine));
	copy_string(o, "boot_id", host->boot_id, sizeof(host->boot_id));
	host->ticks_per_second = (uint32_t)ticks;
	host->cpus = (uint32_t)replay_int(o, "cpus");
	host->tick_ns = (uint64_t)MAX(replay_int(o, "tick_ns"), 0);
	host->tickless = replay_int(o, "tickless") != 0;
	r->usage_family = (uint16_t)replay_int(o, "taskstats_family");
	r->source.usage = r->usage_family != 0;
	/* -1 there is UINT64_MAX here: never. */
	if (json_object_object_get_ex(o, "delays_since", NULL))
		r->source.delays_since_ns = (uint64_t)replay_int(o, "delays_since");
	*r->clock = (struct clock){ .is_virtual = true,
				    .now_ns = (uint64_t)replay_int(o, "started"),
				    .realtime_offset_ns = replay_int(o, "realtime_offset"),
				    .boottime_offset_ns = replay_int(o, "boottime_offset") };
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

static int open_lines(struct replay *r, int dir)
{
	FILE *f = open_in(dir, RECORD_PROC);
	int error;

	if (!f)
		return log_error(r->log, -errno, "%s: %s", RECORD_PROC, strerror(errno));
	replay_lines_init(&r->lines, f, r->log);
	error = network_replay_init(&r->network, dir, &r->lines, r->clock->realtime_offset_ns,
				    r->log);
	r->source.network = r->network.account.captures;
	r->source.notices = r->network.account.notices_open;
	r->source.records = r->network.account.perf;
	r->source.lookups = r->network.account.lookups;
	r->source.own_netns = r->network.own;
	return error;
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
	*r = (struct replay){ .source = { .ops = &replay_ops, .fd = -1, .network_fd = -1,
					  .delays_since_ns = UINT64_MAX }, .clock = clock,
			      .log = log };
	error = read_meta(r, dir, host);
	if (error == 0)
		error = open_netlink(r, dir);
	if (error == 0)
		error = open_lines(r, dir);
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
