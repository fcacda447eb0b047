# SPDX-License-Identifier: Apache-2.0
"""What CGI programs, FastCGI and HTTP backends learn of who it is, and what nobody can make them
believe."""
import base64
import json
import time
import urllib.parse

import jwt
import pytest

from guarded import SECRET, ask, guarded, make_site, new_token, opens, refused, section
from harness.backends import FcgiBackend, HttpBackend
from harness.service import PASSWORD, Service, bearer
from test_auth import problem

ENGINES = ["sqlite"]

ENV_PROGRAM = """#!/usr/bin/python3
import json, os
print("Content-Type: application/json\\n\\n" + json.dumps(dict(os.environ)))
"""

# Every way to spell them that httpd lets through, or turns into the same name for a backend.
SPOOFS = ["X-AuthSvc-Sub: evil", "x-authsvc-sub: evil", "X_AuthSvc_Sub: evil",
          "X-AuthSvc_Role: admin", "X_AUTHSVC_ROLE: admin", "X-AUTHSVC-EMAIL: evil",
          "X.AuthSvc.Sid: evil", "X-AuthSvc-Token: evil", "X-AuthSvc-Anything: evil",
          "AuthSvc-Role: admin", "AUTHSVC_ROLE: admin", "Authsvc_Sub: evil", "Remote-User: evil",
          "REMOTE_USER: evil", "X-Remote-User: evil", "X_Remote_User: evil",
          "X-AuthSvc-Email-Verified: true", "X!AuthSvc!Name: evil"]

BASIC = ["AuthType Basic", 'AuthName "site"', "AuthBasicProvider authsvc", "Require valid-user"]
NOBODY = ["RequireAny", "Require ip 127.0.0.1", "Require valid-user"]


def basic(email, password=PASSWORD):
    return f"Authorization: Basic {base64.b64encode(f'{email}:{password}'.encode()).decode()}"


@pytest.fixture(scope="module")
def backends():
    made = HttpBackend(), FcgiBackend()
    yield made
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def site(engine, backends):
    http, fcgi = (one.port for one in backends)

    def prepare(root):
        for folder in ("cgi", "opencgi"):
            program = root / folder / "env.cgi"
            program.write_text(ENV_PROGRAM, encoding="ascii")
            program.chmod(0o755)

    lines = [
        f"ProxyPass /open/http http://127.0.0.1:{http}/",
        f"ProxyPass /plain/http http://127.0.0.1:{http}/",
        f"ProxyPass /told/http http://127.0.0.1:{http}/",
        f"ProxyPass /signed/http http://127.0.0.1:{http}/",
        f"ProxyPass /own/http http://127.0.0.1:{http}/",
        f"ProxyPass /open/fcgi fcgi://127.0.0.1:{fcgi}/",
        f"ProxyPass /told/fcgi fcgi://127.0.0.1:{fcgi}/",
        *guarded("/plain"),
        *guarded("/told", "AuthSvcForwardHeaders On", "AuthSvcForwardBearer Off"),
        *guarded("/signed", "AuthSvcForwardToken backend.example"),
        *guarded("/own", "AuthSvcForwardToken https://own.example"),
        *section('Directory "{root}/htdocs"', "Options +ExecCGI", "AddHandler cgi-script .cgi"),
        *guarded("/cgi", "AuthSvcForwardHeaders On"),
        "AuthSvcAudience https://own.example", "ScriptSock cgisock",
    ]
    service = make_site(lambda **options: Service(engine, **options), *lines,
                        modules=["proxy", "proxy_http", "proxy_fcgi", "cgid"],
                        folders=("cgi", "opencgi"), prepare=prepare)
    yield service
    service.destroy()


def fields_of(answer):
    """What an HTTP backend was sent: lower-case name to list of values."""
    assert answer.status == 200, answer.octets
    found = {}
    for name, value in json.loads(answer.body):
        found.setdefault(name.lower(), []).append(value)
    return found


def environment_of(site, path, token=None, fields=()):
    headers = [tuple(field.split(": ", 1)) for field in fields]
    if token:
        headers += list(bearer(token).items())
    answer = site.api.client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_nothing_is_told_unasked(site):
    fields = fields_of(ask(site, "/plain/http", new_token(site)))
    assert not [name for name in fields if "authsvc" in name]
    assert "authorization" in fields, "as httpd does"


def test_header_fields(site):
    grant = site.api.new_user(name="Ada Öz \"L\" 100%")
    user = grant["user"]
    fields = fields_of(ask(site, "/told/http", grant["access_token"]))
    assert fields["x-authsvc-sub"] == [user["id"]]
    assert fields["x-authsvc-email"] == [user["email"]]
    assert fields["x-authsvc-email-verified"] == ["false"]
    assert fields["x-authsvc-role"] == ["user"]
    assert len(fields["x-authsvc-sid"][0]) == 36
    name = fields["x-authsvc-name"][0]
    assert name == 'Ada %C3%96z "L" 100%25' and urllib.parse.unquote(name) == user["name"]
    assert "authorization" not in fields
    refused(site, "/told/http")


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
@pytest.mark.parametrize("area", ["open", "plain", "told", "signed"])
def test_spoofed_fields_never_arrive(site, area, method):
    token = new_token(site)
    answer = ask(site, f"/{area}/http", token, method=method,
                 fields=[*SPOOFS, "X-Other: stays", "X-AuthSvcx: stays"], body=b"x")
    fields = fields_of(answer)
    assert fields["x-other"] == fields["x-authsvcx"] == ["stays"], "the control"
    assert "evil" not in json.dumps(fields) and "admin" not in json.dumps(fields)
    for name, values in fields.items():
        assert len(values) == 1, name


@pytest.mark.parametrize("path", ["/open/fcgi", "/told/fcgi", "/cgi/env.cgi",
                                  "/opencgi/env.cgi"])
def test_spoofed_fields_never_arrive_in_an_environment(site, path):
    variables = environment_of(site, path, new_token(site), [*SPOOFS, "X-Other: stays"])
    assert variables["HTTP_X_OTHER"] == "stays", "the control"
    assert "evil" not in json.dumps(variables)
    assert "admin" not in [value for name, value in variables.items() if "AUTHSVC" in name]


@pytest.mark.parametrize("path", ["/told/fcgi", "/cgi/env.cgi"])
def test_environment(site, path):
    grant = site.api.new_user(name="Ada Öz")
    user = grant["user"]
    variables = environment_of(site, path, grant["access_token"])
    assert variables["REMOTE_USER"] == variables["AUTHSVC_SUB"] == user["id"]
    assert variables["AUTH_TYPE"] == "AuthSvc"
    assert variables["AUTHSVC_EMAIL"] == user["email"]
    assert variables["AUTHSVC_EMAIL_VERIFIED"] == "false"
    assert variables["AUTHSVC_ROLE"] == "user"
    assert len(variables["AUTHSVC_SID"]) == 36
    assert variables["AUTHSVC_NAME"].encode("latin-1" if "fcgi" in path else "utf-8").decode() \
        == "Ada Öz"
    assert variables["HTTP_X_AUTHSVC_SUB"] == user["id"]
    assert "HTTP_AUTHORIZATION" not in variables
    if "cgi/env" in path:
        bare = environment_of(site, "/opencgi/env.cgi", grant["access_token"])
        assert not [name for name in bare if "AUTHSVC" in name or name == "REMOTE_USER"]


def test_a_signed_token_is_checked_by_the_jwks(site):
    grant = site.api.new_user()
    fields = fields_of(ask(site, "/signed/http", grant["access_token"]))
    token = fields["x-authsvc-token"][0]
    key = jwt.PyJWKClient(f"{site.issuer}/.well-known/jwks.json").get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key.key, algorithms=["RS256"], audience="backend.example",
                        issuer=site.issuer)
    assert (claims["sub"], claims["role"]) == (grant["user"]["id"], "user")
    assert claims["exp"] - claims["iat"] == 60 and claims["exp"] > time.time()
    assert jwt.get_unverified_header(token)["typ"] == "authsvc-identity+jwt"
    seen = {token}
    for _ in range(20):
        seen.update(fields_of(ask(site, "/signed/http", grant["access_token"]))["x-authsvc-token"])
    assert len(seen) <= len(site.httpd.children()), "signed once by each process"
    other = fields_of(ask(site, "/signed/http", site.api.login(
        grant["user"]["email"]).json()["access_token"]))
    assert other["x-authsvc-token"] != [token]


def test_the_token_for_backends_opens_nothing(site):
    access = new_token(site)
    token = fields_of(ask(site, "/signed/http", access))["x-authsvc-token"][0]
    for path in ("/plain/http", "/signed/http"):
        refused(site, path, token)
    problem(site.api.me(token), 401, "authentication")
    assert ask(site, "/plain/http", access).status == 200
    assert site.api.me(access).status_code == 200


def test_our_own_audience_is_no_backends(site):
    site.httpd.allow("AS0622: status 500")
    answer = ask(site, "/own/http", new_token(site))
    assert answer.status == 500
    assert b"internal" in answer.body and b"x-authsvc" not in answer.body.lower()


def test_redirected_and_included(make_service, backends):
    """Internal redirects and subrequests judge the request as it came, whatever was hidden."""
    port = backends[0].port

    def prepare(root):
        (root / "pages" / "page.shtml").write_text(
            '<!--#include virtual="/told/http" -->\n', encoding="ascii")
    site = make_site(
        make_service, f"ProxyPass /told/http http://127.0.0.1:{port}/",
        *guarded("/told", "AuthSvcForwardHeaders On", "AuthSvcForwardBearer Off"),
        *guarded("/pages", "AuthSvcForwardBearer Off"),
        *section('Directory "{root}/htdocs/pages"', "Options +Includes",
                 "SetOutputFilter INCLUDES"),
        "RewriteEngine On", "RewriteRule ^/in$ /told/http [PT]",
        modules=["proxy", "proxy_http", "include", "rewrite"], folders=("pages",),
        prepare=prepare)
    grant = site.api.new_user()
    for path in ("/pages/page.shtml", "/in"):
        refused(site, path, fields=["X-AuthSvc-Sub: evil"])
        answer = site.api.client.get(path, headers={**bearer(grant["access_token"]),
                                                    "X-AuthSvc-Sub": "evil"})
        assert answer.status_code == 200
        fields = dict(json.loads(answer.text))
        assert fields["X-AuthSvc-Sub"] == grant["user"]["id"], path
        assert "evil" not in answer.text and "Authorization" not in fields


def test_an_included_backend_is_told_nothing_of_the_page(make_service, backends):
    """Neither behind no guard, nor behind one that forwards nothing."""
    port = backends[0].port

    def prepare(root):
        for name in ("open", "plain", "told"):
            (root / "pages" / f"{name}.shtml").write_text(
                f'<!--#include virtual="/{name}/http" -->\n', encoding="ascii")
    site = make_site(
        make_service, *(f"ProxyPass /{name}/http http://127.0.0.1:{port}/"
                        for name in ("open", "plain", "told")),
        *guarded("/plain"), *guarded("/told", "AuthSvcForwardHeaders On"),
        *guarded("/pages", "AuthSvcForwardHeaders On", "AuthSvcForwardToken page.example"),
        *section('Directory "{root}/htdocs/pages"', "Options +Includes",
                 "SetOutputFilter INCLUDES"),
        modules=["proxy", "proxy_http", "include"], folders=("pages",), prepare=prepare)
    grant = site.api.new_user()
    for name, told in (("open", False), ("plain", False), ("told", True)):
        answer = site.api.client.get(f"/pages/{name}.shtml", headers=bearer(grant["access_token"]))
        assert answer.status_code == 200
        fields = {field.lower(): value for field, value in json.loads(answer.text)}
        assert ("x-authsvc-sub" in fields) == told, (name, fields)
        assert "x-authsvc-token" not in fields, (name, fields)


def test_cookies_stay_here(make_service, backends):
    port = backends[0].port
    site = make_site(make_service, f"ProxyPass /plain http://127.0.0.1:{port}/",
                     f"ProxyPass /open http://127.0.0.1:{port}/", *guarded("/plain"),
                     "AuthSvcCookie On", modules=["proxy", "proxy_http"])
    token = new_token(site)
    cookie = f"Cookie: a=b; authsvc={token}; authsvc-refresh=asr1_x; c=d"
    for path in ("/plain", "/open"):
        fields = fields_of(ask(site, path, fields=[cookie]))
        assert fields["cookie"] == ["a=b; c=d"], path
        fields = fields_of(ask(site, path, fields=[f"Cookie: authsvc={token}"]))
        assert "cookie" not in fields


def test_the_cookie_opens(make_service):
    site = make_site(make_service, *guarded("/members"), "AuthSvcCookie On")
    token, other = new_token(site), new_token(site)
    cookie = [f"Cookie: authsvc={token}"]
    assert ask(site, "/members/secret.txt", fields=cookie).status == 200
    assert ask(site, "/members/secret.txt", token, fields=cookie).status == 200
    refused(site, "/members/secret.txt", other, fields=cookie)
    refused(site, "/members/secret.txt", fields=[*cookie, "Authorization: Basic YTpi"])
    refused(site, "/members/secret.txt", fields=[*cookie, "Authorization: Bearer"])
    refused(site, "/members/secret.txt", fields=[f"Cookie: authsvc={token}; authsvc={other}"])
    refused(site, "/members/secret.txt", fields=[f"Cookie: __Host-authsvc={token}"])
    refused(site, "/members/secret.txt", fields=[f"Cookie: x=1, authsvc={token}"])
    refused(site, "/members/secret.txt", fields=["Cookie: authsvc=x.y.z"])
    # What changes something needs proof that a page of the site sent it.
    for fields, status in (([], 403), (["Sec-Fetch-Site: cross-site"], 403),
                           (["Origin: https://evil.example"], 403),
                           (["Sec-Fetch-Site: same-origin"], 200),
                           ([f"Origin: {site.httpd.origin}"], 200)):
        answer = ask(site, "/members/secret.txt", method="POST", fields=[*cookie, *fields])
        assert answer.status == status, fields
    assert ask(site, "/members/secret.txt", token, method="POST").status == 200


def test_without_cookie_mode_no_cookie_opens(make_service):
    site = make_site(make_service, *guarded("/members"))
    token = new_token(site)
    for name in ("authsvc", "__Host-authsvc"):
        refused(site, "/members/secret.txt", fields=[f"Cookie: {name}={token}"])
    assert ask(site, "/members/secret.txt", token).status == 200


def test_no_credential_arrives_where_nobody_had_to_sign_in(make_service, backends):
    anybody = section(*NOBODY)
    off = "AuthSvcForwardBearer Off"
    areas = {"all": [off, "Require all granted"], "any": ["AuthType AuthSvc", off, *anybody],
             "basic": [*BASIC[:3], off, *anybody], "on": ["Require all granted"]}
    site = make_site(
        make_service, *(f"ProxyPass /{area} http://127.0.0.1:{backends[0].port}/" for area in areas),
        *(line for area, lines in areas.items() for line in section(f'Location "/{area}"', *lines)),
        modules=["proxy", "proxy_http", "auth_basic"])
    for field in (f"Authorization: Bearer {new_token(site)}", basic("x@example.com")):
        for area in areas:
            fields = fields_of(ask(site, f"/{area}/x", fields=[field, "X-Other: stays"]))
            assert fields["x-other"] == ["stays"]
            assert ("authorization" in fields) == (area == "on"), (area, "on is the control")


def test_a_rewritten_path_is_judged_by_what_came(make_service, backends):
    """mod_rewrite in a .htaccess is a handler: fields were taken away before it redirects."""
    def prepare(root):
        (root / "svn" / ".htaccess").write_text(
            "RewriteEngine On\nRewriteRule ^a$ /svn/sub/secret.txt\nRewriteRule ^b$ /told/x\n",
            encoding="ascii")
    site = make_site(
        make_service, f"ProxyPass /told http://127.0.0.1:{backends[0].port}/", "AuthSvcCookie On",
        *section('Directory "{root}/htdocs/svn"', "AllowOverride FileInfo",
                 "Options FollowSymLinks", *BASIC, "AuthSvcForwardBearer Off"),
        *section('Directory "{root}/htdocs/svn/sub"', 'AuthName "sub"'),
        *section('Location "/told"', *BASIC, "AuthSvcForwardBearer Off",
                 "AuthSvcForwardHeaders On"),
        modules=["rewrite", "auth_basic", "proxy", "proxy_http"], folders=("svn", "svn/sub"),
        prepare=prepare)
    site.httpd.allow(r"\[auth_basic:error\]")
    user = site.api.new_user()["user"]
    field = basic(user["email"])
    for path in ("/svn/sub/secret.txt", "/svn/a"):
        assert opens(site, path, fields=[field]).body == SECRET.encode()
        refused(site, path)
        refused(site, path, fields=[basic(user["email"], "wrong-password-of-hers")])
    fields = fields_of(ask(site, "/svn/b", fields=[field, "Cookie: a=b; authsvc=x.y.z"]))
    assert fields["x-authsvc-sub"] == [user["id"]] and fields["cookie"] == ["a=b"]
    assert "authorization" not in fields
