/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "facts.h"
#include "test.h"

/* In memory of that very size: a sanitizer sees what is read past it. */
static int decode(const void *buf, size_t len, struct cn_event *ret)
{
	uint8_t *copy = malloc(len ? len : 1);
	int error;

	memcpy(copy, buf, len);
	error = cn_decode(copy, len, ret);
	free(copy);
	return error;
}

static const struct cn_event envelope = {
	.cpu = 5, .seq = 0x80000001, .ack = 77, .time_ns = UINT64_C(0x123456789abcdef0),
};

/* A message of that kind with these words as its body, decoded. */
static struct cn_event decode_words(uint32_t what, const uint32_t *words, size_t n_words)
{
	struct cn_event ev = envelope, got;
	uint8_t buf[256];
	size_t len;

	ev.what = what;
	len = put_envelope(buf, &ev, n_words * 4);
	for (size_t i = 0; i < n_words; i++)
		store_u32(buf + 52 + i * 4, words[i]);
	CHECK_EQ(decode(buf, len, &got), 0);
	CHECK_EQ(got.what, what);
	CHECK_EQ(got.cpu, 5);
	CHECK_EQ(got.seq, 0x80000001);
	CHECK_EQ(got.ack, 77);
	CHECK_EQ(got.time_ns, UINT64_C(0x123456789abcdef0));
	return got;
}

#define DECODE(what, ...) \
	decode_words((uint32_t)(what), (const uint32_t[]){ __VA_ARGS__ }, \
		     sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

TEST(acknowledgement)
{
	struct cn_event ev = DECODE(CN_NONE, 1, 0, 0, 0, 0, 0);

	CHECK_EQ(ev.u.error, 1);
	CHECK_EQ(ev.tid, 0);
	CHECK_EQ(ev.tgid, 0);
}

TEST(fork)
{
	struct cn_event ev = DECODE(CN_FORK, 11, 10, 13, 12, 0, 0);

	CHECK_EQ(ev.u.fork.parent_tid, 11);
	CHECK_EQ(ev.u.fork.parent_tgid, 10);
	CHECK_EQ(ev.tid, 13);
	CHECK_EQ(ev.tgid, 12);
}

TEST(exec_sid_coredump)
{
	static const uint32_t kinds[] = { CN_EXEC, CN_SID, CN_COREDUMP };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct cn_event ev = DECODE(kinds[i], 101, 100, 1, 1, 0, 0);

		CHECK_EQ(ev.tid, 101);
		CHECK_EQ(ev.tgid, 100);
	}
}

TEST(ids)
{
	struct cn_event ev = DECODE(CN_UID, 101, 100, 1000, 0, 0, 0);

	CHECK_EQ(ev.tid, 101);
	CHECK_EQ(ev.tgid, 100);
	CHECK_EQ(ev.u.ids.real, 1000);
	CHECK_EQ(ev.u.ids.effective, 0);
	ev = DECODE(CN_GID, 101, 100, 0, UINT32_MAX, 0, 0);
	CHECK_EQ(ev.u.ids.real, 0);
	CHECK_EQ(ev.u.ids.effective, UINT32_MAX);
}

TEST(ptrace)
{
	struct cn_event ev = DECODE(CN_PTRACE, 101, 100, 201, 200, 0, 0);

	CHECK_EQ(ev.tid, 101);
	CHECK_EQ(ev.tgid, 100);
	CHECK_EQ(ev.u.ptrace.tracer_tid, 201);
	CHECK_EQ(ev.u.ptrace.tracer_tgid, 200);
	ev = DECODE(CN_PTRACE, 101, 100, 0, 0, 0, 0);
	CHECK_EQ(ev.u.ptrace.tracer_tgid, 0);
}

TEST(comm)
{
	struct cn_event ev = envelope, got;
	uint8_t buf[CN_MESSAGE_SIZE];

	ev.what = CN_COMM;
	ev.tid = 101;
	ev.tgid = 100;
	/* The kernel ends it with a NUL; wire does not rely on that. */
	memcpy(ev.u.comm, "sixteen bytes!!!", 16);
	CHECK_EQ(put_message(buf, &ev), CN_MESSAGE_SIZE);
	CHECK_EQ(decode(buf, sizeof(buf), &got), 0);
	CHECK_EQ(got.tid, 101);
	CHECK_STR(got.u.comm, sizeof(got.u.comm), "sixteen bytes!!!");
}

TEST(exit)
{
	struct cn_event ev = DECODE(CN_EXIT, 101, 100, 3 << 8, UINT32_MAX, 1, 1);

	CHECK_EQ(ev.tid, 101);
	CHECK_EQ(ev.tgid, 100);
	CHECK_EQ(ev.u.exit.status, 3 << 8);
	CHECK_EQ(ev.u.exit.signal, UINT32_MAX);
}

TEST(kind_of_kernels_to_come)
{
	struct cn_event ev = DECODE(0x00000800, 101, 100, 1, 2, 3, 4);

	CHECK_EQ(ev.tid, 101);
	CHECK_EQ(ev.tgid, 100);
}

/* Before 4.18 an exit ends after its signal; before 3.2 the union had no comm. */
TEST(short_body_reads_as_zero)
{
	struct cn_event ev = DECODE(CN_EXIT, 101, 100, 3 << 8, 17);

	CHECK_EQ(ev.u.exit.status, 3 << 8);
	CHECK_EQ(ev.u.exit.signal, 17);
	ev = DECODE(CN_EXIT, 101, 100, 3 << 8);
	CHECK_EQ(ev.u.exit.signal, 0);
	ev = DECODE(CN_PTRACE, 101, 100);
	CHECK_EQ(ev.u.ptrace.tracer_tgid, 0);
	ev = DECODE(CN_FORK, 11, 10, 13);
	CHECK_EQ(ev.tid, 13);
	CHECK_EQ(ev.tgid, 0);
	ev = decode_words(CN_EXEC, NULL, 0);
	CHECK_EQ(ev.tid, 0);
	CHECK_EQ(ev.tgid, 0);
}

TEST(long_body_of_a_newer_kernel)
{
	struct cn_event ev = DECODE(CN_EXIT, 101, 100, 9, 17, 1, 1, 0xdead, 0xbeef, 1, 2, 3);

	CHECK_EQ(ev.tid, 101);
	CHECK_EQ(ev.u.exit.status, 9);
	CHECK_EQ(ev.u.exit.signal, 17);
}

/* Bytes after the message that its own length does not count are not its. */
TEST(datagram_longer_than_the_message)
{
	struct cn_event ev = { .what = CN_EXEC, .tid = 7, .tgid = 7 }, got;
	uint8_t buf[CN_MESSAGE_SIZE + 40];
	size_t len = put_envelope(buf, &ev, 4);

	memset(buf + len, 0xff, sizeof(buf) - len);
	store_u32(buf + 52, 7);
	CHECK_EQ(decode(buf, sizeof(buf), &got), 0);
	CHECK_EQ(got.tid, 7);
	CHECK_EQ(got.tgid, 0);
}

TEST(another_connector)
{
	struct cn_event ev = { .what = CN_EXEC }, got = { .seq = 99 };
	uint8_t buf[CN_MESSAGE_SIZE];

	put_message(buf, &ev);
	store_u32(buf + 16, 2);
	CHECK_EQ(decode(buf, sizeof(buf), &got), -ENOMSG);
	put_message(buf, &ev);
	store_u32(buf + 20, 0);
	CHECK_EQ(decode(buf, sizeof(buf), &got), -ENOMSG);
	CHECK_EQ(got.seq, 99);
}

TEST(every_length_that_lies)
{
	struct cn_event ev = { .what = CN_EXEC, .tid = 7, .tgid = 7 }, got = { .seq = 99 };
	uint8_t buf[CN_MESSAGE_SIZE];

	put_message(buf, &ev);
	for (size_t len = 0; len < sizeof(buf); len++)
		CHECK_EQ(decode(buf, len, &got), -EBADMSG);
	for (uint32_t total = 0; total < sizeof(buf); total++) {
		store_u32(buf, total);
		CHECK_EQ(decode(buf, sizeof(buf), &got), -EBADMSG);
	}
	store_u32(buf, sizeof(buf) + 1);
	CHECK_EQ(decode(buf, sizeof(buf), &got), -EBADMSG);
	store_u32(buf, UINT32_MAX);
	CHECK_EQ(decode(buf, sizeof(buf), &got), -EBADMSG);

	put_message(buf, &ev);
	for (uint32_t payload = 0; payload <= UINT16_MAX; payload++) {
		bool fits = payload >= 16 && payload <= 40;

		store_u16(buf + 32, (uint16_t)payload);
		if (fits != (decode(buf, sizeof(buf), &got) == 0))
			CHECK_EQ(payload, -1);
	}
	store_u16(buf + 32, 15);
	got.seq = 99;
	CHECK_EQ(decode(buf, sizeof(buf), &got), -EBADMSG);
	CHECK_EQ(got.seq, 99);
}

TEST(unaligned)
{
	struct cn_event ev = { .what = CN_FORK, .tid = 7, .tgid = 7, .time_ns = 1 }, got;
	uint8_t buf[CN_MESSAGE_SIZE + 8];

	for (size_t shift = 0; shift < 8; shift++) {
		put_message(buf + shift, &ev);
		CHECK_EQ(cn_decode(buf + shift, CN_MESSAGE_SIZE, &got), 0);
		CHECK_EQ(got.tgid, 7);
		CHECK_EQ(got.time_ns, 1);
	}
}

TEST(request)
{
	static const uint8_t want[CN_REQUEST_SIZE] = {
		40, 0, 0, 0,  3, 0, 0, 0,  5, 0, 0, 0,  0x34, 0x12, 0, 0,	/* nlmsghdr */
		1, 0, 0, 0,  1, 0, 0, 0,  5, 0, 0, 0,  9, 0, 0, 0,  4, 0, 0, 0,	/* cn_msg */
		2, 0, 0, 0,
	};
	uint8_t buf[CN_REQUEST_SIZE];

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		SKIP("bytes of a little-endian machine");
	memset(buf, 0xff, sizeof(buf));
	cn_request(buf, CN_IGNORE, 5, 9, 0x1234);
	CHECK(memcmp(buf, want, sizeof(want)) == 0);
}

TEST_MAIN()
