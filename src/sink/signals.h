/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SINK_SIGNALS_H
#define SINK_SIGNALS_H

#include <stddef.h>

#define SIGNAL_TEXT_MAX 16

/* "SEGV", "SIG37" for real-time signals: at most 6 bytes. Returns the length, no NUL. */
size_t signal_short(int signal, char to[SIGNAL_TEXT_MAX]);
/* "SIGSEGV", "SIGRTMIN+3" (with the C library's SIGRTMIN, 34), "SIG33". */
size_t signal_full(int signal, char to[SIGNAL_TEXT_MAX]);

#endif
