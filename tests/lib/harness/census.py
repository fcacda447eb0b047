# SPDX-License-Identifier: Apache-2.0
"""What a server's processes use and hold, and whether it grows."""
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import threading

TICK = os.sysconf("SC_CLK_TCK")


# ---- processes

def processes(root):
    """{pid: seconds of CPU, those of children that ended included} of root and all below it."""
    parents, used = {}, {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            fields = pathlib.Path("/proc", name, "stat").read_text(encoding="utf-8",
                                                                  errors="replace")
        except OSError:
            continue
        fields = fields.rpartition(")")[2].split()
        parents[int(name)] = int(fields[1])
        used[int(name)] = sum(int(ticks) for ticks in fields[11:15]) / TICK
    found = {root}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return {pid: used[pid] for pid in found if pid in used}


def cpu(root):
    """Seconds of CPU of a process and all below it."""
    return sum(processes(root).values())


def memory(root):
    """Octets of a process and all below it: as "Rss", and as "Pss", which has shared pages once."""
    total = {"Rss": 0, "Pss": 0}
    for pid in processes(root):
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        for name in total:
            found = re.search(rf"^{name}: *(\d+)", text, re.M)  # none, if it ends just now
            total[name] += int(found[1]) * 1024 if found else 0
    return total


class PeakMemory:
    """The most that memory(root) was, while the block runs."""

    def __init__(self, root, step=0.02):
        self.root, self.step = root, step
        self.peak = {"Rss": 0, "Pss": 0}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        while not self._stop.wait(self.step):
            now = memory(self.root)
            self.peak = {name: max(value, now[name]) for name, value in self.peak.items()}

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join()


# ---- what they hold

def open_files(pid):
    """Descriptors of a process; 0 if it has ended."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def resident_kib(pid):
    """VmRSS of a process."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0


def shared_memory(pid):
    """
    (segments, octets) that a process may share with its children: what it has mapped as shared,
    whether by mmap(), as httpd's scoreboard is here, or of System V.
    """
    sizes = []
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            span, mode = line.split()[:2]
            if mode.endswith("s"):
                start, end = (int(one, 16) for one in span.split("-"))
                sizes.append(end - start)
    return len(sizes), sum(sizes)


def all_semaphores():
    """{id: [(value, pid of the last operation)]} of all System V sets."""
    found = {}
    with open("/proc/sysvipc/sem", encoding="ascii") as table:
        ids = [int(line.split()[1]) for line in table.readlines()[1:]]
    for semid in ids:
        detail = subprocess.run(["ipcs", "-s", "-i", str(semid)], capture_output=True, text=True,
                                check=False).stdout
        rows = [row.split() for row in detail.splitlines() if re.match(r"\s*\d+\s+\d+", row)]
        found[semid] = [(int(row[1]), int(row[4])) for row in rows]
    return found


def started(pid):
    """When a process began, in seconds since 1970, rounded down."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/stat", encoding="ascii") as stat:
        boot = next(int(line.split()[1]) for line in stat if line.startswith("btime "))
    return boot + ticks // TICK


def semaphores(httpd):
    """
    {id: [values]} of a server's sets. Known by the process that used them last, whose number may
    have been another server's before: so only those that were made since this one began.
    """
    since = started(httpd.process.pid)
    tree = {httpd.process.pid, *httpd.children()}
    with open("/proc/sysvipc/sem", encoding="ascii") as table:
        rows = [row.split() for row in table.readlines()[1:]]
    recent = {int(row[1]) for row in rows if int(row[9]) >= since - 1}
    return {semid: [value for value, _ in rows] for semid, rows in all_semaphores().items()
            if semid in recent and tree & {pid for _, pid in rows}}


def connections(database):
    """Of the role in httpd.conf, on PostgreSQL; SQLite's are descriptors."""
    if database.engine != "postgresql":
        return 0
    return int(database.query(
        f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{database.role}'")[0][0])


# ---- growth

def census(service):
    """One look at a server: {what: how much}."""
    httpd = service.httpd
    parent, children = httpd.process.pid, httpd.children()
    segments, octets = shared_memory(parent)
    sets = semaphores(httpd)
    return {"parent's descriptors": open_files(parent),
            "most descriptors of a child": max(map(open_files, children), default=0),
            "parent's KiB": resident_kib(parent),
            "shared memory segments": segments, "shared memory octets": octets,
            "semaphore sets": len(sets),
            "semaphores": sum(len(values) for values in sets.values()),
            "database connections": connections(service.database)}


def growth(values):
    """
    From the first third of many looks to the last, by the medians of both: no peak counts, and a
    leak of one in each n looks is seen in more than 3 n / 2 of them.
    """
    third = len(values) // 3
    return statistics.median(values[-third:]) - statistics.median(values[:third])
