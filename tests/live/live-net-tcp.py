#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""TCP connections of processes that live for a millisecond, and of the servers they talk to: whose
the bytes are, and how many. On loopback, and between two namespaces that pevent is not in."""

import shutil
import subprocess

import netrig
import rig

CLIENTS, CURLS = 500, 200


def one_load(t, place, owner, source, width, family):
    name = f"{place.name}, {source}, {family}, {width} at a time"
    w = netrig.Watch(t, "--owner", owner)
    if not t.ok(w.started, name + ": pevent starts", w.err):
        return
    truth = netrig.Truth(t)
    server = netrig.Server(t, place, truth)
    netrig.spawn(t, place, server, truth, CLIENTS, width, family=family)
    t.equal(server.stop(), 0, name + ": the server ends")
    t.ok(w.stop(), name + ": pevent ends", w.err)
    netrig.judge_clients(t, name, w, server, truth, family, source)
    netrig.judge_server(t, name, w, server, truth, source)
    if source == "perf":
        t.equal(netrig.used(w.exits.get(server.pid)).get("connections"), CLIENTS,
                name + ": the server accepted them all")
    rig.check_schema(t, w.events, name + ": lines are valid under the schema")


def curl(t, place):
    """Its local port tells which of the server's connections it had."""
    name = place.name + ", curl"
    if not shutil.which("curl"):
        return t.skip(name, "no curl")
    w = netrig.Watch(t)
    truth = netrig.Truth(t)
    server = netrig.Server(t, place, truth)
    url = f"http://{place.address['IPv4']}:{server.port}/"
    ports = {}
    for _ in range(CURLS):
        p = t.start([*place.client, "curl", "-s", "-o", t.path("body"), "-w", "%{local_port}", url],
                    stdout=subprocess.PIPE)
        out = p.communicate(timeout=30)[0]
        ports[p.pid] = int(out or 0)
    server.stop()
    t.ok(w.stop(), name + ": pevent ends", w.err)
    served = {x["remote"]: x for x in truth.lines("server")}
    wrong = []
    for pid, port in ports.items():
        x, line = served.get(port), w.exits.get(pid)
        if not x or netrig.payload(line) != (x["received"], x["sent"]):
            wrong.append((pid, port, x, netrig.short(line)))
    t.ok(len(ports) == CURLS and not wrong,
         f"{name}: {CURLS} of {CURLS} have the bytes that the server counted", len(wrong), *wrong[:5])
    netrig.judge_server(t, name, w, server, truth, "perf")


def prefork(t, place, each, sizes, width):
    """Workers that share a listening socket; each takes `each` connections, of one size or all."""
    name = f"{place.name}, three workers on one port, {each} connections each"
    w = netrig.Watch(t)
    truth = netrig.Truth(t)
    p = t.start([*place.server, netrig.NET, "-o", truth.path, "-w", 3, "-n", each, "prefork"],
                stdout=subprocess.PIPE)
    port = rig.pairs(p.stdout.readline())["port"]
    for size in sizes:
        t.run([*place.client, netrig.NET, "-n", 3 * each // len(sizes), "-w", width, "-u", size,
               "-d", 100, "spawn", place.address["IPv4"], port])
    t.equal(p.wait(timeout=30), 0, name + ": they end")
    t.ok(w.stop(), name + ": pevent ends", w.err)
    lines = truth.lines("server")
    pids = sorted({x["pid"] for x in lines})
    wanted = {pid: netrig.sums([x for x in lines if x["pid"] == pid]) for pid in pids}
    t.equal((len(pids), len(lines)), (3, 3 * each), name + ": the load is as it should be")
    t.equal({pid: netrig.payload(w.exits.get(pid)) for pid in pids}, wanted, name + ": each its own",
            *[netrig.short(w.exits.get(pid)) for pid in pids])
    roles = {(c.get("role"), c.get("shared", False)) for pid in pids
             for c in netrig.connections(w.exits.get(pid))}
    t.equal(roles, {("server", False)}, name + ": they accepted them, and share none")
    t.equal(sum(netrig.payload(w.exits.get(p.pid)) or (0, 0)), 0, name + ": nothing is their parent's",
            netrig.short(w.exits.get(p.pid)))


def main():
    t = rig.Test()
    refused = netrig.perf_refused(t)
    for place in netrig.places(t):
        for family in netrig.FAMILIES:
            for width in (1, 8):
                if refused:
                    t.skip(f"{place.name}, tracepoints, {family}, {width} at a time", refused)
                else:
                    t.fairly(one_load, t, place, "perf", "perf", width, family)
                t.fairly(one_load, t, place, "diag", "sock_diag", width, family)
        if refused:
            t.skip(place.name + ", curl and prefork servers, tracepoints", refused)
            continue
        curl(t, place)
        prefork(t, place, 1, (40000, 80000, 120000), 1)
        prefork(t, place, 10, (30000,), 8)
    t.done()


main()
