# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the fault matrix: one service for each fault, the report, and the log's watch."""
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib"), str(HERE)]

# pylint: disable=wrong-import-position
from harness import databases  # noqa: E402
from harness.httpd import FAULTS  # noqa: E402
from harness.service import Service  # noqa: E402
import mixed  # noqa: E402
import report  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="each fault longer, and more than once")
    parser.addoption("--report", help="a file whose table is written anew from what was measured")


def pytest_configure(config):
    config.addinivalue_line("markers", "long: a variant of another fault, with --long only")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--long"):
        dropped = [item for item in items if "long" in item.keywords]
        items[:] = [item for item in items if item not in dropped]
        config.hook.pytest_deselected(items=dropped)


@pytest.fixture(scope="session")
def is_long(request):
    return request.config.getoption("--long")


@pytest.fixture(scope="session")
def times(is_long):
    """times(short, long): how often, or for how many seconds."""
    return lambda short, long: long if is_long else short


@pytest.fixture
def make_service():
    """
    Services of one test, whose error logs may tell of the fault. An own httpd for each: none is to
    inherit what an earlier fault left behind.
    """
    made = []

    def make(engine, **options):
        one = Service(engine, **options)
        one.httpd.allow(*FAULTS)
        made.append(one)
        return one

    yield make
    failures = []
    for one in reversed(made):
        try:
            one.destroy()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


@pytest.fixture(scope="session")
def shared_cluster():
    made = databases.Postgres()
    yield made
    made.destroy()


@pytest.fixture
def cluster(shared_cluster):
    """A cluster that a test may ill-treat, as long as restarting it mends that."""
    yield shared_cluster
    shared_cluster.thaw()
    if not shared_cluster.pids():
        shared_cluster.start()


@pytest.fixture
def own_cluster():
    """Clusters of one test, with settings of their own."""
    made = []

    def make(*settings, **options):
        made.append(databases.Postgres(settings, **options))
        return made[-1]

    yield make
    for one in made:
        one.destroy()


@pytest.fixture
def pg(cluster, make_documented):
    return make_documented(cluster)


@pytest.fixture
def make_documented(make_service):
    """A service whose role has the server's time-outs of README.md; by a port if one is given."""
    def make(cluster, port=None, **options):
        database = cluster.new_database()
        database.limit_role()
        if port:
            database.params = cluster.conninfo(database.name, database.role, port=port)
        return make_service(cluster, database=database, **options)

    return make


def pytest_terminal_summary(terminalreporter):
    if mixed.REPORT:
        terminalreporter.section("faults")
        for line in report.table(mixed.REPORT):
            terminalreporter.line(line)


def pytest_sessionfinish(session):
    path = session.config.getoption("--report")
    if path and mixed.REPORT:
        report.write(pathlib.Path(path), mixed.REPORT)
