/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The process connector's socket: subscription, draining, loss, and the way out.
 *
 * The kernel counts subscribers but not closed sockets: one that closes without IGNORE makes every
 * fork on the machine pay for nobody, forever. Closing here withdraws; a guard process does it when
 * this one is killed.
 */
#ifndef SOURCE_CONNECTOR_H
#define SOURCE_CONNECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard.h"
#include "util/log.h"
#include "wire/cn.h"

struct nl_sock;

struct connector {
	struct nl_sock *sock;
	int fd;			/* of sock */
	uint32_t port;
	uint32_t buffer;	/* bytes the kernel granted (twice what was asked) */
	uint32_t seq;
	uint8_t *slots;		/* where messages are read to */
	bool listening;
	struct guard guard;
	uint64_t foreign;	/* messages that did not come from the kernel: dropped */
	uint64_t malformed;
	const struct log *log;
};

struct connector_options {
	uint32_t buffer;	/* bytes to ask for */
	bool guard;
};

/* Each datagram from the kernel, decoded and as it came. */
typedef void (*connector_fn)(void *data, const struct cn_event *ev, const void *raw, size_t len);

/* -ENOTSUP, logged: in this user or pid namespace nothing would be told. */
int connector_check(const struct log *log);
/*
 * Opens, subscribes, waits for the acknowledgement. Errors are logged with their cure: -EPERM,
 * -EPROTONOSUPPORT (no connector), -ENOTSUP (namespace, kernel option). What arrives before the
 * acknowledgement is given to fn, as by connector_drain().
 */
int connector_open(struct connector *c, const struct connector_options *options,
		   const struct log *log, connector_fn fn, void *data);
/* Withdraws and closes; accepts zeroed. Messages that wait are lost: drain before. */
void connector_close(struct connector *c);
/* Withdraws but keeps what waits readable. */
void connector_ignore(struct connector *c);

/* Reads what waits, at most `max` messages; returns how many, or -errno (never -EAGAIN). */
int connector_drain(struct connector *c, unsigned int max, connector_fn fn, void *data);

/*
 * A socket that takes EXEC of a range of CPUs and nothing else, for exec readers. It does not
 * subscribe: it lives on another's subscription. Blocking. Returns the descriptor or -errno.
 */
int connector_open_exec(uint32_t cpu_first, uint32_t cpu_last, uint32_t buffer,
			struct nl_sock **ret_sock);

/*
 * Forks a child that ends at once, with no signal to anybody, and reaps it: something must then
 * come from the sources. Returns its pid or -errno.
 */
int connector_probe(void);

#endif
