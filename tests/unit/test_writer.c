/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "sink/writer.h"

#define MS UINT64_C(1000000)

/* What the reading end has got: lines "<number>\n", which must be whole and in order. */
struct reader {
	int fd;
	unsigned int pause_us;	/* between two reads */
	char part[32];
	size_t part_len;
	uint64_t lines, last;
	bool bad;
};

static void take(struct reader *r, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] != '\n') {
			if (r->part_len < sizeof(r->part) - 1)
				r->part[r->part_len++] = s[i];
			continue;
		}
		r->part[r->part_len] = '\0';
		r->bad |= r->part_len != 10 || strtoull(r->part, NULL, 10) <= r->last;
		r->last = strtoull(r->part, NULL, 10);
		r->part_len = 0;
		r->lines++;
	}
}

static void *read_all(void *data)
{
	struct reader *r = data;
	char buf[3000];
	ssize_t n;

	while ((n = read(r->fd, buf, sizeof(buf))) > 0) {
		take(r, buf, (size_t)n);
		if (r->pause_us)
			usleep(r->pause_us);
	}
	return NULL;
}

static int put(struct writer *w, uint64_t number)
{
	char line[16];

	snprintf(line, sizeof(line), "%010llu\n", (unsigned long long)number);
	return writer_line(w, line, 11);
}

static void make_pipe(int fds[2], int size)
{
	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	if (size)
		CHECK(fcntl(fds[1], F_SETPIPE_SZ, size) > 0);
}

static struct writer *new_writer(int fd, size_t limit)
{
	struct writer *w = NULL;

	CHECK_EQ(writer_new(&w, fd, false, limit), 0);
	return w;
}

/* The producer waits for room, so everything must arrive, through many turns of the ring. */
static void check_transport(int write_fd, int read_fd, size_t limit)
{
	struct reader r = { .fd = read_fd };
	struct writer *w = new_writer(write_fd, limit);
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, read_all, &r), 0);
	for (uint64_t i = 1; i <= 50000; i++) {
		while (!writer_has_room(w, 11)) {
			struct pollfd fd = { .fd = writer_get_fd(w), .events = POLLIN };

			CHECK_EQ(poll(&fd, 1, 10000), 1);
		}
		CHECK_EQ(put(w, i), 0);
		if (i % 7 == 0)
			writer_flush(w);
	}
	writer_finish(w, 5000 * MS);
	CHECK_EQ(writer_error(w), 0);
	CHECK_EQ(writer_dropped(w), 0);
	writer_free(w);
	close(write_fd);
	pthread_join(thread, NULL);
	CHECK_EQ(r.lines, 50000);
	CHECK(!r.bad);
	close(read_fd);
}

TEST(pipe_gets_everything)
{
	int fds[2];

	make_pipe(fds, 0);
	check_transport(fds[1], fds[0], 4096);
	make_pipe(fds, 4096);
	check_transport(fds[1], fds[0], 1 << 20);
}

TEST(nonblocking_pipe_gets_everything)
{
	int fds[2];

	make_pipe(fds, 4096);
	CHECK_EQ(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
	check_transport(fds[1], fds[0], 65536);
}

TEST(socket_gets_everything)
{
	int fds[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	check_transport(fds[1], fds[0], 65536);
}

TEST(our_flags_do_not_reach_the_shared_pipe)
{
	struct writer *w;
	int fds[2];

	make_pipe(fds, 0);
	w = new_writer(fds[1], 4096);
	put(w, 1);
	writer_finish(w, 1000 * MS);
	CHECK(!(fcntl(fds[1], F_GETFL) & O_NONBLOCK));
	writer_free(w);
	close(fds[0]);
	close(fds[1]);
}

TEST(stalled_reader_costs_whole_lines_that_are_counted)
{
	struct reader r = { 0 };
	uint64_t refused = 0, told;
	struct writer *w;
	int fds[2];
	pthread_t thread;

	make_pipe(fds, 4096);
	r.fd = fds[0];
	w = new_writer(fds[1], 32768);
	for (uint64_t i = 1; i <= 20000; i++)
		if (put(w, i) == -ENOBUFS)
			refused++;
	CHECK(refused > 15000);
	CHECK_EQ(writer_dropped(w), refused);
	CHECK_EQ(writer_resume(w), 0);	/* no room yet */
	CHECK_EQ(put(w, 20001), -ENOBUFS);
	refused++;

	CHECK_EQ(pthread_create(&thread, NULL, read_all, &r), 0);
	struct pollfd fd = { .fd = writer_get_fd(w), .events = POLLIN };
	CHECK_EQ(poll(&fd, 1, 10000), 1);
	told = writer_resume(w);
	CHECK_EQ(told, refused);
	CHECK_EQ(writer_resume(w), 0);
	CHECK_EQ(poll(&fd, 1, 0), 0);	/* what it told is taken */
	CHECK_EQ(put(w, 20002), 0);
	writer_finish(w, 5000 * MS);
	writer_free(w);
	close(fds[1]);
	pthread_join(thread, NULL);
	CHECK(!r.bad);
	CHECK_EQ(r.last, 20002);
	CHECK_EQ(r.lines + refused, 20002);
	close(fds[0]);
}

/* How much is missing must not go missing: the queue may be full again when it is told. */
TEST(report_of_a_loss_has_room)
{
	static const char line[] = "lost 7\n";
	char buf[65536];
	struct writer *w;
	ssize_t n;
	int fds[2], found = 0;
	size_t len = 0;

	make_pipe(fds, 4096);
	w = new_writer(fds[1], 4096);
	for (uint64_t i = 1; i <= 20000; i++)
		put(w, i);
	CHECK_EQ(put(w, 20001), -ENOBUFS);
	CHECK_EQ(writer_report(w, line, sizeof(line) - 1), 0);
	CHECK_EQ(put(w, 20002), -ENOBUFS);
	for (int i = 0; i < 3000; i++)
		found += writer_report(w, line, sizeof(line) - 1) == 0;
	CHECK(found > 100 && found < 3000);	/* bounded all the same */
	CHECK_EQ(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	for (int quiet = 0; quiet < 20 && len < sizeof(buf); quiet++) {
		struct pollfd fd = { .fd = fds[0], .events = POLLIN };

		if (poll(&fd, 1, 50) == 1) {
			n = read(fds[0], buf + len, sizeof(buf) - len);
			CHECK(n > 0);
			len += (size_t)n;
			quiet = 0;
		}
	}
	CHECK(memmem(buf, len, line, sizeof(line) - 1));
	writer_free(w);
	close(fds[0]);
	close(fds[1]);
}

TEST(slow_reader_is_waited_for_at_the_end)
{
	struct reader r = { .pause_us = 20000 };
	struct writer *w;
	int fds[2];
	pthread_t thread;

	make_pipe(fds, 4096);
	r.fd = fds[0];
	w = new_writer(fds[1], 1 << 20);
	for (uint64_t i = 1; i <= 5000; i++)
		CHECK_EQ(put(w, i), 0);
	CHECK_EQ(pthread_create(&thread, NULL, read_all, &r), 0);
	writer_finish(w, 200 * MS);	/* less than all of it takes */
	CHECK_EQ(writer_dropped(w), 0);
	writer_free(w);
	close(fds[1]);
	pthread_join(thread, NULL);
	CHECK_EQ(r.lines, 5000);
	CHECK(!r.bad);
	close(fds[0]);
}

TEST(dead_reader_is_given_up_at_the_end)
{
	struct reader r = { 0 };
	struct writer *w;
	int fds[2];

	make_pipe(fds, 4096);
	r.fd = fds[0];
	w = new_writer(fds[1], 1 << 20);
	for (uint64_t i = 1; i <= 5000; i++)
		CHECK_EQ(put(w, i), 0);
	writer_finish(w, 50 * MS);
	CHECK_EQ(writer_error(w), 0);
	writer_free(w);
	close(fds[1]);
	read_all(&r);
	CHECK(!r.bad);
	CHECK(r.lines > 0);
	close(fds[0]);
}

TEST(what_is_given_up_is_counted_and_the_writer_goes_on)
{
	struct reader r = { 0 };
	struct writer *w;
	int fds[2];
	pthread_t thread;
	uint64_t dropped;

	make_pipe(fds, 4096);
	r.fd = fds[0];
	w = new_writer(fds[1], 1 << 20);
	for (uint64_t i = 1; i <= 5000; i++)
		CHECK_EQ(put(w, i), 0);
	writer_finish(w, 50 * MS);
	dropped = writer_dropped(w);
	/* 4096 bytes are in the pipe: 372 whole lines. */
	CHECK_EQ(dropped, 5000 - 372);
	CHECK_EQ(pthread_create(&thread, NULL, read_all, &r), 0);
	CHECK_EQ(writer_resume(w), dropped);
	CHECK_EQ(put(w, 6000), 0);	/* ends the cut line first */
	writer_finish(w, 1000 * MS);
	writer_free(w);
	close(fds[1]);
	pthread_join(thread, NULL);
	CHECK_EQ(r.lines, 372 + 2);
	CHECK_EQ(r.last, 6000);
	close(fds[0]);
}

static void check_error(int fd, int error)
{
	struct writer *w = new_writer(fd, 4096);
	struct pollfd wake = { .fd = writer_get_fd(w), .events = POLLIN };

	CHECK_EQ(put(w, 1), 0);
	writer_flush(w);
	CHECK_EQ(poll(&wake, 1, 10000), 1);
	CHECK_EQ(writer_error(w), error);
	CHECK_EQ(put(w, 2), error);
	CHECK(writer_has_room(w, 4096));	/* nobody should wait for it */
	writer_finish(w, 60000 * MS);
	writer_free(w);
}

TEST(errors_are_told)
{
	int fds[2], fd;

	signal(SIGPIPE, SIG_DFL);	/* the writer must not need it ignored */
	make_pipe(fds, 0);
	close(fds[0]);
	check_error(fds[1], -EPIPE);
	close(fds[1]);
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	close(fds[0]);
	check_error(fds[1], -EPIPE);
	close(fds[1]);
	fd = open("/dev/full", O_WRONLY);
	check_error(fd, -ENOSPC);
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	check_error(fd, -EBADF);
	close(fd);
}

static void check_file(const char *path, const char *want)
{
	char have[64] = "";
	FILE *f = fopen(path, "r");

	CHECK(f != NULL);
	CHECK_EQ(fread(have, 1, sizeof(have) - 1, f), strlen(want));
	fclose(f);
	CHECK(!strcmp(have, want));
}

TEST(reopen_splits_the_stream)
{
	char dir[] = "/tmp/test_writer.XXXXXX", path[64], moved[64];
	struct writer *w = NULL;
	struct stat st;
	int fd;

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(moved, sizeof(moved), "%s/log.1", dir);
	fd = writer_open(path);
	CHECK(fd >= 0);
	CHECK_EQ(fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	CHECK_EQ(writer_new(&w, fd, true, 4096), 0);
	put(w, 1);
	CHECK_EQ(rename(path, moved), 0);
	CHECK_EQ(writer_reopen(w, path), 0);
	put(w, 2);
	writer_flush(w);
	CHECK_EQ(writer_reopen(w, "/nonexistent/log"), -ENOENT);
	put(w, 3);
	writer_finish(w, 1000 * MS);
	check_file(moved, "0000000001\n");
	check_file(path, "0000000002\n0000000003\n");
	writer_free(w);

	/* Appends to what is there. */
	fd = writer_open(path);
	CHECK_EQ(writer_new(&w, fd, true, 4096), 0);
	put(w, 4);
	writer_finish(w, 1000 * MS);
	writer_free(w);
	check_file(path, "0000000002\n0000000003\n0000000004\n");
	unlink(path);
	unlink(moved);
	rmdir(dir);
}

TEST(a_line_that_can_never_fit_is_dropped)
{
	struct writer *w;
	char line[5000];
	int fds[2];

	make_pipe(fds, 0);
	w = new_writer(fds[1], 4096);
	memset(line, 'x', sizeof(line));
	line[4999] = '\n';
	CHECK_EQ(writer_line(w, line, sizeof(line)), -ENOBUFS);
	CHECK_EQ(writer_resume(w), 1);
	CHECK_EQ(put(w, 1), 0);
	writer_free(w);
	writer_free(NULL);
	close(fds[0]);
	close(fds[1]);
}

TEST_MAIN()
