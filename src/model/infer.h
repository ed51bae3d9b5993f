/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose a connection was that nobody could be asked about any more: the one process that lived when
 * it was opened and was gone a moment later, if there is exactly one. Where records of sockets
 * come, there is no need.
 */
#ifndef MODEL_INFER_H
#define MODEL_INFER_H

#include "model.h"

#define INFER_NS 20000000u	/* who ends later would have been found by a lookup */

/* An outgoing SYN began this flow. */
void infer_later(struct model *m, const struct flow *f, unsigned int end);
/* Exits up to exits_ns, and packets up to packets_ns, are known. */
void infer_owners(struct model *m, uint64_t exits_ns, uint64_t packets_ns);

#endif
