# SPDX-License-Identifier: Apache-2.0
"""The harness itself: a test run that is killed leaves no server behind."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

from harness import build

LIB = pathlib.Path(build.__file__).resolve().parents[1]

CHILD = """
import json, os, sys, time
sys.path.insert(0, {lib!r})
from harness import databases
from harness.census import processes
from harness.pgbouncer import PgBouncer
from harness.service import Service

def test_that_is_killed():
    cluster = databases.Postgres()
    service = Service(cluster)
    service.api.new_user()
    made = dict(servers=[service.httpd.process.pid, cluster.process.pid],
                dirs=[str(service.httpd.root), str(cluster.dir)])
    if {bouncer!r}:
        bouncer = PgBouncer(cluster.dir, cluster.port)
        made["servers"].append(bouncer.process.pid)
        made["dirs"].append(str(bouncer.dir))
    made["all"] = [pid for one in made["servers"] for pid in processes(one)]
    with open({told!r} + ".new", "w") as told:
        json.dump(made, told)
    os.rename({told!r} + ".new", {told!r})
    time.sleep(60)
"""


def alive(pids):
    """Those that run; a zombie does not."""
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}/exe")]


def test_servers_end_with_a_killed_pytest(tmp_path):
    told, case = tmp_path / "told", tmp_path / "test_child.py"
    case.write_text(CHILD.format(lib=str(LIB), told=str(told),
                                 bouncer=bool(shutil.which("pgbouncer"))), encoding="utf-8")
    with subprocess.Popen([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                           str(case)], cwd=tmp_path, stdout=subprocess.DEVNULL) as child:
        made = {"all": [], "dirs": []}
        try:
            build.wait_until(lambda: told.exists() or child.poll() is not None, 60, "servers run")
            made = json.loads(told.read_text(encoding="utf-8"))
            assert len(made["servers"]) >= 2 and len(made["all"]) > 6
            assert alive(made["all"]) == made["all"], "positive control"
            time.sleep(0.5)
            assert alive(made["all"]) == made["all"], "they go on as long as it does"
            child.send_signal(signal.SIGKILL)
            child.wait(10)
            build.wait_until(lambda: not alive(made["all"]), 15, "all have ended")
        finally:
            child.kill()
            for pid in alive(made["all"]):
                os.kill(pid, signal.SIGKILL)
            for path in made["dirs"]:
                shutil.rmtree(path, ignore_errors=True)


def test_a_server_that_is_not_tied_stays():
    """The control: it is the signal that ends them, not the end of their parent."""
    code = ("import subprocess, sys\n"
            "print(subprocess.Popen(['sleep', '30'], stdout=subprocess.DEVNULL).pid, flush=True)\n"
            "sys.stdin.read()")
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as child:
        pid = int(child.stdout.readline())
        child.kill()
        child.wait(10)
        time.sleep(0.5)
        try:
            assert alive([pid]) == [pid]
        finally:
            os.kill(pid, signal.SIGKILL)
