#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A run with the network: connections as events, what --no-net and kill -9 leave, and thousands of
sockets that were there before."""

import os
import resource
import shutil
import signal
import subprocess
import time

import netrig
import rig

CLIENTS, HELD = 50, 9000
NETLINK_SOCK_DIAG = 4


def end_of(flat, role):
    return flat.get(f"{role}.ip"), flat.get(f"{role}.port")


def events(t, place):
    """One conn and one close for each end of each connection, by the process that has it."""
    name = place.name + ", -e net"
    w = netrig.Watch(t, events="exit,net")
    truth = netrig.Truth(t)
    server = netrig.Server(t, place, truth)
    netrig.spawn(t, place, server, truth, CLIENTS, 4)
    server.stop()
    t.ok(w.stop(), name + ": pevent ends", w.err)
    clients = truth.lines("client")
    found = {kind: [f for _, f in w.events if rig.action(f) == kind] for kind in ("conn", "close")}
    address, port = place.address["IPv4"], int(server.port)
    wanted = sorted([(x["pid"], x["local"], "egress") for x in clients] +
                    [(server.pid, x["local"], "ingress") for x in clients])
    for kind, flats in found.items():
        mine = [f for f in flats if end_of(f, "destination") == (address, port)]
        got = sorted((f["process.pid"], f["source.port"], f.get("network.direction")) for f in mine)
        t.equal(got, wanted, f"{name}: {kind}: one for each end, of its process")
    order = {x["pid"]: [] for x in clients}
    for _, f in w.events:
        if f.get("process.pid") in order:
            order[f["process.pid"]].append(rig.action(f))
    odd = [x for x in order.items() if sorted(x[1]) != ["close", "conn", "exit"] or x[1][0] != "conn"]
    t.ok(len(order) == CLIENTS and not odd, name + ": each opened, then closed, and ended", odd[:5])
    closed = {(f["process.pid"], f["source.port"]): f for f in found["close"]}
    wrong = []
    for x in clients:
        f = closed.get((x["pid"], x["local"]), {})
        c = (f.get("pevent.connections") or [{}])[0]
        if (c.get("tx_payload_bytes"), c.get("rx_payload_bytes"), c.get("final")) != \
                (x["sent"], x["received"], True):
            wrong.append((x, c))
    t.ok(not wrong, name + ": closed with the kernel's own counts", *wrong[:5])
    rig.check_schema(t, w.events, name + ": lines are valid under the schema")


def events_by_lookup(t, place):
    """Without tracepoints: what is told has its two ends right, and a refused connection is none."""
    name = place.name + ", -e net --owner diag"
    w = netrig.Watch(t, "--owner", "diag", events="net")
    truth = netrig.Truth(t)
    server = netrig.Server(t, place, truth)
    # Nothing tells that somebody listens but a look at all sockets, which the first client causes.
    netrig.spawn(t, place, server, truth, 1, 1)
    time.sleep(1)
    netrig.spawn(t, place, server, truth, CLIENTS, 1)
    t.run([*place.client, netrig.NET, "-o", truth.path, "cases", place.address["IPv4"], server.port,
           server.closed, "refused"])
    server.stop()
    t.ok(w.stop(), name + ": pevent ends", w.err)
    t.equal(len(truth.lines("refused")), 1, name + ": one was refused")
    first, *clients = truth.lines("client")
    wanted = {(x["pid"], x["local"], "egress") for x in clients} | \
             {(server.pid, x["local"], "ingress") for x in clients}
    for kind in ("conn", "close"):
        got = [(f["process.pid"], f["source.port"], f.get("network.direction"))
               for _, f in w.events if rig.action(f) == kind and f["source.port"] != first["local"]]
        # Whose lookup was too late is told of nobody.
        t.ok(len(wanted & set(got)) >= 0.97 * len(wanted), f"{name}: {kind}: one for each end", got[:5])
        t.equal(sorted(got), sorted(wanted & set(got)), f"{name}: {kind}: of nobody else, and once")


def text(t):
    """As lines for people; and none of them unless they were asked for."""
    for events_of, wanted in (("net", 2 * CLIENTS), ("exec,exit", 0)):
        name = f"text, -e {events_of}"
        out = rig.fresh(t.path("text.log"))
        p = t.start([rig.PEVENT, "-e", events_of, "-o", out], stderr=subprocess.PIPE)
        t.ok(rig.wait_started(out), name + ": pevent starts")
        truth = netrig.Truth(t)
        server = netrig.Server(t, netrig.Loopback, truth)
        netrig.spawn(t, netrig.Loopback, server, truth, CLIENTS, 1)
        server.stop()
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=60)
        with open(out, "rb") as f:
            rows = rig.TextLog(f.read()).rows
        pids = {str(x["pid"]) for x in truth.lines()}
        for event, info in (("conn", {"connect": CLIENTS, "accept": CLIENTS}), ("close", None)):
            mine = [r for r in rows if r["Event"] == event and r["PID"] in pids]
            t.equal(len(mine), wanted, f"{name}: {event} lines", *[r["line"] for r in mine[:3]])
            if info and wanted:
                t.equal({k: sum(r["Info"] == k for r in mine) for k in info}, info,
                        name + ": connect and accept", *[r["line"] for r in mine[:3]])


# --- what it opens ------------------------------------------------------------------------------

def sockets_of(pid):
    """(inodes of its sockets, other things it has open)"""
    inodes, others = set(), set()
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            link = os.readlink(f"/proc/{pid}/fd/{entry}")
        except OSError:
            continue
        if link.startswith("socket:["):
            inodes.add(int(link[8:-1]))
        else:
            others.add(link)
    return inodes, others


def column(path, number):
    """[line's words] with the inode at this column first, of a table in /proc/net."""
    with open(path, encoding="ascii") as f:
        return [(int(x.split()[number]), x.split()) for x in list(f)[1:]]


def opened(pid):
    """What a process has open for the network: how many packet sockets, sock_diag, tracepoints."""
    inodes, others = sockets_of(pid)
    packets = sum(inode in inodes for inode, _ in column("/proc/net/packet", 8))
    diag = sum(inode in inodes and int(words[1]) == NETLINK_SOCK_DIAG
               for inode, words in column("/proc/net/netlink", 9))
    return {"packet": packets, "sock_diag": diag, "perf": sum("perf_event" in x for x in others)}


def no_net(t):
    """Nothing is opened, nothing is said to be known; with the network all of it is there."""
    seen = {}
    for options in ((), ("--no-net",)):
        name = " ".join(options) or "with the network"
        w = netrig.Watch(t, *options)
        t.ok(w.started, name + ": pevent starts", w.err)
        truth = netrig.Truth(t)
        server = netrig.Server(t, netrig.Loopback, truth)
        netrig.spawn(t, netrig.Loopback, server, truth, 5, 1)
        seen[name] = opened(w.p.pid)
        server.stop()
        t.ok(w.stop(), name + ": pevent ends", w.err)
        lines = [w.exits.get(x["pid"]) for x in truth.lines("client")]
        known = [bool(netrig.used(x) or netrig.connections(x) or netrig.origin(x)) for x in lines]
        t.equal(known, [not options] * 5, name + ": what is known of the clients",
                *map(netrig.short, lines[:2]))
        named = [k for k in w.summary if k.startswith("network.") and w.summary[k]]
        t.ok(bool(named) != bool(options), name + ": statistics", named)
    t.ok(all(n > 0 for n in seen["with the network"].values()), "with the network: all are seen", seen)
    t.ok(not any(seen["--no-net"].values()), "--no-net opens nothing", seen)
    status, out, err = t.pevent("--no-net", "-e", "exit", "--", rig.rig("tiny"))
    rows = rig.TextLog(out).of("exit")
    t.ok(status == 0 and rows and all((r["Sent"], r["Rcvd"]) == ("-", "-") for r in rows),
         "--no-net: Sent and Rcvd are not known", status, out, err)
    status, out, err = t.pevent("-e", "exit", "--", rig.rig("tiny"))
    rows = rig.TextLog(out).of("exit")
    t.ok(status == 0 and rows and all((r["Sent"], r["Rcvd"]) == ("0", "0") for r in rows),
         "with the network: a program that sends nothing has 0", status, out, err)


def needed(t):
    """Without packets a run goes on, unless it was asked for them."""
    name = "without CAP_NET_RAW"
    if not shutil.which("setpriv"):
        return t.skip(name, "no setpriv(1)")
    without = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw", rig.PEVENT, "-D", "0.1"]
    status, _, err = t.run(without)
    t.equal(status, 0, name + ": the rest is told", err)
    for options in (("-e", "net"), ("-i", "any"), ("--owner", "auto")):
        status, out, err = t.run([*without, *options])
        said = f"pevent: {options[0]}: packets: off: ".encode()
        t.ok(status == 1 and not out and err.count(said) == 1, f"{name}: {' '.join(options)} is refused",
             status, out, err)
    name = "a recording without the network"
    recording = os.path.join(rig.SOURCE, "tests/replay/threads")
    for events_of, lines in (("net", 1), ("exit", 0)):
        status, _, err = t.pevent("-R", recording, "-e", events_of)
        t.ok(status == 0 and err.count(b"\n") == err.count(b"holds no network") == lines,
             f"{name}: -e {events_of}: {lines} words about it", status, err)


def mounts():
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as f:
        return sorted(x.split(" - ")[0].split()[4] for x in f)


def descendants(pid):
    found = rig.children(pid)
    return found + [y for x in found for y in descendants(x)]


def killed(t, owner):
    """kill -9: no process, no packet socket, no mount, no namespace held."""
    name = f"kill -9, --owner {owner}"
    was_mounted, was_listening = mounts(), rig.listeners()
    packet_sockets = {inode for inode, _ in column("/proc/net/packet", 8)}
    w = netrig.Watch(t, "--owner", owner)
    if not t.ok(w.started, name + ": pevent starts", w.err):
        return
    t.ok({inode for inode, _ in column("/proc/net/packet", 8)} - packet_sockets, name + ": it captures")
    t.equal(mounts(), was_mounted, name + ": it mounts nothing that others see")
    helpers = descendants(w.p.pid)
    w.p.kill()
    w.p.communicate()
    left = rig.wait_until(lambda: not [x for x in helpers if rig.runs(x)], 10)
    t.ok(left, name + ": no process is left", helpers)
    gone = rig.wait_until(lambda: {i for i, _ in column("/proc/net/packet", 8)} <= packet_sockets, 10)
    t.ok(gone, name + ": no capture is left")
    t.equal(mounts(), was_mounted, name + ": nothing is mounted")
    rig.wait_until(lambda: rig.listeners() == was_listening, 10)
    t.equal(rig.listeners(), was_listening, name + ": and nobody listens")


def held(t, owner, source):
    """Thousands of sockets of another process, older than the run and made during it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    name = f"{HELD} open sockets, {source}"
    if hard != resource.RLIM_INFINITY and hard < HELD + 100:
        return t.skip(name, f"at most {hard} open files")
    holders = []

    def hold():
        p = t.start([netrig.NET, "-n", HELD // 4, "hold"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        t.equal(p.stdout.readline(), f"held={HELD // 2}\n".encode(), name + ": half of them are open")
        holders.append(p)
    hold()
    w = netrig.Watch(t, "--owner", owner)
    if not t.ok(w.started, name + ": pevent starts", w.err):
        return
    hold()
    truth = netrig.Truth(t)
    server = netrig.Server(t, netrig.Loopback, truth)
    netrig.spawn(t, netrig.Loopback, server, truth, 200, 8)
    server.stop()
    for p in holders:
        p.communicate(timeout=60)
    time.sleep(0.5)
    t.ok(w.stop(), name + ": pevent ends", w.err)
    netrig.judge_clients(t, name, w, server, truth, "IPv4", source)
    netrig.judge_server(t, name, w, server, truth, source)
    own = {p.pid for p in holders}
    many = [pid for pid, line in w.exits.items() if pid not in own and
            netrig.used(line).get("connections", 0) > 200]
    t.ok(not many, name + ": nobody else has them", many)
    if source == "perf":
        opened_now = netrig.used(w.exits.get(holders[1].pid)).get("connections")
        t.equal(opened_now, HELD // 2, name + ": both ends of those opened during the run are its own")


def command(t):
    """A run that ends with its command: what its last processes did is in it all the same."""
    name = "pevent -- COMMAND"
    truth = netrig.Truth(t)
    server = netrig.Server(t, netrig.Loopback, truth)
    out = t.path("command.json")
    status, _, err = t.pevent("-j", "-e", "exit", "-o", out, "--", netrig.NET, "-o", truth.path, "-n", CLIENTS,
                              "-w", 4, "spawn", netrig.Loopback.address["IPv4"], server.port)
    t.equal(status, 0, name + ": status", err)
    server.stop()
    with open(out, "rb") as f:
        exits = {g["process.pid"]: o for o, g in rig.json_events(f.read()) if rig.action(g) == "exit"}
    faults = [(x, netrig.fault(x, exits.get(x["pid"]), "IPv4"), netrig.short(exits.get(x["pid"])))
              for x in truth.lines("client")]
    wrong = [x for x in faults if x[1]]
    t.ok(len(faults) == CLIENTS and not wrong, name + ": every client has its bytes, complete", len(wrong),
         *wrong[:5])


def main():
    t = rig.Test()
    refused = netrig.perf_refused(t)
    needed(t)
    killed(t, "diag")
    t.fairly(held, t, "diag", "sock_diag")
    for place in netrig.places(t):
        events_by_lookup(t, place)
    if refused:
        t.skip("with the socket tracepoints", refused)
        t.done()
    for place in netrig.places(t):
        events(t, place)
    text(t)
    command(t)
    no_net(t)
    killed(t, "perf")
    t.fairly(held, t, "perf", "perf")
    t.done()


main()
