# SPDX-License-Identifier: Apache-2.0
"""The matrix's own judgement: wrong answers that are planted, each beside the right one."""
import dataclasses
import os
import signal
import time

import pytest

from harness.httpd import FAULTS
from harness.service import Service
from ledger import Answer, Ledger, Rules
from mixed import REPORT, Mixed

STRICT = Rules(slack=1.5, site=1.5)
INSIDE, OUTSIDE = (50.4, 50.5), (48.9, 49.0)  # of what a database lost


def answer(kind="login", status=200, good=(200,), begun=100.0, took=0.1, **more):
    if status == 503:
        more.setdefault("retry_after", "1")
    return Answer(kind, status, good, begun, begun + took, **more)


@pytest.mark.parametrize("one", [
    answer(), answer(status=503), answer(took=4.4), answer(status=503, took=4.4),
    answer("register", 201, (201,)), answer("register", 409, (201,), compared=True),
    answer("static"), answer("refused", 401, (401,)), answer("static", took=1.4),
], ids=str)
def test_right(one):
    assert STRICT.judge(one) is None


@pytest.mark.parametrize("one", [
    *[answer(status=status) for status in (201, 400, 401, 403, 404, 409, 429, 500, 502, 504)],
    answer(status=0), answer(took=4.6), answer(status=503, took=4.6),
    *[answer(status=503, retry_after=value) for value in (None, "", "0", "-1", "soon", "1.5")],
    answer("register", 409, (201,)), answer("refresh", 401, acknowledged=(50.0, 50.1)),
    answer(breach="somebody else's account"), answer(status=503, breach="no problem document"),
    answer("static", 503), answer("static", took=1.6), answer("jwks", 503), answer("live", 503),
    answer("refused", 503, (401,)), answer("refused", 200, (401,)), answer("static", 404),
], ids=str)
def test_wrong(one):
    assert STRICT.judge(one)


def test_rules_that_a_fault_may_change():
    """Each exception excuses its own case, and nothing beside it."""
    assert not Rules(transport=True).judge(answer(status=0))
    assert Rules(transport=True).judge(answer(status=401))
    lost = Rules(lost=(50.0, 51.0))
    assert not lost.judge(answer("refresh", 401, acknowledged=INSIDE))
    assert not lost.judge(answer("refresh", 401, acknowledged=(49.9, 50.1))), "asked before it"
    assert lost.judge(answer("refresh", 401, acknowledged=(49.7, 49.9))), "answered before it"
    assert lost.judge(answer("refresh", 401, acknowledged=(51.1, 51.2)))
    assert lost.judge(answer("refresh", 409, acknowledged=INSIDE))
    assert not lost.judge(answer("me", acknowledged=INSIDE, breach="an older name"))
    assert lost.judge(answer("me", acknowledged=OUTSIDE, breach="an older name"))
    upkeep = Rules(upkeep=1)
    assert not upkeep.judge(answer("static", took=2.4))
    assert upkeep.judge(answer("static", took=2.6))
    assert not upkeep.judge(answer(took=5.4))
    assert upkeep.judge(answer(took=5.6))
    down = Rules(unavailable=("static",))
    assert not down.judge(answer("static", 503))
    assert down.judge(answer("live", 503))
    assert not Rules(deadline=10).judge(answer(took=11))


def test_recovery():
    """Counted from the last failure of any kind to the first success after it, of every kind."""
    def since(*answers, kinds=("login", "me")):
        book = Ledger()
        book.answers = list(answers)
        return book.works_since(100.0, set(kinds))

    good = [answer(begun=100.1, took=0), answer("me", begun=100.2, took=0)]
    assert since(*good) == 100.0, "it never failed"
    assert since(good[0]) is None, "nobody knows about me"
    failed = answer("me", 503, begun=103.0, took=0)
    assert since(*good, failed) is None, "me fails"
    assert since(*good, failed, answer("me", begun=104.0, took=0)) == 104.0
    assert since(*good, failed, answer("me", begun=104.0, took=0),
                 answer("me", 503, begun=105.0, took=0)) is None, "and fails again"
    assert since(answer(status=503, begun=99.0, took=0), *good) == 100.0, "before it was lifted"
    assert since(answer(status=503, begun=99.0, took=2), *good) is None, "answered after that"


class Rows:
    """A service whose database has these rows."""

    def __init__(self, users=(), sessions=()):
        self.database, self.users, self.sessions = self, users, sessions

    def query(self, sql):
        return list(self.users if "FROM users" in sql else self.sessions)


USERS = [("u1", "a@example.com", "Name 1"), ("u2", "b@example.com", "Name 2")]
SESSIONS = [("s1", None), ("s2", "2026-01-01")]


def book(**kept):
    made = Ledger()
    for name, value in kept.items():
        getattr(made, name).extend(value)
    return made


@pytest.mark.parametrize("kept", [
    {"users": [(OUTSIDE, "u1", "a@example.com")]}, {"sessions": [(OUTSIDE, "s1"), (OUTSIDE, "s2")]},
    {"revoked": [(OUTSIDE, "s2"), (OUTSIDE, "purged")]},
    {"conflicts": [(OUTSIDE, "b@example.com", ["Name 2", "Name 3"])]},
], ids=str)
def test_rows_that_agree(kept):
    assert book(**kept).compare(Rows(USERS, SESSIONS), [], Rules()) == []


@pytest.mark.parametrize("kept", [
    {"users": [(OUTSIDE, "u3", "c@example.com")]}, {"users": [(OUTSIDE, "u3", "a@example.com")]},
    {"sessions": [(OUTSIDE, "s3")]}, {"revoked": [(OUTSIDE, "s1")]},
    {"conflicts": [(OUTSIDE, "c@example.com", ["Name 1"])]},
    {"conflicts": [(OUTSIDE, "a@example.com", ["Name 9"])]},
    {"conflicts": [(OUTSIDE, "a@example.com", [])]},
], ids=str)
def test_rows_that_do_not(kept):
    assert len(book(**kept).compare(Rows(USERS, SESSIONS), [], Rules())) == 1


def test_rows_that_were_lost():
    """What was acknowledged in the time that the database lost is excused, by its time alone."""
    kept = book(sessions=[(INSIDE, "s3"), (OUTSIDE, "s4")], users=[(INSIDE, "u3", "c@example.com")],
                revoked=[(INSIDE, "s1")], conflicts=[(INSIDE, "c@example.com", ["Name 3"])])
    found = kept.compare(Rows(USERS, SESSIONS), [], Rules(lost=(50.0, 51.0)))
    assert found == ["session s4 was acknowledged, and has no row"]


def test_a_client_is_asked_for_its_own_truth():
    class Liar:
        def settle(self, rules):
            return [f"{dataclasses.asdict(rules)['deadline']} is wrong"]

    assert book().compare(Rows(USERS, SESSIONS), [Liar()], Rules()) == ["3.0 is wrong"]


@pytest.fixture(scope="module")
def victim(shared_cluster):
    """One service for all that is planted."""
    made = Service(shared_cluster)
    made.httpd.allow(*FAULTS, "exit signal Killed")
    yield made
    made.destroy()


@pytest.fixture(autouse=True)
def unreported():
    """What is planted is no line of the report."""
    before = len(REPORT)
    yield
    del REPORT[before:]


@pytest.mark.parametrize("harm, said", [
    ("UPDATE sessions SET revoked_at = authsvc_now()", "refresh at .* 401, not"),
    pytest.param("UPDATE sessions SET counter = counter + 7, rotated_at = NULL",
                 "refresh at .* 401, not", marks=pytest.mark.long),
    pytest.param("DELETE FROM users WHERE email LIKE 'user%'", "login at .* 401, not",
                 marks=pytest.mark.long),
    ("UPDATE users SET password_hash = ''", "login at .* 401, not"),
    ("UPDATE users SET name = 'Somebody'", "the name is Somebody"),
    ("DELETE FROM sessions WHERE rotated_at IS NULL", "session .* acknowledged, and has no row"),
], ids=lambda text: text.split(" WHERE")[0] if " " in text else text)
def test_planted_harm(victim, harm, said):
    """A database that loses or alters something behind the service's back is found out."""
    with Mixed(victim, "planted") as load:
        with load.fault():
            for _ in range(10):
                victim.database.query(harm)
                time.sleep(0.05)
        load.recover(limit=0.5, stay=0.2)
    with pytest.raises(pytest.fail.Exception, match=said):
        load.verdict(limit=60)
    assert REPORT[-1]["verdict"] != "good"


def test_a_killed_child_is_found(victim):
    with Mixed(victim, "planted") as load:
        with load.fault():
            for pid in victim.httpd.children():
                os.kill(pid, signal.SIGKILL)
        load.recover()
    with pytest.raises(pytest.fail.Exception, match="a child of httpd has ended") as failure:
        load.verdict()
    assert "no answer" in str(failure.value)


def test_a_harmless_fault_that_did_harm(victim, shared_cluster):
    with Mixed(victim, "planted") as load:
        with load.fault():
            shared_cluster.freeze()
            time.sleep(3.5)
            shared_cluster.thaw()
        load.recover()
    load.verdict()
    with pytest.raises(pytest.fail.Exception, match="at .* s: 503"):
        load.verdict(is_harmless=True)


def test_no_fault_is_no_proof(victim):
    """The load alone is judged good, but not as the proof of a fault that never was."""
    with Mixed(victim, "nothing") as load:
        with load.fault():
            session = victim.database.session()
            session.run("BEGIN")
        load.recover()
    with pytest.raises(pytest.fail.Exception, match="no login was answered by 503"):
        load.verdict(bites=("login",))
    with pytest.raises(pytest.fail.Exception, match="left behind"):
        load.verdict()
    session.close()
    load.verdict()
