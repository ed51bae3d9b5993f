# SPDX-License-Identifier: GPL-2.0-or-later
"""What record.sh records as "hostile": programs under names and with arguments that want to break a
log. names.py PROGRAM"""

import ctypes
import os
import shutil
import sys

tiny = sys.argv[1]
home = os.path.dirname(tiny)


def run(path, *args):
    pid = os.posix_spawn(path, [path, *args], {})
    os.waitpid(pid, 0)


run(tiny, b"\x1b[31mred\x1b[0m", b"\x1b]0;title\x07", b"\x9b31m", b"\xc2\x9d0;x\xc2\x9c")
run(tiny, b"a\nb", b"\r\nexit     1      0 forged line", b"tab\there")
run(tiny, b"it's", b'"double"', b"back\\slash", b"$(x)", b"a b", b"")
run(tiny, "gr\u00fc\u00df \u65e5\u672c".encode(), b"caf\xe9", b"\xff\xfe", b"trunc\xe2\x82")
run(tiny, "a\u202eb\u2066c".encode(), "\u2028".encode())
run(tiny, b"L" * 34000, b"end")
for name in (b"with space", b"esc\x1b[31m", b"new\nline", b"caf\xe9", b"(paren) S 1"):
    path = os.path.join(os.fsencode(home), name)
    shutil.copy(tiny, path)
    run(path, b"named")
for name in (b"\x1b[31mred", b"a\nb", b"(x) S 1 2", b"", b"\xff\xfe"):
    ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
