/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "oom.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "util/macro.h"
#include "wire/kmsg.h"

#define NEAR_NS (10 * NSEC_PER_SEC)
/* The log's clock is not slewed; NTP slews CLOCK_MONOTONIC by at most 500 ppm. */
#define DRIFT_DIVISOR 2000
#define RECORDS_MAX 4096	/* taken in at a time */

int oom_open(struct oom *o)
{
	int error;

	*o = (struct oom){ .fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC) };
	if (o->fd < 0)
		return -errno;
	if (lseek(o->fd, 0, SEEK_END) < 0) {
		error = -errno;
		oom_close(o);
		return error;
	}
	return 0;
}

void oom_close(struct oom *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

static void take(struct oom *o, const char *record, size_t len)
{
	struct kmsg message;
	int32_t pid;

	if (kmsg_decode(record, len, &message) < 0 || !kmsg_oom_victim(&message, &pid))
		return;
	o->victim[o->next].pid = pid;
	o->victim[o->next].time_ns = message.time_us * NSEC_PER_USEC;
	o->next = (o->next + 1) % OOM_VICTIMS;
}

static void take_all(struct oom *o)
{
	char record[KMSG_RECORD_MAX];

	for (int i = 0; i < RECORDS_MAX; i++) {
		ssize_t n = read(o->fd, record, sizeof(record));

		if (n > 0)
			take(o, record, (size_t)n);
		/* EPIPE: some were overwritten; the next read goes on behind them. */
		else if (n == 0 || (errno != EPIPE && errno != EINTR))
			break;
	}
}

bool oom_killed(struct oom *o, int32_t pid, uint64_t around_ns)
{
	const uint64_t near = NEAR_NS + around_ns / DRIFT_DIVISOR;
	bool found = false;

	if (o->fd < 0 || pid <= 0)
		return false;
	take_all(o);
	for (size_t i = 0; i < OOM_VICTIMS; i++) {
		uint64_t time = o->victim[i].time_ns;

		if (o->victim[i].pid != pid ||
		    (time > around_ns ? time - around_ns : around_ns - time) > near)
			continue;
		o->victim[i].pid = 0;	/* a group's first victim is named twice */
		found = true;
	}
	return found;
}
