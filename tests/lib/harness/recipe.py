# SPDX-License-Identifier: Apache-2.0
"""The pages of docs/recipes: what is in their blocks, and a server that runs it as it stands."""
import os
import re
import subprocess

from . import build
from .httpd import CHEAP_COST, Httpd
from .raw import RawAnswer
from .service import PASSWORD, new_email

FOLDER = build.SOURCE / "docs" / "recipes"

# What Debian enables when apache2 is installed, and what its a2enmod enables with a module.
DEBIAN = ["access_compat", "alias", "auth_basic", "authn_core", "authn_file", "authz_core",
          "authz_host", "authz_user", "autoindex", "deflate", "dir", "env", "filter", "mime",
          "negotiation", "reqtimeout", "setenvif", "status"]
DEPENDS = {"ssl": ["socache_shmcb"], "proxy_http": ["proxy"], "proxy_fcgi": ["proxy"],
           "dav_svn": ["dav"]}


class Page:
    """One page."""

    def __init__(self, name):
        self.name = name
        self.text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")

    def blocks(self, language):
        return re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.S | re.M)

    def block(self, language):
        """The only one."""
        found = self.blocks(language)
        assert len(found) == 1, f"{self.name}.md has {len(found)} blocks of {language}"
        return found[0]

    def modules(self, number=0):
        """Those that the page has enabled on a server; what one needs comes before it."""
        lines = re.findall(r"^a2enmod (.*)$", self.text, re.M)
        assert len(lines) == len(self.blocks("apache")), f"{self.name}.md: a2enmod for each block"
        names = []
        for name in lines[number].split():
            if name == "authsvc":
                load = (build.SOURCE / "conf" / "authsvc.load.in").read_text(encoding="ascii")
                names += re.search(r"^# Depends: (.*)$", load, re.M)[1].split()
            elif name == "cgi":  # Debian's a2enmod takes the one that fits the MPM
                name = "cgi" if build.MPM == "prefork" else "cgid"
            names += [*DEPENDS.get(name, []), name]
        return list(dict.fromkeys(names))

    def checks(self):
        """[(command, what it gives)] of the section "Check"; variables are set in between."""
        section = self.text.split("\n## Check\n", 1)[1].split("\n## ", 1)[0]
        found, variables = [], ""
        for line in re.search(r"^```sh\n(.*?)^```$", section, re.S | re.M)[1].splitlines():
            match = re.fullmatch(r"(\S.*?)\s+# (\d{3}|works|fails)\b.*", line)
            if re.fullmatch(r"[A-Z]+=\S+", line):
                variables += line + "\n"
            else:
                assert match, f"{self.name}.md has a check without what it gives: {line}"
                found.append((variables + match[1], match[2]))
        assert found
        return found


def certificate(folder, names):
    """fullchain.pem and privkey.pem for these names, of nobody's authority."""
    folder.mkdir(parents=True)
    chain = folder / "fullchain.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={names[0]}",
                    "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
                    "-keyout", str(folder / "privkey.pem"), "-out", str(chain)],
                   check=True, capture_output=True)
    return chain


class Site:
    """
    The server of one block of a page's. here: what stands in place of what the page says; "{...}"
    in it is a member of `places`.
    """

    def __init__(self, page, here, number=0, **places):
        self.page, self.here = page, here
        modules = page.modules(number)
        self.httpd = Httpd(modules=[name for name in modules if name != "authsvc"],
                           with_module="authsvc" in modules)
        self.httpd.base = DEBIAN
        self.root = self.httpd.root
        self.tls, self.plain = build.free_port(), build.free_port()
        self.places = {"root": self.root, "tls": self.tls, "plain": self.plain,
                       "build": build.BUILD, **places}
        self.config = page.blocks("apache")[number]
        self.hosts = re.findall(r"^\s*ServerName (?:https://)?(\S+)$", self.config, re.M)
        self.host = self.hosts[0]
        self._files()
        self._configuration()

    def text(self, text):
        """A text of the page's, as it is here."""
        pattern = "|".join(map(re.escape, sorted(self.here, key=len, reverse=True)))
        return re.sub(pattern, lambda found: self.here[found[0]].format(**self.places), text)

    def path(self, path):
        """A file or folder that the page names, as an absolute path."""
        return self.root / self.text(path).lstrip("/") if not path.startswith("/") \
            else type(self.root)(self.text(path))

    def _files(self):
        """Keys and certificates, where the configuration wants them."""
        for path in re.findall(r"SSLCertificateFile\s+(\S+)/fullchain.pem", self.config):
            chain = certificate(self.path(path), [*self.hosts, "localhost"])
            with open(self.root / "ca.pem", "ab") as trusted:
                trusted.write(chain.read_bytes())
        for path in re.findall(r"AuthSvcKeyDirectory\s+(\S+)", self.config):
            self.path(path).mkdir(mode=0o700, parents=True)
            build.ctl("key", "rotate", self.path(path))
        for path in re.findall(r"AuthSvcSecretFile\s+(\S+)", self.config):
            build.ctl("secret", "generate", self.path(path))
        # as the httpd user reads it; the tree may be in a directory of root's own
        login = self.root / "login"
        login.mkdir()
        for file in (build.SOURCE / "conf" / "login").iterdir():
            (login / file.name).write_bytes(file.read_bytes())
        (self.root / ".curlrc").write_text(
            f'silent\nnoproxy = "*"\ncacert = "{self.root}/ca.pem"\n'
            f'connect-to = "::127.0.0.1:{self.tls}"\n', encoding="ascii")

    def _configuration(self):
        """Debian's own, as far as it matters, and then the page's."""
        listen = {port: "https" if port == self.tls else "http"
                  for name, port in (("*:443", self.tls), ("*:8080", self.plain))
                  if name in self.config}
        self.httpd.main = [
            "<Directory />", "  Require all denied", "</Directory>",
            "<Directory {root}/htdocs>", "  Require all granted", "</Directory>",
            *(f"Listen 127.0.0.1:{port} {scheme}" for port, scheme in listen.items()),
            "Define AUTHSVC_LOGIN {root}/login",
            *([CHEAP_COST] if "AuthSvcIssuer" in self.config else []),
            *self.text(self.config).splitlines()]

    def write(self, path, text, mode=0o644):
        """A file that the page names."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.text(text), encoding="utf-8")
        file.chmod(mode)
        return file

    # ---- who uses it

    def environment(self, **more):
        return {**os.environ, "CURL_HOME": str(self.root), "HOME": str(self.root), **more}

    def curl(self, path, *args, host=None):
        """GET, unless the arguments say otherwise."""
        url = path if "://" in path else f"https://{host or self.host}{path}"
        done = subprocess.run(["curl", "-i", "-m", "20", url, *args], capture_output=True,
                              env=self.environment(), timeout=30, check=False)
        assert done.returncode == 0, (url, args, done)
        return RawAnswer(done.stdout)

    def post(self, path, body, *args, host=None):
        return self.curl(path, "-H", "Content-Type: application/json", "-d", body, *args, host=host)

    def for_svn(self, command):
        """Which can be told of the certificate's authority, but not where a name is."""
        trust = f"servers:global:ssl-authority-files={self.root}/ca.pem"
        return command.replace(f"https://{self.host}/", f"https://localhost:{self.tls}/") + \
            f" --config-option {trust} --config-dir {self.root}/subversion"

    def check(self, **variables):
        """The page's section "Check" gives what it says; and there is its login page."""
        for command, expected in self.page.checks():
            asks = expected.isdigit()
            command = f"{command} -o /dev/null -w '%{{http_code}}'" if asks else \
                self.for_svn(command)
            done = subprocess.run(["bash", "-c", command], capture_output=True, text=True,
                                  env=self.environment(**variables), timeout=60, check=False)
            got = done.stdout if asks else "fails" if done.returncode else "works"
            assert got == expected, (command, done)
        for host in self.hosts if "authsvc-login.conf" in self.page.text else []:
            assert b"<title>Sign in</title>" in self.curl("/login/", host=host).body

    def destroy(self):
        self.httpd.destroy()


class Person:
    """Somebody with an account of a site."""

    def __init__(self, site, name="Ada Lovelace", host=None):
        self.site, self.host, self.name = site, host, name
        self.email = new_email()
        answer = site.post("/api/v1/auth/register", '{"email":"%s","password":"%s","name":"%s"}'
                           % (self.email, PASSWORD, name), host=host)
        assert answer.status == 201, answer.octets
        self.jar = str(site.root / f"{self.email}.cookies")
        self.id = re.search(rb'"id":"([^"]+)"', answer.body)[1].decode()
        self.access = self.refresh = None
        self.sign_in()

    def sign_in(self):
        """As the login page does it; the cookies are kept. Gives the access token."""
        host = self.host or self.site.host
        answer = self.site.post("/api/v1/auth/login", '{"email":"%s","password":"%s"}'
                                % (self.email, PASSWORD), "-c", self.jar,
                                "-H", f"Origin: https://{host}", host=self.host)
        assert answer.status == 200, answer.octets
        self.access, self.refresh = (
            re.search(rb'"%s_token":"([^"]+)"' % kind, answer.body)[1].decode()
            for kind in (b"access", b"refresh"))
        return self.access

    def get(self, path, *args):
        """By bearer token."""
        return self.site.curl(path, "-H", f"Authorization: Bearer {self.access}", *args,
                              host=self.host)

    def browse(self, path, *args):
        """By cookie, as a browser navigates."""
        return self.site.curl(path, "-b", self.jar, "-H", "Accept: text/html",
                              "-H", "Sec-Fetch-Mode: navigate", *args, host=self.host)
