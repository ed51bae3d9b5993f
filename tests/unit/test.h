/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_H
#define TEST_H

/*
 * Cases in one file, reported as TAP 13: TEST(name) { ... } as often as needed, TEST_MAIN() once.
 * A failing check ends its case, from helper functions as well, but not from other threads.
 */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_case {
	const char *name;
	int line;
	void (*fn)(void);
	struct test_case *next;
};

static struct test_case *test_cases;
static jmp_buf test_end;
static const char *test_skipped = "";

/* Unused in one test or the other. */
#define _test_ __attribute__((unused)) static

enum { TEST_FAILED = 1, TEST_SKIPPED };

/* In order of lines, whatever order the constructors run in. */
_test_ void test_register(struct test_case *t)
{
	struct test_case **link = &test_cases;

	while (*link && (*link)->line < t->line)
		link = &(*link)->next;
	t->next = *link;
	*link = t;
}

_test_ void test_true(const char *file, int line, const char *what, bool ok)
{
	if (ok)
		return;
	printf("# %s:%d: %s\n", file, line, what);
	longjmp(test_end, TEST_FAILED);
}

_test_ void test_equal(const char *file, int line, const char *what, long long a, long long b)
{
	if (a == b)
		return;
	printf("# %s:%d: %s: %lld (%#llx) != %lld (%#llx)\n", file, line, what, a,
	       (unsigned long long)a, b, (unsigned long long)b);
	longjmp(test_end, TEST_FAILED);
}

_test_ void test_print(const char *label, const char *s, size_t len)
{
	printf("# %s (%zu) \"", label, len);
	for (size_t i = 0; i < len; i++)
		printf(s[i] >= 0x20 && s[i] < 0x7f ? "%c" : "<%02x>", (unsigned char)s[i]);
	printf("\"\n");
}

_test_ void test_bytes(const char *file, int line, const char *buf, size_t len, const char *want,
		       size_t want_len)
{
	if (len == want_len && (!len || !memcmp(buf, want, len)))
		return;
	printf("# %s:%d:\n", file, line);
	test_print("have", buf, len);
	test_print("want", want, want_len);
	longjmp(test_end, TEST_FAILED);
}

#define TEST(id) \
	static void case_##id(void); \
	static struct test_case entry_##id = { #id, __LINE__, case_##id, NULL }; \
	__attribute__((constructor)) static void enter_##id(void) { test_register(&entry_##id); } \
	static void case_##id(void)

#define CHECK(cond) test_true(__FILE__, __LINE__, #cond, cond)
/* Integers of up to 64 bits. */
#define CHECK_EQ(a, b) test_equal(__FILE__, __LINE__, #a " == " #b, (long long)(a), (long long)(b))
/* Bytes against a literal, which may hold NULs. */
#define CHECK_STR(buf, len, literal) \
	test_bytes(__FILE__, __LINE__, buf, len, "" literal, sizeof(literal) - 1)
#define SKIP(why) (test_skipped = (why), longjmp(test_end, TEST_SKIPPED))

#define TEST_MAIN() int main(void) { return test_main(); }

/* PEVENT_TEST_STRICT=1: a skip is a failure. */
_test_ int test_main(void)
{
	const char *env = getenv("PEVENT_TEST_STRICT");
	bool strict = env && strcmp(env, "") && strcmp(env, "0");
	static int n, failed, end, bad;	/* static: longjmp() would lose locals */
	static struct test_case *t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (t = test_cases; t; t = t->next)
		n++;
	printf("TAP version 13\n1..%d\n", n);
	for (n = 1, t = test_cases; t; t = t->next, n++) {
		end = setjmp(test_end);
		if (!end)
			t->fn();
		bad = end == TEST_FAILED || (end == TEST_SKIPPED && strict);
		printf("%s %d - %s%s%s\n", bad ? "not ok" : "ok", n, t->name,
		       end == TEST_SKIPPED ? (strict ? ": skipped: " : " # SKIP ") : "",
		       end == TEST_SKIPPED ? test_skipped : "");
		failed += bad;
	}
	return failed > 0;
}

#endif
