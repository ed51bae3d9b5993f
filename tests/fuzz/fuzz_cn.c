/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "wire/cn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cn_event ev, before;
	uint8_t whole[CN_MESSAGE_SIZE];
	int error;

	memset(&ev, 0xa5, sizeof(ev));
	before = ev;
	error = cn_decode(data, size, &ev);
	FUZZ_CHECK(error == 0 || error == -EBADMSG || error == -ENOMSG);
	if (error < 0) {
		FUZZ_CHECK(!memcmp(&ev, &before, sizeof(ev)));
		return 0;
	}
	/* What was decoded lies where the kernel puts it. */
	FUZZ_CHECK(size >= CN_OFFSET_CPU + 4);
	FUZZ_CHECK(!memcmp(&ev.seq, data + 24, 4) && !memcmp(&ev.ack, data + 28, 4));
	FUZZ_CHECK(!memcmp(&ev.what, data + CN_OFFSET_WHAT, 4));
	FUZZ_CHECK(!memcmp(&ev.cpu, data + CN_OFFSET_CPU, 4));
	FUZZ_CHECK(!memcmp(&ev.time_ns, data + 44, 8));
	/* A longer datagram says the same. */
	if (size <= sizeof(whole)) {
		memset(whole, 0xff, sizeof(whole));
		memcpy(whole, data, size);
		before = ev;
		FUZZ_CHECK(cn_decode(whole, sizeof(whole), &ev) == 0);
		FUZZ_CHECK(!memcmp(&ev, &before, sizeof(ev)));
	}
	return 0;
}
