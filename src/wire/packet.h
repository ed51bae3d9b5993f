/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captured packets, from their link header to their ports: as much as it takes to count them for a
 * socket. Tunnels are not looked into, the device at their end shows what they carry.
 */
#ifndef WIRE_PACKET_H
#define WIRE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Numbers of pcap_datalink() and of capture files, which differ for raw IP alone. */
enum packet_linktype {
	PACKET_LINK_NULL = 0,
	PACKET_LINK_ETHERNET = 1,
	PACKET_LINK_RAW = 12,		/* DLT_RAW */
	PACKET_LINK_RAW_OPENBSD = 14,
	PACKET_LINK_RAW_FILE = 101,	/* LINKTYPE_RAW */
	PACKET_LINK_LOOP = 108,
	PACKET_LINK_SLL = 113,		/* "any", and devices with no link header to speak of */
	PACKET_LINK_IPV4 = 228,
	PACKET_LINK_IPV6 = 229,
	PACKET_LINK_SLL2 = 276,		/* the same with the interface */
};

enum packet_direction {
	PACKET_DIRECTION_UNKNOWN,	/* only SLL and SLL2 tell */
	PACKET_INCOMING,		/* to this host, to all, to a group */
	PACKET_OUTGOING,
	PACKET_OTHER,			/* seen on its way between others */
};

enum packet_tcp_flag {
	PACKET_TCP_FIN = 0x01,
	PACKET_TCP_SYN = 0x02,
	PACKET_TCP_RST = 0x04,
	PACKET_TCP_PSH = 0x08,
	PACKET_TCP_ACK = 0x10,
	PACKET_TCP_URG = 0x20,
};

/* No padding, so that two of them can be compared as bytes. */
struct packet {
	uint8_t src[16], dst[16];	/* IPv4: the first four, the others 0 */
	uint32_t l3_bytes;	/* from the IP header to the end of its payload */
	uint32_t payload_bytes;	/* behind the transport header, captured or not */
	uint32_t seq, ack;	/* TCP */
	uint32_t fragment_id;	/* 0 when it is none */
	uint32_t ifindex;	/* SLL2; SLL: of loopback alone, which is 1; 0: unknown */
	uint16_t src_port, dst_port;	/* host order; an echo's id stands at who asked */
	uint16_t fragment_offset;	/* bytes; not 0: a later fragment, with no ports */
	uint16_t vlan;		/* id of the innermost tag that has one; 0: none */
	bool more_fragments;	/* with offset 0: the first fragment, which has the ports */
	bool has_ports;
	uint8_t family;		/* AF_INET, AF_INET6 */
	uint8_t protocol;	/* IPPROTO_, behind the extension headers that are known */
	uint8_t tcp_flags;	/* enum packet_tcp_flag */
	uint8_t icmp_type, icmp_code;
	uint8_t direction;	/* enum packet_direction */
};

/* Whether packet_decode() knows headers of this kind. */
bool packet_knows_link(int linktype);

/*
 * The first caplen bytes of a packet that had wirelen. 1: not IP; -EBADMSG: what is said here was
 * not captured or the lengths contradict each other, so that the kernel drops it, too; -ENOTSUP:
 * link type not known.
 *
 * Lengths are those of the IP header, without the padding of the link. Where it says 0, the packet
 * is one that will be segmented later and may exceed 64 KB: then it is all that was on the wire.
 *
 * The payload of a fragment is its share: the sum over all fragments is the datagram's. Fragments
 * belong together by family, src, dst and fragment_id, in IPv4 also protocol; the protocol of a
 * later one in IPv6 may be that of an extension header, so the first one's counts.
 *
 * Payload is what follows 8 bytes of UDP, UDP-Lite and ICMP, 12 of SCTP, TCP's options, and the IP
 * header itself in other protocols.
 */
int packet_decode(int linktype, const void *buf, size_t caplen, size_t wirelen,
		  struct packet *ret);

struct packet_end {
	uint8_t address[16];
	uint16_t port;		/* 0 where there are none */
};

/* The same for both directions. No padding: to be compared and copied as bytes. */
struct packet_flow {
	struct packet_end low, high;	/* by address, then by port */
	uint8_t family, protocol;
};

/*
 * *ret_swapped: the packet goes from high to low. A socket connected to itself has equal ends, and
 * its packets go from low to high. Not of use for a later fragment: it has no ports.
 */
void packet_flow(const struct packet *p, struct packet_flow *ret, bool *ret_swapped);

/* All 64 bits are good. Remote hosts choose ports: a random seed hides which ones would collide. */
uint64_t packet_flow_hash(const struct packet_flow *f, uint64_t seed);

#endif
