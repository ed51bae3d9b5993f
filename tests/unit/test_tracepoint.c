/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <netinet/in.h>

#include "test.h"
#include "wire/tracepoint.h"

/* Linux 6.18. */
static const char state_text[] =
	"name: inet_sock_set_state\n"
	"ID: 2287\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\n"
	"\tfield:const void * skaddr;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:int oldstate;\toffset:16;\tsize:4;\tsigned:1;\n"
	"\tfield:int newstate;\toffset:20;\tsize:4;\tsigned:1;\n"
	"\tfield:__u16 sport;\toffset:24;\tsize:2;\tsigned:0;\n"
	"\tfield:__u16 dport;\toffset:26;\tsize:2;\tsigned:0;\n"
	"\tfield:__u16 family;\toffset:28;\tsize:2;\tsigned:0;\n"
	"\tfield:__u16 protocol;\toffset:30;\tsize:2;\tsigned:0;\n"
	"\tfield:__u8 saddr[4];\toffset:32;\tsize:4;\tsigned:0;\n"
	"\tfield:__u8 daddr[4];\toffset:36;\tsize:4;\tsigned:0;\n"
	"\tfield:__u8 saddr_v6[16];\toffset:40;\tsize:16;\tsigned:0;\n"
	"\tfield:__u8 daddr_v6[16];\toffset:56;\tsize:16;\tsigned:0;\n"
	"\n"
	"print fmt: \"family=%s\", __print_symbolic(REC->family, { 2, \"AF_INET\" })\n";
static const char send_text[] =
	"name: sock_send_length\n"
	"ID: 2284\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\n"
	"\tfield:void * sk;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:__u16 family;\toffset:16;\tsize:2;\tsigned:0;\n"
	"\tfield:__u16 protocol;\toffset:18;\tsize:2;\tsigned:0;\n"
	"\tfield:int ret;\toffset:20;\tsize:4;\tsigned:1;\n"
	"\tfield:int flags;\toffset:24;\tsize:4;\tsigned:1;\n"
	"\n"
	"print fmt: \"family=%s\", __print_symbolic(REC->family, { 2, \"AF_INET\" })\n";

static int decode_format(const char *text, size_t len, struct tracepoint_format *ret)
{
	char *copy = calloc(1, len ? len : 1);
	int error;

	memcpy(copy, text, len);
	error = tracepoint_format_decode(copy, len, ret);
	free(copy);
	return error;
}

/* text with the first `from` of it made `to`, as a format. */
static int edited(const char *text, const char *from, const char *to,
		  struct tracepoint_format *ret)
{
	const char *at = strstr(text, from);
	char buf[4096];

	CHECK(at);
	snprintf(buf, sizeof(buf), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return decode_format(buf, strlen(buf), ret);
}

static struct tracepoint_format formats[TRACEPOINT_COUNT];

static void load_formats(void)
{
	CHECK_EQ(decode_format(state_text, sizeof(state_text) - 1, &formats[0]), 0);
	CHECK_EQ(decode_format(send_text, sizeof(send_text) - 1, &formats[1]), 0);
	CHECK_EQ(edited(send_text, "sock_send_length", "sock_recv_length", &formats[2]), 0);
	formats[2].id = 2283;
}

TEST(state_format)
{
	struct tracepoint_format f;

	CHECK_EQ(decode_format(state_text, sizeof(state_text) - 1, &f), 0);
	CHECK_EQ(f.kind, TRACEPOINT_STATE);
	CHECK_EQ(f.id, 2287);
	CHECK_EQ(f.field[TRACEPOINT_TYPE].offset, 0);
	CHECK_EQ(f.field[TRACEPOINT_TYPE].size, 2);
	CHECK_EQ(f.field[TRACEPOINT_SKADDR].offset, 8);
	CHECK_EQ(f.field[TRACEPOINT_SKADDR].size, 8);
	CHECK_EQ(f.field[TRACEPOINT_OLD_STATE].offset, 16);
	CHECK(f.field[TRACEPOINT_OLD_STATE].is_signed);
	CHECK_EQ(f.field[TRACEPOINT_NEW_STATE].offset, 20);
	CHECK_EQ(f.field[TRACEPOINT_LOCAL_PORT].offset, 24);
	CHECK_EQ(f.field[TRACEPOINT_REMOTE_PORT].offset, 26);
	CHECK_EQ(f.field[TRACEPOINT_FAMILY].offset, 28);
	CHECK_EQ(f.field[TRACEPOINT_PROTOCOL].offset, 30);
	CHECK_EQ(f.field[TRACEPOINT_PROTOCOL].size, 2);
	CHECK_EQ(f.field[TRACEPOINT_LOCAL4].offset, 32);
	CHECK_EQ(f.field[TRACEPOINT_LOCAL4].size, 4);
	CHECK_EQ(f.field[TRACEPOINT_REMOTE4].offset, 36);
	CHECK_EQ(f.field[TRACEPOINT_LOCAL6].offset, 40);
	CHECK_EQ(f.field[TRACEPOINT_REMOTE6].offset, 56);
	CHECK_EQ(f.field[TRACEPOINT_REMOTE6].size, 16);
	CHECK_EQ(f.field[TRACEPOINT_RETURNED].size, 0);
}

TEST(length_formats)
{
	struct tracepoint_format f;

	CHECK_EQ(decode_format(send_text, sizeof(send_text) - 1, &f), 0);
	CHECK_EQ(f.kind, TRACEPOINT_SEND);
	CHECK_EQ(f.id, 2284);
	CHECK_EQ(f.field[TRACEPOINT_SKADDR].offset, 8);
	CHECK_EQ(f.field[TRACEPOINT_FAMILY].offset, 16);
	CHECK_EQ(f.field[TRACEPOINT_PROTOCOL].offset, 18);
	CHECK_EQ(f.field[TRACEPOINT_RETURNED].offset, 20);
	CHECK(f.field[TRACEPOINT_RETURNED].is_signed);
	CHECK_EQ(f.field[TRACEPOINT_FLAGS].offset, 24);
	CHECK_EQ(f.field[TRACEPOINT_LOCAL4].size, 0);
	CHECK_EQ(edited(send_text, "send_length", "recv_length", &f), 0);
	CHECK_EQ(f.kind, TRACEPOINT_RECEIVE);
	CHECK_EQ(edited(send_text, "int ret;", "int length;", &f), 0);
	CHECK_EQ(f.field[TRACEPOINT_RETURNED].offset, 20);
}

TEST(other_formats)
{
	struct tracepoint_format f, before;

	memset(&f, 0xa5, sizeof(f));
	before = f;
	CHECK_EQ(decode_format("", 0, &f), -EBADMSG);
	CHECK_EQ(decode_format("name: inet_sock_set_state\n", 26, &f), -EBADMSG);
	CHECK_EQ(decode_format("name: sched_switch\nID: 1\n", 25, &f), -ENOMSG);
	CHECK_EQ(edited(state_text, "set_state\n", "set_states\n", &f), -ENOMSG);
	CHECK_EQ(edited(state_text, "ID: 2287", "ID: 0", &f), -EBADMSG);
	CHECK_EQ(edited(state_text, "ID: 2287", "ID: 65536", &f), -EBADMSG);
	CHECK_EQ(edited(state_text, "ID: 2287", "ID: x", &f), -EBADMSG);
	CHECK_EQ(edited(state_text, "skaddr", "skadr", &f), -ENOTSUP);
	CHECK_EQ(edited(state_text, "offset:16;", "offset:;", &f), -EBADMSG);
	CHECK_EQ(edited(state_text, "offset:16;", "offset:65536;", &f), -EBADMSG);
	CHECK_EQ(edited(state_text, "offset:16;", "offset:-1;", &f), -EBADMSG);
	CHECK_EQ(edited(state_text, "saddr[4];", "saddr[4]", &f), -EBADMSG);
	CHECK_EQ(edited(state_text, "size:4;", "size:3;", &f), 0);	/* of one we do not use */
	f = before;
	CHECK_EQ(edited(state_text, "offset:16;\tsize:4;", "offset:16;\tsize:3;", &f), -ENOTSUP);
	CHECK_EQ(edited(state_text, "offset:32;\tsize:4;", "offset:32;\tsize:8;", &f), -ENOTSUP);
	CHECK_EQ(edited(send_text, "int ret;", "int other;", &f), -ENOTSUP);
	CHECK(!memcmp(&f, &before, sizeof(f)));
}

TEST(truncated_formats)
{
	struct tracepoint_format f;
	const char *end = strstr(state_text, "\tfield:__u8 daddr_v6[16]");

	for (size_t len = 0; len < (size_t)(end - state_text); len++)
		CHECK(decode_format(state_text, len, &f) < 0);
	for (size_t len = 0; len < sizeof(send_text) - 1; len++)
		(void)decode_format(send_text, len, &f);
}

struct sample {
	uint8_t bytes[256];
	size_t len;
};

static struct sample sample_of(const void *raw, uint32_t len)
{
	struct {
		struct perf_event_header head;
		uint32_t pid, tid;
		uint64_t time;
		uint32_t cpu, reserved;
		uint32_t size;
	} front = { { PERF_RECORD_SAMPLE, 1, 0 }, 100, 101, UINT64_C(0x123456789abc), 3, 9, len };
	struct sample s = { .len = (36 + len + 7) / 8 * 8 };

	front.head.size = (uint16_t)s.len;
	memcpy(s.bytes, &front, 36);
	memcpy(s.bytes + 36, raw, len);
	return s;
}

/* As the 6.18 format has them. */
struct state_raw {
	uint16_t type;
	uint8_t common[6];
	uint64_t skaddr;
	int32_t old_state, new_state;
	uint16_t sport, dport, family, protocol;
	uint8_t saddr[4], daddr[4], saddr6[16], daddr6[16];
};
struct length_raw {
	uint16_t type;
	uint8_t common[6];
	uint64_t sk;
	uint16_t family, protocol;
	int32_t ret, flags;
	uint32_t end;
};

static const struct state_raw state4 = {
	.type = 2287, .skaddr = UINT64_C(0xffff888012345678), .old_state = 2, .new_state = 1,
	.sport = 40000, .dport = 80, .family = AF_INET, .protocol = IPPROTO_TCP,
	.saddr = { 10, 0, 0, 1 }, .daddr = { 10, 0, 0, 2 },
	.saddr6 = { [10] = 0xff, 0xff, 10, 0, 0, 1 }, .daddr6 = { [10] = 0xff, 0xff, 10, 0, 0, 2 },
};

static int decode(const void *buf, size_t len, struct tracepoint_record *ret)
{
	uint8_t *copy = malloc(len ? len : 1);
	int error;

	memcpy(copy, buf, len);
	error = tracepoint_decode(formats, copy, len, ret);
	free(copy);
	return error;
}

static struct tracepoint_record decode_state(const struct state_raw *raw)
{
	struct sample s = sample_of(raw, sizeof(*raw));
	struct tracepoint_record r;

	load_formats();
	CHECK_EQ(decode(s.bytes, s.len, &r), 0);
	CHECK_EQ(r.kind, TRACEPOINT_STATE);
	return r;
}

TEST(state4_record)
{
	struct tracepoint_record r = decode_state(&state4);

	CHECK_EQ(r.time_ns, UINT64_C(0x123456789abc));
	CHECK_EQ(r.pid, 100);
	CHECK_EQ(r.tid, 101);
	CHECK_EQ(r.cpu, 3);
	CHECK_EQ(r.skaddr, UINT64_C(0xffff888012345678));
	CHECK_EQ(r.old_state, 2);
	CHECK_EQ(r.new_state, 1);
	CHECK_EQ(r.local_port, 40000);
	CHECK_EQ(r.remote_port, 80);
	CHECK_EQ(r.family, AF_INET);
	CHECK_EQ(r.protocol, IPPROTO_TCP);
	CHECK_STR((char *)r.local, 16, "\x0a\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0");
	CHECK_STR((char *)r.remote, 16, "\x0a\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0");
	CHECK(!r.mapped);
	CHECK_EQ(r.lost, 0);
}

TEST(state6_record)
{
	struct state_raw raw = state4;
	struct tracepoint_record r;

	raw.family = AF_INET6;
	r = decode_state(&raw);
	CHECK_EQ(r.family, AF_INET);
	CHECK(r.mapped);
	CHECK_STR((char *)r.remote, 16, "\x0a\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0");
	memset(raw.saddr6, 0x11, 16);
	memset(raw.daddr6, 0x22, 16);
	r = decode_state(&raw);
	CHECK_EQ(r.family, AF_INET6);
	CHECK(!r.mapped);
	CHECK(!memcmp(r.local, raw.saddr6, 16));
	CHECK(!memcmp(r.remote, raw.daddr6, 16));
}

TEST(length_records)
{
	struct length_raw raw = { .type = 2284, .sk = UINT64_C(0xffff888012345678),
				  .family = AF_INET6, .protocol = IPPROTO_UDP, .ret = -11,
				  .flags = 0x40 };
	struct sample s = sample_of(&raw, sizeof(raw));
	struct tracepoint_record r;

	load_formats();
	CHECK_EQ(decode(s.bytes, s.len, &r), 0);
	CHECK_EQ(r.kind, TRACEPOINT_SEND);
	CHECK_EQ(r.skaddr, raw.sk);
	CHECK_EQ(r.family, AF_INET6);
	CHECK_EQ(r.protocol, IPPROTO_UDP);
	CHECK_EQ(r.returned, -11);
	CHECK_EQ(r.flags, 0x40);
	raw.type = 2283;
	raw.ret = 65507;
	s = sample_of(&raw, sizeof(raw));
	CHECK_EQ(decode(s.bytes, s.len, &r), 0);
	CHECK_EQ(r.kind, TRACEPOINT_RECEIVE);
	CHECK_EQ(r.returned, 65507);
}

/* Linux before 5.6: one byte of protocol, and what follows it one byte earlier. */
TEST(old_layout)
{
	struct state_raw raw = state4;
	struct sample s;
	struct tracepoint_record r;

	load_formats();
	CHECK_EQ(edited(state_text, "__u16 protocol;\toffset:30;\tsize:2;",
			"__u8 protocol;\toffset:30;\tsize:1;", &formats[0]), 0);
	raw.protocol = 0xaa06;
	s = sample_of(&raw, sizeof(raw));
	CHECK_EQ(decode(s.bytes, s.len, &r), 0);
	CHECK_EQ(r.protocol, IPPROTO_TCP);
}

TEST(lost_record)
{
	struct {
		struct perf_event_header head;
		uint64_t id, lost;
		uint32_t pid, tid;
		uint64_t time;
		uint32_t cpu, reserved;
	} raw = { { PERF_RECORD_LOST, 0, sizeof(raw) }, 5, 18426, 1, 2, 77, 1, 0 };
	struct tracepoint_record r;

	load_formats();
	CHECK_EQ(sizeof(raw), 48);
	CHECK_EQ(decode(&raw, sizeof(raw), &r), 0);
	CHECK_EQ(r.kind, TRACEPOINT_LOST);
	CHECK_EQ(r.lost, 18426);
	CHECK_EQ(r.time_ns, 77);
	CHECK_EQ(r.cpu, 1);
	for (uint16_t len = 0; len < sizeof(raw); len++) {
		CHECK_EQ(decode(&raw, len, &r), -EBADMSG);
		raw.head.size = len;
		CHECK_EQ(decode(&raw, len, &r), -EBADMSG);
		raw.head.size = sizeof(raw);
	}
}

TEST(other_records)
{
	struct perf_event_header throttle = { PERF_RECORD_THROTTLE, 0, sizeof(throttle) };
	struct state_raw raw = state4;
	struct tracepoint_record r, before;
	struct sample s;

	memset(&r, 0xa5, sizeof(r));
	before = r;
	load_formats();
	CHECK_EQ(decode(&throttle, sizeof(throttle), &r), 1);
	raw.type = 9;
	s = sample_of(&raw, sizeof(raw));
	CHECK_EQ(decode(s.bytes, s.len, &r), 1);
	memset(formats, 0, sizeof(formats));
	raw.type = 0;
	s = sample_of(&raw, sizeof(raw));
	CHECK_EQ(decode(s.bytes, s.len, &r), 1);
	CHECK(!memcmp(&r, &before, sizeof(r)));
}

/* The record cut, then its own length with it, then the raw data's. */
TEST(truncated_records)
{
	struct tracepoint_record r, before;

	memset(&r, 0xa5, sizeof(r));
	before = r;
	load_formats();
	for (uint32_t len = 0; len < 36 + sizeof(state4); len++) {
		struct sample s = sample_of(&state4, sizeof(state4));
		uint16_t size = (uint16_t)len;

		CHECK_EQ(decode(s.bytes, len, &r), -EBADMSG);
		memcpy(s.bytes + 6, &size, sizeof(size));
		CHECK_EQ(decode(s.bytes, len, &r), -EBADMSG);
	}
	for (uint32_t len = 2; len < sizeof(state4); len++) {
		struct sample s = sample_of(&state4, len);

		CHECK_EQ(decode(s.bytes, s.len, &r), -EBADMSG);
	}
	CHECK(!memcmp(&r, &before, sizeof(r)));
}

TEST_MAIN()
