/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "space.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/clock.h"
#include "util/macro.h"

#define PACKETS_MAX 65536	/* of one drain */
#define NOTICES_MAX 65536
#define DISORDER_NS NSEC_PER_MSEC	/* of two CPUs that write into one ring */

#define TELL_NS NSEC_PER_MSEC	/* a call; some 800 sockets */

#define TCP_NEW_SYN_RECV 12	/* include/net/tcp_states.h of Linux */

/* Half-open ones and those that rest have no owner; TIME_WAIT's have another cookie, too. */
#define STATES (~(1u << TCP_TIME_WAIT | 1u << TCP_SYN_RECV | 1u << TCP_NEW_SYN_RECV))

static const struct clock real;

static void tell_notices(const struct log *log, int error)
{
	log_warning(log, "socket notices: %s%s: what connections carried is known from packets "
		    "alone", strerror(-error),
		    error == -EPERM || error == -EACCES ? " (needs CAP_NET_ADMIN)" : "");
}

static int open_all(struct space *s, const struct space_options *options, const struct log *log)
{
	struct capture_options capture = {
		.buffer = options->ring, .interface = options->interface,
		.tells_missing = options->is_own,
	};

	if (!options->interface) {
		devices_init(&s->devices, devices_open_root(options->is_own), devices_ask_name,
			     &s->capture.fd);
		capture.devices = &s->devices;
	}
	s->capture_error = capture_open(&s->capture, &capture, log);
	if (s->capture_error == -EINVAL)
		return s->capture_error;
	s->diag_error = diag_open(&s->diag, options->notices);
	if (s->diag_error < 0)
		tell_notices(log, s->diag_error);
	return 0;
}

int space_new(struct space **ret, uint32_t netns, const struct space_options *options,
	      const struct log *log)
{
	struct space *s = calloc(1, sizeof(*s));
	int error;

	if (!s)
		return -ENOMEM;
	s->netns = netns;
	s->log = log;
	s->capture.fd = -1;
	error = open_all(s, options, log);
	if (error < 0) {
		space_free(s);
		return error;
	}
	*ret = s;
	return 0;
}

struct space *space_free(struct space *s)
{
	if (!s)
		return NULL;
	capture_close(&s->capture);
	devices_finish(&s->devices);
	diag_close(&s->diag);
	free(s);
	return NULL;
}

/* Whom a drain is for. */
struct drain {
	struct space *space;
	const struct network_fns *fns;
	void *data;
	uint64_t last_ns;
};

static void take_packet(void *data, const struct packet *p, uint64_t time_ns,
			_unused_ const void *raw, _unused_ size_t caplen, _unused_ size_t wirelen)
{
	struct drain *d = data;

	d->last_ns = time_ns;
	d->fns->packet(d->data, d->space->netns, p, time_ns);
}

void space_drain_packets(struct space *s, const struct network_fns *fns, void *data,
			 uint64_t *until_ns)
{
	struct drain d = { s, fns, data, UINT64_MAX };
	int n;

	s->has_more = false;
	if (s->capture.fd < 0)
		return;
	n = capture_drain(&s->capture, PACKETS_MAX, take_packet, &d);
	s->has_more = n == PACKETS_MAX;
	if (n < 0)
		s->capture_error = n;
	else if (n == PACKETS_MAX && d.last_ns != UINT64_MAX)
		*until_ns = MIN(*until_ns, d.last_ns - MIN(d.last_ns, DISORDER_NS));
}

static void take_notice(void *data, const struct inet_diag_socket *socket)
{
	struct drain *d = data;

	d->fns->destroyed(d->data, d->space->netns, socket, clock_now(&real));
}

void space_drain_notices(struct space *s, const struct network_fns *fns, void *data)
{
	struct drain d = { s, fns, data, 0 };
	int n;

	if (!s->diag.is_open || s->diag.notices < 0)
		return;
	n = diag_drain(&s->diag, NOTICES_MAX, take_notice, &d);
	s->has_more = s->has_more || n >= NOTICES_MAX;
	if (n >= 0)
		return;
	s->diag_error = n;
	diag_close(&s->diag);
	tell_notices(s->log, n);
	/* It is not known how many. */
	fns->lost(data, 1);
}

static void take_existing(void *data, const struct inet_diag_socket *socket)
{
	struct drain *d = data;

	d->fns->existing(d->data, d->space->netns, socket);
}

static int ask(struct space *s)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	const uint8_t protocol = protocols[s->question / ARRAY_SIZE(families)];

	return diag_ask_all(&s->diag, families[s->question % ARRAY_SIZE(families)], protocol,
			    s->is_known && protocol == IPPROTO_TCP ? 1u << TCP_LISTEN : STATES);
}

void space_ask_existing(struct space *s)
{
	if (s->question < SPACE_QUESTIONS)
		s->asks_again = true;
	else
		s->question = 0;
}

/* A kernel that has one of the protocols alone answers for that one. */
void space_tell_existing(struct space *s, const struct network_fns *fns, void *data)
{
	struct drain d = { s, fns, data, 0 };
	const uint64_t begin_ns = clock_now(&real);

	while (s->diag.is_open && s->question < SPACE_QUESTIONS &&
	       clock_now(&real) < begin_ns + TELL_NS) {
		if (s->diag.is_dumping)
			(void)diag_take_some(&s->diag, take_existing, &d);
		else
			(void)ask(s);
		if (!s->diag.is_dumping)
			s->question++;
		if (s->question < SPACE_QUESTIONS)
			continue;
		s->is_known = true;
		s->question = s->asks_again ? 0 : SPACE_QUESTIONS;
		s->asks_again = false;
	}
}

void space_drops(struct space *s)
{
	if (s->capture.fd >= 0)
		(void)capture_drops(&s->capture, &s->drops);
	if (s->diag.is_open)
		(void)diag_drops(&s->diag, &s->notices_lost);
}
