#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""100,000 fork+exit at full speed: nothing is lost, the statistics equal the generator's count."""

import collections
import re

import rig
from rig import counts

COUNT = 100000
WORKERS = 2


def main():
    t = rig.Test()
    gen = [rig.rig("gen"), "fork", "-n", str(COUNT), "-w", str(WORKERS), "--out", t.path("result")]

    status, out, err = t.pevent("-q", "-S", "--", *gen, timeout=180)
    t.equal(status, 0, "-q -S: status", err.decode(errors="replace"))
    with open(t.path("result"), encoding="ascii") as f:
        result = rig.pairs(f.read())
    t.equal(result["forks"], str(COUNT), "the generator made them all")
    summary = out + err
    got = counts(summary)
    # the command, forked by pevent, its workers and their children: that is its whole tree
    wanted = COUNT + WORKERS + 1
    t.equal(got.get("fork"), wanted, "-q -S: forks counted exactly",
            summary.decode(errors="replace"))
    t.equal(got.get("exit"), wanted, "-q -S: exits counted exactly", got)
    t.ok(re.search(rb"^Lost: +nothing$", summary, re.M), "-q -S: nothing lost",
         summary.decode(errors="replace"))

    status, out, err = t.pevent("-j", "-q", "-S", "--", *gen, timeout=180)
    t.equal(status, 0, "-j -q -S: status", err.decode(errors="replace"))
    events = rig.json_events(out)
    got = rig.summary_of(events)
    t.equal((got.get("events.fork"), got.get("events.exit")), (wanted, wanted),
            "-j -q -S: forks and exits counted exactly", out)
    t.equal({k: v for k, v in got.items() if k.endswith(".lost") and v}, {}, "-j -q -S: nothing lost")
    rig.check_schema(t, events, "-j -q -S: valid under the schema")

    out = t.path("log.json")
    status, _, err = t.pevent("-j", "-e", "fork,exit", "-o", out, "--", *gen, timeout=180)
    t.equal(status, 0, "-j: status", err.decode(errors="replace"))
    with open(t.path("result"), encoding="ascii") as f:
        workers = {int(x) for x in rig.pairs(f.read())["workers"].split(",")}
    seen, lost, status = collections.Counter(), [], collections.Counter()
    with open(out, "rb") as f:
        for line in f:
            _, flat = rig.json_events(line)[0]
            if rig.action(flat) == "lost":
                lost.append(flat)
            elif flat.get("process.parent.pid") in workers:
                seen[rig.action(flat)] += 1
                status[flat.get("pevent.exit.wait_status")] += rig.action(flat) == "exit"
    t.ok(not lost, "-j: nothing lost", *lost[:5])
    t.equal((seen["fork"], seen["exit"]), (COUNT, COUNT), "-j: a line for every fork and exit")
    t.equal(+status, collections.Counter({0: COUNT}), "-j: every status")
    t.done()


main()
