# SPDX-License-Identifier: Apache-2.0
"""Two servers that share a database, with a guarded path each."""
import time

from guarded import guarded, lay_out, make_site
from harness import build
from harness.service import Service, bearer
from harness.tokens import parts

# Stale soon, so that the tests need not wait.
LINES = [*guarded("/members"), "AuthSvcRevocationMaxStale 3s"]


class Nodes:
    """One database, one issuer, one set of keys."""

    def __init__(self, engine, lines=(), **options):
        self.a = make_site(lambda **more: Service(engine, **more), *LINES, *lines, **options)
        self.database = self.a.database
        self.b = Service(engine, start=False, database=self.database, issuer=self.a.issuer,
                         modules=["authz_user"], main=[*LINES, *lines])
        lay_out(self.b.httpd, "members")
        for key in (self.a.httpd.root / "keys").iterdir():
            copy = self.b.httpd.root / "keys" / key.name
            copy.write_bytes(key.read_bytes())
            copy.chmod(0o600)
        self.b.httpd.start()
        settle(self.a)
        settle(self.b)

    def destroy(self):
        for one in (self.a, self.b):
            one.destroy()


def visit(node, token):
    return node.api.client.get("/members/secret.txt", headers=bearer(token)).status_code


def settle(node):
    """Its set is complete: a token is believed though the database would refuse it."""
    def sure():
        answer = node.api.register()
        if answer.status_code == 503:  # not every process has found its database again
            return False
        grant = answer.json()
        session = parts(grant["access_token"])[1]["sid"]
        node.database.query(f"UPDATE sessions SET epoch = 7 WHERE id = '{session}'")
        return visit(node, grant["access_token"]) == 200
    build.wait_until(sure, 10, "the set of revocations is complete")


def seen_after(node, token, undecided=(200,)):
    """Seconds until the node refuses the token. undecided: the answers that may come before."""
    start = time.monotonic()
    while (status := visit(node, token)) in undecided:
        assert time.monotonic() - start < 10, "never refused"
        time.sleep(0.02)
    assert status == 401
    return time.monotonic() - start
