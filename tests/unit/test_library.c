/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The public header, over recordings that the test writes itself. */
#include <poll.h>

#include "recording_rig.h"

TEST(config)
{
	struct pevent_config c = PEVENT_CONFIG_INIT;
	struct pevent *p = NULL;

	CHECK_EQ(pevent_new(&p, &c), 0);
	CHECK(p);
	p = pevent_free(p);
	CHECK(!p);
	CHECK(!pevent_free(NULL));
	CHECK_EQ(pevent_new(&p, NULL), 0);
	p = pevent_free(p);

	c.size = 0;
	CHECK_EQ(pevent_new(&p, &c), -EINVAL);
	c.size = sizeof(c) + 8;
	CHECK_EQ(pevent_new(&p, &c), -EINVAL);
	c = (struct pevent_config)PEVENT_CONFIG_INIT;
	c.args_max = (128 << 10) + 1;
	CHECK_EQ(pevent_new(&p, &c), -EINVAL);
	c.args_max = 128 << 10;
	c.tick_us = 1000001;
	CHECK_EQ(pevent_new(&p, &c), -EINVAL);
	CHECK(!p);
	c.tick_us = 1000000;
	c.table_max = 1;
	CHECK_EQ(pevent_new(&p, &c), 0);
	pevent_free(p);
}

TEST(names)
{
	CHECK(!strcmp(pevent_type_name(PEVENT_FORK), "fork"));
	CHECK(!strcmp(pevent_type_name(PEVENT_LOST), "lost"));
	CHECK(!strcmp(pevent_source_name(PEVENT_SOURCE_EXEC_READER), "exec-reader"));
	CHECK(!strcmp(pevent_origin_name(PEVENT_FROM_PROC), "proc"));
	for (int i = 0; i < PEVENT_TYPE_COUNT; i++)
		CHECK(pevent_type_name(i));
	for (int i = 0; i < PEVENT_SOURCE_COUNT; i++)
		CHECK(pevent_source_name(i));
	for (int i = 0; i < PEVENT_ORIGIN_COUNT; i++)
		CHECK(pevent_origin_name(i));
	CHECK(!pevent_type_name(PEVENT_TYPE_COUNT));
	CHECK(!pevent_source_name(PEVENT_SOURCE_COUNT));
	CHECK(!pevent_origin_name(PEVENT_ORIGIN_COUNT));
	CHECK(!strncmp(pevent_version(), "0.", 2));
}

TEST(without_an_input)
{
	struct pevent *p = new_context();
	const struct pevent_event *ev = NULL;
	struct pevent_stats stats;

	CHECK_EQ(pevent_dispatch(p), -ENODEV);
	CHECK_EQ(pevent_next(p, &ev), -ENODEV);
	CHECK_EQ(pevent_stop(p), -ENODEV);
	CHECK(!ev);
	CHECK(pevent_get_fd(p) >= 0);
	pevent_get_stats(p, &stats);
	CHECK(!stats.source[PEVENT_SOURCE_CONNECTOR].active);
	pevent_free(p);
}

TEST(filter_that_is_not_valid)
{
	struct pevent_filter filter = PEVENT_FILTER_INIT;
	const char *bad = "[";
	struct pevent *p = new_context();

	logged[0] = '\0';
	CHECK_EQ(pevent_set_filter(p, &filter), 0);
	filter.size--;
	CHECK_EQ(pevent_set_filter(p, &filter), -EINVAL);
	filter.size++;
	filter.regexes = &bad;
	filter.n_regexes = 1;
	CHECK_EQ(pevent_set_filter(p, &filter), -EINVAL);
	CHECK(strstr(logged, "'['"));
	pevent_free(p);
}

TEST(host)
{
	struct pevent_host host;
	struct pevent *p;

	with_meta(meta);
	p = open_recording();
	pevent_get_host(p, &host);
	CHECK(!strcmp(host.nodename, "host"));
	CHECK(!strcmp(host.release, "6.1.0"));
	CHECK(!strcmp(host.machine, "x86_64"));
	CHECK(!strcmp(host.boot_id, "00000000-1111-2222-3333-444444444444"));
	CHECK_EQ(host.ticks_per_second, 100);
	CHECK_EQ(host.cpus, 2);
	CHECK(host.replay);
	pevent_free(p);
	remove_dir();
}

TEST(replay)
{
	const struct pevent_event *ev;
	struct pevent_stats stats;
	struct pevent *p;

	one_life();
	p = open_recording();
	run(p);
	ev = EXPECT(p, PEVENT_START, 0);
	CHECK_EQ(ev->time_ns, 1000 * MS);
	CHECK_EQ(ev->realtime_offset_ns, REALTIME);
	ev = EXPECT(p, PEVENT_FORK, 20);
	CHECK_EQ(ev->time_ns, 1002 * MS);
	CHECK_EQ(ev->parent.pid, 10);
	CHECK(!strcmp(ev->parent.comm, "shell"));
	CHECK_EQ(ev->parent.loginuid, 1000);
	CHECK(!strcmp(ev->parent.image->exe, "/bin/sh"));
	CHECK(!strcmp(ev->parent.image->cgroup, "/x"));
	ev = EXPECT(p, PEVENT_EXEC, 20);
	CHECK_STR(ev->process.image->args, ev->process.image->args_len, "caf\xe9\0\1\xff\0");
	CHECK(!strcmp(ev->process.comm, "caf\xe9"));
	CHECK_EQ(ev->process.image_origin, PEVENT_FROM_EXEC_READER);
	ev = EXPECT(p, PEVENT_EXIT, 20);
	CHECK_EQ(ev->sequence, 4);
	CHECK_EQ(ev->u.exit.wait_status, 3 << 8);
	CHECK_EQ(ev->process.end_ns - ev->process.start_ns, 7 * MS);
	CHECK(!next(p));
	CHECK_EQ(pevent_stop(p), 0);
	CHECK(!next(p));
	pevent_get_stats(p, &stats);
	CHECK_EQ(stats.source[PEVENT_SOURCE_CONNECTOR].received, 3);
	CHECK_EQ(stats.source[PEVENT_SOURCE_CONNECTOR].lost, 0);
	CHECK_EQ(stats.source[PEVENT_SOURCE_EXEC_READER].received, 1);
	CHECK_EQ(stats.source[PEVENT_SOURCE_PROC].received, 1);
	CHECK_EQ(stats.events[PEVENT_FORK], 1);
	CHECK_EQ(stats.events[PEVENT_EXIT], 1);
	CHECK_EQ(stats.events[PEVENT_START], 1);
	CHECK_EQ(stats.processes, 1);
	CHECK_EQ(stats.processes_peak, 2);
	CHECK_EQ(logged[0], '\0');
	pevent_free(p);
	remove_dir();
}

/* As the header's example pulls; poll() always finds work until the end. */
TEST(poll_dispatch_next)
{
	struct pevent *p;
	unsigned int events = 0;
	int error = 0;

	one_life();
	p = open_recording();
	while (error != -ENODATA) {
		struct pollfd fd = { .fd = pevent_get_fd(p), .events = POLLIN };

		CHECK_EQ(poll(&fd, 1, 0), 1);
		CHECK(fd.revents & POLLIN);
		error = pevent_dispatch(p);
		while (next(p))
			events++;
	}
	CHECK_EQ(pevent_stop(p), 0);
	while (next(p))
		events++;
	CHECK_EQ(events, 4);
	pevent_free(p);
	remove_dir();
}

/* The youngest millisecond is held while more can come; stop lets it go. */
TEST(stop_gives_what_is_held)
{
	struct pevent *p;

	begin_recording(scan_of_10);
	put(1010 * MS, fact_fork(1005 * MS, 20, 10));
	put(1010 * MS, fact_fork(1010 * MS - MS / 2, 21, 10));
	put(1020 * MS, fact_fork(1019 * MS, 22, 10));
	close_pcap();
	p = open_recording();
	CHECK(pevent_dispatch(p) >= 0);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_FORK, 20);
	CHECK(!next(p));
	CHECK_EQ(pevent_stop(p), 0);
	EXPECT(p, PEVENT_FORK, 21);
	CHECK(!next(p));		/* 22 was not drained, and is not any more */
	CHECK_EQ(pevent_dispatch(p), -ENODATA);
	pevent_free(p);
	remove_dir();
}

/* Two CPUs, each in order, drained one after the other. */
TEST(order_of_time_across_cpus)
{
	struct pevent *p;
	struct cn_event ev;

	begin_recording(scan_of_10);
	for (uint32_t cpu = 0; cpu < 2; cpu++) {
		seq = 100 * cpu;
		for (int32_t i = 0; i < 10; i++) {
			ev = fact_fork(1005 * MS + (uint64_t)i * 1000 + 500 * cpu,
				       20 + 2 * i + (int32_t)cpu, 10);
			ev.cpu = cpu;
			put(1010 * MS, ev);
		}
	}
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	for (int32_t i = 0; i < 20; i++)
		CHECK_EQ(EXPECT(p, PEVENT_FORK, 20 + i)->cpu, i & 1);
	CHECK(!next(p));
	pevent_free(p);
	remove_dir();
}

TEST(exec_nobody_read)
{
	const struct pevent_event *ev;
	struct pevent_stats stats;
	struct pevent *p;

	begin_recording(scan_of_10);
	put_file("proc.jsonl",
		 "{\"why\":\"exec\",\"event\":1004000000,\"time\":1004000100,\"pid\":21,"
		 "\"cut\":0,\"cmdline\":\"second\\u0000\"}\n");
	put(1010 * MS, fact(CN_EXEC, 1003 * MS, 20, 20));
	put(1010 * MS, fact(CN_EXEC, 1004 * MS, 21, 21));
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	ev = EXPECT(p, PEVENT_EXEC, 20);
	CHECK(!ev->process.image);
	ev = EXPECT(p, PEVENT_EXEC, 21);
	CHECK(ev->process.image);
	CHECK_STR(ev->process.image->args, ev->process.image->args_len, "second\0");
	pevent_get_stats(p, &stats);
	CHECK_EQ(stats.source[PEVENT_SOURCE_EXEC_READER].lost, 1);
	pevent_free(p);
	remove_dir();
}

TEST(loss_and_rescan)
{
	const struct pevent_event *ev;
	struct pevent_stats stats;
	struct pevent *p;

	begin_recording(scan_of_10);
	put_file("proc.jsonl",
		 "{\"why\":\"drops\",\"time\":1500000000,\"total\":7,\"queued\":12345}\n"
		 "{\"why\":\"scan\",\"begin\":1501000000,\"end\":1502000000}\n"
		 "{\"why\":\"scanned\",\"event\":0,\"time\":1501500000,\"pid\":30,\"cut\":0,"
		 "\"stat\":\"30 (new) S 10 10 10 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 145 0 0\"}\n");
	put(1490 * MS, fact_fork(1489 * MS, 20, 10));
	seq += 4;
	put(1500 * MS, fact_comm(1499 * MS, 20, 20, "x"));
	put(1600 * MS, fact_comm(1599 * MS, 30, 30, "newer"));
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_FORK, 20);
	ev = EXPECT(p, PEVENT_LOST, 0);
	CHECK_EQ(ev->u.lost.count, 4);
	CHECK_EQ(ev->u.lost.source, PEVENT_SOURCE_CONNECTOR);
	CHECK_EQ(ev->time_ns, 1499 * MS);
	EXPECT(p, PEVENT_COMM, 20);
	ev = EXPECT(p, PEVENT_EXIT, 10);
	CHECK_EQ(ev->u.exit.origin, PEVENT_FROM_NONE);
	CHECK_EQ(ev->time_ns, 1512 * MS);
	EXPECT(p, PEVENT_EXIT, 20);
	ev = EXPECT(p, PEVENT_COMM, 30);
	CHECK(!strcmp(ev->u.comm.old_comm, "new"));
	CHECK_EQ(ev->process.ppid, 10);
	ev = EXPECT(p, PEVENT_LOST, 0);		/* three of the seven no event of their CPU told */
	CHECK_EQ(ev->u.lost.count, 3);
	CHECK(!next(p));
	pevent_get_stats(p, &stats);
	CHECK_EQ(stats.rescans, 1);
	CHECK_EQ(stats.source[PEVENT_SOURCE_CONNECTOR].lost, 7);
	CHECK_EQ(stats.receive_queue_peak, 12345);
	CHECK_EQ(stats.source[PEVENT_SOURCE_PROC].received, 2);
	pevent_free(p);
	remove_dir();
}

/* The run looked again after the last message; what it found then belongs to the recording. */
TEST(rescan_at_the_end)
{
	const struct pevent_event *ev;
	struct pevent *p;

	begin_recording(scan_of_10);
	put_file("proc.jsonl",
		 "{\"why\":\"drops\",\"time\":1500000000,\"total\":1,\"queued\":1}\n"
		 "{\"why\":\"scan\",\"begin\":1501000000,\"end\":1502000000}\n");
	put(1100 * MS, fact_fork(1099 * MS, 20, 10));
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_FORK, 20);
	EXPECT(p, PEVENT_EXIT, 10);
	ev = EXPECT(p, PEVENT_EXIT, 20);
	CHECK_EQ(ev->u.exit.origin, PEVENT_FROM_NONE);
	CHECK_EQ(ev->time_ns, 1512 * MS);
	CHECK_EQ(EXPECT(p, PEVENT_LOST, 0)->u.lost.count, 1);
	CHECK(!next(p));
	pevent_free(p);
	remove_dir();
}

/* The child that pevent forks to test its sources is not part of the stream. */
TEST(probes_are_hidden)
{
	struct pevent *p;

	begin_recording(scan_of_10);
	put_file("proc.jsonl", "{\"why\":\"probe\",\"pid\":20,\"begin\":1002000000,"
		 "\"end\":1003000000}\n");
	put(1010 * MS, fact_fork(1002 * MS + 5, 20, 10));
	put(1010 * MS, fact_exit(1003 * MS + 5, 20, 20, 0));
	put(1020 * MS, fact_fork(1015 * MS, 20, 10));	/* the number once more */
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_FORK, 20);
	CHECK(!next(p));
	pevent_free(p);
	remove_dir();
}

#define PROBE "{\"why\":\"probe\",\"pid\":30,\"begin\":1002000000,\"end\":1003000000}\n"

static void put_probe(void)
{
	put_file("proc.jsonl", PROBE);
	put(1010 * MS, fact_fork(1002 * MS + 5, 30, 10));
	put(1010 * MS, fact_exit(1003 * MS + 5, 30, 30, 0));
}

/* The record of a later process with the probe's number is that process's. */
TEST(a_probe_whose_record_is_lost)
{
	const struct pevent_event *ev;
	struct pevent_stats stats;
	struct pevent *p;

	begin_recording_of(meta_of_usage, scan_of_10);
	put_probe();
	put_usage(1010 * MS, 99, 99, true);
	put(1020 * MS, fact_fork(1015 * MS, 30, 10));
	put(1020 * MS, fact_exit(1016 * MS, 30, 30, 0));
	put_usage(1020 * MS, 30, 30, true);
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_FORK, 30);
	ev = EXPECT(p, PEVENT_EXIT, 30);
	CHECK_EQ(ev->usage.origin, PEVENT_FROM_TASKSTATS);
	CHECK(!ev->usage.incomplete);
	CHECK(!next(p));
	pevent_get_stats(p, &stats);
	CHECK(stats.source[PEVENT_SOURCE_TASKSTATS].active);
	CHECK_EQ(stats.source[PEVENT_SOURCE_TASKSTATS].received, 2);
	CHECK_EQ(logged[0], '\0');
	pevent_free(p);
	remove_dir();
}

/* Where not even a process of our own leaves a record, nobody is said to lack one. */
TEST(records_that_do_not_come)
{
	const struct pevent_event *ev;
	struct pevent_stats stats;
	struct pevent *p;

	begin_recording_of(meta_of_usage, scan_of_10);
	put_probe();
	put(1020 * MS, fact_fork(1015 * MS, 20, 10));
	put(1020 * MS, fact_exit(1016 * MS, 20, 20, 0));
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_FORK, 20);
	ev = EXPECT(p, PEVENT_EXIT, 20);
	CHECK_EQ(ev->usage.known, 0);
	CHECK(!ev->usage.incomplete);
	CHECK(!next(p));
	pevent_get_stats(p, &stats);
	CHECK(!stats.source[PEVENT_SOURCE_TASKSTATS].active);
	CHECK(!strncmp(stats.source[PEVENT_SOURCE_TASKSTATS].state, "silent", 6));
	CHECK(strstr(logged, "left no record"));
	pevent_free(p);
	remove_dir();
}

#define SAMPLE_OF_20(time) "{\"why\":\"sample\",\"event\":0,\"time\":" time ",\"pid\":20," \
	"\"cut\":0,\"stat\":\"20 (x) S 10 10 10 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\"}\n"

/* Its process was forked before it, and that came out of the drain before it. */
TEST(samples_take_their_turn)
{
	const struct pevent_event *ev;
	struct pevent_stats stats;
	struct pevent *p;

	begin_recording(scan_of_10);
	put_file("proc.jsonl", SAMPLE_OF_20("1500000000") SAMPLE_OF_20("2500000000"));
	put(1005 * MS, fact_fork(1002 * MS, 20, 10));
	put(3000 * MS, fact_exit(2000 * MS, 20, 20, 0));
	put(3000 * MS, fact_fork(2100 * MS, 21, 10));
	close_pcap();
	p = open_recording();
	EXPECT(p, PEVENT_START, 0);
	run(p);
	EXPECT(p, PEVENT_FORK, 20);
	ev = EXPECT(p, PEVENT_EXIT, 20);
	CHECK(ev->usage.known & PEVENT_KNOWN_SAMPLE);
	CHECK_EQ(ev->usage.sample.count, 1);
	CHECK_EQ(ev->usage.sample.time_ns, 1500 * MS);
	EXPECT(p, PEVENT_FORK, 21);
	CHECK(!next(p));
	pevent_get_stats(p, &stats);
	CHECK_EQ(stats.samples, 2);	/* the first scan's is one */
	pevent_free(p);
	remove_dir();
}

/* The kernel names a thread with memory; it was asked for one drain after the EXIT's. */
TEST(oom_victim_whose_leader_left_first)
{
	const struct pevent_event *ev;
	struct pevent *p;

	begin_recording(scan_of_10);
	put_file("proc.jsonl",
		 "{\"why\":\"oom\",\"time\":1030000000,\"pid\":21,\"exit\":1009000000}\n");
	put(1010 * MS, fact_fork(1002 * MS, 20, 10));
	put(1010 * MS, fact_thread(1003 * MS, 20, 21));
	put(1010 * MS, fact_exit(1005 * MS, 20, 20, 0));
	put(1010 * MS, fact_exit(1009 * MS, 20, 21, 9));
	put(1010 * MS, fact_exit(1009 * MS, 10, 10, 9));
	put(1020 * MS, fact_fork(1019 * MS, 22, 1));
	close_pcap();
	p = open_recording();
	run(p);
	while ((ev = next(p)) && (ev->type != PEVENT_EXIT || ev->process.pid != 20))
		;
	CHECK(ev);
	CHECK(ev->u.exit.oom_killed);
	ev = EXPECT(p, PEVENT_EXIT, 10);
	CHECK(!ev->u.exit.oom_killed);
	pevent_free(p);
	remove_dir();
}

#define TOTALS(time, busy) "{\"why\":\"machine\",\"time\":" time ",\"busy\":" busy "," \
	"\"idle\":5,\"memory\":4096,\"available\":1024,\"load\":[1,2,3]}\n"

/* The first ones are younger than the kernel's acknowledgement, the last than everything. */
TEST(totals_of_the_machine)
{
	struct pevent_stats stats;
	struct pevent *p;

	begin_recording(scan_of_10);
	put_file("proc.jsonl", TOTALS("1002000000", "100") TOTALS("9000000000", "350"));
	put(1000 * MS, (struct cn_event){ .what = CN_NONE });
	put(2000 * MS, fact_fork(1999 * MS, 20, 10));
	close_pcap();
	p = open_recording();
	run(p);
	EXPECT(p, PEVENT_START, 0);
	EXPECT(p, PEVENT_FORK, 20);
	CHECK(!next(p));
	pevent_get_stats(p, &stats);
	CHECK(stats.machine.known);
	CHECK_EQ(stats.machine.cpu_busy_ns, 250);
	CHECK_EQ(stats.machine.cpu_idle_ns, 0);
	CHECK_EQ(stats.machine.memory_total, 4096);
	CHECK_EQ(stats.machine.load[2], 3);
	pevent_free(p);
	remove_dir();
}

TEST(filter_and_follow)
{
	struct pevent_filter filter = PEVENT_FILTER_INIT;
	struct pevent *p = new_context();
	struct pevent_stats stats;

	begin_recording(scan_of_10);
	put(1010 * MS, fact_fork(1003 * MS, 20, 10));
	put(1010 * MS, fact_fork(1004 * MS, 21, 10));
	put(1010 * MS, fact_fork(1005 * MS, 22, 21));
	put(1010 * MS, fact_exit(1006 * MS, 22, 22, 0));
	close_pcap();
	filter.types = PEVENT_MASK(PEVENT_FORK);
	CHECK_EQ(pevent_set_filter(p, &filter), 0);
	CHECK_EQ(pevent_follow(p, 21), 0);
	CHECK_EQ(pevent_add_recording(p, dir), 0);
	run(p);
	EXPECT(p, PEVENT_START, 0);
	CHECK_EQ(EXPECT(p, PEVENT_FORK, 21)->sequence, 2);
	CHECK_EQ(EXPECT(p, PEVENT_FORK, 22)->sequence, 3);
	CHECK(!next(p));
	pevent_get_stats(p, &stats);
	CHECK_EQ(stats.events[PEVENT_FORK], 3);
	CHECK_EQ(stats.events[PEVENT_EXIT], 1);
	pevent_free(p);
	remove_dir();
}

TEST(lines_the_client_lost)
{
	const struct pevent_event *ev;
	struct pevent_stats stats;
	struct pevent *p;

	with_meta(meta);
	p = open_recording();
	EXPECT(p, PEVENT_START, 0);
	CHECK_EQ(pevent_add_lost(p, PEVENT_SOURCE_OUTPUT, 5), 0);
	CHECK_EQ(pevent_add_lost(p, PEVENT_SOURCE_COUNT, 5), -EINVAL);
	CHECK_EQ(pevent_stop(p), 0);	/* it waits for its turn among the events */
	ev = EXPECT(p, PEVENT_LOST, 0);
	CHECK_EQ(ev->u.lost.source, PEVENT_SOURCE_OUTPUT);
	CHECK_EQ(ev->u.lost.count, 5);
	pevent_get_stats(p, &stats);
	CHECK_EQ(stats.source[PEVENT_SOURCE_OUTPUT].lost, 5);
	pevent_free(p);
	remove_dir();
}

TEST(table_limit)
{
	struct pevent_config config = PEVENT_CONFIG_INIT;
	const struct pevent_event *ev;
	struct pevent_stats stats;
	struct pevent *p;
	unsigned int lost = 0, forks = 0;

	begin_recording(scan_of_10);
	for (int32_t i = 0; i < 20; i++)
		put(1010 * MS, fact_fork(1003 * MS, 20 + i, 10));
	close_pcap();
	config.table_max = 4;
	CHECK_EQ(pevent_new(&p, &config), 0);
	CHECK_EQ(pevent_add_recording(p, dir), 0);
	run(p);
	while ((ev = next(p))) {
		forks += ev->type == PEVENT_FORK;
		if (ev->type == PEVENT_LOST) {
			CHECK_EQ(ev->u.lost.source, PEVENT_SOURCE_TABLE);
			lost += ev->u.lost.count;
		}
	}
	CHECK_EQ(forks, 20);
	CHECK_EQ(lost, 17);
	pevent_get_stats(p, &stats);
	CHECK_EQ(stats.processes, 4);
	CHECK_EQ(stats.source[PEVENT_SOURCE_TABLE].lost, 17);
	pevent_free(p);
	remove_dir();
}

TEST_MAIN()
