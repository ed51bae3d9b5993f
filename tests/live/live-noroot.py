#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Without root it runs and says what is missing; where the kernel sends no events it says in one
line why, and what to do."""

import os
import re
import shutil
import subprocess

import rig

NOBODY = 65534


def kernel():
    return tuple(int(x) for x in re.findall(r"\d+", os.uname().release)[:2])


def main():
    t = rig.Test()
    # a copy that any user may reach
    os.chmod(t.tmp, 0o755)
    programs = {}
    for name, path in (("pevent", rig.PEVENT), ("tiny", rig.rig("tiny")), ("gen", rig.rig("gen"))):
        programs[name] = t.path(name)
        shutil.copy(path, programs[name])
        os.chmod(programs[name], 0o755)
    nobody = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--"]

    status, out, err = t.run([*nobody, programs["pevent"], "-e", "exec,exit", "--", programs["gen"],
                              "exec", "-n", "50"], cwd="/", timeout=30)
    if kernel() < (6, 6):
        t.ok(status == 1 and err.startswith(b"pevent: ") and b"root" in err,
             "without root: one line that names the cure (before Linux 6.6)", status, out, err)
    else:
        t.equal(status, 0, "without root: it runs", out, err)
        log = rig.TextLog(b"\n".join(x for x in out.split(b"\n") if not x.startswith(b"mode=")))
        tiny = [r for r in log.rows if "tiny" in r["Process"] and r["Event"] == "exit"]
        exits = [r for r in log.rows if r["Event"] == "exit" and r["Info"] == "0"]
        t.ok(len(exits) >= 51, "without root: every exit is seen", len(exits), out[:3000])
        t.diag(f"without root {len(tiny)} of 50 command lines were read")
        t.ok(err.startswith(b"pevent: ") and re.search(rb"root|CAP_|capabilit|privilege", err),
             "without root: it says what is missing", err)

    for option, name, word in ((["--user", "--map-root-user"], "user", rb"user namespace"),
                               (["--pid", "--fork"], "pid", rb"pid namespace"),
                               (["--net"], "net", rb"net(work)? namespace")):
        if subprocess.run(["unshare", *option, "--", "/bin/true"], stderr=subprocess.DEVNULL,
                          check=False).returncode:
            t.skip(f"{name} namespace", f"unshare {' '.join(option)} is refused here")
            continue
        status, out, err = t.run(["unshare", *option, "--", programs["pevent"], "-D", "1"], timeout=30)
        t.equal(status, 1, f"{name} namespace: status 1", out, err)
        t.ok(err.count(b"\n") == 1 and err.startswith(b"pevent: ") and re.search(word, err, re.I),
             f"{name} namespace: one line that names it", err)
        t.ok(re.search(rb"run|start|outside|initial|nsenter", err.split(b":", 2)[-1], re.I),
             f"{name} namespace: and the cure", err)
        t.ok(not re.search(rb"^\d{4}-", out, re.M), f"{name} namespace: no events", out)
    t.done()


main()
