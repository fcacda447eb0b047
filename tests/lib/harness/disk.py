# SPDX-License-Identifier: Apache-2.0
"""A small file system that can be full."""
import contextlib
import os
import subprocess

from . import build


@contextlib.contextmanager
def small_disk(megabytes, user):
    """A tmpfs of a user's; unmounted at the end, whoever is still in it."""
    path = build.scratch("disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "authsvc-test",
                    str(path)], check=True)
    try:
        build.give_to(path, user)
        yield path
    finally:
        if subprocess.run(["umount", str(path)], check=False, capture_output=True).returncode:
            subprocess.run(["umount", "-l", str(path)], check=True)
        path.rmdir()


def fill(path):
    """Leave no octet free; gives the file that takes them."""
    ballast = path / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        with contextlib.suppress(OSError):
            while True:
                file.write(bytes(1))
    os.chmod(ballast, 0o644)
    return ballast
