/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Recorded packets; live ones have tests/live/capture.c. */
#include "source/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/capture_file.h"
#include "test.h"
#include "util/macro.h"

#define OFFSET INT64_C(1700000000123456789)
#define START (1000 * NSEC_PER_SEC)

static const struct log nobody;

static char top[64];
static int dir;

/* Ethernet, IPv4, UDP of four bytes, and what is behind it cut off. */
static const uint8_t udp[] = {
	2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00,
	0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
	0x12, 0x34, 0, 53, 0, 12, 0, 0, 'a', 'b', 'c', 'd',
};
static const uint8_t arp[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x06, 0, 1 };
static const uint8_t lie[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00, 0x45, 0 };

struct seen {
	unsigned int n;
	uint64_t times[16];
	struct packet last;
	size_t caplen, wirelen;
	bool same;
};

static void see(void *data, const struct packet *p, uint64_t time_ns, const void *raw,
		size_t caplen, size_t wirelen)
{
	struct seen *s = data;

	s->times[s->n++ % 16] = time_ns;
	s->last = *p;
	s->caplen = caplen;
	s->wirelen = wirelen;
	s->same = caplen <= sizeof(udp) && !memcmp(raw, udp, caplen);
}

static struct capture_file *begin(void)
{
	struct capture_file *f = NULL;

	strcpy(top, "/tmp/pevent-unit-XXXXXX");
	CHECK(mkdtemp(top));
	dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_EQ(capture_file_new(&f, dir, CAPTURE_FILE, PACKET_LINK_ETHERNET, 128, OFFSET), 0);
	return f;
}

static void put(struct capture_file *f, uint64_t time_ns, const void *raw, size_t len)
{
	capture_write(f, PACKET_LINK_ETHERNET, time_ns, raw, len, len);
}

static void finish(struct capture_file *f)
{
	CHECK_EQ(capture_file_flush(f), 0);
	CHECK(!capture_file_free(f));
}

static void end(struct capture *c)
{
	capture_close(c);
	capture_close(c);
	(void)unlinkat(dir, CAPTURE_FILE, 0);
	close(dir);
	CHECK_EQ(rmdir(top), 0);
}

TEST(comes_back_as_it_was)
{
	struct capture_file *f = begin();
	struct seen s = { 0 };
	struct capture c;

	put(f, START + 1, udp, sizeof(udp));
	capture_write(f, PACKET_LINK_ETHERNET, START + 999999999, udp, 44, 1000);
	finish(f);
	CHECK_EQ(capture_open_offline(&c, dir, CAPTURE_FILE, OFFSET, &nobody), 0);
	CHECK_EQ(c.fd, -1);
	CHECK_EQ(capture_replay(&c, UINT64_MAX, 1, see, &s), 1);
	CHECK_EQ(s.times[0], START + 1);
	CHECK_EQ(s.last.src_port, 0x1234);
	CHECK_EQ(s.last.dst_port, 53);
	CHECK_EQ(s.last.payload_bytes, 4);
	CHECK_EQ(s.caplen, sizeof(udp));
	CHECK_EQ(capture_replay(&c, UINT64_MAX, 100, see, &s), 1);
	CHECK_EQ(s.times[1], START + 999999999);
	CHECK_EQ(s.caplen, 44);
	CHECK_EQ(s.wirelen, 1000);
	CHECK(s.same);
	CHECK_EQ(capture_replay(&c, UINT64_MAX, 100, see, &s), -ENODATA);
	CHECK_EQ(capture_replay(&c, UINT64_MAX, 100, see, &s), -ENODATA);
	CHECK_EQ(s.n, 2);
	end(&c);
}

TEST(all_are_counted)
{
	struct capture_file *f = begin();
	struct seen s = { 0 };
	struct capture c;

	put(f, START, arp, sizeof(arp));
	put(f, START, lie, sizeof(lie));
	put(f, START, udp, sizeof(udp));
	capture_write(f, PACKET_LINK_ETHERNET, START, udp, 42, 60);	/* padded */
	finish(f);
	CHECK_EQ(capture_open_offline(&c, dir, CAPTURE_FILE, OFFSET, &nobody), 0);
	CHECK_EQ(capture_replay(&c, START, 100, see, &s), 4);
	CHECK_EQ(s.n, 2);
	CHECK_EQ(c.other.packets, 1);
	CHECK_EQ(c.other.bytes, sizeof(arp));
	CHECK_EQ(c.malformed.packets, 1);
	CHECK_EQ(c.malformed.bytes, sizeof(lie));
	CHECK_EQ(c.ip.packets, 2);
	CHECK_EQ(c.ip.bytes, sizeof(udp) + 60);
	end(&c);
}

/* The ring's order is kept, so a packet waits behind a later one that was before it. */
TEST(up_to_a_time)
{
	static const uint64_t times[] = { 10, 20, 15, 30 };
	struct capture_file *f = begin();
	struct seen s = { 0 };
	struct capture c;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		put(f, START + times[i], udp, sizeof(udp));
	finish(f);
	CHECK_EQ(capture_open_offline(&c, dir, CAPTURE_FILE, OFFSET, &nobody), 0);
	CHECK_EQ(capture_replay(&c, START + 9, 100, see, &s), 0);
	CHECK_EQ(capture_replay(&c, START + 10, 100, see, &s), 1);
	CHECK_EQ(capture_replay(&c, START + 17, 100, see, &s), 0);
	CHECK_EQ(capture_replay(&c, START + 20, 100, see, &s), 2);
	CHECK_EQ(s.times[1], START + 20);
	CHECK_EQ(s.times[2], START + 15);
	CHECK_EQ(capture_replay(&c, START + 20, 100, see, &s), 0);
	CHECK_EQ(capture_replay(&c, START + 40, 0, see, &s), 0);
	CHECK_EQ(capture_replay(&c, START + 40, 100, see, &s), 1);
	CHECK_EQ(capture_replay(&c, START + 40, 100, see, &s), -ENODATA);
	end(&c);
}

/* However it is cut off: what is whole comes, then an error, and no packet of it twice. */
TEST(stops_in_the_middle)
{
	struct capture_file *f = begin();
	struct capture c;
	struct stat st;

	put(f, START, udp, sizeof(udp));
	put(f, START + 1, udp, sizeof(udp));
	finish(f);
	CHECK_EQ(fstatat(dir, CAPTURE_FILE, &st, 0), 0);
	for (off_t len = st.st_size; len-- > 0;) {
		int fd = openat(dir, CAPTURE_FILE, O_WRONLY | O_CLOEXEC), n = 0;
		struct seen s = { 0 };

		CHECK_EQ(ftruncate(fd, len), 0);
		close(fd);
		n = capture_open_offline(&c, dir, CAPTURE_FILE, OFFSET, &nobody);
		CHECK_EQ(n, len < 24 ? -EBADMSG : 0);
		if (n == 0) {
			const bool whole = (len - 24) % (16 + (off_t)sizeof(udp)) == 0;

			do
				n = capture_replay(&c, UINT64_MAX, 100, see, &s);
			while (n > 0);
			CHECK_EQ(n, whole ? -ENODATA : -EBADMSG);
			CHECK_EQ(s.n, (unsigned int)(len - 24) / (16 + sizeof(udp)));
		}
		capture_close(&c);
	}
	end(&c);
}

TEST(other_link_type)
{
	struct capture_file *f = begin();
	struct capture c = { 0 };

	capture_write(f, PACKET_LINK_SLL2, START, udp, sizeof(udp), sizeof(udp));
	CHECK_EQ(capture_file_flush(f), -ENOTSUP);
	put(f, START, udp, sizeof(udp));
	CHECK_EQ(capture_file_flush(f), -ENOTSUP);
	capture_file_free(f);
	(void)unlinkat(dir, CAPTURE_FILE, 0);
	CHECK_EQ(capture_file_new(&f, dir, CAPTURE_FILE, 253, 128, OFFSET), 0);
	finish(f);
	CHECK_EQ(capture_open_offline(&c, dir, CAPTURE_FILE, OFFSET, &nobody), -EBADMSG);
	end(&c);
}

TEST(files)
{
	struct capture_file *f = begin(), *g = NULL;
	struct capture c = { 0 };

	CHECK_EQ(capture_file_new(&g, dir, CAPTURE_FILE, 1, 128, OFFSET), -EEXIST);
	CHECK_EQ(capture_open_offline(&c, dir, "nonesuch", OFFSET, &nobody), -ENOENT);
	finish(f);
	CHECK(!capture_file_free(NULL));
	end(&c);
}

TEST(not_open)
{
	struct capture c = { .fd = -1, .log = &nobody };
	struct capture_drops drops;

	CHECK_EQ(capture_drain(&c, 1, see, NULL), -ENODEV);
	CHECK_EQ(capture_follow(&c, NSEC_PER_SEC), 0);
	CHECK_EQ(capture_drops(&c, &drops), 0);
	CHECK_EQ(drops.seen, 0);
}

static void remember(void *data, int level, const char *message)
{
	(void)level;
	snprintf(data, 256, "%s", message);
}

/* None of them gets as far as to need a privilege. */
TEST(names_that_are_none)
{
	static const struct {
		const char *list;
		int error;
		const char *words;
	} cases[] = {
		{ "a-name-that-no-device-can-have", -EINVAL, "not a list of devices" },
		{ "", -EINVAL, "not a list of devices" },
		{ "lo,", -EINVAL, "not a list of devices" },
		{ "lo,,lo", -EINVAL, "not a list of devices" },
		{ "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", -EINVAL, "more than 16 devices" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct capture_options options = { .interface = cases[i].list };
		char said[256] = "";
		const struct log log = { remember, said };
		struct capture c;

		CHECK_EQ(capture_open(&c, &options, &log), cases[i].error);
		CHECK(strstr(said, cases[i].words));
		CHECK(!c.pcap && c.fd < 0);
		capture_close(&c);
	}
}

TEST_MAIN()
