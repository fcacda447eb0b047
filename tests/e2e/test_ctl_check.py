# SPDX-License-Identifier: Apache-2.0
"""authsvcctl check: one look at all that a site needs, a line for each finding."""
import re
import shutil
import subprocess

import pytest

from harness import build, databases, keys
from harness.service import mount_lines, service_lines

OK, ERRORS, WARNINGS = 0, 1, 3
LINE = re.compile(r"(ok|warning|error) +(localhost:\d+  |v\.example:\d+  )?"
                  r"(configuration|keys|secrets|files|database|mod_watchdog): .+")


class Site:
    """A configuration with a directory of keys, as its admin would have it."""

    def __init__(self, service):
        self.service = service
        self.httpd = service.httpd
        self.path = keys.directory(self.httpd.root / "keys" / "rotating")
        keys.rotate(self.path, "--alg", "EdDSA")
        self.httpd.main = [f"AuthSvcKeyDirectory {self.path}"
                           if line.startswith("AuthSvcSigningKey ") else line
                           for line in self.httpd.main if "PasswordCost" not in line]
        if service.engine == "postgresql":
            service.database.limit_role()

    def run(self, *args):
        return build.ctl("check", "--config", self.httpd.conf, "--httpd", build.HTTPD, *args,
                         check=False, env=self.httpd.environment())

    def check(self, *args):
        """(exit status, {(level, what): [texts]})"""
        self.httpd.write()
        done = self.run(*args)
        assert done.stderr == "", done
        found = {}
        for line in done.stdout.splitlines():
            match = LINE.fullmatch(line)
            assert match, line
            found.setdefault((match[1], match[3]), []).append(line.split(f"{match[3]}: ", 1)[1])
        return done.returncode, found

    def is_well(self, *args):
        status, found = self.check(*args)
        assert status == OK and {level for level, _ in found} == {"ok"}, found
        return found

    def finds(self, status, level, what, *words, others="ok"):
        """One finding of that level and subject; all others are well."""
        got, found = self.check()
        assert got == status, found
        (text,) = found.pop((level, what))
        for word in words:
            assert word in text
        assert {level for level, _ in found} <= {others}, found


@pytest.fixture(name="site")
def make_site(make_service):
    return Site(make_service(start=False))


def test_a_good_site(site):
    found = site.is_well()
    signing, following = [line["kid"] for line in keys.listed(site.path)]
    assert found["ok", "keys"] == [
        f"{signing} signs, {following} follows at {keys.listed(site.path)[1]['sign_at']}"]
    assert any("schema version" in text for text in found["ok", "database"])
    assert found["ok", "secrets"] == ["number 1 makes new refresh tokens"]
    assert found["ok", "mod_watchdog"] == ["is loaded"]
    if site.service.engine == "postgresql":
        assert "statement_timeout is 2900ms" in found["ok", "database"]


def test_a_site_that_only_guards(site):
    """The accounts are made elsewhere."""
    mounted = site.httpd.main
    at = mounted.index('<Location "/api/v1">')
    site.httpd.main = mounted[:at]
    assert len(site.is_well()["ok", "keys"]) == 1
    site.httpd.main = [line for line in mounted[:at] if "AuthSvcIssuer" not in line]
    site.httpd.write()
    done = site.run()
    assert done.returncode == 1 and "guards nothing" in done.stderr


def test_a_single_signing_key(site):
    site.httpd.main = [f"AuthSvcSigningKey {site.httpd.key()}"
                       if line.startswith("AuthSvcKeyDirectory ") else line
                       for line in site.httpd.main]
    (text,) = site.is_well()["ok", "keys"]
    assert "signs, until the configuration names another" in text


def test_no_successor(site):
    keys.age(site.path, days=31)
    site.finds(WARNINGS, "warning", "keys", "no key follows",
               f"authsvcctl key rotate {site.path}")
    keys.rotate(site.path)
    site.is_well()


def test_a_key_that_is_not_kept_long_enough(site):
    for name in keys.files(site.path):
        (site.path / name).unlink()
    keys.rotate(site.path, "--keep", "15m")
    site.finds(WARNINGS, "warning", "keys", "retires before its last token", "--keep of 960s")
    for name in keys.files(site.path):
        (site.path / name).unlink()
    keys.rotate(site.path, "--keep", "16m")
    site.is_well()


def test_places_that_others_may_write_to(site):
    site.path.parent.chmod(0o777)
    status, found = site.check()
    assert status == WARNINGS and len(found["warning", "files"]) == 2, found
    assert all("chmod go-w" in text for text in found["warning", "files"])
    site.path.parent.chmod(0o700)
    site.is_well()
    (site.path / "notes").write_text("x", encoding="ascii")
    site.finds(WARNINGS, "warning", "keys", "notes is no key file")


def test_the_place_of_a_verify_key(site):
    """Who may replace the file can sign."""
    place = site.httpd.root / "others"
    place.mkdir(mode=0o755)
    public = place / "theirs.pem"
    subprocess.run(["openssl", "pkey", "-in", site.httpd.key("theirs.pem"), "-pubout", "-out",
                    public], check=True)
    public.chmod(0o644)
    site.httpd.main.append(f"AuthSvcVerifyKey {public}")
    assert any("verifies" in text for text in site.is_well()["ok", "keys"])
    place.chmod(0o775)
    site.finds(WARNINGS, "warning", "files", str(public), f"chmod go-w {place}")
    place.chmod(0o755)
    site.is_well()
    public.chmod(0o664)
    site.httpd.write()
    done = site.run()
    assert done.returncode == 1 and f"chmod go-w {public}" in done.stderr


def test_warnings_of_httpd_are_shown(site):
    site.httpd.main.append("AuthSvcPasswordLength 4 128")
    site.finds(WARNINGS, "warning", "configuration", "less than 8 characters")


def test_what_httpd_refuses(site):
    (site.path / keys.files(site.path)[0]).chmod(0o644)
    site.httpd.write()
    done = site.run()
    assert done.returncode == 1 and "chmod 0600" in done.stderr and done.stdout == ""


@pytest.mark.skipif(databases.POOLED, reason="PgBouncer goes on refusing for a while")
def test_a_database_that_does_not_answer(site):
    site.service.database.block()
    try:
        status, found = site.check()
    finally:
        site.service.database.unblock()
    assert status == ERRORS and len(found["error", "database"]) == 1, found
    site.is_well()


def test_a_schema_that_is_too_old(site):
    build.ctl("migrate", "down", "--yes", "--dsn", dsn(site.service))
    site.finds(ERRORS, "error", "database", "authsvcctl migrate up")
    site.service.database.migrate("up")
    site.is_well()


def dsn(service):
    engine = "pgsql" if service.engine == "postgresql" else "sqlite3"
    return f"{engine}:{service.database.owner_params}"


@pytest.mark.skipif(databases.POOLED, reason="PgBouncer's connections have the settings of before")
def test_the_settings_of_the_role(site):
    if site.service.engine != "postgresql":
        assert "statement_timeout" not in str(site.check()), "SQLite has no roles"
        return
    database = site.service.database
    for setting, words in (
            ("statement_timeout = 0", ("ALTER ROLE", "2900ms")),
            ("statement_timeout = '3s'", ("not below AuthSvcDatabaseTimeout (3000ms)",)),
            ("idle_in_transaction_session_timeout = 0", ("ALTER ROLE",)),
            ("client_connection_check_interval = 0", ("ALTER ROLE",))):
        database.query(f"ALTER ROLE {database.role} SET {setting}")
        site.finds(WARNINGS, "warning", "database", setting.split()[0], *words)
        database.limit_role()
    site.is_well()


def test_one_virtual_host_of_several(site, engine):
    """Each server is looked at, and --vhost chooses."""
    other = engine.new_database()
    if site.service.engine == "postgresql":
        other.limit_role()
    lines = [line for line in service_lines(site.httpd, other, "https://v.example/api/v1")
             if not line.startswith("DBDPersist")]
    site.httpd.vhosts = [("v.example", [*lines, "AuthSvcPasswordCost 64M 2", *mount_lines("/v")])]
    whole = site.is_well()
    one = site.is_well("--vhost", "v.example")
    assert len(whole["ok", "keys"]) == 2 and len(one["ok", "keys"]) == 1
    assert len(whole["ok", "secrets"]) == 2
    site.httpd.write()
    done = site.run("--vhost", "w.example")
    assert done.returncode == 1 and "w.example has no \"AuthSvc On\"" in done.stderr


@pytest.mark.skipif(not build.IS_ROOT, reason="needs another user")
def test_by_somebody_else(site):
    """What this user may not read is not checked, and it says so."""
    # the tree may be in a directory of root's own
    program = shutil.copy(build.BUILD / "authsvcctl", site.httpd.root / "run")
    module = shutil.copy(build.module_path(), site.httpd.root / "run")
    text = site.httpd.text().replace(str(build.module_path()), module)
    site.httpd.conf.write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["setpriv", f"--reuid={build.HTTPD_USER}", f"--regid={build.HTTPD_USER}", "--clear-groups",
         program, "check", "--config", str(site.httpd.conf), "--httpd", build.HTTPD],
        capture_output=True, text=True, check=False,
        env=site.httpd.environment())
    assert done.returncode == WARNINGS, done
    assert "keys: " in done.stdout and "not checked: run this as the user" in done.stdout


def test_wrong_usage():
    for args in ((), ("--config",), ("--config", "x", "more")):
        done = build.ctl("check", *args, check=False)
        assert done.returncode == 2 and "--help" in done.stderr
