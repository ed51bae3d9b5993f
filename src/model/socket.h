/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets while they live: those the kernel's tracepoints tell of, by the address of its struct
 * sock; those that were there before, by their inode; and who waits at which port.
 */
#ifndef MODEL_SOCKET_H
#define MODEL_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "util/hash.h"
#include "util/list.h"
#include "wire/packet.h"

#define SOCKETS_MAX (1u << 16)	/* of each kind; beyond it the oldest gives way */

struct traffic;

/* TCP, from its first change of state that was told to its last. */
struct socket {
	struct hash_node node;	/* key: address */
	struct list order;	/* oldest first */
	struct packet_flow name;	/* where has_name */
	uint64_t opened_ns;	/* 0: before it was told of */
	int32_t pid;		/* whose it is, as far as it is known; 0 */
	uint32_t netns;		/* where is_bound */
	uint8_t role;		/* enum pevent_role */
	uint8_t end;		/* of the flow: 1: the high one */
	bool has_name, is_bound;
	bool was_told;		/* CONN has been */
};

/* Listens, waits for datagrams, or is connected and was there already. */
struct port {
	struct hash_node by_port;	/* key: protocol and port; connected: hash of name */
	struct hash_node by_inode;
	struct list order;
	uint64_t address;	/* 0: not known */
	uint32_t inode;		/* 0: not known */
	uint64_t cookie;	/* of the kernel's dump, where the inode is known */
	uint32_t netns;
	struct packet_flow name;	/* where is_connected */
	uint8_t end;
	uint8_t protocol;
	uint16_t port;		/* local */
	bool is_connected;
	uint64_t told_ns;	/* when it was there */
	uint64_t gone_ns;	/* kept for packets that were sent before; 0: it is there */
	struct traffic *owner;	/* referenced: the first that was found; NULL: none yet */
	unsigned int owners;
};

struct sockets {
	struct hash by_address, by_port, by_name, by_inode;
	struct list order, ports, gone;	/* gone: ports, by that time */
	uint64_t evicted;
	size_t unowned;		/* ports with an inode and no owner: descriptors are looked at */
};

int sockets_init(struct sockets *t);
void sockets_finish(struct sockets *t);	/* accepts zeroed */

struct socket *socket_find(const struct sockets *t, uint64_t address);
/* In place of one of that address, whose end was not told. NULL: no memory. */
struct socket *socket_new(struct sockets *t, uint64_t address);
void socket_free(struct sockets *t, struct socket *s);

/* name, of which end: it is connected; or NULL. The known one of that inode. NULL: no memory. */
struct port *port_new(struct sockets *t, uint32_t netns, uint8_t protocol, uint16_t port,
		      uint32_t inode, const struct packet_flow *name, unsigned int end);
void port_free(struct sockets *t, struct port *p);
/* Somebody has it open. True: the first one, or in place of one that is dead. */
bool port_own(struct sockets *t, struct port *p, struct traffic *owner);
/* It is gone; forgotten a second later. */
void port_end(struct sockets *t, struct port *p, uint64_t time_ns);
/*
 * One that listened or was unconnected then, at a local port; netns 0: of all. NULL: there is
 * none, or there are several that are not of one owner and namespace.
 */
struct port *port_find(const struct sockets *t, uint32_t netns, uint8_t protocol, uint16_t port,
		       uint64_t time_ns);
/* The one of that cookie. */
struct port *port_find_cookie(const struct sockets *t, uint8_t protocol, uint16_t port,
			      uint64_t cookie);
struct port *port_find_address(const struct sockets *t, uint8_t protocol, uint16_t port,
			       uint64_t address);
/* The connected one. */
struct port *port_find_name(const struct sockets *t, uint32_t netns,
			    const struct packet_flow *name, unsigned int end);
struct port *port_find_inode(const struct sockets *t, uint32_t inode);

#endif
