# SPDX-License-Identifier: Apache-2.0
"""Fixtures: engines, services, and a watch on every error log."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))

# pylint: disable=wrong-import-position
from harness import databases, httpd as httpd_module  # noqa: E402
from harness.service import Service  # noqa: E402

ENGINES = {"sqlite": databases.SqliteEngine, "postgresql": databases.Postgres}


def pytest_addoption(parser):
    parser.addoption("--engine", action="append", choices=sorted(ENGINES),
                     help="only tests that use this database; may be repeated (default: all)")
    parser.addoption("--no-engine", action="store_true",
                     help="only tests that are the same whatever the database is")
    parser.addoption("--skip-slow", action="store_true", help="leave out tests marked slow")


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes more than some seconds")
    config.addinivalue_line("markers", "alone: measures time or load, or makes so much of it that "
                            "others would measure it: no other test may run meanwhile")


def pytest_generate_tests(metafunc):
    if "engine" in metafunc.fixturenames:
        wanted = metafunc.config.getoption("--engine") or ["sqlite", "postgresql"]
        only = getattr(metafunc.module, "ENGINES", None) or wanted
        names = [name for name in wanted if name in only]
        metafunc.parametrize("engine", names, indirect=True, scope="session")


# Fixtures that bring a database, and which.
_FIXTURES = {"engine": None, "cluster": "postgresql", "lite": "sqlite"}


def _wanted(config, item):
    engines = {_FIXTURES[name] for name in item.fixturenames if name in _FIXTURES}
    if config.getoption("--no-engine"):
        return not engines
    chosen = config.getoption("--engine")
    if not chosen:
        return True
    return bool(engines & {None, *chosen})


# Side by side, the modules that take longest begin, so that no worker is left with one at the end.
_LONGEST = ("test_rate_limits", "test_sessions", "test_lockout", "test_revocation_faults",
            "test_lifecycle", "test_tokens", "test_mount", "test_faults", "test_keys", "test_basic")


def _place(item):
    name = item.path.stem
    return _LONGEST.index(name) if name in _LONGEST else len(_LONGEST)


def pytest_collection_modifyitems(config, items):
    dropped = [item for item in items if not _wanted(config, item)]
    items[:] = [item for item in items if item not in set(dropped)]
    config.hook.pytest_deselected(items=dropped)
    if hasattr(config, "workerinput"):
        items.sort(key=_place)
    if config.getoption("--skip-slow"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="--skip-slow"))


_figures = []


@pytest.fixture
def figure(request):
    """Keep a measured figure for the end of the run: figure("... req/s")."""
    return lambda text: request.node.user_properties.append(("figure", text))


def pytest_runtest_logreport(report):
    """Reports come from the workers, too, if there are some; the last one of a test has it all."""
    if report.when == "teardown":
        name = report.nodeid.rpartition("::")[2]
        _figures.extend(f"{name}: {text}" for key, text in report.user_properties
                        if key == "figure")


def pytest_terminal_summary(terminalreporter):
    if _figures:
        terminalreporter.section("measured")
        for line in _figures:
            terminalreporter.line(line)


@pytest.fixture(scope="session")
def engine(request):
    made = ENGINES[request.param]()
    yield made
    made.destroy()


@pytest.fixture(scope="session")
def service(engine):
    """The default service: cheap hashing, everything else as shipped."""
    made = Service(engine)
    yield made
    made.destroy()


@pytest.fixture
def api(service):
    return service.api


@pytest.fixture
def make_service(engine):
    """Services of one test."""
    made = []

    def make(**options):
        one = Service(options.pop("engine", engine), **options)
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


@pytest.fixture(scope="module")
def module_service(request, engine):
    """The service of one test module, by its OPTIONS."""
    made = Service(engine, **getattr(request.module, "OPTIONS", {}))
    yield made
    made.destroy()


@pytest.fixture(autouse=True)
def watch_error_logs():
    """A line at level error or worse, or a crashed child, fails the test that provoked it."""
    for server in httpd_module.running():
        server.alarms()
        server.allowed = []
    yield
    alarms = [line for server in httpd_module.running() for line in server.alarms()]
    assert not alarms, "unexpected lines in the error log:\n" + "\n".join(alarms)
