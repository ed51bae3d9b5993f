/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "space.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/macro.h"

#define PACKETS_MAX 65536	/* of one drain */
#define NOTICES_MAX 65536
#define DISORDER_NS NSEC_PER_MSEC	/* of two CPUs that write into one ring */

#define TCP_NEW_SYN_RECV 12	/* include/net/tcp_states.h of Linux */

/* Half-open ones and those that rest have no owner; TIME_WAIT's have another cookie, too. */
#define STATES (~(1u << TCP_TIME_WAIT | 1u << TCP_SYN_RECV | 1u << TCP_NEW_SYN_RECV))

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
		.must_exist = options->must_exist,
	};

	if (!options->interface) {
		devices_init(&s->devices, devices_open_root());
		capture.devices = &s->devices;
	}
	s->capture_error = capture_open(&s->capture, &capture, log);
	if (s->capture_error == -ENODEV || s->capture_error == -EINVAL)
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

	if (s->capture.fd < 0)
		return;
	n = capture_drain(&s->capture, PACKETS_MAX, take_packet, &d);
	if (n < 0)
		s->capture_error = n;
	else if (n == PACKETS_MAX && d.last_ns != UINT64_MAX)
		*until_ns = MIN(*until_ns, d.last_ns - MIN(d.last_ns, DISORDER_NS));
}

static void take_notice(void *data, const struct inet_diag_socket *socket)
{
	struct drain *d = data;

	d->fns->destroyed(d->data, d->space->netns, socket);
}

void space_drain_notices(struct space *s, const struct network_fns *fns, void *data)
{
	struct drain d = { s, fns, data, 0 };
	int n;

	if (!s->diag.is_open || s->diag.notices < 0)
		return;
	n = diag_drain(&s->diag, NOTICES_MAX, take_notice, &d);
	if (n < 0) {
		s->diag_error = n;
		diag_close(&s->diag);
	}
}

static void take_existing(void *data, const struct inet_diag_socket *socket)
{
	struct drain *d = data;

	d->fns->existing(d->data, d->space->netns, socket);
}

/* A kernel that has one of the protocols alone answers for that one. */
void space_tell_existing(struct space *s, const struct network_fns *fns, void *data)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct drain d = { s, fns, data, 0 };

	if (s->is_told || !s->diag.is_open)
		return;
	s->is_told = true;
	for (size_t p = 0; p < ARRAY_SIZE(protocols); p++)
		for (size_t f = 0; f < ARRAY_SIZE(families); f++)
			(void)diag_dump(&s->diag, families[f], protocols[p], STATES, take_existing,
					&d);
}

void space_drops(struct space *s)
{
	if (s->capture.fd >= 0)
		(void)capture_drops(&s->capture, &s->drops);
	if (s->diag.is_open)
		(void)diag_drops(&s->diag, &s->notices_lost);
}
