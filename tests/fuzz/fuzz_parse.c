/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "fuzz.h"
#include "util/parse.h"

static void check_u64(const char *s, uint64_t min, uint64_t max)
{
	uint64_t v = 7;
	char digits[24];
	int error = parse_u64(s, min, max, &v);

	FUZZ_CHECK(error == 0 || error == -EINVAL || error == -ERANGE);
	if (error < 0) {
		FUZZ_CHECK(v == 7);
		return;
	}
	FUZZ_CHECK(v >= min && v <= max);
	snprintf(digits, sizeof(digits), "%" PRIu64, v);
	while (s[0] == '0' && s[1])
		s++;
	FUZZ_CHECK(!strcmp(s, digits));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);
	uint64_t v;
	int error;

	if (!s)
		abort();
	if (size)
		memcpy(s, data, size);
	s[size] = '\0';
	check_u64(s, 0, UINT64_MAX);
	check_u64(s, 1, 1000000);
	v = 7;
	error = parse_duration(s, &v);
	FUZZ_CHECK(error == 0 || error == -EINVAL || error == -ERANGE);
	FUZZ_CHECK(error == 0 || v == 7);
	v = 7;
	error = parse_size(s, &v);
	FUZZ_CHECK(error == 0 || error == -EINVAL || error == -ERANGE);
	FUZZ_CHECK(error == 0 || v == 7);
	free(s);
	return 0;
}
