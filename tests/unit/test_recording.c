/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recordings come from users: what they hold may be broken, or made to break. */
#include "recording_rig.h"

/* Adds what is in dir, which has to fail, and tell why in words. */
static void expect_failure(int line, int error, const char *words)
{
	struct pevent *p = new_context();

	logged[0] = '\0';
	test_equal(__FILE__, line, "error", pevent_add_recording(p, dir), error);
	if (!strstr(logged, words))
		printf("# log: %s", logged);
	test_true(__FILE__, line, words, strstr(logged, words));
	pevent_free(p);
	remove_dir();
}

#define EXPECT_FAILURE(error, words) expect_failure(__LINE__, error, words)

TEST(no_directory)
{
	struct pevent *p = new_context();

	logged[0] = '\0';
	CHECK_EQ(pevent_add_recording(p, "/nonexistent/recording"), -ENOENT);
	CHECK(strstr(logged, "/nonexistent/recording"));
	CHECK_EQ(pevent_add_recording(p, "/dev/null"), -ENOTDIR);
	CHECK_EQ(pevent_dispatch(p), -ENODEV);
	pevent_free(p);
	make_dir();
	EXPECT_FAILURE(-ENOENT, "meta.json");
}

TEST(missing_files)
{
	make_dir();
	put_file("meta.json", meta);
	put_file("proc.jsonl", scan_of_10);
	EXPECT_FAILURE(-ENOENT, "netlink.pcap");
	make_dir();
	put_file("meta.json", meta);
	open_pcap(LINKTYPE_NETLINK);
	close_pcap();
	EXPECT_FAILURE(-ENOENT, "proc.jsonl");
	begin_recording("");
	close_pcap();
	EXPECT_FAILURE(-EIO, "no scan");
}

TEST(bad_meta)
{
	static const char *const texts[] = {
		"", "{", "[]", "null", "7", "{}", "{\"format\":1}",
		"{\"format\":2,\"ticks_per_second\":100}", "{\"format\":1,\"ticks_per_second\":0}",
		"{\"format\":1,\"ticks_per_second\":-1}",
		"{\"format\":1,\"ticks_per_second\":null}",
		"{\"format\":1,\"ticks_per_second\":4294967396}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		with_meta(texts[i]);
		EXPECT_FAILURE(-EBADMSG, "meta.json");
	}
}

/* What is there has the wrong type, or is too long: it is not believed, and does no harm. */
TEST(odd_meta)
{
	char text[1000];
	struct pevent_host host;
	struct pevent *p;

	snprintf(text, sizeof(text),
		 "{\"format\":1,\"ticks_per_second\":100,\"nodename\":\"%0500d\","
		 "\"release\":null,\"machine\":{\"a\":[1]},\"boot_id\":7,\"cpus\":\"x\"}", 0);
	with_meta(text);
	p = open_recording();
	pevent_get_host(p, &host);
	CHECK_EQ(strlen(host.nodename), 64);
	CHECK(host.replay);
	CHECK_EQ(host.ticks_per_second, 100);
	pevent_free(p);
	remove_dir();
}

TEST(wrong_link_type)
{
	make_dir();
	put_file("meta.json", meta);
	put_file("proc.jsonl", scan_of_10);
	open_pcap(DLT_EN10MB);
	close_pcap();
	EXPECT_FAILURE(-EBADMSG, "link type");
}

TEST(not_a_pcap)
{
	make_dir();
	put_file("meta.json", meta);
	put_file("proc.jsonl", scan_of_10);
	put_file("netlink.pcap", "this is not a pcap file, whatever its name");
	EXPECT_FAILURE(-EBADMSG, "netlink.pcap");
}

/* A failed input leaves the context as it was. */
TEST(another_input_after_a_failed_one)
{
	struct pevent *p = new_context();

	make_dir();
	put_file("meta.json", meta);
	put_file("proc.jsonl", "");
	open_pcap(LINKTYPE_NETLINK);
	close_pcap();
	CHECK(pevent_add_recording(p, dir) < 0);
	put_file("proc.jsonl", scan_of_10);
	CHECK_EQ(pevent_add_recording(p, dir), 0);
	CHECK_EQ(pevent_add_recording(p, dir), -EBUSY);
	CHECK_EQ(pevent_record_to(p, "/tmp/never-made"), -EBUSY);
	CHECK_EQ(EXPECT(p, PEVENT_START, 0)->sequence, 1);
	CHECK(!next(p));
	pevent_free(p);
	remove_dir();
}

TEST(garbage_lines_are_passed_over_with_a_warning)
{
	struct pevent_stats stats;
	struct pevent *p;

	begin_recording("garbage\n{\"why\":\"future\"}\n[1,2]\n{\"why\":null}\n{\"why\":[]}\n{}\n\n"
			"{\"why\":\"scan\"\n");
	put_file("proc.jsonl", scan_of_10);
	put_file("proc.jsonl",
		 "{\"why\":\"exec\",\"event\":\"x\",\"pid\":{},\"cmdline\":[],\"exe\":null}\n");
	put(1010 * MS, fact(CN_EXEC, 1003 * MS, 20, 20));
	close_pcap();
	p = open_recording();
	CHECK(strstr(logged, "line 1:"));
	CHECK(strstr(logged, "line 8:"));
	run(p);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_EXEC, 20);
	CHECK(!next(p));
	pevent_get_stats(p, &stats);
	CHECK_EQ(stats.source[PEVENT_SOURCE_PROC].received, 1);
	pevent_free(p);
	remove_dir();
}

TEST(garbage_packets)
{
	struct pevent *p;
	uint8_t packet[200] = { 0 };

	begin_recording(scan_of_10);
	put_packet(1005 * MS, packet, 0);
	put_packet(1005 * MS, packet, 15);
	put_packet(1005 * MS, packet, 16);
	put_packet(1005 * MS, packet, sizeof(packet));
	memset(packet, 0xff, sizeof(packet));
	put_packet(1005 * MS, packet, sizeof(packet));
	put(1010 * MS, fact_fork(1003 * MS, 20, 10));
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_FORK, 20);
	CHECK(!next(p));
	pevent_free(p);
	remove_dir();
}

/* A record whose time lies before the drain that it comes with. */
TEST(packets_out_of_order)
{
	struct pevent *p;

	begin_recording_of(meta_of_usage, scan_of_10);
	put(1010 * MS, fact_fork(1003 * MS, 20, 10));
	put_usage(1020 * MS, 20, 20, true);
	put_usage(1015 * MS, 21, 21, true);
	put(1015 * MS, fact_exit(1004 * MS, 20, 20, 0));
	put(500 * MS, fact_fork(1005 * MS, 22, 10));
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_FORK, 20);
	EXPECT(p, PEVENT_EXIT, 20);
	EXPECT(p, PEVENT_FORK, 22);
	CHECK(!next(p));
	pevent_free(p);
	remove_dir();
}

/* More facts of a time that never comes than there is room for: they do not stop the rest. */
TEST(times_that_never_come)
{
	unsigned int rounds = 0, comms = 0;
	const unsigned int wanted = 150000;
	struct pevent *p;
	int error;

	begin_recording(scan_of_10);
	for (unsigned int i = 0; i < wanted; i++)
		put(1010 * MS + i / 1000, fact_comm(UINT64_MAX / 2, 10, 10, "x"));
	close_pcap();
	p = open_recording();
	EXPECT(p, PEVENT_START, 0);
	do {
		const struct pevent_event *ev;

		error = pevent_dispatch(p);
		while ((ev = next(p)))
			comms += ev->type == PEVENT_COMM;
		CHECK(++rounds < 1000);
	} while (error == 0);
	CHECK_EQ(error, -ENODATA);
	CHECK_EQ(comms, wanted);
	pevent_free(p);
	remove_dir();
}

/* What is not wanted yet is not read: a scan ends where another line follows. */
TEST(a_long_recording_is_not_held_in_memory)
{
	struct pevent *p;

	begin_recording(scan_of_10);
	put_file("proc.jsonl",
		 "{\"why\":\"drops\",\"time\":3000000000,\"total\":0,\"queued\":0}\n"
		 "garbage\n");
	put(1010 * MS, fact_fork(1003 * MS, 20, 10));
	close_pcap();
	p = open_recording();
	CHECK_EQ(logged[0], '\0');
	run(p);
	CHECK(strstr(logged, "line 4:"));
	pevent_free(p);
	remove_dir();
}

TEST(missing_records_are_told_of)
{
	struct pevent_stats stats;
	struct pevent *p;

	begin_recording_of(meta_of_usage, scan_of_10);
	put(1005 * MS, fact_fork(1002 * MS, 20, 10));
	put(1005 * MS, fact_fork(1002 * MS, 21, 10));
	put(1010 * MS, fact_exit(1009 * MS, 20, 20, 0));
	put_usage(1010 * MS, 20, 20, true);
	close_pcap();
	p = open_recording();
	run(p);
	while (next(p))
		;
	pevent_get_stats(p, &stats);
	CHECK(!strcmp(stats.source[PEVENT_SOURCE_TASKSTATS].state, "replay"));
	pevent_free(p);
	remove_dir();
	begin_recording_of(meta_of_usage, scan_of_10);
	put(1005 * MS, fact_fork(1002 * MS, 20, 10));
	put(1005 * MS, fact_fork(1002 * MS, 21, 10));
	put(1010 * MS, fact_exit(1009 * MS, 20, 20, 0));
	put(1010 * MS, fact_exit(1009 * MS, 21, 21, 0));
	put_usage(1010 * MS, 20, 20, true);
	close_pcap();
	p = open_recording();
	run(p);
	while (next(p))
		;
	pevent_get_stats(p, &stats);
	CHECK(!strcmp(stats.source[PEVENT_SOURCE_TASKSTATS].state,
		      "replay, threads without a record: 1"));
	pevent_free(p);
	remove_dir();
}

#define STOLEN(time, since, stolen) \
	"{\"why\":\"stolen\",\"time\":" time ",\"since\":" since ",\"busy\":0,\"stolen\":" \
	stolen "}\n"

/* Lives that end up to a second after a hypervisor took time; none that had been applied before. */
TEST(lives_while_time_is_stolen)
{
	struct pevent *p;

	begin_recording_of(meta_of_usage, scan_of_10);
	put_file("proc.jsonl",
		 STOLEN("1002000000", "1001000000", "70000000000")
		 STOLEN("2502500000", "2100000000", "70030000000"));
	for (uint64_t ms = 2002; ms <= 3503; ms += 500) {
		pid_t pid = (pid_t)ms;

		put((ms + 3) * MS, fact_fork(ms * MS, pid, 10));
		put((ms + 3) * MS, fact_exit((ms + 1) * MS, pid, pid, 0));
		put_usage((ms + 3) * MS, pid, pid, true);
	}
	put(6000 * MS, fact_fork(5999 * MS, 20, 10));
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	for (pid_t pid = 2002; pid <= 3503; pid += 500) {
		const struct pevent_event *ev;

		EXPECT(p, PEVENT_FORK, pid);
		ev = EXPECT(p, PEVENT_EXIT, pid);
		CHECK(ev->usage.known & PEVENT_KNOWN_CPU);
		/* What it did after its record has a bound of its own. */
		CHECK_EQ(ev->usage.cpu_error_ns >= 500000 + 460000, pid == 2502 || pid == 3002);
	}
	pevent_free(p);
	remove_dir();
}

/* No more is read for an EXEC of which nothing is known than where it would be. */
TEST(what_was_not_read_is_not_sought_to_the_end)
{
	struct pevent *p;

	begin_recording(scan_of_10);
	put_file("proc.jsonl",
		 "{\"why\":\"drops\",\"time\":3000000000,\"total\":0,\"queued\":0}\n"
		 "garbage\n");
	put(1005 * MS, fact(CN_EXEC, 1003 * MS, 10, 10));
	put(1010 * MS, fact_exit(1009 * MS, 10, 10, 0));
	close_pcap();
	p = open_recording();
	CHECK_EQ(EXPECT(p, PEVENT_START, 0)->sequence, 1);
	CHECK_EQ(pevent_dispatch(p), 0);
	CHECK_EQ(EXPECT(p, PEVENT_EXEC, 10)->process.image_origin, PEVENT_FROM_NONE);
	CHECK_EQ(logged[0], '\0');
	run(p);
	EXPECT(p, PEVENT_EXIT, 10);
	CHECK(strstr(logged, "line 4:"));
	pevent_free(p);
	remove_dir();
}

TEST(truncated_pcap)
{
	struct pevent *p;
	struct stat st;

	one_life();
	CHECK_EQ(stat(path_of("netlink.pcap"), &st), 0);
	CHECK_EQ(truncate(path_of("netlink.pcap"), st.st_size - 7), 0);
	p = open_recording();
	run_to(p, -EBADMSG);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_FORK, 20);
	EXPECT(p, PEVENT_EXEC, 20);
	CHECK(!next(p));
	CHECK(strstr(logged, "netlink.pcap"));
	pevent_free(p);
	remove_dir();
	one_life();
	CHECK_EQ(truncate(path_of("netlink.pcap"), 10), 0);
	EXPECT_FAILURE(-EBADMSG, "netlink.pcap");
}

TEST_MAIN()
