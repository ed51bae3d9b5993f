/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "test.h"
#include "wire/proc.h"

#define FIELDS " 1 42 43 0 -1 4194304 100 7777 8 9999 5555 6666 30 4 20 0 1 0 408442 3133440\n"
#define STAT "42 (a) b) S" FIELDS
#define ZOMBIE "42 (a) Z" FIELDS
#define SCHEDSTAT "1000000 2000 30\n"
#define IO "rchar: 10\nwchar: 20\nsyscr: 1\nsyscw: 2\nread_bytes: 30\nwrite_bytes: 40\n" \
	"cancelled_write_bytes: 50\n"
#define STATUS "Name:\ta\nnonsense:\t1\nvoluntary_ctxt_switches:\t60\n" \
	"nonvoluntary_ctxt_switches:\t70\nx86_Thread_features:\t\n"

/* Texts in memory of that very size: a sanitizer sees what is read past them. NULL: not read. */
static void add(struct proc_tasks *t, const char *stat, const char *schedstat, const char *io,
		const char *status)
{
	const char *text[4] = { stat, schedstat, io, status };
	char *copy[4] = { NULL };
	int32_t len[4];

	for (int i = 0; i < 4; i++) {
		len[i] = text[i] ? (int32_t)strlen(text[i]) : -ENOENT;
		if (text[i]) {
			copy[i] = calloc(1, strlen(text[i]) + !*text[i]);
			memcpy(copy[i], text[i], strlen(text[i]));
		}
	}
	proc_tasks_add(t, copy[0], len[0], copy[1], len[1], copy[2], len[2], copy[3], len[3]);
	for (int i = 0; i < 4; i++)
		free(copy[i]);
}

TEST(one_thread)
{
	struct proc_tasks t = { 0 };

	add(&t, STAT, SCHEDSTAT, IO, STATUS);
	CHECK_EQ(t.threads, 1);
	CHECK(t.has_schedstat && t.has_io && t.has_switches);
	CHECK_EQ(t.user_ticks, 5555);
	CHECK_EQ(t.system_ticks, 6666);
	CHECK_EQ(t.minor_faults, 100);
	CHECK_EQ(t.major_faults, 8);
	CHECK_EQ(t.run_ns, 1000000);
	CHECK_EQ(t.run_queue_ns, 2000);
	CHECK_EQ(t.run_queue_waits, 30);
	CHECK_EQ(t.read_chars, 10);
	CHECK_EQ(t.write_chars, 20);
	CHECK_EQ(t.read_bytes, 30);
	CHECK_EQ(t.write_bytes, 40);
	CHECK_EQ(t.cancelled_write_bytes, 50);
	CHECK_EQ(t.voluntary_switches, 60);
	CHECK_EQ(t.involuntary_switches, 70);
}

TEST(threads_are_summed)
{
	struct proc_tasks t = { 0 };

	for (int i = 0; i < 3; i++)
		add(&t, STAT, SCHEDSTAT, IO, STATUS);
	CHECK_EQ(t.threads, 3);
	CHECK_EQ(t.user_ticks, 3 * 5555);
	CHECK_EQ(t.run_queue_waits, 90);
	CHECK_EQ(t.cancelled_write_bytes, 150);
	CHECK_EQ(t.involuntary_switches, 210);
}

TEST(a_group_is_of_all_threads_or_not_known)
{
	struct proc_tasks t = { 0 };

	add(&t, STAT, SCHEDSTAT, IO, NULL);
	add(&t, STAT, NULL, IO, STATUS);
	add(&t, STAT, SCHEDSTAT, IO, STATUS);
	CHECK_EQ(t.threads, 3);
	CHECK(!t.has_schedstat && !t.has_switches);
	CHECK(t.has_io);
	CHECK_EQ(t.read_bytes, 90);
}

TEST(a_thread_without_stat_is_none)
{
	struct proc_tasks t = { 0 };

	add(&t, NULL, SCHEDSTAT, IO, STATUS);
	add(&t, "", NULL, NULL, NULL);
	add(&t, "42 (a", NULL, NULL, NULL);
	add(&t, "42 (a) S 1 42 43 0 -1 4194304 100 7777 8 9999 5555", NULL, NULL, NULL);
	CHECK_EQ(t.threads, 0);
	CHECK(!t.has_schedstat && !t.has_io && !t.has_switches);
	add(&t, STAT, SCHEDSTAT, IO, STATUS);
	add(&t, NULL, NULL, NULL, NULL);
	CHECK_EQ(t.threads, 1);
	CHECK(t.has_schedstat && t.has_io && t.has_switches);
}

/* Its exit record has told what it used. */
TEST(an_ended_thread_is_none)
{
	struct proc_tasks t = { 0 };

	add(&t, ZOMBIE, SCHEDSTAT, IO, STATUS);
	CHECK_EQ(t.threads, 0);
	CHECK_EQ(t.user_ticks, 0);
}

TEST(texts_that_are_not_what_they_should_be)
{
	struct proc_tasks t = { 0 };

	add(&t, STAT, "1 2\n", "rchar: 1\nwchar: 2\n", "voluntary_ctxt_switches:\t60\n");
	CHECK_EQ(t.threads, 1);
	CHECK(!t.has_schedstat && !t.has_io && !t.has_switches);
	t = (struct proc_tasks){ 0 };
	add(&t, STAT, "", "", "");
	CHECK_EQ(t.threads, 1);
	CHECK(!t.has_schedstat && !t.has_io && !t.has_switches);
}

/* --- as text --- */

static int decode(const char *text, struct proc_tasks *ret)
{
	size_t len = strlen(text);
	char *copy = calloc(1, len + !len);
	int error;

	memcpy(copy, text, len);
	error = proc_tasks_decode(copy, len, ret);
	free(copy);
	return error;
}

static void check_there_and_back(const struct proc_tasks *t)
{
	char text[PROC_TASKS_TEXT_MAX + 1], again[PROC_TASKS_TEXT_MAX];
	struct proc_tasks back;
	size_t len = proc_tasks_put(t, text);

	CHECK(len < PROC_TASKS_TEXT_MAX);
	text[len] = '\0';
	CHECK_EQ(decode(text, &back), 0);
	CHECK_EQ(back.threads, t->threads);
	CHECK_EQ(back.has_schedstat, t->has_schedstat);
	CHECK_EQ(back.has_io, t->has_io);
	CHECK_EQ(back.has_switches, t->has_switches);
	CHECK(back.user_ticks == t->user_ticks && back.major_faults == t->major_faults);
	CHECK_EQ(proc_tasks_put(&back, again), len);
	CHECK(!memcmp(text, again, len));
}

TEST(text)
{
	struct proc_tasks t = { 0 };
	char text[PROC_TASKS_TEXT_MAX];
	size_t len;

	add(&t, STAT, SCHEDSTAT, IO, STATUS);
	len = proc_tasks_put(&t, text);
	CHECK_STR(text, len, "threads 1\nstat 5555 6666 100 8\nschedstat 1000000 2000 30\n"
		  "io 10 20 30 40 50\nstatus 60 70\n");
	check_there_and_back(&t);
	t.has_io = false;
	len = proc_tasks_put(&t, text);
	CHECK_STR(text, len, "threads 1\nstat 5555 6666 100 8\nschedstat 1000000 2000 30\n"
		  "status 60 70\n");
	check_there_and_back(&t);
}

TEST(text_of_the_largest_numbers_fits)
{
	struct proc_tasks t;

	memset(&t, 0xff, sizeof(t));
	t.has_schedstat = t.has_io = t.has_switches = true;
	check_there_and_back(&t);
	t.has_schedstat = t.has_io = t.has_switches = false;
	check_there_and_back(&t);
}

TEST(text_absent_is_not_zero)
{
	struct proc_tasks t = { .threads = 99 };

	CHECK_EQ(decode("threads 2\nstat 1 2 3 4\nio 5 6 7 8 9\nnew 1\n", &t), 0);
	CHECK_EQ(t.threads, 2);
	CHECK(t.has_io && !t.has_schedstat && !t.has_switches);
	CHECK_EQ(t.minor_faults, 3);
	CHECK_EQ(t.cancelled_write_bytes, 9);
}

TEST(text_of_another_format)
{
	struct proc_tasks t = { .threads = 99 };

	CHECK_EQ(decode("", &t), -EBADMSG);
	CHECK_EQ(decode("threads 2\n", &t), -EBADMSG);
	CHECK_EQ(decode("stat 1 2 3 4\n", &t), -EBADMSG);
	CHECK_EQ(decode("threads x\nstat 1 2 3 4\n", &t), -EBADMSG);
	CHECK_EQ(decode("threads 2\nstat 1 2 3\n", &t), -EBADMSG);
	CHECK_EQ(decode("threads 2\nstat 1 2 3 4\nio 1 2\n", &t), -EBADMSG);
	CHECK_EQ(t.threads, 99);
}

/* --- open descriptors --- */

TEST(descriptors)
{
	static const char bytes[] = "c 0 /dev/null\0s 3 socket:[4711]\0? 2147483647 a b\n\0r 9 ";
	const char *text = bytes;
	size_t len = sizeof(bytes);
	struct proc_fd fd;

	CHECK_EQ(proc_fd_next(&text, &len, &fd), 1);
	CHECK_EQ(fd.fd, 0);
	CHECK_EQ(fd.type, 'c');
	CHECK_STR(fd.target, strlen(fd.target), "/dev/null");
	CHECK_EQ(proc_fd_next(&text, &len, &fd), 1);
	CHECK_EQ(fd.fd, 3);
	CHECK_STR(fd.target, strlen(fd.target), "socket:[4711]");
	CHECK_EQ(proc_fd_next(&text, &len, &fd), 1);
	CHECK_EQ(fd.fd, INT32_MAX);
	CHECK_EQ(fd.type, '?');
	CHECK_STR(fd.target, strlen(fd.target), "a b\n");
	CHECK_EQ(proc_fd_next(&text, &len, &fd), 1);
	CHECK_EQ(fd.fd, 9);
	CHECK_EQ(fd.target[0], '\0');
	CHECK_EQ(len, 0);
	CHECK_EQ(proc_fd_next(&text, &len, &fd), 0);
	CHECK_EQ(fd.fd, 9);
}

static int next_of(const char *bytes, size_t len)
{
	char *copy = calloc(1, len + !len);
	const char *text = copy;
	size_t left = len;
	struct proc_fd fd = { .fd = 99 };
	int r;

	memcpy(copy, bytes, len);
	r = proc_fd_next(&text, &left, &fd);
	if (r == 0)
		CHECK(text == copy && left == len && fd.fd == 99);
	free(copy);
	return r;
}

#define NEXT(literal) next_of("" literal, sizeof(literal))

TEST(descriptors_of_another_format)
{
	CHECK_EQ(NEXT("r 1 x"), 1);
	CHECK_EQ(next_of("r 1 x", 5), 0);	/* without its NUL */
	CHECK_EQ(NEXT(""), 0);
	CHECK_EQ(NEXT("r"), 0);
	CHECK_EQ(NEXT("r "), 0);
	CHECK_EQ(NEXT("r 1"), 0);
	CHECK_EQ(NEXT("r x y"), 0);
	CHECK_EQ(NEXT("r1 x"), 0);
	CHECK_EQ(NEXT("x 1 x"), 0);
	CHECK_EQ(NEXT("r -1 x"), 0);
	CHECK_EQ(NEXT("r 2147483648 x"), 0);
	CHECK_EQ(NEXT("r 99999999999999999999999 x"), 0);
}

TEST_MAIN()
