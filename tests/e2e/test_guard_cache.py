# SPDX-License-Identifier: Apache-2.0
"""What shared caches, such as mod_cache, may keep of what the guard let somebody see."""
import json
import os

import pytest

from guarded import SECRET, ask, guarded, make_site, new_token, opens, refused, section
from harness.backends import HttpBackend

ENGINES = ["sqlite"]
CACHE = ["cache", "cache_socache", "socache_shmcb"]
OLD = 1_700_000_000  # old enough for a cache to think that it stays as it is


def age(root):
    for path in root.rglob("*"):
        os.utime(path, (OLD, OLD))


def cookie(token):
    return [f"Cookie: authsvc={token}"]


def caches(*paths):
    return ["CacheSocache shmcb", "CacheHeader On",
            *(f"CacheEnable socache {path}" for path in paths)]


def is_cached(answer):
    return answer.headers.get("x-cache", "").lower().startswith("hit")


@pytest.mark.parametrize("lines", [
    [], section('Location "/members"', 'Header set Cache-Control "public, max-age=600"'),
    ["RewriteEngine On", "RewriteRule ^/members/page$ /members/secret.txt [PT]"]])
def test_a_page_by_cookie_is_nobody_elses(make_service, lines):
    site = make_site(make_service, *guarded("/members"), "AuthSvcCookie On", *lines,
                     *caches("/members", "/open.txt"), modules=[*CACHE, "headers", "rewrite"],
                     prepare=age)
    path = "/members/page" if "RewriteEngine On" in lines else "/members/secret.txt"
    token = new_token(site)
    for _ in range(2):
        answer = opens(site, path, fields=cookie(token))
        assert not is_cached(answer) and b"\nCache-Control: private\r" in answer.octets
        refused(site, path)
        refused(site, path, fields=cookie("x.y.z"))
    if lines[:1] == []:
        answer = opens(site, "/members/index.html", token)
        assert "cache-control" not in answer.headers, "httpd itself keeps nothing of a bearer's"
        refused(site, "/members/index.html")
    opens(site, "/open.txt", fields=cookie(token))
    assert is_cached(opens(site, "/open.txt")), "the control: what is open is kept"


def test_a_proxied_page_by_cookie(make_service):
    backend = HttpBackend()
    site = make_site(make_service, f"ProxyPass /members http://127.0.0.1:{backend.port}/",
                     *guarded("/members"), "AuthSvcCookie On", *caches("/members"),
                     "CacheIgnoreNoLastMod On", "CacheDefaultExpire 600",
                     modules=[*CACHE, "proxy", "proxy_http"])
    try:
        answer = opens(site, "/members/x", fields=cookie(new_token(site)))
        assert json.loads(answer.body) and answer.headers["cache-control"] == "private"
        refused(site, "/members/x")
    finally:
        backend.close()


def test_what_was_asked_for_on_the_way(make_service):
    """An open page that includes what is guarded, an open folder with a guarded index."""
    def prepare(root):
        (root / "pages" / "page.shtml").write_text(
            "before\n" * 20 + '<!--#include virtual="/members/secret.txt" -->\n' * 2,
            encoding="ascii")
        age(root)
    site = make_site(
        make_service, *guarded("/members"), "AuthSvcCookie On", *caches("/pages", "/folder"),
        *section('Directory "{root}/htdocs/pages"', "Options +Includes", "XBitHack full",
                 "SetOutputFilter INCLUDES"),
        *section('Directory "{root}/htdocs/folder"',
                 *section('Files "index.html"', "AuthType AuthSvc", "Require valid-user")),
        "CacheIgnoreNoLastMod On", "CacheDefaultExpire 600",
        modules=[*CACHE, "include"], folders=("members", "pages", "folder"), prepare=prepare)
    site.httpd.allow(r"\[include:error\]")
    token = new_token(site)
    for path in ("/pages/page.shtml", "/folder/"):
        answer = opens(site, path, fields=cookie(token))
        assert SECRET.encode() in answer.body, answer.octets
        assert answer.headers["cache-control"] == "private", path
        answer = ask(site, path)
        assert SECRET.encode() not in answer.body, answer.octets
        assert not is_cached(answer)
