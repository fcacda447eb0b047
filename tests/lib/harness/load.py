# SPDX-License-Identifier: Apache-2.0
"""Many clients at once."""
import collections
import json
import re
import subprocess
import threading
import time

import httpx

from .service import MOUNT, PASSWORD


def parallel(functions):
    """Run functions at the same moment, each in a thread; gives their results in order."""
    functions = list(functions)
    barrier = threading.Barrier(len(functions))
    results = [None] * len(functions)
    failures = []

    def run(index, function):
        try:
            barrier.wait(30)
            results[index] = function()
        except Exception as failure:  # pylint: disable=broad-except
            failures.append(failure)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    if failures:
        raise failures[0]
    return results


class Steady:
    """
    Repeats each function in a thread of its own until stopped. Counts (name, status); keeps the
    longest time; a transport error counts as status 0.
    """

    def __init__(self, functions):
        self.functions = functions
        self.counts = collections.Counter()
        self.longest = 0.0
        self.examples = {}
        self.transport = []
        self.last = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = []

    def __enter__(self):
        for name, function in self.functions:
            thread = threading.Thread(target=self._run, args=(name, function))
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(self, *error):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self, name, function):
        while not self._stop.is_set():
            start = time.monotonic()
            try:
                answer = function()
                status, text = answer.status_code, answer.text
            except httpx.TransportError as failure:
                status, text = 0, repr(failure)
            took = time.monotonic() - start
            with self._lock:
                self.counts[name, status] += 1
                self.examples.setdefault((name, status), text)
                self.longest = max(self.longest, took)
                self.last[name] = (status, time.monotonic())

    def statuses(self, name=None):
        return {status for (its, status) in self.counts if name in (None, its)}

    def total(self, name=None, status=None):
        return sum(count for (its, code), count in self.counts.items()
                   if name in (None, its) and status in (None, code))


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


def semaphores(httpd):
    """{id: [values]} of the sets that a server's processes used last."""
    tree = {httpd.process.pid, *httpd.children()}
    return {semid: [value for value, _ in rows] for semid, rows in all_semaphores().items()
            if tree & {pid for _, pid in rows}}


def wrk(service, seconds=2):
    """Requests per second of a static file."""
    done = subprocess.run(["wrk", "-t1", "-c8", f"-d{seconds}s",
                           f"{service.httpd.origin}/static.txt"],
                          capture_output=True, text=True, check=True)
    assert "Non-2xx" not in done.stdout, done.stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))


class Logins:
    """
    So many clients that log in again and again, each on its own connection, in a process of
    their own (wrk). Polite ones wait as Retry-After says.
    """

    SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = [[%s]]
local pauses, first, last = {}, 1, 0
local counts = {}
local threads = {}
function setup(thread) table.insert(threads, thread) end
function delay()
  if first > last then return 0 end
  local wait = pauses[first]
  pauses[first] = nil
  first = first + 1
  return wait
end
function response(status, headers, body)
  counts[status] = (counts[status] or 0) + 1
  s200 = counts[200] or 0
  s503 = counts[503] or 0
  last = last + 1
  pauses[last] = %s and status == 503 and 1000 * tonumber(headers["Retry-After"]) or 0
end
function done(summary, latency, requests)
  for _, thread in ipairs(threads) do
    print("statuses", thread:get("s200") or 0, thread:get("s503") or 0, summary.requests)
  end
end
"""

    def __init__(self, service, seconds, polite=True, connections=200):
        body = json.dumps({"email": service.email, "password": PASSWORD})
        script = service.httpd.root / "logins.lua"
        script.write_text(self.SCRIPT % (body, "true" if polite else "false"), encoding="ascii")
        self.command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s",
                        str(script), f"{service.httpd.origin}{MOUNT}/auth/login"]
        self.process = None
        self.ok = self.refused = self.all = 0

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        return self

    def __exit__(self, *error):
        said, _ = self.process.communicate(timeout=120)
        counts = re.search(r"statuses\s+(\d+)\s+(\d+)\s+(\d+)", said)
        assert counts, said
        self.ok, self.refused, self.all = map(int, counts.groups())
