# SPDX-License-Identifier: Apache-2.0
"""A mounted service: one httpd, one database, one client."""
import itertools
import os

import httpx

from .contract import Contract
from .httpd import CHEAP_COST, Httpd

MOUNT = "/api/v1"
PASSWORD = "Correct-Horse-7"

_numbers = itertools.count(1)


def new_email():
    """An address that no test used before."""
    return f"user{next(_numbers)}.{os.getpid()}@example.com"


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def database_lines(database, maximum=16):
    """mod_dbd as the documentation recommends it."""
    return [f"DBDriver {database.driver}", f'DBDParams "{database.params}"', "DBDPersist On",
            "DBDMin 0", f"DBDKeep {maximum}", f"DBDMax {maximum}", "DBDExptime 300",
            *(["AuthSvcPreparedStatements Off"] if database.pooled else [])]


def mount_lines(mount=MOUNT):
    return [f'<Location "{mount}">', "  AuthSvc On", "</Location>"]


def service_lines(httpd, database, issuer, alg="RS256", name="main", cost=CHEAP_COST, extra=()):
    """What one virtual host needs."""
    return [*database_lines(database),
            f"AuthSvcIssuer {issuer}",
            f"AuthSvcSigningKey {httpd.key(f'{name}-{alg.lower()}.pem', alg)}",
            f"AuthSvcSecretFile {httpd.secret(f'{name}-secret')}",
            *extra]


class Api:
    """
    The client. Every answer is checked against the contract; `recorded` collects
    (operationId, status).
    """

    def __init__(self, origin, mount=MOUNT, host=None, timeout=30.0):
        headers = {"Host": host} if host else {}
        self.mount = mount
        self.recorded = set()
        self.client = httpx.Client(base_url=origin, headers=headers, timeout=timeout,
                                   trust_env=False,
                                   limits=httpx.Limits(max_connections=None))

    def close(self):
        self.client.close()

    def request(self, method, path, check=True, **options):
        answer = self.client.request(method, self.mount + path, **options)
        if check:
            operation = Contract.shared().check(method, path, answer)
            if operation:
                self.recorded.add((operation, answer.status_code))
        return answer

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, json=None, **options):
        return self.request("POST", path, json=json, **options)

    def register(self, email=None, password=PASSWORD, name="Ada Lovelace", **options):
        return self.post("/auth/register",
                         {"email": email or new_email(), "password": password, "name": name},
                         **options)

    def login(self, email, password=PASSWORD, **options):
        return self.post("/auth/login", {"email": email, "password": password}, **options)

    def refresh(self, token, **options):
        return self.post("/auth/refresh", {"refresh_token": token}, **options)

    def logout(self, token, **options):
        return self.post("/auth/logout", {"refresh_token": token}, **options)

    def logout_all(self, token, **options):
        return self.post("/auth/logout-all", headers=bearer(token), **options)

    def me(self, token, **options):
        return self.get("/users/me", headers=bearer(token), **options)

    def rename(self, token, body, **options):
        return self.request("PATCH", "/users/me", json=body, headers=bearer(token), **options)

    def delete(self, token, password=PASSWORD, **options):
        return self.post("/users/me/delete", {"password": password}, headers=bearer(token),
                         **options)

    def new_user(self, **options):
        """Register somebody new; gives the AuthResponse."""
        answer = self.register(**options)
        assert answer.status_code == 201, answer.text
        return answer.json()


class Service:
    """One httpd with one mount in the main server."""

    def __init__(self, engine, alg="RS256", extra=(), cost=CHEAP_COST, main=(), database=None,
                 issuer=None, start=True, mount=MOUNT, **httpd_options):
        self.engine = engine.engine
        self.database = database or engine.new_database()
        self.httpd = Httpd(**httpd_options)
        self.issuer = issuer or f"{self.httpd.origin}{mount}"
        self.httpd.main = [*service_lines(self.httpd, self.database, self.issuer, alg, cost=cost),
                           *( [cost] if cost else []), *extra, *mount_lines(mount), *main]
        self.api = Api(self.httpd.origin, mount)
        if start:
            self.httpd.start()

    def new_api(self, **options):
        return Api(self.httpd.origin, self.api.mount, **options)

    def destroy(self):
        self.api.close()
        self.httpd.destroy()
