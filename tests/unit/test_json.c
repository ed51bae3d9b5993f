/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "sample_events.h"
#include "sink/json.h"

static const struct pevent_host host = {
	.nodename = "vm", .release = "6.18.0", .machine = "x86_64",
	.boot_id = "7f3c21aa-0000-4000-8000-000000000000", .ticks_per_second = 100, .cpus = 2,
};

static struct strbuf line(const struct pevent_event *e, const struct pevent_stats *stats)
{
	struct strbuf b = { 0 };
	struct json *j = NULL;

	CHECK_EQ(json_new(&j, &host), 0);
	json_event(j, e, stats, &b);
	json_free(j);
	return b;
}

#define CHECK_LINE(e, want) \
	do { \
		struct strbuf have = line(e, NULL); \
		CHECK_STR(have.data, have.len, want); \
		strbuf_finish(&have); \
	} while (0)

static bool has(const struct pevent_event *e, const char *part)
{
	struct strbuf b = line(e, NULL);
	bool found = memmem(b.data, b.len, part, strlen(part));

	strbuf_finish(&b);
	return found;
}

#define HEAD(type, action) \
	"{\"@timestamp\":\"2026-11-20T20:14:01.123456789Z\",\"event\":{\"kind\":\"event\"," \
	"\"category\":[\"process\"],\"type\":[\"" type "\"]," \
	"\"action\":\"" action "\",\"sequence\":7"

TEST(nothing_known)
{
	struct pevent_event e = sample_event(PEVENT_SID);

	e.process = sample_process(3523, "");
	e.tid = 0;
	CHECK_LINE(&e, HEAD("change", "sid") "},\"process\":{\"pid\":3523}}\n");
}

TEST(exec)
{
	struct pevent_event e = sample_event(PEVENT_EXEC);
	struct pevent_image image = sample_curl;

	image.cwd = "/tmp";
	image.cgroup = "/system.slice/docker-0123456789abcdef0123456789abcdef"
		       "0123456789abcdef0123456789abcdef.scope";
	e.process.image = &image;
	e.process.start_ns = SAMPLE_NS - 1;
	e.process.start_ticks = 184467;
	e.process.start_origin = PEVENT_FROM_EVENT;
	e.process.ppid = 3517;
	e.process.parent_start_ticks = 184400;
	strcpy(e.process.parent_comm, "bash");
	e.process.parent_origin = PEVENT_FROM_EVENT;
	e.process.pgrp = 3500;
	e.process.session = 3400;
	e.process.uid = 4294967290;
	e.process.gid = 4;
	e.process.egid = 5;
	e.process.loginuid = 1000;
	e.process.tty = 136 << 8 | 3;
	CHECK_LINE(&e, HEAD("start", "exec") "},\"process\":{"
		   "\"entity_id\":\"7f3c21aa-3523-184467\","
		   "\"pid\":3523,\"thread\":{\"id\":3523,\"name\":\"curl\"},"
		   "\"parent\":{\"entity_id\":\"7f3c21aa-3517-184400\",\"pid\":3517,"
		   "\"name\":\"bash\"},"
		   "\"group_leader\":{\"pid\":3500},\"session_leader\":{\"pid\":3400},"
		   "\"name\":\"curl\",\"executable\":\"/usr/bin/curl\","
		   "\"args\":[\"/usr/bin/curl\",\"-s\",\"http://127.0.0.1/\"],\"args_count\":3,"
		   "\"working_directory\":\"/tmp\",\"real_user\":{\"id\":\"4294967290\"},"
		   "\"group\":{\"id\":\"5\"},\"real_group\":{\"id\":\"4\"},"
		   "\"tty\":{\"char_device\":{\"major\":136,\"minor\":3}},"
		   "\"start\":\"2026-11-20T20:14:01.123456788Z\"},"
		   "\"container\":{\"id\":\"0123456789abcdef0123456789abcdef"
		   "0123456789abcdef0123456789abcdef\"},"
		   "\"pevent\":{\"loginuid\":1000,\"cgroup\":\"/system.slice/docker-"
		   "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope\","
		   "\"source\":{\"args\":\"exec-reader\",\"parent\":\"event\","
		   "\"start\":\"event\"}}}\n");
}

TEST(exits)
{
	struct pevent_event e = sample_exit(3 << 8);

	CHECK(has(&e, "\"sequence\":7,\"duration\":7000000,\"outcome\":\"failure\"}"));
	CHECK(has(&e, "\"end\":\"2026-11-20T20:14:01.123456789Z\",\"exit_code\":3}"));
	CHECK(has(&e, "\"pevent\":{\"exit\":{\"status\":3,\"wait_status\":768},"));
	e = sample_exit(11 | 0x80);
	CHECK(has(&e, "\"exit_code\":139}"));
	CHECK(has(&e, "{\"signal\":11,\"signal_name\":\"SIGSEGV\",\"core_dumped\":true,"
		      "\"wait_status\":139}"));
	CHECK(!has(&e, "oom_killed"));
	e = sample_exit(9);
	e.u.exit.oom_killed = true;
	CHECK(has(&e, "\"wait_status\":9,\"oom_killed\":true},"));
	e = sample_exit(37);
	CHECK(has(&e, "\"signal_name\":\"SIGRTMIN+3\",\"core_dumped\":false"));
	e = sample_exit(0);
	CHECK(has(&e, "\"outcome\":\"success\""));
	e.u.exit.origin = PEVENT_FROM_NONE;
	e.process.end_ns = 0;
	CHECK(has(&e, "\"sequence\":7,\"outcome\":\"unknown\"}"));
	CHECK(has(&e, "\"pevent\":{\"incomplete\":true,"));
	CHECK(!has(&e, "exit_code"));
}

TEST(usage)
{
	struct pevent_event e = sample_exit(0);
	static const char parts[] =
		"\"usage\":{\"cpu\":{\"total_ns\":5123456,\"user_ns\":3000000,"
		"\"system_ns\":2123456,\"error_ns\":40000},"
		"\"memory\":{\"peak_rss_bytes\":10276864,\"peak_vm_bytes\":323223552,"
		"\"minor_faults\":415,\"major_faults\":16},"
		"\"io\":{\"read_chars\":171008,\"write_chars\":18432,\"read_bytes\":19456,"
		"\"write_bytes\":8192,\"cancelled_write_bytes\":4096},"
		"\"sched\":{\"voluntary_switches\":13,\"involuntary_switches\":14,"
		"\"run_queue_ns\":81000,\"run_queue_waits\":12,\"threads_peak\":2}},\"source\":";

	/* As the library leaves it: without the bits there is nothing but what was there before. */
	memset(&e.usage, 0xff, sizeof(e.usage));
	e.usage.known = 0;
	CHECK(!has(&e, "usage"));
	e.process.threads_peak = 2;
	CHECK(has(&e, "\"usage\":{\"sched\":{\"threads_peak\":2}},"));
	CHECK(!has(&e, "\"usage\":\""));
	e.usage = sample_usage();
	CHECK(has(&e, parts));
	CHECK(has(&e, "\"exit\":\"event\",\"usage\":\"taskstats\"}"));
	CHECK(!has(&e, "incomplete") && !has(&e, "delay") && !has(&e, "sample"));
	e.usage.incomplete = true;
	CHECK(has(&e, "\"threads_peak\":2},\"incomplete\":true},"));
	e.usage.known = PEVENT_KNOWN_CPU;
	e.usage.origin = PEVENT_FROM_PROC;
	e.process.threads_peak = 0;
	CHECK(has(&e, "\"usage\":{\"cpu\":{\"total_ns\":5123456,\"error_ns\":40000},"
		      "\"incomplete\":true},"));
	CHECK(has(&e, "\"usage\":\"proc\""));
	e.usage.known = PEVENT_KNOWN_FAULTS;
	CHECK(has(&e, "\"memory\":{\"minor_faults\":415,\"major_faults\":16}"));
}

TEST(delays)
{
	struct pevent_event e = sample_exit(0);

	e.usage = sample_usage();
	e.usage.known = PEVENT_KNOWN_DELAYS;
	for (int i = 0; i < PEVENT_DELAY_COUNT; i++)
		e.usage.delay_ns[i] = (uint64_t)i + 1;
	CHECK(has(&e, "\"usage\":{\"delay\":{\"blkio_ns\":1,\"swapin_ns\":2,\"reclaim_ns\":3,"
		      "\"thrashing_ns\":4,\"compact_ns\":5,\"wpcopy_ns\":6,\"irq_ns\":7}},"));
	e.usage.delay_ns[PEVENT_DELAY_IRQ] = UINT64_MAX;
	CHECK(has(&e, "\"wpcopy_ns\":6}},"));
	for (int i = 0; i < PEVENT_DELAY_COUNT; i++)
		e.usage.delay_ns[i] = UINT64_MAX;
	CHECK(!has(&e, "delay") && !has(&e, "\"usage\":{"));
}

TEST(samples)
{
	struct pevent_event e = sample_exit(0);

	e.usage = sample_usage();
	e.usage.known |= PEVENT_KNOWN_SAMPLE;
	e.usage.sample = sample_sample();
	CHECK(has(&e, "\"sample\":{\"time\":\"2026-11-20T20:14:00.623456789Z\",\"count\":2,"
		      "\"state\":\"S\",\"threads\":3,\"files\":5,\"files_peak\":6,"
		      "\"oom_score\":666,\"rss_bytes\":10000,\"vm_bytes\":20000,"
		      "\"swap_bytes\":30720,\"swap_peak_bytes\":40960,\"interval_ns\":1000000000,"
		      "\"interval_cpu_ns\":1234,\"interval_read_bytes\":2345,"
		      "\"interval_write_bytes\":3456},"));
	e.usage.known &= ~(unsigned int)PEVENT_KNOWN_IO;
	CHECK(has(&e, "\"interval_cpu_ns\":1234},"));
	e.usage.sample = (struct pevent_sample){ .time_ns = SAMPLE_NS, .count = 1, .oom_score = -1,
						 .files = UINT32_MAX, .files_peak = UINT32_MAX };
	CHECK(has(&e, "\"count\":1},"));
	e.usage.sample.state = '\x80';	/* a recording may say anything */
	CHECK(has(&e, "\"count\":1},"));
	e.usage.sample.vm = 4096;
	CHECK(has(&e, "\"count\":1,\"rss_bytes\":0,\"vm_bytes\":4096,\"swap_bytes\":0,"
		      "\"swap_peak_bytes\":0},"));
}

TEST(snapshots)
{
	struct pevent_event e = sample_event(PEVENT_SNAPSHOT);

	e.process = sample_process(3523, "");
	e.tid = 0;
	CHECK_LINE(&e, HEAD("info", "snapshot") "},\"process\":{\"pid\":3523},"
		   "\"pevent\":{\"snapshot\":\"start\"}}\n");
	e.u.at_end = true;
	e.usage = sample_usage();
	e.usage.origin = PEVENT_FROM_PROC;
	CHECK(has(&e, "\"pevent\":{\"snapshot\":\"end\",\"usage\":{\"cpu\":{"));
	CHECK(has(&e, "\"source\":{\"usage\":\"proc\"}"));
}

TEST(open_files)
{
	static const struct pevent_file file[] = {
		{ 0, 'r', "/tmp/a\"b\xff" }, { 1, 'd', "/" }, { 2, 'c', "/dev/null" },
		{ 3, 'b', "/dev/vda" }, { 4, 'p', "pipe:[7]" }, { 5, 's', "socket:[8]" },
		{ 6, 'l', "/x" }, { 1048576, '?', "anon_inode:[eventfd]" },
	};
	struct pevent_files files = { .n = 8, .total = 8, .time_ns = SAMPLE_NS - 1, .file = file };
	struct pevent_event e = sample_event(PEVENT_EXEC);

	CHECK(!has(&e, "files"));
	e.files = &files;
	CHECK(has(&e, "\"pevent\":{\"files_time\":\"2026-11-20T20:14:01.123456788Z\",\"files\":["
		      "{\"fd\":0,\"type\":\"file\",\"target\":\"/tmp/a\\\"b\xef\xbf\xbd\"},"
		      "{\"fd\":1,\"type\":\"directory\",\"target\":\"/\"},"
		      "{\"fd\":2,\"type\":\"character_device\",\"target\":\"/dev/null\"},"
		      "{\"fd\":3,\"type\":\"block_device\",\"target\":\"/dev/vda\"},"
		      "{\"fd\":4,\"type\":\"pipe\",\"target\":\"pipe:[7]\"},"
		      "{\"fd\":5,\"type\":\"socket\",\"target\":\"socket:[8]\"},"
		      "{\"fd\":6,\"type\":\"symlink\",\"target\":\"/x\"},"
		      "{\"fd\":1048576,\"target\":\"anon_inode:[eventfd]\"}],\"source\""));
	CHECK(!has(&e, "truncated"));
	files.n = 0;
	CHECK(has(&e, "\"files\":[],\"truncated\":{\"files\":8},"));
}

TEST(hostile_arguments)
{
	struct pevent_image image = { .args = "a\0\0\x1b\"\n\xff", .args_len = 8, .args_total = 8 };
	struct pevent_event e = sample_event(PEVENT_EXEC);

	e.process.image = &image;
	CHECK(has(&e, "\"args\":[\"a\",\"\",\"\\u001b\\\"\\n\xef\xbf\xbd\"],\"args_count\":3}"));
	CHECK(has(&e, "\"args_base64\":\"YQAAGyIK/wA=\""));
	image.args_total = 100000;
	CHECK(has(&e, "\"truncated\":{\"args_bytes\":100000}"));
	CHECK(!has(&e, "args_count"));
	image = (struct pevent_image){ .args = "", .args_len = 0, .exe = "/x/y (deleted)" };
	CHECK(has(&e, "\"name\":\"y\",\"executable\":\"/x/y (deleted)\","
		      "\"args\":[],\"args_count\":0"));
}

TEST(changes)
{
	struct pevent_event e = sample_event(PEVENT_COMM);

	strcpy(e.u.comm.old_comm, "old");
	memcpy(e.u.comm.new_comm, "sixteen bytes, x", 16);
	e.tid = 3600;
	CHECK(has(&e, "\"thread\":{\"id\":3600,\"name\":\"sixteen bytes, x\"}"));
	CHECK(has(&e, "\"pevent\":{\"comm\":{\"old\":\"old\"},"));
	e = sample_event(PEVENT_UID);
	e.u.ids.real = 4294967289;
	e.u.ids.effective = 4294967290;
	CHECK(has(&e, "\"user\":{\"id\":\"4294967290\"},\"real_user\":{\"id\":\"4294967289\"}"));
	e = sample_event(PEVENT_PTRACE);
	e.u.ptrace.tracer = 5;
	strcpy(e.u.ptrace.tracer_comm, "gdb");
	CHECK(has(&e, "\"ptrace\":{\"attached\":true,\"tracer\":{\"pid\":5,\"name\":\"gdb\"}}"));
	CHECK(has(&e, "\"action\":\"ptrace\""));
	e = sample_event(PEVENT_CLONE);
	e.tid = 3601;
	CHECK(has(&e, "\"type\":[\"start\"],\"action\":\"clone\""));
	CHECK(has(&e, "\"thread\":{\"id\":3601},"));
	e.u.thread_end = true;
	CHECK(has(&e, "\"type\":[\"end\"],\"action\":\"clone\""));
}

TEST(lost)
{
	struct pevent_event e = sample_event(PEVENT_LOST);

	e.process = sample_process(0, "");
	e.u.lost.count = 18446744073709551615u;
	e.u.lost.source = PEVENT_SOURCE_CONNECTOR;
	e.cpu = 1;
	CHECK_LINE(&e, HEAD("info", "lost") "},\"pevent\":{"
		   "\"lost\":{\"count\":18446744073709551615,"
		   "\"source\":\"connector\",\"cpu\":1}}}\n");
}

TEST(lost_records)
{
	struct pevent_event e = sample_event(PEVENT_LOST);

	e.u.lost.count = 2;
	e.u.lost.source = PEVENT_SOURCE_TASKSTATS;
	CHECK(has(&e, "\"lost\":{\"count\":2,\"source\":\"taskstats\"}"));
}

TEST(start)
{
	struct pevent_stats stats = { .source[PEVENT_SOURCE_CONNECTOR] = { .active = true,
									   .state = "\"ok\"" } };
	struct pevent_event e = sample_event(PEVENT_START);
	struct strbuf b;

	e.process = sample_process(0, "");
	b = line(&e, &stats);
	CHECK_STR(b.data, b.len, HEAD("info", "start") ",\"module\":\"pevent\","
		  "\"dataset\":\"pevent.process\"},\"ecs\":{\"version\":\"8.11.0\"},"
		  "\"host\":{\"name\":\"vm\",\"architecture\":\"x86_64\","
		  "\"boot\":{\"id\":\"7f3c21aa-0000-4000-8000-000000000000\"},"
		  "\"os\":{\"kernel\":\"6.18.0\"}},\"pevent\":{\"schema\":1,\"version\":\""
		  PEVENT_VERSION "\",\"replay\":false,\"sources\":{\"connector\":{\"active\":true,"
		  "\"state\":\"\\\"ok\\\"\"}}}}\n");
	strbuf_finish(&b);
}

TEST_MAIN()
