/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cn.h"

#include <errno.h>
#include <string.h>

#include "util/macro.h"

#define NLMSG_HEADER 16
#define CN_HEADER 20
#define EVENT_HEADER 16		/* what, cpu, timestamp */
#define EVENT_BODY 24
#define NETLINK_DONE 3		/* NLMSG_DONE: the type connector messages carry */

int cn_decode(const void *buf, size_t len, struct cn_event *ret)
{
	const uint8_t *p = buf;
	struct cn_event ev = { 0 };
	uint32_t body[EVENT_BODY / 4] = { 0 };
	size_t total, payload;

	if (len < NLMSG_HEADER + CN_HEADER)
		return -EBADMSG;
	total = load_u32(p);
	if (total < NLMSG_HEADER + CN_HEADER || total > len)
		return -EBADMSG;
	if (load_u32(p + 16) != CN_IDX || load_u32(p + 20) != CN_VAL)
		return -ENOMSG;
	payload = load_u16(p + 32);
	if (payload < EVENT_HEADER || payload > total - NLMSG_HEADER - CN_HEADER)
		return -EBADMSG;

	ev.seq = load_u32(p + 24);
	ev.ack = load_u32(p + 28);
	ev.what = load_u32(p + CN_OFFSET_WHAT);
	ev.cpu = load_u32(p + CN_OFFSET_CPU);
	ev.time_ns = load_u64(p + 44);
	memcpy(body, p + 52, MIN(payload - EVENT_HEADER, sizeof(body)));

	switch (ev.what) {
	case CN_NONE:
		ev.u.error = (int32_t)body[0];
		break;
	case CN_FORK:
		ev.u.fork.parent_tid = (int32_t)body[0];
		ev.u.fork.parent_tgid = (int32_t)body[1];
		ev.tid = (int32_t)body[2];
		ev.tgid = (int32_t)body[3];
		break;
	default:
		ev.tid = (int32_t)body[0];
		ev.tgid = (int32_t)body[1];
		memcpy(&ev.u, &body[2], sizeof(ev.u));
		break;
	}
	*ret = ev;
	return 0;
}

void cn_request(void *buf, enum cn_op op, uint32_t seq, uint32_t ack, uint32_t port)
{
	const uint32_t size = CN_REQUEST_SIZE, idx = CN_IDX, val = CN_VAL, word = op;
	const uint16_t type = NETLINK_DONE, payload = sizeof(word);
	uint8_t *p = buf;

	memset(p, 0, CN_REQUEST_SIZE);
	memcpy(p, &size, sizeof(size));
	memcpy(p + 4, &type, sizeof(type));
	memcpy(p + 8, &seq, sizeof(seq));
	memcpy(p + 12, &port, sizeof(port));
	memcpy(p + 16, &idx, sizeof(idx));
	memcpy(p + 20, &val, sizeof(val));
	memcpy(p + 24, &seq, sizeof(seq));
	memcpy(p + 28, &ack, sizeof(ack));
	memcpy(p + 32, &payload, sizeof(payload));
	memcpy(p + 36, &word, sizeof(word));
}
