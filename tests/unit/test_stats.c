/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test.h"

#include "sample_events.h"
#include "sink/histogram.h"
#include "sink/stats.h"
#include "sink/stats_data.h"
#include "util/macro.h"

TEST(histogram_is_exact_for_small_values)
{
	struct histogram h = { 0 };

	CHECK_EQ(histogram_percentile(&h, 50), 0);
	for (uint64_t v = 1; v <= 63; v++)
		histogram_add(&h, v);
	CHECK_EQ(h.count, 63);
	CHECK_EQ(h.min, 1);
	CHECK_EQ(h.max, 63);
	CHECK_EQ(histogram_percentile(&h, 50), 32);
	CHECK_EQ(histogram_percentile(&h, 95), 60);
	CHECK_EQ(histogram_percentile(&h, 100), 63);
	CHECK_EQ(histogram_percentile(&h, 0), 1);
	histogram_finish(&h);
}

/* Each value alone, between two extremes that keep it from being clamped. */
TEST(histogram_resolution)
{
	for (int bit = 0; bit < 64; bit++) {
		for (int delta = -1; delta <= 1; delta++) {
			uint64_t v = (UINT64_C(1) << bit) + (uint64_t)delta, have, error;
			struct histogram h = { 0 };

			histogram_add(&h, 0);
			histogram_add(&h, v);
			histogram_add(&h, UINT64_MAX);
			have = histogram_percentile(&h, 50);
			error = have > v ? have - v : v - have;
			CHECK(error <= v / 128 + 1);
			CHECK_EQ(h.min, 0);
			CHECK_EQ(h.max, UINT64_MAX);
			histogram_finish(&h);
		}
	}
}

TEST(percentiles_of_many)
{
	struct histogram h = { 0 };

	for (uint64_t v = 1; v <= 100000; v++)
		histogram_add(&h, v * 1000);
	CHECK(histogram_percentile(&h, 50) > 49600000 && histogram_percentile(&h, 50) < 50400000);
	CHECK(histogram_percentile(&h, 95) > 94200000 && histogram_percentile(&h, 95) < 95800000);
	histogram_finish(&h);
}

/* The programs, most events first. */
static struct stats_row **sorted(struct stats *s, size_t *ret_n)
{
	return stats_table_sorted(&s->programs, stats_by_events, ret_n);
}

static const struct program *program_of(const struct stats_row *row)
{
	return CONTAINER_OF(row, struct program, row);
}

static struct stats *new_stats(size_t max)
{
	struct stats *s = NULL;

	CHECK_EQ(stats_new(&s, max), 0);
	return s;
}

TEST(one_row_per_program)
{
	struct pevent_image image = sample_curl;
	struct pevent_event e = sample_event(PEVENT_EXEC);
	struct stats *s = new_stats(10);
	struct stats_row **rows;
	size_t n = 0;

	e.process.image = &image;
	stats_add(s, &e);
	image.args = "curl";		/* another spelling */
	image.args_len = 5;
	stats_add(s, &e);
	image.exe = NULL;		/* argv[0] stands in */
	stats_add(s, &e);
	e.process.image = NULL;		/* comm */
	e.process.comm[0] = 'k';
	stats_add(s, &e);
	e.process.comm[0] = '\0';
	stats_add(s, &e);
	rows = sorted(s, &n);
	CHECK_EQ(n, 4);
	CHECK_STR(rows[0]->name, rows[0]->name_len, "/usr/bin/curl");
	CHECK_EQ(program_of(rows[0])->events[PEVENT_EXEC], 2);
	CHECK_STR(rows[1]->name, rows[1]->name_len, "(unknown)");
	CHECK_STR(rows[2]->name, rows[2]->name_len, "curl");
	CHECK_STR(rows[3]->name, rows[3]->name_len, "kurl");
	CHECK_EQ(s->execs_without_args, 2);
	CHECK_EQ(s->unnamed, 1);
	CHECK_EQ(s->all->total, 5);
	free(rows);
	stats_free(s);
}

TEST(table_is_bounded)
{
	struct pevent_event e = sample_event(PEVENT_FORK);
	struct stats *s = new_stats(3);
	struct stats_row **rows;
	size_t n = 0;

	e.process.image = NULL;
	for (int i = 0; i < 10; i++) {
		e.process.comm[0] = (char)('a' + i);
		stats_add(s, &e);
	}
	rows = sorted(s, &n);
	CHECK_EQ(n, 3);
	CHECK_STR(rows[2]->name, rows[2]->name_len, "curl");
	CHECK_EQ(program_of(s->programs.other)->total, 7);
	CHECK_EQ(s->other_events, 7);
	CHECK_EQ(s->all->total, 10);
	free(rows);
	stats_free(s);
}

TEST(exits_and_lifetimes)
{
	struct stats *s = new_stats(10);
	struct pevent_event e = sample_exit(3 << 8);

	stats_add(s, &e);
	e = sample_exit(9);
	stats_add(s, &e);
	e = sample_exit(11 | 0x80);
	stats_add(s, &e);
	e = sample_exit(0);
	e.process.before_run = true;
	e.process.start_origin = PEVENT_FROM_PROC;
	stats_add(s, &e);
	e = sample_exit(0);
	e.u.exit.origin = PEVENT_FROM_NONE;
	stats_add(s, &e);
	CHECK_EQ(s->exit_codes[3], 1);
	CHECK_EQ(s->exit_codes[0], 1);
	CHECK_EQ(s->exit_signals[9], 1);
	CHECK_EQ(s->exit_signals[11], 1);
	CHECK_EQ(s->cores, 1);
	CHECK_EQ(s->exits_unseen, 1);
	CHECK_EQ(s->exits_before_run, 1);
	CHECK_EQ(s->all->lifetimes.count, 3);
	CHECK_EQ(s->all->lifetimes.min, 7000000);
	CHECK_EQ(s->all->lifetimes.max, 7000000);
	CHECK_EQ(histogram_percentile(&s->all->lifetimes, 50), 7000000);
	stats_free(s);
}

TEST(best_second)
{
	struct stats *s = new_stats(10);
	struct pevent_event e = sample_event(PEVENT_FORK);

	/* 100 evenly in 2 s, then 80 within half a second that crosses a full one. */
	for (int i = 0; i < 100; i++) {
		e.time_ns = SAMPLE_NS + (uint64_t)i * 20000000;
		stats_add(s, &e);
	}
	CHECK_EQ(s->forks.peak, 50);
	for (int i = 0; i < 80; i++) {
		e.time_ns = SAMPLE_NS + UINT64_C(10700000000) + (uint64_t)i * 6000000;
		stats_add(s, &e);
	}
	CHECK_EQ(s->forks.peak, 80);
	e.time_ns = SAMPLE_NS + UINT64_C(90000000000);
	stats_add(s, &e);
	CHECK_EQ(s->forks.sum, 1);
	CHECK_EQ(stats_first_ns(s), SAMPLE_NS);
	CHECK_EQ(stats_last_ns(s), SAMPLE_NS + UINT64_C(90000000000));
	stats_free(s);
}

static bool contains(const struct strbuf *b, const char *part)
{
	return memmem(b->data, b->len, part, strlen(part));
}

TEST(reports)
{
	struct pevent_image image = sample_curl;
	struct pevent_stats account = { .source[PEVENT_SOURCE_CONNECTOR] = { .lost = 12 },
					.rescans = 1 };
	struct stats_report report = { .account = &account, .run_ns = UINT64_C(1500000000) };
	struct stats *s = new_stats(10);
	struct pevent_event e = sample_exit(11);
	struct strbuf b = { 0 };

	image.exe = "/evil\x1b[31m";
	stats_add(s, &e);
	e.process.image = &image;
	stats_add(s, &e);
	stats_text(s, &report, &b);
	CHECK(contains(&b, "    Fork     Exec     Exit     Core     Comm    Total"
			   " Min life   Median     95 % Max life Program\n"
			   "       0        0        1        0        0        1"
			   "   7.00ms   7.00ms   7.00ms   7.00ms /evil\\x1b[31m\n"
			   "       0        0        1        0        0        1"
			   "   7.00ms   7.00ms   7.00ms   7.00ms /usr/bin/curl\n"
			   "       0        0        2        0        0        2"
			   "   7.00ms  7.00ms~  7.00ms~   7.00ms Total\n"));
	CHECK(contains(&b, "Run:         1.500s, 2 events, at most 0 processes at a time\n"));
	CHECK(contains(&b, "Exits:       2 by SIGSEGV\n"));
	CHECK(contains(&b, "Lost:        12 events (connector)\n"));
	strbuf_reset(&b);
	stats_json(s, &report, &b);
	CHECK(contains(&b, "\"action\":\"summary\",\"sequence\":8}"));
	CHECK(contains(&b, "\"name\":\"/evil\\u001b[31m\""));
	CHECK(contains(&b, "\"signals\":{\"SIGSEGV\":2}"));
	CHECK(contains(&b, "\"connector\":{\"received\":0,\"lost\":12}"));
	CHECK(b.data[b.len - 1] == '\n' && memchr(b.data, '\n', b.len) == b.data + b.len - 1);
	strbuf_finish(&b);
	stats_free(s);
}

TEST(nothing_happened)
{
	struct pevent_stats account = { 0 };
	struct stats_report report = { .account = &account };
	struct stats *s = new_stats(10);
	struct strbuf b = { 0 };

	stats_text(s, &report, &b);
	CHECK(contains(&b, "Exits:       none\n"));
	CHECK(contains(&b, "Lost:        nothing\n"));
	stats_json(s, &report, &b);
	CHECK(!b.failed);
	strbuf_finish(&b);
	stats_free(s);
}

TEST_MAIN()
