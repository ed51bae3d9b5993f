#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Another program silences every listener of the process connector, as any local user can since
Linux 6.6. pevent notices by its own test process, subscribes anew, as often as it takes to bring the
kernel's count above zero, and goes on logging. On its way out it withdraws one subscription, and not
what was taken from it already.

The test runs only while no other program listens, and gives back what it took."""

import atexit
import os
import subprocess
import time

import rig

BELOW = 2  # one that only takes the kernel's count to 0 is the easier case


def seen(path, name):
    with open(path, "rb") as f:
        return name.encode() in f.read()


def take_listeners():
    return int(subprocess.run([rig.rig("cncount"), "take"], check=True, stdout=subprocess.PIPE).stdout)


def add_listeners(n):
    subprocess.run([rig.rig("cncount"), "add", str(n)], check=True)


def others_than(p):
    """Listeners of other programs; libnl's ports end in their process's number."""
    return [x for x in rig.other_listeners() if int(x) & 0x3fffff != p.pid]


def attempt(t, before):
    """One silence, from start to end: [(good, name, why...)], or None: another program listened
    meanwhile, and so gave pevent its events back."""
    log = t.path("log")
    checks = []
    p = t.start([rig.PEVENT, "-l", "-e", "exec", "-o", log], stderr=subprocess.PIPE)
    checks.append((rig.wait_started(log), "it starts"))
    t.start([rig.rig("tiny"), "before-the-silence"]).wait()
    checks.append((rig.wait_until(lambda: seen(log, "before-the-silence")), "it logs"))
    checks.append((rig.listeners() == before + 1, "it is one subscription", rig.listeners()))
    taken = take_listeners()
    add_listeners(-BELOW)
    restore = atexit.register(add_listeners, taken - 1 + BELOW)  # one was pevent's
    begin = time.monotonic()
    disturbed = []

    # its test process is due after 30 seconds of silence: from then on it must see again
    def over():
        disturbed.extend(others_than(p))
        name = f"after-{time.monotonic_ns()}"
        t.start([rig.rig("tiny"), name]).wait()
        time.sleep(0.1)
        return disturbed or p.poll() is not None or seen(log, name)

    again = rig.wait_until(over, 60, 0.4)
    took = time.monotonic() - begin
    ended = p.poll()
    p.terminate()
    err = p.communicate(timeout=10)[1].decode(errors="replace")
    os.unlink(log)
    after = rig.listeners()
    atexit.unregister(restore)
    add_listeners(before - after)
    if disturbed:
        t.diag(f"disturbed by {disturbed}")
        return None
    t.diag(f"after {took:.1f} s: {err}")
    checks.append((again and ended is None, "silenced, it recovers and logs again", err))
    checks.append((p.returncode == 0, "it ends well", p.returncode, err))
    checks.append(("silent" in err and err.startswith("pevent: "), "it says that it was silenced", err))
    checks.append((after == 0, "it withdraws one subscription, and not what was taken away", after))
    return checks


def main():
    t = rig.Test()
    for _ in range(4):
        if rig.quiet_listeners():
            continue
        checks = attempt(t, rig.listeners())
        if checks:
            for good, name, *why in checks:
                t.ok(good, name, *why)
            t.done()
    t.skip_all("other programs listen to the process connector all the time")


main()
