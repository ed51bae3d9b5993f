#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What was recorded is replayed: the processes of a tree with their parents, statuses and arguments,
the same bytes each time, without root, and as the run itself told them."""

import collections
import os
import shutil
import subprocess

import rig

NOBODY = 65534


def read_truth(path):
    """[(event, thread, pid, parent, detail, arguments)] as tree.c wrote it."""
    with open(path, encoding="utf-8") as f:
        for line in f:
            event, tid, pid, ppid, detail, args = line.rstrip("\n").split("\t")
            yield event, int(tid), int(pid), int(ppid), detail, tuple(args.split("\x1f"))


def lives(events, pids):
    """fork, exec and exit of these as in the truth: what of whom, by whom, how, with what."""
    found = collections.Counter()
    for _, f in events:
        event, pid = rig.action(f), f.get("process.pid")
        if pid in pids and event in ("fork", "exec", "exit"):
            args = tuple(os.fsdecode(x) for x in rig.args_of(f) or ())
            detail = str(rig.wait_status(f)) if event == "exit" else "-"
            found[(event, pid, f.get("process.parent.pid"), detail, args)] += 1
    return found


def check_tree(t, events, truth):
    pids = {x[2] for x in truth}
    main = truth[0][2]
    wanted = collections.Counter((x[0], x[2], x[3], x[4] if x[0] == "exit" else "-", x[5])
                                 for x in truth if x[0] in ("fork", "exec", "exit"))
    got = lives(events, pids)
    for key in [k for k in got if k[:2] == ("fork", main)]:
        del got[key]		# the truth begins with its exec
    t.ok(wanted and got == wanted, "fork, exec and exit of each process: parent, status, arguments",
         *[f"missing {n}: {k}" for k, n in (wanted - got).items()],
         *[f"surplus {n}: {k}" for k, n in (got - wanted).items()])
    for event in ("comm", "uid", "gid", "sid", "ptrace", "core", "clone"):
        of = {x[2] for x in truth if x[0] == event}
        seen = {f["process.pid"] for _, f in events if rig.action(f) == event}
        t.ok(of and of <= seen, f"{event} of those that did it", f"wanted {of}", f"got {seen}")


def check_order(t, events):
    sequence = [f["event.sequence"] for _, f in events]
    t.equal(sequence, list(range(1, len(sequence) + 1)), "event.sequence has no gap")
    times = [rig.realtime_ns(f) for _, f in events]
    t.ok(times == sorted(times), "lines are in order of time")
    t.ok(not [f for _, f in events if rig.action(f) == "lost"], "nothing lost")


def as_nobody(t, directory):
    """The replay's output for a user who may do nothing; None: not to be had."""
    setpriv = shutil.which("setpriv", path="/usr/bin:/bin")
    if not setpriv:
        return None
    os.chmod(t.tmp, 0o755)
    subprocess.run(["chmod", "-R", "a+rX", directory], check=True)
    program = shutil.copy(rig.PEVENT, t.path("pevent"))
    status, out, err = t.run([setpriv, "--reuid", str(NOBODY), "--regid", str(NOBODY),
                              "--clear-groups", program, "-R", directory, "-j", "-E"])
    return out if status == 0 else err


def main():
    t = rig.Test()
    directory, truth = t.path("recording"), t.path("truth")
    status, out, err = t.pevent("record", directory, "--", rig.rig("tree"), truth, timeout=30)
    t.equal((status, out), (0, b""), "record: the command's status, no output",
            err.decode(errors="replace"))
    files = sorted(x for x in os.listdir(directory) if not x.startswith("packets-"))
    t.equal(files, ["meta.json", "netlink.pcap", "packets.pcap", "proc.jsonl"],
            "record: the files of a recording")
    status, first, err = t.pevent("-R", directory, "-j", "-E")
    t.equal((status, err), (0, b""), "replay: status, no complaint")
    events = rig.json_events(first)
    rig.check_schema(t, events, "replay: every line is valid under the schema")
    check_tree(t, events, list(read_truth(truth)))
    check_order(t, events)
    _, second, _ = t.pevent("-R", directory, "-j", "-E")
    t.ok(first == second, "replay: the same bytes again")
    other = as_nobody(t, directory)
    if other is None:
        t.skip("replay: the same bytes without root", "no setpriv(1)")
    else:
        t.ok(first == other, "replay: the same bytes without root", other[:500])
    status, _, err = t.pevent("record", directory, "--", "/bin/true")
    t.ok(status == 1 and b"recording" in err, "record: a directory that is not empty is refused",
         status, err)
    t.done()


main()
