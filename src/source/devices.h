/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which devices of "any" show a packet once more, as /sys/class/net tells it. A packet counts at
 * the uppermost device that it passes, the one with the addresses:
 *
 *	ports of a bridge, a bond, a team, Open vSwitch	not at them: at their master, which sees
 *		what is for this host once more; what it only forwards is no socket's here
 *	devices of a VRF	at them: the VRF shows but what stays within it
 *	below VLANs	their own packets; tagged ones are the VLAN's (capture.c drops them by tag)
 *	below macvlans	their own packets, told by the link address
 *	below tunnels (vxlan, gre, wireguard, tun)	all: outside and inside are different flows
 *	macsec, PPPoE, DSA	all: below them it is not IP
 *	below ipvlans	all, and so twice: there is nothing to tell them by
 */
#ifndef SOURCE_DEVICES_H
#define SOURCE_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum device_rule {
	DEVICE_COUNTS,
	DEVICE_BELOW,		/* a port of another: nothing counts here */
	DEVICE_SHARED,		/* only packets that are its own */
};

struct device {
	uint32_t ifindex;
	uint8_t rule;		/* enum device_rule */
	uint8_t address[6];	/* DEVICE_SHARED; all 0: not known */
};

struct devices {
	bool is_open;
	int root;
	struct device *table;	/* by ifindex */
	size_t n, room;
	bool is_read;
	uint64_t read_ns;	/* when, or when it was tried */
};

/*
 * A descriptor of the calling thread's network namespace as a directory like /sys/class/net, or
 * -errno. That path itself shows the namespace it was mounted in; before Linux 5.2 and without
 * CAP_SYS_ADMIN there is nothing else.
 */
int devices_open_root(void);
/* root: as above, taken over. Tables of up to 65,536 devices. */
void devices_init(struct devices *d, int root);
void devices_finish(struct devices *d);		/* accepts zeroed */
/* Reads all devices again. 0 or -errno: then what was known stays. */
int devices_read(struct devices *d, uint64_t now_ns);

/*
 * Whether what was seen of a packet at this device is seen at another. outgoing, other: as the link
 * header has it; source: its address, or NULL. now_ns may go back a little from call to call; reads
 * anew after 2 s, and for devices not known, at most ten times a second.
 */
bool devices_skip(struct devices *d, uint32_t ifindex, bool outgoing, bool other,
		  const uint8_t source[6], uint64_t now_ns);

#endif
