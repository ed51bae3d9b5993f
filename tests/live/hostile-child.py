#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs programs under names and with arguments that want to break a log; what was run goes to a
file, one line per process: PID, tab, the arguments in base64 separated by spaces."""

import base64
import ctypes
import os
import shutil
import sys

ARGS = {
    "esc": [b"\x1b[31mred\x1b[0m", b"\x1b[2J\x1b[H", b"\x9b31m"],
    "osc": [b"\x1b]0;title\x07", b"\x1b]52;c;ZXZpbA==\x1b\\", b"\xc2\x9d0;title\xc2\x9c"],
    "newline": [b"a\nb", b"\r\nexit     1      0 forged line", b"tab\there", b"\x0b\x0c"],
    "quotes": [b"it's", b'"double"', b"back\\slash", b"$(rm -rf x)", b"`x`", b"a b", b"*", b"~", b"#"],
    "utf8": ["gr\u00fc\u00df \u65e5\u672c \U0001f600".encode(), b"caf\xe9", b"\xff\xfe", b"\xc0\xaf",
             b"\xed\xa0\x80", b"trunc\xe2\x82"],
    "bidi": ["a\u202eb\u2066c".encode(), "\u200f".encode(), "\u2028".encode()],
    "empty": [b"", b"", b"x", b"", b""],
    "only-empty": [b""],
    "json": [b'{"a": "\\u0000"}', b"\\", b"\\u001b", b"</script>"],
    "control": [bytes(range(1, 32)), b"\x7f", bytes(range(128, 160))],
    "long": [b"L" * 100000, b"end-of-long"],
    "many": [b"%d" % i for i in range(2000)],
    "long-utf8": ["\u20ac".encode() * 20000],
    "dash": [b"-n", b"--help", b"--"],
}
NAMES = [b"plain", b"with space", b"esc\x1b[31m", b"new\nline", b"caf\xe9", b"quo'te\"", b"\xe2\x80\xae-rtl",
         b"(paren) x"]
COMMS = [b"\x1b[31mred", b"a\nb", b"\xff\xfe", b"(x) S 1 2", b"15-bytes-long-x", b"", b" ",
         "\u20ac\u20ac\u20ac\u20ac\u20ac".encode()]


def main():
    tiny, out, dirname = sys.argv[1], sys.argv[2], os.fsencode(sys.argv[3])
    libc = ctypes.CDLL(None)
    with open(out, "w", encoding="ascii") as f:
        def run(argv):
            pid = os.posix_spawn(argv[0], argv, {})
            os.waitpid(pid, 0)
            print(pid, " ".join(base64.b64encode(a).decode() or "=" for a in argv), sep="\t", file=f)

        for args in ARGS.values():
            run([os.fsencode(tiny), *args])
        for name in NAMES:
            path = os.path.join(dirname, name)
            shutil.copy(tiny, path)
            run([path, b"named"])
        # an argument list without argv[0]'s usual meaning
        pid = os.posix_spawn(tiny, [b"\x1b[7m other name", b"x"], {})
        os.waitpid(pid, 0)
        print(pid, " ".join(base64.b64encode(a).decode() for a in (b"\x1b[7m other name", b"x")),
              sep="\t", file=f)
        for comm in COMMS:
            libc.prctl(15, comm, 0, 0, 0)


main()
