/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "refusals.h"

#include <errno.h>
#include <string.h>

static const char *cure_of(int error)
{
	switch (error) {
	case -EPERM:
		return " (needs CAP_SYS_ADMIN)";
	case -EACCES:
		return " (needs CAP_SYS_PTRACE)";
	case -EMFILE:
		return " (needs a higher limit: `ulimit -n`, or LimitNOFILE= of systemd)";
	default:
		return "";
	}
}

int refusals_tell(struct refusals *r, uint32_t netns, int error)
{
	for (size_t i = 0; i < r->n_told; i++)
		if (r->told[i] == error)
			return error;
	if (r->n_told < REFUSALS_TOLD)
		r->told[r->n_told++] = error;
	log_warning(r->log, "network namespace %u: %s%s: not all that its processes send and "
		    "receive is known", netns,
		    error == -ENOSPC ? "too many of them" : strerror(-error), cure_of(error));
	return error;
}

int refusals_add(struct refusals *r, uint32_t netns, int error)
{
	for (size_t i = 0; i < r->n && i < REFUSALS_KEPT; i++)
		if (r->netns[i] == netns)
			return error;
	r->netns[r->n++ % REFUSALS_KEPT] = netns;
	return refusals_tell(r, netns, error);
}
