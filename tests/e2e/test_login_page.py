# SPDX-License-Identifier: Apache-2.0
"""The login page as `make install` leaves it, and the fields it is served with."""
import re
import shutil
import subprocess

import httpx
import pytest

from harness import build
from harness.service import Service

ENGINES = ("sqlite",)
FIELDS = {"x-content-type-options": "nosniff", "x-frame-options": "DENY",
          "referrer-policy": "same-origin", "cross-origin-opener-policy": "same-origin",
          "cross-origin-resource-policy": "same-origin", "cache-control": "no-cache"}


@pytest.fixture(scope="module")
def installed():
    """(snippet, folder of the page) of an installation below a scratch directory."""
    target = build.scratch("install")
    subprocess.run(["make", "-C", str(build.BUILD), "--no-print-directory", "-s",
                    "install-dist_loginDATA", "install-nodist_pkgdataDATA", f"DESTDIR={target}"],
                   check=True, capture_output=True)
    snippet, = target.rglob("authsvc-login.conf")
    folder, = re.findall(r"^ +Define AUTHSVC_LOGIN (\S+)$", snippet.read_text(encoding="utf-8"),
                         re.M)
    yield snippet, f"{target}{folder}"
    shutil.rmtree(target)


@pytest.fixture(scope="module")
def site(engine, installed):
    """A site that is guarded as a whole, with another mount than the page's default."""
    service = Service(engine, mount="/accounts/api", start=False, modules=["authz_user"],
                      extra=["AuthSvcCookie On"],
                      main=['<Location "/">', "AuthType AuthSvc", "Require valid-user",
                            "AuthSvcLoginPage /login/", "</Location>",
                            '<Location "/accounts/api">', "AuthType None", "Require all granted",
                            "</Location>", "Define AUTHSVC_API /accounts/api",
                            f"Define AUTHSVC_LOGIN {installed[1]}", f"Include {installed[0]}",
                            '<Location "/static.txt">', "AuthType None", "Require all granted",
                            "</Location>"])
    service.httpd.start()
    yield httpx.Client(base_url=service.httpd.origin, trust_env=False)
    service.destroy()


@pytest.mark.parametrize("path, media", [
    ("/login/", "text/html"), ("/login/login.js", "text/javascript"),
    ("/login/login.css", "text/css"), ("/login/nothing", None), ("/login", None)])
def test_fields(site, path, media):
    """Also where httpd itself answers."""
    answer = site.get(path)
    assert answer.status_code == (200 if media else 301 if path == "/login" else 404)
    if media:
        assert answer.headers["content-type"] == f"{media}; charset=utf-8"
    for name, value in FIELDS.items():
        assert answer.headers.get_list(name) == [value]
    policy = answer.headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert {"script-src 'self'", "style-src 'self'", "form-action 'self'", "base-uri 'none'",
            "frame-ancestors 'none'"} <= set(policy)
    assert answer.headers["link"] == '</accounts/api/openapi.json>; rel="service-desc"'


def test_page_itself_keeps_its_policy():
    """Nothing inline, nothing from elsewhere."""
    page = (build.SOURCE / "conf/login/index.html").read_text(encoding="utf-8")
    for word in ("<script>", "<style", " style=", " onclick=", " onload=", "http:", "https:", "//"):
        assert word not in page, word
    script = (build.SOURCE / "conf/login/login.js").read_text(encoding="utf-8")
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                 "localStorage", "document.cookie"):
        assert word not in script, word


def test_who_is_sent_there_gets_there(site):
    navigation = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
    answer = site.get("/index.html?a=1", headers=navigation)
    assert answer.status_code == 302
    assert answer.headers["location"].endswith("/login/?return_to=/index.html%3Fa%3D1")
    assert site.get(answer.headers["location"], headers=navigation).status_code == 200
    assert site.get("/index.html").status_code == 401, "positive control: the site is guarded"
