/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "taskstats.h"

#include <errno.h>
#include <limits.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"
#include "util/macro.h"

#define FAMILY "TASKSTATS"
#define CMD_GET 1		/* linux/taskstats.h: TASKSTATS_CMD_GET, */
#define CMD_VERSION 1		/* TASKSTATS_GENL_VERSION, */
#define ATTR_REGISTER 3		/* TASKSTATS_CMD_ATTR_REGISTER_CPUMASK */
#define BATCH 32
#define SLOT 4096		/* the last of many threads brings two structs of 560 bytes */
#define ANSWER_TIMEOUT_MS 1000

#define POSSIBLE_CPUS "/sys/devices/system/cpu/possible"

/* All CPUs that there can ever be: what the kernel takes at most. */
static void read_cpus(char *cpus, size_t size)
{
	FILE *f = fopen(POSSIBLE_CPUS, "re");

	if (!f || !fgets(cpus, (int)size, f))
		snprintf(cpus, size, "0-%ld", MAX(sysconf(_SC_NPROCESSORS_CONF), 1L) - 1);
	if (f)
		fclose(f);
	cpus[strcspn(cpus, "\n")] = '\0';
}

static int send_register(struct taskstats *t)
{
	struct nl_msg *msg = nlmsg_alloc();
	int error = -ENOMEM;

	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, t->family, 0, 0, CMD_GET,
			       CMD_VERSION) &&
	    nla_put_string(msg, ATTR_REGISTER, t->cpus) == 0) {
		errno = 0;
		error = nl_send_auto(t->sock, msg) < 0 ? (errno ? -errno : -EIO) : 0;
	}
	nlmsg_free(msg);
	return error;
}

/* The kernel's answer, which is in the queue when the request's send returns. Records that come
 * before it are of threads that ended before the run. */
static int await_answer(struct taskstats *t)
{
	struct pollfd pfd = { .fd = t->fd, .events = POLLIN };
	struct nlmsghdr head;
	struct nlmsgerr answer;
	uint8_t buf[SLOT];

	while (poll(&pfd, 1, ANSWER_TIMEOUT_MS) > 0) {
		ssize_t n = recv(t->fd, buf, sizeof(buf), MSG_DONTWAIT);

		if (n < 0 && errno != ENOBUFS && errno != EINTR)
			return -errno;
		if (n < (ssize_t)(sizeof(head) + sizeof(answer.error)))
			continue;
		memcpy(&head, buf, sizeof(head));
		memcpy(&answer.error, buf + sizeof(head), sizeof(answer.error));
		if (head.nlmsg_type == NLMSG_ERROR)
			return answer.error;
	}
	return -ETIMEDOUT;
}

static int resolve_family(struct taskstats *t)
{
	int family = genl_ctrl_resolve(t->sock, FAMILY);

	if (family < 0 || family > UINT16_MAX)
		return -EPROTONOSUPPORT;
	t->family = (uint16_t)family;
	return 0;
}

static int open_all(struct taskstats *t, uint32_t buffer)
{
	int error;

	t->sock = nl_socket_alloc();
	t->slots = t->sock ? malloc((size_t)BATCH * SLOT) : NULL;
	if (!t->slots)
		return -ENOMEM;
	errno = 0;
	if (genl_connect(t->sock) < 0)
		return errno ? -errno : -EPROTONOSUPPORT;
	t->fd = nl_socket_get_fd(t->sock);
	error = resolve_family(t);
	if (error < 0)
		return error;
	t->buffer = netlink_set_buffer(t->fd, buffer);
	read_cpus(t->cpus, sizeof(t->cpus));
	error = send_register(t);
	if (error == 0)
		error = await_answer(t);
	(void)nl_socket_set_nonblocking(t->sock);
	return error;
}

void taskstats_tell(int error, const struct log *log)
{
	switch (error) {
	case -EPERM:
	case -EACCES:
		log_warning(log, "exit accounting: needs CAP_NET_ADMIN: what processes use is "
			    "known from samples only");
		break;
	case -EINVAL:
		log_warning(log, "exit accounting: the kernel gives it to the first user and pid "
			    "namespaces only: run on the host");
		break;
	case -ENOENT:
	case -EPROTONOSUPPORT:
		log_warning(log, "exit accounting: the kernel does not have it: needs "
			    "CONFIG_TASKSTATS");
		break;
	default:
		log_warning(log, "exit accounting: %s", strerror(-error));
		break;
	}
}

int taskstats_open(struct taskstats *t, uint32_t buffer)
{
	int error;

	*t = (struct taskstats){ .fd = -1 };
	error = open_all(t, buffer);
	if (error < 0)
		taskstats_close(t);
	return error;
}

/* The kernel drops whoever closes, at the next record. */
void taskstats_close(struct taskstats *t)
{
	if (!t->sock)
		return;
	nl_socket_free(t->sock);
	free(t->slots);
	t->sock = NULL;
	t->slots = NULL;
	t->fd = -1;
}

struct drain {
	struct taskstats *taskstats;
	taskstats_fn fn;
	void *data;
};

static void take(void *data, const uint8_t *raw, size_t len)
{
	const struct drain *d = data;
	struct taskstats *t = d->taskstats;
	struct taskstats_record record;
	int result = taskstats_decode(raw, len, t->family, &record);

	if (result == 0)
		d->fn(d->data, &record, raw, len);
	t->received += result == 0;
	t->malformed += result < 0;
}

int taskstats_drain(struct taskstats *t, taskstats_fn fn, void *data)
{
	struct drain d = { t, fn, data };

	return netlink_drain(t->fd, t->slots, SLOT, BATCH, INT_MAX, take, &d, &t->foreign);
}
