# SPDX-License-Identifier: GPL-2.0-or-later
"""What the network tests share: where they run, servers and clients that write down what they did
(net.c), pevent beside them, and how what it says is judged.

Only processes of the test are judged. Others on the machine use the network as they like."""

import atexit
import json
import os
import signal
import subprocess
import time

import rig

NET = rig.rig("net")
IPV6 = os.path.exists("/proc/net/if_inet6")
FAMILIES = ("IPv4", "IPv6") if IPV6 else ("IPv4",)
# An IP and a TCP header without and with all options that Linux sends: bytes of each packet.
TCP_HEADERS = {"IPv4": (40, 80), "IPv6": (60, 100)}
UDP_HEADERS = {"IPv4": 28, "IPv6": 48}
# An exit waits for the last packets and counts; what is asked of a run's very end: live-net-run.py
SETTLE = 0.3


def ip(*args):
    done = subprocess.run(["ip", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(args)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


class Loopback:
    """Clients and servers in pevent's own namespace."""

    name = "loopback"
    client = server = ()
    address = {"IPv4": "127.0.0.1", "IPv6": "::1"}


class Pair:
    """Two namespaces and a pair of devices between them; pevent is in neither."""

    name = "veth"
    address = {"IPv4": "192.0.2.2", "IPv6": "2001:db8::2"}
    hosts = (("192.0.2.1", "2001:db8::1", "02:00:00:00:00:0a"),
             ("192.0.2.2", "2001:db8::2", "02:00:00:00:00:0b"))
    made = 0

    def __init__(self):
        Pair.made += 1
        tag = f"pv{os.getpid()}x{Pair.made}"
        self.namespaces = [tag + "c", tag + "s"]
        self.devices = [tag + "c", tag + "s"]
        self.twinned = []
        atexit.register(self.close)
        self.client, self.server = (("ip", "netns", "exec", x) for x in self.namespaces)
        for name in self.namespaces:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        self.plug()

    def plug(self):
        """The devices; neighbours are known and there are no other addresses: all is quiet."""
        ip("link", "add", self.devices[0], "netns", self.namespaces[0], "address", self.hosts[0][2],
           "type", "veth", "peer", "name", self.devices[1], "netns", self.namespaces[1],
           "address", self.hosts[1][2])
        for i, (name, device) in enumerate(zip(self.namespaces, self.devices)):
            ip("-n", name, "link", "set", device, "addrgenmode", "none")
            ip("-n", name, "link", "set", device, "up")
            other = self.hosts[1 - i]
            for mine, theirs, prefix in zip(self.hosts[i][:2], other[:2], ("/24", "/64")):
                if ":" in mine and not IPV6:
                    continue
                ip("-n", name, "address", "add", mine + prefix, "dev", device,
                   *(["nodad"] if ":" in mine else []))
                ip("-n", name, "neighbour", "replace", theirs, "lladdr", other[2], "dev", device,
                   "nud", "permanent")

    def twins(self):
        """Devices of the same names in pevent's own namespace, where -i wants them; they are down."""
        for device in self.devices if not self.twinned else ():
            ip("link", "add", device, "type", "veth", "peer", "name", device + "t")
            self.twinned.append(device)

    def unplug(self):
        ip("-n", self.namespaces[0], "link", "delete", self.devices[0])

    def close(self):
        names, self.namespaces = self.namespaces, []
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)
        while self.twinned:
            ip("link", "delete", self.twinned.pop())


def counters(prefix, device):
    """A device's own: {"tx_bytes", "rx_bytes", "tx_packets", "rx_packets"}; prefix: of its namespace."""
    out = subprocess.run([*prefix, "ip", "-j", "-s", "link", "show", "dev", device],
                         stdout=subprocess.PIPE, check=True).stdout
    stats = json.loads(out)[0]["stats64"]
    return {f"{way}_{unit}": stats[way][unit] for way in ("tx", "rx") for unit in ("bytes", "packets")}


def places(t):
    """Loopback, and a pair where this machine lets us have one."""
    yield Loopback()
    try:
        pair = Pair()
    except (RuntimeError, OSError) as e:
        t.skip("across a pair of devices", str(e).replace("\n", " "))
        return
    yield pair
    pair.close()


# --- servers and clients ------------------------------------------------------------------------

class Truth:
    """What servers and clients wrote down, one dictionary a line."""

    def __init__(self, t):
        self.path = rig.fresh(t.path("truth"))

    def lines(self, *what):
        with open(self.path, encoding="ascii") as f:
            found = [{k: int(v) if v.isdigit() else v for k, v in rig.pairs(x).items()} for x in f]
        return [x for x in found if x["what"] in what or not what]


class Server:
    """`net serve` at the server's side of a place."""

    def __init__(self, t, place, truth, *options):
        self.p = t.start([*place.server, NET, "-o", truth.path, *options, "serve"],
                         stdout=subprocess.PIPE)
        said = rig.pairs(self.p.stdout.readline())
        self.port, self.closed = said["port"], said["closed"]
        self.pid = self.p.pid

    def stop(self):
        self.p.terminate()
        return self.p.wait(timeout=30)


def spawn(t, place, server, truth, n, width, *options, family="IPv4"):
    """n clients, width at a time; True: all went well."""
    status, out, err = t.run([*place.client, NET, "-o", truth.path, "-n", n, "-w", width, *options,
                              "spawn", place.address[family], server.port])
    return status == 0 or t.ok(False, place.name + ": the clients did their work", status, out, err)


# --- pevent -------------------------------------------------------------------------------------

class Watch:
    """pevent in the background, exits and statistics in JSON."""

    def __init__(self, t, *options, events="exit"):
        self.t = t
        self.events, self.exits, self.summary = [], {}, {}
        self.out, self.said = (rig.fresh(t.path("watch." + x)) for x in ("json", "summary"))
        with open(self.said, "wb") as f:
            self.p = t.start([rig.PEVENT, "-j", "-S", "-e", events, *options, "-o", self.out], stdout=f,
                             stderr=subprocess.PIPE)
        self.started = rig.wait_until(lambda: self.p.poll() is not None or (
            os.path.exists(self.out) and os.path.getsize(self.out) > 0)) and self.p.poll() is None
        self.err = b"" if self.started else self._give_up()

    def _give_up(self):
        self.p.kill()
        return self.p.communicate()[1]

    def stop(self):
        """self.events [(object, flat)], self.exits {pid: object}, self.summary (flat)."""
        if not self.started:
            return False
        time.sleep(SETTLE)
        self.p.send_signal(signal.SIGINT)
        self.err = self.p.communicate(timeout=60)[1]
        with open(self.out, "rb") as f:
            self.events = rig.json_events(f.read())
        with open(self.said, "rb") as f:
            said = rig.json_events(f.read())
        self.summary = rig.summary_of(said)
        self.exits = {f["process.pid"]: o for o, f in self.events if rig.action(f) == "exit"}
        return self.p.returncode == 0

    def lost(self):
        return [(f.get("pevent.lost.source"), f.get("pevent.lost.count")) for _, f in self.events
                if rig.action(f) == "lost"]


def perf_refused(t):
    """Why this kernel lets us have no socket tracepoints; None: it does."""
    w = Watch(t, "--owner", "perf")
    if w.started:
        w.stop()
        return None
    return w.err.decode(errors="replace").strip().replace("\n", " ") or "pevent did not start"


def used(exit_line):
    """usage.network of an exit or snapshot, {} when there is none."""
    return (exit_line or {}).get("pevent", {}).get("usage", {}).get("network", {})


def payload(exit_line):
    """(sent, received), None: not known."""
    n = used(exit_line)
    return (n["tx_payload_bytes"], n["rx_payload_bytes"]) if n else None


def connections(exit_line):
    return (exit_line or {}).get("pevent", {}).get("connections", [])


def origin(exit_line):
    return (exit_line or {}).get("pevent", {}).get("source", {}).get("network")


def short(exit_line):
    """What a failure prints of it."""
    return json.dumps({"network": used(exit_line), "source": origin(exit_line),
                       "connections": connections(exit_line)[:3]})


# --- judgement ----------------------------------------------------------------------------------

def headers_fit(x, family, n):
    """Are the bytes of its packets those of the payload and of their headers?"""
    for way in ("tx", "rx"):
        packets, rest = n[way + "_packets"], n[way + "_bytes"] - n[way + "_payload_bytes"]
        if x["protocol"] == "udp":
            low = high = UDP_HEADERS[family]
        else:
            low, high = TCP_HEADERS[family]
        if not n.get("retransmits") and not low * packets <= rest <= high * packets:
            return False
    return True


def fault(x, exit_line, family):
    """What is wrong with what is said of a client that had one socket; None: nothing."""
    n, found = used(exit_line), connections(exit_line)
    if payload(exit_line) != (x["sent"], x["received"]):
        return f"payload {payload(exit_line)}"
    if n.get("incomplete"):
        return "incomplete"
    if n["connections"] != (x["protocol"] == "tcp"):
        return f"{n['connections']} connections"
    if not headers_fit(x, family, n):
        return "bytes do not fit the payload"
    ends = [(c["protocol"], c["local"]["port"]) for c in found]
    # tracepoints tell whose datagrams they are, not where they went
    if x["protocol"] == "udp" and not found and origin(exit_line) == "perf":
        return None
    if ends != [(x["protocol"], x["local"])]:
        return f"ends of its connections {ends}"
    if x["remote"] and found[0]["remote"]["port"] != x["remote"]:
        return "remote end"
    if x["protocol"] == "tcp" and (found[0].get("role") != "client" or not found[0].get("rtt_ns")):
        return "role or rtt"
    return None


def claims(w, port):
    """Who has which flow of the server: {(protocol, port of the client, is the client)}: {pid}."""
    found = {}
    for pid, line in w.exits.items():
        for c in connections(line):
            ends = c["local"]["port"], c["remote"]["port"]
            if port in ends:
                key = c["protocol"], ends[ends[0] == port], ends[1] == port
                found.setdefault(key, set()).add(pid)
    return found


def wrong_claims(w, server, truths):
    """Flows of the server that a process has which had no part in them."""
    port, own = int(server.port), {}
    for x in truths:
        client = x["what"] != "server"
        key = x["protocol"], x["local"] if client else x["remote"], client
        own.setdefault(key, set()).add(x["pid"])
        if x["protocol"] == "udp" and client:
            own.setdefault(("udp", x["local"], False), set()).add(server.pid)
    return [(key, pids) for key, pids in claims(w, port).items() if pids - own.get(key, set())]


def sums(truths):
    return sum(x["sent"] for x in truths), sum(x["received"] for x in truths)


def judge_clients(t, name, w, server, truth, family, source):
    """Every client of one socket. source: "perf": all are right; "sock_diag": 97 % of them."""
    truths = truth.lines("client")
    faults = [(x, fault(x, w.exits.get(x["pid"]), family)) for x in truths]
    if source != "perf":	# exact, but the exit could not know that: it says so
        faults = [(x, f if f != "incomplete" else None) for x, f in faults]
    right = sum(f is None for _, f in faults)
    # nothing known is a miss; anything known that is not so is wrong
    missed = [x for x, f in faults if f and not sum(payload(w.exits.get(x["pid"])) or (0, 0))]
    wrong = [(x, f, short(w.exits.get(x["pid"]))) for x, f in faults if f and x not in missed]
    t.diag(f"{name}: {right} of {len(truths)} right, {len(missed)} missed, {len(wrong)} wrong")
    # of what came too late the final counts tell, but for a FIN; more it can never be
    more = [x for x in wrong if any(a > b for a, b in zip(payload(w.exits.get(x[0]["pid"])),
                                                          (x[0]["sent"], x[0]["received"])))]
    t.ok(not more, name + ": no client has more than its bytes", *more[:5])
    if source == "perf":
        lacking = [x for x, f in faults if f and not used(w.exits.get(x["pid"])).get("incomplete")]
        t.ok(not lacking, name + ": who lacks some says so",
             *[(x, short(w.exits.get(x["pid"]))) for x in lacking[:5]])
        t.ok(truths and right == len(truths), name + ": every client has its bytes, exactly",
             *wrong[:5], *[("missed", x, short(w.exits.get(x["pid"]))) for x in missed[:5]], w.lost(),
             timed=True)
        odd = [(x["pid"], origin(w.exits.get(x["pid"]))) for x in truths
               if origin(w.exits.get(x["pid"])) != source]
        t.ok(not odd, name + ": and their source is " + source, odd[:5])
    else:
        t.ok(right >= 0.97 * len(truths) > 0, name + ": at least 97 % of the clients have their bytes",
             right, len(truths), *[("missed", x, short(w.exits.get(x["pid"]))) for x in missed[:5]],
             timed=True)
        t.ok(not wrong, name + ": none has others", *wrong[:5])
    strangers = wrong_claims(w, server, truth.lines())
    t.ok(not strangers, name + ": no process has a connection of another", strangers[:5])


def judge_server(t, name, w, server, truth, source):
    """All that came to the server is its own, and nothing else."""
    wanted = sums([x for x in truth.lines("server") if x["pid"] == server.pid])
    got = payload(w.exits.get(server.pid))
    line = short(w.exits.get(server.pid))
    if source == "perf":
        t.equal(got, wanted, name + ": the server's bytes are its own count", line)
    else:
        # Who accepts is found some time after it began to listen: less may be known, not more.
        t.diag(f"{name}: the server has {got} of {wanted}")
        t.ok(got and all(x <= y for x, y in zip(got, wanted)),
             name + ": the server has no more than its bytes", got, wanted, line)
