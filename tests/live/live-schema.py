#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every kind of JSON line that pevent writes is made once and is valid under the schema."""

import os
import signal
import time

import rig

ACTIONS = {"start", "fork", "clone", "exec", "exit", "core", "comm", "uid", "gid", "sid", "ptrace", "lost"}


def main():
    t = rig.Test()
    out = t.path("log.json")
    # a small buffer and a stop make the lost lines
    p = t.start([rig.PEVENT, "-E", "-j", "--receive-buffer", "128K", "-o", out])
    if not t.ok(rig.wait_started(out), "it starts"):
        t.done()
    t.start([rig.rig("tree"), t.path("truth")]).wait()
    time.sleep(0.5)
    os.kill(p.pid, signal.SIGSTOP)
    t.run([rig.rig("gen"), "exec", "-n", "1000"])
    os.kill(p.pid, signal.SIGCONT)
    time.sleep(0.5)
    t.start([rig.rig("tiny"), "after"]).wait()
    time.sleep(0.3)
    p.terminate()
    p.wait(timeout=20)
    with open(out, "rb") as f:
        events = rig.json_events(f.read())
    t.equal({rig.action(f) for _, f in events} - {"snapshot"}, ACTIONS, "every kind of line was made")
    rig.check_schema(t, events, "every line is valid under the schema", per_shape=200)
    lost = [f for _, f in events if rig.action(f) == "lost"]
    t.ok(all(f["pevent.lost.count"] > 0 for f in lost), "lost lines have a count", *lost)
    t.done()


main()
