# SPDX-License-Identifier: Apache-2.0
"""
Policies by name, blocklists, and what passwords do not cost. What the default policy takes and refuses,
byte-exactness and hostile text are in test_input.py; the cost of hashing in test_load.py; calibrate in
test_ctl_calibrate.py.
"""
import pathlib
import re
import subprocess
import time

import pytest

from harness import build, databases
from harness.httpd import Httpd
from harness.service import Service, database_lines, mount_lines, new_email, service_lines
from test_auth import problem

COUNTER = pathlib.Path(__file__).with_name("count_hashes.c")
SITE = "https://accounts.my-shop.example/api/v1"


def codes(answer, pointer="/password"):
    """What a refused body's password is blamed for."""
    problem(answer, 400, "validation")
    return [error["code"] for error in answer.json()["errors"] if error["pointer"] == pointer]


def blamed(api, password, email=None, name="Ada Lovelace"):
    return codes(api.register(email or new_email(), password=password, name=name))


def taken(api, password, email=None, name="Ada Lovelace"):
    """A password is good for registering and for signing in."""
    email = email or new_email()
    answer = api.register(email, password=password, name=name)
    assert answer.status_code == 201, answer.text
    assert api.login(email, password).status_code == 200


class Counted(Service):
    """A service whose httpd counts hashes."""

    def __init__(self, engine, **options):
        super().__init__(engine, start=False, **options)
        self.counter = self.httpd.root / "run" / "hashes"
        self.counter.write_bytes(b"")
        self.counter.chmod(0o666)
        library = self.httpd.root / "run" / "count_hashes.so"
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
                        "-shared", "-fPIC", "-o", library, COUNTER, "-ldl"], check=True)
        self.httpd.preload = [library]
        self.httpd.env["AUTHSVC_HASHES"] = str(self.counter)
        self.httpd.start()

    def hashes(self):
        return len(self.counter.read_text(encoding="ascii").split())


@pytest.fixture(scope="module")
def counted(engine):
    """A site with a name, and two lists of its own."""
    made = Counted(engine, issuer=SITE)
    lists = made.httpd.root / "lists"
    lists.mkdir()
    (lists / "own.txt").write_text("Winter-Is-Coming-7\r\nMüller-Thurgau-1\n", encoding="utf-8")
    (lists / "more.txt").write_text("another-One-8", encoding="utf-8")
    made.httpd.main += ["AuthSvcPasswordBlocklist lists/own.txt",
                        f"AuthSvcPasswordBlocklist {lists}/more.txt"]
    for path in lists.iterdir():
        path.chmod(0o600)  # root reads it, httpd's user does not
    made.httpd.graceful()
    yield made
    made.destroy()


# ---- what is refused, and with which code

@pytest.mark.parametrize("password", [
    "Password1", "pASSWORD1", "Abcdefg1", "Winter-Is-Coming-7", "WINTER-is-coming-7",
    "MÜLLER-Thurgau-1", "Mu\u0308ller-Thurgau-1", "Another-one-8", "Ｐassword1"])
def test_common_passwords(counted, password):
    assert blamed(counted.api, password) == ["common-password"]


def test_passwords_that_are_not_common(counted):
    for password in ("Password1~", "Winter-Is-Coming-8", "Muller-Thurgau-1", "another-One-8\r"):
        taken(counted.api, password)


def test_names_of_the_user_and_the_site(counted):
    email = f"grace.{new_email()}"
    local = email.split("@")[0]
    name = "Grace Brewster Hopper"
    for password, expected in ((f"{email}A", "contains-email"), (f"{local.title()}1", "contains-email"),
                               ("Brewster1", "contains-name"), ("GraceBrewsterHopper7", "contains-name"),
                               ("Hopper-12", "contains-name"), ("My-Shop77", "contains-site"),
                               ("Accounts.My-Shop.Example1", "contains-site"),
                               ("MyShop12!", "contains-site")):
        assert blamed(counted.api, password, email, name) == [expected], password
    for password in ("Brewster1906", "Xq7!Hopper", "MyShop2026"):
        taken(counted.api, password, f"grace.{new_email()}", name)
    # another user's names are nobody else's business
    taken(counted.api, "Brewster1", name="Ada Lovelace")


def test_each_rule_has_its_code(counted):
    assert blamed(counted.api, "short") == ["too-short", "needs-upper", "needs-digit",
                                            "common-password"]
    assert blamed(counted.api, "ABCD") == ["too-short", "needs-lower", "needs-digit"]
    assert blamed(counted.api, "Aa1" + "x" * 126) == ["too-long"]
    answer = counted.api.register("lovelace@example.com", password="Lovelace1", name="Lovelace")
    assert codes(answer) == ["contains-email", "contains-name"]
    for error in answer.json()["errors"]:
        assert "must have at least 4 characters" in error["detail"]
    # beside faults that the contract finds
    answer = counted.api.post("/auth/register", {"email": new_email(), "password": "Password1",
                                                 "name": "Ada", "role": "admin"})
    assert codes(answer) == ["common-password"] and codes(answer, "/role")


def test_only_new_passwords_are_looked_at(make_service):
    """Rules that came later lock nobody out."""
    service = make_service(extra=["AuthSvcPasswordBlocklist Off"])
    email = new_email()
    assert service.api.register(email, password="Password1").status_code == 201
    service.httpd.main = [line for line in service.httpd.main if "Blocklist" not in line]
    service.httpd.main.append("AuthSvcPasswordPolicy nist")
    service.httpd.graceful()
    api = service.new_api()
    assert api.login(email, "Password1").status_code == 200
    assert blamed(api, "Password1") == ["too-short", "common-password"]
    api.close()


# ---- policies, by name and by single directives

@pytest.fixture(scope="module")
def hosts(engine):
    """Virtual hosts of one main server that says something of passwords, too."""
    httpd = Httpd()
    database = engine.new_database()
    lines = service_lines(httpd, database, f"{httpd.origin}/api/v1")
    lines += ["AuthSvcPasswordCost 64K 1"]
    (httpd.root / "main.txt").write_text("Of-The-Main-Server-1\n", encoding="ascii")
    (httpd.root / "host.txt").write_text("Of-This-Host-1234567\n", encoding="ascii")
    httpd.main = [*lines, *mount_lines(), "AuthSvcPasswordRequire digit",
                  "AuthSvcPasswordBlocklist main.txt"]
    httpd.vhosts = [
        ("inherits.example", []),
        ("nist.example", ["AuthSvcPasswordPolicy NIST"]),
        ("before.example", ["AuthSvcPasswordLength 10 20", "AuthSvcPasswordPolicy nist"]),
        ("after.example", ["AuthSvcPasswordPolicy nist", "AuthSvcPasswordLength 10 20",
                           "AuthSvcPasswordRequire none"]),
        ("own.example", ["AuthSvcPasswordBlocklist host.txt"]),
        ("on.example", ["AuthSvcPasswordBlocklist On"]),
        ("off.example", ["AuthSvcPasswordBlocklist Off"]),
    ]
    made = Service(engine, database=database, start=False)
    made.httpd.destroy()
    made.httpd = httpd
    httpd.start()
    yield made
    made.destroy()


def host(hosts, name):
    hosts.api.close()
    hosts.api = type(hosts.api)(hosts.httpd.origin, host=name)
    return hosts.api


@pytest.mark.parametrize("name, shortest, longest, require", [
    ("inherits.example", 8, 128, ["digit"]), ("nist.example", 15, 256, ["digit"]),
    ("before.example", 10, 20, ["digit"]), ("after.example", 10, 20, [])])
def test_single_directives_override_the_policy(hosts, name, shortest, longest, require):
    """In any order, and from the main server into virtual hosts."""
    api = host(hosts, name)
    rules = api.get("/openapi.json").json()["components"]["schemas"]["RegisterRequest"]["properties"][
        "password"]
    assert (rules["minLength"], rules["maxLength"]) == (shortest, longest)
    assert rules["x-authsvc-password-requires"] == require
    good = "x7-" * 100
    assert blamed(api, good[:shortest - 1]) == ["too-short"]
    taken(api, good[:shortest])
    taken(api, good[:longest])
    assert blamed(api, good[:longest + 1]) == ["too-long"]
    letters = ("xyz-" * 100)[:shortest]
    if require:
        assert blamed(api, letters) == ["needs-digit"]
    else:
        taken(api, letters)


@pytest.mark.parametrize("name, refused, accepted", [
    ("inherits.example", ["Of-The-Main-Server-1", "password1"], ["Of-This-Host-1234567"]),
    ("own.example", ["Of-This-Host-1234567", "password1"], ["Of-The-Main-Server-1"]),
    ("on.example", ["password1"], ["Of-This-Host-1234567", "Of-The-Main-Server-1"]),
    ("off.example", [], ["Of-This-Host-1234567", "Of-The-Main-Server-1", "password1", "lovelace1"])])
def test_lists_of_virtual_hosts(hosts, name, refused, accepted):
    api = host(hosts, name)
    for password in refused:
        assert blamed(api, password) == ["common-password"], password
    for password in accepted:
        taken(api, password)


def test_nist_policy(make_service):
    api = make_service(extra=["AuthSvcPasswordPolicy nist"]).api
    for password in ("correct horse bat", " " * 15, "\U0001f600" * 15, "密码" * 8, "1" * 15, "e\u0301" * 8,
                     "y" * 256):
        taken(api, password)
    assert blamed(api, "Xq7!Xq7!Xq7!X1") == ["too-short"]
    assert blamed(api, "\U0001f600" * 14) == ["too-short"]
    assert blamed(api, "y" * 257) == ["too-long"]
    assert blamed(api, "LovelaceLovelace") == ["contains-name"]


# ---- what is not computed, and what is not cut

def test_refused_passwords_cost_no_hash(counted):
    """P8: neither at registration nor, where nobody can have such a password, at login."""
    api = counted.api
    email = api.new_user()["user"]["email"]
    before = counted.hashes()
    for password in ("short", "Password1", "Lovelace1", "Aa1" + "x" * 126, "Aa1" + "x" * 1022,
                     "Aa1" + "x" * 50000, "Aa1aaaa\u0000", "Aa1" + "\U0001f600" * 1022):
        assert api.register(new_email(), password=password).status_code == 400
    for password in ("x" * 1025, "x" * 60000, "\U0001f600" * 1025, "Nul-\u0000-7"):
        problem(api.login(email, password), 400, "validation")
    start = time.monotonic()
    for call in (api.register, api.login):
        assert call(email, password="x" * 2 ** 20).status_code == 413
    assert time.monotonic() - start < 1
    assert counted.hashes() == before
    problem(api.login(email, "x" * 1024), 401, "invalid-credentials")
    assert counted.hashes() == before + 1, "the control: hashes are counted"


def test_nothing_is_cut_off(counted):
    """P1: a password of the greatest length, and one code point more or less."""
    for longest in ("Aa1" + "\U0001f600" * 125, "Aa1" + "e\u0301" * 62 + "x", "Aa1" + "y" * 125):
        email = new_email()
        assert counted.api.register(email, password=longest).status_code == 201
        for wrong in (longest + "y", longest[:-1], longest + "\u0301", longest + " "):
            problem(counted.api.login(email, wrong), 401, "invalid-credentials")
        assert counted.api.login(email, longest).status_code == 200


def test_salts_differ(counted):
    """P5: the same password twice is two hashes, of Argon2id and of the cost that is set."""
    rows = []
    for _ in range(20):
        email = new_email()
        counted.api.register(email, password="Same-For-All-7")
        rows += counted.database.query(f"SELECT password_hash FROM users WHERE email = '{email}'")
    assert len(set(rows)) == 20
    for (text,) in rows:
        assert re.fullmatch(r"\$argon2id\$v=19\$m=64,t=1,p=1\$[\w+/]{22}\$[\w+/]{43}", text)


# ---- files: at start, in configtest, and in authsvcctl

@pytest.fixture
def case():
    engine = databases.SqliteEngine()
    httpd = Httpd()
    database = engine.new_database()
    httpd.main = [*service_lines(httpd, database, SITE), "AuthSvcPasswordCost 64K 1",
                  *mount_lines()]
    yield httpd, database
    httpd.destroy()
    engine.destroy()


@pytest.mark.parametrize("content, words", [
    (None, "No such file"), ("", "holds no password"), ("\n\n", "holds no password"),
    ("directory", "is a directory")])
def test_bad_lists_are_refused(case, content, words):
    httpd, _ = case
    httpd.main.append("AuthSvcPasswordBlocklist list.txt")
    path = httpd.root / "list.txt"
    if content == "directory":
        path.mkdir()
    elif content is not None:
        path.write_text(content, encoding="ascii")
    code, said = httpd.configtest()
    assert code != 0
    assert re.search(rf"AS0663: .*AuthSvcPasswordBlocklist: .*{path}.*{words}", said), said
    path.rmdir() if content == "directory" else path.unlink(missing_ok=True)
    path.write_text("good", encoding="ascii")
    assert httpd.configtest()[0] == 0


@pytest.mark.parametrize("lines, sentence", [
    (["AuthSvcPasswordPolicy strong"], "AuthSvcPasswordPolicy is seed"),
    (["AuthSvcPasswordPolicy"], "takes one argument"),
    (["AuthSvcPasswordBlocklist Off", "AuthSvcPasswordBlocklist On"], "Off excludes"),
    (["AuthSvcPasswordBlocklist list.txt", "AuthSvcPasswordBlocklist off"], "Off excludes"),
    (['AuthSvcPasswordBlocklist ""'], "takes one argument")])
def test_bad_lines_are_refused(case, lines, sentence):
    httpd, _ = case
    (httpd.root / "list.txt").write_text("good", encoding="ascii")
    httpd.main += lines
    code, said = httpd.configtest()
    assert code != 0 and sentence in said, said


@pytest.mark.skipif(not build.IS_ROOT, reason="somebody else can only be had by root")
def test_a_list_that_only_root_may_read(case):
    httpd, _ = case
    path = httpd.root / "list.txt"
    path.write_text("good", encoding="ascii")
    path.chmod(0o600)
    httpd.main.append("AuthSvcPasswordBlocklist list.txt")
    httpd.root.chmod(0o755)
    code, said = httpd.configtest(user=build.HTTPD_USER)
    assert code == 0 and re.search(r"AS0660: .*not checked", said), said


def test_a_million_lines(engine):
    """Read twice at start, by the parent, for all virtual hosts together; no child has a copy."""
    service = Service(engine, start=False)
    try:
        path = service.httpd.root / "million.txt"
        path.write_text("".join(f"Breached-{n:07}\n" for n in range(1000000)), encoding="ascii")
        service.httpd.main.append(f"AuthSvcPasswordBlocklist {path}")
        own = database_lines(service.database)
        service.httpd.vhosts = [("main.example", []), *(
            (f"host{n}.example", own) for n in range(8))]
        service.httpd.start()
        assert blamed(service.api, "Breached-0999999") == ["common-password"]
        taken(service.api, "Breached-1000000")
        path.unlink()  # nobody reads it any more
        api = service.new_api(host="host7.example")
        assert blamed(api, "Breached-0000000") == ["common-password"]
        api.close()
        for pid in service.httpd.children():
            own = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
            private = sum(map(int, re.findall(r"Private_\w+: +(\d+) kB", own)))
            assert private < 40 * 1024, own
    finally:
        service.destroy()


def create(httpd, email, password, *args, name="Ada Lovelace"):
    return build.ctl("user", "create", "--email", email, "--name", name, *args,
                     "--httpd", build.HTTPD, "--config", httpd.conf, stdin=password + "\n", check=False)


def test_authsvcctl_has_the_site_s_rules(case):
    httpd, database = case
    (httpd.root / "list.txt").write_text("Of-The-List-1\n", encoding="ascii")
    httpd.main.append("AuthSvcPasswordBlocklist list.txt")
    httpd.write()
    for password, sentence in (("Password1", "must not be one of"), ("Of-The-List-1", "must not be one of"),
                               ("Lovelace12", "beside those of the name"),
                               ("My-Shop12", "beside those of this site's name"),
                               ("Countess7", "beside those of the email address")):
        done = create(httpd, "countess@example.com", password)
        assert done.returncode == 1 and sentence in done.stderr, (password, done)
    assert create(httpd, "countess@example.com", "Fine-Words-4711").returncode == 0
    assert database.query("SELECT count(*) FROM users") == [("1",)]
    httpd.main[-1] = "AuthSvcPasswordBlocklist Off"
    httpd.write()
    assert create(httpd, "second@example.com", "Password1").returncode == 0


def test_authsvcctl_with_two_hosts_of_one_database(case):
    """They differ in their names alone: no host has to be chosen, and both names count."""
    httpd, database = case
    httpd.vhosts = [("one.example", [*database_lines(database), "AuthSvcIssuer https://first-shop.example/a"]),
                    ("two.example", [*database_lines(database), "AuthSvcIssuer https://second-shop.example/a"])]
    httpd.write()
    for password in ("First-Shop1", "Second-Shop1"):
        done = create(httpd, "ada@example.com", password)
        assert done.returncode == 1 and "this site's name" in done.stderr, done
    assert create(httpd, "ada@example.com", "Third-Shop1").returncode == 0


def test_reading_a_list_needs_little_memory():
    """The peak of `apache2 -t` with a million lines, beside that without."""
    engine = databases.SqliteEngine()
    httpd = Httpd()
    try:
        httpd.main = [*service_lines(httpd, engine.new_database(), SITE), *mount_lines()]
        path = httpd.root / "million.txt"
        path.write_text("".join(f"{n:x}-{n * 7919:014}\n" for n in range(1000000)), encoding="ascii")

        def peak():
            httpd.write()
            done = subprocess.run(["/usr/bin/env", "python3", "-c",
                                   "import resource, subprocess, sys; "
                                   "subprocess.run(sys.argv[1:], check=True, capture_output=True); "
                                   "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                                   build.HTTPD, "-f", str(httpd.conf), "-t"],
                                  capture_output=True, text=True, check=True)
            return int(done.stdout)

        without = peak()
        httpd.main.append("AuthSvcPasswordBlocklist million.txt")
        assert peak() - without < 24 * 1024
    finally:
        httpd.destroy()
        engine.destroy()
