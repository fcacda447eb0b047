#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""
Load the module beside a PostgreSQL of its own, and print what each request costs: microseconds of
CPU of the httpd processes and of PostgreSQL (from /proc), and ratios of numbers of this same run.

Parts: hot    each workload alone; login and register beside Argon2id without a server
       busy   "me" of half the connections, alone and while the other half logs in
       guard  a file of 1 KiB, open and behind different guards
       scale  1 thousand users and 1 million (with three sessions each), in turn
       profile  where the time of each workload goes, by perf; only if it is asked for
"""
import argparse
import base64
import hashlib
import http.client
import json
import os
import pathlib
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "lib"))

from harness import tokens  # noqa: E402  pylint: disable=wrong-import-position
from harness.build import (  # noqa: E402  pylint: disable=wrong-import-position
    BUILD, MODULES, ending_with_us, free_port)
from harness.census import (  # noqa: E402  pylint: disable=wrong-import-position
    PeakMemory, cpu, processes)

MOUNT = "/api/v1"
PASSWORD = "Correct Horse 9"
USERS = 32
SAMPLE = 5000  # of the users of the scale part: so many take part
MIB = 2 ** 20
SLOW = {"login": 3, "register": 3}  # times as long: a hash is slow, and the last ones are cut off
CHEAP = "AuthSvcPasswordCost 64K 1"
ACCOUNT = {} if os.getuid() else {"user": "postgres", "group": "postgres", "extra_groups": []}


# --- processes

def stop(process, how=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(ready, process, what):
    end = time.monotonic() + 60
    while not ready():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"{what} did not start; its log is in {WORK}")
        time.sleep(0.1)


# --- the database and the server

class Postgres:
    """A private cluster with PostgreSQL's own defaults, reached by TCP with a password."""

    def __init__(self):
        bindirs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"),
                         key=lambda path: int(path.parent.name))
        self.bin, self.port = bindirs[-1], free_port()
        self.password = secrets.token_hex(16)
        data, word = WORK / "pg", WORK / "pg.password"
        data.mkdir(mode=0o700)
        word.touch(mode=0o600)
        word.write_text(self.password, encoding="ascii")
        if ACCOUNT:
            shutil.chown(data, "postgres", "postgres")
            shutil.chown(word, "postgres", "postgres")
        subprocess.run([self.bin / "initdb", "-D", data, "-U", "bench", "-A", "scram-sha-256",
                        f"--pwfile={word}", "-E", "UTF8", "--locale=C.UTF-8"],
                       check=True, stdout=subprocess.DEVNULL, cwd="/", **ACCOUNT)
        with open(WORK / "pg.log", "wb") as log:
            self.process = subprocess.Popen(
                ending_with_us(
                    self.bin / "postgres", "-D", data, "-p", str(self.port),
                    "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                    by="INT"),
                stdout=log, stderr=log, cwd="/", start_new_session=True, **ACCOUNT)
        self.env = dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(self.port), PGUSER="bench",
                        PGPASSWORD=self.password)
        wait_until(lambda: subprocess.run([self.bin / "pg_isready", "-q"], env=self.env,
                                          check=False).returncode == 0, self.process, "PostgreSQL")

    def sql(self, database, *arguments):
        done = subprocess.run([self.bin / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database,
                               *arguments], env=self.env, stdout=subprocess.PIPE, text=True,
                              check=True)
        return done.stdout.strip()

    def params(self, database):
        return (f"host=127.0.0.1 port={self.port} dbname={database} user=bench "
                f"password={self.password} connect_timeout=2")


class Server:
    """tests/bench/start on a database of its own."""

    def __init__(self, postgres, name, extra=""):
        self.postgres, self.name, self.port = postgres, name, free_port()
        self.users = 0
        self.work = WORK / name
        self.work.mkdir(mode=0o755)
        postgres.sql("postgres", "-c", f"CREATE DATABASE {name}")
        env = dict(os.environ, BENCH_PORT=str(self.port), BENCH_DOCROOT=str(WORK / "www"),
                   BENCH_DBDPARAMS=postgres.params(name), BENCH_JWT_KEY=str(WORK / "jwt.pem"),
                   BENCH_WORK=str(self.work), BENCH_EXTRA=extra)
        with open(WORK / f"{name}.log", "wb") as log:
            # a session of its own, as a service has: the kernel may schedule by session
            self.process = subprocess.Popen(ending_with_us(HERE / "start"), env=env, stdout=log,
                                            stderr=log, start_new_session=True)
        wait_until(lambda: self.status("GET", f"{MOUNT}/health/ready") == 200, self.process,
                   "the server")

    def call(self, method, path, body=None, bearer=None):
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        try:
            link.request(method, path, body, headers)
            answer = link.getresponse()
            return answer.status, answer.read()
        finally:
            link.close()

    def status(self, *arguments, **options):
        try:
            return self.call(*arguments, **options)[0]
        except OSError:
            return 0

    def register(self):
        status, body = self.call("POST", f"{MOUNT}/auth/register", {
            "email": f"user{self.users}@bench.example.com", "password": PASSWORD, "name": "Bench"})
        self.users += 1
        if status != 201:
            raise SystemExit(f"register: {status} {body}")
        return json.loads(body)

    def settle(self):
        """Until what a load left unfinished has been worked off."""
        before = -1
        while (used := cpu(self.process.pid)) > before + 0.02:
            before = used
            time.sleep(0.4)


# --- load

def lines(name, values):
    path = WORK / name
    path.write_text("".join(f"{value}\n" for value in values), encoding="utf-8")
    return str(path)


def credentials(email):
    return json.dumps({"email": email, "password": PASSWORD})


def start_load(server, workload, connections, seconds):
    return subprocess.Popen(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s",
         str(HERE / "load.lua"), f"http://127.0.0.1:{server.port}", "--", *workload],
        stdout=subprocess.PIPE, text=True)


def finish_load(load):
    said = load.communicate()[0]
    if load.returncode != 0:
        raise SystemExit(f"wrk failed: {said}")
    result = json.loads(said.strip().splitlines()[-1])
    result["rate"] = (result["requests"] - result["refused"]) / result["seconds"]
    if result["refused"] or result["broken"] or not result["requests"]:
        SPOILT.append(f"{' '.join(load.args[load.args.index('--') + 1:][:2])}: {result}")
    return result


def measure(server, name, workload, connections=None):
    if callable(workload):  # a refresh token can be used once only, and so can an address
        workload = workload()
    server.settle()
    seconds = ARGS.seconds * SLOW.get(name, 1)
    with PeakMemory(server.process.pid, step=0.2) as watch:
        before = cpu(server.process.pid), cpu(server.postgres.process.pid)
        result = finish_load(start_load(server, workload, connections or ARGS.connections, seconds))
        after = cpu(server.process.pid), cpu(server.postgres.process.pid)
    requests = max(1, result["requests"])
    result.update(server_us=1e6 * (after[0] - before[0]) / requests,
                  db_us=1e6 * (after[1] - before[1]) / requests,
                  rss_mib=watch.peak["Rss"] / MIB, pss_mib=watch.peak["Pss"] / MIB)
    result["us"] = result["server_us"] + result["db_us"]
    return result


def workloads(server):
    granted = [server.register() for _ in range(USERS)]
    bearers = lines("bearers", ("Bearer " + one["access_token"] for one in granted))
    checks(server, granted[0])

    def refresh():
        fresh = [server.register()["refresh_token"] for _ in range(USERS)]
        return ("refresh", f"{MOUNT}/auth/refresh", lines("refresh", fresh))

    def register():
        address = f"new%d-{secrets.token_hex(4)}@bench.example.com"
        return ("register", f"{MOUNT}/auth/register", lines("fresh", [
            json.dumps({"email": address, "password": PASSWORD, "name": "Bench"})]))

    return {
        "open": ("get", "/1k.bin", lines("nothing", [])),
        "contract": ("get", f"{MOUNT}/openapi.json", lines("nothing", [])),
        "me": ("get", f"{MOUNT}/users/me", bearers),
        "refresh": refresh,
        "login": ("post", f"{MOUNT}/auth/login",
                  lines("logins", (credentials(f"user{number}@bench.example.com")
                                   for number in range(USERS)))),
        "register": register,
    }


def checks(server, granted):
    """A server that leaves out its work must not look fast."""
    refresh = f"{MOUNT}/auth/refresh"
    probe = server.register()
    for wanted, got in (
            (200, server.status("GET", f"{MOUNT}/users/me", bearer=granted["access_token"])),
            (401, server.status("GET", f"{MOUNT}/users/me")),
            (401, server.status("GET", f"{MOUNT}/users/me",
                                bearer=granted["access_token"][:-8] + "AAAAAAAA")),
            (200, server.status("POST", refresh, {"refresh_token": probe["refresh_token"]})),
            (401, server.status("POST", refresh, {"refresh_token": probe["refresh_token"]}))):
        if got != wanted:
            raise SystemExit(f"a check before the load: status {got}, not {wanted}")


# --- the parts

def argon2():
    """
    Hashes per second of libsodium in as many threads as there are slots, without a server, at the
    priority that hashing has in one (AuthSvcHashNice).
    """
    program = WORK / "argon2"
    subprocess.run(["gcc", "-O2", "-D_GNU_SOURCE", "-pthread", "-o", program, HERE / "argon2.c", "-lsodium"],
                   check=True)
    threads = len(os.sched_getaffinity(0))
    said = subprocess.run(["nice", "-n", "10", program, str(threads), str(3 * ARGS.seconds)],
                          check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return {"rate": float(said[0]), "us": float(said[1]) + float(said[2])}


def hot_part(postgres):
    server = Server(postgres, "hot")
    try:
        work = workloads(server)
        rounds = []
        for _ in range(ARGS.rounds):
            results = {name: measure(server, name, one) for name, one in work.items()}
            results["argon2id"] = argon2()
            rounds.append(results)
        rows("hot", rounds)
        for name in ("me", "refresh", "contract"):
            ratio(f"CPU of {name} / CPU of the open file", rounds,
                  lambda one, name=name: one[name]["us"] / one["open"]["us"])
        for name in ("login", "register"):
            ratio(f"{name}s per second / Argon2id per second", rounds,
                  lambda one, name=name: one[name]["rate"] / one["argon2id"]["rate"])
            ratio(f"CPU of {name} / CPU of Argon2id", rounds,
                  lambda one, name=name: one[name]["us"] / one["argon2id"]["us"])
    finally:
        stop(server.process)


def busy_part(postgres):
    server = Server(postgres, "busy")
    half = max(1, ARGS.connections // 2)
    try:
        work = workloads(server)
        rounds = []
        for _ in range(ARGS.rounds):
            idle = measure(server, "me", work["me"], half)
            logins = start_load(server, work["login"], half, ARGS.seconds + 2)
            time.sleep(1)
            busy = finish_load(start_load(server, work["me"], half, ARGS.seconds))
            rounds.append({"me, alone": idle, "me, beside logins": busy,
                           "login, beside me": finish_load(logins)})
        rows("busy", rounds)
        ratio("me per second beside logins / alone", rounds,
              lambda one: one["me, beside logins"]["rate"] / one["me, alone"]["rate"])
    finally:
        stop(server.process)


GUARDS = """
LoadModule alias_module {modules}/mod_alias.so
LoadModule authz_user_module {modules}/mod_authz_user.so
LoadModule auth_basic_module {modules}/mod_auth_basic.so
LoadModule authn_file_module {modules}/mod_authn_file.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
LoadModule authn_socache_module {modules}/mod_authn_socache.so
LoadModule auth_openidc_module {modules}/mod_auth_openidc.so
Alias /guarded {www}
<Location /guarded>
    AuthType AuthSvc
    Require valid-user
</Location>
OIDCCryptoPassphrase bench
OIDCOAuthVerifyCertFiles {kid}#{work}/jwt.crt
OIDCOAuthRemoteUserClaim sub
Alias /oidc {www}
<Location /oidc>
    AuthType oauth20
    Require valid-user
</Location>
AuthnCacheEnable
AuthnCacheSOCache shmcb
Alias /basic {www}
<Location /basic>
    AuthType Basic
    AuthName bench
    AuthBasicProvider socache file
    AuthnCacheProvideFor file
    AuthUserFile {work}/htpasswd
    Require valid-user
</Location>
"""
UNKNOWN_TOKENS = 49152  # three times what a process keeps, asked for in turn: none is kept


def write_peers():
    """What the other guards need: our key in a certificate, and a password by bcrypt (5)."""
    subprocess.run(["openssl", "req", "-x509", "-new", "-key", WORK / "jwt.pem", "-subj", "/CN=bench",
                    "-days", "2", "-out", WORK / "jwt.crt"], check=True)
    said = subprocess.run(["htpasswd", "-niBC", "5", "bench"], input=PASSWORD, text=True,
                          check=True, stdout=subprocess.PIPE).stdout
    (WORK / "htpasswd").write_text(said, encoding="ascii")
    for name in ("jwt.crt", "htpasswd"):
        (WORK / name).chmod(0o644)
    numbers = tokens.Signer(WORK / "jwt.pem").key.public_key().public_numbers()
    member = {"e": tokens.b64(numbers.e.to_bytes(3, "big")), "kty": "RSA",
              "n": tokens.b64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))}
    text = json.dumps(member, separators=(",", ":"), sort_keys=True)
    return tokens.b64(hashlib.sha256(text.encode("ascii")).digest())  # RFC 7638


def alike(token, number):
    """As many tokens, each with its own jti, written octet by octet as the service writes them."""
    header, claims, _ = (tokens.unb64(one) for one in token.split("."))
    jti = json.loads(claims)["jti"].encode("ascii")
    signer = tokens.Signer(WORK / "jwt.pem")
    return (signer.token(header, claims.replace(jti, str(uuid.uuid4()).encode("ascii")))
            for _ in range(number))


def guard_part(postgres):
    if ARGS.alg != "RS256":
        raise SystemExit("guard is for RS256: the others know nothing else")
    server = Server(postgres, "guard", GUARDS.format(
        modules=MODULES, www=WORK / "www", work=WORK, kid=write_peers()))
    try:
        granted = [server.register() for _ in range(USERS)]
        unknown = alike(granted[0]["access_token"], UNKNOWN_TOKENS)
        known = lines("known", (f"Bearer {one['access_token']}" for one in granted))
        word = base64.b64encode(f"bench:{PASSWORD}".encode()).decode()
        basic = lines("basic", [f"Basic {word}"])
        for path in ("/guarded", "/oidc", "/basic"):
            if server.status("GET", f"{path}/1k.bin") != 401:
                raise SystemExit(f"{path} lets everybody in")
        work = {
            "open": ("get", "/1k.bin", lines("nothing", [])),
            "a known token": ("get", "/guarded/1k.bin", known),
            "at first sight": ("get", "/guarded/1k.bin",
                               lines("unknown", (f"Bearer {one}" for one in unknown))),
            "mod_auth_openidc": ("get", "/oidc/1k.bin", known),
            "Basic, mod_authn_socache": ("get", "/basic/1k.bin", basic),
        }
        rounds = [{name: measure(server, name, one) for name, one in work.items()}
                  for _ in range(ARGS.rounds)]
        rows("guard", rounds)
        for name in list(work)[1:]:
            ratio(f"CPU of {name} above the open file, us", rounds,
                  lambda one, name=name: one[name]["us"] - one["open"]["us"])
    finally:
        stop(server.process)


def session_tokens(server, granted, users):
    """(access token, refresh token) of SAMPLE sessions that scale.sql made, here and there."""
    signer = tokens.Signer(WORK / "jwt.pem")
    header, claims = tokens.parts(granted["access_token"])
    number, _, secret = (server.work / "authsvc/keys/secret").read_text(
        encoding="ascii").strip().partition(":")
    key = hashlib.blake2b(digest_size=32, key=tokens.unb64(secret), salt=(1).to_bytes(8, "little"),
                          person=b"asrefrsh").digest()
    database = uuid.UUID(server.postgres.sql(server.name, "-c", "SELECT id FROM authsvc_database"))

    def md5(text):
        return uuid.UUID(hashlib.md5(text.encode("ascii")).hexdigest())

    step = max(1, 3 * users // SAMPLE)
    for one in range(1, 3 * users + 1, step):
        session = md5(f"session{one}")
        nonce = hashlib.sha256(f"nonce{one}".encode("ascii")).digest()[:16]
        fields = bytes([int(number)]) + session.bytes + nonce + bytes(4)
        mac = hashlib.blake2b(b"authsvc refresh token 1\0" + database.bytes + fields, key=key,
                              digest_size=16).digest()
        own = dict(claims, sid=str(session), sub=str(md5(f"user{(one - 1) % users + 1}")),
                   exp=claims["exp"] + 86400)
        yield signer.token(header, own), "asr1_" + tokens.b64(fields + mac)


def filled_server(postgres, name, users):
    server = Server(postgres, name, CHEAP)
    granted = server.register()
    began = time.monotonic()
    made = postgres.sql(name, "-c", "SELECT password_hash FROM users")
    postgres.sql(name, "-v", f"users={users}", "-v", f"hash={made}", "-f", str(HERE / "scale.sql"))
    print(f"   {users} users and {3 * users} sessions made in {time.monotonic() - began:.0f} s",
          flush=True)
    pairs = list(session_tokens(server, granted, users))
    step = max(1, users // SAMPLE)
    turns = iter(range(ARGS.rounds))

    def refresh():
        turn = next(turns)
        return ("refresh", f"{MOUNT}/auth/refresh",
                lines(f"{name}.refresh", (one for _, one in pairs[turn::ARGS.rounds])))

    work = {
        "me": ("get", f"{MOUNT}/users/me",
               lines(f"{name}.bearers", ("Bearer " + access for access, _ in pairs))),
        "refresh": refresh,
        "login without its hash": (
            "post", f"{MOUNT}/auth/login",
            lines(f"{name}.logins", (credentials(f"scale{one}@bench.example.com")
                                     for one in range(1, users + 1, step)))),
    }
    return server, work


def scale_part(postgres):
    servers = {}
    try:
        for name, users in (("small", ARGS.small), ("large", ARGS.large)):
            servers[name] = filled_server(postgres, name, users)
        for server, work in servers.values():  # caches: as after some minutes of service
            measure(server, "warm", work["me"])
        rounds = []
        for _ in range(ARGS.rounds):
            results = {}
            for name in ("me", "refresh", "login without its hash"):
                for size, (server, work) in servers.items():
                    results[f"{name}, {size}"] = measure(server, name, work[name])
            rounds.append(results)
        rows("scale", rounds)
        for name in ("me", "refresh", "login without its hash"):
            ratio(f"CPU of {name}, {ARGS.large} users / {ARGS.small}", rounds,
                  lambda one, name=name: one[f"{name}, large"]["us"] / one[f"{name}, small"]["us"])
    finally:
        for server, _ in servers.values():
            stop(server.process)


def profile_part(postgres):
    """By cpu-clock, which a virtual machine has, too. Symbols need the build's: -g is autoconf's."""
    server = Server(postgres, "profile")
    try:
        for name, workload in workloads(server).items():
            workload = workload() if callable(workload) else workload
            server.settle()
            load = start_load(server, workload, ARGS.connections, ARGS.seconds + 1)
            time.sleep(0.5)
            data = WORK / f"{name}.perf"
            pids = [*processes(server.process.pid), *processes(postgres.process.pid)]
            subprocess.run(["perf", "record", "-q", "-F", "1999", "-e", "cpu-clock", "-o", data, "-p",
                            ",".join(map(str, pids)), "--", "sleep", str(ARGS.seconds)],
                           check=True, stderr=subprocess.DEVNULL)
            finish_load(load)
            for title, sort in (("by object", "comm,dso"), ("by function", "comm,dso,symbol")):
                said = subprocess.run(
                    ["perf", "report", "-i", data, "--stdio", "--sort", sort, "-g", "none",
                     "--percent-limit", "0.9"], check=True, text=True, stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL).stdout
                print(f"\n{name}, {title}")
                print("\n".join(line for line in said.splitlines()
                                if line.strip() and not line.startswith("#")), flush=True)
    finally:
        stop(server.process)


# --- report

COLUMNS = (("req/s", "rate"), ("p50 ms", "p50_ms"), ("p99 ms", "p99_ms"),
           ("server us", "server_us"), ("db us", "db_us"), ("us/req", "us"), ("RSS MiB", "rss_mib"),
           ("PSS MiB", "pss_mib"), ("refused", "refused"), ("broken", "broken"))
REPORT = {}
SPOILT = []  # loads of which something was refused: what they measured is no request's cost


def rows(part, rounds):
    """The median of each number; of what must not be, the sum."""
    REPORT[part] = rounds
    print(f"\n{part:24}" + "".join(f"{title:>10}" for title, _ in COLUMNS))
    for name in rounds[0]:
        cells = []
        for _, key in COLUMNS:
            values = [one[name][key] for one in rounds if key in one[name]]
            total = sum(values) if key in ("refused", "broken") else \
                statistics.median(values) if values else None
            cells.append("-" if total is None else f"{total:.0f}" if total >= 100 or
                         isinstance(total, int) else f"{total:.2f}")
        print(f"{name:24}" + "".join(f"{cell:>10}" for cell in cells), flush=True)


def ratio(title, rounds, of):
    values = [of(one) for one in rounds]
    REPORT.setdefault("ratios", {})[title] = values
    print(f"   {title}: {statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})",
          flush=True)


PARTS = {"hot": hot_part, "guard": guard_part, "busy": busy_part, "scale": scale_part, "profile": profile_part}


def arguments():
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help="default: hot guard busy scale")
    parser.add_argument("-n", "--rounds", type=int, default=3)
    parser.add_argument("-d", "--seconds", type=int, default=4,
                        help="of each load; three times that where passwords are hashed")
    parser.add_argument("-c", "--connections", type=int, default=16)
    parser.add_argument("--alg", choices=("RS256", "ES256", "EdDSA"), default="RS256",
                        help="of the access tokens")
    parser.add_argument("--small", type=int, default=1000, help="users")
    parser.add_argument("--large", type=int, default=1000000, help="users")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="all numbers, as JSON")
    parser.add_argument("--work", type=pathlib.Path, help="where scratch files go")
    found = parser.parse_args()
    found.parts = found.parts or ["hot", "guard", "busy", "scale"]
    if set(found.parts) - set(PARTS):
        parser.error("parts are: " + ", ".join(PARTS))
    return found


def main():
    (WORK / "www" / "protected").mkdir(parents=True)
    WORK.chmod(0o755)
    (WORK / "www" / "1k.bin").write_bytes(os.urandom(1024))
    subprocess.run([BUILD / "authsvcctl", "key", "generate", "--alg", ARGS.alg, WORK / "jwt.pem"],
                   check=True, stdout=subprocess.DEVNULL)
    postgres = Postgres()
    try:
        for part in ARGS.parts:
            PARTS[part](postgres)
    finally:
        stop(postgres.process, signal.SIGINT)
    if ARGS.output:
        ARGS.output.write_text(json.dumps(REPORT, indent=1), encoding="utf-8")
    if SPOILT:
        sys.exit("requests were refused or broken off:\n" + "\n".join(SPOILT))


if __name__ == "__main__":
    ARGS = arguments()
    WORK = pathlib.Path(tempfile.mkdtemp(prefix="authsvc-bench-", dir=ARGS.work))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
