/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "wire/tracepoint.h"

static void check_format(const struct tracepoint_format *f)
{
	FUZZ_CHECK(f->kind < TRACEPOINT_COUNT);
	FUZZ_CHECK(f->id > 0 && f->id <= UINT16_MAX);
	FUZZ_CHECK(f->field[TRACEPOINT_TYPE].size && f->field[TRACEPOINT_SKADDR].size);
}

static void check_record(const struct tracepoint_record *r)
{
	FUZZ_CHECK(r->kind <= TRACEPOINT_LOST);
	FUZZ_CHECK(r->kind == TRACEPOINT_LOST || !r->lost);
	FUZZ_CHECK(!r->mapped || (r->kind == TRACEPOINT_STATE && r->family == AF_INET));
}

/* Two bytes of length, that much of a format's text, then a record of that tracepoint. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tracepoint_format formats[TRACEPOINT_COUNT], f, before;
	struct tracepoint_record r, untouched;
	uint16_t len;
	int result;

	if (size < sizeof(len))
		return 0;
	memcpy(&len, data, sizeof(len));
	data += sizeof(len);
	size -= sizeof(len);
	if (len > size)
		len = (uint16_t)size;
	memset(&f, 0xa5, sizeof(f));
	before = f;
	result = tracepoint_format_decode((const char *)data, len, &f);
	FUZZ_CHECK(result == 0 || result == -EBADMSG || result == -ENOMSG || result == -ENOTSUP);
	if (result != 0) {
		FUZZ_CHECK(!memcmp(&f, &before, sizeof(f)));
		return 0;
	}
	check_format(&f);
	memset(formats, 0, sizeof(formats));
	formats[f.kind] = f;
	memset(&r, 0xa5, sizeof(r));
	untouched = r;
	result = tracepoint_decode(formats, data + len, size - len, &r);
	FUZZ_CHECK(result == 0 || result == 1 || result == -EBADMSG);
	if (result != 0)
		FUZZ_CHECK(!memcmp(&r, &untouched, sizeof(r)));
	else
		check_record(&r);
	return 0;
}
