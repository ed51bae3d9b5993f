/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "util/macro.h"

/* linux/if_ether.h; all that is not IP is like 0 here */
enum {
	ETHER_OTHER = 0,
	ETHER_IPV4 = 0x0800,
	ETHER_VLAN = 0x8100,
	ETHER_IPV6 = 0x86dd,
	ETHER_SERVICE_VLAN = 0x88a8,	/* 802.1ad */
	ETHER_QINQ = 0x9100,		/* what came before 802.1ad */
};

/* linux/if_arp.h: devices whose protocol field in SLL is no Ethernet type */
enum { ARPHRD_FRAME_RELAY = 770, ARPHRD_RADIOTAP = 803, ARPHRD_NETLINK_MONITOR = 824 };
enum { ARPHRD_LOOPBACK = 772 };
#define LOOPBACK_IFINDEX 1	/* in every namespace: include/net/flow.h of Linux */

#define ETHERNET_HEADER 14
#define SLL_HEADER 16
#define SLL2_HEADER 20
#define VLAN_TAG 4
#define NULL_HEADER 4
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER 20
#define UDP_HEADER 8
#define ICMP_HEADER 8
#define SCTP_HEADER 12

static_assert(sizeof(struct packet) == 72, "compared as bytes: no padding");
static_assert(sizeof(struct packet_flow) == 38, "compared as bytes: no padding");

/* What is left of a packet: len bytes of it were on the wire, the first cap of those are at p. */
struct view {
	const uint8_t *p;
	size_t cap, len;
};

static inline uint16_t load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)load_be16(p) << 16 | load_be16(p + 2);
}

static inline bool view_skip(struct view *v, size_t n)
{
	if (n > v->cap)
		return false;
	v->p += n;
	v->cap -= n;
	v->len -= n;
	return true;
}

/* What lies behind len bytes does not belong to the packet. */
static inline bool view_trim(struct view *v, size_t len)
{
	if (len > v->len)
		return false;
	v->len = len;
	v->cap = MIN(v->cap, len);
	return true;
}

/* Link headers: each is taken off and says what follows as an Ethernet type, or -EBADMSG. */

static int strip_ethernet(struct view *v, struct packet *p)
{
	(void)p;
	if (!view_skip(v, ETHERNET_HEADER))
		return -EBADMSG;
	return load_be16(v->p - 2);
}

/* PACKET_HOST and its like, linux/if_packet.h */
static uint8_t direction_of(unsigned int type)
{
	static const uint8_t directions[] = {
		PACKET_INCOMING, PACKET_INCOMING, PACKET_INCOMING, PACKET_OTHER, PACKET_OUTGOING,
	};

	return type < ARRAY_SIZE(directions) ? directions[type] : PACKET_DIRECTION_UNKNOWN;
}

static int sll_type(uint16_t device, uint16_t protocol)
{
	if (device == ARPHRD_FRAME_RELAY || device == ARPHRD_RADIOTAP ||
	    device == ARPHRD_NETLINK_MONITOR)
		return ETHER_OTHER;
	return protocol;
}

static int strip_sll(struct view *v, struct packet *p)
{
	const uint8_t *h = v->p;

	if (!view_skip(v, SLL_HEADER))
		return -EBADMSG;
	p->direction = direction_of(load_be16(h));
	if (load_be16(h + 2) == ARPHRD_LOOPBACK)
		p->ifindex = LOOPBACK_IFINDEX;
	return sll_type(load_be16(h + 2), load_be16(h + 14));
}

static int strip_sll2(struct view *v, struct packet *p)
{
	const uint8_t *h = v->p;

	if (!view_skip(v, SLL2_HEADER))
		return -EBADMSG;
	p->ifindex = load_be32(h + 4);
	p->direction = direction_of(h[10]);
	return sll_type(load_be16(h + 8), load_be16(h));
}

static int strip_raw(struct view *v, struct packet *p)
{
	(void)p;
	if (!v->cap)
		return -EBADMSG;
	switch (v->p[0] >> 4) {
	case 4:
		return ETHER_IPV4;
	case 6:
		return ETHER_IPV6;
	default:
		return ETHER_OTHER;
	}
}

/* An address family of the host that captured, in its byte order or the network's. */
static int strip_null(struct view *v, struct packet *p)
{
	uint32_t family;

	(void)p;
	if (!view_skip(v, NULL_HEADER))
		return -EBADMSG;
	family = load_be32(v->p - NULL_HEADER);
	if (family > UINT16_MAX)
		family = __builtin_bswap32(family);
	switch (family) {
	case 2:
		return ETHER_IPV4;
	case 10:	/* Linux */
	case 24:	/* NetBSD, OpenBSD */
	case 28:	/* FreeBSD */
	case 30:	/* Darwin */
		return ETHER_IPV6;
	default:
		return ETHER_OTHER;
	}
}

static int strip_ipv4(struct view *v, struct packet *p)
{
	(void)v;
	(void)p;
	return ETHER_IPV4;
}

static int strip_ipv6(struct view *v, struct packet *p)
{
	(void)v;
	(void)p;
	return ETHER_IPV6;
}

/* The frequent ones first. */
static const struct link_header {
	int linktype;
	int (*strip)(struct view *v, struct packet *p);
	bool cooked;
} link_headers[] = {
	{ PACKET_LINK_SLL2, strip_sll2, true },
	{ PACKET_LINK_ETHERNET, strip_ethernet, false },
	{ PACKET_LINK_SLL, strip_sll, true },
	{ PACKET_LINK_RAW, strip_raw, false },
	{ PACKET_LINK_RAW_FILE, strip_raw, false },
	{ PACKET_LINK_RAW_OPENBSD, strip_raw, false },
	{ PACKET_LINK_NULL, strip_null, false },
	{ PACKET_LINK_LOOP, strip_null, false },
	{ PACKET_LINK_IPV4, strip_ipv4, false },
	{ PACKET_LINK_IPV6, strip_ipv6, false },
};

static const struct link_header *find_link(int linktype)
{
	for (size_t i = 0; i < ARRAY_SIZE(link_headers); i++)
		if (link_headers[i].linktype == linktype)
			return &link_headers[i];
	return NULL;
}

static bool is_vlan(int type)
{
	return type == ETHER_VLAN || type == ETHER_SERVICE_VLAN || type == ETHER_QINQ;
}

/* Tags stand behind each other; each says what follows it. */
static int strip_vlans(struct view *v, int type, struct packet *p)
{
	while (is_vlan(type)) {
		uint16_t id;

		if (!view_skip(v, VLAN_TAG))
			return -EBADMSG;
		id = load_be16(v->p - VLAN_TAG) & 0x0fff;
		if (id)
			p->vlan = id;
		type = load_be16(v->p - 2);
	}
	return type;
}

/* Transport headers */

static void take_ports(const struct view *v, struct packet *p)
{
	p->src_port = load_be16(v->p);
	p->dst_port = load_be16(v->p + 2);
	p->has_ports = true;
}

static int decode_tcp(const struct view *v, struct packet *p)
{
	size_t header;

	/* Window, checksum and urgent pointer may have been cut off. */
	if (v->len < TCP_HEADER || v->cap < 14)
		return -EBADMSG;
	header = (size_t)(v->p[12] >> 4) * 4;
	if (header < TCP_HEADER || header > v->len)
		return -EBADMSG;
	take_ports(v, p);
	p->seq = load_be32(v->p + 4);
	p->ack = load_be32(v->p + 8);
	p->tcp_flags = v->p[13];
	p->payload_bytes = (uint32_t)(v->len - header);
	return 0;
}

/*
 * UDP's length is the whole datagram's, so nothing that one fragment could be held against. It is 0
 * or overflown in what the kernel will segment later.
 */
static int decode_udp(const struct view *v, struct packet *p)
{
	size_t len = v->len;

	if (v->len < UDP_HEADER || v->cap < 6)
		return -EBADMSG;
	if (!p->more_fragments && v->len <= UINT16_MAX && load_be16(v->p + 4))
		len = load_be16(v->p + 4);
	if (len < UDP_HEADER || len > v->len)
		return -EBADMSG;
	take_ports(v, p);
	p->payload_bytes = (uint32_t)(len - UDP_HEADER);
	return 0;
}

static int decode_ports(const struct view *v, size_t header, struct packet *p)
{
	if (v->len < header || v->cap < 4)
		return -EBADMSG;
	take_ports(v, p);
	p->payload_bytes = (uint32_t)(v->len - header);
	return 0;
}

/* Messages with an id, and whether they answer. A ping socket is bound to its id as to a port. */
static const struct {
	uint8_t protocol, type;
	bool answer;
} icmp_ids[] = {
	{ IPPROTO_ICMP, 8, false }, { IPPROTO_ICMP, 0, true },		/* echo */
	{ IPPROTO_ICMPV6, 128, false }, { IPPROTO_ICMPV6, 129, true },
	{ IPPROTO_ICMP, 42, false }, { IPPROTO_ICMP, 43, true },	/* extended echo */
	{ IPPROTO_ICMPV6, 160, false }, { IPPROTO_ICMPV6, 161, true },
	{ IPPROTO_ICMP, 13, false }, { IPPROTO_ICMP, 14, true },	/* timestamp */
};

static int decode_icmp(const struct view *v, struct packet *p)
{
	if (v->len < ICMP_HEADER || v->cap < 6)
		return -EBADMSG;
	p->icmp_type = v->p[0];
	p->icmp_code = v->p[1];
	p->payload_bytes = (uint32_t)(v->len - ICMP_HEADER);
	for (size_t i = 0; i < ARRAY_SIZE(icmp_ids); i++) {
		if (icmp_ids[i].protocol != p->protocol || icmp_ids[i].type != p->icmp_type)
			continue;
		*(icmp_ids[i].answer ? &p->dst_port : &p->src_port) = load_be16(v->p + 4);
		p->has_ports = true;
		break;
	}
	return 0;
}

static int decode_transport(const struct view *v, struct packet *p)
{
	p->payload_bytes = (uint32_t)v->len;
	if (p->fragment_offset)
		return 0;
	switch (p->protocol) {
	case IPPROTO_TCP:
		return decode_tcp(v, p);
	case IPPROTO_UDP:
		return decode_udp(v, p);
	case IPPROTO_UDPLITE:	/* a checksum's coverage where UDP has the length */
		return decode_ports(v, UDP_HEADER, p);
	case IPPROTO_SCTP:
		return decode_ports(v, SCTP_HEADER, p);
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return decode_icmp(v, p);
	default:
		return 0;
	}
}

/* Network headers */

/* RFC 4302 counts words of four bytes, less two. */
static int skip_authentication(struct view *v, struct packet *p)
{
	if (v->cap < 2)
		return -EBADMSG;
	p->protocol = v->p[0];
	return view_skip(v, ((size_t)v->p[1] + 2) * 4) ? 0 : -EBADMSG;
}

static int decode_ipv4(struct view *v, struct packet *p)
{
	const uint8_t *h = v->p;
	size_t header, total;
	uint16_t fragment;
	int r;

	if (v->cap < IPV4_HEADER)
		return -EBADMSG;
	header = (size_t)(h[0] & 15) * 4;
	total = load_be16(h + 2);
	if (!total)
		total = v->len;
	if (h[0] >> 4 != 4 || header < IPV4_HEADER || total < header || !view_trim(v, total) ||
	    !view_skip(v, header))
		return -EBADMSG;

	p->family = AF_INET;
	p->protocol = h[9];
	p->l3_bytes = (uint32_t)total;
	memcpy(p->src, h + 12, 4);
	memcpy(p->dst, h + 16, 4);
	fragment = load_be16(h + 6);
	p->fragment_offset = (uint16_t)(fragment << 3);
	p->more_fragments = fragment & 0x2000;
	if (p->fragment_offset || p->more_fragments)
		p->fragment_id = load_be16(h + 4);

	while (p->protocol == IPPROTO_AH && !p->fragment_offset) {
		r = skip_authentication(v, p);
		if (r < 0)
			return r;
	}
	return decode_transport(v, p);
}

static int skip_fragment(struct view *v, struct packet *p)
{
	const uint8_t *h = v->p;
	uint16_t fragment;

	if (!view_skip(v, 8))
		return -EBADMSG;
	p->protocol = h[0];
	fragment = load_be16(h + 2);
	p->fragment_offset = fragment & 0xfff8;
	p->more_fragments = fragment & 1;
	p->fragment_id = p->fragment_offset || p->more_fragments ? load_be32(h + 4) : 0;
	return 0;
}

static int skip_options(struct view *v, struct packet *p)
{
	if (v->cap < 2)
		return -EBADMSG;
	p->protocol = v->p[0];
	return view_skip(v, ((size_t)v->p[1] + 1) * 8) ? 0 : -EBADMSG;
}

/* The chain needs no limit: each header takes at least eight bytes of what was captured. */
static int skip_extensions(struct view *v, struct packet *p)
{
	int r = 0;

	while (r == 0 && !p->fragment_offset) {
		switch (p->protocol) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
			r = skip_options(v, p);
			break;
		case IPPROTO_FRAGMENT:
			r = skip_fragment(v, p);
			break;
		case IPPROTO_AH:
			r = skip_authentication(v, p);
			break;
		default:
			return 0;
		}
	}
	return r;
}

static int decode_ipv6(struct view *v, struct packet *p)
{
	const uint8_t *h = v->p;
	size_t total;
	int r;

	if (v->cap < IPV6_HEADER)
		return -EBADMSG;
	total = IPV6_HEADER + (size_t)load_be16(h + 4);
	/* An empty one may be padded; all others would be empty without what they announce. */
	if (total == IPV6_HEADER && h[6] != IPPROTO_NONE)
		total = v->len;
	if (h[0] >> 4 != 6 || !view_trim(v, total) || !view_skip(v, IPV6_HEADER))
		return -EBADMSG;

	p->family = AF_INET6;
	p->protocol = h[6];
	p->l3_bytes = (uint32_t)total;
	memcpy(p->src, h + 8, 16);
	memcpy(p->dst, h + 24, 16);
	r = skip_extensions(v, p);
	return r < 0 ? r : decode_transport(v, p);
}

static int decode_network(int type, struct view *v, struct packet *p)
{
	switch (type) {
	case ETHER_IPV4:
		return decode_ipv4(v, p);
	case ETHER_IPV6:
		return decode_ipv6(v, p);
	default:
		return type < 0 ? type : 1;
	}
}

/*
 * To cooked sockets the kernel names what is behind all tags (vlan_get_protocol_dgram() of
 * af_packet.c, Linux 6.11 and stable ones), but it leaves tags that no hardware took off where they
 * were. So what is not the IP it should be may yet come behind tags that end in the same type.
 */
static int decode_behind_tags(const struct link_header *l, struct view *v, struct packet *ret)
{
	struct packet p = { 0 };
	int type = strip_vlans(v, l->strip(v, &p), &p);

	if (type <= 0 || strip_vlans(v, ETHER_VLAN, &p) != type)
		return -EBADMSG;
	*ret = p;
	return decode_network(type, v, ret);
}

bool packet_knows_link(int linktype)
{
	return find_link(linktype);
}

int packet_decode(int linktype, const void *buf, size_t caplen, size_t wirelen,
		  struct packet *ret)
{
	const struct link_header *l = find_link(linktype);
	struct view v = { buf, caplen, wirelen };
	struct packet p = { 0 };
	int type, r;

	if (!l)
		return -ENOTSUP;
	if (caplen > wirelen || (uint64_t)wirelen > UINT32_MAX)
		return -EBADMSG;
	type = strip_vlans(&v, l->strip(&v, &p), &p);
	r = decode_network(type, &v, &p);
	if (r == -EBADMSG && l->cooked) {
		v = (struct view){ buf, caplen, wirelen };
		r = decode_behind_tags(l, &v, &p);
	}
	if (r != 0)
		return r;
	*ret = p;
	return 0;
}

void packet_flow(const struct packet *p, struct packet_flow *ret, bool *ret_swapped)
{
	int order = memcmp(p->src, p->dst, sizeof(p->src));
	bool swapped = order > 0 || (order == 0 && p->src_port > p->dst_port);
	struct packet_end *src = swapped ? &ret->high : &ret->low;
	struct packet_end *dst = swapped ? &ret->low : &ret->high;

	memcpy(src->address, p->src, sizeof(src->address));
	memcpy(dst->address, p->dst, sizeof(dst->address));
	src->port = p->src_port;
	dst->port = p->dst_port;
	ret->family = p->family;
	ret->protocol = p->protocol;
	*ret_swapped = swapped;
}

static inline uint64_t fold(uint64_t h, uint64_t word)
{
	h = (h ^ word) * UINT64_C(0xff51afd7ed558ccd);
	return h ^ h >> 32;
}

/* Field by field, as they were just stored: a load across two stores waits for both. */
uint64_t packet_flow_hash(const struct packet_flow *f, uint64_t seed)
{
	uint64_t rest = (uint64_t)f->low.port << 32 | (uint64_t)f->high.port << 16 |
			(uint64_t)f->family << 8 | f->protocol;
	uint64_t h = seed ^ UINT64_C(0x9e3779b97f4a7c15);

	h = fold(h, load_u64(f->low.address));
	h = fold(h, load_u64(f->low.address + 8));
	h = fold(h, load_u64(f->high.address));
	h = fold(h, load_u64(f->high.address + 8));
	h = fold(h, rest);
	/* As MurmurHash3 ends. */
	h *= UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}
