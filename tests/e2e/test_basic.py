# SPDX-License-Identifier: Apache-2.0
"""AuthBasicProvider authsvc: the same accounts by HTTP Basic, for curl, cadaver and svn."""
import base64
import collections
import concurrent.futures
import json
import os
import pathlib
import pwd
import subprocess

import pytest

from guarded import SECRET, ask, database_gone, lay_out, section
from harness import build, raw
from harness.httpd import CHEAP_COST, Httpd
from harness.service import (PASSWORD, Api, Service, database_lines, mount_lines, new_email,
                             service_lines)

SOURCE = pathlib.Path(__file__).with_name("count_hashes.c")

# What httpd says where AuthBasicAuthoritative is Off, and nobody else answers.
NOBODY = r"\[authn_core:error\].* AH01796: "

# What mod_auth_basic and mod_authz_core say of those who are refused.
REFUSED = r"\[auth_basic:error\].* AH0161[478]: |\[authz_core:error\].* AH01631: "

MODULES = ["auth_basic", "authn_file", "authz_user", "dav", "dav_fs", "dav_lock", "dav_svn"]


def basic(*lines, provider="authsvc", how="Require valid-user"):
    return ["AuthType Basic", 'AuthName "site"', f"AuthBasicProvider {provider}", *lines, how]


class Site(Service):
    """A service beside files, WebDAV and Subversion, whose httpd counts hashes."""

    def __init__(self, engine, extra=(), **options):
        super().__init__(engine, start=False, modules=MODULES, extra=extra, **options)
        root = self.httpd.root
        self.counter = root / "run" / "hashes"
        self.counter.write_bytes(b"")
        self.counter.chmod(0o666)
        library = root / "run" / "count_hashes.so"
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
                        "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
        self.httpd.preload = [library]
        self.httpd.env["AUTHSVC_HASHES"] = str(self.counter)
        self.lay_out()
        self.httpd.main += self.lines()
        self.httpd.start()

    def lay_out(self):
        root = self.httpd.root
        htdocs = lay_out(self.httpd, "members", "admins", "chain", "filefirst", "loose", "ht",
                         "emails")
        (htdocs / "ht" / ".htaccess").write_text("\n".join(basic()) + "\n", encoding="ascii")
        subprocess.run(["svnadmin", "create", root / "svn"], check=True)
        (root / "locks").mkdir()
        (htdocs / "dav").mkdir()
        for place in (htdocs / "dav", root / "svn", root / "locks"):
            for path in (place, *place.rglob("*")):
                build.give_to(path, build.HTTPD_USER)
        hashed = subprocess.run(["openssl", "passwd", "-apr1", "file-password"], check=True,
                                capture_output=True, text=True).stdout.strip()
        (root / "conf" / "users").write_text(
            f"deploy:{hashed}\nlisted@example.com:{hashed}\nmember@example.com:{hashed}\n",
            encoding="ascii")

    def lines(self):
        file = "AuthUserFile {root}/conf/users"
        return ["DavLockDB {root}/locks/lock",
                "Header always set X-Who \"%{AUTHSVC_SUB}e %{AUTHSVC_EMAIL}e %{AUTHSVC_ROLE}e\"",
                "Header always set X-User \"expr=%{REMOTE_USER}\"",
                *section('Location "/members"', *basic()),
                *section('Location "/emails"', *basic("AuthSvcRemoteUser email")),
                *section('Location "/admins"', *basic(how="Require authsvc-role admin")),
                *section('Location "/chain"', *basic(file, provider="authsvc file")),
                *section('Location "/filefirst"', *basic(file, provider="file authsvc")),
                *section('Location "/loose"', *basic("AuthBasicAuthoritative Off")),
                *section('Directory "{root}/htdocs/ht"', "AllowOverride AuthConfig"),
                *section('Location "/dav"', "Dav On", *basic()),
                *section('Location "/svn"', "DAV svn", "SVNPath {root}/svn",
                         *basic("AuthSvcRemoteUser email"))]

    def hashes(self):
        """{process: how many Argon2 computations so far}"""
        return collections.Counter(self.counter.read_text(encoding="ascii").split())

    def hashes_during(self, action):
        before = self.hashes()
        action()
        return self.hashes() - before

    def get(self, path, email=None, password=PASSWORD, fields=(), **options):
        """The answer to one request with these credentials, of text or of octets."""
        if email is not None:
            fields = [*fields, f"Authorization: Basic {encoded(email, password)}"]
        return ask(self, f"/{path}/secret.txt", fields=fields, **options)


def encoded(email, password):
    password = password if isinstance(password, bytes) else password.encode("utf-8")
    return base64.b64encode(email.encode("utf-8") + b":" + password).decode("ascii")


@pytest.fixture(scope="module")
def shared(engine):
    made = Site(engine)
    yield made
    made.destroy()


@pytest.fixture
def site(shared):
    shared.httpd.allow(REFUSED)
    return shared


@pytest.fixture
def make_site(engine):
    made = []

    def make(**options):
        one = Site(engine, **options)
        made.append(one)
        one.httpd.allow(REFUSED)
        return one

    yield make
    for one in made:
        one.httpd.alarms()
        one.destroy()


@pytest.fixture
def email(site):
    return site.api.new_user()["user"]["email"]


def opens(answer):
    assert answer.status == 200, answer.octets
    assert SECRET.encode() in answer.body


def refused(answer, status=401):
    assert answer.status == status, answer.octets
    assert SECRET.strip().encode() not in answer.body
    assert ("www-authenticate" in answer.headers) == (status == 401)


# Who gets in

def test_the_right_password_opens(site, email):
    opens(site.get("members", email))
    opens(site.get("members", email.upper()))
    refused(site.get("members"))
    refused(site.get("members", email, "Wrong-Password-1"))
    refused(site.get("members", new_email()))
    refused(site.get("members", email, PASSWORD + " "))
    opens(site.get("members", email))


def test_by_htaccess(site, email):
    opens(site.get("ht", email))
    refused(site.get("ht"))
    refused(site.get("ht", email, "Wrong-Password-1"))


def test_who_it_is(site, email):
    user = site.api.login(email).json()["user"]
    answer = site.get("members", email.upper())
    assert answer.headers["x-who"] == f"{user['id']} {email} user"
    assert answer.headers["x-user"] == user["id"]
    assert site.get("emails", email.upper()).headers["x-user"] == email
    again = site.get("members", email)
    assert again.headers["x-who"] == f"{user['id']} {email} user", "from what was kept"
    assert "(null)" in site.get("members").headers["x-who"]


def test_roles(site, email):
    user = site.api.login(email).json()["user"]
    refused(site.get("admins", email))
    opens(site.get("members", email))
    build.ctl("user", "set", "--role", "admin", email, "--dsn",
              f"{site.database.driver}:{site.database.owner_params}")
    build.wait_until(lambda: site.get("admins", email).status == 200, 1, "the new role counts")
    assert site.get("members", email).headers["x-who"] == f"{user['id']} {email} admin"


# What is refused, and what it costs

@pytest.mark.parametrize("credentials", ["", ":", ":x", "ada", "ada:x", "@:x", " :x"])
def test_names_that_are_no_address(site, credentials):
    field = f"Authorization: Basic {base64.b64encode(credentials.encode()).decode()}"
    spent = site.hashes_during(lambda: refused(site.get("members", fields=[field])))
    assert not spent


@pytest.mark.parametrize("field", ["Basic", "Basic ", "Basic !", "Basic ====", "basic", "Bearer x",
                                   "Digest username=x", "Negotiate YII=", "Basic\tx"])
def test_malformed_fields(site, field):
    refused(site.get("members", fields=[f"Authorization: {field}"]))


def test_every_refusal_costs_the_same(site, email):
    deleted = site.api.new_user()
    assert site.api.delete(deleted["access_token"]).status_code == 204
    for name, password in ((email, "Wrong-Password-1"), (new_email(), PASSWORD),
                           (deleted["user"]["email"], PASSWORD),
                           (deleted["user"]["email"], "Wrong-Password-1")):
        for _ in range(2):
            spent = site.hashes_during(lambda: refused(site.get("members", name, password)))
            assert spent.total() == 1, (name, password)


@pytest.mark.parametrize("password", ["", "x" * 1025, "ä" * 1025, "x" * 5000, b"P\xe4ssword-1",
                                      b"\xff\xfe"])
def test_what_can_be_no_password_costs_nothing(site, email, password):
    spent = site.hashes_during(lambda: refused(site.get("members", email, password)))
    assert not spent
    spent = site.hashes_during(lambda: refused(site.get("members", email, "x" * 1024)))
    assert spent.total() == 1, "the positive control"


def test_a_field_of_8_kib_costs_nothing(site, email):
    spent = site.hashes_during(
        lambda: refused(site.get("members", email, "x" * 8192), 400))
    assert not spent


@pytest.mark.parametrize("password", ["Correct:Horse:7", ":Correct-Horse-7:", "Größe-Ünïcode-7",
                                      "密码-Correct-7", " Correct-Horse-7 "])
def test_passwords_of_all_kinds(site, password):
    email = site.api.new_user(password=password)["user"]["email"]
    opens(site.get("members", email, password))
    refused(site.get("members", email, password[:-1]))
    if ":" in password:
        refused(site.get("members", email, password.replace(":", "", 1)))


def test_the_challenge_tells_the_charset(site, email):
    """RFC 7617, section 2.1"""
    for answer in (site.get("members"), site.get("members", email, "Wrong-Password-1"),
                   site.get("admins", email), site.get("ht"), site.get("chain", "deploy", "x")):
        refused(answer)
        assert answer.headers["www-authenticate"] == 'Basic realm="site", charset="UTF-8"'


def test_one_credential_only(site, email):
    right = f"Authorization: Basic {encoded(email, PASSWORD)}"
    token = f"Authorization: Bearer {site.api.login(email).json()['access_token']}"
    opens(site.get("members", fields=[right]))
    for fields in ([right, token], [token, right], [right, right], [token],
                   [right + ", Bearer x"], [right + " x"]):
        spent = site.hashes_during(lambda: refused(site.get("members", fields=fields)))
        assert not spent


def test_passwords_need_tls(site, email):
    """Not 401, which would ask for the password once more."""
    site.httpd.allow(NOBODY)
    opens(site.get("members", email))
    before = site.hashes()
    for path in ("members", "loose", "ht", "chain", "filefirst"):
        for credentials in ((email, PASSWORD), (email, "Wrong-Password-1"), (None,)):
            answer = site.get(path, *credentials, fields=["X-Forwarded-For: 192.0.2.7"])
            refused(answer, 403)
            assert answer.headers["content-type"] == "application/problem+json"
            assert json.loads(answer.body)["type"].endswith("/tls-required")
    assert site.hashes() == before


# Other providers

def test_providers_behind_it_are_asked_about_no_address(site, email):
    """Else the answer or its time would tell which addresses have accounts."""
    site.api.register("member@example.com")
    opens(site.get("chain", "deploy", "file-password"))
    refused(site.get("chain", "deploy", "wrong"))
    opens(site.get("chain", email))
    refused(site.get("chain", "listed@example.com", "file-password"))
    refused(site.get("chain", "member@example.com", "file-password"))
    opens(site.get("chain", "member@example.com"))
    spent = [site.hashes_during(lambda name=name: site.get("chain", name, "Wrong-Password-1"))
             for name in (email, new_email(), "listed@example.com")]
    assert [one.total() for one in spent] == [1, 1, 1]


def test_providers_before_it(site, email):
    opens(site.get("filefirst", "deploy", "file-password"))
    opens(site.get("filefirst", "listed@example.com", "file-password"))
    refused(site.get("filefirst", "listed@example.com", PASSWORD))
    opens(site.get("filefirst", email))
    refused(site.get("filefirst", email, "Wrong-Password-1"))


# What is kept

def test_a_password_is_hashed_once_in_a_process(site, email):
    mark = site.httpd.mark()

    def twenty():
        for _ in range(20):
            opens(site.get("members", email))

    spent = site.hashes_during(twenty)
    assert spent and max(spent.values()) == 1
    assert len(site.httpd.log_since(mark, "event=basic-login ")) == spent.total()


def test_wrong_passwords_begin_a_pause(site, email):
    """As at login, with one counter for both."""
    for _ in range(9):
        refused(site.get("members", email, "Wrong-Password-1"))
    assert site.api.login(email).status_code == 200, "the control, which clears it"
    for _ in range(10):
        refused(site.get("members", email, "Wrong-Password-1"))
    spent = site.hashes_during(lambda: refused(site.get("members", email)))
    assert spent.total() == 1, "the right one, in the pause"
    assert site.api.login(email).status_code == 401


def test_nothing_is_kept_if_so_asked(make_site):
    site = make_site(extra=["AuthSvcBasicCache 0"])
    email = site.api.new_user()["user"]["email"]

    def three():
        for _ in range(3):
            opens(site.get("members", email))

    assert site.hashes_during(three).total() == 3


def test_a_deactivated_account_is_refused(site):
    user = site.api.new_user()
    email = user["user"]["email"]
    for _ in range(3):
        opens(site.get("members", email))
    assert site.api.delete(user["access_token"]).status_code == 204
    build.wait_until(lambda: site.get("members", email).status == 401, 1, "it is refused")
    for _ in range(10):
        refused(site.get("members", email))


def test_accounts_of_two_hosts(engine):
    """What one host keeps opens nothing on the other; a host without a service says so."""
    databases = [engine.new_database(), engine.new_database()]
    httpd = Httpd(modules=MODULES)
    lay_out(httpd, "members")
    guarded = section('Location "/members"', *basic())
    names = ("one.example", "two.example")
    httpd.vhosts = [
        *((name, [*service_lines(httpd, database, f"https://{name}/api/v1", name=name),
                  CHEAP_COST, *mount_lines(), *guarded])
          for name, database in zip(names, databases)),
        ("bare.example", guarded)]
    httpd.start()
    try:
        httpd.allow(REFUSED, "AS0681")
        site = Bare(httpd)
        apis = [Api(httpd.origin, host=name) for name in names]
        email = apis[0].new_user()["user"]["email"]
        for _ in range(3):
            opens(site.get("members", email, host="one.example"))
        refused(site.get("members", email, host="two.example"))
        apis[1].register(email, password="Other-Horse-7")
        refused(site.get("members", email, host="two.example"))
        opens(site.get("members", email, "Other-Horse-7", host="two.example"))
        refused(site.get("members", email, "Other-Horse-7", host="one.example"))
        refused(site.get("members", email, host="bare.example"), 500)
        assert "AS0681" in httpd.log_text()
        for api in apis:
            api.close()
        httpd.alarms()
    finally:
        httpd.destroy()


def test_without_mod_auth_basic(engine):
    """Nothing would ask for a password, and everything would be refused."""
    httpd = Httpd()
    lines = [*service_lines(httpd, engine.new_database(), "https://localhost/api/v1"), CHEAP_COST,
             *mount_lines()]
    try:
        httpd.main = [*lines, *section('Location "/members"', *basic())]
        code, said = httpd.configtest()
        assert code != 0 and "mod_auth_basic's, which is not loaded" in said, said
        httpd.modules = MODULES
        code, said = httpd.configtest()
        assert code == 0, said
    finally:
        httpd.destroy()


class Bare:
    """Only what get() needs."""

    get = Site.get

    def __init__(self, httpd):
        self.httpd = httpd


# What is broken

def test_a_dead_database_opens_nothing(site, email):
    """What is kept may be believed for as long as the revocations are known; never 401."""
    fresh = site.api.new_user()["user"]["email"]
    opens(site.get("members", email))
    site.httpd.allow(NOBODY)
    with database_gone(site):
        for path in ("members", "loose"):
            for password in (PASSWORD, "Wrong-Password-1"):
                answer = site.get(path, fresh, password)
                refused(answer, 503)
                assert int(answer.headers["retry-after"]) > 0
            refused(site.get(path, email, "Wrong-Password-1"), 503)
        assert site.get("members", email).status in (200, 503)
        build.wait_until(lambda: site.get("members", email).status == 503, 15, "nobody knows")
        refused(site.get("members", email), 503)
    for address in (email, fresh):  # each process finds out for itself
        build.wait_until(lambda who=address: site.get("members", who).status == 200, 10,
                         "it is back")


def test_overload_is_no_wrong_password(make_site):
    site = make_site(extra=["AuthSvcHashSlots 1", "AuthSvcHashQueue 0 1s"],
                     cost="AuthSvcPasswordCost 64M 2")
    email = site.api.new_user()["user"]["email"]
    opens(site.get("members", email))
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        flood = [pool.submit(site.get, "members", new_email(), "Wrong-Password-1")
                 for _ in range(24)]
        kept = [pool.submit(site.get, "members", email) for _ in range(4)]
        answers = [one.result() for one in flood]
    statuses = collections.Counter(answer.status for answer in answers)
    assert set(statuses) == {401, 503}, statuses
    for answer in answers:
        refused(answer, answer.status)
        assert ("retry-after" in answer.headers) == (answer.status == 503)
    assert len({one.result().status for one in kept} - {200, 503}) == 0
    opens(site.get("members", email))


# Real clients

class Svn:
    """The svn program, that remembers nothing."""

    def __init__(self, site, folder):
        self.url = f"{site.httpd.origin}/svn"
        self.folder = folder

    def __call__(self, email, password, *args, check=True):
        done = subprocess.run(
            ["svn", "--non-interactive", "--no-auth-cache", "--config-dir", self.folder / "svnrc",
             "--username", email, "--password", password, *args], cwd=self.folder,
            capture_output=True, text=True, timeout=120, check=False,
            env=dict(os.environ, LC_ALL="C.UTF-8"))
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


def fill(site):
    """A repository with some folders, so that a checkout makes many requests."""
    import_from = site.httpd.root / "import"
    for folder in range(5):
        (import_from / f"folder{folder}").mkdir(parents=True)
        for file in range(20):
            (import_from / f"folder{folder}" / f"file{file}").write_text(f"{folder}{file}\n" * 99,
                                                                         encoding="ascii")
    subprocess.run(["svn", "import", "-q", "-m", "first", import_from,
                    f"file://{site.httpd.root}/svn"], check=True)
    for path in (site.httpd.root / "svn").rglob("*"):
        build.give_to(path, build.HTTPD_USER)


def requests_for(site, prefix):
    log = (site.httpd.root / "logs" / "access.log").read_text(errors="replace")
    return sum(f" {prefix}" in line for line in log.splitlines())


def test_svn(make_site, tmp_path):
    site = make_site()
    fill(site)
    svn = Svn(site, tmp_path)
    email = site.api.new_user()["user"]["email"]
    spent = site.hashes_during(lambda: svn(email, PASSWORD, "checkout", svn.url, "wc"))
    assert (tmp_path / "wc" / "folder4" / "file19").exists()
    assert requests_for(site, "/svn") > 20
    assert spent and max(spent.values()) == 1, spent

    (tmp_path / "wc" / "news").write_text("new\n", encoding="ascii")
    svn(email, PASSWORD, "add", "wc/news")
    wrong = svn(email, "Wrong-Password-1", "commit", "-m", "second", "wc", check=False)
    assert wrong.returncode != 0 and "Authentication failed" in wrong.stderr, wrong.stderr
    assert svn(email, PASSWORD, "log", "-q", svn.url).stdout.count("\nr") == 1
    svn(email, PASSWORD, "commit", "-m", "second", "wc")
    log = svn(email, PASSWORD, "log", "-q", svn.url).stdout
    assert f"r2 | {email} |" in log, log

    eve = site.api.new_user()
    svn(eve["user"]["email"], PASSWORD, "checkout", "-q", svn.url, "eve")
    site.api.delete(eve["access_token"])
    gone = svn(eve["user"]["email"], PASSWORD, "update", "eve", check=False)
    assert gone.returncode != 0 and "Authentication failed" in gone.stderr, gone.stderr


def test_svn_pays_for_each_request_without_what_is_kept(make_site, tmp_path):
    """The positive control of the count above."""
    site = make_site(extra=["AuthSvcBasicCache 0"])
    fill(site)
    svn = Svn(site, tmp_path)
    email = site.api.new_user()["user"]["email"]
    spent = site.hashes_during(lambda: svn(email, PASSWORD, "checkout", "-q", svn.url, "wc"))
    assert spent.total() > 20


def cadaver(site, folder, email, password, commands):
    """cadaver takes credentials from ~/.netrc."""
    folder.mkdir()
    (folder / ".netrc").write_text(f"machine 127.0.0.1 login {email} password {password}\n",
                                   encoding="ascii")
    (folder / ".netrc").chmod(0o600)
    (folder / "note.txt").write_text("a note\n", encoding="ascii")
    done = subprocess.run(["cadaver", f"{site.httpd.origin}/dav/"], cwd=folder, text=True,
                          input="".join(f"{line}\n" for line in (*commands, "quit")),
                          capture_output=True, timeout=60, check=False,
                          env={"HOME": str(folder), "PATH": os.environ["PATH"], "LC_ALL": "C",
                               "TERM": "dumb"})
    return done.stdout + done.stderr


def test_cadaver(site, email, tmp_path):
    dav = site.httpd.root / "htdocs" / "dav"
    said = cadaver(site, tmp_path / "wrong", email, "Wrong-Password-1", ["put note.txt"])
    assert "note.txt" not in os.listdir(dav), said
    said = cadaver(site, tmp_path / "right", email, PASSWORD,
                   ["put note.txt", "lock note.txt", "mkcol folder", "copy note.txt folder/copy.txt",
                    "get folder/copy.txt back.txt", "ls", "unlock note.txt"])
    assert "failed" not in said, said
    assert (dav / "folder" / "copy.txt").read_text(encoding="ascii") == "a note\n"
    assert (tmp_path / "right" / "back.txt").read_text(encoding="ascii") == "a note\n"
    assert (dav / "note.txt").stat().st_uid == (
        pwd.getpwnam(build.HTTPD_USER).pw_uid if build.IS_ROOT else os.geteuid())
