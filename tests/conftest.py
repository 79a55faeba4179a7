"""Fixtures: two servers, two fresh databases, a lake folder and the program between them."""

import pytest

from support.compare import Comparison
from support.postgres import DEFAULT_MAJOR, PostgresServer
from support.sluice import BINARY, Sluice


@pytest.fixture(scope="session")
def servers():
    """servers(role, major): started when first asked for, kept for the session."""
    started = {}

    def get(role: str, major: int = DEFAULT_MAJOR) -> PostgresServer:
        if (role, major) not in started:
            started[role, major] = PostgresServer(major)
        return started[role, major]

    yield get
    for server in started.values():
        server.remove()


@pytest.fixture
def pg_major() -> int:
    """Override or parametrize to run a test on another PostgreSQL."""
    return DEFAULT_MAJOR


@pytest.fixture
def source(servers, pg_major):
    database = servers("source", pg_major).new_database("source")
    yield database
    database.drop()


@pytest.fixture
def replica(servers, pg_major):
    database = servers("replica", pg_major).new_database("replica")
    yield database
    database.drop()


@pytest.fixture
def lake(tmp_path):
    folder = tmp_path / "lake"
    folder.mkdir()
    return folder


@pytest.fixture
def sluice(tmp_path, source, replica, lake, request):
    assert BINARY.exists(), f"{BINARY} is missing: make build"
    folder = tmp_path / "project"
    folder.mkdir()
    program = Sluice(folder, source, replica, lake)
    request.node.sluice = program
    yield program
    program.kill()


@pytest.fixture
def compare(source, replica, lake) -> Comparison:
    """compare(): source, replica and lake are equal, row by row."""
    return Comparison(source, replica, lake)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    program = getattr(item, "sluice", None)
    if report.when == "call" and report.failed and program is not None:
        report.sections.append(("sluice", program.log_tail()))
    return report


@pytest.fixture
def replicate(source, sluice, compare):
    """replicate(before, *later): copies what `before` made, then follows each of `later`, and compares after each step.

    Each step is a run of its own, so that each also proves that the one before can be continued.
    """

    def steps(before, *later, **comparison):
        source.execute(before)
        sluice.init()
        sluice.sync()
        compare(**comparison)
        for changes in later:
            for statements in [changes] if isinstance(changes, str) else changes:
                source.execute(statements)
            sluice.sync()
            compare(**comparison)

    return steps
