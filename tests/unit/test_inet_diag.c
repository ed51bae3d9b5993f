/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The messages are made of the kernel's own structs: what the decoder's tables say is checked. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>

#include "test.h"
#include "wire/inet_diag.h"

#define COOKIE UINT64_C(0x1122334455667788)

struct request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

static struct request exact(const struct inet_diag_id *id)
{
	struct request r;

	CHECK_EQ(sizeof(r), INET_DIAG_REQUEST_SIZE);
	memset(&r, 0xa5, sizeof(r));
	inet_diag_exact(&r, id, 77);
	CHECK_EQ(r.head.nlmsg_len, sizeof(r));
	CHECK_EQ(r.head.nlmsg_type, SOCK_DIAG_BY_FAMILY);
	CHECK_EQ(r.head.nlmsg_flags, NLM_F_REQUEST);
	CHECK_EQ(r.head.nlmsg_seq, 77);
	CHECK_EQ(r.head.nlmsg_pid, 0);
	CHECK_EQ(r.body.sdiag_protocol, id->protocol);
	CHECK_EQ(r.body.idiag_ext, 1 << (INET_DIAG_INFO - 1));
	CHECK_EQ(r.body.pad, 0);
	return r;
}

static struct inet_diag_id id4(uint8_t protocol)
{
	return (struct inet_diag_id){ .family = AF_INET, .protocol = protocol, .local_port = 0x1234,
				      .remote_port = 443, .local = { 10, 0, 0, 1 },
				      .remote = { 192, 0, 2, 7 }, .ifindex = 3, .cookie = COOKIE };
}

TEST(exact_tcp4)
{
	struct inet_diag_id id = id4(IPPROTO_TCP);
	struct request r = exact(&id);

	CHECK_EQ(r.body.sdiag_family, AF_INET);
	CHECK_EQ(r.body.idiag_states, UINT32_MAX);
	CHECK_EQ(ntohs(r.body.id.idiag_sport), 0x1234);
	CHECK_EQ(ntohs(r.body.id.idiag_dport), 443);
	CHECK_EQ(ntohl(r.body.id.idiag_src[0]), 0x0a000001);
	CHECK_EQ(ntohl(r.body.id.idiag_dst[0]), 0xc0000207);
	CHECK_EQ(r.body.id.idiag_src[1], 0);
	CHECK_EQ(r.body.id.idiag_dst[3], 0);
	CHECK_EQ(r.body.id.idiag_if, 3);
	CHECK_EQ(r.body.id.idiag_cookie[0], 0x55667788);
	CHECK_EQ(r.body.id.idiag_cookie[1], 0x11223344);
}

TEST(exact_udp4_is_swapped)
{
	struct inet_diag_id id = id4(IPPROTO_UDP);
	struct request r = exact(&id);

	CHECK_EQ(ntohs(r.body.id.idiag_sport), 443);
	CHECK_EQ(ntohs(r.body.id.idiag_dport), 0x1234);
	CHECK_EQ(ntohl(r.body.id.idiag_src[0]), 0xc0000207);
	CHECK_EQ(ntohl(r.body.id.idiag_dst[0]), 0x0a000001);
}

TEST(exact_without_cookie)
{
	struct inet_diag_id id = id4(IPPROTO_TCP);
	struct request r;

	id.cookie = INET_DIAG_NO_COOKIE;
	r = exact(&id);
	CHECK_EQ(r.body.id.idiag_cookie[0], INET_DIAG_NOCOOKIE);
	CHECK_EQ(r.body.id.idiag_cookie[1], INET_DIAG_NOCOOKIE);
}

TEST(exact_v6)
{
	struct inet_diag_id id = { .family = AF_INET6, .protocol = IPPROTO_TCP, .local_port = 1,
				   .remote_port = 2, .cookie = INET_DIAG_NO_COOKIE };
	struct request r;

	memset(id.local, 0x11, sizeof(id.local));
	memset(id.remote, 0x22, sizeof(id.remote));
	r = exact(&id);
	CHECK_EQ(r.body.sdiag_family, AF_INET6);
	CHECK(!memcmp(r.body.id.idiag_src, id.local, 16));
	CHECK(!memcmp(r.body.id.idiag_dst, id.remote, 16));
	id.protocol = IPPROTO_UDP;
	r = exact(&id);
	CHECK(!memcmp(r.body.id.idiag_src, id.remote, 16));
	CHECK(!memcmp(r.body.id.idiag_dst, id.local, 16));
	CHECK_EQ(ntohs(r.body.id.idiag_sport), 2);
}

static const uint8_t mapped_local[16] = { [10] = 0xff, 0xff, 10, 0, 0, 1 };
static const uint8_t mapped_remote[16] = { [10] = 0xff, 0xff, 10, 0, 0, 2 };

TEST(exact_of_mapped_addresses_asks_for_ipv4)
{
	struct inet_diag_id id = { .family = AF_INET6, .protocol = IPPROTO_TCP };
	struct request r;

	memcpy(id.local, mapped_local, 16);
	memcpy(id.remote, mapped_remote, 16);
	r = exact(&id);
	CHECK_EQ(r.body.sdiag_family, AF_INET);
	CHECK_EQ(ntohl(r.body.id.idiag_src[0]), 0x0a000001);
	CHECK_EQ(ntohl(r.body.id.idiag_dst[0]), 0x0a000002);
	CHECK_EQ(r.body.id.idiag_src[3], 0);
}

TEST(dump)
{
	struct request r;

	inet_diag_dump(&r, AF_INET6, IPPROTO_UDP, 1u << 1 | 1u << 7, 5);
	CHECK_EQ(r.head.nlmsg_len, sizeof(r));
	CHECK_EQ(r.head.nlmsg_type, SOCK_DIAG_BY_FAMILY);
	CHECK_EQ(r.head.nlmsg_flags, NLM_F_REQUEST | NLM_F_DUMP);
	CHECK_EQ(r.head.nlmsg_seq, 5);
	CHECK_EQ(r.body.sdiag_family, AF_INET6);
	CHECK_EQ(r.body.sdiag_protocol, IPPROTO_UDP);
	CHECK_EQ(r.body.idiag_states, 0x82);
	CHECK_EQ(r.body.idiag_ext, 0);
	CHECK_EQ(r.body.id.idiag_sport, 0);
	inet_diag_dump_port(&r, 5353);
	CHECK_EQ(r.body.id.idiag_sport, htons(5353));
	CHECK_EQ(r.body.id.idiag_dport, 0);
}

/* A datagram that grows. */
struct datagram {
	uint8_t bytes[4096];
	size_t len, start;
};

static void begin(struct datagram *d, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	struct nlmsghdr head = { .nlmsg_len = NLMSG_LENGTH((uint32_t)len), .nlmsg_type = type,
				 .nlmsg_flags = flags, .nlmsg_seq = 9 };

	d->start = d->len = NLMSG_ALIGN(d->len);
	memcpy(d->bytes + d->len, &head, sizeof(head));
	memcpy(d->bytes + d->len + sizeof(head), body, len);
	d->len += head.nlmsg_len;
}

static void add(struct datagram *d, uint16_t type, const void *value, size_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(sizeof(a) + len), .nla_type = type };
	uint32_t total;

	d->len = NLMSG_ALIGN(d->len);
	memcpy(d->bytes + d->len, &a, sizeof(a));
	memcpy(d->bytes + d->len + sizeof(a), value, len);
	d->len += a.nla_len;
	total = (uint32_t)(d->len - d->start);
	memcpy(d->bytes + d->start, &total, sizeof(total));
}

static const struct inet_diag_msg answer4 = {
	.idiag_family = AF_INET, .idiag_state = 1, .idiag_timer = 9, .idiag_retrans = 8,
	.id = { .idiag_if = 4, .idiag_cookie = { 0x55667788, 0x11223344 } },
	.idiag_expires = 1, .idiag_rqueue = 2, .idiag_wqueue = 3, .idiag_uid = 1000,
	.idiag_inode = 0xfffffff0,
};

static struct inet_diag_msg answer(void)
{
	struct inet_diag_msg m = answer4;

	m.id.idiag_sport = htons(40000);
	m.id.idiag_dport = htons(80);
	m.id.idiag_src[0] = htonl(0x7f000001);
	m.id.idiag_dst[0] = htonl(0x7f000002);
	return m;
}

static const struct tcp_info info = {
	.tcpi_state = 1, .tcpi_rtt = 33, .tcpi_total_retrans = 2, .tcpi_bytes_acked = 10002,
	.tcpi_bytes_received = 501, .tcpi_segs_out = 12, .tcpi_segs_in = 13,
	.tcpi_data_segs_in = 5, .tcpi_data_segs_out = 6, .tcpi_bytes_sent = UINT64_C(1) << 40,
	.tcpi_bytes_retrans = 1400,
};

/* In memory of that very size: a sanitizer sees what is read past it. */
static int next(const void **p, size_t *len, struct inet_diag_message *ret)
{
	uint8_t *copy = malloc(*len ? *len : 1);
	const void *at = copy;
	size_t left = *len;
	int result;

	memcpy(copy, *p, *len);
	result = inet_diag_next(&at, &left, ret);
	CHECK_EQ((const uint8_t *)at - copy, *len - left);
	*p = (const uint8_t *)*p + (*len - left);
	*len = left;
	free(copy);
	return result;
}

static struct inet_diag_message only(const struct datagram *d)
{
	const void *p = d->bytes;
	size_t len = d->len;
	struct inet_diag_message m, unused;

	CHECK_EQ(next(&p, &len, &m), 0);
	CHECK_EQ(len, 0);
	CHECK_EQ(next(&p, &len, &unused), 1);
	return m;
}

TEST(answer_tcp4)
{
	struct inet_diag_msg body = answer();
	struct inet_diag_message m;
	struct datagram d = { 0 };
	uint8_t protocol = IPPROTO_TCP, shutdown = 0;

	begin(&d, SOCK_DIAG_BY_FAMILY, 0, &body, sizeof(body));
	add(&d, INET_DIAG_SHUTDOWN, &shutdown, 1);
	add(&d, INET_DIAG_PROTOCOL, &protocol, 1);
	add(&d, INET_DIAG_INFO, &info, sizeof(info));
	m = only(&d);
	CHECK_EQ(m.kind, INET_DIAG_KIND_SOCKET);
	CHECK_EQ(m.seq, 9);
	CHECK(!m.interrupted);
	CHECK_EQ(m.socket.id.family, AF_INET);
	CHECK_EQ(m.socket.id.protocol, IPPROTO_TCP);
	CHECK_EQ(m.socket.id.local_port, 40000);
	CHECK_EQ(m.socket.id.remote_port, 80);
	CHECK_STR((char *)m.socket.id.local, 16, "\x7f\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0");
	CHECK_STR((char *)m.socket.id.remote, 16, "\x7f\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0");
	CHECK_EQ(m.socket.id.ifindex, 4);
	CHECK_EQ(m.socket.id.cookie, COOKIE);
	CHECK_EQ(m.socket.state, 1);
	CHECK_EQ(m.socket.uid, 1000);
	CHECK_EQ(m.socket.inode, 0xfffffff0);
	CHECK(!m.socket.mapped);
	CHECK_EQ(m.socket.tcp.has, 0x3ff);
	CHECK_EQ(m.socket.tcp.rtt_ns, 33000);
	CHECK_EQ(m.socket.tcp.total_retrans, 2);
	CHECK_EQ(m.socket.tcp.bytes_acked, 10002);
	CHECK_EQ(m.socket.tcp.bytes_received, 501);
	CHECK_EQ(m.socket.tcp.segs_out, 12);
	CHECK_EQ(m.socket.tcp.segs_in, 13);
	CHECK_EQ(m.socket.tcp.data_segs_in, 5);
	CHECK_EQ(m.socket.tcp.data_segs_out, 6);
	CHECK_EQ(m.socket.tcp.bytes_sent, UINT64_C(1) << 40);
	CHECK_EQ(m.socket.tcp.bytes_retrans, 1400);
}

/* What kernels of their time sent: a field is there when all of it is. */
TEST(older_tcp_info)
{
	static const struct {
		size_t len;
		uint32_t has;
	} cases[] = {
		{ 0, 0 }, { 71, 0 }, { 72, INET_DIAG_HAS_RTT }, { 104, 0x3 }, { 127, 0x3 },
		{ 136, 0xf }, { 144, 0x3f }, { 160, 0xff }, { 207, 0xff }, { 208, 0x1ff },
		{ 216, 0x3ff },
	};
	struct inet_diag_msg body = answer();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct datagram d = { 0 };
		struct inet_diag_message m;

		begin(&d, SOCK_DIAG_BY_FAMILY, 0, &body, sizeof(body));
		add(&d, INET_DIAG_INFO, &info, cases[i].len);
		m = only(&d);
		CHECK_EQ(m.socket.tcp.has, cases[i].has);
		CHECK_EQ(m.socket.tcp.bytes_acked, cases[i].has & 4 ? 10002 : 0);
	}
}

TEST(newer_tcp_info)
{
	struct inet_diag_msg body = answer();
	uint8_t longer[sizeof(info) + 64];
	struct datagram d = { 0 };

	memset(longer, 0xff, sizeof(longer));
	memcpy(longer, &info, sizeof(info));
	begin(&d, SOCK_DIAG_BY_FAMILY, 0, &body, sizeof(body));
	add(&d, INET_DIAG_INFO, longer, sizeof(longer));
	CHECK_EQ(only(&d).socket.tcp.bytes_retrans, 1400);
}

TEST(answer_udp6)
{
	struct inet_diag_msg body = answer();
	struct inet_diag_message m;
	struct datagram d = { 0 };
	uint8_t protocol = IPPROTO_UDP;

	body.idiag_family = AF_INET6;
	body.idiag_state = 7;
	body.id.idiag_dport = 0;
	memset(body.id.idiag_src, 0x11, 16);
	memset(body.id.idiag_dst, 0, 16);
	begin(&d, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI | NLM_F_DUMP_INTR, &body, sizeof(body));
	add(&d, INET_DIAG_PROTOCOL, &protocol, 1);
	m = only(&d);
	CHECK_EQ(m.socket.id.family, AF_INET6);
	CHECK_EQ(m.socket.id.protocol, IPPROTO_UDP);
	CHECK_EQ(m.socket.id.local[15], 0x11);
	CHECK_EQ(m.socket.id.remote[0], 0);
	CHECK_EQ(m.socket.tcp.has, 0);
	CHECK(m.interrupted);
}

static struct inet_diag_socket with_v6(const void *local, const void *remote)
{
	struct inet_diag_msg body = answer();
	struct datagram d = { 0 };

	body.idiag_family = AF_INET6;
	memcpy(body.id.idiag_src, local, 16);
	memcpy(body.id.idiag_dst, remote, 16);
	begin(&d, SOCK_DIAG_BY_FAMILY, 0, &body, sizeof(body));
	return only(&d).socket;
}

TEST(mapped_addresses)
{
	static const uint8_t zero[16], other[16] = { 0x20, 1 };
	struct inet_diag_socket s = with_v6(mapped_local, mapped_remote);

	CHECK(s.mapped);
	CHECK_EQ(s.id.family, AF_INET);
	CHECK_STR((char *)s.id.local, 16, "\x0a\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0");
	CHECK_STR((char *)s.id.remote, 16, "\x0a\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0");
	s = with_v6(mapped_local, zero);
	CHECK(s.mapped);
	CHECK_EQ(s.id.remote[0], 0);
	CHECK(!with_v6(zero, zero).mapped);
	CHECK(!with_v6(other, mapped_remote).mapped);
	CHECK(!with_v6(mapped_local, other).mapped);
	CHECK_EQ(with_v6(zero, zero).id.family, AF_INET6);
}

TEST(many_in_a_datagram)
{
	struct inet_diag_msg body = answer();
	struct inet_diag_message m;
	struct datagram d = { 0 };
	const void *p = d.bytes;
	int error = -ENOENT;
	uint8_t protocol = IPPROTO_TCP;
	size_t len;

	begin(&d, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, &body, sizeof(body));
	add(&d, INET_DIAG_PROTOCOL, &protocol, 1);	/* the message ends unaligned */
	body.id.idiag_sport = htons(2);
	begin(&d, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, &body, sizeof(body));
	body.idiag_family = AF_UNIX;
	begin(&d, SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, &body, 16);
	begin(&d, NLMSG_NOOP, NLM_F_MULTI, &body, 0);
	begin(&d, NLMSG_DONE, NLM_F_MULTI, &error, sizeof(error));
	len = d.len;
	CHECK_EQ(next(&p, &len, &m), 0);
	CHECK_EQ(m.socket.id.local_port, 40000);
	CHECK_EQ(next(&p, &len, &m), 0);
	CHECK_EQ(m.socket.id.local_port, 2);
	CHECK_EQ(m.socket.id.protocol, 0);
	CHECK_EQ(next(&p, &len, &m), 0);
	CHECK_EQ(m.kind, INET_DIAG_KIND_OTHER);
	CHECK_EQ(next(&p, &len, &m), 0);
	CHECK_EQ(m.kind, INET_DIAG_KIND_OTHER);
	CHECK_EQ(next(&p, &len, &m), 0);
	CHECK_EQ(m.kind, INET_DIAG_KIND_DONE);
	CHECK_EQ(m.error, -ENOENT);
	CHECK_EQ(next(&p, &len, &m), 1);
}

TEST(errors)
{
	struct nlmsgerr e = { .error = -ESTALE };
	struct inet_diag_message m;
	struct datagram d = { 0 };

	begin(&d, NLMSG_ERROR, 0, &e, sizeof(e));
	m = only(&d);
	CHECK_EQ(m.kind, INET_DIAG_KIND_ERROR);
	CHECK_EQ(m.error, -ESTALE);
	CHECK_EQ(m.seq, 9);
}

/* Each shorter datagram is refused as a whole, and nothing is read behind it. */
TEST(truncated)
{
	struct inet_diag_msg body = answer();
	struct inet_diag_message m, before;
	struct datagram d = { 0 };
	size_t full;

	begin(&d, SOCK_DIAG_BY_FAMILY, 0, &body, sizeof(body));
	add(&d, INET_DIAG_INFO, &info, sizeof(info));
	full = d.len;
	memset(&m, 0xa5, sizeof(m));
	before = m;
	for (size_t len = 1; len < full; len++) {
		const void *p = d.bytes;
		size_t left = len;

		CHECK_EQ(next(&p, &left, &m), -EBADMSG);
		CHECK_EQ(left, 0);
		CHECK(!memcmp(&m, &before, sizeof(m)));
	}
}

/* The same with a message length that agrees: what is in front of the cut is still there. */
TEST(truncated_messages)
{
	struct inet_diag_msg body = answer();
	struct datagram d = { 0 };
	size_t full;

	begin(&d, SOCK_DIAG_BY_FAMILY, 0, &body, sizeof(body));
	add(&d, INET_DIAG_INFO, &info, sizeof(info));
	full = d.len;
	for (uint32_t len = NLMSG_HDRLEN; len < full; len++) {
		const void *p = d.bytes;
		struct inet_diag_message m;
		size_t left = len;
		/* Fewer bytes than an attribute's header are padding. */
		bool ok = len >= 16 + sizeof(body) && len < 16 + sizeof(body) + 4;

		memcpy(d.bytes, &len, sizeof(len));
		CHECK_EQ(next(&p, &left, &m), ok ? 0 : -EBADMSG);
		CHECK_EQ(left, 0);
	}
}

TEST(lies)
{
	struct inet_diag_msg body = answer();
	struct inet_diag_message m;
	struct datagram d = { 0 };
	const void *p = d.bytes;
	uint16_t attribute;
	uint32_t zero = 0;
	size_t left;

	begin(&d, SOCK_DIAG_BY_FAMILY, 0, &body, sizeof(body));
	add(&d, INET_DIAG_INFO, &info, 16);
	begin(&d, SOCK_DIAG_BY_FAMILY, 0, &body, sizeof(body));
	for (attribute = 0; attribute < 4; attribute++) {
		memcpy(d.bytes + 16 + sizeof(body), &attribute, sizeof(attribute));
		p = d.bytes;
		left = d.len;
		CHECK_EQ(next(&p, &left, &m), -EBADMSG);
		CHECK_EQ(next(&p, &left, &m), 0);	/* the one behind it */
		CHECK_EQ(next(&p, &left, &m), 1);
	}
	memcpy(d.bytes, &zero, sizeof(zero));
	p = d.bytes;
	left = d.len;
	CHECK_EQ(next(&p, &left, &m), -EBADMSG);
	CHECK_EQ(next(&p, &left, &m), 1);
}

TEST_MAIN()
