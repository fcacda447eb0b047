# SPDX-License-Identifier: Apache-2.0
"""The mount holds against everything else that wants the request; virtual hosts never mix."""
import http.server
import json
import shutil
import subprocess
import threading

import pytest

from harness import build
from harness.httpd import CHEAP_COST, Httpd
from harness.service import (MOUNT, PASSWORD, Api, Service, database_lines, mount_lines,
                             new_email, service_lines)
from test_auth import problem


def whole_life(api):
    """All of a session; the control of every test here."""
    email = new_email()
    grant = api.new_user(email=email)
    assert api.login(email).status_code == 200
    assert api.me(grant["access_token"]).json()["email"] == email
    assert api.rename(grant["access_token"], {"name": "Grace"}).status_code == 200
    assert api.refresh(grant["refresh_token"]).status_code == 200
    assert api.logout(grant["refresh_token"]).status_code == 204
    assert api.get("/.well-known/jwks.json").status_code == 200
    problem(api.get("/nowhere"), 404, "not-found")


WORDPRESS = """# BEGIN WordPress
<IfModule mod_rewrite.c>
RewriteEngine On
RewriteRule .* - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]
RewriteBase /
RewriteRule ^index\\.php$ - [L]
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_FILENAME} !-d
RewriteRule . /index.php [L]
</IfModule>
# END WordPress
"""


def allow_override(root):
    return [f"<Directory {root}/htdocs>", "  AllowOverride All", "</Directory>"]


def test_wordpress_rewrite_in_htaccess(make_service):
    service = make_service(modules=["rewrite"], start=False)
    root = service.httpd.root
    service.httpd.main += allow_override(root)
    (root / "htdocs" / ".htaccess").write_text(WORDPRESS, encoding="ascii")
    (root / "htdocs" / "index.php").write_text("wordpress got it\n", encoding="ascii")
    service.httpd.start()
    assert service.api.client.get("/some/post").text == "wordpress got it\n", "control"
    whole_life(service.api)


def test_rewrite_in_the_main_server(make_service):
    service = make_service(modules=["rewrite"], main=[
        "RewriteEngine On", "RewriteRule ^ /index.html [L]"])
    assert service.api.client.get("/x").text == "<h1>site</h1>\n", "control"
    whole_life(service.api)


def test_fallback_resource(make_service):
    service = make_service(start=False)
    service.httpd.main += [f"<Directory {service.httpd.root}/htdocs>",
                           "  FallbackResource /index.html", "</Directory>"]
    service.httpd.start()
    assert service.api.client.get("/some/page").text == "<h1>site</h1>\n", "control"
    whole_life(service.api)


class Backend:
    """A server that remembers everything it is sent."""

    def __init__(self):
        backend = self
        self.seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                backend.seen.append(f"{self.requestline}\n{self.headers}".encode() + body)
                self.send_response(200)
                self.send_header("Content-Length", "8")
                self.end_headers()
                self.wfile.write(b"backend\n")

            do_POST = do_PATCH = do_HEAD = do_GET

            def log_message(self, *args):  # pylint: disable=arguments-differ
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.mark.parametrize("lines", [
    ["ProxyPass / http://127.0.0.1:{port}/"],
    ["<Location />", "  ProxyPass http://127.0.0.1:{port}/", "</Location>"],
    ["RewriteEngine On", "RewriteRule ^/(.*) http://127.0.0.1:{port}/$1 [P]"],
])
def test_proxy_pass_of_everything(make_service, lines):
    """The password never reaches the backend that gets everything else."""
    backend = Backend()
    try:
        service = make_service(modules=["proxy", "proxy_http", "rewrite"],
                               main=[line.replace("{port}", str(backend.port)) for line in lines])
        # the readiness probe of the harness went to the backend too
        whole_life(service.api)
        assert service.api.client.get("/other").text == "backend\n", "control"
        everything = b"".join(backend.seen)
        assert b"/other" in everything
        assert PASSWORD.encode() not in everything
        assert MOUNT.encode() not in everything
    finally:
        backend.close()


def test_real_directory_of_the_same_name(make_service):
    service = make_service(start=False)
    folder = service.httpd.root / "htdocs" / MOUNT.strip("/")
    (folder / "auth").mkdir(parents=True)
    for file in (folder / "index.html", folder / "auth" / "login", folder / "auth" / "index.html"):
        file.write_text("a file\n", encoding="ascii")
    (folder / ".htaccess").write_text("Require all denied\nSetHandler none\n", encoding="ascii")
    service.httpd.main += allow_override(service.httpd.root)
    service.httpd.start()
    whole_life(service.api)
    for path in ("", "/", "/index.html", "/auth", "/auth/"):
        problem(service.api.get(path), 404, "not-found")
    problem(service.api.get("/auth/login"), 405, "method-not-allowed")


@pytest.mark.parametrize("lines", [
    ["AliasMatch ^/api/(.*) {root}/htdocs/$1"], ["Alias /api {root}/htdocs"],
    ["RedirectMatch 302 ^/api/v1/auth http://evil.example/"],
    ["ScriptAlias /api/v1 {root}/htdocs"]])
def test_alias_and_redirect(make_service, lines):
    service = make_service(main=lines)
    if lines[0].startswith("RedirectMatch"):
        # mod_alias looks at fixup time too; whatever it does, the password is not served wrongly
        answer = service.api.request("POST", "/auth/login", check=False,
                                     json={"email": "a@example.com", "password": "x"})
        assert answer.status_code in (401, 302)
        return
    whole_life(service.api)


def test_nested_locations(make_service):
    """AuthSvc Off below the mount gives the path back to the site."""
    service = make_service(start=False, main=[
        '<Location "/api/v1/static">', "  AuthSvc Off", "</Location>",
        '<Location "/api">', '  Header set X-Site "yes"', "</Location>"])
    folder = service.httpd.root / "htdocs" / "api" / "v1" / "static"
    folder.mkdir(parents=True)
    (folder / "file.txt").write_text("site\n", encoding="ascii")
    service.httpd.start()
    whole_life(service.api)
    assert service.api.client.get("/api/v1/static/file.txt").text == "site\n"
    assert service.api.client.get("/api/v1/health/live").headers["x-site"] == "yes"
    assert service.api.client.get("/static.txt").status_code == 200
    assert service.api.client.get("/api/v1x/health/live").status_code == 404


@pytest.mark.parametrize("mount", ["/accounts", "/a/b/c/d", "/"])
def test_other_mounts(make_service, mount):
    service = make_service(mount=mount.rstrip("/"), start=False) if mount != "/" else None
    if service is None:
        service = make_service(start=False)
        service.httpd.main = [line.replace('<Location "/api/v1">', '<Location "/">')
                              for line in service.httpd.main]
        service.httpd.main += ['<Location "/static.txt">', "  AuthSvc Off", "</Location>"]
        service.api.mount = ""
    service.httpd.start()
    whole_life(service.api)


def test_satisfy_and_require_of_the_site_still_hold(make_service):
    """Access control of the admin applies to the mount too."""
    service = make_service(main=['<Location "/api/v1/auth/register">', "  Require all denied",
                                 "</Location>"])
    service.httpd.allow("client denied")
    answer = service.api.register(check=False)
    assert answer.status_code == 403
    assert service.api.login(new_email()).status_code == 401


# ---- virtual hosts

class Twins:
    """Two virtual hosts on one port: own issuers, keys, secrets, databases."""

    def __init__(self, engine, swap=()):
        self.httpd = Httpd()
        self.databases = {}
        vhosts = []
        for name, alg in (("a.example", "RS256"), ("b.example", "ES256")):
            database = engine.new_database()
            self.databases[name] = database
            lines = service_lines(self.httpd, database, f"https://{name}/api/v1", alg, name=name,
                                  extra=swap)
            vhosts.append((name, [*lines, CHEAP_COST, *mount_lines()]))
        self.httpd.vhosts = vhosts
        self.httpd.start()
        self.a = Api(self.httpd.origin, host="a.example")
        self.b = Api(self.httpd.origin, host="b.example")

    def destroy(self):
        self.a.close()
        self.b.close()
        self.httpd.destroy()


@pytest.fixture
def twins(engine):
    made = Twins(engine)
    yield made
    made.destroy()


def test_virtual_hosts_never_mix(twins):
    whole_life(twins.a)
    whole_life(twins.b)
    grants = {}
    for name, mine, other in (("a.example", twins.a, twins.b), ("b.example", twins.b, twins.a)):
        email = new_email()
        grant = grants[name] = mine.new_user(email=email)
        assert mine.me(grant["access_token"]).status_code == 200
        problem(other.me(grant["access_token"]), 401, "authentication")
        problem(other.refresh(grant["refresh_token"]), 401, "invalid-refresh-token")
        problem(other.login(email), 401, "invalid-credentials")
        assert other.logout(grant["refresh_token"]).status_code == 204
        assert mine.refresh(grant["refresh_token"]).status_code == 200, "and had no effect"
        assert other.register(email).status_code == 201, "the address is free there"
        count = twins.databases[name].query("SELECT count(*) FROM users")
        assert int(count[0][0]) >= 2
    keys = {name: {key["kid"] for key in api.get("/.well-known/jwks.json").json()["keys"]}
            for name, api in (("a", twins.a), ("b", twins.b))}
    assert not keys["a"] & keys["b"]
    for name, api in (("a.example", twins.a), ("b.example", twins.b)):
        assert api.get("/.well-known/openid-configuration").json()["issuer"] == \
            f"https://{name}/api/v1"
        assert api.get("/nowhere").json()["type"].startswith(f"https://{name}/api/v1/problems/")


def test_interleaved_virtual_hosts(twins):
    """Many requests of both on the same children and connections."""
    from harness.load import parallel  # pylint: disable=import-outside-toplevel
    users = {api: [api.new_user() for _ in range(4)] for api in (twins.a, twins.b)}

    def visit(api, grant):
        for _ in range(10):
            body = api.me(grant["access_token"]).json()
            assert body["id"] == grant["user"]["id"]
            assert api.login(grant["user"]["email"]).json()["user"]["id"] == grant["user"]["id"]

    parallel([lambda a=api, g=grant: visit(a, g) for api, grants in users.items()
              for grant in grants])


def test_main_server_and_virtual_hosts(engine):
    """A virtual host inherits what it does not set; one without a mount has none."""
    httpd = Httpd()
    base, own = engine.new_database(), engine.new_database()
    httpd.main = [*service_lines(httpd, base, "https://main.example/api/v1"), CHEAP_COST,
                  "AuthSvcPasswordLength 10 20"]
    httpd.vhosts = [
        ("main.example", mount_lines()),
        ("own.example", ["AuthSvcIssuer https://own.example/api/v1", "AuthSvcRegistration Off",
                         *database_lines(own), *mount_lines()]),
        ("plain.example", []),
    ]
    httpd.start()
    main, other, plain = (Api(httpd.origin, host=name)
                          for name in ("main.example", "own.example", "plain.example"))
    try:
        whole_life(main)
        problem(main.register(password="Abcdefg7"), 400, "validation")
        problem(other.register(), 403, "registration-closed")
        email = new_email()
        grant = main.new_user(email=email)
        problem(other.login(email), 401, "invalid-credentials")
        problem(other.me(grant["access_token"]), 401, "authentication")
        assert plain.request("GET", "/health/live", check=False).status_code == 404
        assert plain.client.get("/static.txt").status_code == 200
        assert own.query("SELECT count(*) FROM users") == [("0",)]
    finally:
        for api in (main, other, plain):
            api.close()
        httpd.destroy()


def test_virtual_hosts_that_differ_in_their_database_only(engine):
    """
    A virtual host with DBD settings of its own, and only the names in its tokens: its accounts go
    there. (Without such a name httpd does not start, see test_configtest.)
    """
    httpd = Httpd()
    databases = {name: engine.new_database() for name in ("main", "b.example", "c.example")}
    httpd.main = [*service_lines(httpd, databases["main"], "https://main.example/api/v1"),
                  CHEAP_COST, *mount_lines()]
    httpd.vhosts = [
        ("a.example", []),
        ("b.example", ["AuthSvcAudience b", *database_lines(databases["b.example"])]),
        ("c.example", ["AuthSvcIssuer https://c.example/api/v1",
                       *database_lines(databases["c.example"])]),
    ]
    httpd.start()
    try:
        for name, database in (("a.example", "main"), ("b.example", "b.example"),
                               ("c.example", "c.example")):
            before = {key: int(db.query("SELECT count(*) FROM users")[0][0])
                      for key, db in databases.items()}
            api = Api(httpd.origin, host=name)
            api.new_user()
            api.close()
            for key, db in databases.items():
                rows = int(db.query("SELECT count(*) FROM users")[0][0])
                assert rows == before[key] + (key == database), f"{name} wrote to {key}"
    finally:
        httpd.destroy()


def test_same_name_users_in_two_vhosts_keep_their_own_password(twins):
    email = new_email()
    assert twins.a.register(email, password="Password-of-a-1").status_code == 201
    assert twins.b.register(email, password="Password-of-b-1").status_code == 201
    problem(twins.a.login(email, "Password-of-b-1"), 401, "invalid-credentials")
    problem(twins.b.login(email, "Password-of-a-1"), 401, "invalid-credentials")
    assert twins.a.login(email, "Password-of-a-1").status_code == 200


def one_section_for_all(httpd, tenants):
    """One file with a <VirtualHost>, included for each tenant."""
    section = [f"<VirtualHost 127.0.0.1:{httpd.port}>", "ServerName ${NAME}",
               *tenant_lines(httpd, "${NAME}", "${PARAMS}"), "</VirtualHost>"]
    (httpd.root / "conf" / "vhost.inc").write_text("\n".join(section) + "\n", encoding="ascii")
    lines = []
    for name, params in tenants:
        lines += [f"Define NAME {name}", f'Define PARAMS "{params}"', "Include conf/vhost.inc"]
    return lines


def one_macro_for_all(httpd, tenants):
    """mod_macro: one <VirtualHost> in a macro, used for each tenant."""
    lines = ["<Macro Tenant $name $params>", f"<VirtualHost 127.0.0.1:{httpd.port}>",
             "ServerName $name", *tenant_lines(httpd, "$name", "$params"), "</VirtualHost>",
             "</Macro>"]
    return lines + [f'Use Tenant {name} "{params}"' for name, params in tenants]


def tenant_lines(httpd, name, params):
    """Only name and database differ: the same keys and secrets, which is the harder case."""
    return [f'DBDParams "{params}"', f"AuthSvcIssuer https://{name}/api/v1",
            f"AuthSvcSigningKey {httpd.key()}", f"AuthSvcSecretFile {httpd.secret()}", CHEAP_COST,
            *mount_lines()]


@pytest.mark.parametrize("configure", [one_section_for_all, one_macro_for_all])
def test_virtual_hosts_of_one_section_never_mix(engine, configure):
    """All of them have the same file and line."""
    httpd = Httpd(modules=["macro"])
    databases = {name: engine.new_database()
                 for name in ("a.example", "b.example", "c.example")}
    some = databases["a.example"]
    httpd.main = [line for line in database_lines(some) if not line.startswith("DBDParams")]
    httpd.main += configure(httpd, [(name, database.params)
                                    for name, database in databases.items()])
    httpd.write()
    done = subprocess.run([build.HTTPD, "-f", str(httpd.conf), "-t", "-D", "DUMP_AUTHSVC"],
                          capture_output=True, text=True, check=True, env=httpd.environment())
    shown = [json.loads(line.partition(" ")[2]) for line in done.stdout.splitlines()
             if line.startswith("authsvc-server: ")]
    assert {each["server"]: each["params"] for each in shown if not each["main"]} == \
        {name: database.params for name, database in databases.items()}
    httpd.start()
    apis = {name: Api(httpd.origin, host=name) for name in databases}
    try:
        emails = {}
        for name, api in apis.items():
            whole_life(api)
            emails[name] = api.new_user()["user"]["email"]
        for name, database in databases.items():
            for other, email in emails.items():
                assert apis[name].login(email).status_code == (200 if other == name else 401)
                count = database.query(f"SELECT count(*) FROM users WHERE email = '{email}'")
                assert count == [("1" if other == name else "0",)]
    finally:
        for api in apis.values():
            api.close()
        httpd.destroy()


FOREIGN = """
#include <httpd.h>
#include <http_config.h>
#include <apr_dbd.h>
#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <mod_dbd.h>

/* As if mod_dbd had taken the parameters from elsewhere. */
static apr_status_t alter(apr_pool_t *pool, dbd_cfg_t *config, ap_dbd_t *dbd)
{
    config->params = apr_pstrcat(dbd->pool, config->params, SUFFIX, NULL);
    return APR_SUCCESS;
}

static void hooks(apr_pool_t *pool)
{
    APR_OPTIONAL_HOOK(dbd, post_connect, alter, NULL, NULL, APR_HOOK_FIRST);
}

module AP_MODULE_DECLARE_DATA foreign_module = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, hooks, 0};
"""


@pytest.mark.parametrize("suffix", ["", " "])
def test_a_connection_to_elsewhere_is_not_used(make_service, suffix):
    """What mod_dbd says of a connection must be what the configuration tree says."""
    service = make_service(start=False)
    root = service.httpd.root
    (root / "mod_foreign.c").write_text(FOREIGN, encoding="ascii")
    apxs = shutil.which("apxs") or shutil.which("apxs2")
    flags = subprocess.run([apxs, "-q", "INCLUDEDIR"], capture_output=True, text=True, check=True)
    apr = subprocess.run(["apr-1-config", "--includes", "--cppflags"], capture_output=True,
                         text=True, check=True)
    subprocess.run(["cc", "-shared", "-fPIC", f'-DSUFFIX="{suffix}"', *apr.stdout.split(),
                    f"-I{flags.stdout.strip()}", "-o", str(root / "mod_foreign.so"),
                    str(root / "mod_foreign.c")], check=True)
    service.httpd.main.insert(0, f"LoadModule foreign_module {root}/mod_foreign.so")
    service.httpd.start()
    if not suffix:
        whole_life(service.api)
        return
    service.httpd.allow("AS0572", "AS0500", "AS0230")
    problem(service.api.register(), 503, "unavailable")
    problem(service.api.get("/health/ready"), 503, "not-ready")
    lines = service.httpd.log_since(0, r":crit\].*AS0572")
    assert lines
    assert service.database.params not in "".join(lines)
    assert service.database.query("SELECT count(*) FROM users") == [("0",)]


# ---- keys and privileges

def test_keys_are_read_as_root(service):
    """0600 files of root in a 0700 directory: the httpd user cannot read them, and need not."""
    keys = service.httpd.root / "keys"
    assert keys.stat().st_mode & 0o777 == 0o700
    for file in keys.iterdir():
        assert file.stat().st_mode & 0o777 == 0o600
    assert service.api.new_user()


def test_module_does_nothing_without_a_mount(engine):
    """Loaded, not configured: the site is as it was."""
    del engine
    httpd = Httpd()
    httpd.start()
    api = Api(httpd.origin)
    assert api.client.get("/static.txt").status_code == 200
    assert api.client.get(MOUNT + "/health/live").status_code == 404
    api.close()
    httpd.destroy()


def test_password_is_not_in_the_environment_of_scripts(make_service):
    """What a CGI on the same server sees has nothing of ours."""
    service = make_service(modules=["cgid"], start=False, main=[
        "ScriptSock cgisock", "<Directory {root}/htdocs/cgi>", "  Options +ExecCGI",
        "  SetHandler cgi-script", "</Directory>"])
    folder = service.httpd.root / "htdocs" / "cgi"
    folder.mkdir()
    script = folder / "env"
    script.write_text("#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nenv\n",
                      encoding="ascii")
    script.chmod(0o755)
    service.httpd.start()
    token = service.api.new_user()["access_token"]
    answer = service.api.client.get("/cgi/env", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200 and "GATEWAY_INTERFACE" in answer.text
    assert token not in answer.text
    assert json.dumps(PASSWORD) not in answer.text
