# SPDX-License-Identifier: GPL-2.0-or-later
"""What the live tests share: TAP, running pevent and the generators, reading text and JSON.

Environment, set by meson.build: PEVENT (the program), PEVENT_RIG (where gen, tiny, tree and
cncount were built), PEVENT_SOURCE (top of the source tree). Each test has a directory of its own,
Test.tmp, and on its way out ends what it started, and only that.
"""

import atexit
import base64
import datetime
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PEVENT = os.path.abspath(os.environ.get("PEVENT", "build/pevent"))
RIG = os.path.abspath(os.environ.get("PEVENT_RIG", "build/tests/live"))
SOURCE = os.path.abspath(os.environ.get("PEVENT_SOURCE", os.path.join(os.path.dirname(__file__), "../..")))
SCHEMA = os.path.join(SOURCE, "contrib/schema/pevent-1.schema.json")


AGAIN_UNTIL = 100.0  # seconds: later there is no time for another try
LOCK = os.path.join(tempfile.gettempdir(), "pevent-live.lock")


class Test:
    """One TAP program: checks, a directory, the processes it started."""

    def __init__(self):
        self.n = self.failed = self.late = 0
        self.held, self.began = None, time.monotonic()
        self.started = []
        self.tmp = tempfile.mkdtemp(prefix="pevent-live-")
        atexit.register(self._finish)
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signum, lambda s, frame: sys.exit(128 + s))
        if os.geteuid() != 0:
            self.skip_all("needs root")
        self._lock()
        if not os.access(PEVENT, os.X_OK):
            self.bail_out("no program " + PEVENT)

    def _lock(self):
        """One live test at a time on this machine: some look at what is one of its kind here."""
        self.lock = os.open(LOCK, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        fcntl.flock(self.lock, fcntl.LOCK_EX)

    def _finish(self):
        for p in self.started:
            if p.poll() is None:
                p.send_signal(signal.SIGCONT)
                p.terminate()
        for p in self.started:
            try:
                p.wait(timeout=5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        shutil.rmtree(self.tmp, ignore_errors=True)

    def say(self, *words):
        line = " ".join(str(x) for x in words)
        if self.held is None:
            print(line, flush=True)
        else:
            self.held.append(line)

    def fairly(self, load, *args):
        """load(*args), with its checks; up to twice more when none failed but timed ones, and a
        hypervisor took CPU time away: who does not run cannot see what is there for a moment."""
        for left in (2, 1, 0):
            n, failed, late, stolen = self.n, self.failed, self.late, stolen_ms()
            again = False
            self.held = []
            try:
                result = load(*args)
                stolen = stolen_ms() - stolen
                again = left and stolen and 0 < self.failed - failed == self.late - late and \
                    time.monotonic() < self.began + AGAIN_UNTIL
            finally:
                if again:
                    self.held = ["# then: " + line for line in self.held]
                self._say_held()
            if not again:
                return result
            self.n, self.failed, self.late = n, failed, late
            self.diag(f"{stolen} ms were stolen by the hypervisor: again")

    def ok(self, good, name, *why, timed=False):
        """timed: a good pevent may miss it where it was kept from running."""
        self.n += 1
        self.failed += not good
        self.late += not good and timed
        self.say(("ok" if good else "not ok"), self.n, "-", name)
        if not good:
            self.diag(*why)
        return bool(good)

    def equal(self, got, wanted, name, *why, timed=False):
        return self.ok(got == wanted, name, f"got: {got!r}", f"wanted: {wanted!r}", *why, timed=timed)

    def skip(self, name, reason):
        self.n += 1
        self.say("ok", self.n, "-", name, "# SKIP", reason)

    def _say_held(self):
        held, self.held = self.held or (), None
        for line in held:
            self.say(line)

    def skip_all(self, reason):
        self._say_held()
        print("1..0 # SKIP", reason, flush=True)
        sys.exit(0)

    def bail_out(self, reason):
        self._say_held()
        print("Bail out!", reason, flush=True)
        sys.exit(99)

    def diag(self, *texts):
        for text in texts:
            for line in str(text).splitlines()[:40]:
                self.say("#", line[:1000].encode("ascii", "backslashreplace").decode())

    def done(self):
        self._say_held()
        print(f"1..{self.n}", flush=True)
        sys.exit(1 if self.failed else 0)

    def path(self, name):
        return os.path.join(self.tmp, name)

    def start(self, args, **kw):
        """Popen that is ended on the way out."""
        kw.setdefault("stdin", subprocess.DEVNULL)
        p = subprocess.Popen([str(a) if not isinstance(a, bytes) else a for a in args], **kw)
        self.started.append(p)
        return p

    def run(self, args, timeout=120, **kw):
        """Run to its end; (status, stdout, stderr) as bytes; status -N: signal N."""
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        p = self.start(args, **kw)
        try:
            out, err = p.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            p.send_signal(signal.SIGCONT)
            p.terminate()
            try:
                out, err = p.communicate(timeout=5)
            except subprocess.TimeoutExpired:
                p.kill()
                out, err = p.communicate()
            return "timeout", out or b"", err or b""
        return p.returncode, out or b"", err or b""

    def pevent(self, *args, **kw):
        return self.run([PEVENT, *args], **kw)


def fresh(path):
    """The path, where no file of an earlier run is: pevent appends."""
    if os.path.exists(path):
        os.unlink(path)
    return path


def rig(name):
    return os.path.join(RIG, name)


def stolen_ms():
    """What a hypervisor took of the CPUs' time since boot, in steps of 10 ms."""
    with open("/proc/stat", encoding="ascii") as f:
        return int(f.readline().split()[8]) * 1000 // os.sysconf("SC_CLK_TCK")


def wait_until(condition, timeout=10.0, step=0.01):
    """What condition() returned when it was first true, or its last value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(step)


def wait_started(path, timeout=10.0):
    """Wait until pevent's output file has its first line: it listens."""
    return wait_until(lambda: os.path.exists(path) and os.path.getsize(path) > 0, timeout)


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(x) for x in f.read().split()]
    except OSError:
        return []


def pairs(line):
    """a=1 b=x -> {"a": "1", "b": "x"}"""
    text = line.decode() if isinstance(line, bytes) else line
    return dict(x.split("=", 1) for x in text.split() if "=" in x)


def gen_truth(path):
    """[(pid, argument, parent)] as gen wrote it."""
    with open(path, encoding="ascii") as f:
        return [(int(p), a, int(pp)) for p, a, pp in (x.rstrip("\n").split("\t") for x in f)]


def runs(pid):
    """Is it a process that has not ended? A zombie has: when its parent reaps it is its own affair."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def listeners():
    """How many subscriptions of the connector the kernel counts."""
    return int(subprocess.run([rig("cncount"), "listeners"], check=True,
                              stdout=subprocess.PIPE).stdout)


def other_listeners():
    """Sockets of other programs that are bound to the process connector's group."""
    found = []
    with open("/proc/net/netlink", encoding="ascii") as f:
        for line in list(f)[1:]:
            x = line.split()
            if x[1] == "11" and int(x[3], 16) & 1:
                found.append(x[2])
    return found


def quiet_listeners(timeout=30.0):
    """Wait until no program listens; what is left then."""
    wait_until(lambda: not other_listeners(), timeout, 0.2)
    return other_listeners()


# --- text ---------------------------------------------------------------------------------------

class TextLog:
    """pevent's text output, cut at the columns of its header."""

    def __init__(self, data):
        self.lines = data.decode("utf-8", "strict").split("\n")
        if self.lines and self.lines[-1] == "":
            self.lines.pop()
        self.header = self.lines[0] if self.lines else ""
        self.edges = [(m.group(), m.start(), m.end()) for m in re.finditer(r"\S+", self.header)]
        self.rows = [self._cut(x) for x in self.lines[1:] if x != self.header]

    def _cut(self, line):
        row, begin = {"line": line}, 0
        for i, (name, start, end) in enumerate(self.edges):
            if i + 1 == len(self.edges):
                row[name] = line[start:]
            elif i + 1 < len(self.edges) and self._left(i):
                end = max(end, self.edges[i + 1][1] - 1 if self._left(i + 1) else end)
                row[name] = line[begin:end].strip()
            else:
                row[name] = line[begin:end].strip()
            begin = end
        return row

    def _left(self, i):
        return self.edges[i][0] in ("Time", "Event", "Process")

    def of(self, event, pid=None):
        return [r for r in self.rows if r["Event"] == event and pid in (None, r["PID"])]


def counts(text):
    """Totals per event of the statistics' table, by its header: {"fork": n, "exit": n}."""
    lines = text.decode("utf-8", "strict").splitlines()
    for i, line in enumerate(lines):
        if not re.search(r"\bFork\b", line, re.I) or not re.search(r"\bExit\b", line, re.I):
            continue
        head = [x.lower() for x in line.split()]
        for row in lines[i + 1:]:
            cells = row.split()
            if cells and cells[-1].lower() == "total":
                return {h: int(c) for h, c in zip(head, cells) if c.isdigit()}
    return {}


# --- JSON ---------------------------------------------------------------------------------------

def flatten(obj, prefix="", into=None):
    into = {} if into is None else into
    for key, value in obj.items():
        if isinstance(value, dict):
            flatten(value, prefix + key + ".", into)
        else:
            into[prefix + key] = value
    return into


def json_events(data):
    """[(object, flat)] of JSON Lines; raises on a line that is not JSON."""
    found = []
    for line in data.split(b"\n"):
        if line:
            obj = json.loads(line.decode("utf-8", "strict"))
            found.append((obj, flatten(obj)))
    return found


def action(flat):
    return flat.get("event.action")


def args_of(flat):
    """The process's arguments as a list of bytes, or None."""
    coded = flat.get("pevent.args_base64")
    if coded is not None:
        args = base64.b64decode(coded).split(b"\0")
        return args if args[-1] else args[:-1]
    args = flat.get("process.args")
    return None if args is None else [x.encode() for x in args]


def wait_status(flat):
    return flat.get("pevent.exit.wait_status")


def realtime_ns(flat):
    m = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z", flat["@timestamp"])
    seconds = datetime.datetime.fromisoformat(m.group(1) + "+00:00").timestamp()
    return int(seconds) * 1000000000 + int(m.group(2))


def lost_of(events, source):
    return sum(f["pevent.lost.count"] for _, f in events
               if action(f) == "lost" and f.get("pevent.lost.source") == source)


def summary_of(events):
    """The statistics in JSON, flat: {"events.fork": n, "sources.connector.lost": n, ...}"""
    return next((flatten(obj["pevent"]["summary"]) for obj, f in events if action(f) == "summary"), {})


def shape(value):
    """Keys and types, to validate each distinct kind of line and not each of 40,000."""
    if isinstance(value, dict):
        return tuple((k, shape(v)) for k, v in value.items())
    if isinstance(value, list):
        return ("list",) + tuple(sorted({str(shape(v)) for v in value}))
    return type(value).__name__


def check_schema(test, events, name, per_shape=20):
    """Validate: every line of a short log, of a long one some of every shape."""
    try:
        import jsonschema
    except ImportError:
        return test.skip(name, "no python3-jsonschema for " + sys.executable)
    with open(SCHEMA, encoding="utf-8") as f:
        schema = json.load(f)
    validator = jsonschema.validators.validator_for(schema)(schema)
    seen, wrong = {}, []
    for obj, flat in events:
        key = (action(flat), shape(obj))
        seen[key] = seen.get(key, 0) + 1
        if len(events) > 2000 and seen[key] > per_shape:
            continue
        for e in list(validator.iter_errors(obj))[:3]:
            wrong.append(f"{e.json_path}: {e.message[:300]} in {json.dumps(obj)[:600]}")
    return test.ok(events and not wrong, name, f"{len(wrong)} errors", *wrong[:5])
