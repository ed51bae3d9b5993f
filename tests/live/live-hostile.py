#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Names and arguments that want to break a log: text stays aligned, escaped and on its line, JSON is
valid and gives the bytes back, what is cut off says how long it was."""

import base64
import os
import re
import sys
import unicodedata

import rig

HERE = os.path.dirname(os.path.abspath(__file__))


def read_truth(path):
    """[(pid, [argument])]"""
    with open(path, encoding="ascii") as f:
        return [(int(x.split("\t")[0]), [base64.b64decode("" if a == "=" else a)
                                         for a in x.rstrip("\n").split("\t")[1].split(" ")])
                for x in f]


def check_text(t, data, truth, name):
    bad = sorted({b for b in data if (b < 0x20 and b != 10) or b == 0x7f})
    t.equal(bad, [], name + ": no control byte but the newline")
    try:
        text = data.decode("utf-8", "strict")
    except UnicodeDecodeError as e:
        t.ok(False, name + ": valid UTF-8", e)
        return
    t.ok(True, name + ": valid UTF-8")
    bad = {hex(ord(c)) for c in set(text) if c != "\n" and
           (unicodedata.category(c) in ("Cc", "Zl", "Zp", "Cs") or
            ord(c) in (*range(0x202a, 0x202f), *range(0x2066, 0x206a), 0x200e, 0x200f, 0x61c))}
    t.equal(bad, set(), name + ": no C1, bidi or line separator character")
    log = rig.TextLog(data)
    process = log.edges[-1][1]
    wrong = [x for x in log.lines[1:]
             if x != log.header and (len(x) <= process or x[process - 1] != " ")]
    t.ok(log.rows and not wrong, name + ": Process begins in the same column on every line", *wrong[:5])
    wrong = [r["line"] for r in log.rows
             if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}", r["Time"]) or
             r["Event"] not in ("fork", "exec", "exit", "core", "comm", "clone", "ptrce", "uid", "gid",
                                "sid", "lost") or not re.fullmatch(r"\d+|-", r["PID"])]
    t.ok(not wrong, name + ": every line has its columns where the header has them", *wrong[:5])
    execs = {int(r["PID"]): r for r in log.of("exec")}
    t.equal([pid for pid, _ in truth if pid not in execs], [], name + ": an exec line for each")
    plain = next(pid for pid, args in truth if args[1:] == [b"", b"", b"x", b"", b""])
    t.ok(execs[plain]["Process"].endswith(" '' '' x '' ''"), name + ": empty arguments are seen",
         execs[plain]["line"])
    long = next((pid, args) for pid, args in truth if args[1:2] == [b"L" * 100000])
    size = sum(len(a) + 1 for a in long[1])
    digits = re.sub(r"[^0-9]", "", execs[long[0]]["Process"][-60:])
    t.ok(len(execs[long[0]]["Process"]) >= 100000 or str(size) in digits,
         name + f": what is cut off gives its length ({size})", execs[long[0]]["Process"][-100:])


def check_json(t, events, truth):
    rig.check_schema(t, events, "JSON: every line is valid under the schema")
    execs = {f["process.pid"]: f for _, f in events if rig.action(f) == "exec"}
    exits = {f["process.pid"]: f for _, f in events if rig.action(f) == "exit"}
    wrong = []
    for pid, args in truth:
        for f in (execs.get(pid), exits.get(pid)):
            got = rig.args_of(f) if f else None
            size = sum(len(a) + 1 for a in args)
            if got == args and "pevent.truncated.args_bytes" not in (f or {}):
                continue
            cut = f.get("pevent.truncated.args_bytes") if f else None
            # cut off: an honest length, and what is there is a prefix
            if got and cut == size and size > 30000 and \
                    b"\0".join(args).startswith(b"\0".join(got).rstrip(b"\0")):
                continue
            wrong.append(f"{pid}: wanted {args[:3]!r:.200}, got {got!r:.200}, truncated {cut}")
    t.ok(not wrong, "JSON: every argument list comes back byte for byte, or says how long it was",
         *wrong)
    t.ok(all(f.get("process.args_count") in (None, len(a)) or "pevent.truncated.args_bytes" in f
             for f, a in ((execs[p], a) for p, a in truth if p in execs)), "JSON: args_count")
    comms = [f for _, f in events if rig.action(f) == "comm"]
    t.ok(len(comms) >= 8, "JSON: comm events", len(comms))


def main():
    t = rig.Test()
    os.makedirs(t.path("bin"))
    for form in ("text", "json"):
        out, truth = t.path("out." + form), t.path("truth")
        status, _, err = t.pevent(*(["-j"] if form == "json" else []), "-o", out, "-E", "-S", "--",
                                  sys.executable, os.path.join(HERE, "hostile-child.py"),
                                  rig.rig("tiny"), truth, t.path("bin"), timeout=60)
        t.equal(status, 0, form + ": status", err.decode(errors="replace")[-2000:])
        with open(out, "rb") as f:
            data = f.read()
        bad = sorted({b for b in err if (b < 0x20 and b not in (9, 10)) or b == 0x7f})
        t.equal(bad, [], form + ": no control byte on stderr")
        if form == "text":
            check_text(t, data, read_truth(truth), form)
        else:
            check_json(t, rig.json_events(data), read_truth(truth))
    # the terminal's view: the same on standard output, with short names and with -c
    for options in (["-s"], ["-c"], ["-d"]):
        status, out, err = t.pevent(*options, "--", sys.executable,
                                    os.path.join(HERE, "hostile-child.py"), rig.rig("tiny"), truth,
                                    t.path("bin"), timeout=60)
        bad = sorted({b for b in out if (b < 0x20 and b != 10) or b == 0x7f})
        t.equal((status, bad), (0, []), f"{options[0]}: no control byte but the newline")
    t.done()


main()
