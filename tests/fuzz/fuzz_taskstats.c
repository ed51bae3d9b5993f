/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "wire/taskstats.h"

/* Two bytes of family number, then the datagram. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct taskstats_record r, before;
	uint16_t family;
	int result;

	if (size < sizeof(family))
		return 0;
	memcpy(&family, data, sizeof(family));
	data += sizeof(family);
	size -= sizeof(family);
	memset(&r, 0xa5, sizeof(r));
	before = r;
	result = taskstats_decode(data, size, family, &r);
	FUZZ_CHECK(result == 0 || result == 1 || result == -EBADMSG || result == -ENOTSUP);
	if (result != 0) {
		FUZZ_CHECK(!memcmp(&r, &before, sizeof(r)));
		return 0;
	}
	FUZZ_CHECK(r.version >= TASKSTATS_OLDEST);
	FUZZ_CHECK(memchr(r.comm, '\0', sizeof(r.comm)));
	FUZZ_CHECK(r.has_group_end || !r.group_end);
	FUZZ_CHECK(!memcmp(&family, data + 4, sizeof(family)));
	return 0;
}
