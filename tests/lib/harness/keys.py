# SPDX-License-Identifier: Apache-2.0
"""Directories of signing keys, and their time."""
import datetime
import json
import pathlib

from . import build

FORM = "%Y%m%dT%H%M%SZ"


def directory(path):
    """A new, empty one."""
    made = pathlib.Path(path)
    made.mkdir(mode=0o700)
    return made


def rotate(path, *options, check=True):
    """What `authsvcctl key rotate` says."""
    done = build.ctl("key", "rotate", *options, path, check=check)
    return done.stdout if check else done


def listed(path):
    """`authsvcctl key list --json`"""
    return [json.loads(line)
            for line in build.ctl("key", "list", "--json", path).stdout.splitlines()]


def files(path):
    """The names of the keys, in the order of their times."""
    return sorted(file.name for file in pathlib.Path(path).glob("*.pem"))


def times(name):
    """When it is published, signs and retires."""
    return [datetime.datetime.strptime(text, FORM).replace(tzinfo=datetime.timezone.utc)
            for text in name.split("-", 3)[:3]]


def age(path, **delta):
    """Let the time go by: all keys get that much older, by their names."""
    by = datetime.timedelta(**delta)
    for file in files(path):
        moved = [format(time - by, FORM) for time in times(file)]
        (pathlib.Path(path) / file).rename(
            pathlib.Path(path) / "-".join([*moved, file.split("-", 3)[3]]))
