/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A target: any input must be harmless. Linked with driver.c, or with clang's -fsanitize=fuzzer. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A target's claim about what it got. */
#define FUZZ_CHECK(cond) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
		abort(); \
	} \
} while (0)

#endif
