# SPDX-License-Identifier: Apache-2.0
"""`apache2 -t` refuses each bad setting with a sentence that says what to do."""
import os
import re
import subprocess

import pytest

from harness import build, databases
from harness.httpd import Httpd
from harness.service import service_lines

MOUNTED = ['<Location "/api/v1">', "AuthSvc On", "</Location>"]


class Case:
    """A configuration that can be altered."""

    def __init__(self, engine):
        self.httpd = Httpd()
        self.keys = self.httpd.root / "keys"
        self.database = engine.new_database(migrated=False)
        self.lines = service_lines(self.httpd, self.database, "https://example.org/api/v1")
        self.good_key = self.keys / "main-rs256.pem"
        self.good_secret = self.keys / "main-secret"

    def test(self, lines, mounted=None, vhosts=(), user=None):
        self.httpd.main = [*lines, *(MOUNTED if mounted is None else mounted)]
        self.httpd.vhosts = list(vhosts)
        return self.httpd.configtest(user)

    def without(self, directive):
        return [line for line in self.lines if not line.startswith(directive + " ")]

    def openssl(self, *args):
        subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True)

    def file(self, name, text, mode=0o600):
        path = self.keys / name
        path.write_text(text, encoding="latin-1")
        path.chmod(mode)
        return path


@pytest.fixture
def case():
    engine = databases.SqliteEngine()
    made = Case(engine)
    yield made
    made.httpd.destroy()
    engine.destroy()


def refused(outcome, *words):
    code, said = outcome
    assert code != 0, f"accepted; said: {said}"
    sentences = [line for line in said.splitlines() if "AuthSvc" in line or "authsvc" in line]
    assert sentences, f"no sentence of ours: {said}"
    for word in words:
        assert re.search(word, said, re.I), f"{word!r} is not in: {said}"
    assert "core dumped" not in said and "Segmentation" not in said


def accepted(outcome):
    code, said = outcome
    assert code == 0, said
    assert "Syntax OK" in said
    return said


def test_good_configuration(case):
    accepted(case.test(case.lines))


@pytest.mark.parametrize("directive, words", [
    ("AuthSvcIssuer", ("AuthSvcIssuer",)), ("AuthSvcSigningKey", ("AuthSvcSigningKey", "authsvcctl key generate")),
    ("AuthSvcSecretFile", ("AuthSvcSecretFile", "authsvcctl secret generate")),
    ("DBDriver", ("DBDriver",)), ("DBDParams", ("DBDParams",))])
def test_what_must_be_given(case, directive, words):
    refused(case.test(case.without(directive)), *words)
    accepted(case.test(case.without(directive), mounted=[]))


def key_cases():
    """name, how to make the file, words of the sentence"""
    return {
        "missing": (lambda c: c.keys / "nothing.pem", ("nothing.pem",)),
        "directory": (lambda c: c.keys, ("keys",)),
        "empty": (lambda c: c.file("empty.pem", ""), ("empty.pem",)),
        "no-pem": (lambda c: c.file("junk.pem", "junk\n"), ("PEM",)),
        "world-readable": (lambda c: (c.good_key.chmod(0o644), c.good_key)[1], ("chmod|readable|0600",)),
        "group-readable": (lambda c: (c.good_key.chmod(0o640), c.good_key)[1], ("chmod|readable|0600",)),
        "rsa-1024": (lambda c: made(c, "genrsa", "-out", "rsa1024.pem", "1024"), ("2048",)),
        "p-384": (lambda c: made(c, "genpkey", "-algorithm", "EC", "-pkeyopt",
                                 "ec_paramgen_curve:P-384", "-out", "p384.pem"), ("P-256",)),
        "secp256k1": (lambda c: made(c, "genpkey", "-algorithm", "EC", "-pkeyopt",
                                     "ec_paramgen_curve:secp256k1", "-out", "k1.pem"),
                      ("P-256",)),
        "ed448": (lambda c: made(c, "genpkey", "-algorithm", "ED448", "-out", "ed448.pem"),
                  ("Ed25519|type",)),
        "encrypted": (lambda c: made(c, "genrsa", "-aes256", "-passout", "pass:x", "-out",
                                     "enc.pem", "2048"), ("encrypted|pass.?phrase",)),
        "public": (lambda c: made(c, "rsa", "-in", "main-rs256.pem", "-pubout", "-out", "pub.pem"),
                   ("private",)),
    }


def made(case, *args):
    """Run openssl in the key directory; the file after -out is private to its owner."""
    subprocess.run(["openssl", *args], cwd=case.keys, check=True, capture_output=True)
    path = case.keys / args[args.index("-out") + 1]
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("name", sorted(key_cases()))
def test_bad_signing_key(case, name):
    make, words = key_cases()[name]
    path = make(case)
    lines = [*case.without("AuthSvcSigningKey"), f"AuthSvcSigningKey {path}"]
    refused(case.test(lines), *words)
    case.good_key.chmod(0o600)
    accepted(case.test(case.lines))


@pytest.mark.parametrize("curve", [("EC", "-pkeyopt", "ec_paramgen_curve:P-256"), ("ED25519",),
                                   ("RSA", "-pkeyopt", "rsa_keygen_bits:3072")])
def test_keys_of_openssl_are_good(case, curve):
    path = made(case, "genpkey", "-algorithm", *curve, "-out", "own.pem")
    accepted(case.test([*case.without("AuthSvcSigningKey"), f"AuthSvcSigningKey {path}"]))


def test_verify_keys(case):
    public = made(case, "rsa", "-in", "main-rs256.pem", "-pubout", "-out", "pub.pem")
    public.chmod(0o644)
    accepted(case.test([*case.lines, f"AuthSvcVerifyKey {public}"]))
    refused(case.test([*case.lines, f"AuthSvcVerifyKey {case.keys}/none.pem"]), "none.pem")
    small = made(case, "genrsa", "-out", "rsa1024.pem", "1024")
    refused(case.test([*case.lines, f"AuthSvcVerifyKey {small}"]), "2048")


@pytest.mark.parametrize("text, words", [
    ("", ()), ("junk\n", ()), ("1:AAAA\n", ()), ("0:" + "A" * 43 + "\n", ()),
    ("256:" + "A" * 43 + "\n", ()), ("x:" + "A" * 43 + "\n", ()), ("# only a comment\n", ())])
def test_bad_secret_file(case, text, words):
    path = case.file("bad-secret", text)
    refused(case.test([*case.without("AuthSvcSecretFile"), f"AuthSvcSecretFile {path}"]),
            "bad-secret", *words)


def test_secret_file_modes(case):
    refused(case.test([*case.without("AuthSvcSecretFile"),
                       f"AuthSvcSecretFile {case.keys}/none"]), "none")
    case.good_secret.chmod(0o644)
    refused(case.test(case.lines), "chmod|readable|0600")
    case.good_secret.chmod(0o600)
    accepted(case.test(case.lines))


@pytest.mark.parametrize("line", [
    "AuthSvcIssuer not-a-url", "AuthSvcIssuer ftp://example.org/", "AuthSvcIssuer https://",
    "AuthSvcIssuer https://example.org/api/", "AuthSvcIssuer https://example.org/?x=1",
    "AuthSvcIssuer https://u:p@example.org", 'AuthSvcIssuer ""', 'AuthSvcAudience "a b"',
    'AuthSvcAudience ""', "AuthSvcProblemBase nonsense", "AuthSvcTokenType JWE",
    "AuthSvcAccessTokenLifetime 0", "AuthSvcAccessTokenLifetime -5",
    "AuthSvcAccessTokenLifetime 15x", "AuthSvcAccessTokenLifetime 1e3",
    "AuthSvcAccessTokenLifetime 999999999999999999999", 'AuthSvcAccessTokenLifetime ""',
    "AuthSvcAccessTokenLifetime 2d", "AuthSvcRefreshTokenLifetime 0",
    "AuthSvcSessionLifetime 0", "AuthSvcAccessTokenLifetime 1500ms",
    "AuthSvcRefreshTokenLifetime 3600001ms", "AuthSvcSessionLifetime 7776000500ms",
    "AuthSvcRefreshGrace 500ms", "AuthSvcRefreshGrace -1", "AuthSvcRefreshGrace 2h",
    "AuthSvcBasicCache 500ms", "AuthSvcBasicCache -1", "AuthSvcBasicCache 61m",
    "AuthSvcRegistration Maybe", "AuthSvcEmailUtf8 2", "AuthSvcPasswordLength 8",
    "AuthSvcPasswordLength 20 10", "AuthSvcPasswordLength 0 10", "AuthSvcPasswordLength 8 5000",
    "AuthSvcPasswordLength x y", "AuthSvcPasswordRequire emoji",
    "AuthSvcPasswordRequire none upper", "AuthSvcPasswordCost 1K 1", "AuthSvcPasswordCost 64M 0",
    "AuthSvcPasswordCost 64M", "AuthSvcPasswordCost 1T 1", "AuthSvcMaxBodySize 1",
    "AuthSvcMaxBodySize 1025K", "AuthSvcMaxBodySize 1G", "AuthSvcMaxBodySize 64Q", "AuthSvcDatabaseTimeout 0",
    "AuthSvcDatabaseTimeout 10m", "AuthSvcPreparedStatements x", "AuthSvcCorsOrigin *",
    "AuthSvcCorsOrigin null", "AuthSvcCorsOrigin https://app.example/",
    "AuthSvcCorsOrigin app.example", "AuthSvcCorsOrigin https://APP.example",
    "AuthSvcMaxSessions -1", "AuthSvcMaxSessions many", "AuthSvcRevocationMaxStale 0",
    "AuthSvcRevocationMaxStale 11m", "AuthSvcRevocationTableSize 10",
    "AuthSvcRevocationTableSize 1G", "AuthSvcHashNice -1", "AuthSvcHashNice 20", "AuthSvcHashNice low",
    "AuthSvcHashSlots 0", "AuthSvcHashSlots 100000", "AuthSvcHashQueue 10",
    "AuthSvcHashQueue -1 1s", "AuthSvcHashQueue 10 0", "AuthSvcRequireTLS sometimes",
    "AuthSvcCookie Secure", "AuthSvcLoginFailures 10", "AuthSvcLoginFailures 0/15m",
    "AuthSvcLoginFailures 10/", "AuthSvcLoginFailures 10/0", "AuthSvcLoginFailures 10/25h",
    "AuthSvcLoginFailures 10/1500ms", "AuthSvcLoginFailures -1/15m", "AuthSvcLoginFailures On",
    "AuthSvcLoginPause 1m", "AuthSvcLoginPause 15m 1m", "AuthSvcLoginPause 0 1m",
    "AuthSvcLoginPause 1m 2d", "AuthSvcLoginFailuresPerAccount 100", "AuthSvcLoginFailuresPerAccount 0/1h",
    "AuthSvcDeviceTokenLifetime 1s", "AuthSvcDeviceTokenLifetime never",
    "AuthSvcRegistrationDisclosure Maybe"])
def test_bad_value(case, line):
    refused(case.test([*case.lines, line]), line.split()[0])


@pytest.mark.parametrize("line", [
    "AuthSvcAccessTokenLifetime 900", "AuthSvcAccessTokenLifetime 15m",
    "AuthSvcAccessTokenLifetime 1h", "AuthSvcRefreshTokenLifetime 30d",
    "AuthSvcRefreshGrace 0", "AuthSvcRefreshGrace 2000ms", "AuthSvcTokenType at+jwt", "AuthSvcPasswordLength 15 256",
    "AuthSvcPasswordRequire none", "AuthSvcPasswordRequire upper symbol",
    "AuthSvcMaxBodySize 1M", "AuthSvcDatabaseTimeout 500ms", "AuthSvcHashSlots 4",
    "AuthSvcMaxSessions 0", "AuthSvcMaxSessions 5", "AuthSvcRevocationMaxStale 1500ms",
    "AuthSvcRevocationTableSize 64", "AuthSvcHashNice 0", "AuthSvcHashNice 19",
    "AuthSvcHashQueue 0 1s", "AuthSvcHashQueue 16 500ms", "AuthSvcCorsOrigin http://localhost:5173",
    "AuthSvcCorsOrigin https://[::1]:8443", "AuthSvcRegistration Off", "AuthSvcRequireTLS Off",
    "AuthSvcProblemBase https://docs.example/problems", "AuthSvcAudience shop",
    "AuthSvcCookie On", "AuthSvcCookie Off", "AuthSvcBasicCache 0", "AuthSvcBasicCache 1h",
    "AuthSvcLoginFailures 10/15m", "AuthSvcLoginFailures off", "AuthSvcLoginFailures 1/1s",
    "AuthSvcLoginPause 1s 24h", "AuthSvcLoginPause 5m 5m", "AuthSvcLoginFailuresPerAccount Off",
    "AuthSvcLoginFailuresPerAccount 1000/24h", "AuthSvcDeviceTokenLifetime Off",
    "AuthSvcDeviceTokenLifetime 30d", "AuthSvcRegistrationDisclosure Off"])
def test_good_value(case, line):
    accepted(case.test([*case.lines, line]))


@pytest.mark.parametrize("place", [
    ["<Directory {root}/htdocs>", "AuthSvc On", "</Directory>"],
    ['<LocationMatch "^/api">', "AuthSvc On", "</LocationMatch>"],
    ['<Location ~ "^/api">', "AuthSvc On", "</Location>"],
    ['<Location "/api/*">', "AuthSvc On", "</Location>"],
    ['<Files "x">', "AuthSvc On", "</Files>"],
    ['<Location "/api">', "<If \"true\">", "AuthSvc On", "</If>", "</Location>"],
    ['<Location "/api">', "<Limit GET>", "AuthSvc On", "</Limit>", "</Location>"],
    ["AuthSvc On"],
    ['<Location "/api">', "AuthSvc Maybe", "</Location>"],
    ['<Location "/api">', "AuthSvcIssuer https://example.org", "</Location>"]])
def test_wrong_place(case, place):
    refused(case.test(case.lines, mounted=place), "AuthSvc")


def test_not_in_htaccess(case):
    """A .htaccess cannot mount the service: 500 for that directory, as for any such directive."""
    accepted(case.test(case.lines))
    (case.httpd.root / "htdocs" / "sub").mkdir()
    (case.httpd.root / "htdocs" / "sub" / ".htaccess").write_text("AuthSvc On\n", encoding="ascii")
    case.httpd.main += [f"<Directory {case.httpd.root}/htdocs>", "AllowOverride All",
                        "</Directory>"]
    case.httpd.start()
    case.httpd.allow("AuthSvc not allowed here")
    import httpx  # pylint: disable=import-outside-toplevel
    assert httpx.get(f"{case.httpd.origin}/sub/", trust_env=False).status_code == 500
    assert httpx.get(f"{case.httpd.origin}/static.txt", trust_env=False).status_code == 200


@pytest.mark.parametrize("line", [
    "AuthSvcHashSlots 2", "AuthSvcHashQueue 4 1s", "AuthSvcRevocationMaxStale 5s",
    "AuthSvcRevocationTableSize 1024"])
def test_main_server_only(case, line):
    vhost = ("v.example", [*case.lines, *MOUNTED, line])
    refused(case.test([], mounted=[], vhosts=[vhost]), line.split()[0])
    accepted(case.test([line], mounted=[], vhosts=[("v.example", [*case.lines, *MOUNTED])]))


def test_vhost_errors_are_found(case):
    bad = [*case.without("AuthSvcIssuer"), *MOUNTED]
    refused(case.test([], mounted=[], vhosts=[("v.example", bad)]), "AuthSvcIssuer")


def test_unsupported_database_driver(case):
    lines = [*case.without("DBDriver"), "DBDriver mysql"]
    code, said = case.test(lines)
    assert code != 0, said


def test_persist_off(case):
    lines = [*case.without("DBDPersist"), "DBDPersist Off"]
    refused(case.test(lines), "DBDPersist")


INIT_SQL = 'DBDInitSQL "SELECT 1"'


def test_init_sql(case):
    """A connection that was healed would not have run it."""
    refused(case.test([*case.lines, INIT_SQL]), "DBDInitSQL", "ALTER ROLE", "DBDParams")
    accepted(case.test([*case.without("AuthSvcIssuer"), INIT_SQL], mounted=[]))
    vhost = [*case.lines, *MOUNTED]
    refused(case.test([INIT_SQL], mounted=[], vhosts=[("v.example", vhost)]), "DBDInitSQL")
    refused(case.test([], mounted=[], vhosts=[("v.example", [*vhost, INIT_SQL])]), "DBDInitSQL")


def test_init_sql_of_another_server(case):
    """mod_dbd has one pool for all servers with the same driver and parameters."""
    lines = [line for line in case.lines if line.startswith("DBD")]
    other = [line.replace("authsvc.db", "other.db") for line in lines]
    assert other != lines
    mounted = ("v.example", [*case.lines, *MOUNTED])
    refused(case.test([], mounted=[], vhosts=[mounted, ("w.example", [*lines, INIT_SQL])]),
            "DBDInitSQL", "v.example")
    accepted(case.test([], mounted=[], vhosts=[mounted, ("w.example", [*other, INIT_SQL])]))


def test_tokens_of_another_database(case):
    """Of the same issuer, audience and key, they would open what is guarded here."""
    def vhost(name, *lines):
        return (name, [*case.lines, *MOUNTED, *lines])

    def other(path="other.db"):
        return [line.replace("authsvc.db", path) for line in case.lines
                if line.startswith("DBDParams")]

    def test(*second, main=(), mounted=()):
        return case.test(list(main), mounted=list(mounted),
                         vhosts=[vhost("v.example"), vhost("w.example", *second)])

    assert other() != other("authsvc.db")
    refused(test(*other()), "AS0627: AuthSvc in virtual host", "host v.example", "host w.example",
            "AuthSvcIssuer", "AuthSvcAudience", "DBDParams")
    accepted(test())
    accepted(test(*other(), "AuthSvcAudience w"))
    accepted(test(*other(), "AuthSvcIssuer https://w.example/api/v1"))
    # the default of the audience is the issuer
    refused(test(*other(), "AuthSvcAudience https://example.org/api/v1"), "AS0627")
    case.openssl("genrsa", "-out", case.keys / "own.pem", "2048")
    (case.keys / "own.pem").chmod(0o600)
    own = f"AuthSvcSigningKey {case.keys / 'own.pem'}"
    accepted(test(*other(), own))
    refused(test(*other(), own, f"AuthSvcVerifyKey {case.good_key}"), "AS0627")
    # What a host inherits counts, be it that nothing is mounted there: a .htaccess may guard.
    refused(case.test(case.lines, vhosts=[("v.example", other())]), "AS0627", "the main server")
    accepted(case.test(case.lines, vhosts=[("v.example", [])]))


@pytest.mark.parametrize("issuer, warned", [
    ("http://example.org/api/v1", True), ("http://localhost.example.org/api", True),
    ("https://example.org/api/v1", False), ("http://localhost:8080/api/v1", False),
    ("http://127.0.0.1/api/v1", False), ("http://[::1]:8080/api/v1", False)])
def test_issuer_by_plain_http(case, issuer, warned):
    """A warning, not an error."""
    said = accepted(case.test([*case.without("AuthSvcIssuer"), f"AuthSvcIssuer {issuer}"]))
    assert ("AS0531" in said) == warned, said


@pytest.mark.parametrize("issuer, refusal, notice", [
    ("http://example.org/api/v1", True, False), ("http://localhost.example.org/api", True, False),
    ("http://127.example.org/api", True, False), ("https://example.org/api/v1", False, False),
    ("http://localhost:8080/api/v1", False, True), ("http://127.0.0.1/api/v1", False, True),
    ("http://[::1]:8080/api/v1", False, True), ("https://127.0.0.1/api/v1", False, False)])
def test_cookies_by_plain_http(case, issuer, refusal, notice):
    """Refused, but for this machine; there the log says what they lose."""
    lines = [*case.without("AuthSvcIssuer"), f"AuthSvcIssuer {issuer}", "LogLevel notice"]
    outcome = case.test([*lines, "AuthSvcCookie On"])
    if refusal:
        refused(outcome, "AS0650", "https://")
    else:
        said = accepted(outcome)
        assert ("AS0651" in said) == notice, said
    for off in ([], ["AuthSvcCookie Off"]):
        assert "AS065" not in accepted(case.test([*lines, *off]))


def test_mount_that_no_cookie_path_can_name(case):
    lines = [*case.lines, "AuthSvcCookie On"]
    for path in ("/a;b", "/a,b", "/a b", "/\u00e4"):
        mounted = [f'<Location "{path}">', "AuthSvc On", "</Location>"]
        refused(case.test(lines, mounted=mounted), "AS0652")
        accepted(case.test(case.lines, mounted=mounted))
    accepted(case.test(lines, mounted=['<Location "/">', "AuthSvc On", "</Location>"]))


@pytest.mark.parametrize("params, warnings", [
    ("host=127.0.0.1 dbname=x connect_timeout=2", set()),
    ("host=127.0.0.1 dbname=x", {"AS0532"}),
    ("host=127.0.0.1,127.0.0.2 dbname=x connect_timeout=2", {"AS0533"}),
    ("dbname=x hostaddr=127.0.0.1,127.0.0.2", {"AS0532", "AS0533"})])
def test_connection_settings_that_hold_threads(case, params, warnings):
    """Warnings, not errors."""
    lines = [line for line in case.lines if not line.startswith("DBD")]
    said = accepted(case.test([*lines, "DBDriver pgsql", f'DBDParams "{params}"']))
    assert set(re.findall("AS053[23]", said)) == warnings, said


def test_contract_that_does_not_fit(case):
    """A module whose contract names an operation that it has no function for."""
    octets = build.module_path().read_bytes()
    old, new = b'"operationId": "login"', b'"operationId": "logon"'
    assert octets.count(old) == 1
    module = case.httpd.root / "mod_authsvc.so"
    for contract in (octets, octets.replace(old, new)):
        module.write_bytes(contract)
        case.httpd.with_module = False
        lines = [f"LoadModule authsvc_module {module}", *case.lines]
        if contract == octets:
            accepted(case.test(lines))
        else:
            refused(case.test(lines), "AS0530", "logon")
            refused(case.test(lines, mounted=[]), "AS0530", "logon")
            accepted(case.test([line for line in lines if "AuthSvcIssuer" not in line], mounted=[]))


def test_without_mod_dbd(case):
    """mod_dbd is asked for by name, not missed by a crash."""
    case.httpd.main = [*MOUNTED, *(line for line in case.lines if line.startswith("AuthSvc"))]
    text = case.httpd.text()
    case.httpd.text = lambda: "\n".join(line for line in text.splitlines()
                                        if "dbd_module" not in line) + "\n"
    code, said = case.httpd.configtest()
    assert code != 0
    assert "mod_dbd" in said or "DBDriver" in said or "dbd" in said
    assert "Segmentation" not in said


@pytest.mark.skipif(not build.IS_ROOT, reason="needs another user")
def test_configtest_by_somebody_else(case):
    """Files that this user may not read are a warning; other mistakes are still found."""
    code, said = case.test(case.lines, user=build.HTTPD_USER)
    assert code == 0, said
    assert str(case.good_key) in said, "warned"
    code, said = case.test([*case.without("AuthSvcIssuer")], user=build.HTTPD_USER)
    assert code != 0 and "AuthSvcIssuer" in said


def test_reload_with_an_error_is_refused_before_it_kills(case):
    """What -t refuses, a graceful restart refuses too, and the running server goes on or ends
    with a sentence; it never crashes."""
    accepted(case.test(case.lines))
    case.httpd.start()
    case.httpd.main = [*case.without("AuthSvcIssuer"), *MOUNTED]
    case.httpd.write()
    os.kill(case.httpd.process.pid, 10)  # SIGUSR1
    build.wait_until(lambda: "AuthSvcIssuer" in case.httpd.log_text() + (
        case.httpd.root / "logs" / "stderr").read_text(), 10, "the sentence")
    case.httpd.allow("AuthSvcIssuer", "Configuration Failed", "AH00017", "AH0")
    code = case.httpd.process.poll()
    assert code is None or code >= 0, "not killed by a signal"


@pytest.mark.parametrize("where", ["main", "host", "inherited"])
def test_trailers_must_not_become_fields(case, where):
    """They come after the fields of who it is were checked."""
    def outcome(line):
        if where == "main":
            return case.test([*case.lines, line])
        if where == "host":
            return case.test(case.lines, vhosts=[("other.example", [line])])
        return case.test([line], mounted=[], vhosts=[("api.example", [*case.lines, *MOUNTED])])
    refused(outcome("MergeTrailers On"), "AS0626", "MergeTrailers Off",
            "main server" if where == "main" else "virtual host")
    accepted(outcome("MergeTrailers Off"))
    accepted(case.test(["MergeTrailers On"], mounted=[]))
    if where == "inherited":
        accepted(case.test(["MergeTrailers On"], mounted=[], vhosts=[
            ("api.example", [*case.lines, *MOUNTED, "MergeTrailers Off"])]))
