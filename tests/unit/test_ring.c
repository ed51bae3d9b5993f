/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <pthread.h>
#include <sched.h>

#include "test.h"
#include "util/ring.h"

TEST(init)
{
	struct ring r = { 0 };

	ring_finish(&r);
	ring_finish(NULL);
	CHECK(ring_init(&r, SIZE_MAX) < 0);
	CHECK_EQ(ring_init(&r, 0), 0);
	CHECK_EQ(r.size, 4096);
	ring_finish(&r);
	CHECK_EQ(ring_init(&r, 4097), 0);
	CHECK_EQ(r.size, 8192);
	CHECK_EQ(ring_used(&r), 0);
	ring_finish(&r);
	ring_finish(&r);
}

TEST(one_record)
{
	const void *record;
	struct ring r;
	size_t len = 99;
	void *p;

	CHECK_EQ(ring_init(&r, 4096), 0);
	CHECK(!ring_peek(&r, &len));
	CHECK_EQ(len, 99);
	p = ring_reserve(&r, 100);
	CHECK(p && (uintptr_t)p % 8 == 0);
	memcpy(p, "hello", 5);
	CHECK(!ring_peek(&r, &len));
	ring_publish(&r, 5);
	CHECK(ring_used(&r) >= 5);
	for (int i = 0; i < 2; i++) {
		record = ring_peek(&r, &len);
		CHECK(record && (uintptr_t)record % 8 == 0);
		CHECK_STR((const char *)record, len, "hello");
	}
	ring_release(&r);
	CHECK(!ring_peek(&r, &len));
	CHECK_EQ(ring_used(&r), 0);

	CHECK(ring_reserve(&r, 0));
	ring_publish(&r, 0);
	CHECK(ring_peek(&r, &len));
	CHECK_EQ(len, 0);
	ring_release(&r);
	CHECK_EQ(atomic_load(&r.refused), 0);
	ring_finish(&r);
}

TEST(refused)
{
	struct ring r;
	size_t len, n = 0;

	CHECK_EQ(ring_init(&r, 4096), 0);
	CHECK(!ring_reserve(&r, 2049));
	CHECK(!ring_reserve(&r, SIZE_MAX));
	CHECK(!ring_reserve(&r, SIZE_MAX - 7));
	CHECK_EQ(atomic_load(&r.refused), 3);

	while (ring_reserve(&r, 100)) {
		ring_publish(&r, 100);
		n++;
	}
	CHECK(n >= 30 && n <= 40);
	CHECK_EQ(atomic_load(&r.refused), 4);
	CHECK(ring_used(&r) <= r.size);
	CHECK(ring_peek(&r, &len));
	ring_release(&r);
	CHECK(ring_reserve(&r, 100));
	ring_publish(&r, 100);
	for (; ring_peek(&r, &len); n--)
		ring_release(&r);
	CHECK_EQ(n, 0);
	CHECK_EQ(atomic_load(&r.refused), 4);
	ring_finish(&r);
}

/* The longest record fits an empty ring wherever that stands, in one piece, without damage. */
TEST(every_place)
{
	unsigned char pattern[2048];
	struct ring r;
	size_t len;
	void *p;

	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (unsigned char)(i * 7);
	CHECK_EQ(ring_init(&r, 4096), 0);
	for (int i = 0; i < 3000; i++) {
		p = ring_reserve(&r, 2048);
		CHECK(p);
		memcpy(p, pattern, 2048);
		ring_publish(&r, 2048);
		p = ring_reserve(&r, 1);
		CHECK(p);
		memset(p, i, 1);
		ring_publish(&r, 1);

		p = (void *)ring_peek(&r, &len);
		CHECK(p);
		CHECK_EQ(len, 2048);
		CHECK(!memcmp(p, pattern, 2048));
		ring_release(&r);
		p = (void *)ring_peek(&r, &len);
		CHECK(p);
		CHECK_EQ(len, 1);
		CHECK_EQ(*(unsigned char *)p, i & 255);
		ring_release(&r);
	}
	ring_finish(&r);
}

#define STRESS_RECORDS 1000000

/* What record n must be, known to both threads. */
static size_t stress_len(uint32_t n)
{
	uint32_t x = n * UINT32_C(2654435761);

	x ^= x >> 15;
	return x % 1000 == 0 ? x % 8185 : 4 + x % 120;
}

static void stress_fill(unsigned char *p, uint32_t n, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (unsigned char)(n >> (i % 4 * 8)) ^ (unsigned char)(i >> 2);
}

static void *stress_produce(void *data)
{
	struct ring *r = data;
	uint64_t *refusals = calloc(1, sizeof(*refusals));

	for (uint32_t n = 0; refusals && n < STRESS_RECORDS; n++) {
		size_t len = stress_len(n);
		unsigned char *p;

		/* Sometimes more is reserved than used. */
		while (!(p = ring_reserve(r, n % 3 ? len : len + n % 8))) {
			++*refusals;
			sched_yield();
		}
		stress_fill(p, n, len);
		ring_publish(r, len);
	}
	return refusals;
}

TEST(two_threads)
{
	static unsigned char want[8192];
	static struct ring r;
	void *result = NULL;
	uint32_t bad = 0;
	pthread_t thread;

	CHECK_EQ(ring_init(&r, 16384), 0);
	CHECK_EQ(pthread_create(&thread, NULL, stress_produce, &r), 0);
	for (uint32_t n = 0; n < STRESS_RECORDS;) {
		const void *record;
		size_t len;

		record = ring_peek(&r, &len);
		if (!record) {
			sched_yield();
			continue;
		}
		if (len != stress_len(n)) {
			bad++;
			len = stress_len(n);
		}
		stress_fill(want, n, len);
		bad += memcmp(record, want, len) != 0;
		ring_release(&r);
		n++;
	}
	CHECK_EQ(pthread_join(thread, &result), 0);
	CHECK(result);
	CHECK_EQ(bad, 0);
	CHECK_EQ(ring_used(&r), 0);
	CHECK_EQ(atomic_load(&r.refused), *(uint64_t *)result);
	free(result);
	ring_finish(&r);
}

TEST_MAIN()
