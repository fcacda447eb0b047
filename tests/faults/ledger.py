# SPDX-License-Identifier: Apache-2.0
"""Every answer of a mixed load, what was acknowledged, and the rules that both must keep."""
import collections
import dataclasses
import os
import typing

SITE = ("static", "jwks", "live", "refused")  # what needs no database


# On a machine that others use too, a second is longer.
PATIENCE = float(os.environ.get("AUTHSVC_TEST_PATIENCE") or 1)

# httpd's parent looks once a second whether children are missing, and makes some then: who came
# when there was none waits for that, whatever modules are loaded.
UPKEEP = 1.0 * PATIENCE

NEVER = (0.0, 0.0)


@dataclasses.dataclass
class Answer:
    """One request, as its client saw it."""

    kind: str
    status: int  # 0: no answer at all
    good: tuple  # the statuses of success
    begun: float
    ended: float
    retry_after: typing.Optional[str] = None
    breach: str = ""  # of the contract, or of what this client knows
    compared: bool = False  # a 409 after an own 503: the row decides
    acknowledged: tuple = NEVER  # when that on which it rests was asked for, and answered
    text: str = ""

    @property
    def took(self):
        return self.ended - self.begun

    @property
    def is_good(self):
        return self.status in self.good


@dataclasses.dataclass
class Rules:
    """What an answer may be. Seconds."""

    deadline: float = 3.0  # AuthSvcDatabaseTimeout
    slack: float = 1.5 * PATIENCE  # for all that is not the database's
    site: float = 1.5 * PATIENCE  # for what needs no database
    upkeep: int = 0  # for how many rounds of httpd's parent a client may have to wait beside that
    transport: bool = False  # whether an answer may be missing (a child of httpd was killed)
    lost: typing.Optional[tuple] = None  # (from, to): acknowledged then, and lost by the database
    ahead: float = 0.0  # by how much the database's clock was ahead for a while
    unavailable: tuple = ()  # of the site's kinds, those that may be answered by 503

    def was_lost(self, when):
        """
        Whether what was asked for and answered then may be gone: it was committed somewhere between.
        """
        asked, answered = when
        return self.lost is not None and self.lost[0] <= answered and asked <= self.lost[1]

    @property
    def limit(self):
        """Within which an answer comes that needs the database."""
        return self.deadline + self.slack + self.upkeep * UPKEEP

    @property
    def site_limit(self):
        """And one that does not."""
        return self.site + self.upkeep * UPKEEP

    def judge(self, answer):
        """What is wrong with an answer; None if nothing is."""
        is_site = answer.kind in SITE
        limit = self.site_limit if is_site else self.limit
        if answer.took > limit:
            return f"{answer.status} after {answer.took:.2f} s, and {limit} s is the limit"
        if answer.breach and not self.was_lost(answer.acknowledged):
            return answer.breach
        if answer.is_good or answer.compared:
            return None
        if answer.status == 0:
            return None if self.transport else f"no answer: {answer.text[:200]}"
        if answer.status == 503 and (not is_site or answer.kind in self.unavailable):
            if not (answer.retry_after or "").isdigit() or int(answer.retry_after) < 1:
                return f"503 with Retry-After {answer.retry_after!r}"
            return None
        if answer.status == 401 and self.was_lost(answer.acknowledged):
            return None
        return f"{answer.status}, not {answer.good} or 503: {answer.text[:200]}"


class Ledger:
    """Appended to by all clients; lists, so that no lock is needed."""

    def __init__(self):
        self.answers = []
        # "when" is (asked for, answered)
        self.sessions = []  # (when, id): acknowledged by a 2xx
        self.users = []  # (when, id, email)
        self.revoked = []  # (when, session id): logouts acknowledged
        self.conflicts = []  # (when, email, names sent in vain): 409 after an own 503

    def works_since(self, lifted, kinds):
        """
        From when on every kind has worked without a 503 or a missing answer; None if one does not
        yet. Whether any other answer is right, the rules say.
        """
        first = {}
        for answer in sorted(self.answers, key=lambda a: a.ended):
            if answer.ended < lifted:
                continue
            if answer.is_good:
                first.setdefault(answer.kind, answer.ended)
            elif answer.status in (0, 503):
                first.pop(answer.kind, None)
        if not kinds <= set(first):
            return None
        failures = [a.ended for a in self.answers
                    if a.ended >= lifted and a.status in (0, 503)]
        return max(first[kind] for kind in kinds) if failures else lifted

    def counts(self):
        """Answers by class."""
        counts = collections.Counter()
        for answer in self.answers:
            counts["compared" if answer.compared else "good" if answer.is_good else
                   "503" if answer.status == 503 else "lost" if answer.status == 0 else
                   str(answer.status)] += 1
        return counts

    def slowest(self):
        """Seconds of the slowest answer, with and without the database."""
        slow = {"database": 0.0, "site": 0.0}
        for answer in self.answers:
            side = "site" if answer.kind in SITE else "database"
            slow[side] = max(slow[side], answer.took)
        return slow

    def compare(self, service, clients, rules):
        """Each acknowledgement with its row, and each client's own truth with the service."""
        query = service.database.query
        users = {row[0]: row[1:] for row in query("SELECT id, email, name FROM users")}
        by_email = {email: (its, name) for its, (email, name) in users.items()}
        sessions = dict(query("SELECT id, revoked_at FROM sessions"))
        found = [f"session {its} was acknowledged, and has no row" for when, its in self.sessions
                 if its not in sessions and not rules.was_lost(when)]
        found += [f"user {email} was acknowledged, and has no row" for when, its, email
                  in self.users if its not in users and not rules.was_lost(when)]
        found += [f"user {email} was acknowledged, and is another one" for when, its, email
                  in self.users if its in users and by_email.get(email, (its,))[0] != its]
        found += [f"user {email} was acknowledged, and has another address" for when, its, email
                  in self.users if its in users and email not in by_email]
        found += [f"logout of {its} was acknowledged, and its row is alive" for when, its
                  in self.revoked if sessions.get(its, "gone") is None
                  and not rules.was_lost(when)]
        for when, email, names in self.conflicts:
            if rules.was_lost(when):
                continue
            if email not in by_email:
                found.append(f"register {email}: 409, and there is no row")
            elif by_email[email][1] not in names:
                found.append(f"register {email}: 409, and the row is another's")
        for client in clients:
            found += client.settle(rules)
        return found


def open_transactions(service):
    """What a request left open in the database."""
    return service.database.query(
        "SELECT pid, state, query FROM pg_stat_activity WHERE datname = current_database() "
        "AND state LIKE 'idle in transaction%'")
