/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run in more network namespaces than can be open: each one's packets are recorded, in order. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "source/capture_file.h"
#include "source/network_replay.h"
#include "source/record.h"
#include "source/source.h"
#include "test.h"
#include "util/macro.h"

#define OWN 1u
#define FIRST 1000u
#define MS NSEC_PER_MSEC
#define SEEN_MAX 1000

static char top[64], said[512];
static unsigned int times_said;
static struct clock virtual_clock;
static struct recorder *recorder;
static struct recorder_tee through;
static const struct network_account account = { .captures = true };
static struct {
	uint32_t netns;
	uint16_t port;
} seen[SEEN_MAX];
static size_t n_seen;

static void hear(void *data, int level, const char *message)
{
	(void)data;
	(void)level;
	snprintf(said, sizeof(said), "%s", message);
	times_said++;
}

static const struct log listener = { hear, NULL };

static void see(void *data, uint32_t netns, const struct packet *p, uint64_t time_ns)
{
	(void)data;
	(void)time_ns;
	CHECK(n_seen < SEEN_MAX);
	seen[n_seen].netns = netns;
	seen[n_seen++].port = p->src_port;
}

static const struct network_fns eyes = { .packet = see };

static void begin(void)
{
	const struct source of = { .delays_since_ns = UINT64_MAX };
	const struct strbuf nothing = { 0 };

	strcpy(top, "/tmp/pevent-unit-XXXXXX");
	CHECK(mkdtemp(top));
	virtual_clock = (struct clock){ .is_virtual = true, .now_ns = 900 * MS };
	n_seen = times_said = 0;
	CHECK_EQ(recorder_new(&recorder, top, &of, 0, &virtual_clock, &listener), 0);
	through = (struct recorder_tee){ recorder, &eyes, NULL };
	recorder_network(recorder, OWN, &account);
	recorder_scan(recorder, &nothing, 901 * MS, 902 * MS);
	recorder_network_begin(recorder, 1000 * MS);
}

/* As space.c and capture.c do; true: it is in the recording. */
static bool captured(uint32_t netns, uint16_t port)
{
	const uint8_t raw[42] = {
		[12] = 0x08, [14] = 0x45, [17] = 28, [22] = 64, [23] = 17, [26] = 10, [30] = 10,
		[34] = (uint8_t)(port >> 8), [35] = (uint8_t)port, [37] = 53, [39] = 8,
	};
	struct capture_file *f = recorder_packets(recorder, netns, netns == OWN,
						  PACKET_LINK_ETHERNET);
	struct packet p;

	CHECK_EQ(packet_decode(PACKET_LINK_ETHERNET, raw, sizeof(raw), sizeof(raw), &p), 0);
	if (f)
		capture_write(f, PACKET_LINK_ETHERNET, 950 * MS, raw, sizeof(raw), sizeof(raw));
	recorder_tee_fns.packet(&through, netns, &p, 950 * MS);
	return f;
}

static void finish(void)
{
	recorder_network_end(recorder, 990 * MS, 990 * MS, &account);
	CHECK_EQ(recorder_flush(recorder), 0);
	recorder = recorder_free(recorder);
}

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	CHECK(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* All that was recorded, into `seen`. */
static void replay(void)
{
	const int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct replay_lines lines;
	struct network_replay n;
	const size_t before = open_files();

	n_seen = 0;
	replay_lines_init(&lines, fdopen(openat(dir, RECORD_PROC, O_RDONLY | O_CLOEXEC), "r"),
			  &listener);
	CHECK_EQ(network_replay_init(&n, dir, &lines, 0, &listener), 0);
	CHECK_EQ(network_replay_drain(&n, UINT64_MAX - 1, &eyes, NULL), 0);
	CHECK(open_files() <= before + 2);	/* lines and the directory: no packets any more */
	network_replay_finish(&n);
	replay_lines_finish(&lines);
	close(dir);
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

TEST(one_after_the_other)
{
	const unsigned int many = 2 * NETWORK_NAMESPACES_MAX;
	const size_t files = open_files();

	begin();
	CHECK(captured(OWN, 1));
	for (unsigned int i = 0; i < many; i++) {
		CHECK(captured(FIRST + i, (uint16_t)(100 + i)));
		recorder_packets_end(recorder, FIRST + i);
		recorder_packets_end(recorder, FIRST + i);
	}
	CHECK(open_files() < files + 10);
	/* One that comes back, or another with its number: what there was stays. */
	CHECK(captured(FIRST, 5000));
	CHECK(captured(OWN, 2));
	CHECK(captured(FIRST, 5001));
	finish();
	CHECK_EQ(times_said, 0);
	replay();
	CHECK_EQ(times_said, 0);
	CHECK_EQ(n_seen, many + 4);
	CHECK_EQ(seen[0].netns, OWN);
	for (unsigned int i = 0; i < many; i++) {
		CHECK_EQ(seen[1 + i].netns, FIRST + i);
		CHECK_EQ(seen[1 + i].port, 100 + i);
	}
	CHECK_EQ(seen[many + 1].netns, FIRST);
	CHECK_EQ(seen[many + 1].port, 5000);
	CHECK_EQ(seen[many + 2].netns, OWN);
	CHECK_EQ(seen[many + 3].port, 5001);
	remove_recording();
}

/* Too many at once: the others are all there. */
TEST(one_without_a_file)
{
	begin();
	CHECK(captured(OWN, 1));
	for (unsigned int i = 0; i < NETWORK_NAMESPACES_MAX - 1; i++)
		CHECK(captured(FIRST + i, 7));
	CHECK(!captured(9998, 8));
	CHECK(!captured(9999, 9));
	CHECK_EQ(times_said, 1);
	CHECK(strstr(said, "recording: packets of network namespace 9998: "));
	CHECK_EQ(n_seen, NETWORK_NAMESPACES_MAX + 2);	/* but the run has them */
	CHECK(captured(OWN, 2));
	recorder_packets_end(recorder, FIRST);
	CHECK(captured(9999, 10));
	finish();
	CHECK_EQ(times_said, 1);
	replay();
	CHECK_EQ(times_said, 1);
	CHECK_EQ(n_seen, NETWORK_NAMESPACES_MAX + 2);
	CHECK_EQ(seen[NETWORK_NAMESPACES_MAX].netns, OWN);
	CHECK_EQ(seen[NETWORK_NAMESPACES_MAX].port, 2);
	CHECK_EQ(seen[NETWORK_NAMESPACES_MAX + 1].netns, 9999);
	CHECK_EQ(seen[NETWORK_NAMESPACES_MAX + 1].port, 10);
	remove_recording();
}

TEST_MAIN()
