# SPDX-License-Identifier: Apache-2.0
"""What a server's processes hold, and whether it grows."""
import os
import statistics

from .load import semaphores


def open_files(pid):
    """Descriptors of a process; 0 if it has ended."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return 0


def resident_kib(pid):
    """VmRSS of a process."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def shared_memory(pids):
    """(segments, octets) of System V shared memory that these processes made or used last."""
    with open("/proc/sysvipc/shm", encoding="ascii") as table:
        rows = [row.split() for row in table.readlines()[1:]]
    own = [int(row[3]) for row in rows if {int(row[4]), int(row[5])} & set(pids)]
    return len(own), sum(own)


def started(pid):
    """When a process began, in seconds since 1970, rounded down."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        ticks = int(stat.read().rsplit(")", 1)[1].split()[19])
    with open("/proc/stat", encoding="ascii") as stat:
        boot = next(int(line.split()[1]) for line in stat if line.startswith("btime "))
    return boot + ticks // os.sysconf("SC_CLK_TCK")


def semaphore_sets(httpd):
    """
    {id: [values]} of a server's sets. Known by the process that used them last, whose number may
    have been another server's before: so only those that were made since this one began.
    """
    since = started(httpd.process.pid)
    with open("/proc/sysvipc/sem", encoding="ascii") as table:
        rows = [row.split() for row in table.readlines()[1:]]
    recent = {int(row[1]) for row in rows if int(row[9]) >= since - 1}
    return {semid: values for semid, values in semaphores(httpd).items() if semid in recent}


def connections(database):
    """Of the role in httpd.conf, on PostgreSQL; SQLite's are descriptors."""
    if database.engine != "postgresql":
        return 0
    return int(database.query(
        f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{database.role}'")[0][0])


def census(service):
    """One look at a server: {what: how much}."""
    httpd = service.httpd
    parent, children = httpd.process.pid, httpd.children()
    segments, octets = shared_memory([parent, *children])
    sets = semaphore_sets(httpd)
    return {"parent's descriptors": open_files(parent),
            "most descriptors of a child": max(map(open_files, children), default=0),
            "parent's KiB": resident_kib(parent),
            "shared memory segments": segments, "shared memory octets": octets,
            "semaphore sets": len(sets),
            "semaphores": sum(len(values) for values in sets.values()),
            "database connections": connections(service.database)}


def slope(values):
    """Growth per look, by Theil and Sen: the median of all pairs' slopes, so that no peak counts."""
    steps = [(later - sooner) / (j - i) for i, sooner in enumerate(values)
             for j, later in enumerate(values) if i < j]
    return statistics.median(steps) if steps else 0.0
