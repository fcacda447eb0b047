# SPDX-License-Identifier: Apache-2.0
"""The clients of the mixed load. Each knows what it was told, and holds the service to it."""
import itertools
import time

import httpx

from harness.contract import Contract
from harness.service import PASSWORD, new_email
from harness.tokens import parts
from ledger import NEVER, Answer

HANG = 20.0
MOST_CHAINS = 3
_names = itertools.count(1)


def session_of(grant):
    """The session's id in an AuthResponse."""
    return parts(grant["access_token"])[1]["sid"]


class Client:
    """One connection to httpd, used by one thread."""

    kind = "?"

    def __init__(self, load):
        self.load = load
        self.ledger = load.ledger
        self.api = load.service.new_api(timeout=HANG)
        self.mine = []
        self.when = NEVER  # when the last request was sent, and answered

    @property
    def kinds(self):
        """What must work before the fault, and again after it."""
        return {self.kind}

    def close(self):
        self.api.close()

    def settle(self, rules):
        """After the load: what this client knows to be true and is not."""
        del rules
        return []

    def step(self):
        """One request; gives the answer."""
        raise NotImplementedError

    def repeated(self):
        """How many requests were sent again by a client that does so (patient.Patient)."""
        return len(getattr(self.api.client, "repeated", ()))

    def statuses(self):
        """All that this client was answered."""
        return {kept.status for kept in self.mine}

    def send(self, kind, method, path, good, acknowledged=NEVER, prefix=None, **options):
        """(what the ledger keeps, the answer); the caller may correct the former."""
        begun = time.monotonic()
        url = (self.api.mount if prefix is None else prefix) + path
        try:
            answer = self.api.client.request(method, url, **options)
        except httpx.TransportError as failure:
            self.ledger.answers.append(Answer(kind, 0, good, begun, time.monotonic(),
                                              text=repr(failure)))
            raise
        kept = Answer(kind, answer.status_code, good, begun, time.monotonic(),
                      answer.headers.get("retry-after"), acknowledged=acknowledged)
        self.when = (begun, kept.ended)
        if not kept.is_good:
            kept.text = answer.text
            if prefix is None:
                try:
                    Contract.shared().check(method, path, answer)
                except AssertionError as failure:
                    kept.breach = f"not by the contract: {failure}"
        return kept, answer

    def keep(self, pair):
        """Into the ledger, when all is known that matters."""
        kept, answer = pair
        self.mine.append(kept)
        self.ledger.answers.append(kept)
        return answer

    def ask(self, *args, **options):
        return self.keep(self.send(*args, **options))

    def grant(self, answer):
        """Note that the session of an AuthResponse was acknowledged."""
        grant = answer.json()
        self.ledger.sessions.append((self.when, session_of(grant)))
        return grant


class Static(Client):
    """The site's own files."""

    kind = "static"

    def step(self):
        return self.ask("static", "GET", "/static.txt", (200,), prefix="")


class Keys(Client):
    """What is answered out of the process."""

    kind = "jwks"

    def step(self):
        return self.ask("jwks", "GET", "/.well-known/jwks.json", (200,))


class Live(Client):
    kind = "live"

    def step(self):
        return self.ask("live", "GET", "/health/live", (200,))


class Refused(Client):
    """A forged token is refused by its signature alone, whatever the database does."""

    kind = "refused"

    def __init__(self, load):
        super().__init__(load)
        token = load.service.api.new_user()["access_token"]
        head, claims, signature = token.split(".")
        self.token = f"{head}.{claims}.{'A' * 8}{signature[8:]}"

    def step(self):
        return self.ask("refused", "GET", "/users/me", (401,),
                        headers={"Authorization": f"Bearer {self.token}"})


class Login(Client):
    """A known account: never 401."""

    kind = "login"

    def __init__(self, load):
        super().__init__(load)
        self.email = load.service.api.new_user()["user"]["email"]

    def step(self):
        answer = self.ask("login", "POST", "/auth/login", (200,),
                          json={"email": self.email, "password": PASSWORD})
        if answer.status_code == 200:
            self.grant(answer)
        return answer


class Me(Client):
    """A valid access token of a living session."""

    kind = "me"

    def __init__(self, load):
        super().__init__(load)
        grant = load.service.api.new_user()
        self.headers = {"Authorization": f"Bearer {grant['access_token']}"}
        self.user = grant["user"]

    def step(self):
        kept, answer = self.send("me", "GET", "/users/me", (200,), headers=self.headers)
        if kept.is_good and answer.json()["id"] != self.user["id"]:
            kept.breach = "somebody else's account"
        return self.keep((kept, answer))


class Rename(Me):
    """
    Writes, and reads what it wrote. A name that was sent in vain may still be taken later, as long
    as the server goes on with a statement that nobody waits for.
    """

    kind = "rename"

    def __init__(self, load):
        super().__init__(load)
        self.name = self.user["name"]
        self.unknown = set()
        self.since = NEVER
        self.turn = itertools.cycle((self.write, self.read))

    @property
    def kinds(self):
        return {"rename", "me"}

    def step(self):
        return next(self.turn)()

    def write(self):
        name = f"Name {next(_names)}"
        self.unknown.add(name)
        answer = self.ask("rename", "PATCH", "/users/me", (200,), headers=self.headers,
                          json={"name": name})
        if answer.status_code == 200:
            self.name, self.since = name, self.when
            self.unknown.discard(name)
        return answer

    def read(self):
        kept, answer = self.send("me", "GET", "/users/me", (200,), self.since,
                                 headers=self.headers)
        if kept.is_good:
            kept.breach = self.differs(answer.json()["name"])
        return self.keep((kept, answer))

    def differs(self, name):
        if name == self.name or name in self.unknown:
            return ""
        return f"the name is {name}, and {self.name} was acknowledged"

    def settle(self, rules):
        rows = self.load.service.database.query(
            f"SELECT name FROM users WHERE id = '{self.user['id']}'")
        if rules.was_lost(self.since):
            return []
        return [why for (name,) in rows if (why := self.differs(name))]


class Register(Client):
    """
    New addresses. After a 503 the same one again, as a person would; the 409 that may come then
    is compared with the row. So is one that comes when the request was sent a second time, because
    the child that had it was killed.
    """

    kind = "register"

    def __init__(self, load):
        super().__init__(load)
        self.email, self.names = None, []
        self.registered = []

    def step(self):
        if not self.email:
            self.email, self.names = new_email(), []
        self.names.append(f"Name {next(_names)}")
        before = self.repeated()
        kept, answer = self.send(
            "register", "POST", "/auth/register", (201,),
            json={"email": self.email, "password": PASSWORD, "name": self.names[-1]})
        if answer.status_code == 201:
            user = self.grant(answer)["user"]
            self.ledger.users.append((self.when, user["id"], self.email))
            self.registered.append((self.when, self.email))
            self.email = None
        elif answer.status_code == 409 and (unknown := self.names[
                :None if self.repeated() > before else -1]):
            kept.compared = True
            self.ledger.conflicts.append((self.when, self.email, unknown))
            self.registered.append((self.when, self.email))
            self.email = None
        return self.keep((kept, answer))

    def settle(self, rules):
        """Who was registered can log in: the last few, and all whose row decided."""
        told = [(when, email) for when, email, _ in self.ledger.conflicts] + self.registered[-3:]
        asked = {email for when, email in told if not rules.was_lost(when)}
        answers = [(email, self.load.service.api.login(email, check=False).status_code)
                   for email in sorted(asked)]
        return [f"{email} was registered and cannot log in: {status}"
                for email, status in answers if status != 200]


class Chain:
    """A session and its newest refresh token."""

    def __init__(self, grant, opened):
        self.id = session_of(grant)
        self.token = grant["refresh_token"]
        self.opened = opened


class Refresh(Client):
    """
    Opens sessions, exchanges their tokens, ends the oldest. After a 503 it sends the same token
    again; a 401 has lost a session, and that is never right. The first exchange of a session
    always writes, so new ones come all the time.
    """

    kind = "refresh"

    def __init__(self, load):
        super().__init__(load)
        self.email = load.service.api.new_user()["user"]["email"]
        self.chains, self.leaving = [], []
        self.turn = 0

    @property
    def kinds(self):
        return {"login", "refresh", "logout"}

    def step(self):
        self.turn += 1
        if self.turn % 4 == 1 or not self.chains:
            return self.open()
        if len(self.chains) > MOST_CHAINS:
            self.leaving.append(self.chains.pop(0))
        if self.turn % 4 == 0 and self.leaving:
            return self.leave()
        return self.exchange(self.chains[-1 if self.turn % 4 == 2 else
                                         self.turn // 4 % len(self.chains)])

    def open(self):
        answer = self.ask("login", "POST", "/auth/login", (200,),
                          json={"email": self.email, "password": PASSWORD})
        if answer.status_code == 200:
            self.chains.append(Chain(self.grant(answer), self.when))
        elif not self.chains:
            time.sleep(0.1)
        return answer

    def exchange(self, chain):
        kept, answer = self.send("refresh", "POST", "/auth/refresh", (200,), chain.opened,
                                 json={"refresh_token": chain.token})
        if answer.status_code == 200:
            grant = answer.json()
            if session_of(grant) != chain.id:
                kept.breach = "a token of another session"
            chain.token = grant["refresh_token"]
        elif answer.status_code == 401:
            self.chains.remove(chain)
        return self.keep((kept, answer))

    def leave(self):
        chain = self.leaving[0]
        answer = self.ask("logout", "POST", "/auth/logout", (204,),
                          json={"refresh_token": chain.token})
        if answer.status_code == 204:
            self.ledger.revoked.append((self.when, chain.id))
            self.leaving.pop(0)
        return answer

    def settle(self, rules):
        """Each chain goes on: at once, and when its grace is over."""
        api, database = self.load.service.api, self.load.service.database
        found = []
        for late in (False, True):
            if late and self.chains:
                ids = ", ".join(f"'{chain.id}'" for chain in self.chains)
                database.shift("sessions", "rotated_at", -40 - rules.ahead, f"id IN ({ids})")
            for chain in list(self.chains):
                answer = api.refresh(chain.token, check=False)
                if answer.status_code == 200:
                    old, chain.token = chain.token, answer.json()["refresh_token"]
                    if late and chain.token == old:
                        found.append(f"session {chain.id} does not rotate any more")
                    continue
                self.chains.remove(chain)
                if not rules.was_lost(chain.opened):
                    found.append(f"session {chain.id} is lost: {answer.status_code} "
                                 f"{answer.text[:200]}")
        return found


def crew(load):
    """The usual mix."""
    return [Login(load), Login(load), Me(load), Rename(load), Register(load), Register(load),
            Refresh(load), Refresh(load), Static(load), Keys(load), Live(load), Refused(load)]
