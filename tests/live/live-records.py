#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A record for every process, at full speed and when process ids come round again.

50,000 vfork+exec, two workers: every exit has the kernel's complete record, and nothing is lost.
Then 100,000 more with ids up to 32768, so that each id is given three times: no two lives are
merged, and pevent stays small."""

import atexit
import collections
import json
import re
import subprocess
import time

import rig

NSEC = 1000000000
PID_MAX = "/proc/sys/kernel/pid_max"
RSS_MAX_KB = 64 * 1024
UNKNOWN_MAX = 10	# see live-exec.py

Life = collections.namedtuple("Life", "pid parent arg start_ns end_ns duration usage entity")


def peak_rss_kb(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            return next((int(x.split()[1]) for x in f if x.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def nanoseconds(text):
    """Of a day, from RFC 3339: lives here are short."""
    hours, minutes, seconds = text[11:].rstrip("Z").split(":")
    whole, fraction = seconds.split(".")
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * NSEC + int(fraction)


def usage_of(pevent):
    """What is wrong with its record; None: nothing."""
    usage = pevent.get("usage", {})
    if pevent.get("source", {}).get("usage") != "taskstats":
        return "not from taskstats"
    if pevent.get("incomplete"):
        return "incomplete"
    missing = [k for k in ("cpu", "memory", "io", "sched") if k not in usage]
    if missing or not usage["cpu"].get("total_ns") or not usage["memory"].get("minor_faults"):
        return f"without {missing or 'figures'}"
    return None


def read_log(path):
    """([forked pid], [Life], [lost], [(object, flat)] of some lines); the generator's own are out."""
    forks, lives, lost, some = [], [], [], []
    shapes = collections.Counter()
    with open(path, "rb") as f:
        for line in f:
            o = json.loads(line)
            action = o["event"]["action"]
            shapes[action, rig.shape(o)] += 1
            if shapes[action, rig.shape(o)] <= 20:
                some.append((o, rig.flatten(o)))
            if action == "lost":
                lost.append(o)
                continue
            if action not in ("fork", "exit"):
                continue
            p = o["process"]
            if action == "fork":
                forks.append((p["pid"], p["entity_id"]))
                continue
            args = p.get("args")
            if args and args[0] == rig.rig("gen"):
                continue
            lives.append(Life(p["pid"], p["parent"]["pid"], args[1] if args else None,
                              nanoseconds(p["start"]), nanoseconds(p["end"]),
                              o["event"]["duration"], usage_of(o["pevent"]), p["entity_id"]))
    return forks, lives, lost, some


def storm(t, name, count):
    """Run it; what was seen, the truth, and pevent's peak memory."""
    out, truth = rig.fresh(t.path(name + ".json")), t.path("truth")
    with open(t.path("summary"), "wb") as f:
        p = t.start([rig.PEVENT, "-j", "-e", "fork,exit", "-S", "-o", out, "--", rig.rig("gen"),
                     "exec", "-n", count, "-w", 2, "--tag", name, "--truth", truth,
                     "--out", t.path("result")], stdout=f, stderr=subprocess.DEVNULL)
    peak = 0
    while p.poll() is None:
        peak = max(peak, peak_rss_kb(p.pid))
        time.sleep(0.02)
    t.equal(p.returncode, 0, name + ": status")
    made = rig.gen_truth(truth)
    t.equal(len(made), count, name + ": the generator made them all")
    with open(t.path("result"), encoding="ascii") as f:
        rate = re.search(r"per_second=(\d+)", f.read()).group(1)
    t.diag(f"{name}: {rate} processes a second, peak RSS of pevent {peak} KB")
    return (*read_log(out), made, peak)


def complete(t, name, lives, lost, some, made):
    got, wanted = (collections.Counter(x[0] for x in found) for found in (lives, made))
    t.ok(got == wanted, f"{name}: one exit for each of {len(made)} processes",
         f"missing {list(wanted - got)[:10]}", f"surplus {list(got - wanted)[:10]}")
    wrong = collections.Counter(x.usage for x in lives if x.usage)
    t.ok(not wrong, f"{name}: every exit has the kernel's complete record", wrong)
    t.ok(not lost, name + ": nothing lost", *lost[:5])
    with open(t.path("summary"), "rb") as f:
        summary = rig.summary_of(rig.json_events(f.read()))
    counts = {k: v for k, v in summary.items() if re.fullmatch(r"sources\.[\w-]+\.lost", k)}
    t.ok(counts.pop("sources.exec-reader.lost") <= UNKNOWN_MAX, name + ": command lines, but a few", counts,
         timed=True)
    t.ok("sources.taskstats.lost" in counts and not any(counts.values()),
         name + ": and no source says so", counts)
    rig.check_schema(t, some, name + ": lines are valid under the schema")


def separate(t, name, forks, lives, made):
    """Each life is one process's: its id, parent and argument belong together, and its times."""
    known = collections.Counter((x.pid, x.arg, x.parent) for x in lives if x.arg)
    surplus = known - collections.Counter(made)
    t.ok(not surplus, name + ": process id, argument and parent belong together", list(surplus)[:10])
    unknown = sum(x.arg is None for x in lives)
    t.ok(unknown <= UNKNOWN_MAX, name + ": the command lines are known", unknown, timed=True)
    pairs = {(x[0], x[2]) for x in made}
    t.ok(all((x.pid, x.parent) in pairs for x in lives), name + ": every parent is right")
    odd = [x for x in lives if not (x.start_ns < x.end_ns and x.end_ns - x.start_ns == x.duration and
                                    x.duration < 10 * NSEC)]
    t.ok(not odd, name + ": each begins before it ends, soon", *odd[:5])
    by_pid = collections.defaultdict(list)
    for x in lives:
        by_pid[x.pid].append((x.start_ns, x.end_ns))
    overlaps = [pid for pid, spans in by_pid.items() for a, b in zip(sorted(spans), sorted(spans)[1:])
                if b[0] < a[1]]
    t.ok(not overlaps, name + ": no two lives of an id at the same time", overlaps[:10])
    begun, ended = collections.Counter(forks), collections.Counter((x.pid, x.entity) for x in lives)
    t.ok(not ended - begun, name + ": one fork for each exit", list(ended - begun)[:10])
    t.ok(sum((begun - ended).values()) <= 3, name + ": one exit for each fork, but the generator's",
         list(begun - ended)[:10])
    t.diag(f"{name}: {max(len(x) for x in by_pid.values())} lives of one id")
    return max(len(x) for x in by_pid.values())


def lower_pid_max(wanted):
    with open(PID_MAX, encoding="ascii") as f:
        was = int(f.read())
    if was > wanted:
        def put(value):
            with open(PID_MAX, "w", encoding="ascii") as f:
                f.write(str(value))
        atexit.register(put, was)
        put(wanted)


def many(t):
    _, lives, lost, some, made, _ = storm(t, "50,000", 50000)
    complete(t, "50,000", lives, lost, some, made)


def wrap(t):
    forks, lives, lost, some, made, peak = storm(t, "wrap", 100000)
    complete(t, "wrap", lives, lost, some, made)
    t.ok(separate(t, "wrap", forks, lives, made) >= 3, "wrap: ids came round")
    t.ok(0 < peak < RSS_MAX_KB, "wrap: less than 64 MiB of memory", f"{peak} KB")


def main():
    t = rig.Test()
    t.fairly(many, t)
    lower_pid_max(32768)
    t.fairly(wrap, t)
    t.done()


main()
