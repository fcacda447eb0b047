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
    subprocess.run(["sh", "-c", command.replace(DIRECTORY, str(path))], check=True, timeout=60)
    return [line["state"] for line in keys.listed(path)]


@pytest.fixture(name="path")
def make_path(tmp_path):
    return keys.directory(tmp_path / "keys")


def test_the_service_rotates_and_reloads(path):
    service = unit(build.BUILD / "conf" / "systemd" / "authsvc-key-rotate.service")
    assert rotated(service["Service"]["ExecStart"], path) == ["signing", "waiting"]
    assert service["Service"]["ExecStartPost"] == \
        "/usr/bin/systemctl try-reload-or-restart apache2.service"
    assert service["Service"]["ReadWritePaths"] == DIRECTORY
    assert service["Unit"]["ConditionPathIsDirectory"] == DIRECTORY


def test_the_timer_starts_it_daily():
    timer = unit(build.SOURCE / "conf" / "systemd" / "authsvc-key-rotate.timer")
    assert timer["Timer"]["OnCalendar"] == "daily"
    assert "Unit" not in timer["Timer"], "the service of its own name"


def test_the_cron_line_rotates_and_reloads(path):
    text = (build.BUILD / "conf" / "cron" / "authsvc-key-rotate-cron").read_text(encoding="ascii")
    (line,) = [line for line in text.splitlines() if line and not line.startswith("#")]
    match = re.fullmatch(r"\d+ \d+ \* \* \* root (.*) && /usr/sbin/apachectl graceful", line)
    assert match, line
    assert rotated(match[1], path) == ["signing", "waiting"]


def test_installing_enables_nothing(tmp_path):
    """They lie beside the documentation, and nowhere else."""
    subprocess.run(["make", "-C", str(build.BUILD), "-s", "install-docDATA", "install-dist_docDATA",
                    f"DESTDIR={tmp_path}"], check=True, capture_output=True, timeout=60)
    installed = [file for file in tmp_path.rglob("*") if not file.is_dir()]
    assert {file.name for file in installed} == {
        "keys.md", "authsvc-key-rotate.service", "authsvc-key-rotate.timer",
        "authsvc-key-rotate-cron"}
    assert all("/doc/mod_authsvc/" in str(file) for file in installed)
