# SPDX-License-Identifier: Apache-2.0
"""
python3 -m harness.browser -- COMMAND: run a command while there are three sites for a browser, on
SQLite: one by TLS, with neighbours and strangers beside it, and two by plain http on loopback.
Their URLs are in SITE_URL, NEIGHBOUR_URL (same site, another origin), STRANGER_URL, PLAIN_URL and
DISCREET_URL, and in DIRECT_URL the first one's for what is no browser and does not know its name;
every name ending in .test stands for 127.0.0.1.
"""
import argparse
import os
import subprocess
import sys

from . import build, databases
from .service import PASSWORD, Service

HOSTS = {"SITE_URL": "www.site.test", "NEIGHBOUR_URL": "other.site.test",
         "STRANGER_URL": "stranger.test"}
MEMBERS = "The treasure lies under the third oak."
GUARDED = ['<Location "/members">', "  AuthType AuthSvc", "  Require valid-user",
           "  AuthSvcLoginPage /login/", '  Header always set Cache-Control "no-store"',
           "</Location>"]
LOGIN = [f"Define AUTHSVC_LOGIN {build.SOURCE}/conf/login",
         f"Include {build.BUILD}/conf/authsvc-login.conf"]


def certificate(httpd):
    """Of nobody's authority, for all three names."""
    key, cert = httpd.root / "keys" / "tls.pem", httpd.root / "keys" / "tls.crt"
    names = ",".join(f"DNS:{name}" for name in HOSTS.values())
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=site.test",
                    "-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(cert)],
                   check=True, capture_output=True)
    return [f"SSLCertificateKeyFile {key}", f"SSLCertificateFile {cert}"]


def pages(httpd):
    """A page of no interest, in a folder of its own for who is no part of the site; and one for
    members."""
    (httpd.root / "other").mkdir()
    (httpd.root / "htdocs" / "members").mkdir()
    (httpd.root / "htdocs" / "members" / "index.html").write_text(
        f"<!DOCTYPE html><title>members</title><p>{MEMBERS}</p>\n", encoding="ascii")
    for folder in ("htdocs", "other"):
        (httpd.root / folder / "page.html").write_text(
            "<!DOCTYPE html><title>page</title><h1>A page</h1>\n", encoding="ascii")


def site(engine):
    """The site by TLS."""
    port = build.free_port()
    service = Service(engine, start=False, modules=["ssl", "authz_user"],
                      issuer=f"https://www.site.test:{port}/api/v1",
                      extra=["AuthSvcCookie On"])
    httpd = service.httpd
    pages(httpd)
    tls = ["SSLEngine on", *certificate(httpd)]
    httpd.main += ["AddType text/html .html", *GUARDED, *LOGIN, f"Listen 127.0.0.1:{port} https"]
    for name in HOSTS.values():
        own = [] if name == HOSTS["SITE_URL"] else ["DocumentRoot {root}/other"]
        httpd.main += [f"<VirtualHost 127.0.0.1:{port}>", f"ServerName {name}", *tls, *own,
                       "</VirtualHost>"]
    httpd.start()
    urls = {variable: f"https://{name}:{port}" for variable, name in HOSTS.items()}
    return service, {**urls, "DIRECT_URL": httpd.origin}


def plain(engine, variable, *extra):
    """A site as somebody tries it out, with one account."""
    service = Service(engine, start=False, extra=["AuthSvcCookie On", *extra])
    pages(service.httpd)
    service.httpd.main += ["AddType text/html .html", *LOGIN]
    service.httpd.start()
    build.ctl("user", "create", "--email", "ada@example.com", "--name", "Ada", "--dsn",
              f"sqlite3:{service.database.params}", stdin=f"{PASSWORD}\n")
    return service, {variable: service.httpd.origin}


def closed(engine):
    """With access tokens that end soon."""
    return plain(engine, "PLAIN_URL", "AuthSvcAccessTokenLifetime 2s", "AuthSvcRegistration Off")


def discreet(engine):
    """Which does not tell who has an account."""
    return plain(engine, "DISCREET_URL", "AuthSvcRegistrationDisclosure Off")


def main():
    parser = argparse.ArgumentParser(prog="harness.browser")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    engine = databases.SqliteEngine()
    services = []
    try:
        environment = dict(os.environ)
        for make in (site, closed, discreet):
            service, urls = make(engine)
            services.append(service)
            environment.update(urls)
        return subprocess.run(options.command, check=False, env=environment).returncode
    finally:
        for service in services:
            service.destroy()
        engine.destroy()


if __name__ == "__main__":
    sys.exit(main())
