# SPDX-License-Identifier: Apache-2.0
"""`apache2 -t` and AuthSvcKeyDirectory: each mistake with a sentence that says what to do."""
import os
import shutil
import subprocess

import pytest

from harness import build, keys
from test_configtest import MOUNTED, accepted, case, refused  # noqa: F401 pylint: disable=unused-import

FAST = ("--alg", "EdDSA")


class Directory:
    """A configuration that takes its keys from a directory, which can be altered."""

    def __init__(self, case):  # pylint: disable=redefined-outer-name
        self.case = case
        self.path = keys.directory(case.keys / "rotating")
        self.lines = [*case.without("AuthSvcSigningKey"), f"AuthSvcKeyDirectory {self.path}"]

    def test(self, lines=None, **options):
        return self.case.test(lines or self.lines, **options)

    def rename(self, index, name):
        file = self.path / keys.files(self.path)[index]
        return file.rename(self.path / name)


@pytest.fixture(name="directory")
def make_directory(case):  # pylint: disable=redefined-outer-name
    made = Directory(case)
    keys.rotate(made.path, *FAST)
    return made


def test_a_good_directory(directory):
    said = accepted(directory.test())
    assert "AS066" not in said
    (directory.path / "README").write_text("notes\n", encoding="ascii")
    accepted(directory.test())


def test_below_server_root(directory):
    relative = directory.path.relative_to(directory.case.httpd.root)
    accepted(directory.test([*directory.lines[:-1], f"AuthSvcKeyDirectory {relative}"]))


def test_it_excludes_a_signing_key(directory):
    key = f"AuthSvcSigningKey {directory.case.good_key}"
    refused(directory.test([*directory.lines, key]), "AuthSvcSigningKey", "AuthSvcKeyDirectory",
            "Remove one")
    accepted(directory.test([*directory.lines, key.replace("Signing", "Verify")]))
    mounted = [*directory.lines, *MOUNTED]
    accepted(directory.test([key], mounted=[], vhosts=[("v.example", mounted)]))
    refused(directory.test([], mounted=[], vhosts=[("v.example", [*mounted, key])]), "v.example",
            "Remove one")


def test_it_is_enough_for_a_guard(directory):
    """Where no API is mounted."""
    guarded = ['<Location "/members">', "AuthType AuthSvc", "AuthName members",
               "Require authsvc-role user", "</Location>"]
    accepted(directory.test(mounted=guarded))
    refused(directory.test(directory.lines[:-1], mounted=guarded), "AuthType AuthSvc",
            "AuthSvcKeyDirectory")


def test_no_key_at_all_names_both_ways(directory):
    refused(directory.test(directory.lines[:-1]), "AuthSvcSigningKey", "AuthSvcKeyDirectory",
            "authsvcctl key rotate")


def test_an_empty_directory(directory):
    for name in keys.files(directory.path):
        (directory.path / name).unlink()
    refused(directory.test(), "holds no key", "authsvcctl key rotate")
    directory.path.joinpath(".lock").unlink()
    directory.path.rmdir()
    refused(directory.test(), "No such file")
    directory.path.write_text("x", encoding="ascii")
    refused(directory.test(), "is no directory")


def test_wrong_names(directory):
    good = keys.files(directory.path)[0]
    publish, sign, retire, rest = good.split("-", 3)
    for name in ("signing.pem", f"{sign}-{rest}", f"{retire}-{sign}-{publish}-{rest}",
                 f"{publish}-{sign}-{retire}-.pem", f"{publish[:-2]}{sign}-{retire}-{rest}",
                 f"20260230T000000Z-20260231T000000Z-{retire}-{rest}"):
        file = directory.rename(0, name)
        refused(directory.test(), "no name of the form", "authsvcctl key rotate")
        file.rename(directory.path / good)
    accepted(directory.test())


def test_two_of_the_same_time(directory):
    name = keys.files(directory.path)[0]
    pem = directory.case.keys / "other.pem"
    build.ctl("key", "generate", "--alg", "ES256", pem)
    kid = build.ctl("key", "show", pem).stdout.split()[1]
    pem.rename(directory.path / f"{name[:-12]}{kid[:8]}.pem")
    refused(directory.test(), "begins to sign at the same time as", "remove one")


def test_the_same_key_twice(directory):
    publish, sign, retire, rest = keys.files(directory.path)[0].split("-", 3)
    later = str(int(sign[:4]) + 1)
    shutil.copy(directory.path / "-".join([publish, sign, retire, rest]),
                directory.path / "-".join([publish, later + sign[4:], later + retire[4:], rest]))
    refused(directory.test(), "is the same key as", "remove one")


def test_a_file_that_holds_another_key(directory):
    first, second = (directory.path / name for name in keys.files(directory.path))
    second.write_bytes(first.read_bytes())
    refused(directory.test(), "which its name does not say")


def test_modes_and_owners(directory):
    file = directory.path / keys.files(directory.path)[0]
    for mode in (0o640, 0o604, 0o660):
        file.chmod(mode)
        refused(directory.test(), "chmod 0600")
    file.chmod(0o600)
    for mode in (0o770, 0o777, 0o1777):
        directory.path.chmod(mode)
        refused(directory.test(), "chmod 0700")
    directory.path.chmod(0o755)
    accepted(directory.test())
    if build.IS_ROOT:
        for path in (file, directory.path):
            os.chown(path, 65534, -1)
            refused(directory.test(), "chown root")
            os.chown(path, 0, -1)
    accepted(directory.test())


def test_links_and_damage(directory):
    file = directory.path / keys.files(directory.path)[0]
    elsewhere = directory.case.keys / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    refused(directory.test(), "symbolic link")
    file.unlink()
    subprocess.run(["openssl", "pkey", "-in", str(elsewhere), "-pubout", "-out", str(file)],
                   check=True)
    file.chmod(0o600)
    refused(directory.test(), "public key")
    file.write_text("junk\n", encoding="ascii")
    refused(directory.test(), "PEM")
    file.unlink()
    elsewhere.rename(file)
    accepted(directory.test())


def test_without_a_successor_it_warns(directory):
    keys.age(directory.path, days=31)
    said = accepted(directory.test())
    assert "AS0662" in said and f"authsvcctl key rotate {directory.path}" in said
    keys.rotate(directory.path, *FAST)
    assert "AS0662" not in accepted(directory.test())


@pytest.mark.skipif(not build.IS_ROOT, reason="needs another user")
def test_configtest_by_somebody_else(directory):
    """What this user may not read is a warning: the directory, or the files in it."""
    httpd = directory.case.httpd
    for mode in (0o700, 0o755):
        (httpd.root / "keys").chmod(0o755)
        directory.path.chmod(mode)
        said = accepted(directory.test(user=build.HTTPD_USER))
        assert "AS0523" in said and "Permission denied" in said
        assert "run the test as the user who starts httpd" in said
    lines = [line for line in directory.lines if not line.startswith("AuthSvcIssuer")]
    refused(directory.test(lines, user=build.HTTPD_USER), "AuthSvcIssuer")
