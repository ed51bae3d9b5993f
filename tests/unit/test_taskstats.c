/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "test.h"
#include "usage_rig.h"

/* Where the struct's fields are without maxima in between (versions up to 14, from 16 on). */
static const struct {
	const char *name;
	uint16_t offset, since, size;
} fields[] = {
	{ "status", 4, 8, 4 }, { "flag", 8, 8, 1 }, { "run_delay_count", 16, 8, 8 },
	{ "run_delay_ns", 24, 8, 8 }, { "blkio", 40, 8, 8 }, { "swapin", 56, 8, 8 },
	{ "run_ns", 72, 8, 8 }, { "comm", 80, 8, 8 }, { "uid", 120, 8, 4 }, { "gid", 124, 8, 4 },
	{ "tid", 128, 8, 4 }, { "ppid", 132, 8, 4 }, { "elapsed", 144, 8, 8 },
	{ "user", 152, 8, 8 }, { "system", 160, 8, 8 }, { "minflt", 168, 8, 8 },
	{ "majflt", 176, 8, 8 }, { "peak_rss", 200, 8, 8 }, { "peak_vm", 208, 8, 8 },
	{ "rchar", 216, 8, 8 }, { "wchar", 224, 8, 8 }, { "read_bytes", 248, 8, 8 },
	{ "write_bytes", 256, 8, 8 }, { "cancelled", 264, 8, 8 }, { "nvcsw", 272, 8, 8 },
	{ "nivcsw", 280, 8, 8 }, { "reclaim", 320, 8, 8 }, { "thrashing", 336, 9, 8 },
	{ "compact", 360, 11, 8 }, { "tgid", 368, 12, 4 }, { "tgetime", 376, 12, 8 },
	{ "exe_dev", 384, 12, 8 }, { "exe_inode", 392, 12, 8 }, { "wpcopy", 408, 13, 8 },
	{ "irq", 424, 14, 8 },
};
#define N_FIELDS (sizeof(fields) / sizeof(fields[0]))

/* What the decoder makes of field i; times and sizes in the kernel's units. */
static uint64_t value(const struct taskstats_record *r, size_t i)
{
	const uint64_t values[N_FIELDS] = {
		r->status, r->group_end ? 0x20 : 0, r->run_delay_count,
		r->run_delay_ns, r->delay_ns[TASKSTATS_DELAY_BLKIO],
		r->delay_ns[TASKSTATS_DELAY_SWAPIN], r->run_ns, (unsigned char)r->comm[0], r->uid,
		r->gid, (uint64_t)r->tid, (uint64_t)r->ppid, r->elapsed_ns / 1000,
		r->user_ns / 1000, r->system_ns / 1000, r->minor_faults, r->major_faults,
		r->peak_rss / 1024, r->peak_vm / 1024, r->read_chars, r->write_chars,
		r->read_bytes, r->write_bytes, r->cancelled_write_bytes, r->voluntary_switches,
		r->involuntary_switches, r->delay_ns[TASKSTATS_DELAY_RECLAIM],
		r->delay_ns[TASKSTATS_DELAY_THRASHING], r->delay_ns[TASKSTATS_DELAY_COMPACT],
		(uint64_t)r->tgid, r->group_elapsed_ns / 1000, r->exe_dev, r->exe_inode,
		r->delay_ns[TASKSTATS_DELAY_WPCOPY], r->delay_ns[TASKSTATS_DELAY_IRQ],
	};

	return values[i];
}

/* Maxima and minima behind each delay's total, in the middle of the struct: 16 bytes each. */
static size_t shifted(size_t offset)
{
	static const uint16_t behind[] = { 32, 48, 64, 328, 344, 368, 416 };
	size_t at = offset;

	for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++)
		at += behind[i] <= offset ? 16 : 0;
	return at;
}

/* Each field on its own: it shows where it belongs, and nowhere else. */
static void check_layout(uint16_t version, bool moved)
{
	uint8_t buf[USAGE_MESSAGE_MAX];

	for (size_t i = 0; i < N_FIELDS; i++) {
		size_t len = put_usage_frame(buf, version, usage_size(version));
		size_t at = USAGE_STRUCT + (moved ? shifted(fields[i].offset) : fields[i].offset);
		struct taskstats_record r;

		if (fields[i].since > version)
			continue;
		buf[at] = 0x21;
		CHECK_EQ(taskstats_decode(buf, len, FAMILY, &r), 0);
		CHECK_EQ(r.version, version);
		for (size_t k = 0; k < N_FIELDS; k++) {
			uint64_t want = k == i ? 0x21 : 0;

			if (fields[k].offset == 8)
				want &= version < 12 ? 0 : 0x20;	/* AGROUP alone */
			if (value(&r, k) != want)
				printf("# version %u, %s set, %s read\n", version, fields[i].name,
				       fields[k].name);
			CHECK_EQ(value(&r, k), want);
		}
	}
}

TEST(layouts)
{
	for (uint16_t version = 8; version <= 17; version++)
		if (version != 15)
			check_layout(version, false);
}

TEST(shifted_layout)
{
	check_layout(15, true);
}

/* Versions 14 came with it, too. */
TEST(version_14_of_560_bytes)
{
	struct taskstats_record r;
	uint8_t buf[USAGE_MESSAGE_MAX];
	size_t len = put_usage_frame(buf, 14, 560);

	store_u32(buf + USAGE_STRUCT + shifted(128), 4711);
	CHECK_EQ(taskstats_decode(buf, len, FAMILY, &r), 0);
	CHECK_EQ(r.tid, 4711);
}

TEST(units)
{
	struct taskstats_record r;
	uint8_t buf[USAGE_MESSAGE_MAX];
	size_t len = put_usage_frame(buf, 16, 560);

	store_u64(buf + USAGE_STRUCT + 144, 1500);
	store_u64(buf + USAGE_STRUCT + 200, 720);
	memset(buf + USAGE_STRUCT + 80, 'x', 32);
	CHECK_EQ(taskstats_decode(buf, len, FAMILY, &r), 0);
	CHECK_EQ(r.elapsed_ns, 1500000);
	CHECK_EQ(r.peak_rss, 720 * 1024);
	CHECK_EQ(strlen(r.comm), 15);
	CHECK(r.has_group_end && !r.group_end);
}

TEST(group_flag_since_version_12)
{
	struct taskstats_record r;
	uint8_t buf[USAGE_MESSAGE_MAX];
	size_t len = put_usage_frame(buf, 11, usage_size(11));

	buf[USAGE_STRUCT + 8] = 0x20;
	CHECK_EQ(taskstats_decode(buf, len, FAMILY, &r), 0);
	CHECK(!r.has_group_end && !r.group_end);
	len = put_usage_frame(buf, 12, usage_size(12));
	buf[USAGE_STRUCT + 8] = 0x20;
	CHECK_EQ(taskstats_decode(buf, len, FAMILY, &r), 0);
	CHECK(r.has_group_end && r.group_end);
}

TEST(other_messages)
{
	struct taskstats_record r = { .tid = 99 };
	uint8_t buf[USAGE_MESSAGE_MAX];
	size_t len = put_usage_frame(buf, 16, 560);

	CHECK_EQ(taskstats_decode(buf, len, FAMILY + 1, &r), 1);
	store_u16(buf + 4, 2);		/* NLMSG_ERROR */
	CHECK_EQ(taskstats_decode(buf, len, FAMILY, &r), 1);
	len = put_usage_frame(buf, 16, 560);
	store_u16(buf + 22, 5);		/* AGGR_TGID alone */
	CHECK_EQ(taskstats_decode(buf, len, FAMILY, &r), 1);
	CHECK_EQ(r.tid, 99);
}

TEST(bad_versions_and_lengths)
{
	struct taskstats_record r = { .tid = 99 };
	uint8_t buf[USAGE_MESSAGE_MAX];
	size_t len = put_usage_frame(buf, 7, 328);

	CHECK_EQ(taskstats_decode(buf, len, FAMILY, &r), -ENOTSUP);
	len = put_usage_frame(buf, 8, 320);
	CHECK_EQ(taskstats_decode(buf, len, FAMILY, &r), -EBADMSG);
	len = put_usage_frame(buf, 16, 560);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, buf, cut);
		CHECK(taskstats_decode(copy, cut, FAMILY, &r) != 0);
		free(copy);
	}
	store_u16(buf + 32, 0xffff);
	CHECK_EQ(taskstats_decode(buf, len, FAMILY, &r), -EBADMSG);
	CHECK_EQ(r.tid, 99);
}

/* Where 64-bit values are aligned by a filler attribute, it stands before the struct. */
TEST(filler_attribute)
{
	struct taskstats_record r;
	uint8_t buf[USAGE_MESSAGE_MAX], moved[USAGE_MESSAGE_MAX];
	size_t len = put_usage_frame(buf, 16, 560);

	store_u32(buf + USAGE_STRUCT + 128, 4711);
	memcpy(moved, buf, 32);
	store_u32(moved, (uint32_t)len + 4);
	store_u16(moved + 20, (uint16_t)(len + 4 - 20));
	store_u16(moved + 32, 4);
	store_u16(moved + 34, 6);	/* TASKSTATS_TYPE_NULL */
	memcpy(moved + 36, buf + 32, len - 32);
	CHECK_EQ(taskstats_decode(moved, len + 4, FAMILY, &r), 0);
	CHECK_EQ(r.tid, 4711);
}

TEST_MAIN()
