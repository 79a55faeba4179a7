"""A database nobody here made: PostgreSQL's own regression suite is copied, and followed while its scripts run, through a hundred kills.

At the end every table is equal in both destinations, or the program itself says why not. SLUICE_KILLS sets how many kills.
"""

import collections
import os
import random
import threading
import time

import psycopg
import pytest

from support import catalog
from support.postgres import Database, PostgresServer
from support.regression_suite import SETUP, SUITE, RegressionSuite

KILLS = int(os.environ.get("SLUICE_KILLS", 100))
FOLLOWED_FROM = "create_index"  # The groups before its own make the database that is copied.
SCRIPT_SECONDS = 180
WATCH_SECONDS = 2
FEWEST_TABLES = 300

pytestmark = [
    pytest.mark.skipif("SLUICE_SOAK" not in os.environ, reason="make soak"),
    pytest.mark.skipif(not (SUITE / ".wanted").exists(), reason="the regression suite is not there: tools/regression-suite"),
    pytest.mark.timeout(3600),
]


@pytest.fixture
def source():
    """On a server of its own, since the suite makes roles and settings; with the name that the suite knows."""
    server = PostgresServer()
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE regression TEMPLATE template0")
    yield Database(server, "regression")
    server.remove()


@pytest.fixture
def suite(source):
    return RegressionSuite(source)


class Killer:
    """Kills sluice at random moments and starts it again, KILLS times. A process that had ended by itself is a failure."""

    def __init__(self, sluice, moments: random.Random):
        self._sluice, self._moments = sluice, moments
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.kills, self.ends, self.stopped = 0, [], threading.Event()

    def __enter__(self):
        self._sluice.start()
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self._thread.join(60)

    @property
    def done(self) -> bool:
        return self.kills >= KILLS

    def _run(self):
        while not self.stopped.is_set():
            # Some die while they start, some while they stream.
            self.stopped.wait(self._moments.choice((0.2, 1, 3, 6)) * self._moments.uniform(0.2, 1))
            if self.done and self._sluice.running():
                continue
            alive = self._sluice.running()
            code = self._sluice.kill()
            if not alive:
                self.ends.append(f"exit {code} by itself\n{self._sluice.log_tail(1500)}")
            self.kills += alive
            self._sluice.start()


def give_half_an_identity(source: Database):
    """As `sluice check` advises for tables without a key; the others stay append only."""
    with source.connect() as connection:
        connection.execute("SET lock_timeout = '2s'")
        for table in catalog.tables(source):
            if hash_of(table.name) % 2:
                continue
            without = "SELECT FROM pg_class c WHERE oid = %s AND relreplident = 'd' AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)"
            try:
                if connection.execute(without, [table.oid]).fetchone() is not None:
                    connection.execute(f"ALTER TABLE {table.sql.removeprefix('ONLY ')} REPLICA IDENTITY FULL")
            except psycopg.Error as error:
                print(f"{table} keeps its identity: {error}")


def hash_of(name: str) -> int:
    return sum(name.encode())


def run_scripts(suite, source, groups) -> list:
    slow = []
    for group in groups:
        slow += suite.run_group(group, SCRIPT_SECONDS)
        give_half_an_identity(source)
    return slow


def wait_quiet(sluice, timeout: float = 600):
    """Until nothing is copied or waits any more, looked at twice with a look at the catalog in between."""
    deadline = time.monotonic() + timeout
    for _ in range(2):
        time.sleep(WATCH_SECONDS * 3)
        while True:
            sluice.wait_until(timeout=timeout)
            result = sluice.command("tables", "--json", expect=None)
            tables = result.json()["tables"] if result.code == 0 else []
            others = [entry for entry in tables if entry["state"] not in ("streaming", "held")]
            if tables and not others:
                break
            assert sluice.running() and time.monotonic() < deadline, f"not settled: {others}\n{sluice.log_tail()}"
            time.sleep(1)


def declared(sluice) -> dict:
    """(table, sink): the code of its hold."""
    tables = sluice.command("tables", "--json").json()["tables"]
    return {(entry["table"], hold["sink"]): f"{hold['code']}: {hold['reason']}" for entry in tables for hold in entry["held_in"]}


def test_the_regression_database_arrives_through_a_hundred_kills(source, replica, suite, sluice, compare):
    seed = int(os.environ.get("SLUICE_SEED", random.randrange(2**32)))
    print(f"seed {seed}")
    groups = suite.groups()
    first = next(i for i, group in enumerate(groups) if FOLLOWED_FROM in group)
    slow = run_scripts(suite, source, groups[:first])
    sluice.init(commit_interval="500ms")
    sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(watch=f"{WATCH_SECONDS}s"))
    sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(exclude=[]))
    scripts = sum(map(len, groups))
    with Killer(sluice, random.Random(seed)) as killer:
        slow += run_scripts(suite, source, groups[first:])
        print(f"first round: {killer.kills} kills")
        while not killer.done:
            again = [group for group in groups if SETUP not in group]
            for group in again:
                slow += run_scripts(suite, source, [group])
                scripts += len(group)
                if killer.done:
                    break
    ends = killer.ends
    wait_quiet(sluice)
    holds = declared(sluice)
    report = sluice.command("verify", "--json", expect=None, timeout=600)
    judge(source, sluice, compare, report, holds, {"scripts": scripts, "kills": killer.kills, "ended by themselves": len(ends)})
    print("slow:", slow)
    print("refused updates:", suite.said("because it does not have a replica identity and publishes"))
    print("deadlocks:", suite.said("deadlock detected"), suite.said("lock timeout"))
    assert not ends, "\n\n".join(ends)


def judge(source, sluice, compare, report, holds, figures):
    import json
    (sluice.folder / "verify.json").write_text(report.stdout)
    results = collections.Counter()
    bad = []
    entries = report.json()["tables"]
    for entry in entries:
        key = (entry["table"], entry["sink"])
        results[entry["result"], entry["sink"], (entry.get("reason") or holds.get(key, ""))[:160]] += 1
    for what, count in sorted(results.items()):
        print(count, *what, sep="\t")
    figures["tables"] = len({entry["table"] for entry in entries})
    print(dict(figures))
