# SPDX-License-Identifier: Apache-2.0
"""
A steady mixed load whose clients each keep their own truth, and the verdict on what they saw.

    with Mixed(service, "fast restart") as load:
        with load.fault():
            cluster.restart("fast")
        load.recover()
    load.verdict()

Mixed() starts the clients and waits until each kind of request has worked. fault() marks when the
fault begins and when it is lifted; recover() waits until everything works again and stays so.
verdict() compares every answer with the rules and every acknowledgement with its row, adds a line
to the report, and fails with all that was wrong.
"""
import contextlib
import threading
import time

import httpx
import pytest

import ledger
from harness import build
from harness.load import Steady
from clients import crew

RECOVERY = 5.0  # seconds within which all is as before
STAY = 1.0  # and for how long it has to be seen so

REPORT = []  # the lines of this run's table


class Mixed:
    """The load on one service. `clients` may add or replace what clients.crew() makes."""

    def __init__(self, service, fault, clients=crew, pace=0.03):
        self.service = service
        self.name = fault
        self.pace = pace
        self.ledger = ledger.Ledger()
        self.stopping = threading.Event()
        self.broken = []
        self.begun = self.lifted = None
        self.recovered = None
        self.parent = service.httpd.process.pid
        self.children = set(service.httpd.children())
        self.mark = service.httpd.mark()
        self.clients = clients(self)
        self.steady = Steady([(client.kind, self._guarded(client)) for client in self.clients])

    def _guarded(self, client):
        """A client that fails itself would otherwise end unnoticed."""
        def step():
            try:
                answer = client.step()
            except httpx.TransportError:
                self.stopping.wait(0.1)
                raise  # it is in the ledger, and the rules say whether it may be
            except Exception as failure:
                self.broken.append(f"client {client.kind}: {failure!r}")
                self.stopping.wait(1)
                raise
            self.stopping.wait(self.pace if answer.status_code != 503 else 0.1)
            return answer
        return step

    def __enter__(self):
        self.steady.__enter__()
        try:
            build.wait_until(self._all_work, 20, "every kind of request works")
        except TimeoutError as failure:
            self.__exit__()
            raise AssertionError(f"{failure}: {self.ledger.counts()}") from failure
        return self

    def __exit__(self, *error):
        self.stopping.set()
        self.steady.__exit__(*error)
        for client in self.clients:
            client.close()

    def _all_work(self):
        return self.broken or self.kinds() <= {a.kind for a in self.ledger.answers if a.is_good}

    def kinds(self):
        return {kind for client in self.clients for kind in client.kinds}

    @contextlib.contextmanager
    def fault(self, before=0.3):
        """Whatever is done inside is the fault."""
        time.sleep(before)
        self.begun = time.monotonic()
        try:
            yield
        finally:
            self.lifted = time.monotonic()

    def recover(self, limit=RECOVERY, stay=STAY):
        """
        Wait until every kind of request works and has done so for a while; gives, and keeps, the
        seconds it took. verdict() fails if it took longer than limit.
        """
        end = time.monotonic() + limit + stay + 2
        while time.monotonic() < end:
            time.sleep(0.05)
            since = self.ledger.works_since(self.lifted, self.kinds())
            if since is not None and time.monotonic() - since > stay:
                self.recovered = max(0.0, since - self.lifted)
                return self.recovered
        return None

    def seen(self, kind=None, status=None):
        """How many answers of a kind or status came while the fault lasted, or just after."""
        return sum(1 for a in self.ledger.answers if kind in (None, a.kind)
                   and status in (None, a.status) and a.ended >= self.begun)

    def verdict(self, bites=(), is_harmless=False, limit=RECOVERY, restarted=False, **rules):
        """
        Fails with everything that was wrong. bites: kinds of request each of which must have been
        answered by 503, lest the fault was none or met others; is_harmless: none of any kind may
        be. rules: see ledger.Rules.
        """
        rules = ledger.Rules(**rules)
        found = list(self.broken) + self.server(restarted)
        found += [f"no {kind} was answered by 503: was there a fault?"
                  for kind in bites if not self.seen(kind, 503)]
        found += [f"{a.kind} at {a.begun - self.begun:+.2f} s: 503"
                  for a in self.ledger.answers if is_harmless and a.status == 503]
        if self.recovered is None or self.recovered > limit:
            found.append(f"recovery took {self.recovered or 'more than it may'} (limit {limit} s)")
        found += self.ledger.compare(self.service, self.clients, rules)
        early = [f"{a.kind} was answered by {a.status} before the fault began"
                 for a in self.ledger.answers if a.ended < self.begun and not a.is_good]
        wrong = [f"{a.kind} at {a.begun - self.begun:+.2f} s: {why}"
                 for a in self.ledger.answers if (why := rules.judge(a))]
        self.report(len(found) + len(early) + len(wrong), rules)
        shown = found[:20] + early[:10] + wrong[:20]
        if shown:
            said = self.service.httpd.log_since(self.mark, r"authsvc:error")
            pytest.fail("\n".join([f"{self.name}: {len(found)} facts and {len(wrong)} answers are "
                                   "wrong", *shown, "httpd said:", *said[-10:]]), pytrace=False)

    def server(self, restarted):
        """What is left behind in httpd and database."""
        found = []
        httpd = self.service.httpd
        if not restarted:
            if httpd.process is None or httpd.process.pid != self.parent:
                found.append("httpd was restarted")
            elif not self.children <= set(httpd.children()):
                found.append("a child of httpd has ended")
        if self.service.engine == "postgresql":
            with contextlib.suppress(TimeoutError):
                build.wait_until(lambda: not ledger.open_transactions(self.service), 1, "ended")
            found += [f"left behind: {row}" for row in ledger.open_transactions(self.service)]
        return found

    def report(self, n_found, rules):
        counts = self.ledger.counts()
        slow = self.ledger.slowest()
        REPORT.append({
            "fault": self.name, "engine": self.service.engine,
            "good": counts["good"], "503": counts["503"], "compared": counts["compared"],
            "lost": counts["lost"], "wrong": sum(1 for a in self.ledger.answers if rules.judge(a)),
            "slowest": slow["database"], "limit": rules.limit,
            "site": slow["site"], "site limit": rules.site_limit, "recovered": self.recovered,
            "verdict": f"{n_found} wrong" if n_found else "good"})
