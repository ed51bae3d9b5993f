#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A real build: this project's own, four compilers at a time. The CPU time of all its processes adds
up to what the kernel tells of the whole tree; and every process is there, under the eyes of strace,
which stops each of them at its birth and its end. Then 600 compilations of one line."""

import collections
import os
import re
import shutil
import subprocess

import rig

TINY = 600


def rusage_run(t, name, *command):
    """Exits of the tree below the generator, which is not counted, and what wait4 told of it."""
    out, truth = (rig.fresh(t.path(name + x)) for x in (".json", ".truth"))
    status, stdout, err = t.pevent("-j", "-e", "exit", "-o", out, "--", rig.rig("usage"), "-o", truth,
                                   "rusage", *command, timeout=240)
    if not t.equal(status, 0, name + ": builds", stdout[-2000:], err[-2000:]):
        t.done()
    with open(truth, encoding="ascii") as f:
        whole = {k: v if k == "job" else int(v) for k, v in rig.pairs(f.read()).items()}
    events = read_exits(out)
    lost = [f for _, f in events if rig.action(f) == "lost"]
    t.ok(not lost, name + ": nothing lost", *lost[:5])
    exits = [f for _, f in events if rig.action(f) == "exit"]
    generator = [f["process.parent.pid"] for f in exits if f["process.pid"] == whole["pid"]]
    return [f for f in exits if f["process.pid"] not in generator], whole, events


def read_exits(path):
    with open(path, "rb") as f:
        return rig.json_events(f.read())


def add_up(t, name, exits, whole):
    bad = [f for f in exits if f.get("pevent.source.usage") != "taskstats" or f.get("pevent.incomplete")]
    t.ok(exits and not bad, f"{name}: every exit has the kernel's complete record", *bad[:3])
    total = sum(f.get("pevent.usage.cpu.total_ns", 0) for f in exits)
    off = total / whole["cpu_ns"] - 1
    t.diag(f"{name}: {len(exits)} processes, {total / 1e9:.3f} s of CPU, by getrusage "
           f"{whole['cpu_ns'] / 1e9:.3f} s: {100 * off:+.2f} %")
    t.ok(abs(off) <= 0.02, f"{name}: CPU of all processes is within 2 % of the tree's", off, timed=True)
    for key, of in (("minor_faults", "minflt"), ("major_faults", "majflt")):
        got = sum(f["pevent.usage.memory." + key] for f in exits)
        t.ok(0 <= whole[of] - got <= 8 * len(exits), f"{name}: {key} of all processes",
             got, whole[of], len(exits))
    peak = max(f["pevent.usage.memory.peak_rss_bytes"] for f in exits) // 1024
    t.ok(abs(peak - whole["maxrss_kb"]) <= 256, f"{name}: peak memory is that of the largest",
         peak, whole["maxrss_kb"])
    blocks = sum(f["pevent.usage.io.write_bytes"] for f in exits)
    t.ok(0 <= 512 * whole["oublock"] - blocks <= 1023 * len(exits),
         f"{name}: bytes written by all processes", blocks, 512 * whole["oublock"])


def ended(path):
    """{(pid, wait status): how often} as strace tells; threads end with their process."""
    found = collections.Counter()
    threads = set()
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            pid, _, rest = line.partition(" ")
            rest = rest.strip()
            made = re.search(r"CLONE_THREAD.*= (\d+)$", rest)
            if made:
                threads.add(int(made.group(1)))
            m = re.fullmatch(r"\+\+\+ exited with (\d+) \+\+\+", rest)
            if m:
                found[int(pid), int(m.group(1)) << 8] += 1
    return collections.Counter({k: n for k, n in found.items() if k[0] not in threads})


def every_process(t, ninja, tree):
    """The build once more under strace, itself under pevent: the same processes, id by id."""
    out, seen = t.path("strace.json"), t.path("strace.out")
    status, stdout, err = t.pevent("-j", "-e", "exit", "-o", out, "--", "strace", "-f", "--seccomp-bpf",
                                   "-q", "-e", "trace=clone,clone3,fork,vfork", "-o", seen,
                                   ninja, "-j4", "-C", tree, timeout=240)
    t.equal(status, 0, "under strace: builds", stdout[-2000:], err[-2000:])
    wanted = ended(seen)
    got = collections.Counter((f["process.pid"], rig.wait_status(f)) for _, f in read_exits(out)
                              if rig.action(f) == "exit" and f.get("process.name") != "strace")
    t.ok(wanted and got == wanted, f"under strace: all of its {sum(wanted.values())} processes, with "
         "their status, and no other", f"missing {list(wanted - got)[:10]}",
         f"surplus {list(got - wanted)[:10]}")
    return sum(wanted.values())


def build(t):
    missing = [x for x in ("meson", "ninja", "strace", "cc") if not shutil.which(x)]
    if missing:
        return t.skip("a real build", f"{', '.join(missing)} is not installed")
    source, tree = t.path("source"), t.path("build")
    shutil.copytree(rig.SOURCE, source, ignore=lambda path, names: [
        x for x in names if x.startswith(("build", "."))] if path == rig.SOURCE else [])
    done = subprocess.run(["meson", "setup", tree, source], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if not t.equal(done.returncode, 0, "the project can be configured", done.stdout[-2000:]):
        return None
    ninja = shutil.which("ninja")
    exits, whole, events = rusage_run(t, "build", ninja, "-j4", "-C", tree, "pevent")
    rig.check_schema(t, events, "build: lines are valid under the schema")
    add_up(t, "build", exits, whole)
    subprocess.run([ninja, "-C", tree, "-t", "clean"], stdout=subprocess.DEVNULL, check=True)
    return every_process(t, ninja, tree)


def tiny(t):
    one = t.path("one.c")
    with open(one, "w", encoding="ascii") as f:
        f.write("int one(void) { return 1; }\n")
    exits, whole, _ = rusage_run(
        t, "tiny compilations", "/bin/sh", "-c",
        f"seq {TINY} | xargs -P 4 -I{{}} {shutil.which('cc')} -c -o {t.tmp}/{{}}.o {one}")
    compilers = [f for f in exits if f.get("process.thread.name") == "cc1"]
    t.equal(len(compilers), TINY, f"tiny compilations: {TINY} of cc1")
    add_up(t, "tiny compilations", exits, whole)


def main():
    t = rig.Test()
    build(t)
    t.fairly(tiny, t)
    t.done()


main()
