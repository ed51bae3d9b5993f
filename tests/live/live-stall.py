#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Output into a pipe that nobody reads for five seconds, under load: the model misses nothing (the
statistics equal the generator's count) and every line that was dropped is counted in the stream."""

import fcntl
import os
import subprocess
import threading
import time

import rig

# A sanitized pevent takes three times as long for an event: it is to keep up all the same.
WORKERS = 1 if os.environ.get("PEVENT_SANITIZED") else 2


def main():
    t = rig.Test()
    r, w = os.pipe2(os.O_CLOEXEC)
    fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 65536)
    result = t.path("result")
    p = t.start([rig.PEVENT, "-j", "-S", "-e", "fork,exec,exit", "--", rig.rig("gen"), "vfork",
                 "-t", 7, "-w", WORKERS, "--out", result], stdout=w, stderr=subprocess.PIPE)
    os.close(w)
    err = []
    reader = threading.Thread(target=lambda: err.append(p.stderr.read()))
    reader.start()
    time.sleep(5)
    sequence, lost, kept = [], {}, {}
    with os.fdopen(r, "rb") as pipe:
        for line in pipe:
            obj, f = rig.json_events(line)[0]
            sequence.append(f["event.sequence"])
            if rig.action(f) == "lost":
                source = f["pevent.lost.source"]
                lost[source] = lost.get(source, 0) + f["pevent.lost.count"]
            kept[rig.action(f)] = (obj, f)
    status = p.wait()
    reader.join()
    t.equal(status, 0, "status of the command", err)
    gaps = sum(b - a - 1 for a, b in zip(sequence, sequence[1:]))
    dropped = lost.get("output", 0)
    with open(result, encoding="ascii") as f:
        made = int(rig.pairs(f.read())["forks"])
    t.diag(f"{len(sequence)} lines, {gaps} missing, {dropped} reported, {made} processes made")
    t.ok(dropped > 0, "the stalled reader made lines drop", lost)
    t.equal(sequence, sorted(set(sequence)), "sequence numbers only rise")
    t.equal(gaps, dropped, "lines missing in the sequence = lines reported as lost")
    t.equal({k: v for k, v in lost.items() if k != "output"}, {}, "nothing else was lost")
    rig.check_schema(t, list(kept.values()), "every kind of line is valid under the schema")
    got = rig.summary_of(kept.values())
    t.equal((got.get("events.fork"), got.get("events.exit")), (made + WORKERS + 1,) * 2,
            "statistics: every fork and exit", got)
    t.equal(got.get("sources.output.lost"), dropped, "statistics: the lines dropped")
    t.equal(got.get("sources.connector.lost"), 0, "statistics: nothing lost at the connector")
    t.done()


main()
