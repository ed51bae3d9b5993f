/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What net.c, net_serve.c and net_cases.c share: what clients ask of servers, and the truth. */
#ifndef LIVE_NET_H
#define LIVE_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { NET_MAGIC = 0x70457631, NET_PAUSE_MS = 300, NET_BLOCK = 1 << 16 };

/* What the server does with a request. All but PLAIN are the last of their connection. */
enum net_how {
	NET_PLAIN,	/* take all, give all; the client closes first */
	NET_FIRST,	/* the same, but the server closes at once */
	NET_EOF,	/* take what comes until its end, then give */
	NET_HALF,	/* give, shut down sending, take what comes until its end */
	NET_UNREAD,	/* wait for all, close without reading it: RST */
	NET_STALL,	/* after a pause: take what comes until its end */
	NET_LINGER,	/* as PLAIN, but close only after a pause */
	NET_HOW_COUNT
};

/* First bytes of what a client sends; they are part of its `up`. UDP: of each datagram. */
struct net_request {
	uint32_t magic, how;
	uint32_t up, down;	/* bytes to the server, and back */
};

union net_address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

struct net_options {
	const char *out;		/* file of the truth */
	unsigned int n, workers, keep_ms, gap_ms;
	uint32_t up, down;
	bool datagrams, connected;	/* UDP; and connect(2) it first */
	bool fork;			/* serve: each connection in a process of its own */
	union net_address address;	/* of the server */
	socklen_t address_size;
	uint16_t closed_port;		/* nobody listens there */
};

extern struct net_options net_options;
extern const char net_zeros[NET_BLOCK];

_Noreturn void net_die(const char *what);
/* One line of the truth: what this process did with a socket. */
void net_truth(const char *what, int fd, uint64_t sent, uint64_t received);
/* Of a socket that may have lost its peer by now. */
void net_truth_with(const char *what, int fd, uint16_t peer, uint64_t sent, uint64_t received);
/* Port of the other end; 0: it has none, any more. */
uint16_t net_peer(int fd);
/* Connected to the server, or to its closed port. type: SOCK_STREAM, SOCK_DGRAM. Dies on error. */
int net_dial(int type);
void net_ask(int fd, enum net_how how, uint32_t up, uint32_t down);
void net_give(int fd, uint64_t bytes);
void net_take(int fd, uint64_t bytes);
/* Until the other end's end, or its reset; how many. */
uint64_t net_drain(int fd);
void net_wait_readable(int fd, int bytes);
void net_sleep_ms(unsigned int ms);
uint16_t net_port(const union net_address *a);
void net_set_port(union net_address *a, uint16_t port);

/* Until SIGTERM; until every worker is done. Their exit status. */
int net_serve(void);
int net_prefork(void);
/* Each named case in a process of its own; 0, or 1 when one failed. */
int net_cases(char **names);

#endif
