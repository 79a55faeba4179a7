"""A database nobody here made: PostgreSQL's own regression suite is copied, and followed while its scripts run, through a hundred kills.

At the end every table is equal in both destinations, or the program itself says why not. SLUICE_KILLS sets how many kills.
"""

import collections
import os
import random
import signal
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
CATCH_UP_SECONDS = 1800  # Tens of thousands of deletes from tables without a key are looked for one by one.
ONLY_ONCE = {
    SETUP: "makes what the others find; again it would only fail",
    "cluster": "makes one table eight times as large each time it runs",
}
WITHOUT_IDENTITY = ("SELECT FROM pg_class c WHERE oid = %s AND relreplident = 'd' AND "
                    "NOT EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)")

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
            self.stopped.wait(self._moments.choice((0.2, 1, 4, 12)) * self._moments.uniform(0.2, 1))
            if self.done and self._sluice.running():
                continue
            code = self._sluice.kill()
            if code == -signal.SIGKILL:
                self.kills += 1
            else:
                self.ends.append(f"exit {code} by itself\n{self._sluice.log_tail(1500)}")
            self._sluice.start()


def give_half_an_identity(source: Database):
    """As `sluice check` advises for tables without a key; the others stay append only."""
    with source.connect() as connection:
        connection.execute("SET lock_timeout = '2s'")
        for table in catalog.tables(source):
            if hash_of(table.name) % 2:
                continue
            try:
                if connection.execute(WITHOUT_IDENTITY, [table.oid]).fetchone() is not None:
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


def wait_quiet(sluice, timeout: float = CATCH_UP_SECONDS):
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


def judge(entries) -> tuple:
    """Counts by (result, reason), and what is not equal without a reason that the program names."""
    counts, undeclared = collections.Counter(), []
    for entry in entries:
        reason = entry.get("reason", "")
        if entry["result"] == "different" and entry.get("append_only"):
            reason = "append only: no row identity"
        counts[entry["sink"], entry["result"], reason] += 1
        if entry["result"] != "equal" and not reason:
            undeclared.append(entry)
    return counts, undeclared


def differences(compare, source, entries) -> list:
    """Tables that the program calls equal, but the oracle does not."""
    equal = {(entry["table"], entry["sink"]) for entry in entries if entry["result"] == "equal"}
    found = []
    for table in catalog.tables(source):
        for sink, equals in (("replica", compare.replica_equals), ("lake", compare.lake_equals)):
            if (str(table), sink) not in equal:
                continue
            try:
                equals([table])
            except Exception as error:  # Whatever it is, the other tables are looked at.
                found.append(f"{table} in {sink}: {error}")
    return found


def test_the_regression_database_arrives_through_a_hundred_kills(source, replica, suite, sluice, compare):
    seed = int(os.environ.get("SLUICE_SEED", random.randrange(2**32)))
    print(f"seed {seed}, server {source.server.folder}, project {sluice.folder}")
    groups = suite.groups()
    first = next(i for i, group in enumerate(groups) if FOLLOWED_FROM in group)
    slow = run_scripts(suite, source, groups[:first])
    sluice.init(commit_interval="500ms")
    sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(watch=f"{WATCH_SECONDS}s"))
    moments = random.Random(seed)
    sluice.start()
    if moments.random() < 0.5:  # Otherwise the copy is killed too, and tables change in it.
        wait_quiet(sluice)
    rest = groups[first:]
    scripts = sum(map(len, groups[:first]))
    rounds = 0
    with Killer(sluice, moments) as killer:
        while rounds == 0 or not killer.done:
            rounds += 1
            for group in rest:
                slow += run_scripts(suite, source, [group])
                scripts += len(group)
                if killer.done and rounds > 1:
                    break
            print(f"round {rounds}: {killer.kills} kills")
            rest = [[name for name in group if name not in ONLY_ONCE] for group in groups]
    assert not killer.ends, "\n\n".join(killer.ends)
    wait_quiet(sluice)
    report = sluice.command("verify", "--json", expect=None, timeout=600)
    entries = report.json()["tables"]
    counts, undeclared = judge(entries)
    for (sink, result, reason), count in sorted(counts.items()):
        print(f"{count}\t{sink}\t{result}\t{reason}")
    tables = len({entry["table"] for entry in entries})
    print({"scripts run": scripts, "scripts ended": len(slow), "rounds": rounds, "kills": killer.kills, "tables": tables})
    assert not undeclared, undeclared
    assert not (wrong := differences(compare, source, entries)), "\n".join(wrong)
    assert tables >= FEWEST_TABLES
    refused = suite.said("because it does not have a replica identity and publishes")
    print(*suite.around("because it does not have a replica identity and publishes", {"publication"}), sep="\n\n")
    assert set(refused) <= {"publication"}, f"the application was refused its updates: {refused}"
    sluice.stop()
