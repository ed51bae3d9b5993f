/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "fuzz.h"
#include "wire/inet_diag.h"

static void check_socket(const struct inet_diag_socket *s)
{
	struct inet_diag_id id = s->id;
	uint8_t request[INET_DIAG_REQUEST_SIZE];

	FUZZ_CHECK(id.family == AF_INET || id.family == AF_INET6);
	FUZZ_CHECK(!s->mapped || id.family == AF_INET);
	for (size_t i = 4; id.family == AF_INET && i < 16; i++)
		FUZZ_CHECK(!id.local[i] && !id.remote[i]);
	FUZZ_CHECK(s->tcp.has & INET_DIAG_HAS_BYTES_RETRANS || !s->tcp.bytes_retrans);
	inet_diag_exact(request, &id, 1);
}

/* A datagram of messages. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const void *p = data;
	size_t left = size;
	struct inet_diag_message m, before;
	int result;

	do {
		size_t last = left;

		memset(&m, 0xa5, sizeof(m));
		before = m;
		result = inet_diag_next(&p, &left, &m);
		FUZZ_CHECK(result == 0 || result == 1 || result == -EBADMSG);
		FUZZ_CHECK((const uint8_t *)p == data + (size - left));
		FUZZ_CHECK(result == 1 ? left == 0 && last == 0 : left < last);
		if (result != 0)
			FUZZ_CHECK(!memcmp(&m, &before, sizeof(m)));
		else if (m.kind == INET_DIAG_KIND_SOCKET)
			check_socket(&m.socket);
	} while (result != 1);
	return 0;
}
