#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A command line that is read late is the right one, or there is none: never that of the program
which the process, or the next owner of its number, runs by then. pevent is stopped meanwhile."""

import os
import signal
import time

import rig


def main():
    t = rig.Test()
    out = t.path("log.json")
    p = t.start([rig.PEVENT, "-j", "-o", out])
    if not t.ok(rig.wait_started(out), "it starts"):
        t.done()
    os.kill(p.pid, signal.SIGSTOP)
    truth = {}
    for i in range(200):
        name = f"late-{i}"
        q = t.start([rig.rig("tiny"), name])
        truth[q.pid] = [[rig.rig("tiny").encode(), name.encode()]]
        q.wait()
        t.started.remove(q)
    for i in range(5):
        script = f"exec /bin/sleep {4 + i / 1000}"
        q = t.start(["/bin/sh", "-c", script])
        truth[q.pid] = [[b"/bin/sh", b"-c", script.encode()], script.encode().split()[1:]]
    time.sleep(0.3)
    # numbers go round, so that others own those of the first ones while they are looked up
    t.run([rig.rig("gen"), "vfork", "-n", "33000"])
    sleepers = [t.start(["/bin/sleep", "3"]) for _ in range(200)]
    os.kill(p.pid, signal.SIGCONT)
    time.sleep(2)
    p.terminate()
    p.wait(timeout=30)
    for q in sleepers:
        q.terminate()
    with open(out, "rb") as f:
        events = rig.json_events(f.read())
    execs = {}
    for _, f in events:
        if rig.action(f) == "exec" and f.get("process.parent.pid") == os.getpid():
            execs.setdefault(f["process.pid"], []).append(f)
    wrong, known = [], 0
    for pid, wanted in truth.items():
        for f, args in zip(execs.get(pid, []), wanted):
            got = rig.args_of(f)
            known += got is not None
            if got is not None and got != args:
                wrong.append((pid, got, args, f.get("pevent.source.args")))
    t.equal(sum(len(execs.get(pid, [])) >= len(x) for pid, x in truth.items()), len(truth),
            "every exec is there")
    t.ok(not wrong, "every command line is the right one, or missing", *wrong[:5])
    t.ok(known >= 5, "those of the living are read all the same", known)
    t.equal({f.get("pevent.source.args") for pid in truth for f in execs.get(pid, [])
             if rig.args_of(f) is not None} - {"proc", "exec-reader"}, set(),
            "and say where they are from")
    t.done()


main()
