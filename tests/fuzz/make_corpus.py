#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes seeds of tests/fuzz/corpus, by target (see the end): the same bytes each time."""

import json
import os
import struct

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
FORK, EXEC, UID, GID, SID, PTRACE, COMM, CORE, EXIT = (
    1, 2, 4, 0x40, 0x80, 0x100, 0x200, 0x40000000, 0x80000000)
STAT = ("%d (%s) S %d 42 43 34817 42 4194304 100 0 0 0 1 2 3 4 20 0 %d 0 %d 3133440 413 "
        "18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 1 2 3 4096 4139 4139 5000 0\n")
STATUS = ("Name:\tcat\nUid:\t1000\t1001\t0\t0\nGid:\t100\t101\t0\t0\n"
          "VmPeak:\t    5720 kB\nVmSize:\t    5716 kB\nVmHWM:\t     900 kB\nVmRSS:\t     896 kB\n"
          "VmSwap:\t       0 kB\nThreads:\t1\nvoluntary_ctxt_switches:\t60\n"
          "nonvoluntary_ctxt_switches:\t70\n")
IO = ("rchar: 10\nwchar: 20\nsyscr: 1\nsyscw: 2\nread_bytes: 30\nwrite_bytes: 40\n"
      "cancelled_write_bytes: 50\n")
TASKS = "threads 2\nstat 5 6 7 8\nschedstat 1000000 2000 30\nio 1 2 3 4 5\nstatus 60 70\n"
FDS = b"c 0 /dev/null\0s 3 socket:[4711]\0? 4 anon_inode:[eventpoll]\0r 2147483647 /a b\n\0"
CGROUP = "4:memory:/m\n1:name=systemd:/named\n0::/a:b\n"


def put(target, name, data):
    os.makedirs(os.path.join(HERE, target), exist_ok=True)
    with open(os.path.join(HERE, target, name), "wb") as f:
        f.write(data)


def message(what, time, *words, cpu=0, seq=0, body=24):
    """A datagram of the process connector."""
    data = struct.pack(f"<{len(words)}I", *(w & 0xffffffff for w in words)).ljust(body, b"\0")[:body]
    event = struct.pack("<IIQ", what, cpu, time) + data
    cn = struct.pack("<IIIIHH", 1, 1, seq, 0, len(event), 0) + event
    return struct.pack("<IHHII", 16 + len(cn), 3, 0, seq, 0) + cn


def cn():
    put("cn", "ack", message(0, 1, 0))
    put("cn", "fork", message(FORK, 123456789, 11, 10, 13, 12))
    put("cn", "exec", message(EXEC, 1, 101, 100))
    put("cn", "comm", message(COMM, 1, 101, 100, *struct.unpack("<4I", b"sixteen bytes!!!")))
    put("cn", "ptrace", message(PTRACE, 1, 101, 100, 7, 7))
    put("cn", "exit", message(EXIT, 1 << 63, 101, 100, 0x300, 0xffffffff, 1, 1, cpu=3, seq=1 << 31))
    put("cn", "old-kernel", message(EXIT, 1, 101, 100, 9, 17, body=16))
    put("cn", "new-kernel", message(EXIT, 1, 101, 100, 9, 17, 1, 1, 2, 3, body=64))
    put("cn", "other", message(EXEC, 1, 7, 7).replace(struct.pack("<II", 1, 1), struct.pack("<II", 2, 1)))


def record(files, cut=0):
    """wire/proc.h's struct proc_read and what follows it."""
    results = [len(f) if isinstance(f, bytes) else f for f in files]
    return (struct.pack("<QQiI12i", 10, 20, 5, cut, *results) +
            b"".join(f for f in files if isinstance(f, bytes)))


def proc():
    put("proc", "stat", (STAT % (5, "cat", 1, 7, 408442)).encode())
    put("proc", "stat-hostile", (STAT % (5, "a) S 1 2\n3 (b", -1, 1, 2**64 - 1)).encode())
    put("proc", "stat-short", b"5 (x) R 1 1 1 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 18446744073709551617")
    put("proc", "status", STATUS.encode())
    put("proc", "cgroup", CGROUP.encode())
    put("proc", "cgroup-v1", b"5:memory:/x:name=systemd:/no\n1:name=systemd:/yes\n")
    put("proc", "cgroup-v2", b"0::/user.slice/a (deleted)\n")
    put("proc", "loginuid", b"4294967295")
    put("proc", "schedstat", b"1000000 2000 30\n")
    put("proc", "io", IO.encode())
    put("proc", "tasks", TASKS.encode())
    put("proc", "tasks-few", b"threads 1\nstat 1 2 3 18446744073709551615\nstatus 1 2\n")
    put("proc", "fds", FDS)
    put("proc", "fds-odd", b"r 1 a\0r 2147483648 b\0")
    full = [(STAT % (5, "cat", 1, 7, 408442)).encode(), b"cat\0-n\0", b"/bin/cat", STATUS.encode(),
            CGROUP.encode(), b"/tmp", b"1000", b"666\n", TASKS.encode(), FDS, b"7",
            b"net:[4026531840]"]
    put("proc", "record", record(full))
    put("proc", "record-cut", record(full, cut=1))
    put("proc", "record-errors", record([-3, -13, b"/x", b"?", b"?", -61, b"?", b"2001", b"?", b"?", b"?",
                                          b"net:[0]"]))
    put("proc", "record-empty", record([b""] * 12))


def machine():
    put("machine", "stat", b"cpu  401955 0 232207 2228314 1082 0 819 412 0 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    put("machine", "stat-short", b"cpu  1 2 3 4 5 6 7")
    put("machine", "meminfo", b"MemTotal:       24682416 kB\nMemFree:        1 kB\n"
        b"MemAvailable:   24175300 kB\n")
    put("machine", "loadavg", b"0.39 12.65 1000.53 1/83 7785\n")


def kmsg():
    tail = b" (a.out) total-vm:22008kB, anon-rss:19456kB, UID:0 pgtables:84kB oom_score_adj:0\n"
    put("kmsg", "out-of-memory", b"3,1163,14367040995,-;Out of memory: Killed process 8338" + tail)
    put("kmsg", "cgroup", b"3,1163,1,-,caller=T1;Memory cgroup out of memory: Killed process 1" + tail)
    put("kmsg", "allocating", b"3,1,1,-;Out of memory (oom_kill_allocating_task): Killed process 2" + tail)
    put("kmsg", "old", b"3,1,1,-;Killed process 2147483647" + tail)
    put("kmsg", "user", b"11,1,1,-;Out of memory: Killed process 8338" + tail)
    put("kmsg", "fields", b"6,339,5140900,-;NET: a;b\n SUBSYSTEM=net\n DEVICE=+x\n")


def usage(version, size, tid=20, flag=0x20, family=26):
    """An exit record, as generic netlink carries it; places of the layout without maxima inside."""
    stats = bytearray(size)
    struct.pack_into("<HxxIBB", stats, 0, version, 0x300, flag, 0)
    if size >= 328:
        struct.pack_into("<QQ", stats, 16, 3, 15000)
        struct.pack_into("<Q", stats, 72, 5000000)
        struct.pack_into("<8s", stats, 80, b"cat")
        struct.pack_into("<IIII", stats, 120, 1000, 100, tid, 10)
        struct.pack_into("<QQQ", stats, 144, 135, 4000, 8000)
        struct.pack_into("<QQQQ", stats, 200, 720, 4096, 2048, 1024)
    if size >= 400:
        struct.pack_into("<IxxxxQQQ", stats, 368, tid, 135, 0xfd00, 77)
    nest = struct.pack("<HHIHH", 8, 1, tid, 4 + size, 3) + bytes(stats)
    body = struct.pack("<BBH", 2, 1, 0) + struct.pack("<HH", 4 + len(nest), 4) + nest
    return struct.pack("<IHHII", 16 + len(body), family, 0, 0, 0) + body


def taskstats():
    for version, size in ((8, 328), (9, 344), (12, 400), (14, 432), (15, 560), (16, 560), (17, 688)):
        put("taskstats", f"version-{version}", struct.pack("<H", 26) + usage(version, size))
    put("taskstats", "too-old", struct.pack("<H", 26) + usage(7, 328))
    put("taskstats", "too-short", struct.pack("<H", 26) + usage(16, 100))
    put("taskstats", "other-family", struct.pack("<H", 27) + usage(16, 560))
    put("taskstats", "error", struct.pack("<H", 26) + struct.pack("<IHHIIi", 36, 2, 0, 1, 0, -22).ljust(36, b"\0"))


def steps(limit, pick, *items):
    names = ["fork", "thread", "exec", "unread", "exit", "thread-exit", "comm", "uid", "gid", "sid",
             "ptrace", "core", "lost", "scan", "filter", "pull", "record", "sample", "snapshot",
             "settle", "oom"]
    data = bytes([limit - 1, pick])
    for name, *rest in items:
        rest += [0] * (4 - len(rest))
        data += bytes([names.index(name) if name in names else int(name), *rest])
    return data


def model():
    tree = [("fork", 2, 0, 0, 1), ("exec", 2, 1, 3, 1), ("fork", 3, 2, 0, 1), ("exit", 3, 0, 1, 5),
            ("exit", 2, 0, 0, 1)]
    threads = [("fork", 2, 0, 0, 1), ("thread", 2, 1, 0, 1), ("thread", 2, 2, 0, 1), ("pull",),
               ("exit", 2, 0, 0, 1), ("thread-exit", 2, 1, 139, 1), ("exec", 2, 0, 0, 1),
               ("thread", 2, 3, 0, 1), ("exit", 2, 0, 7, 1), ("thread-exit", 2, 3, 7, 1)]
    scan = [("scan", 3, 0, 0, 1), ("0", 1, 0, 1, 0), ("0", 2, 2, 9, 0), ("0", 3, 3, 76, 0),
            ("fork", 3, 2, 0, 1), ("lost", 0, 0, 3, 1), ("comm", 9, 0, 65, 1),
            ("scan", 2, 1, 0, 1), ("0", 2, 2, 1, 9), ("0", 4, 2, 1, 9), ("pull",)]
    other = [("fork", 2, 0, 0, 1), ("uid", 2, 1, 0, 1), ("gid", 2, 1, 0, 1), ("sid", 2, 0, 0, 1),
             ("ptrace", 2, 1, 0, 1), ("core", 2, 0, 0, 1), ("comm", 2, 0, 66, 1), ("exit", 2, 0, 139, 1),
             ("exit", 7, 0, 1, 1), ("unread", 8, 0, 0, 1), ("thread-exit", 9, 1, 0, 1)]
    many = [("fork", i % 16, (i * 7) % 16, 0, 1) for i in range(40)]
    filters = [("filter", 0, 0, 1 << i, 0) for i in range(8)]
    mixed = [x for y in zip(filters, tree + threads) for x in y] + tree
    account = [("scan", 2, 0, 0, 1), ("0", 1, 15, 1, 0), ("0", 2, 47, 9, 0), ("fork", 3, 2, 0, 1),
               ("thread", 3, 1, 0, 1), ("record", 3, 1, 1, 1), ("exit", 3, 0, 0, 1), ("sample", 3, 63, 8, 1),
               ("record", 3, 2, 3, 1), ("thread-exit", 3, 1, 7, 1), ("settle", 0, 1, 0, 1),
               ("snapshot", 0, 1, 0, 1), ("oom", 2, 0, 0, 1), ("record", 2, 1, 3, 1), ("exit", 2, 0, 9, 1),
               ("exit", 1, 0, 0, 1)]
    put("model", "account", steps(12, 1, *account, *tree, *account))
    put("model", "account-evictions", steps(2, 1, *account, *many, *account))
    put("model", "tree", steps(12, 0, *tree))
    put("model", "threads", steps(12, 0, *threads))
    put("model", "scan", steps(12, 0, *scan))
    put("model", "other", steps(12, 0, *other))
    put("model", "evictions", steps(3, 0, *many, *scan, *threads))
    put("model", "table-of-one", steps(1, 0, *tree, *threads, *scan))
    put("model", "follow", steps(12, 1, *tree, *many, *scan))
    put("model", "filters", steps(6, 24, *mixed, *scan, *other))


def parse():
    for i, text in enumerate(["0", "18446744073709551615", "18446744073709551616", "007", "1.5", "60s",
                              "250ms", "10us", "5m", "1h", "1d", "0.000000001", "64K", "64KiB", "2G",
                              "16777216T", "-1", "+1", " 1", "1e3", "0x10", ""]):
        put("parse", f"{i:02}", text.encode())


def pcap(packets):
    data = struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 253)
    for time, packet in packets:
        protocol = b"\x0b" if struct.unpack_from("<H", packet, 4)[0] == 3 else b"\x10"
        packet = bytes([0, 0, 824 >> 8, 824 & 255]).ljust(15, b"\0") + protocol + packet
        data += struct.pack("<IIII", time // 10**9, time % 10**9, len(packet), len(packet)) + packet
    return data


def replay():
    ms, start = 10**6, 10**9
    meta = json.dumps({"format": 1, "nodename": "host", "release": "6.1", "machine": "x86_64",
                       "boot_id": "0", "started": start, "realtime_offset": 0, "boottime_offset": 0,
                       "ticks_per_second": 100, "page_size": 4096, "cpus": 2}).encode() + b"\n"
    scan = [{"why": "scan", "begin": start, "end": start + ms},
            {"why": "scanned", "event": 0, "time": start + 1, "pid": 10, "cut": 0,
             "stat": STAT % (10, "sh", 1, 1, 50), "cmdline": "sh\0-l\0", "exe": "/bin/sh",
             "status": STATUS, "cgroup": CGROUP, "cwd": "/", "loginuid": "1000"},
            {"why": "scanned", "event": 0, "time": start + 2, "pid": 11, "cut": 0, "stat": -3}]
    program = {"why": "exec", "event": start + 3 * ms, "time": start + 3 * ms + 100, "pid": 20, "cut": 1,
               "stat": STAT % (20, "caf\xe9", 10, 1, 100), "cmdline": "caf\xe9\0\x01\0", "exe": "/bin/x"}
    probe = {"why": "probe", "pid": 30, "begin": start + ms, "end": start + 2 * ms}
    drops = {"why": "drops", "time": start + 500 * ms, "total": 7, "queued": 12345}
    rescan = [{"why": "scan", "begin": start + 501 * ms, "end": start + 502 * ms},
              {"why": "scanned", "event": 0, "time": start + 501 * ms, "pid": 40, "cut": 0,
               "stat": STAT % (40, "new", 10, 2, 145)}]
    life = [(start + 5 * ms, message(FORK, start + 2 * ms, 10, 10, 20, 20, seq=0)),
            (start + 5 * ms, message(EXEC, start + 3 * ms, 20, 20, seq=1)),
            (start + 5 * ms, message(FORK, start + 3 * ms, 10, 10, 20, 21, cpu=1, seq=7)),
            (start + 9 * ms, message(EXIT, start + 8 * ms, 20, 20, 768, 17, seq=2))]
    loss = [(start + 500 * ms, message(COMM, start + 499 * ms, 20, 20, 0x41, seq=9)),
            (start + 600 * ms, message(EXIT, start + 599 * ms, 40, 40, 9, 17, seq=10))]
    tested = [(start + 5 * ms, message(FORK, start + ms + 1, 1, 1, 30, 30, seq=0)),
              (start + 5 * ms, message(EXIT, start + 2 * ms, 30, 30, 0, 17, seq=1))]

    def one(name, lines, packets, text=meta, extra=b""):
        jsonl = b"".join(json.dumps(x, separators=(",", ":")).encode() + b"\n" for x in lines) + extra
        put("replay", name, struct.pack("<HH", len(text), len(jsonl)) + text + jsonl + pcap(packets))

    one("life", scan + [program], life)
    sample = {"why": "sample", "event": 0, "time": start + 6 * ms, "pid": 20, "cut": 0,
              "stat": STAT % (20, "cat", 10, 1, 100), "status": STATUS, "tasks": TASKS,
              "oom_score": "5", "fd": "c 0 /dev/null\0", "fd_count": "1"}
    totals = [{"why": "machine", "time": start + n * ms, "busy": n * ms, "idle": ms, "memory": 4096,
               "available": 1, "load": [1, 2, 3]} for n in (2, 20)]
    oom = {"why": "oom", "time": start + 9 * ms, "pid": 20, "exit": start + 8 * ms}
    stolen = [{"why": "stolen", "time": start + n * ms, "since": start, "busy": n * ms,
               "stolen": n * 10 * ms} for n in (2, 5, 7)]
    one("usage", scan + totals[:1] + stolen + [program, sample, oom, totals[1],
                                      dict(sample, why="last", time=start + 21 * ms)],
        life[:3] + [(start + 9 * ms, usage(16, 560)),
                    (start + 10 * ms, message(EXIT, start + 8 * ms, 20, 20, 9, 17, seq=2))],
        text=meta.replace(b'"cpus": 2', b'"cpus": 2, "tick_ns": 4000000, "taskstats_family": 26, '
                                        b'"delays_since": 0'))
    socket = {"idiag_family": 2, "sdiag_protocol": 17, "idiag_sport": 0x1234, "idiag_src": "127.0.0.1",
              "idiag_cookie": -2}
    state = {"what": "inet_sock_set_state", "skaddr": -120259084288, "pid": 20, "tid": 20, "family": 10,
             "protocol": 6, "newstate": 2, "oldstate": 7, "sport": 1000, "dport": 80, "saddr": "::1",
             "daddr": "fe80::1"}
    account = {"captures": 1, "notices_open": 1, "perf": 1, "namespaces": 1}
    told = [(0, dict(socket, what="existing", netns=1, idiag_inode=4711, idiag_state=7)),
            (5, {"what": "udp", "on": 1, "at": start}), (5, dict(state, at=start + 3 * ms)),
            (5, {"what": "packets", "netns": 1, "n": 4}),
            (5, dict(account, what="drained", packets_until=start + ms, records_until=start + 4 * ms)),
            (7, dict(state, what="sock_send_length", at=start + 6 * ms, family=2, protocol=17, ret=40)),
            (7, dict(socket, what="found", netns=1, idiag_inode=4711, tgid=20, at=start + 6 * ms)),
            (7, {"what": "lost", "n": 3}), (7, {"what": "packets", "netns": 1, "n": 4}),
            (7, dict(account, what="drained", packets_until=start + 6 * ms,
                     records_until=start + 6 * ms, packets_dropped=2)),
            (60, dict(socket, what="destroyed", netns=1, idiag_family=2, has=1023, tcpi_rtt=10,
                      tcpi_bytes_received=11, tcpi_bytes_sent=12)),
            (60, dict(account, what="drained", packets_until=-1, records_until=-1))]
    lines = [dict({"why": "socket", "time": start + n * ms}, **line) for n, line in told]
    head = dict({"why": "network", "own": 1}, **account)
    one("network", [head, lines[0]] + [dict(x, begin=start + 1) if x["why"] == "scan" else x
                                       for x in scan] + lines[1:5] + [program] + lines[5:], life)
    one("network-short", [head] + scan + lines[3:5] + lines[3:5] + lines[3:5], life)
    one("network-elsewhere", [head] + scan + [dict(lines[3], netns=2)] + lines[4:], life)
    one("loss", scan + [program, drops] + rescan, life + loss)
    one("probe", scan + [probe], tested)
    counted = meta.replace(b'"cpus": 2', b'"cpus": 2, "taskstats_family": 26')
    one("out-of-time", scan, life[:1] + [(start + 20 * ms, usage(16, 560)),
                                         (start + 15 * ms, usage(16, 560, tid=21)),
                                         (start + 1, life[3][1])], text=counted)
    one("probe-silent", scan + [probe], tested + life, text=counted)
    one("empty", scan, [])
    one("odd-lines", scan, life[:1], extra=b'{"why":"exec","pid":{},"cmdline":[]}\n[1]\n{"why":"x"}\n')
    one("nobody", scan, [(start, message(EXEC, 0, 0, 0))])
    one("no-why", scan, life[:1], extra=b'{"why":null}\n')
    one("odd-meta", scan, life[:1], text=b'{"format":1,"ticks_per_second":1000000,"nodename":null}')
    one("far-times", scan, [(start, message(FORK, 2**63 - 1, 1, 1, 2, 2)),
                            (4 * 10**18, message(EXIT, 2**64 - 1, 2, 2, 0, 17, seq=1))],
        text=meta.replace(b'"boottime_offset": 0', b'"boottime_offset": 9000000000000000000'))


def packet():
    """fuzz_packet.c: index of the link type, bytes that were cut off, what was captured."""
    sll2, sll, ethernet, raw, null, loop, link4, link6 = range(8)
    tcp = struct.pack(">HHIIBBHHH", 40000, 80, 1, 2, 0x80, 0x18, 512, 0, 0) + b"\1" * 12 + b"GET /"
    udp = struct.pack(">HHHH", 5353, 53, 8 + 11, 0) + b"y" * 11
    sctp = struct.pack(">HHII", 2905, 36412, 1, 0) + b"\0\3\0\4"
    echo = struct.pack(">BBHHH", 8, 0, 0, 77, 1) + b"p" * 16
    answer6 = b"\x81" + echo[1:]

    def v4(protocol, data, options=b"", flags=0x4000, total=None):
        total = 20 + len(options) + len(data) if total is None else total
        return struct.pack(">BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, total, 0x1234, flags, 64, protocol,
                           0, b"\x0a\0\0\1", b"\x0a\0\0\2") + options + data

    def v6(protocol, data, length=None):
        ends = b"\xfd" + bytes(14) + b"\1" + b"\xfd" + bytes(14) + b"\2"
        return struct.pack(">IHBB", 6 << 28, len(data) if length is None else length, protocol, 64) + ends + data

    def chain(last, data, *headers):
        """Extension headers (kind, size or fragment word) in front of data: the first kind, the bytes."""
        for kind, x in reversed(headers):
            if kind == 44:
                data = struct.pack(">BBHI", last, 0, x, 0xcafe) + data
            else:
                data = bytes([last, x // 4 - 2 if kind == 51 else x // 8 - 1]) + bytes(x - 2) + data
            last = kind
        return last, data

    def cooked2(kind, data, direction=4):
        return struct.pack(">HHIHBB8s", kind, 0, 7, 1, direction, 6, b"\2" * 8) + data

    def cooked(kind, data, direction=0, device=1):
        return struct.pack(">HHH8sH", direction, device, 6, b"\2" * 8, kind) + data

    def ether(kind, data):
        return b"\2" * 12 + struct.pack(">H", kind) + data

    def one(name, link, data, cut=0):
        put("packet", name, bytes([link]) + struct.pack("<I", cut)[:3] + data)

    every = [(0, 16), (60, 8), (43, 24), (51, 24), (44, 0), (60, 8)]
    one("sll2-tcp4", sll2, cooked2(0x0800, v4(6, tcp)))
    one("sll2-tcp6", sll2, cooked2(0x86dd, v6(6, tcp), direction=0))
    one("sll2-snap", sll2, cooked2(0x0800, v4(6, tcp, total=65000))[:96], cut=65000 + 20 - 96)
    one("sll2-big4", sll2, cooked2(0x0800, v4(6, tcp, total=0)), cut=180000)
    one("sll2-big6", sll2, cooked2(0x86dd, v6(*chain(6, tcp, (0, 8)), length=0)), cut=180000)
    one("sll2-arp", sll2, cooked2(0x0806, bytes(28)))
    one("sll-udp4", sll, cooked(0x0800, v4(17, udp)))
    one("sll-vlan", sll, cooked(0x8100, struct.pack(">HH", 5, 0x0800) + v4(17, udp)))
    one("sll2-left", sll2, cooked2(0x0800, struct.pack(">HH", 5, 0x0800) + v4(6, tcp)))
    one("sll2-left6", sll2, cooked2(0x86dd, struct.pack(">HHHH", 5, 0x8100, 6, 0x86dd) + v6(17, udp)))
    one("sll-netlink", sll, cooked(0, bytes(40), device=824))
    one("ethernet-udp6", ethernet, ether(0x86dd, v6(17, udp)))
    one("ethernet-vlans", ethernet,
        ether(0x88a8, struct.pack(">HHHH", 100, 0x8100, 5, 0x0800) + v4(6, tcp)))
    one("ethernet-padded", ethernet, ether(0x0800, v4(6, tcp[:20])) + bytes(6))
    one("raw-options", raw, v4(6, tcp, options=b"\1" * 12))
    one("raw-first", raw, v4(17, udp, flags=0x2000))
    one("raw-later", raw, v4(17, b"z" * 24, flags=0x00b9))
    one("raw-ah4", raw, v4(*chain(6, tcp, (51, 24))))
    one("raw-echo", raw, v4(1, echo))
    one("raw-echo6", raw, v6(58, answer6))
    one("raw-lite", raw, v6(136, udp))
    one("raw-sctp", raw, v4(132, sctp))
    one("raw-gre", raw, v4(47, v4(6, tcp)))
    one("raw-udp-zero", raw, v6(17, udp[:4] + b"\0\0" + udp[6:]))
    one("null-4", null, struct.pack("<I", 2) + v4(6, tcp))
    one("null-6", null, struct.pack("<I", 30) + v6(6, tcp))
    one("loop-6", loop, struct.pack(">I", 24) + v6(6, tcp))
    one("link4-tcp", link4, v4(6, tcp))
    one("link6-every", link6, v6(*chain(6, tcp, *every)))
    one("link6-first", link6, v6(*chain(17, udp, (60, 8), (44, 1), (60, 8))))
    one("link6-later", link6, v6(*chain(17, b"z" * 24, (0, 8), (44, 0x5a8))))
    one("link6-esp", link6, v6(*chain(50, bytes(40), (0, 8))))
    one("link6-none", link6, v6(59, b""))


def netlink(kind, body, flags=0):
    data = struct.pack("<IHHII", 16 + len(body), kind, flags, 9, 0) + body
    return data + bytes(-len(data) % 4)


def attribute(kind, value):
    data = struct.pack("<HH", 4 + len(value), kind) + value
    return data + bytes(-len(data) % 4)


def diag(family, state, local, remote, *attributes):
    ident = struct.pack(">HH16s16s", 40000, 80, local, remote) + struct.pack("<III", 0, 77, 1)
    return netlink(20, struct.pack("<BBBB48sIIIII", family, state, 0, 0, ident, 0, 0, 0, 1000, 4711) +
                   b"".join(attributes))


def inet_diag():
    v4, v6 = bytes([127, 0, 0, 1]), bytes(15) + b"\1"
    mapped = bytes(10) + b"\xff\xff" + v4
    info = bytes(range(256))[:248]
    tcp, udp = attribute(10, b"\6"), attribute(10, b"\x11")
    done = netlink(3, struct.pack("<i", 0), 2)
    put("inet_diag", "tcp4", diag(2, 1, v4, v4, attribute(8, b"\0"), tcp, attribute(2, info)))
    put("inet_diag", "tcp4-old", diag(2, 7, v4, v4, tcp, attribute(2, info[:104])))
    put("inet_diag", "udp6", diag(10, 7, v6, bytes(16), udp))
    put("inet_diag", "mapped", diag(10, 1, mapped, mapped, tcp))
    put("inet_diag", "dump", diag(2, 1, v4, v4, tcp) + diag(10, 10, v6, bytes(16)) + done)
    put("inet_diag", "error", netlink(2, struct.pack("<i", -2) + bytes(16)))
    put("inet_diag", "unix", netlink(20, b"\1" + bytes(15)))


def tracepoint_format(name, number, *fields):
    fields = (("unsigned short common_type", 0, 2, 0), ("int common_pid", 4, 4, 1)) + fields
    return (f"name: {name}\nID: {number}\nformat:\n" + "".join(
        f"\tfield:{what};\toffset:{at};\tsize:{size};\tsigned:{signed};\n"
        for what, at, size, signed in fields) + '\nprint fmt: "x"\n').encode()


def tracepoint():
    def seed(name, text, record):
        put("tracepoint", name, struct.pack("<H", len(text)) + text + record)

    def sample(raw):
        size = 36 + len(raw) + -(36 + len(raw)) % 8
        return (struct.pack("<IHHIIQIII", 9, 1, size, 100, 101, 123456789, 1, 0, len(raw)) +
                raw).ljust(size, b"\0")

    state = tracepoint_format(
        "inet_sock_set_state", 2287, ("const void * skaddr", 8, 8, 0), ("int oldstate", 16, 4, 1),
        ("int newstate", 20, 4, 1), ("__u16 sport", 24, 2, 0), ("__u16 dport", 26, 2, 0),
        ("__u16 family", 28, 2, 0), ("__u16 protocol", 30, 2, 0), ("__u8 saddr[4]", 32, 4, 0),
        ("__u8 daddr[4]", 36, 4, 0), ("__u8 saddr_v6[16]", 40, 16, 0),
        ("__u8 daddr_v6[16]", 56, 16, 0))
    send = tracepoint_format(
        "sock_send_length", 2284, ("void * sk", 8, 8, 0), ("__u16 family", 16, 2, 0),
        ("__u16 protocol", 18, 2, 0), ("int ret", 20, 4, 1), ("int flags", 24, 4, 1))
    mapped = bytes(10) + b"\xff\xff\x7f\0\0\1"
    for family, name in ((2, "state4"), (10, "state6-mapped")):
        seed(name, state, sample(struct.pack(
            "<HHIQiiHHHH4s4s16s16s", 2287, 0, 7, 1 << 63, 2, 1, 40000, 80, family, 6,
            mapped[12:], mapped[12:], mapped, mapped)))
    length = struct.pack("<HHIQHHii", 2284, 0, 7, 1 << 63, 2, 17, 40, 0)
    seed("send", send, sample(length))
    seed("receive", send.replace(b"send", b"recv"), sample(length))
    seed("lost", send, struct.pack("<IHHQQIIQII", 2, 0, 48, 5, 18426, 1, 1, 99, 1, 0))
    seed("throttle", send, struct.pack("<IHH", 5, 0, 8))
    seed("other", tracepoint_format("sched_switch", 300), b"")


inet_diag()
tracepoint()


for make in (cn, kmsg, machine, proc, model, parse, replay, taskstats, packet, inet_diag,
             tracepoint):
    make()
