# SPDX-License-Identifier: GPL-2.0-or-later
"""What record.sh records as "ids": a process changes its name, session, groups and users, and is
traced for a moment by its parent."""

import ctypes
import os
import signal

PR_SET_NAME, PTRACE_ATTACH, PTRACE_DETACH, NOBODY, NAMELESS = 15, 16, 17, 65534, 64999
libc = ctypes.CDLL(None, use_errno=True)

go, tell = os.pipe()
child = os.fork()
if child == 0:
    os.read(go, 1)
    libc.prctl(PR_SET_NAME, b"first name", 0, 0, 0)
    libc.prctl(PR_SET_NAME, b"second name", 0, 0, 0)
    os.setsid()
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NAMELESS, NOBODY, NOBODY)
    os._exit(4)
libc.ptrace(PTRACE_ATTACH, child, None, None)
os.waitpid(child, 0)
libc.ptrace(PTRACE_DETACH, child, None, None)
os.write(tell, b"x")
os.waitpid(child, 0)
child = os.fork()
if child == 0:
    signal.pause()
os.kill(child, signal.SIGTERM)
os.waitpid(child, 0)
