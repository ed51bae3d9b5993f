/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exit records made by hand: as values, and as the kernel's bytes in each version's layout. */
#ifndef USAGE_RIG_H
#define USAGE_RIG_H

#include "facts.h"
#include "wire/taskstats.h"

#define FAMILY 26	/* any number: the kernel gives them out as families come */
#define USAGE_STRUCT 36	/* where struct taskstats begins in put_usage_frame()'s message */
#define USAGE_MESSAGE_MAX 2048

/* sizeof(struct taskstats) when a version was new. */
_facts_ size_t usage_size(uint16_t version)
{
	static const uint16_t sizes[] = { 328, 344, 352, 368, 400, 416, 432, 560, 560, 688 };

	return version < 8 ? 328 : sizes[version - 8 < 9 ? version - 8 : 9];
}

/*
 * Its netlink message with everything zero but the version: headers of 16 and 4 bytes, AGGR_PID
 * with PID and STATS in it. The length.
 */
_facts_ size_t put_usage_frame(uint8_t *buf, uint16_t version, size_t stats)
{
	const size_t total = USAGE_STRUCT + stats;

	memset(buf, 0, total);
	store_u32(buf, (uint32_t)total);
	store_u16(buf + 4, FAMILY);
	buf[16] = 2;			/* TASKSTATS_CMD_NEW */
	store_u16(buf + 20, (uint16_t)(total - 20));
	store_u16(buf + 22, 4);		/* TASKSTATS_TYPE_AGGR_PID */
	store_u16(buf + 24, 8);
	store_u16(buf + 26, 1);		/* TASKSTATS_TYPE_PID */
	store_u16(buf + 32, (uint16_t)(4 + stats));
	store_u16(buf + 34, 3);		/* TASKSTATS_TYPE_STATS */
	store_u16(buf + USAGE_STRUCT, version);
	return total;
}

_facts_ struct taskstats_record usage_record(int32_t tgid, int32_t tid, bool last)
{
	return (struct taskstats_record){ .version = 16, .tgid = tgid, .tid = tid,
					  .has_group_end = true, .group_end = last };
}

#endif
