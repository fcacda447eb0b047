# SPDX-License-Identifier: Apache-2.0
"""The node's clock is an hour from the database's: what is answered stays right."""
import pathlib
import time

import pytest

from harness import build
from harness.tokens import parts
from mixed import Mixed

HOUR = 3600


def faketime(hours):
    """Options of a server with threads whose clock is so many hours off."""
    if build.SANITIZED:
        pytest.skip("with a sanitizer's library and libfaketime, no program gets beyond its start")
    found = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "libfaketime is not installed (Debian: faketime)"
    return {"preload": [found[0]],
            "env": {"FAKETIME": f"{hours:+d}h", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                    "DONT_FAKE_MONOTONIC": "1"}}


def clock(service):
    """What /health/ready says: (status, whether it says that the clock is wrong)."""
    answer = service.api.get("/health/ready")
    checks = {check["name"]: check for check in answer.json()["checks"]}
    return answer.status_code, "clock" in checks["clock"].get("detail", "")


@pytest.mark.parametrize("hours", [1, -1])
def test_node_is_off(cluster, make_documented, times, hours):
    """From its start on; the rows and the tokens each keep to their own clock."""
    service = make_documented(cluster, **faketime(hours))
    with Mixed(service, f"the node's clock {hours:+d} h from the database's") as load:
        with load.fault():
            assert clock(service) == (503, True)
            time.sleep(times(2, 20))
        load.recover()
    load.verdict(is_harmless=True)
    token = service.api.new_user()["access_token"]
    assert abs(parts(token)[1]["iat"] - time.time() - hours * HOUR) < 60, "the node's clock is off"
    rows = service.database.query(
        "SELECT count(*) FROM sessions WHERE created_at > now() - interval '10 minutes' "
        "AND created_at <= now()")
    assert int(rows[0][0]) >= len(load.ledger.sessions), "rows have the database's time"


def test_database_jumps(pg, times):
    """While everything runs, and back again."""
    assert clock(pg) == (200, False)
    with Mixed(pg, "the database's clock 1 h ahead for a while, then 1 h behind") as load:
        with load.fault():
            for hours in (1, -1):
                pg.database.set_clock(hours)
                assert clock(pg) == (503, True)
                time.sleep(times(1, 20))
            pg.database.set_clock(0)
        load.recover()
    assert clock(pg) == (200, False)
    load.verdict(is_harmless=True, ahead=HOUR)
