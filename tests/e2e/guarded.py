# SPDX-License-Identifier: Apache-2.0
"""What the tests of guarded paths share: a site with files of which some are guarded."""
import contextlib

from harness import raw
from harness.httpd import FAULTS
from harness.service import bearer

SECRET = "the treasure lies under the third oak\n"


# What httpd says of somebody who may not, and of a method that it does not know.
DENIED = r"\[authz_core:error\].* AH01631: "
UNKNOWN_METHOD = r"\[core:error\].* AH00135: "


def guard(*lines, how="Require valid-user"):
    """The lines of a guarded section."""
    return ["AuthType AuthSvc", *lines, *([how] if how else [])]


def section(kind, *lines):
    """A section of the configuration, such as section('Location "/members"', ...)."""
    return [f"<{kind}>", *(f"  {line}" for line in lines), f"</{kind.split()[0]}>"]


def guarded(path, *lines, **options):
    return section(f'Location "{path}"', *guard(*lines, **options))


def lay_out(httpd, *folders):
    """/open.txt for everybody, and a secret.txt and index.html in each folder."""
    root = httpd.root / "htdocs"
    (root / "open.txt").write_text("open\n", encoding="ascii")
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name in ("secret.txt", "index.html"):
            (root / folder / name).write_text(SECRET, encoding="ascii")
    return root


def make_site(make_service, *lines, folders=("members",), prepare=None, **options):
    """A started service beside such files."""
    modules = ["authz_user", *options.pop("modules", ())]
    service = make_service(start=False, main=list(lines), modules=modules, **options)
    root = lay_out(service.httpd, *folders)
    if prepare:
        prepare(root)
    service.httpd.start()
    return service


def new_token(service, **options):
    return service.api.new_user(**options)["access_token"]


def new_admin(service):
    """The access token of somebody with the role admin."""
    user = service.api.new_user()["user"]
    service.database.set_role(user["id"], "admin")
    return service.api.login(user["email"]).json()["access_token"]


def ask(service, path, token=None, method="GET", fields=(), body=b"", host="localhost"):
    """A request outside the API, by a client that sends the path as it is."""
    fields = [*fields, *([f"Authorization: Bearer {token}"] if token else []),
              *([f"Content-Length: {len(body)}"] if body else [])]
    return raw.exchange(service.httpd.port, raw.request(method, path, fields, body, host))


def opens(service, path, token=None, **options):
    answer = ask(service, path, token, **options)
    assert answer.status == 200, (path, answer.octets)
    return answer


def refused(service, path, token=None, status=401, **options):
    """Nothing of the secret is in the answer."""
    answer = ask(service, path, token, **options)
    statuses = status if isinstance(status, tuple) else (status,)
    assert answer.status in statuses, (path, answer.octets)
    assert SECRET.strip().encode() not in answer.body, (path, answer.octets)
    return answer


@contextlib.contextmanager
def database_gone(service):
    """Nothing can be asked for as long as this lasts."""
    service.httpd.allow(*FAULTS)
    service.database.block()
    try:
        yield
    finally:
        service.database.unblock()


__all__ = ["DENIED", "SECRET", "UNKNOWN_METHOD", "ask", "bearer", "database_gone", "guard", "guarded", "lay_out", "make_site",
           "new_admin", "new_token", "opens", "refused", "section"]
