/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inet_diag.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "attribute.h"
#include "util/macro.h"

/* linux/netlink.h: struct nlmsghdr, NLM_F_*, NLMSG_* */
#define NLMSG_HEADER 16
enum { FLAG_REQUEST = 0x01, FLAG_DUMP_INTERRUPTED = 0x10, FLAG_DUMP = 0x300 };
enum { TYPE_ERROR = 2, TYPE_DONE = 3 };

/* linux/sock_diag.h: SOCK_DIAG_BY_FAMILY, of requests, answers and destroy groups alike */
#define TYPE_BY_FAMILY 20

/* linux/inet_diag.h: struct inet_diag_sockid; ports and addresses in network byte order */
enum {
	ID_SPORT = 0,
	ID_DPORT = 2,
	ID_SRC = 4,
	ID_DST = 20,
	ID_IF = 36,
	ID_COOKIE = 40,
	ID_SIZE = 48,
};

/* struct inet_diag_req_v2 */
enum { REQ_FAMILY = 0, REQ_PROTOCOL = 1, REQ_EXT = 2, REQ_STATES = 4, REQ_ID = 8, REQ_SIZE = 56 };

/* struct inet_diag_msg */
enum { MSG_FAMILY = 0, MSG_STATE = 1, MSG_ID = 4, MSG_UID = 64, MSG_INODE = 68, MSG_SIZE = 72 };

enum { ATTR_INFO = 2, ATTR_PROTOCOL = 10 };	/* INET_DIAG_INFO, INET_DIAG_PROTOCOL */

_Static_assert(NLMSG_HEADER + REQ_SIZE == INET_DIAG_REQUEST_SIZE, "size of a request");
_Static_assert(REQ_ID + ID_SIZE == REQ_SIZE, "a request ends with the socket's identity");

/* linux/tcp.h: struct tcp_info, which has only ever grown at its end. */
static const struct {
	uint16_t offset, size, field, has;
	uint32_t unit;		/* the kernel's, in nanoseconds */
} fields[] = {
#define FIELD(offset, size, name, bit, unit) \
	{ offset, size, offsetof(struct inet_diag_tcp, name), INET_DIAG_HAS_##bit, unit }
	FIELD(68, 4, rtt_ns, RTT, 1000),
	FIELD(100, 4, total_retrans, TOTAL_RETRANS, 1),
	FIELD(120, 8, bytes_acked, BYTES_ACKED, 1),
	FIELD(128, 8, bytes_received, BYTES_RECEIVED, 1),
	FIELD(136, 4, segs_out, SEGS_OUT, 1),
	FIELD(140, 4, segs_in, SEGS_IN, 1),
	FIELD(152, 4, data_segs_in, DATA_SEGS_IN, 1),
	FIELD(156, 4, data_segs_out, DATA_SEGS_OUT, 1),
	FIELD(200, 8, bytes_sent, BYTES_SENT, 1),
	FIELD(208, 8, bytes_retrans, BYTES_RETRANS, 1),
#undef FIELD
};

static uint16_t load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void store_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static size_t address_size(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

static void put_request(uint8_t *p, uint16_t flags, uint32_t seq, uint8_t family, uint8_t protocol,
			uint32_t states)
{
	const uint32_t size = INET_DIAG_REQUEST_SIZE;
	const uint16_t type = TYPE_BY_FAMILY;

	memset(p, 0, INET_DIAG_REQUEST_SIZE);
	memcpy(p, &size, sizeof(size));
	memcpy(p + 4, &type, sizeof(type));
	memcpy(p + 6, &flags, sizeof(flags));
	memcpy(p + 8, &seq, sizeof(seq));
	p += NLMSG_HEADER;
	p[REQ_FAMILY] = family;
	p[REQ_PROTOCOL] = protocol;
	p[REQ_EXT] = flags & FLAG_DUMP ? 0 : 1u << (ATTR_INFO - 1);
	memcpy(p + REQ_STATES, &states, sizeof(states));
	memset(p + REQ_ID + ID_COOKIE, 0xff, 8);	/* INET_DIAG_NOCOOKIE, twice */
}

void inet_diag_exact(void *buf, const struct inet_diag_id *id, uint32_t seq)
{
	uint8_t *p = (uint8_t *)buf + NLMSG_HEADER + REQ_ID;
	/* "src and dst are swapped for historical reasons", says net/ipv4/udp_diag.c. */
	bool swapped = id->protocol == IPPROTO_UDP;
	uint8_t local[ADDRESS_SIZE], remote[ADDRESS_SIZE], family = id->family;
	const uint32_t cookie[2] = { (uint32_t)id->cookie, (uint32_t)(id->cookie >> 32) };

	memcpy(local, id->local, sizeof(local));
	memcpy(remote, id->remote, sizeof(remote));
	if (family == AF_INET6 && address_unmap(local, remote))
		family = AF_INET;
	put_request(buf, FLAG_REQUEST, seq, family, id->protocol, INET_DIAG_ALL_STATES);
	store_be16(p + (swapped ? ID_DPORT : ID_SPORT), id->local_port);
	store_be16(p + (swapped ? ID_SPORT : ID_DPORT), id->remote_port);
	memcpy(p + (swapped ? ID_DST : ID_SRC), local, address_size(family));
	memcpy(p + (swapped ? ID_SRC : ID_DST), remote, address_size(family));
	memcpy(p + ID_IF, &id->ifindex, sizeof(id->ifindex));
	memcpy(p + ID_COOKIE, cookie, sizeof(cookie));
}

void inet_diag_dump(void *buf, uint8_t family, uint8_t protocol, uint32_t states, uint32_t seq)
{
	put_request(buf, FLAG_REQUEST | FLAG_DUMP, seq, family, protocol, states);
}

void inet_diag_dump_port(void *buf, uint16_t port)
{
	store_be16((uint8_t *)buf + NLMSG_HEADER + REQ_ID + ID_SPORT, port);
}

/* The kernel copies as much as it and the reader's buffer know: a field is whole or not there. */
static void decode_info(const uint8_t *p, size_t len, struct inet_diag_tcp *tcp)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t v;

		if ((size_t)fields[i].offset + fields[i].size > len)
			continue;
		v = fields[i].size == 8 ? load_u64(p + fields[i].offset)
					: load_u32(p + fields[i].offset);
		v *= fields[i].unit;
		memcpy((char *)tcp + fields[i].field, &v, sizeof(v));
		tcp->has |= fields[i].has;
	}
}

static void decode_id(const uint8_t *p, struct inet_diag_socket *s)
{
	struct inet_diag_id *id = &s->id;

	id->local_port = load_be16(p + ID_SPORT);
	id->remote_port = load_be16(p + ID_DPORT);
	memcpy(id->local, p + ID_SRC, address_size(id->family));
	memcpy(id->remote, p + ID_DST, address_size(id->family));
	id->ifindex = load_u32(p + ID_IF);
	id->cookie = load_u32(p + ID_COOKIE) | (uint64_t)load_u32(p + ID_COOKIE + 4) << 32;
	s->mapped = id->family == AF_INET6 && address_unmap(id->local, id->remote);
	if (s->mapped)
		id->family = AF_INET;
}

/* p points behind the netlink header. */
static int decode_socket(const uint8_t *p, size_t len, struct inet_diag_message *m)
{
	struct inet_diag_socket *s = &m->socket;
	const uint8_t *attr;
	size_t attr_len;
	uint16_t type;

	if (len < 1)
		return -EBADMSG;
	s->id.family = p[MSG_FAMILY];
	if (s->id.family != AF_INET && s->id.family != AF_INET6)
		return 0;
	if (len < MSG_SIZE)
		return -EBADMSG;
	s->state = p[MSG_STATE];
	s->uid = load_u32(p + MSG_UID);
	s->inode = load_u32(p + MSG_INODE);
	decode_id(p + MSG_ID, s);
	p += MSG_SIZE;
	len -= MSG_SIZE;
	while (attribute_next(&p, &len, &type, &attr, &attr_len)) {
		if (type == ATTR_INFO)
			decode_info(attr, attr_len, &s->tcp);
		else if (type == ATTR_PROTOCOL && attr_len >= 1)
			s->id.protocol = attr[0];
	}
	if (len >= ATTRIBUTE_HEADER)
		return -EBADMSG;
	m->kind = INET_DIAG_KIND_SOCKET;
	return 0;
}

static int decode(const uint8_t *p, size_t len, struct inet_diag_message *m)
{
	uint16_t type = load_u16(p + 4), flags = load_u16(p + 6);

	m->kind = INET_DIAG_KIND_OTHER;
	m->seq = load_u32(p + 8);
	m->interrupted = flags & FLAG_DUMP_INTERRUPTED;
	p += NLMSG_HEADER;
	len -= NLMSG_HEADER;
	if (type == TYPE_BY_FAMILY)
		return decode_socket(p, len, m);
	if (type != TYPE_ERROR && type != TYPE_DONE)
		return 0;
	/* A dump may end without a word. */
	if (type == TYPE_ERROR && len < 4)
		return -EBADMSG;
	m->kind = type == TYPE_DONE ? INET_DIAG_KIND_DONE : INET_DIAG_KIND_ERROR;
	m->error = len < 4 ? 0 : (int32_t)load_u32(p);
	return 0;
}

int inet_diag_next(const void **buf, size_t *len, struct inet_diag_message *ret)
{
	struct inet_diag_message m = { 0 };
	const uint8_t *p = *buf;
	size_t left = *len, size, step;
	int error;

	if (left == 0)
		return 1;
	size = left < NLMSG_HEADER ? 0 : load_u32(p);
	step = size < NLMSG_HEADER || size > left ? left : MIN(attribute_align(size), left);
	*buf = p + step;
	*len = left - step;
	if (size < NLMSG_HEADER || size > left)
		return -EBADMSG;
	error = decode(p, size, &m);
	if (error == 0)
		*ret = m;
	return error;
}
