#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""One question and one answer over UDP, from sockets with and without a peer of their own, by
processes that live for a millisecond; and a flood, where what was not counted has to be said."""

import netrig
import rig

CLIENTS, FLOOD = 500, 300000
# Lookups at each packet are for machines that send few: thousands a second are not looked up.
PACE = {"perf": 0, "sock_diag": 2}
QUESTION, ANSWER, SMALL = 40, 500, 64


def one_load(t, place, owner, source, width, family, protocol):
    name = f"{place.name}, {source}, {family}, {protocol}, {width} at a time"
    w = netrig.Watch(t, "--owner", owner)
    if not t.ok(w.started, name + ": pevent starts", w.err):
        return
    truth = netrig.Truth(t)
    server = netrig.Server(t, place, truth)
    netrig.spawn(t, place, server, truth, CLIENTS, width, "-p", protocol, "-u", QUESTION, "-d", ANSWER,
                 "-g", PACE[source], family=family)
    t.equal(server.stop(), 0, name + ": the server ends")
    t.ok(w.stop(), name + ": pevent ends", w.err)
    netrig.judge_clients(t, name, w, server, truth, family, source)
    netrig.judge_server(t, name, w, server, truth, source)
    rig.check_schema(t, w.events, name + ": lines are valid under the schema")


def flood(t, place):
    """At full speed: the number, or less and a word about it; never more."""
    name = place.name + ", flood"
    w = netrig.Watch(t)
    truth = netrig.Truth(t)
    server = netrig.Server(t, place, truth)
    status, out, err = t.run([*place.client, netrig.NET, "-o", truth.path, "-n", FLOOD, "-u", SMALL,
                              "flood", place.address["IPv4"], server.port])
    t.equal(status, 0, name + ": it was sent", err)
    server.stop()
    t.ok(w.stop(), name + ": pevent ends", w.err)
    x = truth.lines("flood")[0]
    line = w.exits.get(x["pid"])
    n = netrig.used(line)
    t.diag(f"{name}: {out.decode().strip()}; {n.get('tx_packets')} of {FLOOD} packets counted",
           f"lost {w.lost()}")
    exact = netrig.payload(line) == (x["sent"], 0) and n["tx_packets"] == FLOOD
    said = n.get("incomplete") or any(c for _, c in w.lost())
    t.ok(n and n["tx_payload_bytes"] <= x["sent"] and n["tx_packets"] <= FLOOD and (exact or said),
         name + ": all of it is the sender's, or what is missing is said", netrig.short(line), w.lost())
    received = sum(x["received"] for x in truth.lines("server"))
    got = netrig.used(w.exits.get(server.pid)).get("rx_payload_bytes", 0)
    # a datagram that found no room in the socket has crossed the device all the same
    t.ok(0 < got <= x["sent"] and (got >= received or said), name + ": and the receiver's likewise", got,
         received, w.lost())


def at_devices(t, pair):
    """-i: what passes these devices counts, whatever system calls tell of the rest."""
    pair.twins()
    w = netrig.Watch(t, "-i", ",".join(pair.devices))
    if not t.ok(w.started, "-i: pevent starts", w.err):
        return
    ran = {}
    for place in (pair, netrig.Loopback()):
        truth = netrig.Truth(t)
        server = netrig.Server(t, place, truth)
        netrig.spawn(t, place, server, truth, 40, 1, "-p", "udp", "-u", QUESTION, "-d", ANSWER, "-k", 50)
        server.stop()
        ran[place.name] = server, truth.lines("client")
    t.ok(w.stop(), "-i: pevent ends", w.err)
    server, clients = ran[pair.name]
    got = [netrig.payload(w.exits.get(x["pid"])) for x in clients]
    right = got.count((QUESTION, ANSWER))
    t.ok(right >= 0.97 * len(clients) > 0, "-i: at its devices at least 97 % of the clients have their bytes",
         right, got, timed=True)
    t.ok(right + got.count((0, 0)) == len(clients), "-i: and none has others", right, got)
    server, clients = ran["loopback"]
    got = [netrig.used(w.exits.get(pid)) for pid in [server.pid] + [x["pid"] for x in clients]]
    sums = [n.get("tx_bytes", 1) + n.get("rx_bytes", 1) + n.get("tx_payload_bytes", 1) for n in got]
    t.equal(sums, [0] * 41, "-i: elsewhere UDP counts nothing", got[:2])


def main():
    t = rig.Test()
    refused = netrig.perf_refused(t)
    for place in netrig.places(t):
        for family in netrig.FAMILIES:
            for protocol in ("udp", "udp-connected"):
                for width in (1, 8):
                    if refused:
                        t.skip(f"{place.name}, perf, {family}, {protocol}, {width} at a time", refused)
                    else:
                        t.fairly(one_load, t, place, "perf", "perf", width, family, protocol)
                    t.fairly(one_load, t, place, "diag", "sock_diag", width, family, protocol)
        flood(t, place)
        if isinstance(place, netrig.Pair):
            t.fairly(at_devices, t, place)
    t.done()


main()
