# SPDX-License-Identifier: Apache-2.0
"""One fault of PostgreSQL at a time, under the mixed load."""
from mixed import Mixed


def test_fast_restart(pg, cluster):
    with Mixed(pg, "fast restart") as load:
        with load.fault():
            cluster.restart("fast")
        load.recover()
    load.verdict(bites=("login", "me"))
