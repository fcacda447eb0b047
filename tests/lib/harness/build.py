# SPDX-License-Identifier: Apache-2.0
"""Where the build and the system's programs are, and small helpers around processes."""
import contextlib
import itertools
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("AUTHSVC_BUILDDIR") or SOURCE / "build").resolve()
MODULES = pathlib.Path(os.environ.get("AUTHSVC_HTTPD_MODULES") or "/usr/lib/apache2/modules")
HTTPD = os.environ.get("AUTHSVC_HTTPD") or shutil.which("apache2") or "/usr/sbin/apache2"
MPM = os.environ.get("AUTHSVC_TEST_MPM") or "event"
PRELOAD = os.environ.get("AUTHSVC_TEST_PRELOAD") or ""
SANITIZED = bool(PRELOAD)
HTTPD_USER = "www-data"
IS_ROOT = os.geteuid() == 0

# Leaks of httpd itself (it exits without freeing its pools) are not ours to report.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1:detect_odr_violation=0",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": f"suppressions={SOURCE}/tests/lib/tsan.supp:second_deadlock_stack=1",
}


def module_path():
    """The built module."""
    for place in (BUILD / ".libs", BUILD / "mod_authsvc" / ".libs", BUILD):
        if (place / "mod_authsvc.so").exists():
            return place / "mod_authsvc.so"
    raise FileNotFoundError(f"mod_authsvc.so is not in {BUILD}: build first, or set AUTHSVC_BUILDDIR")


def ctl(*args, check=True, stdin=None, env=None):
    """Run authsvcctl from the build tree."""
    program = BUILD / "authsvcctl"
    full = dict(os.environ, **SANITIZER_ENV)
    if PRELOAD:  # for the httpd that it may start to read a configuration
        full["LD_PRELOAD"] = PRELOAD
    full.update(env or {})
    done = subprocess.run([str(program), *map(str, args)], input=stdin, capture_output=True,
                          text=True, timeout=60, env=full, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"authsvcctl {' '.join(map(str, args))}: exit {done.returncode}\n"
                           f"{done.stdout}{done.stderr}")
    return done


def ending_with_us(*command, by="TERM", user=None):
    """
    A server's command: by this signal it ends when the thread that starts it does, so that a killed
    test run leaves none behind. As a user, if there is root to become one.
    """
    become = [f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user and IS_ROOT else []
    return ["setpriv", "--pdeathsig", by, *become, *map(str, command)]


PG_BIN = pathlib.Path(os.environ.get("AUTHSVC_PG_BIN") or "/usr/lib/postgresql/15/bin")
if not PG_BIN.exists():
    _found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if _found:
        PG_BIN = _found[-1].parent
# Debian's own psql is a program in Perl that looks for this one.
PSQL = PG_BIN / "psql"

# Below those that the kernel gives to clients (by default from 32768 on): until a server listens on
# its port, a client of anybody's might be given it.
PORTS = range(12000, 32000)
PORTS_EACH = 100


class _Ports:
    """
    Ports that no other process of tests takes: the right to a block of them is an abstract socket,
    which ends with the process that bound it.
    """

    def __init__(self):
        self.pid = os.getpid()
        # from another place in each process, so that those that ended are not followed at once
        blocks = list(range(PORTS.start, PORTS.stop, PORTS_EACH))
        at = self.pid % len(blocks)
        for first in blocks[at:] + blocks[:at]:
            self.claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                self.claim.bind(f"\0authsvc-test-ports-{first}")
            except OSError:
                self.claim.close()
                continue
            self.ports = itertools.cycle(range(first, first + PORTS_EACH))
            return
        raise RuntimeError("all blocks of ports are taken")

    def next(self):
        """The next one that nobody listens on."""
        for port in itertools.islice(self.ports, PORTS_EACH):
            with contextlib.closing(socket.socket()) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with contextlib.suppress(OSError):
                    probe.bind(("127.0.0.1", port))
                    return port
        raise RuntimeError("no free port")


_ports = None


def free_port():
    """A port of 127.0.0.1 that nobody listens on, and that nobody else is given soon."""
    global _ports  # pylint: disable=global-statement
    if _ports is None or _ports.pid != os.getpid():
        _ports = _Ports()
    return _ports.next()


def scratch(name):
    """A new directory that the httpd user can reach."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=f"authsvc-{name}-"))
    path.chmod(0o755)
    return path


def give_to(path, user):
    """Make a directory or file the property of a user; without root there is nobody to give to."""
    if IS_ROOT:
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def wait_until(condition, seconds, what, step=0.02):
    """Poll until condition() is true."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(step)


def children_of(pid):
    """Pids of a process's children."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
    except FileNotFoundError:
        return []
    found = []
    for task in tasks:
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as children:
                found += [int(child) for child in children.read().split()]
    return found
