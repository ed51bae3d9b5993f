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

#include <net/if.h>
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
	bool is_found;		/* else it was not there: it counts */
	uint8_t rule;		/* enum device_rule */
	uint8_t address[6];	/* DEVICE_SHARED; all 0: not known */
	uint64_t read_ns;	/* when, or when it was tried */
};

/* What a device is called now; false: there is none. */
typedef bool (*device_name_fn)(void *data, uint32_t ifindex, char ret[IF_NAMESIZE]);

/* Those whose packets came. */
struct devices {
	bool is_open;
	int root;		/* -errno: there is none, all count */
	device_name_fn name;
	void *data;
	struct device *table;	/* by ifindex */
	size_t n, room;
	uint64_t window_ns;	/* since when readings are counted */
	unsigned int readings;
};

/*
 * A descriptor of the calling thread's network namespace as a directory like /sys/class/net, or
 * -errno. own: it is the one that pevent runs in: before Linux 5.2, and without CAP_SYS_ADMIN, it
 * is that path itself, which shows the namespace it was mounted in; there is nothing of others.
 */
int devices_open_root(bool own);
/* data: an int, the descriptor of any socket of the namespace. */
bool devices_ask_name(void *data, uint32_t ifindex, char ret[IF_NAMESIZE]);
/* root: as above, taken over. */
void devices_init(struct devices *d, int root, device_name_fn name, void *data);
void devices_finish(struct devices *d);		/* accepts zeroed */

/*
 * Whether what was seen of a packet at this device is seen at another. outgoing, other: as the link
 * header has it; source: its address, or NULL. now_ns may go back a little from call to call. Reads
 * what it does not know, and what it has known for 2 s: some 30 us for a device, and no more than
 * 10 of them in 20 ms: what there is no time for counts, or as it did.
 */
bool devices_skip(struct devices *d, uint32_t ifindex, bool outgoing, bool other,
		  const uint8_t source[6], uint64_t now_ns);

#endif
