/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "owner_space.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "owner_scan.h"
#include "util/macro.h"

int owner_space_open(struct owner_space *s, uint32_t netns)
{
	int error;

	*s = (struct owner_space){ .netns = netns };
	s->route = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (s->route < 0)
		return -errno;
	error = diag_open(&s->diag, 0);
	if (error == 0)
		error = owner_mutex_init(&s->lock);
	if (error < 0) {
		diag_close(&s->diag);
		close(s->route);
		return error;
	}
	s->is_open = true;
	return 0;
}

void owner_space_close(struct owner_space *s)
{
	if (!s->is_open)
		return;
	diag_close(&s->diag);
	close(s->route);
	pthread_mutex_destroy(&s->lock);
	s->is_open = false;
}

/* How the kernel would send to it: to itself, when it is an address of this namespace. */
struct route_request {
	struct nlmsghdr head;
	struct rtmsg route;
	struct rtattr attr;
	uint8_t address[16];
};

struct route_answer {
	struct nlmsghdr head;
	struct rtmsg route;
	uint8_t rest[256];
};

static bool is_local(struct owner_space *s, uint8_t family, const uint8_t *address)
{
	const uint8_t size = family == AF_INET6 ? 16 : 4;
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct route_request request = {
		.head = { .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST },
		.route = { .rtm_family = family, .rtm_dst_len = (uint8_t)(size * 8) },
		.attr = { .rta_type = RTA_DST, .rta_len = (uint16_t)RTA_LENGTH(size) },
	};
	struct route_answer answer = { 0 };
	ssize_t n;

	memcpy(request.address, address, size);
	request.head.nlmsg_seq = ++s->seq;
	request.head.nlmsg_len = (uint32_t)(offsetof(struct route_request, address) + size);
	if (sendto(s->route, &request, request.head.nlmsg_len, MSG_NOSIGNAL,
		   (struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return false;
	/* Answered before sendto(2) returned; what is older has another number. */
	do
		n = recv(s->route, &answer, sizeof(answer), 0);
	while ((n > 0 && answer.head.nlmsg_seq != s->seq) || (n < 0 && errno == EINTR));
	return n >= (ssize_t)offsetof(struct route_answer, rest) &&
	       answer.head.nlmsg_type == RTM_NEWROUTE && answer.route.rtm_type == RTN_LOCAL;
}

static const uint8_t any[16];

/* The kernel also answers with a listener, or with who would get what comes to that port. */
static int check(struct owner_space *s, const struct inet_diag_id *id,
		 const struct inet_diag_socket *found)
{
	if (found->id.local_port != id->local_port)
		return -ENOENT;
	if (id->protocol == IPPROTO_TCP)
		return found->state == TCP_LISTEN || found->id.remote_port != id->remote_port ?
		       -ENOENT : 0;
	if (found->id.remote_port && found->id.remote_port != id->remote_port)
		return -ENOENT;
	if (!memcmp(found->id.local, any, sizeof(any)) && !is_local(s, id->family, id->local))
		return -ENOENT;
	return 0;
}

int owner_space_ask(struct owner_space *s, const struct inet_diag_id *id,
		    struct inet_diag_socket *ret)
{
	struct inet_diag_socket found;
	int error;

	pthread_mutex_lock(&s->lock);
	error = diag_lookup(&s->diag, id, &found);
	if (error == 0)
		error = check(s, id, &found);
	pthread_mutex_unlock(&s->lock);
	if (error == 0)
		*ret = found;
	return error;
}

struct bound_list {
	const struct inet_diag_id *id;
	struct owner_bound *to;
	size_t n, max;
};

static void take_bound(void *data, const struct inet_diag_socket *s)
{
	struct bound_list *l = data;

	if (s->id.local_port != l->id->local_port || s->id.remote_port || !s->inode ||
	    (memcmp(s->id.local, any, sizeof(any)) != 0 &&
	     memcmp(s->id.local, l->id->local, sizeof(any)) != 0))
		return;
	if (l->n < l->max)
		l->to[l->n] = (struct owner_bound){ s->id.cookie, s->inode, s->id.ifindex };
	l->n++;
}

int owner_space_list(struct owner_space *s, const struct inet_diag_id *id,
		     struct owner_bound *ret, size_t max)
{
	struct bound_list list = { .id = id, .to = ret, .max = max };
	int error = 0;

	pthread_mutex_lock(&s->lock);
	/* IPv6 sockets send IPv4, too. */
	if (id->family == AF_INET)
		error = diag_dump_port(&s->diag, AF_INET, id->protocol, id->local_port,
				       take_bound, &list);
	if (error == 0)
		error = diag_dump_port(&s->diag, AF_INET6, id->protocol, id->local_port,
				       take_bound, &list);
	pthread_mutex_unlock(&s->lock);
	return error < 0 ? error : (int)MIN(list.n, (size_t)INT32_MAX);
}
