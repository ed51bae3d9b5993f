/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a change of a TCP socket's state says of its owner. Who runs when it changes is the owner
 * only where the owner acts: on connect(2), and on a close(2) of its own.
 */
#ifndef MODEL_SOCKET_STATE_H
#define MODEL_SOCKET_STATE_H

#include "model.h"
#include "wire/tracepoint.h"

void socket_state_apply(struct model *m, const struct tracepoint_record *r);

#endif
