# SPDX-License-Identifier: Apache-2.0
"""Who it is, where mod_dir or mod_negotiation answers a request with another's file."""
import json

import jwt

from guarded import DENIED, make_site, new_token, opens, refused, section
from test_guard_backends import BASIC, ENV_PROGRAM, NOBODY, basic

ENGINES = ["sqlite"]


def environment(site, path, field):
    answer = opens(site, path, fields=[field])
    return json.loads(answer.body[answer.body.index(b"{"):answer.body.rindex(b"}") + 1])


def identity(variables):
    """A token is one of its own each time, with Basic: whom it is of."""
    variables = dict(variables)
    token = variables.pop("HTTP_X_AUTHSVC_TOKEN", None)
    if token:
        claims = jwt.decode(token, options={"verify_signature": False})
        variables["HTTP_X_AUTHSVC_TOKEN"] = claims["sub"], claims["aud"]
    return {name: value for name, value in variables.items()
            if "AUTHSVC" in name or name in ("REMOTE_USER", "AUTH_TYPE", "HTTP_AUTHORIZATION")}


def make_folders(make_service, *lines, **folders):
    """Open folders whose index.cgi has a section Files of these lines."""
    def prepare(root):
        for folder in folders:
            (root / folder / "index.html").unlink()
            for name in ("index.cgi", "free.cgi"):
                (root / folder / name).write_text(ENV_PROGRAM, encoding="ascii")
                (root / folder / name).chmod(0o755)
    sections = [line for folder, guard in folders.items() for line in section(
        f'Directory "{{root}}/htdocs/{folder}"', "Options +ExecCGI +MultiViews",
        "MultiviewsMatch Handlers", "CGIPassAuth On", "AddHandler cgi-script .cgi",
        "AuthSvcForwardBearer Off", "AuthSvcForwardHeaders On",
        "DirectoryIndex none.html free.php index.cgi", *section('Files "index.cgi"', *guard))]
    return make_site(make_service, "ScriptSock cgisock", *lines, *sections,
                     modules=["cgid", "auth_basic", "negotiation"], folders=folders,
                     prepare=prepare)


def test_the_index_of_an_open_folder(make_service):
    token = "AuthSvcForwardToken app.example"
    site = make_folders(
        make_service, sub=["AuthType AuthSvc", token, "Require valid-user"],
        mail=["AuthType AuthSvc", "AuthSvcRemoteUser email", "Require valid-user"],
        basic=[*BASIC, token])
    grant = site.api.new_user()
    user = grant["user"]
    bearer = f"Authorization: Bearer {grant['access_token']}"
    for folder, field, name, kind in (("sub", bearer, user["id"], "AuthSvc"),
                                      ("mail", bearer, user["email"], "AuthSvc"),
                                      ("basic", basic(user["email"]), user["id"], "Basic")):
        refused(site, f"/{folder}/")
        direct = identity(environment(site, f"/{folder}/index.cgi", field))
        assert direct["REMOTE_USER"] == name and direct["AUTH_TYPE"] == kind
        assert direct["HTTP_X_AUTHSVC_SUB"] == direct["AUTHSVC_SUB"] == user["id"]
        assert ("HTTP_X_AUTHSVC_TOKEN" in direct) == (folder != "mail")
        for path in (f"/{folder}/", f"/{folder}/index"):  # mod_dir, mod_negotiation
            assert identity(environment(site, path, field)) == direct, path
        free = identity(environment(site, f"/{folder}/free.cgi", field))
        assert not free, "the control: nobody had to sign in"


def test_no_identity_without_permission(make_service):
    """Somebody was signed in on the way, but what answers is another file."""
    def prepare(root):
        (root / "mixed" / "index.cgi").write_text(ENV_PROGRAM, encoding="ascii")
        (root / "mixed" / "index.cgi").chmod(0o755)
        (root / "mixed" / "index.html").unlink()
    site = make_site(
        make_service, "ScriptSock cgisock", "DirectoryIndex secret.txt index.cgi",
        *section('Directory "{root}/htdocs/mixed"', "Options +ExecCGI",
                 "AddHandler cgi-script .cgi", "AuthType AuthSvc", "AuthSvcForwardHeaders On",
                 *section('Files "secret.txt"', "Require authsvc-role admin"),
                 *section('Files "index.cgi"', *section(*NOBODY))),
        *section('Directory "{root}/htdocs/mixed"', "Require all granted"),
        modules=["cgid"], folders=("mixed",), prepare=prepare)
    site.httpd.allow(DENIED)
    token = new_token(site)
    field = f"Authorization: Bearer {token}"
    refused(site, "/mixed/secret.txt", token, status=403)
    for path in ("/mixed/", "/mixed/index.cgi"):
        assert not identity(environment(site, path, field)), path
