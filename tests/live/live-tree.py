#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A tree of processes in which every kind of event happens appears exactly: each event, the right
parent, status and command line, in text and in JSON, alone and among -e's default."""

import collections
import os
import shlex
import signal

import rig


def read_truth(path):
    found = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            event, tid, pid, ppid, detail, args = line.rstrip("\n").split("\t")
            found.append((event, int(tid), int(pid), int(ppid), detail, tuple(args.split("\x1f"))))
    return found


def detail_of(event, flat):
    """The same detail that tree.c writes, from a JSON line; None: not found in it."""
    if event == "exit":
        return str(rig.wait_status(flat))
    if event == "comm":
        return flat.get("process.thread.name", flat.get("process.name"))
    if event == "uid":
        return str(flat.get("process.real_user.id", flat.get("process.user.id")))
    if event == "gid":
        return str(flat.get("process.real_group.id", flat.get("process.group.id")))
    if event == "sid":
        return str(flat.get("process.session_leader.pid"))
    return "-"


def check_threads(t, clones, truth):
    """Each thread begins; all threads of a process but the last to end, which may be the leader,
    end by themselves. In truth are the ends that exec and exit_group() do not make."""
    begun = collections.Counter((f["process.pid"], f["process.thread.id"]) for f in clones
                                if f["event.type"] == ["start"])
    wanted = collections.Counter((x[2], x[1]) for x in truth if x[0] == "clone" and x[4] == "begin")
    t.equal(begun, wanted, "JSON: every thread's begin")
    ends = collections.Counter(f["process.pid"] for f in clones if f["event.type"] == ["end"])
    wanted = collections.Counter(x[2] for x in truth if x[0] == "clone" and x[4] == "end")
    t.ok(all(ends[pid] == n for pid, n in wanted.items()), "JSON: every thread's end",
         f"got {ends}", f"wanted {wanted}")


def is_unknown(args):
    """How a program is shown whose command line nobody could read: by its name, if at all."""
    return args == ("-",) or args[:1] and args[0].startswith("(")


def no_args(found):
    """The same lines, whatever their command lines, which come last."""
    bare = collections.Counter()
    for x, n in found.items():
        bare[x[:-1]] += n
    return bare


def as_json(t, events, truth):
    """Compare each event of the processes that truth names."""
    pids = {x[2] for x in truth}
    got, first = [], None
    for _, f in events:
        event, pid = rig.action(f), f.get("process.pid")
        if pid not in pids or event in ("start", "lost", "snapshot"):
            continue
        args = tuple(os.fsdecode(x) for x in rig.args_of(f) or ())
        detail = detail_of(event, f)
        got.append((event, f.get("process.thread.id", pid), pid,
                    f.get("process.parent.pid"), detail, args))
    # thread ends in a group that is torn down, and the fork of pevent's own child, are not in truth
    main = truth[0][2]
    wanted = collections.Counter()
    for event, tid, pid, ppid, detail, args in truth:
        if event in ("clone", "ptrace"):
            detail = "-"
        wanted[(event, tid, pid, ppid, detail, args)] += 1
    seen = collections.Counter(x for x in got if x[0] != "clone")
    missing = collections.Counter({k: n for k, n in (wanted - seen).items() if k[0] != "clone"})
    surplus = collections.Counter({k: n for k, n in (seen - wanted).items()
                                   if not (k[0] == "fork" and k[2] == main)})
    unknown = collections.Counter({k: n for k, n in surplus.items() if not k[5]})
    t.ok(not missing, "JSON: every event, with its parent, status and command line",
         *[f"missing {n}: {k}" for k, n in missing.items()],
         *[f"there is: {x}" for x in got if x[2] in {k[2] for k in missing}],
         timed=no_args(missing) == no_args(unknown))
    t.ok(surplus == unknown and not no_args(unknown) - no_args(missing),
         "JSON: no event that did not happen, no other's command line", *[f"{n}: {k}" for k, n in surplus.items()])
    check_threads(t, [f for _, f in events if rig.action(f) == "clone"], truth)
    for pid in pids:
        first = [x[0] for x in got if x[2] == pid and x[0] != "clone"]
        want = [x[0] for x in truth if x[2] == pid and x[0] != "clone"]
        if pid == main:
            first = [x for x in first if x != "fork"]
        if first != want:
            t.ok(False, "JSON: each process's events in their order", pid, first, want)
            break
    else:
        t.ok(True, "JSON: each process's events in their order")
    times = [rig.realtime_ns(f) for _, f in events if "@timestamp" in f]
    t.ok(times == sorted(times), "JSON: lines in order of time")
    sequence = [f.get("event.sequence") for _, f in events]
    t.equal(sequence, list(range(sequence[0], sequence[0] + len(sequence))),
            "JSON: event.sequence has no gap")
    # one life, told completely by its last line
    exits = {f["process.pid"]: f for _, f in events if rig.action(f) == "exit"}
    core = next(f for f in exits.values() if rig.wait_status(f) == 139 or rig.wait_status(f) == 11)
    t.equal((core.get("pevent.exit.signal"), core.get("pevent.exit.signal_name"),
             core.get("pevent.exit.core_dumped")),
            (11, "SIGSEGV", rig.wait_status(core) == 139), "JSON: SIGSEGV decoded")
    code = next(f for f in exits.values() if rig.wait_status(f) == 0x300)
    t.equal(code.get("process.exit_code"), 3, "JSON: exit code 3 decoded")
    t.ok(all(f.get("event.duration", 0) > 0 for f in exits.values()), "JSON: durations",
         [f.get("event.duration") for f in exits.values()])
    orphan = next(f for f in exits.values() if rig.wait_status(f) == 0x900)
    t.ok(orphan["event.duration"] >= 50000000, "JSON: a sleep of 50 ms lasts 50 ms",
         orphan["event.duration"])


def info_of(status):
    if os.WIFEXITED(status):
        return str(os.WEXITSTATUS(status))
    name = signal.Signals(os.WTERMSIG(status)).name[3:]
    return name + ("+" if os.WCOREDUMP(status) else "")


def as_text(t, data, truth, wanted_events, name):
    log = rig.TextLog(data)
    got = collections.Counter((r["Event"], r["PID"], r["Info"] if r["Event"] == "exit" else "",
                               tuple(shlex.split(r["Process"])))
                              for r in log.rows if r["Event"] in ("exec", "exit"))
    wanted = collections.Counter((event, str(pid), info_of(int(detail)) if event == "exit" else "", args)
                                 for event, _, pid, _, detail, args in truth
                                 if event in ("exec", "exit"))
    unknown = collections.Counter({x: n for x, n in (got - wanted).items() if is_unknown(x[3])})
    t.ok(not wanted - got, name + ": every exec and exit, status and command line",
         *[f"missing: {x}" for x in wanted - got],
         *[r["line"] for r in log.rows if r["Event"] in ("exec", "exit")],
         timed=no_args(wanted - got) == no_args(unknown))
    t.ok(got - wanted == unknown and not no_args(unknown) - no_args(wanted - got),
         name + ": no exec or exit that did not happen, no other's command line",
         *[f"surplus: {x}" for x in got - wanted])
    for event, text in (("fork", "fork"), ("core", "core"), ("comm", "comm"), ("sid", "sid"),
                        ("uid", "uid"), ("gid", "gid"), ("ptrace", "ptrce")):
        lines = {r["PID"] for r in log.of(text)}
        pids = {str(x[2]) for x in truth if x[0] == event}
        if text in wanted_events:
            t.ok(pids <= lines, f"{name}: {text} lines", f"missing for {pids - lines}",
                 *[r["line"] for r in log.of(text)])
        else:
            t.ok(not lines, f"{name}: no {text} lines", lines)
    renamed = [r["Process"] for r in log.of("comm")]
    t.ok(any("renamed one" in x and "->" in x for x in renamed), name + ": old -> new comm", renamed)


def tree(t, mode, options, out):
    path, truth = rig.fresh(t.path(out)), rig.fresh(t.path("truth"))
    status, _, err = t.pevent(*options, *(["-j"] if mode == "json" else []), "-o", path, "--",
                              rig.rig("tree"), truth, timeout=30)
    name = f"pevent {' '.join(options)} -o {out}"
    t.equal(status, 0, name + ": status of the command", err.decode(errors="replace"))
    with open(path, "rb") as f:
        data = f.read()
    expected = read_truth(truth)
    if mode == "json":
        events = rig.json_events(data)
        rig.check_schema(t, events, "JSON: every line is valid under the schema")
        t.equal(rig.action(events[0][1]), "start", "JSON: the first line is the start")
        as_json(t, events, expected)
        t.ok(not [f for _, f in events if rig.action(f) == "lost"], "JSON: nothing lost")
    else:
        wanted = {"fork", "exec", "exit", "core", "comm"}
        if options:
            wanted |= {"sid", "uid", "gid", "ptrce"}
        as_text(t, data, expected, wanted, out)


def main():
    t = rig.Test()
    t.fairly(tree, t, "json", ["-E"], "all.json")
    t.fairly(tree, t, "text", ["-E"], "all.txt")
    t.fairly(tree, t, "text", [], "default.txt")
    t.done()


main()
