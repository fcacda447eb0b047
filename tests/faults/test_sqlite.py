# SPDX-License-Identifier: Apache-2.0
"""One fault of SQLite's file at a time, under the mixed load."""
import contextlib
import os
import random
import shutil
import signal
import subprocess
import threading
import time

import pytest

from harness import build, databases, disk
from harness.service import new_email
from mixed import Mixed
from patient import patient_crew

ENDS = ("", "-wal", "-shm")
TMPFS_MIB = 16


@pytest.fixture
def engine():
    made = databases.SqliteEngine()
    yield made
    made.destroy()


@pytest.fixture
def service(engine, make_service):
    return make_service(engine)


def shell(database, sql):
    """Asked by a program that is neither httpd nor this one."""
    done = subprocess.run(["sqlite3", "-batch", "-readonly", str(database.path), sql], timeout=30,
                          capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]


def sound(load):
    """After the verdict: a second process finds the file whole, and every acknowledged row in it."""
    database, ledger = load.service.database, load.ledger
    assert shell(database, "PRAGMA integrity_check") == ["ok"]
    assert shell(database, "PRAGMA foreign_key_check") == []
    users = set(shell(database, "SELECT id FROM users"))
    sessions = set(shell(database, "SELECT id FROM sessions"))
    assert ledger.users and ledger.sessions, "positive control: something was acknowledged"
    assert not {user for _, user, _ in ledger.users} - users
    assert not {session for _, session in ledger.sessions} - sessions
    ended = set(shell(database, "SELECT id FROM sessions WHERE revoked_at IS NOT NULL"))
    assert not {session for _, session in ledger.revoked} - ended


def test_the_second_process_sees_what_is_missing(service):
    """Positive control of sound(): a row that was acknowledged and is gone, and a torn file."""
    with Mixed(service, "planted") as load:
        pass
    sound(load)
    its = load.ledger.users[-1][1]
    with contextlib.closing(service.database.connect()) as other:
        other.execute("DELETE FROM sessions WHERE user_id = ?", (its,))
        other.execute("DELETE FROM users WHERE id = ?", (its,))
    with pytest.raises(AssertionError):
        sound(load)


def test_locked(service, is_long):
    """Another process writes and does not end. Who only reads is not in its way (WAL)."""
    with Mixed(service, "file locked") as load:
        with load.fault(), contextlib.closing(service.database.connect()) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(20 if is_long else 6)
        load.recover()
    load.verdict(bites=("login", "register"))
    assert all(a.is_good for a in load.ledger.answers if a.kind == "me")
    sound(load)


def modes(database, owner, file_mode, directory_mode):
    """Who may do what with the database's files."""
    folder = database.path.parent
    for file in folder.iterdir():
        build.give_to(file, owner)
        file.chmod(file_mode)
    build.give_to(folder, owner)
    folder.chmod(directory_mode)


def test_read_only(service, is_long):
    """
    The file belongs to another now. Who has it open may go on; children that come later answer 503,
    and go on as soon as they may write, without a restart.
    """
    database = service.database
    with Mixed(service, "file read-only", clients=patient_crew) as load:
        with load.fault():
            modes(database, "root", 0o644, 0o755)
            service.httpd.graceful()
            time.sleep(10 if is_long else 2)
            modes(database, build.HTTPD_USER, 0o640, 0o750)
        load.recover()
    load.verdict(bites=("login", "register", "me", "refresh"), restarted=True,
                 upkeep=1)  # by the reload
    sound(load)


def test_missing(service, is_long):
    """
    Moved away and back. An answer 201 in between would be for a row in a file that nobody will
    ever open.
    """
    folder = service.database.path.parent
    away = folder.with_name("away")
    away.mkdir()
    with Mixed(service, "file missing") as load:
        with load.fault():
            for _ in range(5 if is_long else 1):
                move(folder, away)
                time.sleep(2)
                move(away, folder)
                time.sleep(1 if is_long else 0)
        load.recover()
    load.verdict(bites=("login", "register", "me", "refresh", "rename"))
    sound(load)


def move(there, here):
    """The log first and the file last, so that the file is never without its log."""
    for end in ("-shm", "-wal", ""):
        for file in there.glob(f"authsvc.db{end}"):
            file.replace(here / file.name)


@pytest.fixture
def small_disk():
    with disk.small_disk(TMPFS_MIB, build.HTTPD_USER) as path:
        yield path


def test_disk_full(small_disk, make_service, is_long):
    """What does not fit is not acknowledged; reading goes on; room is all that is needed."""
    engine = databases.SqliteEngine()
    engine.dir.rmdir()
    engine.dir = small_disk
    service = make_service(engine)
    with Mixed(service, "disk full") as load:
        with load.fault():
            for _ in range(3 if is_long else 1):
                filler = disk.fill(small_disk)
                time.sleep(5 if is_long else 3)
                assert shutil.disk_usage(small_disk).free < 4096
                filler.unlink()
                time.sleep(2 if is_long else 0)
        load.recover()
    load.verdict(bites=("login", "register"))
    sound(load)
    service.httpd.stop()


def test_killed_in_mid_write(service, is_long):
    """All children at once, again and again, and the parent with them at the end."""
    httpd = service.httpd
    with Mixed(service, "kill -9 in mid-write", clients=patient_crew, pace=0.0) as load:
        with load.fault():
            for _ in range(40 if is_long else 4):
                time.sleep(random.uniform(0.2, 0.5))
                kill_children(httpd)
                build.wait_until(httpd.children, 5, "a new child")
                time.sleep(0.5)
        load.recover()
    assert load.ledger.counts()["lost"] > 0, "positive control: somebody was not answered"
    load.verdict(restarted=True, transport=True, upkeep=1)  # all children at once
    assert httpd.process.pid == load.parent
    sound(load)


def kill_children(httpd):
    for pid in httpd.children():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_everything_killed_in_mid_write(service):
    """Parent and children at the same moment: what was acknowledged is there when httpd is back."""
    httpd, made = service.httpd, []
    stop = threading.Event()

    def register():
        api = service.new_api()
        with contextlib.suppress(Exception):
            while not stop.is_set():
                answer = api.register(new_email())
                if answer.status_code == 201:
                    made.append(answer.json()["user"]["id"])
        api.close()

    threads = [threading.Thread(target=register) for _ in range(8)]
    for thread in threads:
        thread.start()
    build.wait_until(lambda: len(made) > 40, 20, "accounts are made")
    children = httpd.children()
    os.kill(httpd.process.pid, signal.SIGKILL)
    kill_children(httpd)
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    stop.set()
    for thread in threads:
        thread.join()
    httpd.process.wait()
    for end in ENDS[:2]:
        assert os.path.exists(f"{service.database.path}{end}"), "positive control: it was open"
    rows = set(shell(service.database, "SELECT id FROM users"))
    assert not set(made) - rows
    assert len(rows) <= len(made) + len(threads), "and hardly anything that was not"
    assert shell(service.database, "PRAGMA integrity_check") == ["ok"]
    httpd.stop()
    httpd.start()
    assert service.new_api().register().status_code == 201
