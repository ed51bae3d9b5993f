/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings made by hand, and a context that replays them. */
#ifndef RECORDING_RIG_H
#define RECORDING_RIG_H

#include <errno.h>
#include <pcap/pcap.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pevent/pevent.h"
#include "test.h"
#include "usage_rig.h"

#define LINKTYPE_NETLINK 253
#define REALTIME 1000000000000000000	/* offset of the recordings' clocks */
#define MS UINT64_C(1000000)

_test_ const char meta[] =
	"{\"format\":1,\"nodename\":\"host\",\"release\":\"6.1.0\",\"machine\":\"x86_64\","
	"\"boot_id\":\"00000000-1111-2222-3333-444444444444\",\"started\":1000000000,"
	"\"realtime_offset\":1000000000000000000,\"boottime_offset\":0,"
	"\"ticks_per_second\":100,\"page_size\":4096,\"cpus\":2}\n";
_test_ const char meta_of_usage[] =
	"{\"format\":1,\"started\":1000000000,\"realtime_offset\":1000000000000000000,"
	"\"boottime_offset\":0,\"ticks_per_second\":100,\"taskstats_family\":26}\n";
_test_ const char scan_of_10[] =
	"{\"why\":\"scan\",\"begin\":1000000000,\"end\":1001000000}\n"
	"{\"why\":\"scanned\",\"event\":0,\"time\":1000500000,\"pid\":10,\"cut\":0,"
	"\"stat\":\"10 (shell) S 1 10 10 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 50 0 0 0 0 0 0 0 0 0 0 0 "
	"0 0 0 0 0 0 0 0 0 0 0 0 0 0 4096 4103\\u000a\",\"cmdline\":\"sh\\u0000-l\\u0000\","
	"\"exe\":\"/bin/sh\",\"status\":\"Uid:\\u00090\\u00090\\u000aGid:\\u00090\\u00090\\u000a\","
	"\"cgroup\":\"0::/x\\u000a\",\"cwd\":\"/\",\"loginuid\":\"1000\"}\n";

_test_ char dir[64];
_test_ char logged[4096];
_test_ pcap_t *pcap;
_test_ pcap_dumper_t *dumper;
_test_ uint32_t seq;

_test_ void on_log(void *data, enum pevent_log_level level, const char *message)
{
	size_t len = strlen(logged);

	(void)data;
	(void)level;
	snprintf(logged + len, sizeof(logged) - len, "%s\n", message);
}

_test_ const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

_test_ void put_file(const char *name, const char *text)
{
	FILE *f = fopen(path_of(name), "ae");

	CHECK(f);
	CHECK(fputs(text, f) >= 0);
	CHECK_EQ(fclose(f), 0);
}

_test_ void make_dir(void)
{
	strcpy(dir, "/tmp/pevent-unit-XXXXXX");
	CHECK(mkdtemp(dir));
	logged[0] = '\0';
	seq = 0;
}

_test_ void remove_dir(void)
{
	(void)unlink(path_of("netlink.pcap"));
	(void)unlink(path_of("proc.jsonl"));
	(void)unlink(path_of("meta.json"));
	CHECK_EQ(rmdir(dir), 0);
}

_test_ void open_pcap(int link_type)
{
	pcap = pcap_open_dead_with_tstamp_precision(link_type, 65535, PCAP_TSTAMP_PRECISION_NANO);
	dumper = pcap_dump_open(pcap, path_of("netlink.pcap"));
	CHECK(dumper);
}

_test_ void close_pcap(void)
{
	pcap_dump_close(dumper);
	pcap_close(pcap);
}

_test_ void put_packet(uint64_t drained_ns, const void *data, size_t len)
{
	uint64_t real = drained_ns + REALTIME;
	struct pcap_pkthdr head = {
		.ts = { .tv_sec = (time_t)(real / 1000000000),
			.tv_usec = (long)(real % 1000000000) },
		.caplen = (uint32_t)len, .len = (uint32_t)len,
	};

	pcap_dump((u_char *)dumper, &head, data);
}

/* One message, with the next sequence number of CPU 0, out of a drain at that time. */
_test_ void put(uint64_t drained_ns, struct cn_event ev)
{
	uint8_t packet[16 + CN_MESSAGE_SIZE] = { [2] = 824 >> 8, [3] = 824 & 255, [15] = 11 };

	ev.seq = seq++;
	put_message(packet + 16, &ev);
	put_packet(drained_ns, packet, sizeof(packet));
}

/* The exit record of a thread that lived for 0.5 ms and never slept. */
_test_ void put_usage(uint64_t drained_ns, int32_t tgid, int32_t tid, bool last)
{
	uint8_t packet[16 + USAGE_MESSAGE_MAX] = { [2] = 824 >> 8, [3] = 824 & 255, [15] = 16 };
	size_t len = put_usage_frame(packet + 16, 16, usage_size(16));
	uint8_t *stats = packet + 16 + USAGE_STRUCT;

	stats[8] = last ? 0x20 : 0;	/* AGROUP */
	stats[16] = 1;			/* cpu_count */
	store_u32(stats + 144, 500);	/* ac_etime */
	store_u32(stats + 128, (uint32_t)tid);
	store_u32(stats + 368, (uint32_t)tgid);
	put_packet(drained_ns, packet, 16 + len);
}

/* A whole recording but for its messages; close_pcap() ends it. */
_test_ void begin_recording_of(const char *head, const char *proc)
{
	make_dir();
	put_file("meta.json", head);
	put_file("proc.jsonl", proc);
	open_pcap(LINKTYPE_NETLINK);
}

_test_ void begin_recording(const char *proc)
{
	begin_recording_of(meta, proc);
}

_test_ struct pevent *new_context(void)
{
	struct pevent *p = NULL;

	CHECK_EQ(pevent_new(&p, NULL), 0);
	pevent_set_log(p, on_log, NULL);
	return p;
}

_test_ struct pevent *open_recording(void)
{
	struct pevent *p = new_context();

	CHECK_EQ(pevent_add_recording(p, dir), 0);
	return p;
}

_test_ const struct pevent_event *next(struct pevent *p)
{
	const struct pevent_event *ev = NULL;
	int n = pevent_next(p, &ev);

	CHECK(n == 0 || n == 1);
	CHECK(n == 1 || !ev);
	return ev;
}

_test_ const struct pevent_event *expect_at(int line, struct pevent *p, enum pevent_type type,
					    pid_t pid)
{
	const struct pevent_event *ev = next(p);

	test_true(__FILE__, line, "an event", ev);
	test_equal(__FILE__, line, "its type", ev->type, type);
	test_equal(__FILE__, line, "its pid", ev->process.pid, pid);
	return ev;
}

#define EXPECT(p, type, pid) expect_at(__LINE__, p, type, pid)

/* To where the recording ends with this error; what is left comes from next(). */
_test_ void run_to(struct pevent *p, int end)
{
	int error, rounds = 0;

	while ((error = pevent_dispatch(p)) >= 0)
		CHECK(rounds++ < 100000);
	CHECK_EQ(error, end);
	CHECK_EQ(pevent_stop(p), 0);
}

_test_ void run(struct pevent *p)
{
	run_to(p, -ENODATA);
}

_test_ void with_meta(const char *text)
{
	make_dir();
	put_file("meta.json", text);
	put_file("proc.jsonl", scan_of_10);
	open_pcap(LINKTYPE_NETLINK);
	close_pcap();
}

/* FORK, EXEC, EXIT with status 3 of process 20. */
_test_ void one_life(void)
{
	begin_recording(scan_of_10);
	put_file("proc.jsonl",
		 "{\"why\":\"exec\",\"event\":1003000000,\"time\":1003000100,\"pid\":20,\"cut\":0,"
		 "\"stat\":\"20 (caf\\u00e9) R 10 10 10 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\","
		 "\"cmdline\":\"caf\\u00e9\\u0000\\u0001\\u00ff\\u0000\",\"exe\":\"/bin/x\"}\n");
	put(1005 * MS, fact_fork(1002 * MS, 20, 10));
	put(1005 * MS, fact(CN_EXEC, 1003 * MS, 20, 20));
	put(1010 * MS, fact_exit(1009 * MS, 20, 20, 3 << 8));
	close_pcap();
}

#endif
