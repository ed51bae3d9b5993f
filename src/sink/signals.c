/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <signal.h>

#include "sink/signals.h"
#include "util/macro.h"

static const char names[][7] = {
	[SIGHUP] = "HUP",	[SIGINT] = "INT",	[SIGQUIT] = "QUIT",	[SIGILL] = "ILL",
	[SIGTRAP] = "TRAP",	[SIGABRT] = "ABRT",	[SIGBUS] = "BUS",	[SIGFPE] = "FPE",
	[SIGKILL] = "KILL",	[SIGUSR1] = "USR1",	[SIGSEGV] = "SEGV",	[SIGUSR2] = "USR2",
	[SIGPIPE] = "PIPE",	[SIGALRM] = "ALRM",	[SIGTERM] = "TERM",
#ifdef SIGSTKFLT
	[SIGSTKFLT] = "STKFLT",
#endif
	[SIGCHLD] = "CHLD",	[SIGCONT] = "CONT",	[SIGSTOP] = "STOP",	[SIGTSTP] = "TSTP",
	[SIGTTIN] = "TTIN",	[SIGTTOU] = "TTOU",	[SIGURG] = "URG",	[SIGXCPU] = "XCPU",
	[SIGXFSZ] = "XFSZ",	[SIGVTALRM] = "VTALRM",	[SIGPROF] = "PROF",
	[SIGWINCH] = "WINCH",	[SIGIO] = "IO",		[SIGPWR] = "PWR",	[SIGSYS] = "SYS",
};

/* glibc and musl keep the first two or three real-time signals for themselves. */
enum { RT_MIN = 34, RT_MAX = 64 };

static size_t put_number(int v, char *to)
{
	size_t n = 0;

	if (v >= 100)
		to[n++] = (char)('0' + v / 100 % 10);
	if (v >= 10)
		to[n++] = (char)('0' + v / 10 % 10);
	to[n++] = (char)('0' + v % 10);
	return n;
}

static size_t put_known(int signal, char *to)
{
	size_t n;

	if (signal <= 0 || (size_t)signal >= ARRAY_SIZE(names))
		return 0;
	n = strlen(names[signal]);
	memcpy(to, names[signal], n);
	return n;
}

size_t signal_short(int signal, char to[SIGNAL_TEXT_MAX])
{
	size_t n = put_known(signal, to);

	if (n)
		return n;
	memcpy(to, "SIG", 3);
	return 3 + put_number(signal, to + 3);
}

size_t signal_full(int signal, char to[SIGNAL_TEXT_MAX])
{
	memcpy(to, "SIG", 3);
	if (signal >= RT_MIN && signal <= RT_MAX) {
		memcpy(to + 3, "RTMIN", 5);
		if (signal == RT_MIN)
			return 8;
		to[8] = '+';
		return 9 + put_number(signal - RT_MIN, to + 9);
	}
	return 3 + (put_known(signal, to + 3) ?: put_number(signal, to + 3));
}
