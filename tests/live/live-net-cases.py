#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Sockets that are used and left in unusual ways: data that no read(2) took, resets, ends closed by
halves, sockets without a process and of several, connections older than the run."""

import subprocess
import time

import netrig
import rig

# A process of one socket each: payload as the process knows it, exactly.
EXACT = ("sendfile", "splice", "peek", "reset", "unread", "half", "half-server", "server-first",
         "linger")
# Calls that sent and that received: the kernel does not say that one is to be continued.
DATAGRAMS = {"udp-peek": (1, 1), "udp-big": (1, 1), "udp-mapped": (1, 1), "udp-cork": (2, 1),
             "udp-short": (1, 1), "udp-errqueue": (1, 0)}
ODD = ("none", "refused", "udp-refused", "unsent", "inherit", "pass", "self")
# inherit and pass: that of the first, and of the process that it has from another
FAMILY_OF = {"inherit": ("inherit", "inherit-child"), "pass": ("pass", "pass-child")}


def datagrams_of(family):
    """Only IPv4 can be mapped, by a machine that has both."""
    return [x for x in DATAGRAMS if x != "udp-mapped" or (family == "IPv4" and netrig.IPV6)]


class Cases:
    """All cases against one server, and what pevent says of them."""

    def __init__(self, t, place, family):
        self.t, self.family = t, family
        self.name = f"{place.name}, {family}"
        self.w = netrig.Watch(t)
        self.truth = netrig.Truth(t)
        self.server = netrig.Server(t, place, self.truth)
        status, _, err = t.run([*place.client, netrig.NET, "-o", self.truth.path, "cases",
                                place.address[family], self.server.port, self.server.closed,
                                *EXACT, *datagrams_of(family), *ODD])
        t.equal(status, 0, self.name + ": the cases ran", err)
        self.server.stop()
        t.ok(self.w.stop(), self.name + ": pevent ends", self.w.err)

    def of(self, what):
        """(truth, exit) of a case."""
        found = self.truth.lines(what)
        x = found[0] if found else {"pid": 0, "sent": 0, "received": 0}
        return x, self.w.exits.get(x["pid"])

    def ok(self, good, what, *why):
        return self.t.ok(good, f"{self.name}, {what}", *why)


def exact(c, what):
    x, line = c.of(what)
    n = netrig.used(line)
    # the acknowledgement that makes a lingering socket final may take longer than an exit waits
    c.ok(netrig.payload(line) == (x["sent"], x["received"]) and
         (what == "linger" or not n.get("incomplete")), what + ": payload is exact and complete", x,
         netrig.short(line))
    c.ok(netrig.headers_fit(x, c.family, n) if n else False, what + ": bytes fit the payload",
         netrig.short(line))
    found = netrig.connections(line)
    ends = [(y["protocol"], y["local"]["port"], y["remote"]["port"]) for y in found]
    c.ok(ends == [(x["protocol"], x["local"], int(c.server.port))],
         what + ": one connection, with its ends", x, netrig.short(line))
    keys = [k for k in n if k.startswith(("tx_", "rx_"))]
    same = len(found) == 1 and len(keys) == 6 and all(found[0].get(k) == n[k] for k in keys)
    c.ok(same, what + ": and all that the process used", netrig.short(line))


def datagrams(c, what):
    """System calls tell of the payload; packets and headers follow, and are said to."""
    x, line = c.of(what)
    n = netrig.used(line)
    c.ok(netrig.payload(line) == (x["sent"], x["received"]) and not n.get("incomplete"),
         what + ": payload is exact and complete", x, netrig.short(line))
    calls = DATAGRAMS[what]
    c.ok(n and 1 <= n["tx_packets"] <= calls[0] and n["rx_packets"] == calls[1],
         what + ": packets are as many as calls at most", netrig.short(line))
    # to the tracepoints it is a socket of IPv6
    family = "IPv6" if what == "udp-mapped" else c.family
    c.ok(n.get("estimated") is True and netrig.headers_fit(x, family, n),
         what + ": bytes follow from the payload, and it says so", netrig.short(line))


def none(c):
    x, line = c.of("none")
    n = netrig.used(line)
    c.ok(line and netrig.payload(line) == (0, 0) and not n["tx_packets"] and not n["rx_packets"],
         "no socket: no bytes, and that is known", x, netrig.short(line))
    c.ok(not n.get("incomplete") and not n.get("estimated") and not netrig.connections(line) and
         netrig.origin(line) is None, "no socket: nothing is missing", netrig.short(line))


def refused(c):
    x, line = c.of("refused")
    n = netrig.used(line)
    c.ok(netrig.payload(line) == (0, 0) and (n["tx_packets"], n["rx_packets"]) == (1, 1) and
         not n.get("incomplete"), "refused: its packets, and no payload", x, netrig.short(line))
    x, line = c.of("udp-refused")
    n = netrig.used(line)
    c.ok(netrig.payload(line) == (x["sent"], 0) and n["tx_packets"] == 1,
         "refused UDP: its one datagram", x, netrig.short(line))


def unsent(c):
    """When it exits most of it waits for the server, which will have all of it a while later."""
    x, line = c.of("unsent")
    n = netrig.used(line)
    c.ok(n.get("incomplete") is True, "ended before its data was sent: says that it is incomplete", x,
         netrig.short(line))
    c.ok(n and 0 < n["tx_payload_bytes"] <= x["sent"] and n["rx_payload_bytes"] == 0,
         "ended before its data was sent: no more than it sent", x, netrig.short(line))


def shared(c, what):
    """The kernel counts for a socket: nobody else has its bytes, and nobody has them twice."""
    pairs = [c.of(x) for x in FAMILY_OF[what]]
    wanted = netrig.sums([x for x, _ in pairs])
    got = [netrig.payload(line) or (0, 0) for _, line in pairs]
    lines = [netrig.short(line) for _, line in pairs]
    c.ok(tuple(map(sum, zip(*got))) == wanted, what + ": the two processes have it all, together",
         wanted, *lines)
    marks = [y.get("shared") for _, line in pairs for y in netrig.connections(line)]
    c.ok(any(marks), what + ": the connection is marked as shared", *lines)


def self_connected(c):
    x, line = c.of("self")
    n = netrig.used(line)
    c.ok(netrig.payload(line) == (x["sent"], x["received"]),
         "connected to itself: both directions once", x, netrig.short(line))
    c.ok(n and n["tx_packets"] == n["rx_packets"] and n["tx_bytes"] == n["rx_bytes"],
         "connected to itself: what it sent it received", netrig.short(line))


def server(c):
    """Of UDP the server's count is of both protocols; so is its truth."""
    netrig.judge_server(c.t, c.name + ", all cases", c.w, c.server, c.truth, "perf")
    strangers = [x for x in netrig.wrong_claims(c.w, c.server, c.truth.lines()) if x[0][0] == "tcp"]
    c.ok(not strangers, "no process has a connection of another", strangers[:5])
    rig.check_schema(c.t, c.w.events, c.name + ": lines are valid under the schema")


def forking_server(t, place):
    """Accepted in one process, served and closed in another, one for each connection."""
    name = place.name + ", server that forks"
    w = netrig.Watch(t)
    truth = netrig.Truth(t)
    s = netrig.Server(t, place, truth, "-f")
    netrig.spawn(t, place, s, truth, 50, 4)
    s.stop()
    t.ok(w.stop(), name + ": pevent ends", w.err)
    lines = [x for x in truth.lines("server") if x["protocol"] == "tcp"]
    pids = {s.pid} | {x["pid"] for x in lines}
    t.equal((len(lines), len(pids)), (50, 51), name + ": the load is as it should be")
    got = [netrig.payload(w.exits.get(pid)) or (0, 0) for pid in pids]
    t.equal(tuple(map(sum, zip(*got))), netrig.sums(lines),
            name + ": it and its children have it all, together")
    # without a count per process the bytes are of the one that accepted, or of the one that serves
    at = {x["remote"]: {s.pid, x["pid"]} for x in lines}
    odd = [(pid, y) for pid in pids for y in netrig.connections(w.exits.get(pid))
           if pid not in at.get(y["remote"]["port"], ())]
    t.ok(not odd, name + ": no child has a connection of another", odd[:3])
    marks = [y.get("shared") for pid in pids for y in netrig.connections(w.exits.get(pid))]
    t.ok(marks and all(marks), name + ": they are marked as shared", marks)
    clients = [(x, netrig.fault(x, w.exits.get(x["pid"]), "IPv4")) for x in truth.lines("client")]
    t.ok(len(clients) == 50 and not [x for x in clients if x[1]], name + ": its clients have theirs",
         *[x for x in clients if x[1]][:5])


def older(t, place):
    """Opened before the run: what crossed it since counts, for both ends."""
    name = place.name + ", connection older than the run"
    truth = netrig.Truth(t)
    s = netrig.Server(t, place, truth)
    p = t.start([*place.client, netrig.NET, "-o", truth.path, "cases", place.address["IPv4"], s.port,
                 s.closed, "older"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    t.equal(p.stdout.readline(), b"ready\n", name + ": it is open")
    w = netrig.Watch(t)
    time.sleep(0.5)		# what there was before is looked at from the first ticks on
    p.communicate(b"x", timeout=30)
    s.stop()
    t.ok(w.stop(), name + ": pevent ends", w.err)
    x = truth.lines("older")[0]
    line = w.exits.get(x["pid"])
    t.equal(netrig.payload(line), (x["sent"], x["received"]), name + ": the client's bytes since",
            netrig.short(line))
    line_of_server = w.exits.get(s.pid)
    t.equal(netrig.payload(line_of_server), (x["received"], x["sent"]),
            name + ": the server's bytes since", netrig.short(line_of_server))
    t.ok(all("opened" not in y for y in netrig.connections(line)) and netrig.connections(line),
         name + ": when it was opened is not known", netrig.short(line))


def main():
    t = rig.Test()
    refused_here = netrig.perf_refused(t)
    if refused_here:
        t.skip_all(refused_here)
    for place in netrig.places(t):
        for family in netrig.FAMILIES:
            c = Cases(t, place, family)
            for what in EXACT:
                exact(c, what)
            for what in datagrams_of(family):
                datagrams(c, what)
            none(c)
            refused(c)
            unsent(c)
            for what in FAMILY_OF:
                shared(c, what)
            self_connected(c)
            server(c)
        forking_server(t, place)
        older(t, place)
    t.done()


main()
