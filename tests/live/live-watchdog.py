#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Another program silences every listener of the process connector, as any local user can since
Linux 6.6. pevent notices by its own test process, subscribes anew and goes on logging. On its way
out it withdraws what it added, and not what was taken from it already.

The test runs only while no other program listens, and puts the kernel's count back."""

import atexit
import subprocess
import time

import rig


def seen(path, name):
    with open(path, "rb") as f:
        return name.encode() in f.read()


def set_listeners(n):
    subprocess.run([rig.rig("cncount"), "set", str(n)], check=True)


def main():
    t = rig.Test()
    others = rig.quiet_listeners()
    if others:
        t.skip_all(f"other programs listen to the process connector (ports {' '.join(others)})")
    before = rig.listeners()
    atexit.register(lambda: set_listeners(before))
    log = t.path("log")
    p = t.start([rig.PEVENT, "-l", "-e", "exec", "-o", log], stderr=subprocess.PIPE)
    t.ok(rig.wait_started(log), "it starts")
    t.start([rig.rig("tiny"), "before-the-silence"]).wait()
    t.ok(rig.wait_until(lambda: seen(log, "before-the-silence")), "it logs")
    t.equal(rig.listeners(), before + 1, "it is one subscription")

    set_listeners(0)
    begin = time.monotonic()

    # its test process is due after 30 seconds of silence: from then on it must see again
    def again():
        name = f"after-{time.monotonic_ns()}"
        t.start([rig.rig("tiny"), name]).wait()
        time.sleep(0.1)
        return seen(log, name)

    if not t.ok(rig.wait_until(lambda: again() or p.poll() is not None, 60, 0.9) and
                p.poll() is None, "silenced, it recovers and logs again"):
        p.terminate()
        t.diag(p.communicate(timeout=10)[1].decode(errors="replace"))
        t.done()
    t.diag(f"after {time.monotonic() - begin:.1f} s")
    p.terminate()
    err = p.communicate(timeout=10)[1].decode(errors="replace")
    t.equal(p.returncode, 0, "it ends well", err)
    t.ok("silent" in err and err.startswith("pevent: "), "it says that it had been silenced", err)
    t.equal(rig.listeners(), 0, "it withdraws one subscription, and not what was taken away before")
    t.done()


main()
