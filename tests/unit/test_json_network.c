/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The network in JSON Lines. */
#include <sys/socket.h>

#include "test.h"

#include "sample_events.h"
#include "sink/json.h"

static const struct pevent_host host = { .replay = true, .ticks_per_second = 100 };

static struct pevent_connection connection[2];
static struct pevent_connections connections = { 1, 1, connection };

static struct pevent_event event(enum pevent_type type)
{
	struct pevent_event e = sample_event(type);

	connection[0] = sample_connection();
	connections = (struct pevent_connections){ 1, 1, connection };
	e.process = sample_process(3523, "");
	e.tid = 0;
	e.connections = &connections;
	return e;
}

static struct strbuf line(const struct pevent_event *e)
{
	struct strbuf b = { 0 };
	struct json *j = NULL;

	CHECK_EQ(json_new(&j, &host), 0);
	json_event(j, e, NULL, &b);
	json_free(j);
	return b;
}

static bool has(const struct pevent_event *e, const char *part)
{
	struct strbuf b = line(e);
	bool found = memmem(b.data, b.len, part, strlen(part));

	strbuf_finish(&b);
	return found;
}

#define CONNECTION "\"connections\":[{\"protocol\":\"tcp\",\"role\":\"client\"," \
	"\"source\":\"perf\",\"local\":{\"ip\":\"10.0.0.1\",\"port\":43210}," \
	"\"remote\":{\"ip\":\"10.0.0.2\",\"port\":80},"

TEST(usage)
{
	struct pevent_event e = sample_exit(0);

	CHECK(!has(&e, "network"));
	e.usage.known = PEVENT_KNOWN_NETWORK;
	e.usage.network = sample_network();
	CHECK(has(&e, "\"usage\":{\"network\":{\"rx_bytes\":1048576,\"tx_bytes\":2048,"
		      "\"rx_packets\":12,\"tx_packets\":11,\"rx_payload_bytes\":1047000,"
		      "\"tx_payload_bytes\":1500,\"connections\":3,\"retransmits\":2}}"));
	CHECK(has(&e, ",\"network\":\"perf\"}"));
	e.usage.network.incomplete = true;
	CHECK(has(&e, "\"retransmits\":2,\"incomplete\":true}}"));
	e.usage.network.estimated = true;
	CHECK(has(&e, "\"retransmits\":2,\"incomplete\":true,\"estimated\":true}}"));
	e.usage.network.incomplete = false;
	CHECK(has(&e, "\"retransmits\":2,\"estimated\":true}}"));
	e.usage.network = (struct pevent_network){ .origin = PEVENT_FROM_NONE };
	CHECK(has(&e, "\"tx_bytes\":0,"));	/* it had no socket: that is known */
	CHECK(!has(&e, "\"network\":\""));
	e.usage.network.origin = PEVENT_FROM_SOCK_DIAG;
	CHECK(has(&e, ",\"network\":\"sock_diag\"}"));
}

TEST(connections_of_an_exit)
{
	struct pevent_event e = event(PEVENT_EXIT);

	e.u.exit.origin = PEVENT_FROM_EVENT;
	e.usage.known = PEVENT_KNOWN_NETWORK;
	connection[0].netns = 4026531840;
	connection[0].shared = true;
	connection[1] = (struct pevent_connection){
		.family = AF_INET6, .protocol = 17, .origin = PEVENT_FROM_INFERRED, .open = true,
		.local = { [15] = 1 }, .remote = { 0xfe, 0x80, [15] = 2 }, .local_port = 53,
		.remote_port = 5353, .retransmits = 9,
	};
	connections.n = 2;
	connections.total = 2;
	CHECK(has(&e, CONNECTION "\"netns\":4026531840,"
		      "\"opened\":\"2026-11-20T20:14:00.623456789Z\","
		      "\"shared\":true,\"final\":true,"
		      "\"closed\":\"2026-11-20T20:14:01.123456789Z\",\"duration_ns\":500000000,"
		      "\"rx_bytes\":35000,\"tx_bytes\":420,\"rx_packets\":7,\"tx_packets\":6,"
		      "\"rx_payload_bytes\":34600,\"tx_payload_bytes\":100,\"retransmits\":1,"
		      "\"rtt_ns\":81000},"
		      "{\"protocol\":\"udp\",\"source\":\"inferred\","
		      "\"local\":{\"ip\":\"::1\",\"port\":53},"
		      "\"remote\":{\"ip\":\"fe80::2\",\"port\":5353},\"open\":true,"
		      "\"rx_bytes\":0,\"tx_bytes\":0,\"rx_packets\":0,\"tx_packets\":0,"
		      "\"rx_payload_bytes\":0,\"tx_payload_bytes\":0}],"));
	CHECK(!has(&e, "truncated"));
	connections.total = 300;
	CHECK(has(&e, "\"truncated\":{\"connections\":300}"));
	connections.n = 0;
	CHECK(!has(&e, "\"connections\":["));
	connections.n = 1;
	connection[0].tx.packets = connection[0].rx.packets = 0;
	CHECK(has(&e, "\"tx_payload_bytes\":100,\"retransmits\":1,\"rtt_ns\""));
	connection[0].final = false;	/* nothing was captured, and the kernel did not tell */
	connection[0].incomplete = true;
	CHECK(has(&e, "\"shared\":true,\"incomplete\":true,\"closed\":"));
	CHECK(has(&e, "\"tx_payload_bytes\":100,\"rtt_ns\""));
	connection[0] = (struct pevent_connection){ .family = AF_INET, .protocol = 132 };
	CHECK(has(&e, "\"connections\":[{\"protocol\":\"132\",\"local\":{\"ip\":\"0.0.0.0\"},"
		      "\"remote\":{\"ip\":\"0.0.0.0\"},\"rx_bytes\":0,"));
}

TEST(what_is_not_known)
{
	struct pevent_event e = event(PEVENT_CLOSE);

	connection[0].tx.packets = connection[0].rx.packets = 0;
	connection[0].opened_ns = connection[0].rtt_ns = 0;
	CHECK(has(&e, CONNECTION "\"final\":true,\"closed\":\"2026-11-20T20:14:01.123456789Z\","
		      "\"rx_payload_bytes\":34600,\"tx_payload_bytes\":100,\"retransmits\":1}]"));
	CHECK(!has(&e, "\"bytes\""));
	CHECK(!has(&e, "duration"));
	connection[0].final = false;
	CHECK(has(&e, CONNECTION "\"closed\":\"2026-11-20T20:14:01.123456789Z\"}]"));
	e.connections = NULL;
	CHECK(has(&e, "\"action\":\"close\",\"sequence\":7},\"process\":{\"pid\":3523}}\n"));
}

/* Nothing has passed yet: what is told of that is of no use, whatever it is. */
TEST(opened)
{
	struct pevent_event e = event(PEVENT_CONN);

	connection[0].open = connection[0].shared = connection[0].incomplete = true;
	connection[0].netns = 7;
	CHECK(has(&e, "\"event\":{\"kind\":\"event\",\"category\":[\"network\"],"
		      "\"type\":[\"connection\",\"start\"],\"action\":\"conn\",\"sequence\":7},"
		      "\"source\":{\"ip\":\"10.0.0.1\",\"port\":43210},"
		      "\"destination\":{\"ip\":\"10.0.0.2\",\"port\":80},"
		      "\"network\":{\"transport\":\"tcp\",\"type\":\"ipv4\","
		      "\"direction\":\"egress\"},"
		      "\"process\":{\"pid\":3523},\"pevent\":{" CONNECTION "\"netns\":7,"
		      "\"opened\":\"2026-11-20T20:14:00.623456789Z\"}]}}\n"));
	connection[0].role = PEVENT_ROLE_NONE;
	CHECK(has(&e, "\"network\":{\"transport\":\"tcp\",\"type\":\"ipv4\"}"));
	CHECK(!has(&e, "\"role\""));
}

/* Who accepts is the destination, and what it received the source has sent. */
TEST(closed)
{
	struct pevent_event e = event(PEVENT_CLOSE);

	CHECK(has(&e, "\"type\":[\"connection\",\"end\"],\"action\":\"close\",\"sequence\":7,"
		      "\"duration\":500000000},"
		      "\"source\":{\"ip\":\"10.0.0.1\",\"port\":43210,\"bytes\":420},"
		      "\"destination\":{\"ip\":\"10.0.0.2\",\"port\":80,\"bytes\":35000},"));
	connection[0].role = PEVENT_ROLE_SERVER;
	connection[0].family = AF_INET6;
	memset(connection[0].local, 0, 16);
	memset(connection[0].remote, 0, 16);
	connection[0].local[15] = 1;
	connection[0].remote[15] = 2;
	CHECK(has(&e, "\"source\":{\"ip\":\"::2\",\"port\":80,\"bytes\":35000},"
		      "\"destination\":{\"ip\":\"::1\",\"port\":43210,\"bytes\":420},"
		      "\"network\":{\"transport\":\"tcp\",\"type\":\"ipv6\","
		      "\"direction\":\"ingress\"},"));
	CHECK(has(&e, "\"role\":\"server\""));
}

TEST_MAIN()
