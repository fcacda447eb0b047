# SPDX-License-Identifier: Apache-2.0
"""A private Apache httpd with the module in it."""
import collections
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from . import build

ALARMS = re.compile(
    r"\[[\w-]*:(?:error|crit|alert|emerg)\]|exit signal|AddressSanitizer|runtime error:|"
    r"ThreadSanitizer|LeakSanitizer|Assertion|assertion failed|stack smashing|double free|"
    r"malloc\(\)|free\(\):|corrupted")

BASE_MODULES = ["authz_core", "authn_core", "authz_host", "alias", "dir", "mime", "dbd", "env",
                "setenvif", "unique_id", "headers"]

TUNING = {
    # half of a child's threads may wait: enough for 50 requests at the same moment
    "event": ["ServerLimit 2", "StartServers 1", "ThreadLimit 128", "ThreadsPerChild 128",
              "MaxRequestWorkers 256", "MinSpareThreads 1", "MaxSpareThreads 256"],
    "prefork": ["ServerLimit 64", "StartServers 8", "MinSpareServers 4", "MaxSpareServers 64",
                "MaxRequestWorkers 64"],
}
TUNING["worker"] = TUNING["event"]

CHEAP_COST = "AuthSvcPasswordCost 64K 1"

# All tests come from one address, and many of them in the name of one user.
NO_LIMITS = [f"AuthSvcRateLimit {policy} off" for policy in ("login", "register", "refresh", "api")]

# What a database's fault makes us and mod_dbd say; tests that provoke one allow it. The last is
# PostgreSQL's own word, which libpq writes to stderr while mod_dbd opens a connection.
FAULTS = (r"\[authsvc:error\].* AS0\d+", r"\[dbd:error\].* AH0(0629|2655|0633|0636)",
          r"^DETAIL:  The postmaster has commanded this server process to roll back .* corrupted "
          "shared memory")

# httpd's own complaint about a connection that was kept alive when the child ended.
KNOWN = [re.compile(r"AH03093: process_socket: apr_pollset_add failure")]

_running = []

# Making an RSA key takes longer than most tests' requests. Those of servers that are gone serve
# others, the oldest first: no two servers have the same at a time, nor one right after the other.
_spare_keys = collections.deque()
SPARE_KEYS = 8


def running():
    """All servers that are up: the fixtures look at the log of each."""
    return list(_running)


class Httpd:
    """
    One server root under a scratch directory.

    main: configuration lines of the main server; vhosts: list of (name, lines), all on the one
    port. `{root}` in a line is the server root.
    """

    def __init__(self, main=(), vhosts=(), modules=(), mpm=None, tuning=None, loglevel="info",
                 with_module=True, env=(), preload=(), limits=False):
        self.root = build.scratch("httpd")
        self.mpm = mpm or build.MPM
        self.port = build.free_port()
        self.main = list(main)
        self.vhosts = list(vhosts)
        self.base = BASE_MODULES
        self.modules = list(modules)
        self.tuning = tuning
        self.loglevel = loglevel
        self.with_module = with_module
        self.limits = limits  # False: no rate limits; else what main says, or the defaults
        self.env = dict(env)  # beside what every server gets
        self.preload = list(preload)
        self.process = None
        self.allowed = []
        self.rsa_keys = []
        self.log_seen = 0
        for name in ("conf", "logs", "run", "htdocs", "keys"):
            (self.root / name).mkdir()
        (self.root / "keys").chmod(0o700)
        self.races = self.root / "races"
        self.races.mkdir()
        build.give_to(self.races, build.HTTPD_USER)
        self.races_seen = {}
        (self.root / "htdocs" / "static.txt").write_text("static\n" * 128, encoding="ascii")
        (self.root / "htdocs" / "index.html").write_text("<h1>site</h1>\n", encoding="ascii")

    @property
    def conf(self):
        return self.root / "conf" / "httpd.conf"

    @property
    def error_log(self):
        return self.root / "logs" / "error.log"

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.port}"

    def key(self, name="rs256.pem", alg="RS256"):
        """A signing key, made on first use, unless another server left one."""
        path = self.root / "keys" / name
        if path.exists():
            return path
        if alg == "RS256" and len(_spare_keys) > SPARE_KEYS:
            path.touch(mode=0o600)
            path.write_bytes(_spare_keys.popleft())
        else:
            build.ctl("key", "generate", "--alg", alg, path)
        if alg == "RS256":
            self.rsa_keys.append(path.read_bytes())
        return path

    def secret(self, name="secret"):
        path = self.root / "keys" / name
        if not path.exists():
            build.ctl("secret", "generate", path)
        return path

    def text(self):
        """The whole configuration."""
        lines = [f"ServerRoot {self.root}", "ServerName localhost", "PidFile run/httpd.pid",
                 "DefaultRuntimeDir run", f"Listen 127.0.0.1:{self.port}",
                 "ErrorLog logs/error.log", f"LogLevel {self.loglevel}",
                 "ServerTokens Prod", "TraceEnable Off", "Timeout 20", f"KeepAliveTimeout {60 if self.mpm == 'event' else 3}",
                 "MaxKeepAliveRequests 0", "GracefulShutdownTimeout 5"]
        if build.IS_ROOT:
            lines += [f"User {build.HTTPD_USER}", f"Group {build.HTTPD_USER}"]
        names = [f"mpm_{self.mpm}", *self.base, *(m for m in self.modules if m not in self.base)]
        lines += [f"LoadModule {n}_module {build.MODULES}/mod_{n}.so" for n in names]
        if self.with_module:
            lines.append(f"LoadModule authsvc_module {build.module_path()}")
            lines += [] if self.limits else NO_LIMITS
        lines += self.tuning or TUNING[self.mpm]
        lines += ["TypesConfig /dev/null", f"DocumentRoot {self.root}/htdocs",
                  'CustomLog logs/access.log "%h %l %u %t \\"%r\\" %>s %b"',
                  "<Directory />", "  Require all granted", "  AllowOverride None", "</Directory>"]
        lines += self.main
        if self.vhosts:
            for name, own in self.vhosts:
                lines += [f"<VirtualHost 127.0.0.1:{self.port}>", f"ServerName {name}", *own,
                          "</VirtualHost>"]
        return "\n".join(line.replace("{root}", str(self.root)) for line in lines) + "\n"

    def write(self):
        self.conf.write_text(self.text(), encoding="utf-8")

    def environment(self):
        env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC"}
        env.update(build.SANITIZER_ENV)
        env.update(self.env)
        # a sanitizer's library has to be the first
        preload = [build.PRELOAD] * bool(build.PRELOAD) + list(map(str, self.preload))
        if preload:
            env["LD_PRELOAD"] = " ".join(preload)
        if build.PRELOAD:
            # A file for each process, and an exit code that httpd takes for no crash.
            env["TSAN_OPTIONS"] += f":log_path={self.races}/report:exitcode=0"
        return env

    def configtest(self, user=None):
        """(exit code, what it said) of `apache2 -t`."""
        self.write()
        command = [build.HTTPD, "-f", str(self.conf), "-t"]
        if user and build.IS_ROOT:
            # the tree may be in a directory of root's own
            reachable = shutil.copy(build.module_path(), self.root / "run")
            self.conf.write_text(self.text().replace(str(build.module_path()), reachable),
                                 encoding="utf-8")
            command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60,
                              env=self.environment(), check=False)
        said = done.stdout + done.stderr
        if self.error_log.exists():
            said += self.error_log.read_text(errors="replace")
        return done.returncode, said

    def start(self):
        self.write()
        env = self.environment()
        command = [build.HTTPD, "-f", str(self.conf), "-DFOREGROUND"]
        if "LD_PRELOAD" in env:  # into httpd alone
            command = ["env", f"LD_PRELOAD={env.pop('LD_PRELOAD')}", *command]
        with open(self.root / "logs" / "stderr", "ab") as stderr:
            self.process = subprocess.Popen(
                build.ending_with_us(*command), stdin=subprocess.DEVNULL, stdout=stderr,
                stderr=stderr, env=env, process_group=0)
        _running.append(self)
        try:
            build.wait_until(self._answers, 30, "httpd answers")
        except Exception:
            said = self.log_text() + (self.root / "logs" / "stderr").read_text(errors="replace")
            self.stop(check=False)
            raise RuntimeError(f"httpd did not start:\n{said[-4000:]}") from None
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("httpd ended")
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as probe:
                probe.sendall(b"GET /static.txt HTTP/1.0\r\nHost: localhost\r\n\r\n")
                return probe.recv(12).startswith(b"HTTP/1.1")
        except OSError:
            return False

    def graceful(self):
        """Reload; returns when the new generation serves."""
        before = self.log_text().count("resuming normal operations")
        self.write()
        self.process.send_signal(signal.SIGUSR1)
        build.wait_until(
            lambda: self.log_text().count("resuming normal operations") > before, 30,
            "httpd resumed after the reload")

    def children(self):
        return build.children_of(self.process.pid)

    def stop(self, check=True):
        if self in _running:
            _running.remove(self)
        if self.process and self.process.poll() is None:
            # Graceful first: on SIGTERM the event MPM of httpd 2.4 closes sockets that its
            # threads still use, and now and then a child crashes, of a server without any module
            # of ours too. The parent then looks once a second; SIGTERM wakes it up.
            children = self.children()
            self.process.send_signal(signal.SIGWINCH)
            end = time.monotonic() + 10
            while time.monotonic() < end and self.process.poll() is None and any(
                    os.path.exists(f"/proc/{pid}/exe") for pid in children):
                time.sleep(0.01)
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                for pid in [*self.children(), self.process.pid]:
                    os.kill(pid, signal.SIGKILL)
                self.process.wait(10)
                if check:
                    raise AssertionError("httpd did not stop within 20 s") from None
        self.process = None

    def destroy(self):
        _spare_keys.extend(self.rsa_keys)
        self.rsa_keys = []
        try:
            self.stop()
            alarms = self.alarms()
        finally:
            if os.environ.get("AUTHSVC_TEST_KEEP"):
                print("kept", self.root)
            else:
                shutil.rmtree(self.root, ignore_errors=True)
        assert not alarms, "unexpected lines in the error log:\n" + "\n".join(alarms)

    def log_text(self):
        return self.error_log.read_text(errors="replace") if self.error_log.exists() else ""

    def allow(self, *patterns):
        """Error log lines that the running test provokes on purpose."""
        self.allowed += [re.compile(pattern) for pattern in patterns]

    def alarms(self):
        """New, unexpected lines of the error log."""
        text = self.log_text()
        fresh, self.log_seen = text[self.log_seen:], len(text)
        stderr = self.root / "logs" / "stderr"
        if stderr.exists() and build.SANITIZED:
            fresh += stderr.read_text(errors="replace")
        fresh += self._new_races()
        found = [line for line in fresh.splitlines() if ALARMS.search(line)
                 and not any(pattern.search(line) for pattern in [*KNOWN, *self.allowed])]
        return found if len(found) <= 10 else [*found[:10], f"... and {len(found) - 10} more"]

    def _new_races(self):
        """What ThreadSanitizer reported of this server's processes; pytest shows all of it."""
        fresh = ""
        for path in sorted(self.races.iterdir()):
            text = path.read_text(errors="replace")
            fresh += text[self.races_seen.get(path, 0):]
            self.races_seen[path] = len(text)
        if fresh:
            print(fresh)
        return fresh

    def mark(self):
        """A place in the log, for log_since."""
        return len(self.log_text())

    def log_since(self, mark, pattern=None, seconds=0):
        """Lines after a mark; with a pattern, waits for a line that matches."""
        end = time.monotonic() + seconds
        while True:
            lines = self.log_text()[mark:].splitlines()
            if pattern:
                lines = [line for line in lines if re.search(pattern, line)]
            if lines or time.monotonic() >= end:
                return lines
            time.sleep(0.05)
