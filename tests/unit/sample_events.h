/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SAMPLE_EVENTS_H
#define SAMPLE_EVENTS_H

/* Made-up events for the tests of the sinks. */
#include <string.h>

#include "pevent/pevent.h"

/* 2026-11-20 20:14:01.123456789 UTC, with a machine that booted 1000 s before. */
#define SAMPLE_NS UINT64_C(1000000000000)
#define SAMPLE_OFFSET INT64_C(1795205641123456789)

__attribute__((unused)) static const struct pevent_image sample_curl = {
	.exe = "/usr/bin/curl",
	.args = "/usr/bin/curl\0-s\0http://127.0.0.1/",
	.args_len = 35,
	.args_total = 35,
	.origin = PEVENT_FROM_EXEC_READER,
};

/* Ids of a process about which nothing else is known. */
static inline struct pevent_process sample_process(pid_t pid, const char *comm)
{
	struct pevent_process p = {
		.pid = pid, .uid = UINT32_MAX, .euid = UINT32_MAX, .gid = UINT32_MAX,
		.egid = UINT32_MAX, .loginuid = UINT32_MAX,
	};

	strncpy(p.comm, comm, sizeof(p.comm) - 1);
	return p;
}

static inline struct pevent_event sample_event(enum pevent_type type)
{
	struct pevent_event e = {
		.type = type,
		.sequence = 7,
		.time_ns = SAMPLE_NS,
		.realtime_offset_ns = SAMPLE_OFFSET - (int64_t)SAMPLE_NS,
		.cpu = UINT32_MAX,
		.tid = 3523,
		.process = sample_process(3523, "curl"),
	};

	e.process.image = &sample_curl;
	e.process.image_origin = PEVENT_FROM_EXEC_READER;
	return e;
}

/* What curl used, as the kernel counted it; each value is another. */
static inline struct pevent_usage sample_usage(void)
{
	return (struct pevent_usage){
		.known = PEVENT_KNOWN_CPU | PEVENT_KNOWN_CPU_SPLIT | PEVENT_KNOWN_PEAK |
			 PEVENT_KNOWN_FAULTS | PEVENT_KNOWN_IO | PEVENT_KNOWN_SWITCHES |
			 PEVENT_KNOWN_RUN_QUEUE,
		.origin = PEVENT_FROM_TASKSTATS,
		.cpu_ns = 5123456, .cpu_error_ns = 40000,
		.user_ns = 3000000, .system_ns = 2123456,
		.run_queue_ns = 81000, .run_queue_waits = 12,
		.voluntary_switches = 13, .involuntary_switches = 14,
		.peak_rss = 10276864, .peak_vm = 323223552,
		.minor_faults = 415, .major_faults = 16,
		.read_chars = 171008, .write_chars = 18432,
		.read_bytes = 19456, .write_bytes = 8192, .cancelled_write_bytes = 4096,
	};
}

/* And the last look at it, the second one, half a second before. */
static inline struct pevent_sample sample_sample(void)
{
	return (struct pevent_sample){
		.time_ns = SAMPLE_NS - 500000000, .count = 2, .state = 'S', .threads = 3,
		.files = 5, .files_peak = 6, .oom_score = 666,
		.rss = 10000, .vm = 20000, .swap = 30720, .swap_peak = 40960,
		.interval_ns = 1000000000, .interval_cpu_ns = 1234, .interval_read_bytes = 2345,
		.interval_write_bytes = 3456,
	};
}

/* What it sent and received in three connections; each value is another. */
static inline struct pevent_network sample_network(void)
{
	return (struct pevent_network){
		.tx = { .packets = 11, .bytes = 2048, .payload = 1500 },
		.rx = { .packets = 12, .bytes = 1048576, .payload = 1047000 },
		.connections = 3, .retransmits = 2, .origin = PEVENT_FROM_PERF,
	};
}

/* One that it opened half a second before to 10.0.0.2:80, and that is closed now. */
static inline struct pevent_connection sample_connection(void)
{
	return (struct pevent_connection){
		.family = 2, .protocol = 6,	/* AF_INET, IPPROTO_TCP */
		.role = PEVENT_ROLE_CLIENT, .origin = PEVENT_FROM_PERF,
		.local = { 10, 0, 0, 1 }, .remote = { 10, 0, 0, 2 },
		.local_port = 43210, .remote_port = 80, .final = true,
		.opened_ns = SAMPLE_NS - 500000000, .closed_ns = SAMPLE_NS,
		.tx = { .packets = 6, .bytes = 420, .payload = 100 },
		.rx = { .packets = 7, .bytes = 35000, .payload = 34600 },
		.retransmits = 1, .rtt_ns = 81000,
	};
}

/* An end, 7 ms after the start. */
static inline struct pevent_event sample_exit(int wait_status)
{
	struct pevent_event e = sample_event(PEVENT_EXIT);

	e.process.start_ns = SAMPLE_NS - 7000000;
	e.process.start_origin = PEVENT_FROM_EVENT;
	e.process.end_ns = SAMPLE_NS;
	e.u.exit.wait_status = wait_status;
	e.u.exit.origin = PEVENT_FROM_EVENT;
	return e;
}

#endif
