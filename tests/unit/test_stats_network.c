/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network in statistics: totals, by program, by remote address. */
#include <netinet/in.h>

#include "test.h"

#include "sample_events.h"
#include "sink/stats.h"
#include "sink/stats_data.h"
#include "util/macro.h"

static const struct pevent_stats no_account;

static struct stats *new_stats(void)
{
	struct stats *s = NULL;

	CHECK_EQ(stats_new(&s, 10), 0);
	return s;
}

static bool contains(const struct strbuf *b, const char *part)
{
	return memmem(b->data, b->len, part, strlen(part));
}

static void write_text(struct stats *s, const struct pevent_stats *account, struct strbuf *b)
{
	struct stats_report report = { .account = account };

	strbuf_reset(b);
	stats_text(s, &report, b);
	CHECK(!b->failed);
}

static void write_json(struct stats *s, const struct pevent_stats *account, struct strbuf *b)
{
	struct stats_report report = { .account = account };

	strbuf_reset(b);
	stats_json(s, &report, b);
	CHECK(!b->failed);
	CHECK(memchr(b->data, '\n', b->len) == b->data + b->len - 1);
}

/* An event with these connections, of which nobody is told that they are no more. */
static struct pevent_event with(enum pevent_type type, struct pevent_connections *all,
				const struct pevent_connection *connection, size_t n)
{
	struct pevent_event e = type == PEVENT_EXIT ? sample_exit(0) : sample_event(type);

	*all = (struct pevent_connections){ .n = n, .total = n, .connection = connection };
	e.connections = all;
	return e;
}

static void add_close(struct stats *s, const struct pevent_connection *c)
{
	struct pevent_connections all;
	struct pevent_event e = with(PEVENT_CLOSE, &all, c, 1);

	e.sequence = 0;
	stats_add(s, &e);
}

/* known: all that is shown, the CPU and I/O being 0. */
static struct pevent_event ended(const char *comm, uint64_t tx, uint64_t rx, bool known)
{
	struct pevent_event e = sample_exit(0);

	e.process = sample_process(3523, comm);
	e.usage.known = known ? PEVENT_KNOWN_NETWORK | PEVENT_KNOWN_CPU | PEVENT_KNOWN_PEAK |
				PEVENT_KNOWN_IO : 0;
	e.usage.origin = PEVENT_FROM_TASKSTATS;
	e.usage.network = (struct pevent_network){
		.tx.bytes = tx, .rx.bytes = rx, .connections = 2, .retransmits = 1,
		.origin = PEVENT_FROM_PERF,
	};
	return e;
}

TEST(sums)
{
	struct usage_sum sum = { 0 }, other = { 0 };
	struct pevent_event e = ended("a", 100, 20, true);

	usage_sum_add(&sum, &e.usage);
	CHECK_EQ(sum.tx_bytes, 100);
	CHECK_EQ(sum.rx_bytes, 20);
	CHECK_EQ(sum.connections, 2);
	CHECK_EQ(sum.retransmits, 1);
	CHECK(!usage_sum_is_estimate(&sum, PEVENT_KNOWN_NETWORK));
	CHECK(!usage_sum_traffic_is_estimate(&sum));
	e.usage.known = PEVENT_KNOWN_NETWORK;
	CHECK_EQ(usage_quality(&e.usage), USAGE_UNKNOWN);	/* of CPU, memory and I/O */
	e.usage.known |= PEVENT_KNOWN_CPU;
	e.usage.network.incomplete = true;
	CHECK_EQ(usage_quality(&e.usage), USAGE_COMPLETE);
	CHECK(usage_is_estimate(&e.usage, PEVENT_KNOWN_NETWORK));
	CHECK(!usage_is_estimate(&e.usage, PEVENT_KNOWN_CPU));
	usage_sum_add(&other, &e.usage);
	CHECK(usage_sum_is_estimate(&other, PEVENT_KNOWN_NETWORK));
	usage_sum_merge(&sum, &other);
	CHECK_EQ(sum.tx_bytes, 200);
	CHECK_EQ(sum.rx_bytes, 40);
	CHECK_EQ(sum.connections, 4);
	CHECK_EQ(sum.retransmits, 2);
	CHECK(usage_sum_is_estimate(&sum, PEVENT_KNOWN_NETWORK));
	memset(&e.usage, 0xff, sizeof(e.usage));
	e.usage.known = PEVENT_KNOWN_SAMPLE;
	usage_sum_add(&sum, &e.usage);
	CHECK_EQ(sum.tx_bytes, 200);	/* what is not known is not read */
	CHECK(!sum.traffic_estimated && !usage_traffic_is_estimate(&e.usage));
}

/* Of datagrams the payload is counted: connections are as certain as without them. */
TEST(estimated_traffic)
{
	struct pevent_event e = ended("resolver", 128, 560, true);
	struct usage_sum sum = { 0 }, other = { 0 };
	struct stats *s = new_stats();
	struct strbuf b = { 0 };

	e.usage.network.estimated = true;
	CHECK(usage_traffic_is_estimate(&e.usage));
	CHECK(!usage_is_estimate(&e.usage, PEVENT_KNOWN_NETWORK));
	usage_sum_add(&other, &e.usage);
	CHECK(usage_sum_traffic_is_estimate(&other));
	CHECK(!usage_sum_is_estimate(&other, PEVENT_KNOWN_NETWORK));
	usage_sum_merge(&sum, &other);
	CHECK(usage_sum_traffic_is_estimate(&sum));
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "        0     128~     560~        2        1 resolver\n"));
	CHECK(contains(&b, "        0     128~     560~        2        1 Total\n"));
	CHECK(contains(&b, "\n\nNot listed:  128~ sent, 560~ received over UDP and others\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"connections\":2,\"retransmits\":1},\"estimated\":true}"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(by_program_and_parent)
{
	struct stats *s = new_stats();
	struct pevent_event e = ended("client", 2048, 1 << 20, true);
	struct strbuf b = { 0 };

	strcpy(e.process.parent_comm, "make");
	stats_add(s, &e);
	e = ended("server", 10, 20, true);
	e.usage.network.incomplete = true;
	stats_add(s, &e);
	e = ended("mute", 0, 0, false);
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "     Read  Written     Sent Received    Conns  Retrans Program\n"));
	CHECK(contains(&b, "        0     2.0K     1.0M        2        1 client\n"));
	CHECK(contains(&b, "        0      10~      20~       2~       1~ server\n"));
	CHECK(contains(&b, "        -        -        -        -        - mute\n"));
	CHECK(contains(&b, "       0~    2.0K~    1.0M~       4~       2~ Total\n"));
	CHECK(contains(&b, "  Written     Sent Received    Conns  Retrans Parent program\n"));
	CHECK(contains(&b, "        0     2.0K     1.0M        2        1 make\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"network\":{\"tx_bytes\":2048,\"rx_bytes\":1048576,"
			   "\"connections\":2,\"retransmits\":1}}"));
	CHECK(contains(&b, "\"network\":{\"tx_bytes\":10,\"rx_bytes\":20,"
			   "\"connections\":2,\"retransmits\":1},\"estimated\":true}"));
	CHECK(contains(&b, "{\"name\":\"mute\",\"events\":{\"exit\":1,\"total\":1},"
			   "\"usage\":{\"processes\":1}}"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(without_a_network_nothing_is_said_of_it)
{
	struct stats *s = new_stats();
	struct pevent_event e = ended("a", 0, 0, false);
	struct strbuf b = { 0 };

	e.usage = sample_usage();
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "  Written Program\n"));
	CHECK(!contains(&b, "Network") && !contains(&b, "Remote") && !contains(&b, "Sent"));
	write_json(s, &no_account, &b);
	CHECK(!contains(&b, "network") && !contains(&b, "remotes"));
	CHECK(!contains(&b, "estimated\":true"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(totals)
{
	struct pevent_stats account = {
		.source[PEVENT_SOURCE_PACKETS] = { .lost = 5 },
		.network = { .known = true, .tx = { 10, 2048, 1000 }, .rx = { 20, 4096, 3000 },
			     .unknown_tx = { 1, 60, 6 }, .unknown_rx = { 2, 120, 12 } },
	};
	struct stats *s = new_stats();
	struct strbuf b = { 0 };

	write_text(s, &account, &b);
	CHECK(contains(&b, "\nNetwork:     2.0K sent, 4.0K received; by unknown owners 60 sent, "
			   "120 received; 5 packets dropped\n"));
	CHECK(contains(&b, "Lost:        5 packets (packets)\n"));
	account.network.late_rx = (struct pevent_traffic){ 1, 52, 0 };
	account.network.forwarded_packets = 3;
	account.network.forwarded_bytes = 3072;
	account.network.other_packets = 7;
	account.network.skipped_packets = 8;
	account.network.namespaces = 1;
	account.network.namespaces_peak = 4;
	account.network.namespaces_refused = 2;
	write_text(s, &account, &b);
	CHECK(contains(&b, "120 received; after their owner's exit 0 sent, 52 received; "
			   "3.0K forwarded; 5 packets dropped; not counted in 2 namespaces\n"));
	write_json(s, &account, &b);
	CHECK(contains(&b, "\"network\":{\"tx_bytes\":2048,\"tx_packets\":10,"
			   "\"tx_payload_bytes\":1000,\"rx_bytes\":4096,\"rx_packets\":20,"
			   "\"rx_payload_bytes\":3000,\"unknown_tx_bytes\":60,"
			   "\"unknown_tx_packets\":1,\"unknown_tx_payload_bytes\":6,"
			   "\"unknown_rx_bytes\":120,\"unknown_rx_packets\":2,"
			   "\"unknown_rx_payload_bytes\":12,"));
	CHECK(contains(&b, "\"late_rx_bytes\":52,\"late_rx_packets\":1,\"late_rx_payload_bytes\":0,"
			   "\"forwarded_bytes\":3072,\"forwarded_packets\":3,\"other_packets\":7,"
			   "\"skipped_packets\":8,\"dropped_packets\":5,\"namespaces\":1,"
			   "\"namespaces_peak\":4,\"namespaces_refused\":2}"));
	strbuf_finish(&b);
	stats_free(s);
}

/* TCP when it is closed, or still open at the end; others with their process. Nothing twice. */
TEST(what_counts_for_a_remote)
{
	struct pevent_connection c[3] = { sample_connection(), sample_connection(),
					  sample_connection() };
	struct pevent_connections all;
	struct stats *s = new_stats();
	struct pevent_event e;
	struct strbuf b = { 0 };

	add_close(s, &c[0]);
	CHECK_EQ(s->all->total, 0);		/* it was not shown */
	c[1].protocol = IPPROTO_UDP;
	c[1].tx.bytes = c[1].rx.bytes = 100;
	c[1].rtt_ns = c[1].retransmits = 0;
	c[2].open = true;
	e = with(PEVENT_EXIT, &all, c, 3);	/* the TCP ones are, or will be, told by a CLOSE */
	stats_add(s, &e);
	e = with(PEVENT_SNAPSHOT, &all, c, 3);
	stats_add(s, &e);			/* of the start: nothing */
	e.u.at_end = true;
	c[2].rtt_ns = 19000;
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "\n   Conns     Sent Received  Retrans Mean RTT Remote   Programs\n"
			   "       2     1.0K    68.5K        2     50us 10.0.0.2 "
			   "/usr/bin/curl\n\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"remotes\":[{\"ip\":\"10.0.0.2\",\"connections\":2,\"tx_bytes\":1040,"
			   "\"rx_bytes\":70200,\"retransmits\":2,\"mean_rtt_ns\":50000,"
			   "\"programs\":[\"/usr/bin/curl\"]}]"));
	strbuf_finish(&b);
	stats_free(s);
}

/* What the processes used, but for what the rows of remotes have of it. */
TEST(bytes_in_no_row)
{
	struct pevent_connection c = sample_connection();	/* 420 sent, 35000 received */
	struct stats *s = new_stats();
	struct pevent_event e = ended("a", 500, 35000, true);
	struct strbuf b = { 0 };

	add_close(s, &c);
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, " 10.0.0.2 /usr/bin/curl\n"
			   "Not listed:  80 sent, 0 received over UDP and others\n\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"unlisted_tx_bytes\":80,\"unlisted_rx_bytes\":0,"));
	add_close(s, &c);	/* of a process that is not among those that are counted */
	write_text(s, &no_account, &b);
	CHECK(!contains(&b, "Not listed"));
	write_json(s, &no_account, &b);
	CHECK(!contains(&b, "unlisted"));
	strbuf_finish(&b);
	stats_free(s);
}

/* TCP comes by its CLOSE as well, whether its EXIT has room for it or not. */
TEST(connections_without_room)
{
	struct pevent_connection c[2] = { sample_connection(), sample_connection() };
	struct pevent_connections all;
	struct stats *s = new_stats();
	struct pevent_event e = with(PEVENT_EXIT, &all, c, 2);
	struct strbuf b = { 0 };

	c[1].protocol = IPPROTO_UDP;
	c[1].rtt_ns = 0;
	e.usage.known = PEVENT_KNOWN_NETWORK;
	e.usage.network.connections = 300;
	all.total = 301;
	stats_add(s, &e);
	CHECK_EQ(s->unlisted_connections, 0);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "       0      420    34.1K        0        - 10.0.0.2 "));
	CHECK(contains(&b, "Incomplete:  nothing\n"));
	all.total = 311;
	stats_add(s, &e);
	CHECK_EQ(s->unlisted_connections, 10);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "       0     840~   68.3K~        0        - 10.0.0.2 "));
	CHECK(contains(&b, "Incomplete:  10 connections in no row of remotes\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"estimated\":true,\"programs\":"));
	CHECK(contains(&b, "\"unlisted_connections\":10"));
	/* Open at the end of the run: then those that are not listed can be open, too. */
	e = with(PEVENT_SNAPSHOT, &all, c, 1);
	e.u.at_end = true;
	e.usage.known = PEVENT_KNOWN_NETWORK;
	e.usage.network.connections = 300;
	all.total = 300;
	stats_add(s, &e);
	CHECK_EQ(s->unlisted_connections, 10);
	c[0].open = true;
	stats_add(s, &e);
	CHECK_EQ(s->unlisted_connections, 10 + 299);
	strbuf_finish(&b);
	stats_free(s);
}

/* Nothing was captured, and the kernel did not tell: not 0. */
TEST(retransmits_that_are_not_known)
{
	struct pevent_connection c = sample_connection();
	struct stats *s = new_stats();
	struct strbuf b = { 0 };

	c.tx.packets = c.rx.packets = 0;
	c.final = false;
	c.retransmits = 99;
	add_close(s, &c);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "       1        -        -        -     81us 10.0.0.2 "));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"connections\":1,\"mean_rtt_ns\":81000,"));
	c = sample_connection();
	c.incomplete = true;
	add_close(s, &c);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "       2     420~   34.1K~        1     81us 10.0.0.2 "));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(incomplete_connections)
{
	struct pevent_connection c = sample_connection();
	struct stats *s = new_stats();
	struct strbuf b = { 0 };

	c.incomplete = true;
	add_close(s, &c);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "       1     420~   34.1K~        1     81us 10.0.0.2 "));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"estimated\":true,\"programs\":"));
	strbuf_finish(&b);
	stats_free(s);
}

/* An EXIT that is not shown is no event: what it used and how it ended count. */
TEST(silent_exits)
{
	struct pevent_connection c = sample_connection();
	struct pevent_connections all;
	struct stats *s = new_stats();
	struct pevent_event e;

	c.protocol = IPPROTO_UDP;
	e = with(PEVENT_EXIT, &all, &c, 1);
	e.usage = sample_usage();
	all.total = 4;
	e.sequence = 0;
	stats_add(s, &e);
	CHECK_EQ(s->all->total, 0);
	CHECK_EQ(s->exits.peak, 0);
	CHECK_EQ(s->exit_codes[0], 1);
	CHECK_EQ(s->all->lifetimes.count, 1);
	CHECK_EQ(s->all->row.usage.processes, 1);
	CHECK_EQ(s->qualities[USAGE_COMPLETE], 1);
	CHECK_EQ(s->remotes.rows.count, 1);
	CHECK_EQ(s->unlisted_connections, 3);
	e.sequence = 8;
	stats_add(s, &e);
	CHECK_EQ(s->all->total, 1);
	CHECK_EQ(s->exits.peak, 1);
	CHECK_EQ(s->exit_codes[0], 2);
	CHECK_EQ(s->all->row.usage.processes, 2);
	stats_free(s);
}

TEST(shown_connections_are_events)
{
	struct pevent_connection c = sample_connection();
	struct pevent_connections all;
	struct stats *s = new_stats();
	struct pevent_event e = with(PEVENT_CONN, &all, &c, 1);
	struct strbuf b = { 0 };

	stats_add(s, &e);
	e.type = PEVENT_CLOSE;
	stats_add(s, &e);
	stats_add(s, &e);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "    Comm     Conn    Close    Total"));
	CHECK(contains(&b, "       0        1        2        3        -        -"
			   "        -        - /usr/bin/curl\n"));
	CHECK(contains(&b, "       2      840    68.3K        2     81us 10.0.0.2"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"events\":{\"conn\":1,\"close\":2,\"total\":3}"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(remotes_are_bounded_and_sorted)
{
	struct pevent_connection c = sample_connection();
	struct stats *s = new_stats();
	struct strbuf b = { 0 };

	c.rtt_ns = c.tx.bytes = 0;
	for (uint32_t i = 0; i < STATS_REMOTES_MAX + 3; i++) {
		c.remote[2] = (uint8_t)(i >> 8);
		c.remote[3] = (uint8_t)i;
		c.rx.bytes = STATS_REMOTES_MAX + 3 - i;
		add_close(s, &c);
	}
	CHECK_EQ(s->remotes.rows.count, STATS_REMOTES_MAX);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "Remote    Programs\n"
			   "       1        0     4.0K        1        - 10.0.0.0  /usr/bin/curl\n"
			   "       1        0     4.0K        1        - 10.0.0.1  "
			   "/usr/bin/curl\n"));
	CHECK(contains(&b, " 10.0.0.19 /usr/bin/curl\n"
			   "    4076        0     7.9M     4076        - (4076 more)\n"
			   "       3        0        6        3        - (other)   "
			   "/usr/bin/curl\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "},{\"name\":\"(other)\",\"connections\":3,\"tx_bytes\":0,"
			   "\"rx_bytes\":6,"));
	strbuf_finish(&b);
	stats_free(s);
}

TEST(programs_of_a_remote)
{
	static const char *const names[] = { "a\x1b", "b", "a\x1b", "c", "d", "e", "e" };
	struct pevent_connection c = sample_connection();
	struct pevent_connections all;
	struct stats *s = new_stats();
	struct strbuf b = { 0 };

	c.origin = PEVENT_FROM_INFERRED;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct pevent_event e = with(PEVENT_CLOSE, &all, &c, 1);

		e.process = sample_process(1, names[i]);
		stats_add(s, &e);
		write_text(s, &no_account, &b);
		CHECK(contains(&b, ", ...\n") == (i >= 5));
	}
	CHECK(contains(&b, "       7    2.8K~    239K~ "));
	CHECK(contains(&b, " 10.0.0.2 a\\x1b, b, c, d, ...\n"));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"estimated\":true,\"programs\":[\"a\\u001b\",\"b\",\"c\",\"d\"],"
			   "\"more_programs\":true}"));
	strbuf_finish(&b);
	stats_free(s);
}

/* Its packets went where nobody captured: the bytes are not known, not 0. */
TEST(remote_without_bytes)
{
	struct pevent_connection c = sample_connection();
	struct stats *s = new_stats();
	struct strbuf b = { 0 };

	c.tx.packets = c.rx.packets = 0;	/* then the rest means nothing */
	add_close(s, &c);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "       1        -        -        1     81us 10.0.0.2 "));
	write_json(s, &no_account, &b);
	CHECK(contains(&b, "\"connections\":1,\"retransmits\":1,"));
	c = sample_connection();
	add_close(s, &c);
	write_text(s, &no_account, &b);
	CHECK(contains(&b, "       2     420~   34.1K~        2     81us 10.0.0.2 "));
	strbuf_finish(&b);
	stats_free(s);
}

TEST_MAIN()
