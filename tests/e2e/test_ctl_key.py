# SPDX-License-Identifier: Apache-2.0
"""authsvcctl key rotate and list: directories of keys through the months, by their names."""
import datetime
import os
import stat
import subprocess
import time

import pytest

from harness import build, keys

DAY = datetime.timedelta(days=1)
FAST = ("--alg", "EdDSA")


@pytest.fixture(name="path")
def make_path(tmp_path):
    return keys.directory(tmp_path / "keys")


def states(path):
    return [line["state"] for line in keys.listed(path)]


def refused(path, *words, options=FAST):
    done = keys.rotate(path, *options, check=False)
    assert (done.returncode, done.stdout) == (1, ""), done
    for word in words:
        assert word in done.stderr
    return done.stderr


def misused(words, *args):
    done = build.ctl("key", *args, check=False)
    assert done.returncode == 2 and words in done.stderr, done
    assert "--help" in done.stderr


def test_an_empty_directory_gets_the_first_two(path):
    before = int(time.time())
    said = keys.rotate(path)
    assert said.count("made ") == 2
    first, second = keys.files(path)
    published, signs, retires = keys.times(first)
    assert published == signs, "the first signs at once"
    assert before <= signs.timestamp() <= time.time()
    assert retires - signs == 30 * DAY + datetime.timedelta(hours=25)
    assert keys.times(second)[0] == signs + 29 * DAY, "published a day before it signs"
    assert keys.times(second)[1] == signs + 30 * DAY
    assert states(path) == ["signing", "waiting"]
    for name, line in zip((first, second), keys.listed(path)):
        assert line["file"] == name and line["alg"] == "RS256"
        assert name.endswith(f"-{line['kid'][:8]}.pem")
        assert line["sign_at"] == format(keys.times(name)[1], "%Y-%m-%dT%H:%M:%SZ")
        assert stat.S_IMODE((path / name).stat().st_mode) == 0o600
        pem = (path / name).read_text(encoding="ascii")
        assert pem.startswith("-----BEGIN PRIVATE KEY-----")


def test_a_second_run_does_nothing_and_says_so(path):
    keys.rotate(path, *FAST)
    before = {file.name: file.stat().st_mtime_ns for file in path.iterdir()
              if file.name.endswith(".pem")}
    for _ in range(3):
        said = keys.rotate(path, *FAST)
        assert said.startswith("nothing to do: ") and said.count("\n") == 1
    assert {file.name: file.stat().st_mtime_ns for file in path.iterdir()
            if file.name.endswith(".pem")} == before


def test_through_the_months(path):
    """A daily run: there is always a successor, each key is published for a day, none is left."""
    keys.rotate(path, *FAST)
    made = len(keys.files(path))
    for day in range(1, 100):
        keys.age(path, days=1)
        said = keys.rotate(path, *FAST)
        made += said.count("made ")
        lines = keys.listed(path)
        now = [line["state"] for line in lines]
        assert now.count("signing") == 1, day
        assert {"waiting", "published"} & set(now[now.index("signing") + 1:]), (day, now)
        assert len(lines) <= 4, "retired keys are removed"
        for line in keys.files(path)[1:]:
            published, signs, _ = keys.times(line)
            assert signs - published >= DAY - datetime.timedelta(seconds=5)
        starts = [keys.times(name)[1] for name in keys.files(path)]
        assert all(30 * DAY == later - earlier
                   for earlier, later in zip(starts, starts[1:])), "no gap, no overlap"
    assert made == 5, "one for each 30 days, and the one ahead"


def test_retired_keys_are_removed_and_others_are_not(path):
    keys.rotate(path, *FAST)
    first = keys.files(path)[0]
    keys.age(path, days=30)
    keys.rotate(path, *FAST)
    assert states(path)[0] in ("verifying", "signing")
    keys.age(path, hours=24, minutes=59)
    keys.rotate(path, *FAST)
    assert states(path)[:2] == ["verifying", "signing"]
    keys.age(path, minutes=2)
    assert states(path)[:2] == ["retired", "signing"]
    assert f"-{first[-12:-4]}.pem: retired" in keys.rotate(path, *FAST)
    assert states(path) == ["signing", "waiting"]


def test_a_forgotten_rotation(path):
    """The last key went on signing: it is kept, and the new one is published first."""
    keys.rotate(path, *FAST)
    last = keys.files(path)[1]
    keys.age(path, days=400)
    warned = build.ctl("key", "list", path)
    assert "no key follows" in warned.stderr
    assert states(path) == ["retired", "signing"]
    now = time.time()
    said = keys.rotate(path, *FAST)
    assert said.count("made ") == 2 and said.count("removed ") == 1
    old, new, _ = keys.files(path)
    assert old.endswith(last[-12:])
    published, signs, _ = keys.times(new)
    assert abs(published.timestamp() - now) < 10 and signs - published == DAY
    assert build.ctl("key", "list", path).stderr == ""
    keys.age(path, days=1)
    assert states(path)[0] == "verifying"
    keys.rotate(path, *FAST)
    assert states(path)[0] == "verifying", "its last token is out there"
    keys.age(path, hours=26)
    assert "removed " in keys.rotate(path, *FAST)


def test_after_the_key_that_signs_was_removed(path):
    """It leaked: a new one signs at once, and the one that follows stays as it was."""
    keys.rotate(path, *FAST)
    leaked, following = keys.files(path)
    (path / leaked).unlink()
    assert "no key follows" in build.ctl("key", "list", path).stderr
    said = keys.rotate(path, *FAST)
    assert said.count("made ") == 1 and "removed" not in said
    new, kept = keys.files(path)
    assert kept == following and new[-12:] != leaked[-12:]
    assert states(path) == ["signing", "waiting"]
    assert build.ctl("key", "list", path).stderr == ""
    assert keys.rotate(path, *FAST).startswith("nothing to do")


def test_new_keys_are_of_the_kind_of_the_newest(path):
    keys.rotate(path, "--alg", "ES256")
    keys.age(path, days=30)
    keys.rotate(path)
    assert {line["alg"] for line in keys.listed(path)} == {"ES256"}
    keys.age(path, days=30)
    keys.rotate(path, "--alg", "RS256", "--bits", "3072")
    newest = keys.files(path)[-1]
    done = subprocess.run(["openssl", "pkey", "-in", str(path / newest), "-noout", "-text"],
                          capture_output=True, text=True, check=True)
    assert "3072 bit" in done.stdout


def test_many_at_once_make_no_more_than_one(path):
    programs = [subprocess.Popen([str(build.BUILD / "authsvcctl"), "key", "rotate", *FAST,
                                  str(path)], stdout=subprocess.PIPE, text=True)
                for _ in range(12)]
    said = [program.communicate(timeout=60)[0] for program in programs]
    assert [program.returncode for program in programs] == [0] * 12
    assert sum(text.count("made ") for text in said) == 2
    assert sum(text.startswith("nothing to do") for text in said) == 11
    assert len(keys.files(path)) == 2


def test_what_a_killed_run_left_is_removed(path):
    keys.rotate(path, *FAST)
    good = keys.files(path)
    (path / f".new-{good[0][-12:-4]}").write_text("-----BEGIN", encoding="ascii")
    assert keys.rotate(path, *FAST).startswith("nothing to do")
    assert not list(path.glob(".new-*")) and keys.files(path) == good


def test_what_httpd_would_refuse_is_refused(path):
    refused(path / "none", "No such file")
    assert not (path / "none").exists(), "a mistyped name makes no directory"
    (path / "signing.pem").write_text("x", encoding="ascii")
    refused(path, "signing.pem", "no name of the form")
    (path / "signing.pem").unlink()
    path.chmod(0o777)
    refused(path, "chmod 0700")
    assert os.listdir(path) == [], "nothing is written into a directory of everybody's"
    path.chmod(0o700)
    keys.rotate(path, *FAST)
    good = path / keys.files(path)[0]
    pem = good.read_text(encoding="ascii")
    good.write_text("junk\n", encoding="ascii")
    keys.age(path, days=30)
    before = keys.files(path)
    refused(path, "PEM")
    assert keys.files(path) == before, "nothing is made or removed beside a damaged key"
    (path / before[0]).write_text(pem, encoding="ascii")
    assert "made " in keys.rotate(path, *FAST)


def test_a_full_disk_leaves_nothing(path):
    """A limit on the size of files stands for it."""
    def limit():
        import resource  # pylint: disable=import-outside-toplevel
        import signal  # pylint: disable=import-outside-toplevel
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
    done = subprocess.run([str(build.BUILD / "authsvcctl"), "key", "rotate", *FAST, str(path)],
                          capture_output=True, text=True, check=False, preexec_fn=limit)
    assert done.returncode == 1 and "cannot be written" in done.stderr
    assert keys.files(path) == [] and not list(path.glob(".new-*"))
    assert "made " in keys.rotate(path, *FAST)


def test_list_shows_what_httpd_ignores(path):
    keys.rotate(path, *FAST)
    (path / "README").write_text("x", encoding="ascii")
    done = build.ctl("key", "list", path)
    assert "README is no key file" in done.stderr
    header, *rows = done.stdout.splitlines()
    assert header.split() == ["STATE", "KID", "ALG", "PUBLISHED", "SIGNS", "RETIRES"]
    assert [row.split()[0] for row in rows] == ["signing", "waiting"]


def test_wrong_usage():
    misused("rotate needs one directory", "rotate")
    misused("rotate needs one directory", "rotate", "a", "b")
    misused("list needs one directory", "list")
    misused("--every must be at least twice --publish", "rotate", "--every", "24h", "d")
    for bad in ("0", "1x", "-1", "1500ms", ""):
        misused("--every takes a time", "rotate", "--every", bad, "d")
        misused("--publish takes a time", "rotate", "--publish", bad, "d")
        misused("--keep takes a time", "rotate", "--keep", bad, "d")
    misused("--alg must be", "rotate", "--alg", "HS256", "d")
    misused("--bits is for RS256 only", "rotate", "--alg", "ES256", "--bits", "2048", "d")
    misused("say what to do: generate, list, rotate or show", "turn")
