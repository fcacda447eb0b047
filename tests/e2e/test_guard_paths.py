# SPDX-License-Identifier: Apache-2.0
"""AuthType AuthSvc holds whatever the path looks like and however sections are put together."""
import urllib.parse

import pytest

from guarded import (DENIED, SECRET, UNKNOWN_METHOD, ask, guard, guarded, lay_out, make_site, new_admin, new_token, opens,
                     refused, section)
from harness import raw
from harness.service import Service, bearer

ENGINES = ["sqlite"]

FOLDERS = ("members", "members/sub", "area", "area/inner", "dir", "open", "files", "any", "all",
           "none", "merge", "merge/and", "merge/or", "merge/off", "claims", "limit", "if")

LINES = [
    *guarded("/members"),
    # a Location that opens what lies in it, on purpose, and one that closes it again
    *guarded("/area"), *section('Location "/area/inner"', "Require authsvc-role admin"),
    # by the file system, so that no spelling of the URL matters
    *section('Directory "{root}/htdocs/dir"', *guard()),
    "Alias /other-name {root}/htdocs/dir",
    *section('Directory "{root}/htdocs/files"',
             *section('Files "secret.txt"', *guard(how="Require authsvc-role admin"))),
    *section('Location "/any"', *guard(how=None), *section(
        "RequireAny", "Require ip 192.0.2.1", "Require authsvc-role admin")),
    *section('Location "/all"', *guard(how=None), *section(
        "RequireAll", "Require valid-user", "Require authsvc-role admin")),
    *section('Location "/none"', *guard(how=None), *section(
        "RequireAll", "Require valid-user",
        *section("RequireNone", "Require authsvc-role admin"))),
    # not by Location: with Or, httpd lets in whom the Directory sections let in, too
    *section('Directory "{root}/htdocs/merge"', *guard()),
    *section('Directory "{root}/htdocs/merge/and"', "AuthMerging And",
             "Require authsvc-role admin"),
    *section('Directory "{root}/htdocs/merge/or"', "AuthMerging Or", "Require authsvc-role admin"),
    *section('Directory "{root}/htdocs/merge/off"', "AuthMerging Off",
             "Require authsvc-role admin"),
    *section('Location "/claims"', *guard(how=None), *section(
        "RequireAny", 'Require authsvc-claim "name:Ada %{HTTP:X-Name}"',
        "Require authsvc-claim sub:none role:admin")),
    *section('Location "/limit"', *guard(how=None), *section(
        "LimitExcept GET", "Require authsvc-role admin"), *section("Limit GET",
                                                                   "Require valid-user")),
    *section('Location "/if"', *guard(), *section(
        'If "%{REQUEST_METHOD} == \'GET\'"', "Require authsvc-role admin")),
]


@pytest.fixture(scope="module")
def site(engine):
    service = make_site(lambda **options: Service(engine, **options), *LINES, "Protocols h2c http/1.1",
                        folders=FOLDERS, modules=["rewrite", "http2"])
    service.user, service.admin = new_token(service), new_admin(service)
    service.httpd.allow(DENIED)
    yield service
    service.destroy()


@pytest.fixture(autouse=True)
def _denied(site):
    site.httpd.allow(DENIED, r"AH00127|AH00026|AH01630|AH10244", UNKNOWN_METHOD)


# What must not open, but may be another resource that is not there.
TRICKS = ["/members/secret.txt", "//members/secret.txt", "/members//secret.txt",
          "/./members/secret.txt", "/members/./secret.txt", "/x/../members/secret.txt",
          "/%6dembers/secret.txt", "/members/%73ecret.txt", "/members%2fsecret.txt",
          "/%2e/members/secret.txt", "/x/%2e%2e/members/secret.txt", "/members/%2e/secret.txt",
          "/members;x/secret.txt", "/members/secret.txt;x", "/members/secret.txt/",
          "/members/secret.txt.", "/members./secret.txt", "/Members/secret.txt",
          "/members/secret.txt?x=/open.txt", "/members/secret.txt#x", "/members/secret.txt%00",
          "/members/secret.txt%20", "/members\\secret.txt", "/members/sub/../secret.txt",
          "/open/..%2fmembers/secret.txt", "/open/../members/secret.txt", "/members/secret.txt//",
          "/open//../members/secret.txt", "/%%36dembers/secret.txt", "/members%5csecret.txt",
          "/members/secret.txt?AUTHSVC_ROLE=admin", "/members/", "/members"]


@pytest.mark.parametrize("path", TRICKS)
def test_no_spelling_opens(site, path):
    refused(site, path, status=(301, 400, 401, 403, 404))
    absolute = f"http://localhost:{site.httpd.port}{path}"
    refused(site, absolute, status=(301, 400, 401, 403, 404))
    # The spellings that are the file are opened by the token.
    plain = {"/members/secret.txt", "/./members/secret.txt", "/members/./secret.txt",
             "/x/../members/secret.txt", "/%6dembers/secret.txt", "/members/%73ecret.txt",
             "//members/secret.txt", "/members//secret.txt", "/members/"}
    if path in plain:
        assert SECRET.encode() in opens(site, path, site.user).body
        assert SECRET.encode() in opens(site, absolute, site.user).body


def test_http2(site):
    for path in ("/members/secret.txt", "//members/secret.txt", "/members/./secret.txt"):
        status, _, body = raw.h2_exchange(site.httpd.port, [], path=path, method="GET")
        assert status == 401 and SECRET.encode() not in body
    status, _, body = raw.h2_exchange(
        site.httpd.port, [("authorization", f"Bearer {site.user}")], path="/members/secret.txt",
        method="GET")
    assert (status, body) == (200, SECRET.encode())


def statuses(site, path, method="GET", fields=()):
    """Of nobody, a user and an admin."""
    return tuple(ask(site, path, token, method=method, fields=fields).status
                 for token in (None, site.user, site.admin))


@pytest.mark.parametrize("path, expected", [
    ("/open/secret.txt", (200, 200, 200)),
    ("/members/secret.txt", (401, 200, 200)),
    ("/members/sub/secret.txt", (401, 200, 200)),
    ("/area/secret.txt", (401, 200, 200)),
    ("/area/inner/secret.txt", (401, 403, 200)),
    ("/dir/secret.txt", (401, 200, 200)),
    ("/other-name/secret.txt", (401, 200, 200)),
    ("/other-name/", (401, 200, 200)),
    ("/files/index.html", (200, 200, 200)),
    ("/files/secret.txt", (401, 403, 200)),
    ("/any/secret.txt", (401, 403, 200)),
    ("/all/secret.txt", (401, 403, 200)),
    ("/none/secret.txt", (401, 200, 403)),
    ("/merge/secret.txt", (401, 200, 200)),
    ("/merge/and/secret.txt", (401, 403, 200)),
    ("/merge/or/secret.txt", (401, 200, 200)),
    ("/merge/off/secret.txt", (401, 403, 200)),
    ("/claims/secret.txt", (401, 403, 200)),
    ("/limit/secret.txt", (401, 200, 200)),
    ("/if/secret.txt", (401, 403, 200)),
])
def test_sections(site, path, expected):
    assert statuses(site, path) == expected


def test_values_by_expressions(site):
    assert statuses(site, "/claims/secret.txt", fields=["X-Name: Lovelace"]) == (401, 200, 200)
    assert statuses(site, "/claims/secret.txt", fields=["X-Name: Byron"]) == (401, 403, 200)


@pytest.mark.parametrize("line", ['"name:%{env:MATCH_OWNER}"', "name:%{env:MATCH_OWNER}",
                                  "sub:none name:%{env:MATCH_OWNER}"])
def test_what_an_expression_gives_is_one_value(make_service, line):
    """Whoever chooses a folder's name must not write a second claim into it."""
    site = make_site(make_service, *section('LocationMatch "^/home/(?<OWNER>[^/]+)"',
                                            *guard(how=f"Require authsvc-claim {line}")),
                     *section('LocationMatch "^/role/(?<ROLE>[^/]+)"',
                              *guard(how="Require authsvc-role %{env:MATCH_ROLE}")))
    root = site.httpd.root / "htdocs"
    site.httpd.allow(DENIED)
    token = new_token(site, name="Mallory")
    both = new_token(site, name='Alice" role:user "')
    for folder, name, status in (
            ("home", "Mallory", 200), ("home", "Alice", 403), ("home", "Alice role:user", 403),
            ("home", 'Alice" role:user "', 403), ("home", "x' role:user '", 403),
            ("role", "user", 200), ("role", "admin", 403), ("role", "admin user", 403)):
        lay_out(site.httpd, f"{folder}/{name}")
        path = f"/{folder}/{urllib.parse.quote(name)}/secret.txt"
        assert (root / folder / name).is_dir()
        assert ask(site, path, token).status == status, (folder, name)
        if folder == "home" and '"' in name:
            opens(site, path, both)


def test_limit(site):
    assert statuses(site, "/limit/secret.txt", method="POST") == (401, 403, 200)
    assert statuses(site, "/limit/secret.txt", method="FOO")[:2] == (401, 403)


def test_another_address_needs_no_token(make_service):
    """RequireAny with something that is fulfilled: the control of /any above."""
    site = make_site(make_service, *section('Location "/members"', *guard(how=None), *section(
        "RequireAny", "Require ip 127.0.0.1", "Require valid-user")))
    opens(site, "/members/secret.txt")


def test_plain_user(make_service):
    email = "ada.lovelace@example.com"
    site = make_site(make_service, *guarded("/members", "AuthSvcRemoteUser email",
                                            how=f"Require user {email}"))
    site.httpd.allow(DENIED)
    opens(site, "/members/secret.txt", new_token(site, email=email))
    refused(site, "/members/secret.txt", new_token(site), status=403)
    refused(site, "/members/secret.txt")


HTACCESS = """AuthType AuthSvc
AuthSvcRemoteUser email
Require authsvc-role admin
"""


def test_htaccess(make_service):
    def prepare(root):
        (root / "members" / ".htaccess").write_text(HTACCESS, encoding="ascii")
    site = make_site(make_service, *section('Directory "{root}/htdocs"',
                                            "AllowOverride AuthConfig"), prepare=prepare)
    site.httpd.allow(DENIED)
    refused(site, "/members/secret.txt")
    refused(site, "/members/secret.txt", new_token(site), status=403)
    opens(site, "/members/secret.txt", new_admin(site))


@pytest.mark.parametrize("line", ["AuthSvcIssuer https://evil.example/", "AuthSvcSigningKey /x",
                                  "AuthSvcSecretFile /x", "AuthSvcVerifyKey /x", "AuthSvc On",
                                  "AuthSvcCookie On", "Require authsvc-role root",
                                  "Require authsvc-claim roles:admin"])
def test_htaccess_has_no_say_in_keys(make_service, line):
    def prepare(root):
        (root / "members" / ".htaccess").write_text(f"{line}\n", encoding="ascii")
    site = make_site(make_service, *section('Directory "{root}/htdocs"', "AllowOverride All"),
                     prepare=prepare)
    site.httpd.allow(r"\.htaccess: ", r"AH00526|not allowed here|Require authsvc")
    assert ask(site, "/members/secret.txt").status == 500
    opens(site, "/open.txt")


@pytest.mark.parametrize("line", ["AuthSvcForwardToken payroll.example",
                                  "AuthSvcForwardToken Off", "AuthSvcForwardBearer On"])
def test_htaccess_has_no_say_in_what_is_handed_on(make_service, line):
    """Whoever may write one could take visitors' tokens, or have some signed for any backend."""
    def prepare(root):
        for folder, lines in (("members", line), ("told", "AuthSvcForwardHeaders On")):
            (root / folder / ".htaccess").write_text(f"{lines}\n", encoding="ascii")
    site = make_site(make_service, *section(
        'Directory "{root}/htdocs"', "AllowOverride AuthConfig", "AuthType AuthSvc",
        "Require valid-user", "AuthSvcForwardBearer Off"), *section(
            'Directory "{root}/htdocs/own"', line), folders=("members", "told", "own"),
        prepare=prepare)
    token = new_token(site)
    site.httpd.allow(r"\.htaccess: ", "not allowed here")
    refused(site, "/members/secret.txt", token, status=500)
    for folder in ("told", "own"):
        opens(site, f"/{folder}/secret.txt", token)


@pytest.mark.parametrize("rewrite", [
    # to the file, past every Location: that is why docs/guard.md guards files by Directory
    ["RewriteEngine On", "RewriteRule ^/in$ /members/secret.txt",
     *section('Directory "{root}/htdocs/members"', *guard())],
    ["RewriteEngine On", "RewriteRule ^/in$ /members/secret.txt [PT]"],
    ["RewriteEngine On", "RewriteRule ^/in$ /in2 [PT]",
     "Alias /in2 {root}/htdocs/members/secret.txt",
     *section('Directory "{root}/htdocs/members"', *guard())],
    [*section('Directory "{root}/htdocs"', "FallbackResource /members/secret.txt")],
    ["Action members /members/secret.txt virtual", "AcceptPathInfo On",
     *section('Location "/in"', "SetHandler members")],
    ["ErrorDocument 404 /members/secret.txt"],
])
def test_internal_redirects(make_service, rewrite):
    """Whatever sends a request to a guarded file sends it past the guard."""
    site = make_site(make_service, *guarded("/members"), *rewrite, modules=["rewrite", "actions"])
    by_error = rewrite[0].startswith("ErrorDocument")
    inside = {token: ask(site, "/in", token) for token in (None, new_token(site))}
    assert SECRET.encode() not in inside[None].body
    assert inside[None].status == (404 if by_error else 401)
    answer = inside.popitem()[1]
    assert SECRET.encode() in answer.body, answer.octets


def test_directory_index(make_service):
    """mod_dir asks for the index by a subrequest."""
    site = make_site(make_service, *section('Directory "{root}/htdocs/members"',
                                            *section('Files "index.html"', *guard())))
    refused(site, "/members/")
    refused(site, "/members/index.html")
    token = new_token(site)
    assert opens(site, "/members/", token).body == SECRET.encode()
    assert opens(site, "/members/secret.txt").body == SECRET.encode(), "the control"


PAGE = """<!--#include virtual="/members/secret.txt" -->
<!--#echo var="AUTHSVC_SUB" -->|<!--#echo var="REMOTE_USER" -->|<!--#echo var="AUTHSVC_ROLE" -->
"""


def members_page(site, token):
    return site.api.client.get("/members/page.shtml", headers=bearer(token)).text


def test_server_side_includes(make_service):
    """A page that includes what is guarded: with and without a guard of its own."""
    def prepare(root):
        for folder in ("pages", "members"):
            (root / folder / "page.shtml").write_text(PAGE, encoding="ascii")
    site = make_site(
        make_service, *guarded("/members"), *section('Directory "{root}/htdocs"',
                                                     "Options +Includes",
                                                     "SetOutputFilter INCLUDES"),
        modules=["include"], folders=("members", "pages"), prepare=prepare)
    site.httpd.allow(r"\[include:error\]")
    grant = site.api.new_user()
    token, user = grant["access_token"], grant["user"]["id"]
    assert SECRET.encode() not in opens(site, "/pages/page.shtml").body
    assert SECRET.encode() in opens(site, "/pages/page.shtml", token).body
    refused(site, "/members/page.shtml")
    answer = members_page(site, token)
    assert SECRET in answer
    assert f"{user}|{user}|user" in answer


def test_a_server_without_settings_does_not_open(make_service):
    """Only a .htaccess speaks of the guard there: nobody could know at the start."""
    service = make_service(start=False)
    root = lay_out(service.httpd, "members")
    (root / "members" / ".htaccess").write_text("AuthType AuthSvc\nRequire valid-user\n",
                                                encoding="ascii")
    service.httpd.modules.append("authz_user")
    service.httpd.vhosts = [("full.example", service.httpd.main), ("bare.example", [])]
    service.httpd.main = section('Directory "{root}/htdocs"', "AllowOverride AuthConfig")
    service.httpd.start()
    service.httpd.allow("AS0621")
    service.api.client.headers["Host"] = "full.example"
    token = new_token(service)
    assert ask(service, "/members/secret.txt", token, host="full.example").status == 200
    assert ask(service, "/members/secret.txt", host="full.example").status == 401
    refused(service, "/members/secret.txt", token, status=500, host="bare.example")
    refused(service, "/members/secret.txt", status=500, host="bare.example")


def test_a_server_that_only_guards(make_service):
    """No API there, the same accounts: its own directives, or the main server's."""
    service = make_service(start=False)
    httpd = service.httpd
    lay_out(httpd, "members")
    httpd.modules.append("authz_user")
    at = httpd.main.index('<Location "/api/v1">')
    httpd.main, mount = httpd.main[:at], httpd.main[at:]
    httpd.vhosts = [("api.example", mount), ("files.example", guarded("/members"))]
    httpd.start()
    service.api.client.headers["Host"] = "api.example"
    token = new_token(service)
    refused(service, "/members/secret.txt", host="files.example")
    opens(service, "/members/secret.txt", token, host="files.example")
    opens(service, "/members/secret.txt", host="api.example")
    assert service.api.client.get("/api/v1/health/live",
                                  headers={"Host": "files.example"}).status_code == 404
    assert service.api.client.get("/members/secret.txt", headers={
        **bearer("x"), "Host": "files.example"}).status_code == 401


def test_configtest_says_what_a_guarded_server_lacks(make_service):
    service = make_service(start=False)
    service.httpd.modules.append("authz_user")
    whole = service.httpd.main
    for lines, vhosts, wanted in (
            (guarded("/members"), [], "AS0625: AuthSvc in the main server"),
            ([], [("files.example", guarded("/members"))], "AS0525: AuthSvc in virtual host files"),
            (whole, [("files.example", guarded("/members"))], None)):
        service.httpd.main, service.httpd.vhosts = lines, vhosts
        code, said = service.httpd.configtest()
        if wanted:
            assert code != 0 and wanted in said, said
        else:
            assert code == 0, said
    for line, wanted in (("AuthSvcRemoteUser name", "sub"), ("AuthSvcLoginPage //x", "path"),
                         ("AuthSvcLoginPage https://x.example/", "path"),
                         ("AuthSvcForwardToken \"a b\"", "aud"),
                         ("Require authsvc-role", "roles"),
                         ("Require authsvc-role editor", "roles"),
                         ("Require authsvc-claim x:y", "NAME:VALUE"),
                         ("Require authsvc-claim role", "NAME:VALUE"),
                         ("Require authsvc-verified-email yes", "nothing else"),
                         ("Require authsvc-role %{", "")):
        service.httpd.main = [*whole, *guarded("/members", line)]
        service.httpd.vhosts = []
        code, said = service.httpd.configtest()
        assert code != 0 and wanted in said, (line, said)
