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
