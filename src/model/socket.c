/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "socket.h"

#include <stdlib.h>
#include <string.h>

#include "process.h"
#include "traffic.h"
#include "util/macro.h"

#define GONE_NS NSEC_PER_SEC

static struct socket *of_node(struct hash_node *node)
{
	return node ? CONTAINER_OF(node, struct socket, node) : NULL;
}

static struct port *of_port(struct hash_node *node)
{
	return node ? CONTAINER_OF(node, struct port, by_port) : NULL;
}

int sockets_init(struct sockets *t)
{
	int error;

	*t = (struct sockets){ 0 };
	list_init(&t->order);
	list_init(&t->ports);
	list_init(&t->gone);
	error = hash_init(&t->by_address, SOCKETS_MAX);
	if (error == 0)
		error = hash_init(&t->by_port, SOCKETS_MAX);
	if (error == 0)
		error = hash_init(&t->by_name, SOCKETS_MAX);
	return error < 0 ? error : hash_init(&t->by_inode, SOCKETS_MAX);
}

void sockets_finish(struct sockets *t)
{
	if (!t->order.next)
		return;
	while (!list_empty(&t->order))
		socket_free(t, CONTAINER_OF(t->order.next, struct socket, order));
	while (!list_empty(&t->ports))
		port_free(t, CONTAINER_OF(t->ports.next, struct port, order));
	while (!list_empty(&t->gone))
		port_free(t, CONTAINER_OF(t->gone.next, struct port, order));
	hash_finish(&t->by_address);
	hash_finish(&t->by_port);
	hash_finish(&t->by_name);
	hash_finish(&t->by_inode);
	*t = (struct sockets){ 0 };
}

/* Slabs are aligned: without its low bits the address spreads better. */
static uint64_t key_of_address(uint64_t address)
{
	return address >> 6;
}

struct socket *socket_find(const struct sockets *t, uint64_t address)
{
	return of_node(hash_find(&t->by_address, key_of_address(address)));
}

void socket_free(struct sockets *t, struct socket *s)
{
	hash_remove(&t->by_address, &s->node);
	list_remove(&s->order);
	free(s);
}

struct socket *socket_new(struct sockets *t, uint64_t address)
{
	struct socket *s = socket_find(t, address);

	if (s)
		socket_free(t, s);
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	while (hash_insert(&t->by_address, &s->node, key_of_address(address)) < 0) {
		socket_free(t, CONTAINER_OF(t->order.next, struct socket, order));
		t->evicted++;
	}
	list_append(&t->order, &s->order);
	return s;
}

static uint64_t key_of_port(uint8_t protocol, uint16_t port)
{
	return (uint64_t)protocol << 16 | port;
}

static struct hash *hash_of(struct sockets *t, const struct port *p)
{
	return p->is_connected ? &t->by_name : &t->by_port;
}

void port_free(struct sockets *t, struct port *p)
{
	hash_remove(hash_of(t, p), &p->by_port);
	if (p->inode) {
		hash_remove(&t->by_inode, &p->by_inode);
		t->unowned -= !p->owner;
	}
	list_remove(&p->order);
	traffic_unref(p->owner);
	free(p);
}

static void make_room(struct sockets *t)
{
	struct list *from = list_empty(&t->gone) ? &t->ports : &t->gone;

	port_free(t, CONTAINER_OF(from->next, struct port, order));
	t->evicted++;
}

struct port *port_new(struct sockets *t, uint32_t netns, uint8_t protocol, uint16_t port,
		      uint32_t inode, const struct packet_flow *name, unsigned int end)
{
	struct port *p = inode ? port_find_inode(t, inode) : NULL;

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->netns = netns;
	p->protocol = protocol;
	p->port = port;
	if (name) {
		p->is_connected = true;
		p->name = *name;
		p->end = (uint8_t)end;
	}
	while (hash_insert(hash_of(t, p), &p->by_port,
			   name ? packet_flow_hash(name, netns) : key_of_port(protocol, port)) < 0)
		make_room(t);
	while (inode && hash_insert(&t->by_inode, &p->by_inode, inode) < 0)
		make_room(t);
	p->inode = inode;
	t->unowned += inode != 0;
	list_append(&t->ports, &p->order);
	return p;
}

bool port_own(struct sockets *t, struct port *p, struct traffic *owner)
{
	if (owner == p->owner)
		return false;
	if (p->owner && (!p->owner->process || p->owner->process->dead)) {
		p->owner = traffic_unref(p->owner);
		p->owners = 0;
		t->unowned += p->inode != 0;
	}
	p->owners++;
	if (p->owner)
		return false;
	p->owner = traffic_ref(owner);
	t->unowned -= p->inode != 0;
	return true;
}

void port_end(struct sockets *t, struct port *p, uint64_t time_ns)
{
	if (!p->gone_ns) {
		p->gone_ns = time_ns;
		list_remove(&p->order);
		list_append(&t->gone, &p->order);
	}
	while (!list_empty(&t->gone)) {
		struct port *oldest = CONTAINER_OF(t->gone.next, struct port, order);

		if (oldest->gone_ns + GONE_NS > time_ns)
			break;
		port_free(t, oldest);
	}
}

/* Who had it is gone: another one at that port is who is there. */
static bool is_orphan(const struct port *p, uint64_t time_ns)
{
	const struct process *owner = p->owner ? p->owner->process : NULL;

	return p->owner && (!owner || (owner->dead && owner->pub.end_ns < time_ns));
}

struct port *port_find(const struct sockets *t, uint32_t netns, uint8_t protocol, uint16_t port,
		       uint64_t time_ns)
{
	struct hash_node *node = hash_find(&t->by_port, key_of_port(protocol, port));
	struct port *found = NULL;

	for (; node; node = hash_find_next(node)) {
		struct port *p = of_port(node);

		if ((netns && p->netns != netns) || (p->gone_ns && time_ns > p->gone_ns) ||
		    is_orphan(p, time_ns))
			continue;
		if (found && (found->owner != p->owner || found->netns != p->netns))
			return NULL;
		found = p;
	}
	return found;
}

struct port *port_find_cookie(const struct sockets *t, uint8_t protocol, uint16_t port,
			      uint64_t cookie)
{
	struct port *p = of_port(hash_find(&t->by_port, key_of_port(protocol, port)));

	while (p && !(p->inode && p->cookie == cookie))
		p = of_port(hash_find_next(&p->by_port));
	return p;
}

struct port *port_find_address(const struct sockets *t, uint8_t protocol, uint16_t port,
			       uint64_t address)
{
	struct port *p = of_port(hash_find(&t->by_port, key_of_port(protocol, port)));

	while (p && p->address != address)
		p = of_port(hash_find_next(&p->by_port));
	return p;
}

struct port *port_find_name(const struct sockets *t, uint32_t netns,
			    const struct packet_flow *name, unsigned int end)
{
	struct port *p = of_port(hash_find(&t->by_name, packet_flow_hash(name, netns)));

	while (p && !(p->netns == netns && p->end == end &&
		      !memcmp(&p->name, name, sizeof(*name))))
		p = of_port(hash_find_next(&p->by_port));
	return p;
}

struct port *port_find_inode(const struct sockets *t, uint32_t inode)
{
	struct hash_node *node = hash_find(&t->by_inode, inode);

	return node ? CONTAINER_OF(node, struct port, by_inode) : NULL;
}
