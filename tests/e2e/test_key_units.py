# SPDX-License-Identifier: Apache-2.0
"""The systemd unit, the timer and the cron line that ship do what they are for."""
import configparser
import re
import subprocess

import pytest

from harness import build, keys

DIRECTORY = "/etc/apache2/authsvc/keys"


def unit(path):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(path.read_text(encoding="ascii"))
    return parser


def rotated(command, path):
    """Run a shipped command with the program that was built, on a directory of ours."""
    assert DIRECTORY in command and "/sbin/authsvcctl " in command
    command = re.sub(r"\S+/sbin/authsvcctl", str(build.BUILD / "authsvcctl"), command)
    done = subprocess.run(["sh", "-c", command.replace(DIRECTORY, str(path))], check=True,
                          timeout=60, capture_output=True, text=True)
    return [line["state"] for line in keys.listed(path)], done.stdout + done.stderr


@pytest.fixture(name="path")
def make_path(tmp_path):
    return keys.directory(tmp_path / "keys")


def test_the_service_rotates_and_reloads(path):
    service = unit(build.BUILD / "conf" / "systemd" / "authsvc-key-rotate.service")
    states, _ = rotated(service["Service"]["ExecStart"], path)
    assert states == ["signing", "waiting"]
    # try-: one that is stopped stays so
    assert service["Service"]["ExecStartPost"] == \
        "/usr/bin/systemctl try-reload-or-restart apache2.service"
    assert service["Service"]["ReadWritePaths"] == DIRECTORY
    assert service["Unit"]["ConditionPathIsDirectory"] == DIRECTORY


def test_the_timer_starts_it_daily():
    timer = unit(build.SOURCE / "conf" / "systemd" / "authsvc-key-rotate.timer")
    assert timer["Timer"]["OnCalendar"] == "daily"
    assert "Unit" not in timer["Timer"], "the service of its own name"


# As Debian's: 0 for "is running", 3 for "is not"; writes down what it was asked.
SERVICE = """#!/bin/sh
echo "$*" >>{asked}
echo "apache2 speaks"
[ "$2" != status ] || exit {status}
"""


@pytest.mark.parametrize("status, asked", [
    (0, ["apache2 status", "apache2 reload"]), (3, ["apache2 status"]), (4, ["apache2 status"])])
def test_the_cron_line_rotates_and_reloads_what_runs(path, tmp_path, status, asked):
    """apachectl graceful would start an httpd that its admin has stopped."""
    text = (build.BUILD / "conf" / "cron" / "authsvc-key-rotate-cron").read_text(encoding="ascii")
    (line,) = [line for line in text.splitlines() if line and not line.startswith("#")]
    match = re.fullmatch(r"\d+ \d+ \* \* \* root (.*)", line)
    assert match and "%" not in line and "apachectl" not in line, line
    assert line.count("/usr/sbin/service ") == line.count("service ") == 2, "PATH is cron's"
    service = tmp_path / "service"
    service.write_text(SERVICE.format(asked=tmp_path / "asked", status=status), encoding="ascii")
    service.chmod(0o755)
    states, said = rotated(match[1].replace("/usr/sbin/service", str(service)), path)
    assert states == ["signing", "waiting"]
    assert (tmp_path / "asked").read_text(encoding="ascii").splitlines() == asked
    assert said == "", "nothing to mail"
    with pytest.raises(subprocess.CalledProcessError):
        rotated(match[1].replace("/usr/sbin/service", str(service)), path / "is-not-there")
    assert len((tmp_path / "asked").read_text(encoding="ascii").splitlines()) == len(asked)


def test_installing_enables_nothing(tmp_path):
    """They lie beside the documentation, and nowhere else."""
    subprocess.run(["make", "-C", str(build.BUILD), "-s", "install-docDATA", "install-dist_docDATA",
                    f"DESTDIR={tmp_path}"], check=True, capture_output=True, timeout=60)
    installed = [file for file in tmp_path.rglob("*") if not file.is_dir()]
    assert {file.name for file in installed} == {
        "keys.md", "authsvc-key-rotate.service", "authsvc-key-rotate.timer",
        "authsvc-key-rotate-cron", "zxcvbn-LICENSE.txt"}
    assert all("/doc/mod_authsvc/" in str(file) for file in installed)
