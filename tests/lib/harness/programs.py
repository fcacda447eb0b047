# SPDX-License-Identifier: Apache-2.0
"""What stands behind an httpd: php-fpm, and an application of its own port."""
import os
import pathlib
import socket
import subprocess

from . import build


class Backend:
    """A process that is up, once something answers at its address."""

    def __init__(self, command, address, log, **options):
        self.address = address
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(build.ending_with_us(*command), stdin=subprocess.DEVNULL,
                                            stdout=out, stderr=out, cwd="/", **options)
        try:
            build.wait_until(self._answers, 20, f"{command[0]} answers")
        except Exception:
            self.stop()
            raise RuntimeError(log.read_text(errors="replace")[-2000:]) from None

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError("it ended")
        family = socket.AF_INET if isinstance(self.address, tuple) else socket.AF_UNIX
        with socket.socket(family) as probe:
            return probe.connect_ex(self.address) == 0

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)


def php_fpm(folder):
    """A pool of its own, at folder/fpm.sock."""
    programs = sorted(pathlib.Path("/usr/sbin").glob("php-fpm*"))
    assert programs, "php-fpm is not installed"
    folder.mkdir()
    pool = ["[global]", "daemonize = no", f"error_log = {folder}/log", "[www]",
            f"listen = {folder}/fpm.sock", "pm = static", "pm.max_children = 2"]
    if build.IS_ROOT:
        pool += [f"{key} = {build.HTTPD_USER}" for key in ("user", "group", "listen.owner")]
    (folder / "fpm.conf").write_text("\n".join(pool) + "\n", encoding="ascii")
    return Backend([programs[-1], "--nodaemonize", "--fpm-config", folder / "fpm.conf"],
                   f"{folder}/fpm.sock", folder / "log")


def application(file, port, **env):
    """A Python program that listens on this port."""
    return Backend(["/usr/bin/python3", "-u", file], ("127.0.0.1", port), file.with_suffix(".log"),
                   env={**os.environ, "NO_PROXY": "*", **env})
