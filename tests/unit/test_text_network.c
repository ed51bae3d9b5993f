/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network in lines for people: columns of what was sent, lines of connections. */
#include <sys/socket.h>

#include "test.h"

#include "sample_events.h"
#include "sink/connection.h"
#include "sink/text.h"
#include "util/macro.h"

#define CONN PEVENT_MASK(PEVENT_CONN)
#define CLOSE PEVENT_MASK(PEVENT_CLOSE)

/* The header and the event's lines. */
static struct strbuf page(const struct text_options *o, const struct pevent_event *e)
{
	struct strbuf b = { 0 };
	struct text *t = NULL;

	CHECK_EQ(text_new(&t, o, NULL), 0);
	text_event(t, e, &b);
	text_free(t);
	return b;
}

#define CHECK_PAGE(o, e, want) \
	do { \
		struct strbuf have = page(o, e); \
		CHECK_STR(have.data, have.len, want); \
		strbuf_finish(&have); \
	} while (0)

static struct pevent_connection connection;
static struct pevent_connections connections = { 1, 1, &connection };

static struct pevent_event event(enum pevent_type type)
{
	struct pevent_event e = sample_event(type);

	connection = sample_connection();
	e.connections = &connections;
	return e;
}

TEST(addresses)
{
	uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	char text[ENDPOINT_TEXT_MAX];

	CHECK_STR(text, endpoint_text(AF_INET, (uint8_t[16]){ 255, 255, 255, 255 }, 65535, text),
		  "255.255.255.255:65535");
	CHECK_STR(text, endpoint_text(AF_INET, (uint8_t[16]){ 10, 0, 0, 1 }, 0, text), "10.0.0.1");
	CHECK_STR(text, endpoint_text(AF_INET6, v6, 443, text), "[2001:db8::1]:443");
	CHECK_STR(text, endpoint_text(AF_INET6, v6, 0, text), "2001:db8::1");
	memset(v6, 0xff, sizeof(v6));
	CHECK_STR(text, endpoint_text(AF_INET6, v6, 65535, text),
		  "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535");
	memset(v6, 0, 10);
	CHECK_STR(text, endpoint_text(AF_INET6, v6, 65535, text),
		  "[::ffff:255.255.255.255]:65535");
	CHECK_STR(text, endpoint_text(AF_UNIX, v6, 1, text), "-");
	CHECK_STR(text, protocol_text(6, text), "tcp");
	CHECK_STR(text, protocol_text(17, text), "udp");
	CHECK_STR(text, protocol_text(1, text), "icmp");
	CHECK_STR(text, protocol_text(58, text), "ipv6-icmp");
	CHECK_STR(text, protocol_text(132, text), "132");
}

TEST(process_totals)
{
	struct text_options o = { .terminal_fd = -1, .columns =
		"event,sent,rcvd,txpay,rxpay,txpkt,rxpkt,conns,retx" };
	struct pevent_event e = sample_exit(0);

	CHECK_PAGE(&o, &e, "Event   Sent   Rcvd  Txpay  Rxpay   Txpkt   Rxpkt   Conns    Retx\n"
			   "exit       -      -      -      -       -       -       -       -\n");
	e.usage.known = PEVENT_KNOWN_NETWORK;
	e.usage.network = sample_network();
	CHECK_PAGE(&o, &e, "Event   Sent   Rcvd  Txpay  Rxpay   Txpkt   Rxpkt   Conns    Retx\n"
			   "exit    2.0K   1.0M   1.4K  1022K      11      12       3       2\n");
	e.usage.network.estimated = true;	/* of datagrams only the payload is counted */
	CHECK_PAGE(&o, &e, "Event   Sent   Rcvd  Txpay  Rxpay   Txpkt   Rxpkt   Conns    Retx\n"
			   "exit   2.0K~  1.0M~   1.4K  1022K     11~     12~       3       2\n");
	e.usage.network.incomplete = true;
	CHECK_PAGE(&o, &e, "Event   Sent   Rcvd  Txpay  Rxpay   Txpkt   Rxpkt   Conns    Retx\n"
			   "exit   2.0K~  1.0M~  1.4K~ 1022K~     11~     12~      3~      2~\n");
	e.usage.network.estimated = false;
	o.columns = "sent,rcvd,txpkt";
	CHECK_PAGE(&o, &e, "  Sent   Rcvd   Txpkt\n 2.0K~  1.0M~     11~\n");
	e.usage.network.incomplete = false;
	e.usage.network.origin = PEVENT_FROM_INFERRED;
	CHECK_PAGE(&o, &e, "  Sent   Rcvd   Txpkt\n 2.0K~  1.0M~     11~\n");
	/* What its threads' records say of the rest has nothing to do with it. */
	e.usage.network.origin = PEVENT_FROM_SOCK_DIAG;
	e.usage.known |= PEVENT_KNOWN_CPU;
	e.usage.incomplete = true;
	CHECK_PAGE(&o, &e, "  Sent   Rcvd   Txpkt\n  2.0K   1.0M      11\n");
	e.usage.network = (struct pevent_network){ .origin = PEVENT_FROM_NONE };
	CHECK_PAGE(&o, &e, "  Sent   Rcvd   Txpkt\n     0      0       0\n");
	e.type = PEVENT_SNAPSHOT;
	CHECK_PAGE(&o, &e, "  Sent   Rcvd   Txpkt\n     0      0       0\n");
	e.type = PEVENT_EXEC;
	CHECK_PAGE(&o, &e, "  Sent   Rcvd   Txpkt\n                     \n");
}

#define HEADER "Time         Event     PID    Info Duration   Sent   Rcvd    Retx      RTT " \
	"Process\n"
#define AT "20:14:01.123 "
#define CURL "/usr/bin/curl -s http://127.0.0.1/\n"

TEST(lines_of_connections)
{
	struct text_options o = { .terminal_fd = -1, .utc = true, .time = TIME_CLOCK,
				  .types = CONN | CLOSE };
	struct pevent_event e = event(PEVENT_CONN);

	connection.tx = connection.rx = (struct pevent_traffic){ 0 };
	connection.rtt_ns = connection.closed_ns = 0;
	connection.final = false;
	CHECK_PAGE(&o, &e, HEADER AT "conn     3523 connect                          "
			   "               10.0.0.1:43210 -> 10.0.0.2:80 " CURL);
	connection.role = PEVENT_ROLE_SERVER;
	connection.family = AF_INET6;
	memset(connection.local, 0, 16);
	memset(connection.remote, 0xab, 16);
	CHECK_PAGE(&o, &e, HEADER AT "conn     3523  accept                          "
			   "               [::]:43210 <- "
			   "[abab:abab:abab:abab:abab:abab:abab:abab]:80 " CURL);
	e = event(PEVENT_CLOSE);
	CHECK_PAGE(&o, &e, HEADER AT "close    3523 connect   0.500s    420  34.1K       1"
			   "     81us 10.0.0.1:43210 -> 10.0.0.2:80 " CURL);
	connection.role = PEVENT_ROLE_NONE;
	CHECK_PAGE(&o, &e, HEADER AT "close    3523       -   0.500s    420  34.1K       1"
			   "     81us 10.0.0.1:43210 <-> 10.0.0.2:80 " CURL);
	e.connections = NULL;
	CHECK_PAGE(&o, &e, HEADER AT "close    3523       -        -      -      -"
			   "       -        - " CURL);
}

TEST(what_is_not_known_of_a_connection)
{
	struct text_options o = { .terminal_fd = -1, .types = CLOSE, .columns =
		"duration,sent,rcvd,txpay,rxpay,txpkt,rxpkt,conns,retx,rtt" };
	struct pevent_event e = event(PEVENT_CLOSE);

#define NAMES "Duration   Sent   Rcvd  Txpay  Rxpay   Txpkt   Rxpkt   Conns    Retx      RTT\n"
	CHECK_PAGE(&o, &e, NAMES "  0.500s    420  34.1K    100  33.7K       6       7         "
			   "      1     81us\n");
	/* Packets were dropped: the kernel's own counts are as exact as ever. */
	connection.incomplete = true;
	CHECK_PAGE(&o, &e, NAMES "  0.500s   420~ 34.1K~    100  33.7K      6~      7~         "
			   "      1     81us\n");
	connection.incomplete = false;
	/* Counted by packets alone. */
	connection.final = false;
	connection.rtt_ns = connection.opened_ns = 0;
	CHECK_PAGE(&o, &e, NAMES "       -    420  34.1K   100~ 33.7K~       6       7         "
			   "     1~        -\n");
	/* By the kernel alone: at a device that is not captured at. */
	connection.final = true;
	connection.tx.packets = connection.rx.packets = 0;
	CHECK_PAGE(&o, &e, NAMES "       -      -      -    100  33.7K       -       -         "
			   "      1        -\n");
	connection.final = false;
	CHECK_PAGE(&o, &e, NAMES "       -      -      -      -      -       -       -         "
			   "      -        -\n");
	connection = sample_connection();
	connection.origin = PEVENT_FROM_INFERRED;
	connection.closed_ns = 0;
	CHECK_PAGE(&o, &e, NAMES "       -   420~ 34.1K~   100~ 33.7K~      6~      7~         "
			   "     1~     81us\n");
#undef NAMES
}

/* The ends in columns of their own: then they are not in front of the command line as well. */
TEST(columns_of_ends)
{
	struct text_options o = { .terminal_fd = -1, .types = CONN, .comm = true,
				  .columns = "event,local,remote,process" };
	struct pevent_event e = event(PEVENT_CONN);

	CHECK_PAGE(&o, &e,
		   "Event Local                                           "
		   "Remote                                          Process\n"
		   "conn  10.0.0.1:43210                                  "
		   "10.0.0.2:80                                     curl\n");
	memset(connection.remote, 0xab, 16);
	connection.family = AF_INET6;
	connection.remote_port = 65535;
	o.columns = "remote,event,process";	/* one of them alone is not enough */
	CHECK_PAGE(&o, &e,
		   "Remote                                          Event Process\n"
		   "[abab:abab:abab:abab:abab:abab:abab:abab]:65535 conn  "
		   "[a00:1::]:43210 -> [abab:abab:abab:abab:abab:abab:abab:abab]:65535 curl\n");
	e.type = PEVENT_EXEC;
	e.connections = NULL;
	CHECK_PAGE(&o, &e, "Remote                                          Event Process\n"
			   "                                                exec  curl\n");
}

/* With other events the usual columns stay, without them they would have nothing to show. */
TEST(default_columns)
{
	struct text_options o = { .terminal_fd = -1, .utc = true, .time = TIME_CLOCK };
	struct pevent_event e = sample_event(PEVENT_START);

	CHECK_PAGE(&o, &e, "Time         Event     PID   Info Duration      CPU    RSS"
			   "   Read  Write   Sent   Rcvd Process\n");
	o.types = CLOSE | PEVENT_MASK(PEVENT_EXIT);
	CHECK_PAGE(&o, &e, "Time         Event     PID    Info Duration      CPU    RSS"
			   "   Read  Write   Sent   Rcvd    Retx      RTT Process\n");
	o.types = CLOSE;
	CHECK_PAGE(&o, &e, HEADER);
	o.columns = "classic";
	CHECK_PAGE(&o, &e, "Time         Event     PID    Info Duration Process\n");
}

TEST(lost)
{
	struct text_options o = { .terminal_fd = -1, .columns = "info,process" };
	struct pevent_event e = sample_event(PEVENT_LOST);

	e.u.lost.count = 5;
	e.u.lost.source = PEVENT_SOURCE_PACKETS;
	CHECK_PAGE(&o, &e, "  Info Process\n     5 packets (packets)\n");
	e.u.lost.source = PEVENT_SOURCE_SOCKETS;
	CHECK_PAGE(&o, &e, "  Info Process\n     5 records of sockets (sockets)\n");
}

static void fill(struct pevent_traffic *t, uint64_t v)
{
	t->packets = t->bytes = t->payload = v;
}

/* Whatever the values, every column ends where its heading ends. */
TEST(nothing_pushes_its_neighbours)
{
	struct text_options o = { .terminal_fd = -1, .types = CONN | CLOSE, .columns =
		"event,info,duration,sent,rcvd,txpay,rxpay,txpkt,rxpkt,conns,retx,rtt,local,"
		"remote" };
	static const enum pevent_type types[] = { PEVENT_CONN, PEVENT_CLOSE, PEVENT_EXIT };

	for (unsigned int i = 0; i < 64 * 3 * 4; i++) {
		struct pevent_event e = event(types[i % 3]);
		uint64_t v = UINT64_MAX >> i / 12;
		struct strbuf b;
		size_t width;

		e.usage.known = e.type == PEVENT_EXIT ? PEVENT_KNOWN_NETWORK : 0;
		e.usage.network.incomplete = i / 3 % 2;
		e.usage.network.connections = e.usage.network.retransmits = v;
		fill(&e.usage.network.tx, v);
		fill(&e.usage.network.rx, v);
		fill(&connection.tx, v);
		fill(&connection.rx, v);
		connection.final = i / 3 % 2;
		connection.origin = i / 6 % 2 ? PEVENT_FROM_PERF : PEVENT_FROM_INFERRED;
		connection.role = (enum pevent_role)(i / 3 % 3);
		connection.family = i % 2 ? AF_INET : AF_INET6;
		memset(connection.remote, 0xff, 16);
		memset(connection.local, 0xff, 16);
		connection.local_port = connection.remote_port = UINT16_MAX;
		connection.retransmits = connection.rtt_ns = connection.closed_ns = v;
		connection.opened_ns = 1;
		b = page(&o, &e);
		width = (size_t)((char *)memchr(b.data, '\n', b.len) + 1 - b.data);
		CHECK_EQ(b.len, 2 * width);
		strbuf_finish(&b);
	}
}

TEST_MAIN()
