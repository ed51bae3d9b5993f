/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One network namespace: which sockets are told of, when nothing more is heard, and how it goes. */
#include "source/space.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/closer.h"
#include "source/refusals.h"
#include "test.h"
#include "util/macro.h"

#define NETNS 4026532999u

static char said[512];
static unsigned int times_said;
static uint64_t lost;
static unsigned int told[65536];	/* by local port, of TCP */
static unsigned int told_udp[65536];

static void hear(void *data, int level, const char *message)
{
	(void)data;
	CHECK_EQ(level, LOG_LEVEL_WARNING);
	snprintf(said, sizeof(said), "%s", message);
	times_said++;
}

static const struct log listener = { hear, NULL };

static void on_existing(void *data, uint32_t netns, const struct inet_diag_socket *s)
{
	(void)data;
	CHECK_EQ(netns, NETNS);
	if (s->id.protocol == IPPROTO_TCP)
		told[s->id.local_port]++;
	else
		told_udp[s->id.local_port]++;
}

static void on_destroyed(_unused_ void *data, _unused_ uint32_t netns,
			 _unused_ const struct inet_diag_socket *s, _unused_ uint64_t time_ns)
{
	CHECK(false);
}

static void on_lost(void *data, uint64_t records)
{
	(void)data;
	lost += records;
}

static const struct network_fns fns = {
	.existing = on_existing, .destroyed = on_destroyed, .lost = on_lost,
};

/* A socket on loopback, bound; its port. */
static uint16_t bound(int type, int *ret)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);

	*ret = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(*ret, (struct sockaddr *)&a, sizeof(a)), 0);
	CHECK_EQ(getsockname(*ret, (struct sockaddr *)&a, &len), 0);
	return ntohs(a.sin_port);
}

static uint16_t connected(uint16_t to, int *ret)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(to),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const uint16_t port = bound(SOCK_STREAM, ret);

	CHECK_EQ(connect(*ret, (struct sockaddr *)&a, sizeof(a)), 0);
	return port;
}

static void tell_all(struct space *s)
{
	memset(told, 0, sizeof(told));
	memset(told_udp, 0, sizeof(told_udp));
	for (int i = 0; i < 10000 && s->question < SPACE_QUESTIONS; i++)
		space_tell_existing(s, &fns, NULL);
	CHECK_EQ(s->question, SPACE_QUESTIONS);
	CHECK(!s->asks_again);
}

TEST(later_only_those_that_wait)
{
	struct space s = { .netns = NETNS, .capture.fd = -1 };
	uint16_t waits, new_waits, client, datagrams;
	int fd[4];

	if (diag_open(&s.diag, 0) < 0)
		SKIP("no socket diagnosis here");
	waits = bound(SOCK_STREAM, &fd[0]);
	CHECK_EQ(listen(fd[0], 8), 0);
	client = connected(waits, &fd[1]);
	datagrams = bound(SOCK_DGRAM, &fd[2]);
	tell_all(&s);
	if (!told[waits] && diag_ask_all(&s.diag, AF_INET, IPPROTO_TCP, UINT32_MAX) == 0 &&
	    diag_take_some(&s.diag, NULL, NULL) < 0)
		SKIP("the kernel's socket diagnosis has no TCP");
	CHECK(told[waits] >= 1);	/* and what it has not accepted yet */
	CHECK_EQ(told[client], 1);
	CHECK_EQ(told_udp[datagrams], 1);
	new_waits = bound(SOCK_STREAM, &fd[3]);
	CHECK_EQ(listen(fd[3], 8), 0);
	space_ask_existing(&s);
	tell_all(&s);
	CHECK_EQ(told[waits], 1);
	CHECK_EQ(told[new_waits], 1);
	CHECK_EQ(told[client], 0);
	CHECK_EQ(told_udp[datagrams], 1);
	/* Nobody asks: nothing is told. */
	memset(told, 0, sizeof(told));
	space_tell_existing(&s, &fns, NULL);
	CHECK_EQ(told[waits], 0);
	diag_close(&s.diag);
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++)
		close(fd[i]);
}

/* Asked while the first answers still come: they all do, and then those that wait once more. */
TEST(asked_meanwhile)
{
	struct space s = { .netns = NETNS, .capture.fd = -1 };
	uint16_t waits;
	int fd;

	if (diag_open(&s.diag, 0) < 0)
		SKIP("no socket diagnosis here");
	waits = bound(SOCK_STREAM, &fd);
	CHECK_EQ(listen(fd, 8), 0);
	space_ask_existing(&s);
	space_ask_existing(&s);
	CHECK(s.asks_again);
	tell_all(&s);
	CHECK(told[waits] == 2 || told[waits] == 0);
	diag_close(&s.diag);
	close(fd);
}

TEST(notices_that_fail_are_told)
{
	struct space s = { .netns = NETNS, .capture.fd = -1, .log = &listener };
	int line[2];

	CHECK_EQ(pipe(line), 0);
	/* As it is with room to read to: 1 MiB is more than any batch. */
	s.diag = (struct diag){ .is_open = true, .fd = line[0], .notices = line[1],
				.slots = malloc(1 << 20) };
	times_said = 0;
	lost = 0;
	space_drain_notices(&s, &fns, NULL);
	CHECK_EQ(s.diag_error, -ENOTSOCK);
	CHECK(!s.diag.is_open);
	CHECK_EQ(lost, 1);
	CHECK_EQ(times_said, 1);
	CHECK(strstr(said, "socket notices: "));
	space_drain_notices(&s, &fns, NULL);
	CHECK_EQ(lost, 1);
	CHECK_EQ(times_said, 1);
}

TEST(closed_by_another_thread)
{
	struct closer closer = { .has_thread = false };
	int line[2];

	CHECK(!closer_is_busy(&closer));
	for (int i = 0; i < 20; i++) {
		struct space *s = calloc(1, sizeof(*s));
		char c;

		CHECK(s);
		CHECK_EQ(pipe(line), 0);
		s->diag = (struct diag){ .is_open = true, .fd = line[1], .notices = -1 };
		while (closer_is_busy(&closer))
			usleep(100);
		closer_take(&closer, s);
		/* The other end is gone when it is closed. */
		CHECK_EQ(read(line[0], &c, 1), 0);
		close(line[0]);
	}
	closer_finish(&closer);
	CHECK(!closer_is_busy(&closer));
	closer_finish(&closer);
}

TEST(each_is_counted_once_and_each_error_told_once)
{
	static struct refusals r;

	r = (struct refusals){ .log = &listener };
	times_said = 0;
	CHECK_EQ(refusals_add(&r, 1, -EMFILE), -EMFILE);
	CHECK_EQ(times_said, 1);
	CHECK(!strcmp(said, "network namespace 1: Too many open files (needs a higher limit: "
		      "`ulimit -n`, or LimitNOFILE= of systemd): not all that its processes send "
		      "and receive is known"));
	CHECK_EQ(refusals_add(&r, 1, -EMFILE), -EMFILE);
	CHECK_EQ(refusals_add(&r, 2, -EMFILE), -EMFILE);
	CHECK_EQ(refusals_tell(&r, 3, -EMFILE), -EMFILE);
	CHECK_EQ(r.n, 2);
	CHECK_EQ(times_said, 1);
	CHECK_EQ(refusals_tell(&r, 3, -EPERM), -EPERM);
	CHECK_EQ(times_said, 2);
	CHECK(strstr(said, "network namespace 3: "));
	CHECK(strstr(said, "(needs CAP_SYS_ADMIN)"));
	for (uint32_t i = 0; i < 1000; i++)
		(void)refusals_add(&r, 100 + i, -ENOSPC);
	CHECK_EQ(r.n, 1002);
	CHECK_EQ(times_said, 3);
}

TEST_MAIN()
