/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CMD_H
#define CLI_CMD_H

#include "cli/options.h"

/* The verbs. Return the exit status. */
int cmd_log(const struct options *o);
int cmd_record(const struct options *o);

#endif
