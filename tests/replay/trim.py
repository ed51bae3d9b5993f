#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a recording of `pevent record DIR -- COMMAND` small and neutral, in place: trim.py DIR

What stays of the scans and samples of /proc is pevent itself, its descendants and kthreadd; the
machine's name, kernel build, boot id and control groups are replaced. Sockets that were there in
pevent's own network namespace go. netlink.pcap is not touched, since the kernel numbers its
messages: when it, or what the exec readers read, or the network tells of processes that are not of
the recorded tree, nothing is written and the status is 1: record again in a quieter moment.
"""

import json
import os
import re
import struct
import sys

FORK, COMM, EXIT = 1, 0x200, 0x80000000
NETLINK_CONNECTOR = 11
KTHREADD = 2


def messages(path):
    """(what, words of the body) of each connector message of a pcap file of this machine's order."""
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack_from("=I", data, at + 8)[0]
        packet = data[at + 16:at + 16 + length]
        at += 16 + length
        if packet[15] != NETLINK_CONNECTOR:
            continue
        what = struct.unpack_from("=I", packet, 16 + 36)[0]
        if what:
            yield what, struct.unpack_from("=6I", packet, 16 + 52)


def parent_in_stat(stat):
    return int(stat[stat.rindex(")") + 2:].split()[1])


def own_netns(lines):
    return next((x["own"] for x in lines if x["why"] == "network"), 0)


def is_stray(line, own, tree):
    """Of the network: a record or an owner of others, and whatever is in the namespace of pevent itself,
    but what was there."""
    return line.get("pid", line.get("tgid", 0)) not in tree | {0} or (
        line.get("netns") == own and line["what"] not in ("existing", "entered"))


def strays(events, lines, tree):
    """Grows the tree by what was forked in it; returns what has nothing to do with it."""
    found = []
    for what, words in events:
        if what == FORK:
            parent, child = words[1], words[3]
            if words[2] != child or parent in tree:
                tree.add(child)
            else:
                found.append(f"fork of {child} by {parent}")
        elif words[1] not in tree and not (what == EXIT and words[5] in tree):
            found.append(f"event {what:#x} of {words[1]}")
    for line in lines:
        if line["why"] == "exec" and line["pid"] not in tree:
            found.append(f"exec of {line['pid']}")
    return found + [f"{x['what']} of the network" for x in lines
                    if x["why"] == "socket" and is_stray(x, own_netns(lines), tree)]


def trim(directory):
    path = os.path.join(directory, "proc.jsonl")
    with open(path, encoding="ascii") as f:
        lines = [json.loads(x) for x in f]
    with open(os.path.join(directory, "meta.json"), encoding="ascii") as f:
        meta = json.load(f)
    events = list(messages(os.path.join(directory, "netlink.pcap")))
    probe = next(x for x in lines if x["why"] == "probe")
    own = next((words[1] for what, words in events if what == FORK and words[3] == probe["pid"]), 0)
    tree = {own}
    for line in lines:
        if line["why"] == "scanned" and isinstance(line.get("stat"), str) and \
                parent_in_stat(line["stat"]) in tree:
            tree.add(line["pid"])
    found = strays(events, lines, tree)
    if found:
        print(f"{directory}: others were active: {', '.join(found[:5])}", file=sys.stderr)
        return 1

    meta.update(nodename="host", release=re.match(r"[0-9.]*[0-9]", meta["release"]).group(),
                boot_id="0f1e2d3c-4b5a-4968-8776-655443322110")
    with open(os.path.join(directory, "meta.json"), "w", encoding="ascii") as f:
        f.write(json.dumps(meta, separators=(",", ":")) + "\n")
    with open(path, "w", encoding="ascii") as f:
        for line in lines:
            if line["why"] in ("scanned", "sample", "last") and line["pid"] not in tree | {KTHREADD}:
                continue
            if line["why"] == "socket" and line["what"] == "existing" and line["netns"] == own_netns(lines):
                continue
            if isinstance(line.get("cgroup"), str):
                line["cgroup"] = "0::/demo.slice\n"
            f.write(json.dumps(line, separators=(",", ":")) + "\n")
    return 0


sys.exit(trim(sys.argv[1]))
