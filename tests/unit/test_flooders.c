/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/flooders.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"
#include "util/macro.h"

static struct flooders f;
static int32_t gone;		/* a process or thread that has ended */
static char filter[FLOODERS_FILTER];

static bool has_ended(int32_t tgid, int32_t tid)
{
	return tgid == gone || tid == gone;
}

static void begin(void)
{
	flooders_init(&f, has_ended);
	gone = 0;
}

static void count(int32_t tgid, int32_t tid, unsigned int n)
{
	while (n--)
		flooders_count(&f, tgid, tid);
}

static bool is_off(int32_t tgid)
{
	const struct flooder *k = flooders_find(&f, tgid);

	return k && k->is_off;
}

static void check_filter(const char *want)
{
	flooders_filter(&f, filter);
	CHECK(!strcmp(filter, want));
}

TEST(the_biggest_alone)
{
	begin();
	for (int32_t i = 0; i < 300; i++)
		count(1000 + i, 1000 + i, 4);
	count(7, 8, 9000);
	CHECK(flooders_exclude(&f, 10200, 2500, 1));
	check_filter(" && common_pid!=8");
	CHECK(is_off(7));
	CHECK_EQ(f.n_known, 1);
}

/* The rest of a process goes with its biggest thread, and the next one only when it must. */
TEST(process_by_process)
{
	begin();
	count(20, 21, 2000);
	count(10, 11, 1500);
	count(10, 12, 1500);
	count(10, 13, 1);
	count(30, 30, 1000);
	CHECK(flooders_exclude(&f, 6001, 2500, 1));
	CHECK_EQ(f.n_threads, 4);
	CHECK(is_off(10) && is_off(20) && !is_off(30));
	begin();
	count(20, 21, 1000);
	count(10, 11, 1600);
	count(10, 12, 1);
	CHECK(flooders_exclude(&f, 2601, 2500, 1));
	check_filter(" && common_pid!=11 && common_pid!=12");
}

TEST(no_flooders_among_many)
{
	begin();
	for (int32_t i = 1; i <= 300; i++)
		count(i, i, 20);
	CHECK(!flooders_exclude(&f, 6000, 2500, 1));
	CHECK_EQ(f.n_threads + f.n_known, 0);
	flooders_count_anew(&f);
	for (int32_t i = 1; i <= 20; i++)
		count(i, i, 1000);
	CHECK(!flooders_exclude(&f, 20000, 2500, 1));
	check_filter("");
}

/* More than is allowed although the filter names it: no filter helps. */
TEST(who_speaks_all_the_same)
{
	begin();
	count(7, 8, 9000);
	CHECK(flooders_exclude(&f, 9000, 2500, 1));
	CHECK(!flooders_exclude(&f, 9000, 2500, 2));
	CHECK_EQ(f.n_threads, 1);
	CHECK(is_off(7));
}

TEST(a_new_thread_joins_the_others)
{
	begin();
	count(7, 8, 9000);
	CHECK(flooders_exclude(&f, 9000, 2500, 1));
	flooders_count_anew(&f);
	count(7, 9, 9000);
	CHECK(flooders_exclude(&f, 9000, 2500, 2));
	check_filter(" && common_pid!=8 && common_pid!=9");
	CHECK_EQ(f.n_known, 1);
	CHECK_EQ(flooders_find(&f, 7)->wait_ns, FLOODERS_WAIT_NS);
}

/* Who has the same slot is in the other's way, but not for ever. */
TEST(slots_are_dealt_anew)
{
	unsigned int seen[41] = { 0 }, hidden = 0;

	begin();
	for (int i = 0; i < 100; i++) {
		for (int32_t n = 1; n <= 40; n++)
			count(n, n * n * 7919 % 32749, 100);
		for (size_t at = 0; at < FLOODERS_SEEN; at++)
			seen[f.seen[at].tgid] += f.seen[at].count == 100;
		flooders_count_anew(&f);
	}
	for (int32_t n = 1; n <= 40; n++) {
		CHECK(seen[n] > 50);
		hidden += seen[n] < 100;
	}
	CHECK(hidden > 0);
	count(0, 0, 9000);
	count(-1, -1, 9000);
	CHECK(!flooders_exclude(&f, 18000, 2500, 1));
}

/* Each time for longer; who keeps quiet as long as it was off is forgotten. */
TEST(tried_again_later_and_later)
{
	uint64_t now = 1, wait = FLOODERS_WAIT_NS;

	begin();
	for (int i = 0; i < 8; i++) {
		flooders_count_anew(&f);
		count(7, 8, 9000);
		CHECK(flooders_exclude(&f, 9000, 2500, now));
		CHECK(is_off(7));
		CHECK(!flooders_review(&f, now + wait - 1));
		now += wait;
		CHECK(flooders_review(&f, now));
		CHECK(!is_off(7));
		check_filter("");
		now += wait - 1;
		CHECK(!flooders_review(&f, now));
		CHECK_EQ(f.n_known, 1);
		wait = MIN(2 * wait, FLOODERS_WAIT_MAX_NS);
	}
	CHECK_EQ(wait, FLOODERS_WAIT_MAX_NS);
	flooders_find(&f, 7)->was_told = true;
	(void)flooders_review(&f, now + 1);
	CHECK_EQ(f.n_known, 1);
	flooders_find(&f, 7)->was_told = false;
	(void)flooders_review(&f, now + 1);
	CHECK_EQ(f.n_known, 0);
}

TEST(ended_ones_leave_the_filter)
{
	begin();
	count(7, 8, 5000);
	count(7, 9, 4000);
	count(5, 5, 4000);
	CHECK(flooders_exclude(&f, 13000, 2500, 1));
	CHECK_EQ(f.n_threads, 3);
	CHECK(!flooders_review(&f, 2));
	gone = 8;
	CHECK(flooders_review(&f, 3));
	CHECK_EQ(f.n_threads, 2);
	CHECK(is_off(7) && is_off(5));
	gone = 7;
	CHECK(flooders_review(&f, 4));
	CHECK(!is_off(7) && is_off(5));
	check_filter(" && common_pid!=5");
}

/* The names of those that were off give way to new ones, never those that are off. */
TEST(there_is_always_room)
{
	begin();
	for (int32_t i = 0; i < 3 * FLOODERS_KNOWN; i++) {
		flooders_count_anew(&f);
		count(4000000 + i, 4000000 + i, 9000);
		CHECK(flooders_exclude(&f, 9000, 2500, (uint64_t)i + 1));
		CHECK(is_off(4000000 + i));
		if (i < FLOODERS_THREADS - 1)
			continue;
		gone = 4000000 + i - (FLOODERS_THREADS - 1);
		CHECK(flooders_review(&f, (uint64_t)i + 1));
	}
	CHECK_EQ(f.n_threads, FLOODERS_THREADS - 1);
	CHECK_EQ(f.n_known, FLOODERS_KNOWN);
	flooders_filter(&f, filter);
	CHECK_EQ(strlen(filter), f.n_threads * strlen(" && common_pid!=4000000"));
}

static void *wait_in_thread(void *line)
{
	char c;

	return read(*(int *)line, &c, 1) == 0 ? NULL : line;
}

TEST(asks_the_kernel_who_has_ended)
{
	int32_t pid = getpid();
	pthread_t thread;
	int line[2];
	pid_t child;

	flooders_init(&f, NULL);
	CHECK_EQ(pipe(line), 0);
	child = fork();
	if (child == 0)
		_exit(close(line[1]) || read(line[0], filter, 1));
	CHECK_EQ(pthread_create(&thread, NULL, wait_in_thread, &line[0]), 0);
	count(pid, pid, 5000);
	count(child, child, 5000);
	CHECK(flooders_exclude(&f, 10000, 2500, 1));
	CHECK(!flooders_review(&f, 2));
	close(line[1]);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(flooders_review(&f, 3));
	CHECK(is_off(pid) && !is_off(child));
}

TEST_MAIN()
