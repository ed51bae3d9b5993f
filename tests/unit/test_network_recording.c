/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the network tells, recorded and replayed: the same calls, in the same order and drains. */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts.h"
#include "network_seen.h"
#include "source/capture_file.h"
#include "source/record.h"
#include "source/replay.h"
#include "test.h"
#include "util/macro.h"

#define OWN 4026531840u
#define OTHER 4026532999u
#define MS NSEC_PER_MSEC
#define REALTIME INT64_C(1700000000123456789)
#define PACKETS_LAG (44 * MS)
#define RECORDS_LAG (1 * MS)

static const struct log nobody;
static struct clock live_clock;

static char top[64];
static struct recorder *recorder;
static struct recorder_tee through;
static struct network_account account;
static struct strbuf seen;	/* all calls, in words */

static void see_state(uint64_t packets_until, uint64_t records_until,
		      const struct network_account *a)
{
	strbuf_printf(&seen, "until %llu %llu: %d %d %d %llu %llu %llu %llu %llu %llu %llu %llu "
		      "%zu %zu %zu %d %d\n", (unsigned long long)packets_until,
		      (unsigned long long)records_until, a->captures, a->perf, a->udp,
		      (unsigned long long)a->packets, (unsigned long long)a->records,
		      (unsigned long long)a->notices, (unsigned long long)a->packets_dropped,
		      (unsigned long long)a->records_lost, (unsigned long long)a->notices_lost,
		      (unsigned long long)a->other_packets,
		      (unsigned long long)a->skipped_packets, a->namespaces, a->namespaces_peak,
		      a->namespaces_refused, a->notices_open, a->lookups);
}

/* --- the run that is recorded --- */

static void begin(void)
{
	const struct source of = { .delays_since_ns = UINT64_MAX };

	strcpy(top, "/tmp/pevent-unit-XXXXXX");
	CHECK(mkdtemp(top));
	live_clock = (struct clock){ .is_virtual = true, .now_ns = 900 * MS,
				     .realtime_offset_ns = REALTIME };
	account = (struct network_account){ .captures = true, .notices_open = true,
					    .perf = true, .namespaces = 1, .namespaces_peak = 1 };
	strbuf_reset(&seen);
	CHECK_EQ(recorder_new(&recorder, top, &of, 0, &live_clock, &nobody), 0);
	through = (struct recorder_tee){ recorder, &eyes, &seen };
}

static struct inet_diag_socket tcp_socket(void)
{
	return (struct inet_diag_socket){
		.id = { .family = AF_INET, .protocol = IPPROTO_TCP, .local_port = 40000,
			.remote_port = 80, .local = { 192, 168, 200, 201 },
			.remote = { 127, 0, 0, 1 }, .ifindex = 7, .cookie = UINT64_MAX - 5 },
		.mapped = true, .state = 7, .uid = UINT32_MAX, .inode = UINT32_MAX - 1,
		.tcp = { .has = 0x3ff, .rtt_ns = 123456000, .total_retrans = 1, .bytes_acked = 2,
			 .bytes_received = UINT64_C(1) << 62, .segs_out = 4, .segs_in = 5,
			 .data_segs_in = 6, .data_segs_out = 7, .bytes_sent = 8,
			 .bytes_retrans = 9 },
	};
}

/* What was there already is told before the first scan. */
static void open_network(void)
{
	const struct inet_diag_socket s = tcp_socket();
	const struct strbuf nothing = { 0 };

	recorder_network(recorder, OWN, &account);
	recorder_network_begin(recorder, 900 * MS);
	recorder_tee_fns.existing(&through, OWN, &s);
	recorder_network_end(recorder, 0, 0, &account);
	recorder_scan(recorder, &nothing, 901 * MS, 902 * MS);
}

static void message(uint64_t time_ns)
{
	const struct cn_event ev = fact_fork(time_ns - 1, 20, 10);
	uint8_t buf[CN_MESSAGE_SIZE];

	recorder_netlink(recorder, time_ns, NETLINK_CONNECTOR, buf, put_message(buf, &ev));
	strbuf_printf(&seen, "drain %llu with a message\n", (unsigned long long)time_ns);
}

static void drain(uint64_t time_ns)
{
	recorder_network_begin(recorder, time_ns);
}

/* silent: the drain has nothing to say, and a replay passes it over. */
static void drained(uint64_t time_ns, bool silent)
{
	recorder_network_end(recorder, time_ns - PACKETS_LAG, time_ns - RECORDS_LAG, &account);
	if (!silent)
		see_state(time_ns - PACKETS_LAG, time_ns - RECORDS_LAG, &account);
	CHECK_EQ(recorder_flush(recorder), 0);
}

static void only_network(uint64_t time_ns)
{
	strbuf_printf(&seen, "drain %llu\n", (unsigned long long)time_ns);
	drain(time_ns);
}

/* As capture.c does with one that it takes in, and with one that is not IP. */
static void captured(uint32_t netns, uint64_t time_ns, uint16_t port, bool is_ip)
{
	uint8_t raw[42] = {
		[12] = 0x08, [14] = 0x45, [17] = 28, [22] = 64, [23] = 17, [26] = 10, [30] = 10,
		[34] = (uint8_t)(port >> 8), [35] = (uint8_t)port, [37] = 53, [39] = 8,
	};
	struct capture_file *f = recorder_packets(recorder, netns, netns == OWN,
						  PACKET_LINK_ETHERNET);
	struct packet p;

	raw[13] = is_ip ? 0 : 6;
	CHECK(f);
	CHECK_EQ(packet_decode(PACKET_LINK_ETHERNET, raw, sizeof(raw), sizeof(raw), &p), !is_ip);
	capture_write(f, PACKET_LINK_ETHERNET, time_ns, raw, sizeof(raw), sizeof(raw));
	if (is_ip)
		recorder_tee_fns.packet(&through, netns, &p, time_ns);
}

static struct tracepoint_record state_record(uint64_t time_ns)
{
	struct tracepoint_record r = {
		.time_ns = time_ns, .skaddr = 0xffff888012345678, .pid = 4321, .tid = 4322,
		.cpu = 3, .kind = TRACEPOINT_STATE, .family = AF_INET6, .protocol = 262,
		.local_port = 65535, .remote_port = 443, .old_state = 2, .new_state = 1,
	};

	CHECK_EQ(inet_pton(AF_INET6, "fe80::1:2", r.local), 1);
	CHECK_EQ(inet_pton(AF_INET6, "2001:db8::", r.remote), 1);
	return r;
}

static void first_drain(uint64_t t)
{
	const struct inet_diag_socket s = tcp_socket();
	const struct tracepoint_record r = state_record(t - 2 * MS);

	drain(t);
	recorder_tee_fns.udp(&through, true, t - 50 * MS);
	recorder_tee_fns.existing(&through, OWN, &s);
	captured(OWN, t - 60 * MS, 1001, true);
	captured(OWN, t - 59 * MS, 1002, false);
	captured(OWN, t - 58 * MS - 1, 1003, true);
	recorder_tee_fns.record(&through, &r);
	captured(OWN, t - 57 * MS, 1004, true);
	captured(OTHER, t - 70 * MS, 2001, true);
	captured(OTHER, t - 69 * MS, 2002, true);
	captured(OWN, t - 56 * MS, 1005, true);
	account.packets = 5;
	account.records = 1;
	account.notices = 2;
	account.packets_dropped = 3;
	account.records_lost = UINT64_C(5) << 32;
	account.notices_lost = 6;
	account.other_packets = 7;
	account.skipped_packets = 8;
	account.udp = account.lookups = true;
	drained(t, false);
}

static void later_drain(uint64_t t)
{
	const struct inet_diag_socket s = { .id = { .family = AF_INET6, .protocol = IPPROTO_UDP,
						    .local = { 0x20, 1 }, .cookie = 7 } };
	const struct network_found nobody_found = { .netns = OWN, .packet_ns = t };
	const struct network_found f = {
		.netns = OTHER, .id = s.id, .inode = 99, .tgid = 4321, .shared = true,
		.packet_ns = t - 5 };
	struct tracepoint_record r = {
		.time_ns = t - 3, .skaddr = 1, .pid = -1, .tid = -1, .kind = TRACEPOINT_SEND,
		.family = AF_INET, .protocol = IPPROTO_UDP, .returned = -11, .flags = 0x80000000,
	};

	recorder_tee_fns.entered(&through, OTHER, t - 9);
	recorder_tee_fns.entered(&through, OWN, 0);
	recorder_tee_fns.destroyed(&through, OTHER, &s, t - 7);
	recorder_tee_fns.found(&through, &f);
	recorder_tee_fns.found(&through, &nobody_found);
	recorder_tee_fns.record(&through, &r);
	r.kind = TRACEPOINT_LOST;
	r.lost = 3;
	recorder_tee_fns.record(&through, &r);
	recorder_tee_fns.lost(&through, UINT64_C(1) << 40);
	captured(OTHER, t - 60 * MS, 2003, true);
	r.kind = TRACEPOINT_RECEIVE;
	r.returned = 500;
	recorder_tee_fns.record(&through, &r);
	recorder_tee_fns.udp_process(&through, INT32_MAX, true, t - 1);
	recorder_tee_fns.udp(&through, false, t);
	recorder_tee_fns.left(&through, OTHER);
	account.udp = account.notices_open = false;
	account.namespaces = 2;
	account.namespaces_peak = 3;
	account.namespaces_refused = 4;
	drained(t, false);
}

/* What came between two drains belongs to the one before. */
static void last_drain(uint64_t t)
{
	const struct inet_diag_socket s = tcp_socket();

	only_network(t);
	captured(OWN, t - 50 * MS, 1006, true);
	recorder_network_end(recorder, t - PACKETS_LAG, t - RECORDS_LAG, &account);
	recorder_tee_fns.existing(&through, OTHER, &s);
	see_state(t - PACKETS_LAG, t - RECORDS_LAG, &account);
}

static void whole_run(void)
{
	begin();
	open_network();
	message(1000 * MS);
	first_drain(1000 * MS);
	message(1005 * MS);
	drain(1005 * MS);
	drained(1005 * MS, false);	/* has no line, a replay knows */
	only_network(1010 * MS);
	later_drain(1010 * MS);
	drain(1012 * MS);
	drained(1012 * MS, true);
	only_network(1015 * MS);
	account.packets_dropped = 1000;
	drained(1015 * MS, false);
	message(1020 * MS);
	drain(1020 * MS);
	drained(1020 * MS, false);
	last_drain(1030 * MS);
	recorder = recorder_free(recorder);
}

/* --- the replay --- */

static void on_event(void *data, const struct cn_event *ev)
{
	(void)ev;
	++*(unsigned int *)data;
}

static void on_usage(void *data, const struct taskstats_record *r)
{
	(void)data;
	(void)r;
	CHECK(false);
}

static struct source *open_replay(struct clock *clock)
{
	struct source_host host = { 0 };
	struct strbuf scan = { 0 };
	struct source *s = NULL;
	uint64_t from, to;

	CHECK_EQ(replay_new(&s, top, clock, &host, &nobody), 0);
	CHECK_EQ(s->ops->drain_network(s, &eyes, &seen), 0);
	CHECK_EQ(s->packets_until_ns, 0);
	CHECK_EQ(s->records_until_ns, 0);
	CHECK_EQ(s->ops->scan(s, true, &scan, &from, &to), 0);
	strbuf_finish(&scan);
	return s;
}

/* As the loop drains, into `seen`; how the recording ended. */
static int replay(struct source *s, struct clock *clock)
{
	struct source_account now;
	unsigned int messages = 0;
	int n, error = 0;

	while (error == 0 && (n = s->ops->drain(s, 100, on_event, &messages)) >= 0) {
		strbuf_printf(&seen, "drain %llu%s\n", (unsigned long long)clock->now_ns,
			      n ? " with a message" : "");
		CHECK_EQ(s->ops->drain_usage(s, on_usage, NULL), 0);
		error = s->ops->drain_network(s, &eyes, &seen);
		s->ops->account(s, &now);
		CHECK_EQ(s->packets_lost, now.network.packets_dropped);
		CHECK_EQ(s->notices_lost, now.network.notices_lost);
		see_state(s->packets_until_ns, s->records_until_ns, &now.network);
	}
	return error < 0 ? error : n;
}

static void remove_recording(void)
{
	struct dirent *entry;
	DIR *d = opendir(top);

	CHECK(d);
	while ((entry = readdir(d)))
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	closedir(d);
	CHECK_EQ(rmdir(top), 0);
}

static int open_file(const char *name, int flags)
{
	_cleanup_(close_p) int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return openat(dir, name, flags | O_CLOEXEC, 0600);
}

/* Lines of the recording with these words. */
static unsigned int count_lines(const char *words)
{
	FILE *f = fdopen(open_file(RECORD_PROC, O_RDONLY), "r");
	unsigned int n = 0;
	char line[1000];

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		n += strstr(line, words) != NULL;
	fclose(f);
	return n;
}

TEST(what_is_replayed_is_what_was_told)
{
	struct strbuf told;
	struct clock clock = { 0 };
	struct source *s;

	whole_run();
	told = seen;
	seen = (struct strbuf){ 0 };
	s = open_replay(&clock);
	CHECK(s->network && s->notices);
	CHECK_EQ(s->own_netns, OWN);
	CHECK_EQ(replay(s, &clock), -ENODATA);
	CHECK_EQ(clock.now_ns, 1030 * MS);
	if (told.len != seen.len || memcmp(told.data, seen.data, told.len) != 0)
		printf("# told:\n%.*s# replayed:\n%.*s", (int)told.len, told.data, (int)seen.len,
		       seen.data);
	CHECK(told.len > 2000);
	/* Packets in a row are one line; a drain has one when it is different. */
	CHECK_EQ(count_lines("\"what\":\"packets\""), 6);
	CHECK_EQ(count_lines("\"what\":\"drained\""), 5);
	CHECK_EQ(count_lines("\"pid\":-1,\"tid\":-1,"), 3);
	CHECK_EQ(told.len, seen.len);
	CHECK(!memcmp(told.data, seen.data, told.len));
	s->ops->free(s);
	strbuf_finish(&told);
	remove_recording();
}

TEST(before_the_first_message)
{
	struct source_account now;
	struct clock clock = { 0 };
	struct source *s;

	whole_run();
	strbuf_reset(&seen);
	s = open_replay(&clock);
	CHECK(seen.len && !memcmp(seen.data, "existing ", 9));
	s->ops->account(s, &now);
	CHECK(now.network.captures && now.network.perf && !now.network.udp);
	CHECK_EQ(now.network.namespaces, 1);
	CHECK(!strcmp(now.network.packets_state, "replay"));
	strbuf_reset(&seen);
	CHECK_EQ(s->ops->drain_network(s, &eyes, &seen), 0);
	CHECK_EQ(seen.len, 0);
	s->ops->free(s);
	remove_recording();
}

/* What is not captured at all has been drained for all times. */
TEST(how_far_behind_may_change)
{
	unsigned int messages = 0;
	struct clock clock = { 0 };
	struct source *s;

	begin();
	open_network();
	for (uint64_t t = 1000; t < 1004; t++) {
		message(t * MS);
		drain(t * MS);
		/* Packets are not captured any more in the third drain, nor records in the last. */
		recorder_network_end(recorder, t < 1002 ? t * MS - 5 : UINT64_MAX,
				     t < 1003 ? t * MS - 7 : UINT64_MAX, &account);
	}
	recorder = recorder_free(recorder);
	s = open_replay(&clock);
	for (uint64_t t = 1000; t < 1004; t++) {
		CHECK_EQ(s->ops->drain(s, 100, on_event, &messages), 1);
		CHECK_EQ(s->ops->drain_network(s, &eyes, &seen), 0);
		CHECK_EQ(s->packets_until_ns, t < 1002 ? t * MS - 5 : UINT64_MAX);
		CHECK_EQ(s->records_until_ns, t < 1003 ? t * MS - 7 : UINT64_MAX);
	}
	s->ops->free(s);
	remove_recording();
}

TEST(without_a_network)
{
	const struct strbuf nothing = { 0 };
	struct clock clock = { 0 };
	struct source *s;

	begin();
	recorder_scan(recorder, &nothing, 901 * MS, 902 * MS);
	message(1000 * MS);
	recorder = recorder_free(recorder);
	strbuf_reset(&seen);
	s = open_replay(&clock);
	CHECK(!s->network && !s->notices);
	CHECK_EQ(replay(s, &clock), -ENODATA);
	CHECK(seen.len && !memmem(seen.data, seen.len, "packet", 6));
	s->ops->free(s);
	remove_recording();
}

/* Cut off, or gone: all that comes before is given, then an error, each time. */
TEST(packets_that_are_missing)
{
	for (int gone = 0; gone < 2; gone++) {
		_cleanup_(close_p) int fd = -1;
		struct clock clock = { 0 };
		struct source *s;
		struct stat st;

		whole_run();
		fd = open_file("packets-4026532999.pcap", O_RDWR);
		CHECK(fd >= 0 && fstat(fd, &st) == 0);
		CHECK_EQ(ftruncate(fd, gone ? 0 : st.st_size - 1), 0);
		strbuf_reset(&seen);
		s = open_replay(&clock);
		CHECK_EQ(replay(s, &clock), -EBADMSG);
		strbuf_putc(&seen, '\0');
		CHECK(strstr(seen.data, "packet 4026531840 943000000 1004 53 28\n"));
		CHECK_EQ(!strstr(seen.data, "packet 4026532999 931000000 2002"), gone);
		CHECK(!strstr(seen.data, "packet 4026532999 950000000 2003"));
		CHECK(!strstr(seen.data, "udp 0"));
		CHECK_EQ(s->ops->drain_network(s, &eyes, &seen), -EBADMSG);
		s->ops->free(s);
		remove_recording();
	}
}

static void add_line(const char *line)
{
	_cleanup_(close_p) int fd = open_file(RECORD_PROC, O_WRONLY | O_APPEND);

	CHECK_EQ(write(fd, line, strlen(line)), strlen(line));
}

TEST(lines_that_are_not_ours)
{
	struct clock clock = { 0 };
	struct source *s;

	begin();
	open_network();
	recorder = recorder_free(recorder);
	add_line("{\"why\":\"socket\",\"time\":1000000000}\n"
		 "{\"why\":\"socket\",\"time\":1000000000,\"what\":7}\n"
		 "{\"why\":\"socket\",\"time\":1000000000,\"what\":\"future\"}\n"
		 "{\"why\":\"socket\",\"time\":1000000000,\"what\":\"sock_send_length\",\"pid\":[],"
		 "\"saddr\":5,\"daddr\":\"nowhere\",\"sport\":65537,\"family\":\"x\"}\n"
		 "{\"why\":\"socket\",\"time\":999000000,\"what\":\"lost\",\"n\":1}\n"
		 "{\"why\":\"socket\",\"time\":-1,\"what\":\"lost\",\"n\":2}\n"
		 "{\"why\":\"socket\",\"time\":1001000000,\"what\":\"lost\",\"n\":3}\n");
	strbuf_reset(&seen);
	s = open_replay(&clock);
	CHECK_EQ(replay(s, &clock), -ENODATA);
	strbuf_putc(&seen, '\0');
	CHECK(strstr(seen.data, "record 1 0 0 0 0 0 0 0 0 1 0 0 0 0 0 0 "
		     "00000000000000000000000000000000 00000000000000000000000000000000"));
	CHECK(strstr(seen.data, "lost 1\n"));
	s->ops->free(s);
	remove_recording();
}

TEST(a_file_for_each_namespace)
{
	struct capture_file *own, *other;

	begin();
	own = recorder_packets(recorder, OWN, true, PACKET_LINK_SLL2);
	other = recorder_packets(recorder, OTHER, false, PACKET_LINK_SLL2);
	CHECK(own && other && own != other);
	CHECK(recorder_packets(recorder, OWN, true, PACKET_LINK_SLL2) == own);
	CHECK(recorder_packets(recorder, OTHER, false, PACKET_LINK_SLL2) == other);
	CHECK_EQ(recorder_flush(recorder), 0);
	recorder = recorder_free(recorder);
	remove_recording();
	strbuf_finish(&seen);
}

TEST_MAIN()
