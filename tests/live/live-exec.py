#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""20,000 vfork+exec of a static program that ends at once, two workers: every exec and every exit
has its line, with the right command line; nothing is lost. In text, then in JSON."""

import collections
import shlex

import rig

COUNT = 20000


def check(t, name, got, truth):
    """got: {"exec": [(pid, argument)], "exit": ...}"""
    wanted = collections.Counter((pid, arg) for pid, arg, _ in truth)
    t.equal(len(truth), COUNT, name + ": the generator made them all")
    for event in ("exec", "exit"):
        seen = collections.Counter(got[event])
        t.equal(len(got[event]), COUNT, f"{name}: {COUNT} {event} lines")
        wrong = wanted - seen
        t.ok(not wrong, f"{name}: every {event} line has the right command line",
             f"{sum(wrong.values())} wrong or missing, such as {list(wrong)[:5]}",
             f"instead: {list((seen - wanted))[:5]}")


def main():
    t = rig.Test()
    tiny = rig.rig("tiny")
    for form in ("text", "json"):
        out, truth = t.path("log." + form), t.path("truth")
        status, _, err = t.pevent(*(["-j"] if form == "json" else []), "-e", "exec,exit", "-o", out,
                                  "--", rig.rig("gen"), "exec", "-n", COUNT, "-w", 2, "--tag", form,
                                  "--truth", truth, "--out", t.path("result"))
        t.equal(status, 0, form + ": status", err.decode(errors="replace"))
        with open(out, "rb") as f:
            data = f.read()
        got = {"exec": [], "exit": []}
        if form == "text":
            rows = rig.TextLog(data).rows
            lost = [r["line"] for r in rows if r["Event"] == "lost"]
            for r in rows:
                if r["Event"] not in got or tiny not in r["Process"]:
                    continue
                args = shlex.split(r["Process"])
                if args[0] == tiny:
                    got[r["Event"]].append((int(r["PID"]), " ".join(args[1:])))
        else:
            events = rig.json_events(data)
            lost = [f for _, f in events if rig.action(f) == "lost"]
            for _, f in events:
                args = f.get("process.args") or []
                if rig.action(f) in got and args[:1] == [tiny]:
                    got[rig.action(f)].append((f["process.pid"], " ".join(args[1:])))
            rig.check_schema(t, events, "json: lines are valid under the schema")
            ppids = {p: pp for p, _, pp in rig.gen_truth(truth)}
            wrong = [f["process.pid"] for _, f in events if f.get("process.pid") in ppids and
                     f.get("process.parent.pid") != ppids[f["process.pid"]]]
            t.ok(not wrong, "json: every parent is right", wrong[:10])
            sources = collections.Counter(f.get("pevent.source.args") for _, f in events
                                          if rig.action(f) == "exec")
            t.diag(f"command lines come from {dict(sources)}")
        t.ok(not lost, form + ": nothing lost", *lost[:5])
        check(t, form, got, rig.gen_truth(truth))
    t.done()


main()
