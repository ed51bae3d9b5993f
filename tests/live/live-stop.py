#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pevent stopped for a second at full rate. With its own buffer: nothing lost, or the exact number
reported. With a small one: the number is exact, and afterwards the table is right.

Truth is an independent listener (cncount watch), which the kernel sends the same events: between
two markers, what pevent delivered, what it says it dropped at its output and what it says it lost
at the connector add up to what that listener got, the machine's other programs included."""

import bisect
import collections
import os
import signal
import subprocess
import time

import rig

Line = collections.namedtuple("Line", "time action pid entity synthetic source count")


def load(path):
    """([Line], [(object, flat)] of the lines that the test asks about, some of every shape)."""
    lines, kept, shapes = [], [], collections.Counter()
    with open(path, "rb") as f:
        for raw in f:
            obj, flat = rig.json_events(raw)[0]
            event = rig.action(flat)
            # what pevent says on its own is not an event of the kernel
            synthetic = event in ("start", "lost", "snapshot") or \
                (event == "exit" and rig.wait_status(flat) is None)
            lines.append(Line(rig.realtime_ns(flat), event, flat.get("process.pid"),
                              flat.get("process.entity_id"), synthetic,
                              flat.get("pevent.lost.source"), flat.get("pevent.lost.count")))
            key = (event, rig.shape(obj))
            shapes[key] += 1
            if shapes[key] <= 20 or b"/bin/sleep" in raw or b"-marker" in raw or event == "lost":
                kept.append((obj, flat))
    return lines, kept


def marker(t, name):
    """A process that both listeners see, with quiet before and after. What a CPU lost is told at its
    next event: each has one before."""
    time.sleep(0.3)
    for cpu in sorted(os.sched_getaffinity(0)):
        t.start(["taskset", "-c", str(cpu), rig.rig("tiny"), "flush"]).wait()
    p = t.start([rig.rig("tiny"), name])
    p.wait()
    time.sleep(0.3)
    return p.pid


def sleeper(t, seconds, name):
    return t.start(["/bin/sleep", str(seconds), "0." + name])


def read_watch(path):
    """[(time, what, tid, tgid)] but acknowledgements, by time."""
    found = []
    with open(path, encoding="ascii") as f:
        for line in f:
            x = line.split()
            what = int(x[1], 16)
            if what:
                found.append((int(x[0]), what, int(x[4]), int(x[5])))
    return sorted(found)


def storm(t, options, seconds_of_stop):
    """Run pevent and the watcher through a storm with a stop in it; all that was seen."""
    out, seen = t.path("log.json"), t.path("seen")
    for path in (out, seen):
        if os.path.exists(path):
            os.unlink(path)
    watch = t.start([rig.rig("cncount"), "watch", seen], stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE)
    watch.stdout.readline()
    p = t.start([rig.PEVENT, "-E", "-j", *options, "-o", out], stderr=subprocess.PIPE)
    if not rig.wait_started(out):
        return None
    run = {"before": sleeper(t, 6, "11"), "vanishing": sleeper(t, 1.6, "12")}
    run["first"] = marker(t, "first-marker")
    gen = t.start([rig.rig("gen"), "vfork", "-t", 2.0, "-w", 2, "--out", t.path("result")])
    time.sleep(0.4)
    os.kill(p.pid, signal.SIGSTOP)
    time.sleep(seconds_of_stop / 2)
    run["during"] = sleeper(t, 4, "13")
    time.sleep(seconds_of_stop / 2)
    os.kill(p.pid, signal.SIGCONT)
    gen.wait()
    time.sleep(0.5)
    run["last"] = marker(t, "last-marker")
    for name in ("before", "vanishing", "during"):
        run[name].wait()
    time.sleep(0.3)
    p.send_signal(signal.SIGTERM)
    run["errors"] = p.communicate(timeout=60)[1].decode(errors="replace")
    run["status"] = p.returncode
    run["watched"] = rig.pairs(watch.communicate(b"", timeout=30)[0])
    run["seen"] = read_watch(seen)
    run["lines"], run["events"] = load(out)
    return run


def marker_exit(events, name):
    """JSON line of the marker's exit."""
    return next((f for _, f in events if rig.action(f) == "exit" and
                 (rig.args_of(f) or [])[1:] == [name]), None)


def account(t, run, name):
    """The sum between the markers; returns what was lost at the connector there."""
    events, seen = run["events"], run["seen"]
    own = [marker_exit(events, b"first-marker"), marker_exit(events, b"last-marker")]
    # process ids wrap in a storm: the first of the first, the last of the last
    other = [next((e for e in order if e[1] == 0x80000000 and e[3] == run[k]), None)
             for k, order in (("first", seen), ("last", reversed(seen)))]
    if not t.ok(None not in own and None not in other, name + ": both markers are there", own, other):
        return None
    begin, end = (rig.realtime_ns(f) for f in own)
    wanted = bisect.bisect_right(seen, (other[1][0], 1 << 40)) - \
        bisect.bisect_right(seen, (other[0][0], 1 << 40))
    inside = [x for x in run["lines"] if begin < x.time <= end]
    delivered = sum(not x.synthetic for x in inside)
    dropped = sum(x.count for x in inside if x.action == "lost" and x.source == "output")
    lost = sum(x.count for x in inside if x.action == "lost" and x.source == "connector")
    t.diag(f"{name}: delivered {delivered}, dropped at the output {dropped}, lost at the connector "
           f"{lost}, seen by the other listener {wanted}")
    t.diag(*[f"{f['@timestamp']} lost {f['pevent.lost.count']} {f['pevent.lost.source']}"
             for _, f in events if rig.action(f) == "lost"][:10])
    t.diag(*[f"{x.count} lost {x.source}, {x.time - end} ns after the end" for x in run["lines"]
             if x.action == "lost" and x.time > end][:10])
    t.equal(run["watched"]["lost"], "0", name + ": the other listener lost nothing")
    t.equal(delivered + dropped + lost, wanted, name + ": the account is exact")
    return lost


def ends_of(run, key):
    """Lines that end the sleeper of that name."""
    return [f for _, f in run["events"] if f.get("process.pid") == run[key].pid and
            rig.action(f) == "exit" and b"/bin/sleep" in (rig.args_of(f) or [])]


def main():
    t = rig.Test()
    run = storm(t, ["--strict"], 1.0)
    if not t.ok(run, "starts"):
        t.done()
    account(t, run, "default buffer")
    # a command line that was missed, of any program on the machine, counts as well
    lost = any(x.action == "lost" for x in run["lines"]) or any(
        rig.action(f) == "exec" and rig.args_of(f) is None for _, f in run["events"])
    t.equal(run["status"], 3 if lost else 0, "default buffer: status with --strict", run["errors"],
            *[f for _, f in run["events"] if rig.action(f) == "lost"])
    rig.check_schema(t, run["events"], "default buffer: lines are valid under the schema")

    run = storm(t, ["--strict", "--receive-buffer", "128K"], 1.0)
    if not t.ok(run, "small buffer: starts"):
        t.done()
    lost = account(t, run, "small buffer")
    t.ok(lost, "small buffer: something was lost", lost)
    t.equal(run["status"], 3, "small buffer: status with --strict", run["errors"])
    rig.check_schema(t, run["events"], "small buffer: lines are valid under the schema")
    for key, seconds in (("before", 6), ("during", 4)):
        ends = ends_of(run, key)
        t.ok(len(ends) == 1 and rig.wait_status(ends[0]) == 0 and
             rig.args_of(ends[0])[:2] == [b"/bin/sleep", str(seconds).encode()] and
             ends[0].get("process.parent.pid") == os.getpid(),
             f"small buffer: a process started {key} the storm ends with its status, parent and "
             "command line", *ends)
    ends = ends_of(run, "vanishing")
    t.ok(len(ends) == 1 and rig.wait_status(ends[0]) is None,
         "small buffer: a process whose exit was lost is closed, without a status", *ends)
    open_lives = set()
    for x in run["lines"]:
        if x.action == "fork":
            open_lives.add((x.pid, x.entity))
        elif x.action == "exit":
            open_lives.discard((x.pid, x.entity))
    alive = {int(x) for x in os.listdir("/proc") if x.isdigit()}
    dangling = [x for x in open_lives if x[0] not in alive]
    dropped = sum(x.count for x in run["lines"] if x.action == "lost" and x.source == "output")
    t.ok(len(dangling) <= dropped, "small buffer: no life stays open whose process is gone",
         f"{len(dangling)} open, {dropped} lines dropped", dangling[:10])
    t.done()


main()
