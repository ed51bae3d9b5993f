#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Namespaces and devices that come and go, and the sum: what all processes used, with what is not
known to be anybody's, is what the kernel counted at the device."""

import os
import shutil
import subprocess
import time

import netrig
import rig

# Bytes before each packet that a device's own counters contain; those of loopback do not.
ETHERNET, NO_HEADER = 14, 0
CLIENTS = 200


def judged(t, name, w, server, truth):
    netrig.judge_clients(t, name, w, server, truth, "IPv4", "perf")
    netrig.judge_server(t, name, w, server, truth, "perf")


def quiet(reads, seconds=0.5):
    """Wait until the counters that the functions of `reads` give stand still; the last."""
    seen = []

    def still():
        seen.append([read() for read in reads])
        time.sleep(seconds)
        return [read() for read in reads] == seen[-1]
    rig.wait_until(still, 15, 0)
    return seen[-1]


def whole_load(t, place, server, truth):
    """TCP and UDP of both families, and connections that end badly."""
    for family in netrig.FAMILIES:
        netrig.spawn(t, place, server, truth, CLIENTS, 8, family=family)
        netrig.spawn(t, place, server, truth, CLIENTS, 8, "-p", "udp", "-u", 40, "-d", 500,
                     family=family)
        status, _, err = t.run([*place.client, netrig.NET, "-o", truth.path, "cases", place.address[family],
                                server.port, server.closed, "sendfile", "reset", "unread", "refused",
                                "half", "server-first", "unsent", "linger", "inherit", "udp-refused"])
        t.equal(status, 0, f"the cases of {family} ran", err)
    time.sleep(2 * 0.3)		# servers that wait have answered by then (NET_PAUSE_MS)


def totals(w, way, pids):
    """What the processes used, all together; what the summary says of all, unknown and late."""
    found = {unit: sum(netrig.used(w.exits.get(pid)).get(f"{way}_{unit}", 0) for pid in pids)
             for unit in ("bytes", "packets")}
    said = {unit: {k: w.summary.get(f"network.{prefix}{way}_{unit}", 0) for k, prefix in
                   (("all", ""), ("unknown", "unknown_"), ("late", "late_"))} for unit in found}
    return found, said


def sum_is_the_device(t, name, place, prefix, device):
    """One device's traffic in one namespace, all of it by processes of the test."""
    def read():
        return netrig.counters(prefix, device)

    def elsewhere():
        return None if across else netrig.counters((), "lo")
    across = device != "lo"
    header = ETHERNET if across else NO_HEADER
    for attempt in range(5):
        before, other = quiet((read, elsewhere))
        w = netrig.Watch(t, "-i", device)
        if not t.ok(w.started, name + ": pevent starts", w.err):
            return None
        started = read(), elsewhere()
        truth = netrig.Truth(t)
        server = netrig.Server(t, place, truth)
        whole_load(t, place, server, truth)
        server.stop()
        after, other_after = quiet((read, elsewhere))
        t.ok(w.stop(), name + ": pevent ends", w.err)
        if started == (before, other) and other == other_after:
            break
        t.diag(f"{name}: others used the device meanwhile; again ({attempt + 1})")
    else:
        return t.skip(name, "the device is not quiet here")
    # across the pair the server is behind the other device; its UDP counts all the same
    pids = {x["pid"] for x in truth.lines()} - ({server.pid} if across else set())
    for way in ("tx", "rx"):
        processes, said = totals(w, way, pids)
        packets = after[f"{way}_packets"] - before[f"{way}_packets"]
        device_bytes = after[f"{way}_bytes"] - before[f"{way}_bytes"]
        t.equal((said["packets"]["all"], said["bytes"]["all"] + header * packets),
                (packets, device_bytes), f"{name}, {way}: packets and bytes are the device's own count",
                w.lost(), processes, said)
        for unit in ("packets", "bytes"):
            x = said[unit]
            t.equal(processes[unit] + x["unknown"] + x["late"], x["all"],
                    f"{name}, {way}: {unit} of all processes and those of nobody are all", processes, x)
        known = processes["bytes"] + said["bytes"]["late"]
        t.ok(known >= 0.97 * said["bytes"]["all"] > 0, f"{name}, {way}: and hardly any is nobody's",
             processes, said)


class Inside(netrig.Loopback):
    """The loopback device of one namespace of a pair."""

    def __init__(self, prefix):
        self.client = self.server = prefix


def new_namespace(t):
    """Made after the run began, and with processes in it before it is used; then it goes."""
    name = "namespace made during the run"
    w = netrig.Watch(t)
    pair = netrig.Pair()
    time.sleep(0.5)
    truth = netrig.Truth(t)
    server = netrig.Server(t, pair, truth)
    netrig.spawn(t, pair, server, truth, CLIENTS, 8)
    server.stop()
    # one end in each of them: it goes with its namespace, and its other end here with it
    ends = [f"{x}h" for x in pair.namespaces]
    for end, namespace in zip(ends, pair.namespaces):
        netrig.ip("link", "add", end, "type", "veth", "peer", "name", "host", "netns", namespace)
    t.equal(here(ends), ends, name + ": its devices are there")
    pair.close()
    goes(t, name, ends)
    t.ok(w.stop(), name + ": pevent ends", w.err)
    judged(t, name, w, server, truth)


def here(devices):
    """Those of them that are in this namespace."""
    return [x for x in devices if os.path.exists("/sys/class/net/" + x)]


def goes(t, name, devices):
    """A socket of pevent's in a namespace would keep it, and with it both ends of each device."""
    gone = rig.wait_until(lambda: not here(devices), 20, 0.2)
    t.ok(gone, name + ": pevent lets it go", here(devices))
    for device in here(devices):
        netrig.ip("link", "delete", device)


def held_inode(holder):
    return os.stat(f"/proc/{holder.pid}/ns/net").st_ino


def first_process_gone(t):
    """Who makes the namespace ends at once; its child lives in it, works, and is heard all the same."""
    name = "namespace whose first process is gone"
    w = netrig.Watch(t)
    truth = netrig.Truth(t)
    script = (f"(sleep 0.5; ip link set lo up; {netrig.NET} -o {truth.path} serve >{t.path('serve')} & "
              f"sleep 0.5; eval $(tr ' ' '\\n' <{t.path('serve')} | grep ^port=); "
              f"{netrig.NET} -o {truth.path} -n 20 -w 1 spawn 127.0.0.1 $port; kill $!; wait) & exec true")
    subprocess.run(["unshare", "--net", "sh", "-c", script], check=False)
    rig.wait_until(lambda: os.path.exists(truth.path) and len(truth.lines("client")) == 20, 20, 0.1)
    time.sleep(1)
    t.ok(w.stop(), name + ": pevent ends", w.err)
    truths = truth.lines("client")
    t.equal(len(truths), 20, name + ": the load is as it should be")
    faults = [(x, netrig.fault(x, w.exits.get(x["pid"]), "IPv4")) for x in truths]
    faults = [x for x in faults if x[1]]
    t.ok(not faults, name + ": clients have their bytes", *faults[:5])


def one_after_the_other(t):
    """Namespaces that live a moment: the number of one that is gone is soon that of another."""
    name = "numbers of namespaces that are used again"
    w = netrig.Watch(t)
    truths, inodes = [], []
    for _ in range(12):
        holder = t.start(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        t.equal(holder.stdout.readline(), b"up\n", name + ": is there")
        inodes.append(held_inode(holder))
        time.sleep(0.3)
        inside = Inside(("nsenter", "--net", "--target", str(holder.pid), "--"))
        truth = netrig.Truth(t)
        server = netrig.Server(t, inside, truth)
        netrig.spawn(t, inside, server, truth, 10, 1)
        server.stop()
        holder.communicate(timeout=10)
        truths += truth.lines("client")
        # it is let go when nobody has been in it for a second; then its number is free
        time.sleep(1.5)
    t.ok(w.stop(), name + ": pevent ends", w.err)
    t.diag(f"{name}: {len(inodes)} namespaces, {len(set(inodes))} numbers")
    if len(set(inodes)) == len(inodes):
        t.skip(name + ": one came twice", "this kernel gives others first")
    faults = [(x, netrig.fault(x, w.exits.get(x["pid"]), "IPv4")) for x in truths]
    t.equal(len(truths), 120, name + ": the load is as it should be")
    t.ok(not [x for x in faults if x[1]], name + ": every client has its bytes, exactly",
         *[x for x in faults if x[1]][:5])


def unmounted_namespace(t):
    """As containers have them: no name, only processes in it."""
    name = "namespace without a name"
    if subprocess.run(["unshare", "--net", "/bin/true"], stderr=subprocess.DEVNULL,
                      check=False).returncode:
        return t.skip(name, "unshare --net is refused here")
    w = netrig.Watch(t)
    holder = t.start(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"],
                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    t.equal(holder.stdout.readline(), b"up\n", name + ": is there")
    time.sleep(0.5)
    inside = Inside(("nsenter", "--net", "--target", str(holder.pid), "--"))
    truth = netrig.Truth(t)
    server = netrig.Server(t, inside, truth)
    netrig.spawn(t, inside, server, truth, CLIENTS, 8)
    server.stop()
    holder.communicate(timeout=10)
    t.ok(w.stop(), name + ": pevent ends", w.err)
    judged(t, name, w, server, truth)
    own = os.stat("/proc/self/ns/net").st_ino
    spaces = {c.get("netns") for x in truth.lines("client")
              for c in netrig.connections(w.exits.get(x["pid"]))}
    t.ok(len(spaces) == 1 and not spaces & {None, own}, name + ": the connections say where they were",
         spaces, own)


def device_comes_back(t, pair, options):
    """The same name, another device: before and after, both counted."""
    name = f"device that goes and comes back, {' '.join(options) or 'all devices'}"
    w = netrig.Watch(t, *options)
    truth = netrig.Truth(t)
    server = netrig.Server(t, pair, truth)
    netrig.spawn(t, pair, server, truth, 50, 1)
    time.sleep(0.5)
    pair.unplug()
    time.sleep(1.5)
    pair.plug()
    time.sleep(2.5)
    netrig.spawn(t, pair, server, truth, 50, 1)
    server.stop()
    t.ok(w.stop(), name + ": pevent ends", w.err)
    t.equal(len(truth.lines("client")), 100, name + ": the load is as it should be")
    judged(t, name, w, server, truth)


def main():
    t = rig.Test()
    refused = netrig.perf_refused(t)
    if refused:
        t.skip_all(refused)
    if not shutil.which("ip"):
        t.skip_all("no ip (iproute2)")
    try:
        pair = netrig.Pair()
    except RuntimeError as e:
        t.skip_all(str(e).replace("\n", " "))
    sum_is_the_device(t, "sum across a pair", pair, pair.client, pair.devices[0])
    inside = Inside(pair.client)
    sum_is_the_device(t, "sum on loopback", inside, pair.client, "lo")
    device_comes_back(t, pair, [])
    device_comes_back(t, pair, ["-i", ",".join(pair.devices)])
    pair.close()
    new_namespace(t)
    unmounted_namespace(t)
    first_process_gone(t)
    one_after_the_other(t)
    t.done()


main()
