/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <time.h>

#include "test.h"

#include "sample_events.h"
#include "sink/cell.h"
#include "sink/signals.h"
#include "sink/text.h"
#include "util/macro.h"

#define PLAIN { .utc = true, .terminal_fd = -1, .columns = "event,pid,info,duration,process" }

/* Lines of the event, without the header. */
static struct strbuf lines(const struct text_options *o, const struct pevent_event *e)
{
	struct pevent_event start = { .type = PEVENT_START };
	struct strbuf b = { 0 };
	struct text *t = NULL;

	CHECK_EQ(text_new(&t, o, NULL), 0);
	text_event(t, &start, &b);
	strbuf_reset(&b);
	text_event(t, e, &b);
	text_free(t);
	return b;
}

#define CHECK_LINES(o, e, want) \
	do { \
		struct strbuf have = lines(o, e); \
		CHECK_STR(have.data, have.len, want); \
		strbuf_finish(&have); \
	} while (0)

#define NOW "2026-11-20 20:14:01.123 "
#define NONE "                                             "
#define UNKNOWN "        -      -      -      -      -      - "
#define CURL "/usr/bin/curl -s http://127.0.0.1/\n"

TEST(sample_of_the_interface)
{
	struct text_options o = { .utc = true, .terminal_fd = -1 };
	struct pevent_event e = sample_event(PEVENT_FORK);
	struct pevent_image bash = { .args = "bash", .args_len = 5, .args_total = 5 };
	struct pevent_event lost = { .type = PEVENT_LOST, .cpu = 1, .time_ns = SAMPLE_NS,
				     .realtime_offset_ns = e.realtime_offset_ns,
				     .u.lost = { 1280, PEVENT_SOURCE_CONNECTOR } };
	struct strbuf b = { 0 };
	struct text *t = NULL;

	CHECK_EQ(text_new(&t, &o, NULL), 0);
	e.parent = sample_process(3517, "bash");
	e.parent.image = e.process.image = &bash;
	text_event(t, &e, &b);
	e = sample_event(PEVENT_EXEC);
	text_event(t, &e, &b);
	e = sample_exit(0);
	e.usage = sample_usage();
	text_event(t, &e, &b);
	e = sample_exit(11 | 0x80);
	text_event(t, &e, &b);
	text_event(t, &lost, &b);
	CHECK_STR(b.data, b.len,
		  "Time                    Event     PID   Info Duration"
		  "      CPU    RSS   Read  Write   Sent   Rcvd Process\n"
		  NOW "fork     3517 parent         " NONE "bash\n"
		  NOW "fork     3523  child         " NONE "bash\n"
		  NOW "exec     3523                " NONE CURL
		  NOW "exit     3523      0   0.007s   5.12ms   9.8M  19.0K   8.0K      -      - "
		  CURL
		  NOW "exit     3523  SEGV+   0.007s" UNKNOWN CURL
		  NOW "lost        -   1280         " NONE "events on cpu 1 (connector)\n");
	strbuf_finish(&b);
	text_free(t);
}

#define USAGE { .terminal_fd = -1, .columns = \
	"event,cpu,rss,read,write,sent,rcvd,usr,sys,wait,rchar,wchar,minflt,majflt,vcsw," \
	"ivcsw,vm,error,blkio,swap,files,oom,state" }

TEST(usage)
{
	struct text_options o = USAGE;
	struct pevent_event e = sample_exit(0);

	CHECK_LINES(&o, &e, "exit         -      -      -      -      -      -        -        -"
			    "        -      -      -       -       -       -       -      -"
			    "        -        -      -       -     - -    \n");
	e.usage = sample_usage();
	CHECK_LINES(&o, &e, "exit    5.12ms   9.8M  19.0K   8.0K      -      -  3.00ms~  2.12ms~"
			    "     81us   167K  18.0K     415      16      13      14   308M"
			    "     40us        -      -       -     - -    \n");
	e.usage.known |= PEVENT_KNOWN_DELAYS | PEVENT_KNOWN_SAMPLE;
	e.usage.delay_ns[PEVENT_DELAY_BLKIO] = 1500000;
	e.usage.sample = sample_sample();
	o.columns = "blkio,swap,files,oom,state";
	CHECK_LINES(&o, &e, "  1.50ms  30.0K       5   666 S    \n");
	e.usage.delay_ns[PEVENT_DELAY_BLKIO] = UINT64_MAX;
	e.usage.sample.files = UINT32_MAX;
	e.usage.sample.oom_score = -1;
	e.usage.sample.state = '7';
	e.usage.sample.vm = 0;
	CHECK_LINES(&o, &e, "       -      -       -     - -    \n");
	e.type = PEVENT_EXEC;	/* on no other line than those of ends and snapshots */
	CHECK_LINES(&o, &e, "                                   \n");
}

TEST(estimates)
{
	struct text_options o = USAGE;
	struct pevent_event e = sample_exit(0);

	o.columns = "cpu,wait,rss,read,minflt,error,swap";
	e.usage = sample_usage();
	e.usage.known |= PEVENT_KNOWN_SAMPLE;
	e.usage.sample = sample_sample();
	e.usage.cpu_error_ns = 512345;
	CHECK_LINES(&o, &e, "  5.12ms     81us   9.8M  19.0K     415    512us  30.0K\n");
	e.usage.cpu_error_ns++;
	CHECK_LINES(&o, &e, " 5.12ms~     81us   9.8M  19.0K     415    512us  30.0K\n");
	e.usage.cpu_error_ns = 0;
	e.usage.incomplete = true;
	CHECK_LINES(&o, &e, " 5.12ms~    81us~  9.8M~ 19.0K~    415~      0us  30.0K\n");
	e.usage.incomplete = false;
	e.usage.origin = PEVENT_FROM_PROC;
	CHECK_LINES(&o, &e, " 5.12ms~    81us~  9.8M~ 19.0K~    415~      0us  30.0K\n");
	e.usage.minor_faults = 9999999;
	CHECK_LINES(&o, &e, " 5.12ms~    81us~  9.8M~ 19.0K~  9.99M~      0us  30.0K\n");
	e.usage.cpu_ns = 0;	/* nothing, and off by nothing: exact, wherever it is from */
	CHECK_LINES(&o, &e, "     0us    81us~  9.8M~ 19.0K~  9.99M~      0us  30.0K\n");
	e.usage.cpu_error_ns = 1;
	CHECK_LINES(&o, &e, "    0us~    81us~  9.8M~ 19.0K~  9.99M~      0us  30.0K\n");
	e.usage.cpu_error_ns = 0;
	e.usage.incomplete = true;
	CHECK_LINES(&o, &e, "    0us~    81us~  9.8M~ 19.0K~  9.99M~      0us  30.0K\n");
}

/* Every number of a usage, in whatever it is counted. */
static void fill_usage(struct pevent_usage *u, uint64_t v)
{
	u->cpu_ns = u->cpu_error_ns = u->user_ns = u->system_ns = v;
	u->run_queue_ns = u->voluntary_switches = u->involuntary_switches = v;
	u->peak_rss = u->peak_vm = u->minor_faults = u->major_faults = v;
	u->read_chars = u->write_chars = u->read_bytes = u->write_bytes = v;
	u->delay_ns[PEVENT_DELAY_BLKIO] = v;
	u->sample.files = (uint32_t)v;
	u->sample.oom_score = (int32_t)(v >> 33);
	u->sample.swap = v;
}

TEST(usage_never_pushes_its_neighbours)
{
	struct text_options o = USAGE;
	struct strbuf b = { 0 };
	struct text *t = NULL;
	size_t width;

	CHECK_EQ(text_new(&t, &o, NULL), 0);
	for (unsigned int shift = 0; shift < 64; shift++) {
		for (int origin = PEVENT_FROM_PROC; origin <= PEVENT_FROM_TASKSTATS; origin++) {
			struct pevent_event e = sample_exit(0);

			e.usage.known = UINT32_MAX;
			e.usage.origin = (enum pevent_origin)origin;
			e.usage.sample.state = 'R';
			e.usage.sample.vm = 1;
			fill_usage(&e.usage, UINT64_MAX >> shift);
			strbuf_reset(&b);
			text_restart(t);
			text_event(t, &e, &b);
			width = (size_t)((char *)memchr(b.data, '\n', b.len) + 1 - b.data);
			CHECK_EQ(b.len, 2 * width);	/* the header before it */
		}
	}
	strbuf_finish(&b);
	text_free(t);
}

TEST(snapshots)
{
	struct text_options o = PLAIN;
	struct pevent_event e = sample_event(PEVENT_SNAPSHOT);

	o.shortname = true;
	CHECK_LINES(&o, &e, "snap     3523  start        - /usr/bin/curl\n");
	e.u.at_end = true;
	e.process.start_ns = SAMPLE_NS - UINT64_C(90000000000);
	e.process.start_origin = PEVENT_FROM_EVENT;
	CHECK_LINES(&o, &e, "snap     3523    end   1.500m /usr/bin/curl\n");
	e.process.start_origin = PEVENT_FROM_PROC;
	e.usage = sample_usage();
	e.usage.origin = PEVENT_FROM_PROC;
	o.columns = "event,glyph,duration,cpu,rss,sent";
	CHECK_LINES(&o, &e, "snap  •   1.50m~  5.12ms~  9.8M~      -\n");
}

TEST(exits)
{
	struct text_options o = PLAIN;
	struct pevent_event e = sample_exit(3 << 8);

	o.shortname = o.dirstrip = true;
	CHECK_LINES(&o, &e, "exit     3523      3   0.007s curl\n");
	e = sample_exit(37);
	CHECK_LINES(&o, &e, "exit     3523  SIG37   0.007s curl\n");
	e = sample_exit(26);
	CHECK_LINES(&o, &e, "exit     3523 VTALRM   0.007s curl\n");
	e = sample_exit(9);
	e.u.exit.oom_killed = true;
	CHECK_LINES(&o, &e, "exit     3523    OOM   0.007s curl\n");
	e.u.exit.wait_status = 15;
	CHECK_LINES(&o, &e, "exit     3523   TERM   0.007s curl\n");
	e = sample_exit(9);
	e.process.before_run = true;
	e.process.start_origin = PEVENT_FROM_PROC;
	e.process.start_ns -= 5 * UINT64_C(1000000000);
	CHECK_LINES(&o, &e, "exit     3523   KILL   5.00s~ curl\n");
	e.process.start_ns = 0;
	CHECK_LINES(&o, &e, "exit     3523   KILL        - curl\n");
	e = sample_exit(0);
	e.u.exit.origin = PEVENT_FROM_NONE;
	e.process.end_ns = 0;
	CHECK_LINES(&o, &e, "exit     3523   lost        - curl\n");
}

TEST(threads)
{
	struct text_options o = PLAIN;
	struct pevent_event e = sample_event(PEVENT_CLONE);

	o.comm = true;
	e.tid = 3600;
	CHECK_LINES(&o, &e, "clone    3523 parent          curl\n"
			    "clone    3600 thread          curl\n");
	e.u.thread_end = true;
	CHECK_LINES(&o, &e, "clone    3600    end          curl\n");
}

TEST(fork_of_an_unknown_parent)
{
	struct text_options o = PLAIN;
	struct pevent_event e = sample_event(PEVENT_FORK);

	o.shortname = true;
	CHECK_LINES(&o, &e, "fork        - parent          -\n"
			    "fork     3523  child          /usr/bin/curl\n");
	e.process.ppid = 99;
	CHECK_LINES(&o, &e, "fork       99 parent          -\n"
			    "fork     3523  child          /usr/bin/curl\n");
}

TEST(changes)
{
	struct text_options o = PLAIN;
	struct pevent_event e = sample_event(PEVENT_COMM);

	memcpy(e.u.comm.old_comm, "a\x1b]b", 5);
	memcpy(e.u.comm.new_comm, "sixteen bytes, x", 16);
	CHECK_LINES(&o, &e, "comm     3523                 a\\x1b]b -> sixteen bytes, x\n");
	e = sample_event(PEVENT_PTRACE);
	e.u.ptrace.tracer = 123;
	strcpy(e.u.ptrace.tracer_comm, "gdb");
	o.comm = true;
	CHECK_LINES(&o, &e, "ptrce    3523 attach          curl (tracer 123 gdb)\n");
	e.u.ptrace.tracer = 0;
	CHECK_LINES(&o, &e, "ptrce    3523 detach          curl\n");
	e = sample_event(PEVENT_UID);
	e.u.ids.effective = 1000;
	CHECK_LINES(&o, &e, "uid      3523   1000          curl\n");
	e.u.ids.effective = 4294967294;
	CHECK_LINES(&o, &e, "uid      3523  4.29G          curl\n");
	e = sample_event(PEVENT_LOST);
	e.u.lost.count = 1234567;
	e.u.lost.source = PEVENT_SOURCE_OUTPUT;
	CHECK_LINES(&o, &e, "lost     3523  1.23M          lines (output)\n");
}

TEST(names)
{
	struct text_options o = { .terminal_fd = -1, .columns = "event,process" };
	struct pevent_image image = { .args = "a b\0\0c\x1b[2J\n\xff\0it's", .args_len = 18,
				      .args_total = 18 };
	struct pevent_event e = sample_event(PEVENT_EXEC);

	e.process.image = &image;
	CHECK_LINES(&o, &e, "exec  'a b' '' $'c\\x1b[2J\\x0a\\xff' 'it'\\''s'\n");
	image.args_total = 100000;
	CHECK_LINES(&o, &e, "exec  'a b' '' $'c\\x1b[2J\\x0a\\xff' 'it'\\''s'"
			    " [... 100000 bytes]\n");
	o.shortname = true;
	CHECK_LINES(&o, &e, "exec  'a b'\n");
	o.shortname = false;

	image = (struct pevent_image){ .args = "", .args_len = 0 };
	CHECK_LINES(&o, &e, "exec  (curl)\n");
	image.args = NULL;
	image.exe = "/opt/my prog";
	CHECK_LINES(&o, &e, "exec  '/opt/my prog'\n");
	o.dirstrip = true;
	CHECK_LINES(&o, &e, "exec  'my prog'\n");
	image.exe = NULL;
	CHECK_LINES(&o, &e, "exec  (curl)\n");
	e.process.image = NULL;
	e.process.comm[0] = '\0';
	CHECK_LINES(&o, &e, "exec  -\n");
	e.process.kernel_thread = true;
	strcpy(e.process.comm, "kworker/0:1\x1b");
	CHECK_LINES(&o, &e, "exec  [kworker/0:1\\x1b]\n");
}

TEST(dirstrip_strips_argv0_only)
{
	struct text_options o = { .terminal_fd = -1, .columns = "process", .dirstrip = true };
	struct pevent_image image = { .args = "/bin/ls\0/etc/x\0/tmp", .args_len = 20,
				      .args_total = 20 };
	struct pevent_event e = sample_event(PEVENT_EXEC);

	e.process.image = &image;
	CHECK_LINES(&o, &e, "ls /etc/x /tmp\n");
	image = (struct pevent_image){ .args = "sshd: me@pts/0", .args_len = 15, .args_total = 15 };
	CHECK_LINES(&o, &e, "'sshd: me@pts/0'\n");
	image = (struct pevent_image){ .args = "/my dir/prog", .args_len = 13, .args_total = 13 };
	CHECK_LINES(&o, &e, "prog\n");
	image = (struct pevent_image){ .args = "/", .args_len = 2, .args_total = 2 };
	CHECK_LINES(&o, &e, "/\n");
}

/* Whatever the values, every column ends where its heading ends. */
TEST(nothing_pushes_its_neighbours)
{
	static const uint64_t lives[] = {
		0, 999999, UINT64_C(59999000000), UINT64_C(3599999000000), UINT64_C(86399999000000),
		UINT64_C(31557599999000000), UINT64_C(3155759999900000000),
		UINT64_C(18000000000000000000),
	};
	struct text_options o = { .terminal_fd = -1, .extra = true, .glyph = true, .utc = true,
		.columns = "time,event,pid,ppid,on,user,exe,cgroup,comm,source,threads,info,"
			   "duration,process" };
	struct pevent_image image = sample_curl;

	image.exe = "/日本語/\x1b[31m/very/long/path/to/some/place/with/a/program";
	image.cgroup = "/e\xcc\x81\xcc\x81\xcc\x81/\xf0\x9f\x98\x80/x";
	for (int style = TIME_ISO; style <= TIME_BOOT; style++) {
		for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
			struct pevent_event e = sample_exit(i % 2 ? 26 : 139);
			struct strbuf b;
			size_t columns = 0;

			o.time = (enum time_style)style;
			e.time_ns = e.process.end_ns = UINT64_C(18100000000000000000);
			e.realtime_offset_ns = -INT64_C(9000000000000000000);
			if (style == TIME_BOOT)
				e.time_ns = i * UINT64_C(2500000000000000);
			e.process.start_ns = e.process.end_ns - lives[i];
			e.process.before_run = i % 3 == 0;
			e.process.start_origin = i % 3 ? PEVENT_FROM_EVENT : PEVENT_FROM_PROC;
			e.process.pid = i % 2 ? 4194304 : 1;
			e.process.uid = 4294967294;
			e.process.euid = 4294967294;
			e.process.tty = i % 2 ? 0x88ff : 0xfff88ff;
			e.process.threads_peak = 4294967295;
			e.cpu = i % 2 ? 0 : 4294967294;
			e.process.image = &image;
			b = lines(&o, &e);
			/* Count as a terminal does; the made-up names need two kinds of widths. */
			for (size_t k = 0; k < b.len; k++) {
				unsigned char c = (unsigned char)b.data[k];

				if (!memcmp(b.data + k, "/usr/bin/curl -s", MIN(16, b.len - k)))
					break;
				if (c >= 0xe3 && c <= 0xf0)
					columns += 2;
				else if (c != 0xcc && (c < 0x80 || c > 0xbf))
					columns++;
			}
			CHECK_EQ(columns, time_text_width(o.time) + 189);
			strbuf_finish(&b);
		}
	}
}

TEST(extra_and_glyph)
{
	struct text_options o = PLAIN;
	struct pevent_event e = sample_event(PEVENT_EXEC);

	o.extra = o.glyph = o.comm = true;
	e.process.uid = 0;
	e.process.euid = 1000;
	e.process.tty = 136 << 8 | 3;
	CHECK_LINES(&o, &e, "exec     3523          0       1000 pts/3    →       "
			    "          curl\n");
	e.process.tty = 4 << 8 | 65;
	e.process.uid = UINT32_MAX;
	CHECK_LINES(&o, &e, "exec     3523          -       1000 ttyS1    →       "
			    "          curl\n");
	e.process.tty = 0;
	CHECK_LINES(&o, &e, "exec     3523          -       1000 -        →       "
			    "          curl\n");
}

static void check_columns(const char *list, const char *want)
{
	struct text_options o = { .columns = list, .terminal_fd = -1 };
	struct strbuf why = { 0 };
	struct text *t = NULL;

	CHECK_EQ(text_new(&t, &o, &why), want ? -EINVAL : 0);
	if (want)
		test_true(__FILE__, __LINE__, list,
			  why.len >= strlen(want) && !memcmp(why.data, want, strlen(want)));
	strbuf_finish(&why);
	text_free(t);
}

TEST(columns)
{
	check_columns("classic", NULL);
	check_columns("pid", NULL);
	check_columns("pid,\x1b", "\\x1b: no such column; there are time event pid");
	check_columns("", ": no such column");
	check_columns("pid,", ": no such column");
	check_columns("pid,pid", "pid: given twice");
	check_columns("process,pid", "pid: after process, which must be last");
}

TEST(header_once_when_not_on_a_terminal)
{
	struct text_options o = { .columns = "pid", .terminal_fd = -1 };
	struct pevent_event e = sample_event(PEVENT_EXEC);
	struct strbuf b = { 0 };
	struct text *t = NULL;

	CHECK_EQ(text_new(&t, &o, NULL), 0);
	for (int i = 0; i < 3; i++)
		text_event(t, &e, &b);
	CHECK_STR(b.data, b.len, "    PID\n   3523\n   3523\n   3523\n");
	strbuf_finish(&b);
	text_free(t);
}

TEST(times)
{
	struct time_text t = { .style = TIME_CLOCK, .utc = true };
	char s[TIME_TEXT_MAX];

	CHECK_STR(s, time_text_put(&t, SAMPLE_NS, SAMPLE_OFFSET - (int64_t)SAMPLE_NS, s),
		  "20:14:01.123");
	t = (struct time_text){ .style = TIME_EPOCH };
	CHECK_STR(s, time_text_put(&t, SAMPLE_NS, SAMPLE_OFFSET - (int64_t)SAMPLE_NS, s),
		  "1795205641.123");
	t = (struct time_text){ .style = TIME_BOOT };
	CHECK_STR(s, time_text_put(&t, SAMPLE_NS + 1000, 0, s), "1000.000001");
	CHECK_STR(s, time_text_put(&t, UINT64_C(12345678123456789), 0, s), "12345678.12345");
	t = (struct time_text){ .style = TIME_RFC3339 };
	CHECK_STR(s, time_text_put(&t, UINT64_C(951782400000000001), 0, s),
		  "2000-02-29T00:00:00.000000001Z");
}

/* The night that Europe's clocks went back: 02:59 summer time, a minute later 02:00. */
TEST(summer_time_ends)
{
	struct time_text t = { .style = TIME_ISO };
	uint64_t ns = UINT64_C(1792889999) * 1000000000;
	char s[TIME_TEXT_MAX];

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	CHECK_STR(s, time_text_put(&t, ns, 0, s), "2026-10-25 02:59:59.000");
	CHECK_STR(s, time_text_put(&t, ns + 1000000000, 0, s), "2026-10-25 02:00:00.000");
	unsetenv("TZ");
}

TEST(signal_names)
{
	char s[SIGNAL_TEXT_MAX];

	CHECK_STR(s, signal_short(11, s), "SEGV");
	CHECK_STR(s, signal_full(11, s), "SIGSEGV");
	CHECK_STR(s, signal_full(34, s), "SIGRTMIN");
	CHECK_STR(s, signal_full(37, s), "SIGRTMIN+3");
	CHECK_STR(s, signal_full(33, s), "SIG33");
	CHECK_STR(s, signal_short(127, s), "SIG127");
	CHECK_STR(s, signal_short(0, s), "SIG0");
}

TEST_MAIN()
