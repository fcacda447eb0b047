# SPDX-License-Identifier: Apache-2.0
"""scripts/quickstart serves, its walk-through and the README's work as pasted, Ctrl-C ends it all."""
import json
import os
import pty
import re
import shutil
import signal
import subprocess

import httpx
import pytest

from harness import build

pytestmark = pytest.mark.slow

SCRIPT = build.SOURCE / "scripts" / "quickstart"


class Quickstart:
    """A run of the script on a terminal of its own, as a person would start it."""

    def __init__(self, folder, *options, port=None):
        self.port = port or build.free_port()
        self.folder = folder
        self.terminal, other = pty.openpty()
        self.out = open(folder.with_suffix(".out"), "w+b")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [str(SCRIPT), "--port", str(self.port), "--dir", str(folder), *options], stdin=other,
            stdout=self.out, stderr=subprocess.STDOUT, start_new_session=True,
            # ignored, if these tests run in the background of a script; it is what ends this one
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        os.close(other)

    def said(self):
        self.out.seek(0)
        return self.out.read().decode()

    def ready(self, seconds=240):
        def served():
            assert self.process.poll() is None, self.said()
            return "Ctrl-C stops it." in self.said()
        build.wait_until(served, seconds, "quickstart is ready", step=0.1)
        return self

    def tree(self):
        """Pids of all that runs below the directory."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    line = file.read()
            except OSError:
                continue
            if str(self.folder).encode() in line and int(pid) != self.process.pid:
                found.append((int(pid), line))
        return found

    def end(self, number=signal.SIGINT):
        """As a terminal does it: to the whole foreground group."""
        os.killpg(self.process.pid, number)
        code = self.process.wait(30)
        os.close(self.terminal)
        return code

    def destroy(self):
        if self.process.poll() is None:
            self.end(signal.SIGTERM)
        self.out.close()


@pytest.fixture
def folder():
    parent = build.scratch("quickstart")
    yield parent / "kept"
    shutil.rmtree(parent, ignore_errors=True)


@pytest.fixture
def quickstart(folder):
    made = []

    def run(*options, **more):
        made.append(Quickstart(folder, *options, **more))
        return made[-1]

    yield run
    for one in made:
        one.destroy()


def paste(text):
    """What a shell says to pasted lines."""
    done = subprocess.run(["bash"], input=text, capture_output=True, text=True, timeout=60,
                          cwd=build.SOURCE, check=False)
    # authsvcctl tells the terminal of the security event, as httpd tells its log
    assert re.fullmatch(r"AS0241: event=role-changed .*\n", done.stderr), done.stderr
    return done.stdout


def check_walk(said):
    """What each line of the walk-through answers."""
    looks = [(int(status), path)
             for status, path in re.findall(r"^(\d{3}) http://127\.0\.0\.1:\d+(/\S*)$", said, re.M)]
    assert looks == [
        (200, "/"), (401, "/members/"), (302, "/members/"),  # before anybody signs in
        (200, "/members/"), (200, "/members/"), (403, "/members/admin/"),  # as a member
        (200, "/members/admin/"), (200, "/members/admin/"),  # as an admin
        (401, "/members/")], "after she has signed out"
    registered, me, invalid, wrong = (json.loads(line) for line in said.splitlines()
                                      if line.startswith("{"))
    assert registered["access_token"] and registered["user"]["role"] == "user"
    assert "\nrole: admin\n" in said
    assert me == {**registered["user"], "role": "admin"}
    assert invalid["status"] == 400
    assert {e["pointer"] for e in invalid["errors"]} == {"/email", "/password", "/name"}
    assert wrong["type"].endswith("/problems/invalid-credentials")


def readme_walk(server):
    text = (build.SOURCE / "README.md").read_text(encoding="utf-8")
    section = text.split("## Walk through it", 1)[1].split("\n## ", 1)[0]
    walk = "\n".join(re.findall(r"```sh\n(.*?)```", section, re.S))
    for there, here in ((":8080\n", f":{server.port}\n"),
                        ("=quickstart/conf/", f"={server.folder}/conf/")):
        assert walk.count(there) == 1
        walk = walk.replace(there, here)
    return walk


@pytest.mark.parametrize("options", [(), ("--postgresql",)], ids=["sqlite", "postgresql"])
def test_quickstart(quickstart, folder, options):
    server = quickstart(*options).ready()
    api = f"http://127.0.0.1:{server.port}/api/v1"
    walk = server.said().split("second shell:", 1)[1].split("Ctrl-C stops it.")[0]
    check_walk(paste(walk))
    other = readme_walk(server).replace("ada@example.org", "eve@example.org")
    check_walk(paste(other))
    sent = httpx.get(f"http://127.0.0.1:{server.port}/members/", headers={"Accept": "text/html"},
                     follow_redirects=True, trust_env=False)
    assert sent.status_code == 200 and sent.url.path == "/login/"
    assert sent.url.params["return_to"] == "/members/" and "<title>Sign in</title>" in sent.text
    assert server.tree()
    with open("/proc/net/tcp", encoding="ascii") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert f"0100007F:{server.port:04X}" in listening
    assert f"00000000:{server.port:04X}" not in listening, "on loopback only"
    for name in ("signing.pem", "secret"):
        assert (folder / "keys" / name).stat().st_mode & 0o777 == 0o600
    assert (folder / "conf" / "httpd.conf").stat().st_mode & 0o777 == 0o600

    assert server.end() == 0
    build.wait_until(lambda: not server.tree(), 5, "nothing is left running")

    # a second run is quick, and goes on with what is there
    again = quickstart(*options, port=server.port).ready(60)
    answer = httpx.post(f"{api}/auth/login", trust_env=False, json={
        "email": "eve@example.org", "password": "Correct Horse 9"})
    assert answer.status_code == 200
    assert again.end(signal.SIGTERM) == 0
    build.wait_until(lambda: not again.tree(), 5, "nothing is left running")
    errors = (folder / "logs" / "error.log").read_text(encoding="utf-8")
    errors = [line for line in errors.splitlines() if re.search(r":(error|crit|alert|emerg)\]", line)]
    denied = [line for line in errors if 'AH01631: ' in line and '"/members/admin/"' in line]
    assert errors == denied and len(denied) == 2, errors  # httpd's own, of a member in each walk


def test_a_taken_port_is_said(quickstart):
    server = quickstart().ready()
    done = subprocess.run([str(SCRIPT), "--port", str(server.port)], capture_output=True,
                          text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1
    assert f"port {server.port} is taken" in done.stderr
    server.process.send_signal(signal.SIGTERM)  # to the script alone, as kill does
    assert server.process.wait(30) == 0
    build.wait_until(lambda: not server.tree(), 5, "nothing is left running")


@pytest.mark.parametrize("arguments", [("--port", "x"), ("--port", "0"), ("--port", "70000"),
                                       ("--port",), ("--nonsense",), ("--dir",)])
def test_wrong_arguments(arguments):
    done = subprocess.run([str(SCRIPT), *arguments], capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False)
    assert done.returncode in (1, 2)
    assert "port" in done.stderr or "Usage" in done.stderr or "--dir" in done.stderr


def test_help():
    done = subprocess.run([str(SCRIPT), "--help"], capture_output=True, text=True, timeout=60,
                          check=True)
    assert "--postgresql" in done.stdout


@pytest.mark.skipif(not build.IS_ROOT, reason="only root's children change user")
def test_a_directory_that_httpd_cannot_enter(folder):
    """As below /root: said at once, not found out by a 503."""
    closed = folder.parent / "closed"
    closed.mkdir(mode=0o700)
    done = subprocess.run([str(SCRIPT), "--port", str(build.free_port()), "--dir",
                           str(closed / "here")], capture_output=True, text=True, timeout=240,
                          stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1
    assert "cannot enter" in done.stderr and "--dir" in done.stderr
