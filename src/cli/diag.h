/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DIAG_H
#define CLI_DIAG_H

#include "util/macro.h"

/* "pevent: what: why" in one line on stderr; what may be hostile bytes, NULL leaves it out. */
void diag(const char *what, const char *fmt, ...) _printf_(2, 3);
/* The same with the text of -error. */
void diag_errno(const char *what, int error);

#endif
