# SPDX-License-Identifier: Apache-2.0
"""Each page of docs/recipes/ runs as it stands: real clients, real servers behind it."""
import os
import re
import shutil
import subprocess

import pytest

from harness import build, databases, programs, raw, tokens
from harness.recipe import FOLDER, Page, Person, Site
from harness.service import PASSWORD

# All that is otherwise here than on the pages: ports, and where things are.
HERE = {
    "*:443": "127.0.0.1:{tls}",
    "/etc/letsencrypt/live/": "{root}/tls/",
    "/usr/local/share/mod_authsvc/": "{build}/conf/",
    "*:8080": "127.0.0.1:{plain}",
    "10.0.0.2": "127.0.0.1",
    "10.0.0.3:8080": "127.0.0.1:{inner}",
    "/var/lib/authsvc/accounts.db": "{database}",
    "host=/run/postgresql dbname=accounts user=www-data": "{accounts}",
    "host=/run/postgresql dbname=shop user=www-data": "{shop}",
    "/srv/": "{root}/srv/",
    "/run/php/php-fpm.sock": "{root}/php/fpm.sock",
    "127.0.0.1:3000": "127.0.0.1:{app}",
    '"127.0.0.1", 3000': '"127.0.0.1", {app}',
    "https://www.example.org/api/v1/.well-known/": "https://localhost:{tls}/api/v1/.well-known/",
}

# Says what it was sent, and sends away from /away to /here.
ECHO = """
import http.server

class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", "http://127.0.0.1:3000/here")
        self.end_headers()
        self.wfile.write(str(self.headers).encode())

http.server.ThreadingHTTPServer(("127.0.0.1", 3000), Echo).serve_forever()
"""

PAGES = {}


def page(name):
    """The page that a test is about."""
    def register(function):
        PAGES[name] = function
        return function
    return register


@pytest.fixture(scope="module")
def lite():
    made = databases.SqliteEngine()
    yield made
    made.destroy()


@pytest.fixture(scope="module")
def cluster():
    made = databases.Postgres()
    yield made
    made.destroy()


@pytest.fixture
def make_site():
    made = []

    def make(name, number=0, **places):
        made.append(Site(Page(name), HERE, number, **places))
        return made[-1]

    yield make
    failures = []
    for one in reversed(made):
        try:
            one.destroy()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


@pytest.fixture
def lite_site(lite, make_site):
    """A page's site on SQLite."""
    def make(name, **places):
        database = lite.new_database()
        site = make_site(name, database=database.params, **places)
        site.database = database
        return site

    return make


@pytest.fixture
def behind():
    """Keeps what stands behind a site, and stops it: behind(backend)."""
    kept = []

    def keep(backend):
        kept.append(backend)
        return backend

    yield keep
    for one in kept:
        one.stop()


def make_admin(person):
    person.site.database.set_role(person.id, "admin")
    return person.sign_in()


# ---- the pages as such

def names():
    return sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")


def test_each_page_is_run_and_listed():
    assert names() == sorted(PAGES)
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert sorted(set(re.findall(r"\]\(([\w-]+)\.md\)", index))) == names()


def test_nothing_else_is_replaced():
    """Each row of the table stands for something on a page."""
    texts = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md"))
    assert [row for row in HERE if row not in texts] == []


@pytest.mark.skipif(not build.IS_ROOT, reason="it makes www-data the owner")
def test_the_index_makes_a_database():
    """By the commands that it shows; httpd's user owns all of it."""
    folder = build.scratch("recipes")
    shutil.copy(build.BUILD / "authsvcctl", folder)  # the tree may be closed to that user
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    commands = next(block for block in re.findall(r"^```sh\n(.*?)^```$", index, re.S | re.M)
                    if "install -d" in block)
    commands = commands.replace("/var/lib/authsvc", f"{folder}/authsvc")
    subprocess.run(["bash", "-e", "-c", commands], check=True, cwd="/", timeout=60,
                   env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"})
    made = databases.SqliteDatabase(folder / "authsvc" / "accounts.db")
    assert made.query("SELECT count(*) FROM users") == [("0",)]
    assert {file.owner() for file in (made.path.parent, made.path)} == {build.HTTPD_USER}
    shutil.rmtree(folder)


# ---- each of them

@page("static-site")
def test_static_site(lite_site):
    site = lite_site("static-site")
    for path in ("/srv/www", "/srv/www/members", "/srv/www/members/admin"):
        site.write(f"{path}/index.html", f"<h1>{path}</h1>\n")
    site.httpd.start()
    ada = Person(site)
    site.httpd.allow(r"AH01631: ")
    site.check(ACCESS=ada.access, ADMIN_ACCESS=make_admin(Person(site)))

    # in a browser: to the login page, and back
    sent = site.curl("/members/?page=2", "-H", "Accept: text/html")
    assert sent.headers["location"].endswith("/login/?return_to=/members/%3Fpage%3D2")
    assert b"<title>Sign in</title>" in site.curl("/login/").body
    assert b"/srv/www/members" in ada.browse("/members/?page=2").body
    assert ada.browse("/members/admin/").status == 403
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    tried = re.search(r"^sign_in\(\).*?(?=^ADMIN)", index, re.S | re.M)[0]
    tried = tried.replace("ada@example.org", ada.email).replace("her password", PASSWORD)
    token = subprocess.run(["bash", "-c", tried + "echo $ACCESS"], env=site.environment(),
                           capture_output=True, text=True, timeout=60, check=True).stdout.strip()
    assert site.curl("/members/", "-H", f"Authorization: Bearer {token}").status == 200
    make_admin(ada)
    assert b"/srv/www/members/admin" in ada.browse("/members/admin/").body
    # signed out, it is over for both credentials
    answer = site.post("/api/v1/auth/logout", '{"refresh_token":"%s"}' % ada.refresh)
    assert answer.status == 204
    assert ada.get("/members/").status == 401
    assert ada.browse("/members/").status == 302


@page("php")
def test_php(lite_site, behind):
    site = lite_site("php")
    site.write("/srv/www/index.html", "<h1>site</h1>\n")
    site.write("/srv/www/members/index.php", site.page.block("php"))
    site.write("/srv/www/members/seen.php", "<?php print_r($_SERVER); print_r($_COOKIE);")
    behind(programs.php_fpm(site.root / "php"))
    site.httpd.start()
    ada = Person(site, "Ada \u00c5ngstr\u00f6m")
    site.check(ACCESS=ada.access)

    expected = f"Hello Ada \u00c5ngstr\u00f6m, {ada.email}\nuser id: {ada.id}\nnot an admin\n"
    for answer in (ada.get("/members/"), ada.browse("/members/index.php")):
        assert answer.status == 200 and answer.body.decode() == expected
    make_admin(ada)
    assert ada.browse("/members/").body.decode() == expected.replace("not an", "an")
    # the page sees who it is, and nothing that would let it, or a stranger, be somebody
    fields = ["-H", "AuthSvc-Sub: eve", "-H", "AUTHSVC_ROLE: admin", "-H", "Remote-User: eve",
              "-b", "theme=dark"]
    for seen in (ada.get("/members/seen.php", *fields), ada.browse("/members/seen.php", *fields)):
        assert f"[REMOTE_USER] => {ada.id}\n".encode() in seen.body
        assert b"[theme] => dark" in seen.body
        assert b"eve" not in seen.body and ada.access.encode() not in seen.body
    for args in ([], ["-b", "__Host-authsvc=x"], ["-H", "Authorization: Bearer x"]):
        refused = site.curl("/members/seen.php", *args)
        assert refused.status == 401 and b"SERVER" not in refused.body


@page("cgi")
def test_cgi(lite_site):
    site = lite_site("cgi")
    script = next(block for block in site.page.blocks("sh") if block.startswith("#!"))
    site.write("/srv/www/index.html", "<h1>site</h1>\n")
    site.write("/srv/cgi-bin/hello", script, mode=0o755)
    site.write("/srv/cgi-bin/echo", "#!/bin/sh\necho Content-Type: text/plain\necho\ncat\necho\n",
               mode=0o755)
    site.httpd.start()
    ada = Person(site)
    site.check(ACCESS=ada.access)

    for answer in (ada.get("/cgi-bin/hello"), ada.browse("/cgi-bin/hello")):
        assert answer.body.decode() == f"Hello Ada Lovelace, {ada.email} (user)\n"
    posted = ["-d", "a text", "-H"]
    answer = ada.browse("/cgi-bin/echo", *posted, "Origin: https://www.example.org")
    assert answer.body == b"a text\n"
    answer = ada.browse("/cgi-bin/echo", *posted, "Origin: https://evil.example")
    assert answer.status == 403 and b"a text" not in answer.body


@page("application")
def test_application(lite_site, behind):
    site = lite_site("application", app=build.free_port())
    program = site.write("/srv/app.py", site.page.block("python"))
    port = site.places["app"]
    behind(programs.application(program, port, SSL_CERT_FILE=str(site.root / "ca.pem")))
    site.httpd.start()
    ada = Person(site, "Ada \u00c5ngstr\u00f6m")
    site.check(ACCESS=ada.access)

    hello = f"Hello Ada \u00c5ngstr\u00f6m, {ada.email} (user, {ada.id})\n".encode()
    stray = ["-H", "X-AuthSvc-Token: stray", "-H", "x_authsvc_role: admin"]
    for answer in (ada.get("/app/x"), ada.browse("/app/"), ada.browse("/app/", *stray)):
        assert answer.status == 200 and answer.body == hello
    for path in ("/app//x", "/%61pp/", "/./app/", "//app/"):
        assert site.curl(path, "--path-as-is").status == 401, path
        assert ada.get(path, "--path-as-is").body == hello, path

    # past httpd, or with a token for something else, nobody is anybody
    def direct(token=None):
        fields = [f"X-AuthSvc-Token: {token}"] if token else []
        return raw.exchange(port, raw.request("GET", "/", [*fields, f"X-AuthSvc-Sub: {ada.id}"]))

    header, claims = tokens.parts(ada.access)
    identity = {**header, "typ": "authsvc-identity+jwt"}
    mine = tokens.Signer(next(site.path("authsvc/keys").glob(f"*-{header['kid'][:8]}.pem")))
    assert direct(mine.token(identity, {**claims, "aud": "app"})).body == hello
    build.ctl("key", "generate", "--alg", "RS256", site.root / "stranger.pem")
    stranger = tokens.Signer(site.root / "stranger.pem")
    for token in (None, "x", ada.access, mine.token(identity, {**claims, "aud": "other"}),
                  mine.token(header, {**claims, "aud": "app"}),
                  mine.token(identity, {**claims, "aud": "app", "iss": "https://other.example"}),
                  mine.token(identity, {**claims, "aud": "app", "exp": claims["iat"] - 1}),
                  stranger.token(identity, {**claims, "aud": "app"})):
        answer = direct(token)
        assert answer.status == 401 and b"Hello" not in answer.body


def test_what_an_application_is_sent(lite_site, behind):
    """The fields of the page's pitfalls, and neither the cookies nor the bearer token."""
    site = lite_site("application", app=build.free_port())
    behind(programs.application(site.write("/srv/echo.py", ECHO), site.places["app"]))
    site.httpd.start()
    ada = Person(site, "Ada \u00c5ngstr\u00f6m")
    said = re.search(r"The fields `X-AuthSvc-Sub`, (.*?) \(", site.page.text, re.S)[1]
    names = ["X-AuthSvc-Sub", *(f"X-AuthSvc{name}" for name in re.findall(r"`(-[\w-]+)`", said))]
    for seen in (ada.get("/app/"), ada.browse("/app/")):
        fields = dict(re.findall(r"^(.+?): (.*)$", seen.body.decode(), re.M))
        assert sorted(n for n in fields if "authsvc" in n.lower()) == \
            sorted([*names, "X-AuthSvc-Token"])
        assert fields["X-AuthSvc-Sub"] == ada.id and fields["X-AuthSvc-Role"] == "user"
        assert fields["X-AuthSvc-Name"] == "Ada %C3%85ngstr%C3%B6m"
        assert "Authorization" not in fields and "Cookie" not in fields
        assert ada.access not in seen.body.decode()
    assert ada.get("/app/away").headers["location"] == "https://www.example.org/app/here"


@page("subversion")
def test_subversion(lite_site):
    site = lite_site("subversion")
    repository = site.path("/srv/svn/project")
    repository.parent.mkdir(parents=True)
    subprocess.run(["svnadmin", "create", repository], check=True)
    for path in (repository, *repository.rglob("*")):
        build.give_to(path, build.HTTPD_USER)
    site.httpd.start()
    ada, eve = Person(site), Person(site, "Eve")
    site.httpd.allow(r"\[auth_basic:error\].* AH0161[478]: ")
    site.check(EMAIL=ada.email, PASSWORD=PASSWORD, ACCESS=ada.access)

    def svn(command, person, password=PASSWORD):
        command = site.for_svn(f"svn {command} --non-interactive --no-auth-cache "
                               f"--username {person.email} --password {password}")
        return subprocess.run(["bash", "-c", command], env=site.environment(), timeout=60,
                              capture_output=True, text=True, check=False)

    # a working copy, and who did what
    url, copy = "https://www.example.org/svn/project", site.root / "copy"
    assert svn(f"checkout {url}/trunk {copy}", eve).returncode == 0
    (copy / "hello.txt").write_text("hello\n", encoding="ascii")
    assert svn(f"add {copy}/hello.txt", eve).returncode == 0
    assert svn(f"commit -m Hello {copy}", eve, "wrong").returncode != 0
    assert svn(f"commit -m Hello {copy}", eve).returncode == 0
    assert svn(f"cat {url}/trunk/hello.txt", ada).stdout == "hello\n"
    authors = re.findall(r"^r\d+ \| (\S+) \|", svn(f"log {url}", ada).stdout, re.M)
    assert authors == [eve.email, ada.email]


@page("two-hosts")
def test_two_hosts(cluster, make_site):
    first, second = cluster.new_database(), cluster.new_database()
    site = make_site("two-hosts", **{
        name: cluster.conninfo(database.name, database.role).replace(" connect_timeout=2", "")
        for name, database in (("accounts", first), ("shop", second))})
    site.write("/srv/www/index.html", "<h1>the first</h1>\n")
    site.write("/srv/shop/index.html", "<h1>the second</h1>\n")
    site.httpd.start()
    ada, eve = Person(site), Person(site, "Eve", host="shop.example.net")
    site.check(ACCESS=ada.access)

    # each at home, by token and by cookie
    assert b"the first" in ada.get("/").body and b"the first" in ada.browse("/").body
    assert b"the second" in eve.get("/").body and b"the second" in eve.browse("/").body
    # and a stranger elsewhere
    ada.host, eve.host = eve.host, None
    for person in (ada, eve):
        answer = person.get("/")
        assert answer.status == 401 and b"<h1>" not in answer.body
        answer = site.curl("/", "-H", f"Cookie: __Host-authsvc={person.access}", host=person.host)
        assert answer.status == 401 and b"<h1>" not in answer.body
        login = '{"email":"%s","password":"%s"}' % (person.email, PASSWORD)
        assert site.post("/api/v1/auth/login", login, host=person.host).status == 401
        answer = site.post("/api/v1/auth/refresh", '{"refresh_token":"%s"}' % person.refresh,
                           host=person.host)
        assert answer.status == 401 and b"access_token" not in answer.body
    for database, person in ((first, ada), (second, eve)):
        assert database.query("SELECT email FROM users") == [(person.email,)]


@page("reverse-proxy")
def test_reverse_proxy(lite_site, make_site):
    inner = lite_site("reverse-proxy")
    inner.write("/srv/www/index.html", "<h1>site</h1>\n")
    inner.write("/srv/www/members/index.html", "<h1>members</h1>\n")
    inner.httpd.start()
    outer = make_site("reverse-proxy", number=1, inner=inner.plain)
    outer.httpd.start()
    ada = Person(outer)
    outer.check(ACCESS=ada.access)

    assert b"members" in ada.get("/members/").body and b"members" in ada.browse("/members/").body
    assert ada.browse("/members").headers["location"] == "https://www.example.org/members/"
    # the client's address, whatever it says it is
    mark = inner.httpd.mark()
    wrong = '{"email":"%s","password":"%s"}' % (ada.email, "Wrong-Horse-7")
    answer = outer.post("/api/v1/auth/login", wrong, "--interface", "127.0.0.5",
                        "-H", "X-Forwarded-For: 192.0.2.1", "-H", "X-Forwarded-Proto: http")
    assert answer.status == 401
    assert inner.httpd.log_since(mark, r"login-failed .*address=127\.0\.0\.5 ")

    # past the proxy: as the proxy, and as anybody else
    def past(source, *args):
        done = subprocess.run(
            ["curl", "-q", "-s", "-i", "--noproxy", "*", "--interface", source, *args,
             "-H", "Host: www.example.org", "-H", f"Authorization: Bearer {ada.access}",
             f"http://127.0.0.1:{inner.plain}/members/"],
            capture_output=True, timeout=30, check=True)
        return raw.RawAnswer(done.stdout)

    by_tls = ["-H", "X-Forwarded-Proto: https", "-H", "X-Forwarded-For: 192.0.2.7"]
    assert past("127.0.0.1", *by_tls).status == 200
    for answer in (past("127.0.0.9", *by_tls), past("127.0.0.1", *by_tls[2:]),
                   past("127.0.0.1", "-H", "X-Forwarded-Proto: http")):
        assert answer.status == 403 and b"tls-required" in answer.body
        assert b"members</h1>" not in answer.body
