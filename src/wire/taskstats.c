/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "taskstats.h"

#include <errno.h>
#include <string.h>

#include "attribute.h"
#include "util/macro.h"

#define NLMSG_HEADER 16
#define GENL_HEADER 4

enum { TYPE_STATS = 3, TYPE_AGGR_PID = 4 };	/* TASKSTATS_TYPE_* */
enum { FLAG_AGROUP = 0x20 };	/* linux/acct.h */

/*
 * Versions 14 with more than 432 bytes, and 15, carry maximum and minimum of each delay in the
 * middle of the struct: what follows a delay's total moves by 16 bytes. Later ones moved them to
 * the end, so that the offsets are those of version 14 again.
 */
static const uint16_t shifts[] = { 32, 48, 64, 328, 344, 368, 416 };
#define PLAIN_SIZE 432
#define OLDEST_SIZE 328		/* of version 8 */

/* A struct taskstats of any version. */
struct layout {
	const uint8_t *p;
	size_t len;
	bool shifted;
};

static size_t place(const struct layout *l, size_t offset)
{
	size_t moved = offset;

	for (size_t i = 0; l->shifted && i < ARRAY_SIZE(shifts) && shifts[i] <= offset; i++)
		moved += 16;
	return moved;
}

static uint64_t u64_at(const struct layout *l, size_t offset)
{
	size_t at = place(l, offset);

	return at + 8 <= l->len ? load_u64(l->p + at) : 0;
}

static uint32_t u32_at(const struct layout *l, size_t offset)
{
	size_t at = place(l, offset);

	return at + 4 <= l->len ? load_u32(l->p + at) : 0;
}

/* Offsets of the plain layout. */
static const struct {
	uint16_t offset, field;
	uint32_t unit;		/* the kernel's, in nanoseconds or bytes */
} fields[] = {
#define FIELD(offset, name, unit) { offset, offsetof(struct taskstats_record, name), unit }
	FIELD(16, run_delay_count, 1), FIELD(24, run_delay_ns, 1), FIELD(72, run_ns, 1),
	FIELD(144, elapsed_ns, 1000), FIELD(152, user_ns, 1000), FIELD(160, system_ns, 1000),
	FIELD(168, minor_faults, 1), FIELD(176, major_faults, 1),
	FIELD(200, peak_rss, 1024), FIELD(208, peak_vm, 1024),
	FIELD(216, read_chars, 1), FIELD(224, write_chars, 1),
	FIELD(248, read_bytes, 1), FIELD(256, write_bytes, 1), FIELD(264, cancelled_write_bytes, 1),
	FIELD(272, voluntary_switches, 1), FIELD(280, involuntary_switches, 1),
	FIELD(376, group_elapsed_ns, 1000), FIELD(384, exe_dev, 1), FIELD(392, exe_inode, 1),
	FIELD(40, delay_ns[TASKSTATS_DELAY_BLKIO], 1),
	FIELD(56, delay_ns[TASKSTATS_DELAY_SWAPIN], 1),
	FIELD(320, delay_ns[TASKSTATS_DELAY_RECLAIM], 1),
	FIELD(336, delay_ns[TASKSTATS_DELAY_THRASHING], 1),
	FIELD(360, delay_ns[TASKSTATS_DELAY_COMPACT], 1),
	FIELD(408, delay_ns[TASKSTATS_DELAY_WPCOPY], 1),
	FIELD(424, delay_ns[TASKSTATS_DELAY_IRQ], 1),
#undef FIELD
};

static void decode_stats(const struct layout *l, struct taskstats_record *r)
{
	const size_t comm = place(l, 80), flag = place(l, 8);

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		uint64_t v = u64_at(l, fields[i].offset) * fields[i].unit;

		memcpy((char *)r + fields[i].field, &v, sizeof(v));
	}
	r->status = u32_at(l, 4);
	r->uid = u32_at(l, 120);
	r->gid = u32_at(l, 124);
	r->tid = (int32_t)u32_at(l, 128);
	r->ppid = (int32_t)u32_at(l, 132);
	r->tgid = (int32_t)u32_at(l, 368);
	memcpy(r->comm, l->p + comm, sizeof(r->comm) - 1);
	r->has_group_end = r->version >= 12;
	r->group_end = r->has_group_end && (l->p[flag] & FLAG_AGROUP);
}

static bool find_attribute(const uint8_t *p, size_t left, uint16_t wanted, const uint8_t **ret,
			   size_t *ret_len)
{
	uint16_t type;

	while (attribute_next(&p, &left, &type, ret, ret_len))
		if (type == wanted)
			return true;
	return false;
}

int taskstats_decode(const void *buf, size_t len, uint16_t family, struct taskstats_record *ret)
{
	const uint8_t *p = buf, *nest, *stats;
	struct taskstats_record r = { 0 };
	size_t total, nest_len, stats_len;
	struct layout l;

	if (len < NLMSG_HEADER)
		return -EBADMSG;
	total = load_u32(p);
	if (total < NLMSG_HEADER || total > len)
		return -EBADMSG;
	if (load_u16(p + 4) != family || total < NLMSG_HEADER + GENL_HEADER)
		return 1;
	if (!find_attribute(p + NLMSG_HEADER + GENL_HEADER, total - NLMSG_HEADER - GENL_HEADER,
			    TYPE_AGGR_PID, &nest, &nest_len))
		return 1;
	if (!find_attribute(nest, nest_len, TYPE_STATS, &stats, &stats_len))
		return -EBADMSG;
	if (stats_len < 2)
		return -EBADMSG;
	r.version = load_u16(stats);
	if (r.version < TASKSTATS_OLDEST)
		return -ENOTSUP;
	if (stats_len < OLDEST_SIZE)
		return -EBADMSG;
	l = (struct layout){ .p = stats, .len = stats_len,
			     .shifted = stats_len > PLAIN_SIZE && r.version < 16 };
	decode_stats(&l, &r);
	*ret = r;
	return 0;
}
