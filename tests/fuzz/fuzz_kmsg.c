/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "wire/kmsg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *begin = (const char *)data;
	struct kmsg m = { .text = begin };
	int32_t pid = -1;
	int error = kmsg_decode(begin, size, &m);

	FUZZ_CHECK(error == 0 || error == -EBADMSG);
	if (error < 0)
		return 0;
	FUZZ_CHECK(m.text > begin && m.text[-1] == ';');
	FUZZ_CHECK(m.text + m.len <= begin + size);
	FUZZ_CHECK(!memchr(m.text, '\n', m.len));
	if (kmsg_oom_victim(&m, &pid))
		FUZZ_CHECK(m.kernel && pid > 0);
	else
		FUZZ_CHECK(pid == -1);
	return 0;
}
