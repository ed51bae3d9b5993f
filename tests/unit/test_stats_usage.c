/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "sample_events.h"
#include "sink/stats.h"
#include "sink/stats_data.h"
#include "sink/users.h"
#include "util/macro.h"

#define MS NSEC_PER_MSEC
#define MB (UINT64_C(1) << 20)
#define KNOWN_ALL (PEVENT_KNOWN_CPU | PEVENT_KNOWN_PEAK | PEVENT_KNOWN_IO | PEVENT_KNOWN_FAULTS)

static struct stats *new_stats(size_t max)
{
	struct stats *s = NULL;

	CHECK_EQ(stats_new(&s, max), 0);
	return s;
}

static bool contains(const struct strbuf *b, const char *part)
{
	return memmem(b->data, b->len, part, strlen(part));
}

static size_t count(const struct strbuf *b, const char *part)
{
	size_t n = 0, len = strlen(part);

	for (const char *at = b->data; at; n += at != NULL) {
		at = memmem(at, b->len - (size_t)(at - b->data), part, len);
		at = at ? at + len : NULL;
	}
	return n;
}

/* A complete account of an exit 7 ms after the start. */
static struct pevent_event used(uint64_t cpu_ns)
{
	struct pevent_event e = sample_exit(0);

	e.usage = (struct pevent_usage){
		.known = KNOWN_ALL, .origin = PEVENT_FROM_TASKSTATS, .cpu_ns = cpu_ns,
		.peak_rss = 3 * MB, .read_bytes = 4096, .write_bytes = 512,
		.minor_faults = 70, .major_faults = 1,
	};
	return e;
}

static struct pevent_event alive(uint64_t cpu_ns)
{
	struct pevent_event e = used(cpu_ns);

	e.type = PEVENT_SNAPSHOT;
	e.u.at_end = true;
	e.usage.origin = PEVENT_FROM_PROC;
	return e;
}

static const struct pevent_stats no_account;

static void write_text(struct stats *s, const struct pevent_stats *account, struct strbuf *b)
{
	struct stats_report report = { .account = account, .run_ns = 1500 * MS };

	strbuf_reset(b);
	stats_text(s, &report, b);
	CHECK(!b->failed);
}

static void write_json(struct stats *s, const struct pevent_stats *account, struct strbuf *b)
{
	struct stats_report report = { .account = account, .run_ns = 1500 * MS };

	strbuf_reset(b);
	stats_json(s, &report, b);
	CHECK(!b->failed);
	CHECK(b->data[b->len - 1] == '\n' && memchr(b->data, '\n', b->len) == b->data + b->len - 1);
}

TEST(sums_of_usage)
{
	struct usage_sum sum = { 0 }, other = { 0 };
	struct pevent_event e = used(30 * MS);

	e.usage.known |= PEVENT_KNOWN_CPU_SPLIT;
	e.usage.user_ns = 20 * MS;
	e.usage.system_ns = 10 * MS;
	e.usage.cpu_error_ns = 5;
	usage_sum_add(&sum, &e.usage);
	e = used(10 * MS);
	e.usage.peak_rss = 5 * MB;
	usage_sum_add(&sum, &e.usage);
	CHECK_EQ(sum.processes, 2);
	CHECK_EQ(sum.cpu_ns, 40 * MS);
	CHECK_EQ(sum.cpu_error_ns, 5);
	CHECK_EQ(sum.peak_rss, 5 * MB);
	CHECK_EQ(sum.read_bytes, 8192);
	CHECK_EQ(sum.write_bytes, 1024);
	CHECK_EQ(sum.minor_faults, 140);
	CHECK_EQ(sum.major_faults, 2);
	CHECK(usage_sum_has_split(&sum));	/* of 30 of 40 ms */
	CHECK(!usage_sum_is_estimate(&sum, PEVENT_KNOWN_CPU));
	usage_sum_add(&other, &e.usage);
	usage_sum_merge(&sum, &other);
	usage_sum_merge(&sum, &other);
	CHECK_EQ(sum.processes, 4);
	CHECK_EQ(sum.cpu_processes, 4);
	CHECK_EQ(sum.cpu_ns, 60 * MS);
	CHECK(!usage_sum_has_split(&sum));	/* of 30 of 60 ms */
	sum.cpu_error_ns = 6 * MS + 1;
	CHECK(usage_sum_is_estimate(&sum, PEVENT_KNOWN_CPU));
	CHECK(!usage_sum_is_estimate(&sum, PEVENT_KNOWN_IO));
}

TEST(what_is_not_known_is_not_read)
{
	struct usage_sum sum = { 0 };
	struct pevent_usage u;

	memset(&u, 0xff, sizeof(u));	/* as behind other events: not even zeroed */
	u.known = PEVENT_KNOWN_SAMPLE;
	CHECK_EQ(usage_quality(&u), USAGE_UNKNOWN);
	usage_sum_add(&sum, &u);
	CHECK_EQ(sum.processes, 1);
	CHECK_EQ(sum.cpu_processes, 0);
	CHECK_EQ(sum.cpu_ns, 0);
	CHECK_EQ(sum.peak_rss, 0);
	CHECK_EQ(sum.read_bytes, 0);
	CHECK_EQ(sum.minor_faults, 0);
	CHECK(usage_sum_is_estimate(&sum, PEVENT_KNOWN_CPU));
	u = used(1).usage;
	CHECK_EQ(usage_quality(&u), USAGE_COMPLETE);
	u.incomplete = true;
	CHECK_EQ(usage_quality(&u), USAGE_ESTIMATED);
	u = alive(1).usage;
	CHECK_EQ(usage_quality(&u), USAGE_ESTIMATED);
	u = used(1).usage;
	u.known = PEVENT_KNOWN_PEAK;	/* the kernel's, but no account of what was used */
	CHECK_EQ(usage_quality(&u), USAGE_ESTIMATED);
	sum = (struct usage_sum){ 0 };
	usage_sum_add(&sum, &u);
	CHECK(!usage_sum_is_estimate(&sum, PEVENT_KNOWN_PEAK));
	CHECK(usage_sum_is_estimate(&sum, PEVENT_KNOWN_CPU));
}

/* Kernel threads, and whoever slept through the run. */
TEST(nothing_used_is_exact)
{
	struct usage_sum sum = { 0 };
	struct pevent_event e = alive(0);

	usage_sum_add(&sum, &e.usage);
	CHECK(!usage_sum_is_estimate(&sum, PEVENT_KNOWN_CPU));
	CHECK(usage_sum_is_estimate(&sum, PEVENT_KNOWN_IO));
	e = used(10 * MS);
	usage_sum_add(&sum, &e.usage);
	CHECK(!usage_sum_is_estimate(&sum, PEVENT_KNOWN_CPU));
	e = alive(0);
	e.usage.cpu_error_ns = 1;
	usage_sum_add(&sum, &e.usage);
	CHECK(usage_sum_is_estimate(&sum, PEVENT_KNOWN_CPU));
}

TEST(table_of_programs)
{
	struct pevent_image image = sample_curl;
	struct stats *s = new_stats(10);
	struct pevent_event e = used(30 * MS);
	struct strbuf b = { 0 };

	stats_add(s, &e);
	e = used(10 * MS);
	e.process.image = &image;
	image.exe = "/evil\x1b[31m\n";
	e.usage.known |= PEVENT_KNOWN_CPU_SPLIT;
	e.usage.user_ns = 6 * MS;
	e.usage.system_ns = 4 * MS;
	stats_add(s, &e);
	stats_add(s, &e);
	image.exe = "/nothing";
	e.usage.known = 0;
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b,
		"   Procs      CPU  CPU %     User   System Mean CPU Peak RSS     Read  Written "
		"Program\n"
		"       1  30.00ms   60.0        -        -  30.00ms     3.0M     4.0K      512 "
		"/usr/bin/curl\n"
		"       2  20.00ms   40.0 12.00ms~  8.00ms~  10.00ms     3.0M     8.0K     1.0K "
		"/evil\\x1b[31m\\x0a\n"
		"       1        -      -        -        -        -        -        -        - "
		"/nothing\n"
		"       4 50.00ms~  100.0        -        - 16.66ms~    3.0M~   12.0K~    1.5K~ "
		"Total\n"));
	CHECK(contains(&b, "Accounts:    3 exits complete, 1 exits unknown\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "{\"name\":\"/usr/bin/curl\",\"events\":{\"exit\":1,\"total\":1},"));
	CHECK(contains(&b, "\"usage\":{\"processes\":2,\"cpu\":{\"total_ns\":20000000,"
			   "\"user_ns\":12000000,\"system_ns\":8000000,\"error_ns\":0,"
			   "\"mean_ns\":10000000},\"memory\":{\"peak_rss_bytes\":3145728},"
			   "\"io\":{\"read_bytes\":8192,\"write_bytes\":1024}}"));
	CHECK(contains(&b, "\"usage\":{\"processes\":1}}"));	/* /nothing */
	CHECK(contains(&b, "\"accounts\":{\"complete\":3,\"estimated\":0,\"unknown\":1,"
			   "\"alive\":0}"));
	strbuf_finish(&b);
	stats_free(s);
}

/* 20 rows, one for the rest, one for what found no room in the table; they add up. */
TEST(rows_are_limited)
{
	struct stats *s = new_stats(30);
	struct strbuf b = { 0 };
	struct pevent_event e;

	for (int i = 0; i < 40; i++) {
		e = used((uint64_t)(100 - i) * MS);
		e.process.image = NULL;
		snprintf(e.process.comm, sizeof(e.process.comm), "p%02d", i);
		stats_add(s, &e);
	}
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "       1  81.00ms    2.5        -        -  81.00ms     3.0M     4.0K"
			   "      512 p19\n"
			   "      10 755.00ms   23.4        -        -  75.50ms     3.0M    40.0K"
			   "     5.0K (10 more)\n"
			   "      10 655.00ms   20.3        -        -  65.50ms     3.0M    40.0K"
			   "     5.0K (other)\n"
			   "      40    3.22s  100.0 "));
	CHECK_EQ(count(&b, " p20\n"), 1);	/* in the table of events only */
	strbuf_finish(&b);
	stats_free(s);
}

TEST(groups)
{
	struct pevent_image image = sample_curl, parent = sample_curl;
	struct stats *s = new_stats(10);
	struct pevent_event e = used(30 * MS);
	struct strbuf b = { 0 };

	write_text(s, &no_account, &b);
	CHECK(!contains(&b, "Parent program"));
	parent.exe = "/usr/bin/make";
	e.process.parent_image = &parent;
	e.process.uid = 1000;
	e.process.euid = 33;
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(!contains(&b, "Cgroup"));		/* nothing is known of it */
	image.cgroup = "/a\x1b""b";
	e = used(10 * MS);
	e.process.image = &image;
	strcpy(e.process.parent_comm, "sh");
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Parent program\n"));
	CHECK(contains(&b, "      512 /usr/bin/make\n       1  10.00ms   25.0"));
	CHECK(contains(&b, "      512 sh\n"));
	CHECK(contains(&b, "      512 33\n       1  10.00ms   25.0"));
	CHECK(contains(&b, "Written Cgroup\n       1  30.00ms "));
	CHECK(contains(&b, "      512 (unknown)\n       1  10.00ms "));
	CHECK(contains(&b, "      512 /a\\x1bb\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"parents\":[{\"name\":\"/usr/bin/make\",\"usage\":{"));
	CHECK(contains(&b, "\"users\":[{\"id\":\"33\",\"usage\":{"));
	CHECK(contains(&b, "{\"name\":\"(unknown)\",\"usage\":{"));
	CHECK(contains(&b, "\"cgroups\":[{\"name\":\"(unknown)\",\"usage\":{"));
	CHECK(contains(&b, "{\"name\":\"/a\\u001bb\",\"usage\":{"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(groups_are_bounded)
{
	struct stats *s = new_stats(10);
	struct pevent_event e = used(MS);

	for (uint32_t i = 0; i < STATS_GROUPS_MAX + 5; i++) {
		e.process.euid = i;
		snprintf(e.process.parent_comm, sizeof(e.process.parent_comm), "p%u", i);
		stats_add(s, &e);
	}
	CHECK_EQ(s->groups[BY_USER].rows.count, STATS_GROUPS_MAX);
	CHECK_EQ(s->groups[BY_USER].other->usage.processes, 5);
	CHECK_EQ(stats_row_user(s->groups[BY_USER].other), UINT32_MAX);
	CHECK_EQ(s->groups[BY_PARENT].other->usage.cpu_ns, 5 * MS);
	CHECK_EQ(s->all->row.usage.processes, STATS_GROUPS_MAX + 5);
	stats_free(s);
}

/* Root has a name everywhere; 4294967294, if anywhere, not. */
TEST(names_of_users)
{
	struct pevent_stats account = { 0 };
	struct stats_report report = { .account = &account };
	struct stats *s = new_stats(10);
	struct pevent_event e = used(MS);
	struct strbuf b = { 0 };

	CHECK_EQ(users_new(&report.users), 0);
	if (!users_name(report.users, 0, 0))
		SKIP("user 0 has no name");
	e.process.euid = 0;
	stats_add(s, &e);
	e.process.euid = UINT32_MAX - 1;
	stats_add(s, &e);
	stats_text(s, &report, &b);
	CHECK(contains(&b, "      512 root\n"));
	CHECK(contains(&b, "      512 4294967294\n"));
	stats_json(s, &report, &b);
	CHECK(contains(&b, "{\"id\":\"0\",\"name\":\"root\",\"usage\":{"));
	CHECK(contains(&b, "{\"id\":\"4294967294\",\"usage\":{"));
	users_free(report.users);
	strbuf_finish(&b);
	stats_free(s);
}

TEST(snapshots)
{
	struct stats *s = new_stats(10);
	struct pevent_event e = alive(30 * MS);
	struct strbuf b = { 0 };

	e.u.at_end = false;
	stats_add(s, &e);
	CHECK_EQ(s->all->row.usage.processes, 0);
	CHECK_EQ(s->programs.rows.count, 0);
	CHECK_EQ(s->survivors, 0);
	e.u.at_end = true;
	e.sequence = 9;
	stats_add(s, &e);
	CHECK_EQ(s->all->row.usage.processes, 1);
	CHECK_EQ(s->all->total, 0);
	CHECK_EQ(s->all->lifetimes.count, 0);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "       1 30.00ms~  100.0        -        - 30.00ms~    3.0M~    4.0K~"
			   "     512~ /usr/bin/curl\n"));
	CHECK(contains(&b, "Accounts:    1 processes alive at the end\n"));
	CHECK(contains(&b, "30.00ms~     3523    alive /usr/bin/curl -s http://127.0.0.1/\n"));
	CHECK_EQ(count(&b, "/usr/bin/curl\n"), 1);	/* without a row among events */
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"sequence\":10}"));
	CHECK(contains(&b, "\"alive\":1}"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(top_consumers)
{
	struct stats *s = new_stats(10);
	struct strbuf b = { 0 };
	struct pevent_event e;

	for (int i = 0; i < 30; i++) {
		e = used((uint64_t)(i * 7 % 30) * MS);	/* 0 to 29 ms, mixed */
		e.process.pid = 1000 + i * 7 % 30;
		e.usage.known = PEVENT_KNOWN_CPU;
		stats_add(s, &e);
	}
	e.process.pid = 1;		/* as much as the last, but later */
	e.usage.cpu_ns = 20 * MS;
	stats_add(s, &e);
	CHECK_EQ(s->top[TOP_CPU].n, STATS_TOP_MAX);
	for (size_t i = 0; i < STATS_TOP_MAX; i++)
		CHECK_EQ(s->top[TOP_CPU].consumers[i].pid, 1029 - (int)i);
	CHECK_EQ(s->top[TOP_PEAK_RSS].n, 0);
	e = used(MS);
	e.usage.incomplete = true;
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "     CPU      PID    State Process: most CPU time\n"
			   " 29.00ms     1029    ended /usr/bin/curl -s http://127.0.0.1/\n"));
	CHECK(contains(&b, "Peak RSS      PID    State Process: most memory\n"
			   "   3.0M~     3523    ended "));
	CHECK(contains(&b, "   4.5K~     3523    ended "));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"top\":{\"cpu\":[{\"pid\":1029,\"cpu_ns\":29000000,"
			   "\"program\":\"/usr/bin/curl\",\"command_line\":"
			   "\"/usr/bin/curl -s http://127.0.0.1/\"},"));
	CHECK(contains(&b, "\"io\":[{\"pid\":3523,\"io_bytes\":4608,"));
	CHECK(contains(&b, "http://127.0.0.1/\",\"estimated\":true}]}"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(hostile_command_lines)
{
	char args[1000];
	struct pevent_image image = { .exe = "/bin/x", .args = args, .args_len = sizeof(args) };
	struct stats *s = new_stats(10);
	struct pevent_event e = used(MS);
	struct strbuf b = { 0 };

	for (size_t i = 0; i < sizeof(args); i += 2)
		memcpy(args + i, "\xc3\xa4", 2);	/* the limit splits one */
	args[0] = '\x1b';
	memmove(args + 1, args + 2, sizeof(args) - 2);
	args[sizeof(args) - 1] = '\0';
	e.process.image = &image;
	stats_add(s, &e);
	stats_put_command(&b, &e.process);
	CHECK(contains(&b, "$'\\x1b\xc3\xa4"));
	CHECK(contains(&b, "\xa4' [... 1000 bytes]"));
	CHECK(b.len < 160);
	strbuf_reset(&b);
	write_text(s, &no_account, &b);
	CHECK(!memchr(b.data, '\x1b', b.len));
	write_json(s, &no_account, &b);
	CHECK(!memchr(b.data, '\x1b', b.len));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(powers_of_two)
{
	static const struct {
		uint64_t ns;
		size_t bucket;
	} cases[] = {
		{ 0, 0 }, { 999, 0 }, { 1999, 0 }, { 2000, 1 }, { 3999, 1 }, { 4000, 2 },
		{ 1023999, 9 }, { 1024000, 10 }, { UINT64_MAX, LOG2_BUCKETS - 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct log2_counts c = { 0 };

		log2_counts_add(&c, cases[i].ns);
		CHECK_EQ(c.end, cases[i].bucket + 1);
		CHECK_EQ(c.counts[cases[i].bucket], 1);
		CHECK(log2_counts_from(cases[i].bucket) * 1000 <= cases[i].ns);
	}
	CHECK_EQ(log2_counts_from(0), 0);
	CHECK_EQ(log2_counts_from(1), 2);
	CHECK_EQ(log2_counts_from(54), UINT64_C(1) << 54);
}

TEST(histograms)
{
	struct stats *s = new_stats(10);
	struct pevent_event e = used(MS);
	struct strbuf b = { 0 };

	for (int i = 0; i < 100; i++)
		stats_add(s, &e);		/* 7 ms */
	e.process.start_ns = SAMPLE_NS - 900 * MS;
	e.usage.known |= PEVENT_KNOWN_RUN_QUEUE | PEVENT_KNOWN_DELAYS;
	e.usage.run_queue_ns = 90000;
	e.usage.run_queue_waits = 3;
	stats_add(s, &e);			/* waited 0 for I/O: not listed */
	write_text(s, &no_account, &b);
	CHECK(contains(&b,
		"      Microseconds Processes Lifetime\n"
		"   4096 ->    8191       100 |****************************************|\n"
		"   8192 ->   16383         0 |                                        |\n"));
	CHECK(contains(&b,
		" 524288 -> 1048575         1 |*                                       |\n"
		"\n"
		"Microseconds Processes Wait for a CPU, mean of each process\n"
		"  16 ->   31         1 |****************************************|\n"));
	CHECK(!contains(&b, "block I/O"));
	e.usage.run_queue_waits = 0;
	e.usage.delay_ns[PEVENT_DELAY_BLKIO] = UINT64_MAX;	/* the kernel does not count it */
	stats_add(s, &e);
	e.usage.delay_ns[PEVENT_DELAY_BLKIO] = 5000;
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Microseconds Processes Wait for block I/O, of processes that waited\n"
			   "   4 ->    7         1 |****************************************|\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"histogram\":{\"lifetime\":["
			   "{\"from_us\":4096,\"below_us\":8192,\"count\":100},"
			   "{\"from_us\":524288,\"below_us\":1048576,\"count\":3}],"
			   "\"run_queue_wait\":[{\"from_us\":16,\"below_us\":32,\"count\":1}],"
			   "\"block_io_wait\":[{\"from_us\":4,\"below_us\":8,\"count\":1}]}"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(machine)
{
	struct pevent_stats account = { .machine = {
		.cpu_busy_ns = 400 * MS, .cpu_idle_ns = 1200 * MS, .memory_total = 8192 * MB,
		.memory_available = 6144 * MB, .load = { 152, 7, 10000 }, .known = true,
	} };
	struct stats *s = new_stats(10);
	struct pevent_event e = used(30 * MS);
	struct strbuf b = { 0 };

	stats_add(s, &e);			/* lived 7 ms */
	e.process.start_ns = SAMPLE_NS - NSEC_PER_SEC;
	e.usage.cpu_ns = 270 * MS;
	e.u.exit.oom_killed = true;
	e.u.exit.wait_status = 9;
	stats_add(s, &e);			/* lived 1 s: not under it */
	e = alive(80 * MS);
	stats_add(s, &e);			/* not known how long it will */
	write_text(s, &account, &b);
	CHECK(contains(&b, "Machine:     CPUs busy for 400.00ms~ (25.0 %), "
			   "2.0G of 8.0G memory in use, load 1.52 0.07 100.00\n"
			   "CPU named:   380.00ms~, 95.0 % of the busy time\n"
			   "Short-lived: 30.00ms, 7.5 % of the busy time, "
			   "by 1 processes that lived under 1 s\n"
			   "Accounts:    2 exits complete, 1 processes alive at the end\n"));
	CHECK(contains(&b, "Exits:       1 with code 0, 1 by SIGKILL, "
			   "1 killed for want of memory\n"));
	write_json(s, &account, &b);
	CHECK(contains(&b, "\"machine\":{\"cpu_busy_ns\":400000000,\"cpu_idle_ns\":1200000000,"
			   "\"memory_total_bytes\":8589934592,"
			   "\"memory_available_bytes\":6442450944,"
			   "\"load_1m\":1.52,\"load_5m\":0.07,\"load_15m\":100.00},"
			   "\"named\":{\"cpu_ns\":380000000,\"busy_percent\":95.0},"
			   "\"short_lived\":{\"processes\":1,\"cpu_ns\":30000000,"
			   "\"busy_percent\":7.5}"));
	CHECK(contains(&b, "\"oom_killed\":1"));
	account.machine.cpu_busy_ns = 0;	/* the clock did not tick, or never met anybody */
	write_text(s, &account, &b);
	CHECK(contains(&b, "Machine:     CPUs busy for less than a clock tick, 2.0G of 8.0G "));
	CHECK(contains(&b, "CPU named:   380.00ms~\n"));
	account.machine.known = false;
	write_text(s, &account, &b);
	CHECK(!contains(&b, "Machine:"));
	CHECK(contains(&b, "CPU named:   380.00ms~\n"));
	write_json(s, &account, &b);
	CHECK(!contains(&b, "\"machine\"") && !contains(&b, "busy_percent"));
	strbuf_finish(&b);
	stats_free(s);
}

/* A replay without records: of some processes the peak, of none what it used. */
TEST(only_peaks_are_known)
{
	struct stats *s = new_stats(10);
	struct pevent_event e = used(MS);
	struct strbuf b = { 0 };

	e.usage.known = PEVENT_KNOWN_PEAK;
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(!contains(&b, "Mean CPU"));
	CHECK(contains(&b, "Process: most memory\n    3.0M     3523    ended "));
	e = alive(0);
	e.usage.known = PEVENT_KNOWN_CPU;	/* as seen once, in the recording's one scan */
	e.usage.cpu_error_ns = MS;
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(!contains(&b, "Mean CPU"));
	e.usage.known = PEVENT_KNOWN_IO;
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Mean CPU"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(nothing_is_known)
{
	struct stats *s = new_stats(10);
	struct pevent_event e = sample_exit(0);
	struct strbuf b = { 0 };

	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Accounts:    none\n"));
	CHECK(!contains(&b, "Processes Lifetime"));
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(!contains(&b, "Mean CPU") && !contains(&b, "CPU named") && !contains(&b, "PID"));
	CHECK(contains(&b, "Accounts:    1 exits unknown\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"top\":{\"cpu\":[],\"peak_rss\":[],\"io\":[]}"));
	CHECK(!contains(&b, "cpu_ns") && !contains(&b, "\"named\"") && !contains(&b, "cgroups"));
	CHECK(contains(&b, "\"short_lived\":{\"processes\":1}"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST_MAIN()
