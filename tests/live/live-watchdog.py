#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Another program silences every listener of the process connector, as any local user can since
Linux 6.6. pevent notices by its own test process, subscribes anew and goes on logging.

The silencer (cncount mute) gives back exactly what it took when its input ends, so also when this
test is killed; the test runs only while no other program listens, and checks the kernel's count."""

import subprocess
import time

import rig


def seen(path, name):
    with open(path, "rb") as f:
        return name.encode() in f.read()


def main():
    t = rig.Test()
    others = rig.quiet_listeners()
    if others:
        t.skip_all(f"other programs listen to the process connector (ports {' '.join(others)})")
    before = rig.listeners()
    log = t.path("log")
    p = t.start([rig.PEVENT, "-l", "-e", "exec", "-o", log], stderr=subprocess.PIPE)
    t.ok(rig.wait_started(log), "it starts")
    t.start([rig.rig("tiny"), "before-the-silence"]).wait()
    t.ok(rig.wait_until(lambda: seen(log, "before-the-silence")), "it logs")

    mute = t.start([rig.rig("cncount"), "mute"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    t.diag(mute.stdout.readline().decode())

    # its test process is due after 30 seconds of silence: from then on it must see again
    def again():
        name = f"after-{time.monotonic_ns()}"
        t.start([rig.rig("tiny"), name]).wait()
        time.sleep(0.1)
        return seen(log, name)

    t.ok(rig.wait_until(again, 90, 0.9), "silenced, it recovers and logs again")
    mute.communicate(b"")
    t.equal(mute.returncode, 0, "the silencer gave back what it took")
    t.start([rig.rig("tiny"), "at-the-end"]).wait()
    t.ok(rig.wait_until(lambda: seen(log, "at-the-end")), "it still logs")
    p.terminate()
    err = p.communicate(timeout=10)[1].decode(errors="replace")
    t.equal(p.returncode, 0, "it ends well", err)
    t.ok(err.startswith("pevent: "), "it says that it had been silenced", err)
    t.equal(rig.listeners(), before, "the kernel counts as many listeners as before")
    t.done()


main()
