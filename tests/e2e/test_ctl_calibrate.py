# SPDX-License-Identifier: Apache-2.0
"""authsvcctl calibrate: the line it proposes is good for httpd and takes the time that was asked for."""
import contextlib
import os
import re
import statistics
import subprocess
import time

import pytest

from harness import databases
from harness.httpd import Httpd
from harness.service import Api, mount_lines, new_email, service_lines
from test_ctl import ctl, done, misused


def proposal(*args):
    """(MiB, passes, ms, logins/s, text)"""
    text = done("calibrate", *args)
    line = text.splitlines()[-1]
    memory, passes = re.fullmatch(r"AuthSvcPasswordCost (\d+)M (\d+)", line).groups()
    took = re.search(rf"One Argon2id of {memory} MiB and {passes} passes takes (\d+) ms", text)[1]
    rate = re.search(r"With AuthSvcHashSlots \d+: ([\d.]+) logins a second", text)[1]
    assert all(other.startswith("# ") for other in text.splitlines()[:-1]), text
    return int(memory), int(passes), int(took), float(rate), text


@pytest.mark.alone
def test_the_line_can_be_pasted():
    """All of the output, into a configuration that then hashes at about that cost."""
    memory, passes, took, rate, text = proposal("--time", "300ms", "--slots", "1",
                                                "--memory-max", "256M")
    assert 19 <= memory <= 256 and passes >= 2
    assert took <= 300
    assert 0.1 * 1000 / took < rate < 3 * 1000 / took, "one after the other"
    engine = databases.SqliteEngine()
    httpd = Httpd()
    try:
        httpd.main = [*service_lines(httpd, engine.new_database(), f"{httpd.origin}/api/v1"),
                      *text.splitlines(), "AuthSvcHashSlots 1", *mount_lines()]
        httpd.start()
        api = Api(httpd.origin)
        email = new_email()
        assert api.register(email).status_code == 201
        times = []
        for _ in range(5):
            start = time.monotonic()
            assert api.login(email).status_code == 200
            times.append(1000 * (time.monotonic() - start))
        api.close()
        assert took / 4 < statistics.median(times) < took * 4 + 100, (took, times)
    finally:
        httpd.destroy()
        engine.destroy()


@pytest.mark.alone
def test_little_memory_means_more_passes():
    memory, passes, took, _, _ = proposal("--time=800ms", "--memory-max=20M", "--slots=1")
    assert memory in (19, 20)
    assert passes > 2
    assert took <= 800


@contextlib.contextmanager
def crowded():
    """One CPU, which four others want: no machine hashes there in 10 ms."""
    free = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(free)})
    others = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(4)]
    try:
        yield
    finally:
        os.sched_setaffinity(0, free)
        for other in others:
            other.kill()
            other.wait()


@pytest.mark.alone
def test_a_time_that_is_too_short():
    with crowded():
        memory, passes, _, _, text = proposal("--time", "10ms", "--slots", "1")
    assert (memory, passes) == (19, 2)
    assert "Even OWASP's minimum takes longer" in text


@pytest.mark.alone
def test_two_slots_hash_at_the_same_time():
    _, _, _, _, text = proposal("--time", "50ms", "--memory-max", "19M", "--slots", "2")
    assert "With AuthSvcHashSlots 2: " in text
    assert "and 38 MiB while they last" in text


@pytest.mark.parametrize("args, sentence", [
    (["--time", "9ms"], "--time takes"), (["--time", "61s"], "--time takes"),
    (["--time", "fast"], "--time takes"), (["--memory-max", "18M"], "OWASP's minimum"),
    (["--memory-max", "5G"], "AuthSvcPasswordCost takes"), (["--memory-max", "x"], "--memory-max"),
    (["--slots", "0"], "--slots takes"), (["--slots", "1025"], "--slots takes"),
    (["now"], "options only"), (["--fast"], "no option --fast")])
def test_wrong_usage(args, sentence):
    misused(sentence, "calibrate", *args)


def test_more_than_the_machine_has():
    result = ctl("calibrate", "--memory-max", "4G", "--slots", "1024")
    assert result.returncode == 1 and "more than this machine's memory" in result.stderr
    assert result.stdout == ""


def test_help_names_it():
    assert re.search(r"^  calibrate +\w", done("--help"), re.M)
    assert "--memory-max" in done("calibrate", "--help")
