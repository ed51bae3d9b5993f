/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is captured is what the devices count, once; named devices are followed. */
#include "source/capture.h"

#include "namespaces.h"
#include "source/devices.h"
#include "util/clock.h"
#include "util/macro.h"

#define ETHERNET 14

static const struct clock real;
static struct capture capture;
static struct devices devices;
static char said[512];
static uint64_t elsewhere, backwards, latest_ns, late_ns, payload, echoed;

static void hear(void *data, int level, const char *message)
{
	(void)data;
	if (level < LOG_LEVEL_DEBUG)
		snprintf(said, sizeof(said), "%s", message);
}

static const struct log listener = { hear, NULL };

static void take(void *data, const struct packet *p, uint64_t time_ns, const void *raw,
		 size_t caplen, size_t wirelen)
{
	const uint64_t now = clock_now(&real);

	(void)data;
	(void)raw;
	(void)wirelen;
	CHECK(caplen <= 128 + 20);
	CHECK(time_ns <= now);
	late_ns = MAX(late_ns, now - time_ns);
	backwards += time_ns < latest_ns;
	latest_ns = MAX(latest_ns, time_ns);
	elsewhere += p->ifindex != 1;
	payload += p->payload_bytes;
	echoed += p->protocol == IPPROTO_UDP && (p->src_port == PORT || p->dst_port == PORT);
}

/* Everything that was sent before. */
static void drain(void)
{
	for (int i = 0; i < 20; i++) {
		capture.realtime_offset_ns = clock_realtime_offset(&real);
		CHECK(capture_drain(&capture, UINT32_MAX, take, NULL) >= 0);
		CHECK_EQ(capture_follow(&capture, clock_now(&real)), 0);
		rest(10);
	}
}

static int try_open(const char *interface, bool tells_missing)
{
	const struct capture_options options = {
		.interface = interface, .tells_missing = tells_missing, .devices = &devices,
	};

	devices_finish(&devices);
	devices_init(&devices, devices_open_root(true), devices_ask_name, &capture.fd);
	said[0] = '\0';
	elsewhere = backwards = latest_ns = late_ns = payload = 0;
	return capture_open(&capture, &options, &listener);
}

static uint64_t all_packets(void)
{
	return capture.ip.packets + capture.other.packets + capture.malformed.packets;
}

static uint64_t all_bytes(void)
{
	return capture.ip.bytes + capture.other.bytes + capture.malformed.bytes;
}

static void check_nothing_lost(void)
{
	struct capture_drops drops;

	CHECK_EQ(capture_drops(&capture, &drops), 0);
	CHECK_EQ(drops.dropped, 0);
	CHECK_EQ(capture.malformed.packets, 0);
}

struct counters {
	unsigned long long rx, rx_bytes, tx, tx_bytes;
};

/* Of our own namespace; those in sysfs are of where it was mounted. */
static struct counters counters_of(const char *device)
{
	FILE *f = fopen("/proc/self/net/dev", "re");
	struct counters c = { 0 };
	char line[512], name[32];
	bool found = false;

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		struct counters n;

		if (sscanf(line, " %31[^:]: %llu %llu %*u %*u %*u %*u %*u %*u %llu %llu", name,
			   &n.rx_bytes, &n.rx, &n.tx_bytes, &n.tx) == 5 && !strcmp(name, device)) {
			c = n;
			found = true;
		}
	}
	fclose(f);
	CHECK(found);
	return c;
}

/* TCP, UDP, and UDP in fragments, from our own namespace to where a server is. */
static void traffic(const char *address)
{
	struct end to = end_of(address, PORT);
	int fd = socket(to.u.any.sa_family, SOCK_DGRAM, 0);
	static char buf[9000];

	munmap(clients(0, address, 20, 4, NULL), 20 * sizeof(struct truth));
	for (int i = 0; i < 50; i++) {
		size_t len = i % 2 ? 40 : sizeof(buf);

		CHECK_EQ(sendto(fd, buf, len, 0, &to.u.any, to.len), (ssize_t)len);
		CHECK_EQ(recv(fd, buf, sizeof(buf), 0), (ssize_t)len);
	}
	close(fd);
}

#define TRAFFIC_PAYLOAD (20 * 2 * PAYLOAD + 25 * 2 * (40 + 9000))

TEST(loopback)
{
	struct counters c;
	pid_t server;

	leave_for_own();
	CHECK_EQ(try_open(NULL, true), 0);
	sh(0, "ip link set lo up");
	server = serve(0);
	traffic("127.0.0.1");
	traffic("::1");
	end_process(server);
	drain();
	c = counters_of("lo");
	printf("# %llu packets, the latest after %.1f ms\n", c.rx, (double)late_ns / 1e6);
	CHECK(c.rx > 400);
	CHECK_EQ(all_packets(), c.rx);
	CHECK_EQ(all_bytes(), c.rx_bytes);
	CHECK_EQ(payload, 2 * TRAFFIC_PAYLOAD);
	CHECK_EQ(elsewhere, 0);
	check_nothing_lost();
	capture_close(&capture);
}

/* NAME and its peer in another namespace, with addresses 10.N.0.1 and .2, fdN::1 and ::2. */
static void add_veth(pid_t other, const char *name, int n)
{
	sh(0, "ip link add %s type veth peer name peer%d netns %d;"
	   "ip addr add 10.%d.0.1/24 dev %s; ip link set %s up;"
	   "ip -6 addr add fd0%d::1/64 dev %s nodad", name, n, other, n, name, name, n, name);
	sh(other, "ip addr add 10.%d.0.2/24 dev peer%d; ip link set peer%d up;"
	   "ip -6 addr add fd0%d::2/64 dev peer%d nodad", n, n, n, n, n);
	rest(200);
}

TEST(veth)
{
	struct counters c;
	pid_t other, server;

	leave_for_own();
	CHECK_EQ(try_open("any", true), 0);
	other = new_namespace();
	add_veth(other, "v0", 1);
	server = serve(other);
	traffic("10.1.0.2");
	traffic("fd01::2");
	end_process(server);
	/* Until neighbours and groups are greeted. */
	for (unsigned long long before = 0; c = counters_of("v0"), c.rx + c.tx != before;) {
		before = c.rx + c.tx;
		drain();
	}
	CHECK(c.rx + c.tx > 400);
	CHECK_EQ(all_packets(), c.rx + c.tx);
	CHECK_EQ(all_bytes() + ETHERNET * all_packets(), c.rx_bytes + c.tx_bytes);
	CHECK(payload >= 2 * TRAFFIC_PAYLOAD);
	CHECK_EQ(capture.skipped.packets, 0);
	check_nothing_lost();
	capture_close(&capture);
	end_process(other);
}

/* Packets that go to and come back from an address, counted at the captured devices. */
static uint64_t echoes(const char *address)
{
	struct end to = end_of(address, PORT);
	int fd = socket(to.u.any.sa_family, SOCK_DGRAM, 0);
	uint64_t before;
	char buf[64];

	drain();
	before = echoed;
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(sendto(fd, buf, 40, 0, &to.u.any, to.len), 40);
		CHECK_EQ(recv(fd, buf, sizeof(buf), 0), 40);
	}
	close(fd);
	drain();
	return echoed - before;
}

TEST(named_devices_come_and_go)
{
	pid_t other, server;

	leave_for_own();
	sh(0, "ip link set lo up");
	other = new_namespace();
	add_veth(other, "v0", 1);
	add_veth(other, "v1", 2);
	add_veth(other, "v2", 3);
	server = serve(other);
	CHECK_EQ(try_open("v0,v1", true), 0);
	CHECK_EQ(echoes("10.1.0.2"), 100);
	CHECK_EQ(echoes("10.2.0.2"), 100);
	CHECK_EQ(echoes("10.3.0.2"), 0);
	sh(0, "ip link del v0");
	CHECK_EQ(echoes("10.2.0.2"), 100);
	add_veth(other, "v0", 1);
	CHECK_EQ(echoes("10.1.0.2"), 100);
	CHECK_EQ(echoes("10.2.0.2"), 100);
	CHECK_EQ(echoes("10.3.0.2"), 0);
	/* The same device under another name is another. */
	sh(0, "ip link set v1 down; ip link set v1 name w1; ip link set w1 up");
	CHECK_EQ(echoes("10.2.0.2"), 0);
	sh(0, "ip link set v0 down; ip link set v0 up");
	CHECK_EQ(echoes("10.1.0.2"), 100);
	CHECK_EQ(said[0], '\0');
	check_nothing_lost();
	capture_close(&capture);
	end_process(server);
	end_process(other);
}

TEST(names_of_nothing)
{
	pid_t other, server;

	leave_for_own();
	sh(0, "ip link set lo up");
	CHECK_EQ(try_open("lo,v9", true), 0);
	CHECK(!strcmp(said, "packets of v9: no such device here: counted when there is one"));
	capture_close(&capture);
	CHECK_EQ(try_open("v9", false), 0);
	CHECK_EQ(said[0], '\0');
	server = serve(0);
	CHECK_EQ(echoes("127.0.0.1"), 0);
	end_process(server);
	other = new_namespace();
	add_veth(other, "v9", 1);
	server = serve(other);
	CHECK_EQ(echoes("10.1.0.2"), 100);
	capture_close(&capture);
	end_process(server);
	end_process(other);
}

/* A port of a bridge, which has the address. */
TEST(ports_of_a_bridge_count_once)
{
	pid_t other, server;

	leave_for_own();
	other = new_namespace();
	add_veth(other, "v0", 1);
	sh(0, "ip link add b0 type bridge; ip addr flush dev v0; ip link set v0 master b0;"
	   "ip link set b0 up; ip addr add 10.1.0.1/24 dev b0");
	server = serve(other);
	rest(500);
	CHECK_EQ(try_open(NULL, true), 0);
	CHECK_EQ(echoes("10.1.0.2"), 100);
	CHECK(capture.skipped.packets >= 100);
	capture_close(&capture);
	/* Who asks for the port gets the port, */
	CHECK_EQ(try_open("v0", true), 0);
	CHECK_EQ(echoes("10.1.0.2"), 100);
	CHECK_EQ(capture.skipped.packets, 0);
	capture_close(&capture);
	/* and who asks for both, both. */
	CHECK_EQ(try_open("v0,b0", true), 0);
	CHECK_EQ(echoes("10.1.0.2"), 200);
	capture_close(&capture);
	end_process(server);
	end_process(other);
}

TEST(what_has_no_room_is_counted)
{
	struct capture_options options = { .buffer = 256 << 10 };
	struct end to = end_of("127.0.0.1", PORT);
	struct capture_drops drops;
	struct counters c;
	int fd;

	leave_for_own();
	CHECK_EQ(capture_open(&capture, &options, &listener), 0);
	sh(0, "ip link set lo up");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < 50000; i++)
		(void)!sendto(fd, "", 1, 0, &to.u.any, to.len);
	close(fd);
	drain();
	c = counters_of("lo");
	CHECK(c.rx >= 50000);
	CHECK_EQ(capture_drops(&capture, &drops), 0);
	CHECK(drops.dropped > 10000);
	CHECK_EQ(all_packets() + drops.dropped, c.rx);
	CHECK_EQ(drops.seen, c.rx);
	capture_close(&capture);
	devices_finish(&devices);
}

TEST_MAIN()
