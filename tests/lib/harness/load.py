# SPDX-License-Identifier: Apache-2.0
"""Many clients at once."""
import collections
import json
import re
import subprocess
import threading
import time

import httpx

from . import build
from .service import MOUNT, PASSWORD

SCRIPT = build.SOURCE / "tests" / "bench" / "load.lua"


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


def wrk(service, seconds=2, path="/static.txt", token=None):
    """Requests per second of a static file, guarded or not."""
    fields = ["-H", f"Authorization: Bearer {token}"] if token else []
    done = subprocess.run(["wrk", "-t1", "-c8", f"-d{seconds}s", *fields,
                           f"{service.httpd.origin}{path}"],
                          capture_output=True, text=True, check=True)
    assert "Non-2xx" not in done.stdout, done.stdout
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout).group(1))


class Logins:
    """
    So many clients that log in again and again, each on its own connection, in a process of
    their own (wrk). Polite ones wait as Retry-After says.
    """

    def __init__(self, service, seconds, polite=True, connections=200):
        body = service.httpd.root / "logins"
        body.write_text(json.dumps({"email": service.email, "password": PASSWORD}) + "\n",
                        encoding="ascii")
        self.command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT),
                        service.httpd.origin, "--", "polite" if polite else "impolite",
                        f"{MOUNT}/auth/login", str(body)]
        self.process = None
        self.ok = self.refused = self.all = 0

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        time.sleep(1)
        return self

    def __exit__(self, *error):
        said, _ = self.process.communicate(timeout=120)
        try:
            result = json.loads(said.strip().splitlines()[-1])
        except (IndexError, ValueError) as failure:
            raise AssertionError(f"wrk said: {said}") from failure
        self.all = result["requests"]
        self.ok, self.refused = (result["statuses"].get(status, 0) for status in ("200", "503"))
