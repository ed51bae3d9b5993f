#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a user of the command line relies on: statuses, messages, durations, and that pevent leaves
the kernel as it found it, however it ends."""

import os
import re
import signal
import subprocess
import time

import rig
from rig import PEVENT

EVENTS = ("fork", "exec", "exit", "core", "comm", "clone", "ptrce", "uid", "gid", "sid")


def text(data):
    return data.decode("utf-8", "replace")


def options(t):
    status, out, err = t.pevent("-q", "-D", "0.5")
    t.ok(status == 0 and re.search(r"fork", text(out + err), re.I) and
         re.search(r"exit", text(out + err), re.I), "-q alone prints statistics", status, out, err)
    t.ok(not re.search(rb"^\d{4}-\d\d-\d\d .* (fork|exec|exit) ", out, re.M), "-q prints no events", out)

    status, out, err = t.pevent("-e", "bogus")
    t.equal((status, out), (2, b""), "-e bogus ends with status 2", err)
    missing = [e for e in EVENTS if e not in text(err)]
    t.ok(not missing and "bogus" in text(err) and text(err).count("\n") == 1,
         "-e bogus: one line that lists the names", missing, err)
    for args in (["--no-such-option"], ["-D", "soon"], ["-D", "-1"], ["-p", "x"], ["--time", "x"],
                 ["-P", "1x"]):
        status, out, err = t.pevent(*args, timeout=5)
        t.ok(status == 2 and out == b"" and err.startswith(b"pevent: "),
             f"{' '.join(args)}: status 2 and a message", status, out, err)

    begin = time.monotonic()
    status, out, err = t.pevent("-D", "0.5")
    took = time.monotonic() - begin
    t.ok(status == 0 and 0.5 <= took < 3, "-D 0.5 takes half a second", status, took, err)
    t.ok(out.splitlines()[:1] and out.splitlines()[0].startswith(b"Time"), "the header comes first", out)
    for option in ("-h", "--help", "-v", "--version"):
        status, out, err = t.pevent(option, timeout=5)
        t.ok(status == 0 and out and not err, option + ": on standard output", status, out, err)


def output(t):
    full = "/dev/full"
    gen = [rig.rig("gen"), "exec", "-n", "200"]
    status, out, err = t.pevent("-o", full, "-D", "2", timeout=20)
    t.ok(status == 1 and full in text(err) and err.startswith(b"pevent: "), "-o /dev/full: status 1",
         status, out, err)
    status, out, err = t.pevent("-o", "/nonexistent/x", "-D", "2", timeout=20)
    t.ok(status == 1 and "/nonexistent/x" in text(err) and text(err).count("\n") == 1,
         "-o /nonexistent/x: status 1", status, out, err)
    with open(full, "wb") as f:
        status, _, err = t.pevent("-D", "2", stdout=f, timeout=20)
    t.ok(status == 1 and err.startswith(b"pevent: "), "a full standard output: status 1", status, err)
    log = t.path("append")
    for _ in range(2):
        t.pevent("-o", log, "--", *gen)
    with open(log, "rb") as f:
        data = f.read()
    t.equal(data.count(b"gen-0-0-199\n"), 4, "-o appends")
    # a file system of its own, gone with the mount namespace
    status, _, err = t.run(["unshare", "-m", "/bin/sh", "-c", 'mount -t tmpfs -o size=128k none "$1" && '
                            'exec "$2" record -D 3 "$1/r" -- "$3" vfork -n 20000',
                            "sh", t.tmp, PEVENT, rig.rig("gen")], timeout=30)
    t.ok(status == 1 and "recording: " in text(err), "record into a full place: status 1", status, err)
    log = t.path("reopened")
    p = t.start([PEVENT, "-l", "-o", log])
    t.ok(rig.wait_started(log), "-o: starts")
    os.rename(log, log + ".1")
    p.send_signal(signal.SIGHUP)
    rig.wait_until(lambda: os.path.exists(log))
    t.start([rig.rig("tiny"), "after-the-hangup"]).wait()
    t.ok(rig.wait_started(log), "SIGHUP: the log is opened anew")
    p.terminate()
    p.wait(timeout=10)
    with open(log, "rb") as f:
        t.ok(f.read().startswith(b"Time "), "and begins with a header")


def command(t):
    for args, wanted, name in (
            (["/bin/true"], 0, "status 0"), (["/bin/sh", "-c", "exit 3"], 3, "status 3"),
            (["/bin/sh", "-c", "kill -TERM $$"], 128 + 15, "signal 15"),
            (["/bin/sh", "-c", "kill -KILL $$"], 128 + 9, "signal 9"),
            (["/nonexistent/program"], 127, "not found"), (["no-such-program-here"], 127, "not in PATH"),
            (["/etc/passwd"], 126, "not executable")):
        status, out, err = t.pevent("-q", "--", *args, timeout=20)
        t.equal(status, wanted, "COMMAND's status: " + name, out, err)
    status, out, err = t.pevent("-e", "exec,exit", "--", "/bin/sh", "-c", "/bin/true; /bin/false; exit 0")
    log = rig.TextLog(out)
    t.equal([(r["Event"], r["Process"].split()[0], r["Info"]) for r in log.rows
             if r["Process"] in ("/bin/true", "/bin/false")],
            [("exec", "/bin/true", ""), ("exit", "/bin/true", "0"),
             ("exec", "/bin/false", ""), ("exit", "/bin/false", "1")], "COMMAND's tree", out, err)
    status, out, err = t.pevent("-F", "-e", "exit", "--", "/bin/sh", "-c", "/bin/true; /bin/false; exit 0")
    t.equal([r["Process"] for r in rig.TextLog(out).rows], ["/bin/false"], "-F: only what failed", out, err)


def by_signal(t, signum):
    p = t.start([PEVENT, "-S"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.readline()
    t.start([rig.rig("tiny")]).wait()
    time.sleep(0.3)
    p.send_signal(signum)
    out, err = p.communicate(timeout=20)
    return p.returncode == 0 and re.search(rb"\bTotal\b", out + err), p.returncode, out, err


def by_pipe(t):
    r, w = os.pipe2(os.O_CLOEXEC)
    p = t.start([PEVENT, "-S"], stdout=w, stderr=subprocess.PIPE)
    os.close(w)
    os.read(r, 10)
    os.close(r)
    gen = t.start([rig.rig("gen"), "rate", "-r", 50, "-t", 5], stdout=subprocess.DEVNULL)
    try:
        err = p.communicate(timeout=10)[1]
    except subprocess.TimeoutExpired:
        err = b"still running"
    gen.terminate()
    gen.wait()
    return p.returncode in (0, 1), p.returncode, err


def by_time(t):
    status, _, err = t.pevent("-q", "-D", "0.2")
    return status == 0, status, err


def by_write_error(t):
    status, _, err = t.pevent("-o", "/dev/full", "-D", "2", timeout=20)
    return status == 1, status, err


def by_kill(t):
    p = t.start([PEVENT, "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rig.wait_until(lambda: rig.children(p.pid), 5)
    time.sleep(0.5)
    guards = rig.children(p.pid)
    p.kill()
    p.wait()
    # a second, and it has withdrawn
    gone = rig.wait_until(lambda: not [x for x in guards if rig.runs(x)], 1)
    return guards and gone, guards, gone


def ways_out(t):
    """However it ends, the kernel counts as many listeners as before. Another program's listener may
    come between: a mismatch is tried again."""
    for name, way in (("SIGTERM", lambda: by_signal(t, signal.SIGTERM)),
                      ("SIGINT", lambda: by_signal(t, signal.SIGINT)),
                      ("a reader that goes away", lambda: by_pipe(t)), ("-D", lambda: by_time(t)),
                      ("a write error", lambda: by_write_error(t)), ("kill -9", lambda: by_kill(t))):
        for _ in range(3):
            others = rig.quiet_listeners()
            before = rig.listeners()
            good, *why = way()
            after = rig.listeners()
            if after == before:
                break
            t.diag(f"{name}: {before} listeners before, {after} after")
        t.ok(good, f"{name}: ends the run cleanly", *why)
        if after != before and (others or rig.other_listeners()):
            t.skip(f"{name}: withdrawn", f"other programs listen to the connector (ports {others})")
        else:
            t.equal(after, before, f"{name}: the kernel counts as many listeners as before")
    p = t.start([PEVENT, "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    t.ok(rig.wait_until(lambda: rig.listeners() > before, 5), "while it runs, it is counted")
    p.terminate()
    p.wait()


def main():
    t = rig.Test()
    options(t)
    output(t)
    command(t)
    ways_out(t)
    t.done()


main()
