/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts made by hand: connector events, as values and as the kernel's bytes, and /proc texts. */
#ifndef FACTS_H
#define FACTS_H

#include <stdio.h>
#include <string.h>

#include "wire/cn.h"
#include "wire/proc.h"

#define _facts_ __attribute__((unused)) static

#define KERNEL_BODY 24	/* the union of proc_event since Linux 4.18 */
#define CORE_FLAG 0x80u	/* of a wait status */

_facts_ void store_u16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

_facts_ void store_u32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

_facts_ void store_u64(uint8_t *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* The envelope of a connector message with a body of that many bytes; the body is at 52. */
_facts_ size_t put_envelope(uint8_t *buf, const struct cn_event *ev, size_t body)
{
	size_t total = 52 + body;

	memset(buf, 0, total);
	store_u32(buf, (uint32_t)total);
	store_u16(buf + 4, 3);	/* NLMSG_DONE */
	store_u32(buf + 8, ev->seq);
	store_u32(buf + 16, CN_IDX);
	store_u32(buf + 20, CN_VAL);
	store_u32(buf + 24, ev->seq);
	store_u32(buf + 28, ev->ack);
	store_u16(buf + 32, (uint16_t)(16 + body));
	store_u32(buf + CN_OFFSET_WHAT, ev->what);
	store_u32(buf + CN_OFFSET_CPU, ev->cpu);
	store_u64(buf + 44, ev->time_ns);
	return total;
}

/* The whole message as the kernel sends it, field by field, in CN_MESSAGE_SIZE bytes. */
_facts_ size_t put_message(uint8_t *buf, const struct cn_event *ev)
{
	size_t total = put_envelope(buf, ev, KERNEL_BODY);
	uint8_t *body = buf + 52;

	if (ev->what == CN_NONE) {
		store_u32(body, (uint32_t)ev->u.error);
	} else if (ev->what == CN_FORK) {
		store_u32(body, (uint32_t)ev->u.fork.parent_tid);
		store_u32(body + 4, (uint32_t)ev->u.fork.parent_tgid);
		store_u32(body + 8, (uint32_t)ev->tid);
		store_u32(body + 12, (uint32_t)ev->tgid);
	} else {
		store_u32(body, (uint32_t)ev->tid);
		store_u32(body + 4, (uint32_t)ev->tgid);
		memcpy(body + 8, &ev->u, sizeof(ev->u));
	}
	return total;
}

_facts_ struct cn_event fact(uint32_t what, uint64_t time_ns, int32_t tgid, int32_t tid)
{
	return (struct cn_event){ .what = what, .time_ns = time_ns, .tgid = tgid, .tid = tid };
}

_facts_ struct cn_event fact_fork(uint64_t time_ns, int32_t pid, int32_t parent)
{
	struct cn_event ev = fact(CN_FORK, time_ns, pid, pid);

	ev.u.fork.parent_tid = ev.u.fork.parent_tgid = parent;
	return ev;
}

/* The kernel names the creator's parent as the parent of a thread. */
_facts_ struct cn_event fact_thread(uint64_t time_ns, int32_t pid, int32_t tid)
{
	struct cn_event ev = fact(CN_FORK, time_ns, pid, tid);

	ev.u.fork.parent_tid = ev.u.fork.parent_tgid = 1;
	return ev;
}

_facts_ struct cn_event fact_exit(uint64_t time_ns, int32_t pid, int32_t tid, uint32_t status)
{
	struct cn_event ev = fact((uint32_t)CN_EXIT, time_ns, pid, tid);

	ev.u.exit.status = status;
	ev.u.exit.signal = pid == tid ? 17 : UINT32_MAX;
	return ev;
}

_facts_ struct cn_event fact_comm(uint64_t time_ns, int32_t pid, int32_t tid, const char *comm)
{
	struct cn_event ev = fact(CN_COMM, time_ns, pid, tid);

	memcpy(ev.u.comm, comm, strnlen(comm, sizeof(ev.u.comm)));
	return ev;
}

/* What the decoder makes of a process's files; args are a literal with its NULs. */
#define PROC_FACTS(id, name, argv, ...) \
	{ .pid = (id), .has_stat = true, .args = "" argv, .args_len = sizeof(argv), \
	  .args_total = sizeof(argv), \
	  .stat = { .pid = (id), .comm = name, .state = 'S', .threads = 1 }, __VA_ARGS__ }

#endif
