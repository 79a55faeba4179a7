"""The same server by its identifier, with another past: promoted, restored to a point in time, cloned; and destinations set back."""

import shutil
import time

import psycopg
import pytest

from support.postgres import PostgresServer
from support.sluice import REFUSED

TABLES = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 100) i;"


class Recovering(PostgresServer):
    """A server whose data folder can be set back, and which can begin another timeline."""

    def begin_new_timeline(self):
        """Replays all of its log, then goes on as a promoted standby does; its slots stay."""
        self.stop()
        self._run(["touch", self.data / "recovery.signal"])
        self._run(["sh", "-c", f"echo \"restore_command = 'false'\" >> {self.data}/postgresql.conf"])
        self.start()
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            deadline = time.monotonic() + 60
            while connection.execute("SELECT pg_is_in_recovery()").fetchone()[0]:  # It answers already while it replays.
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def keep_copy(self):
        """As a snapshot of its disk."""
        self.stop()
        self._run(["cp", "-a", self.data, f"{self.data}-kept"])
        self.start()

    def put_back(self):
        self.stop()
        shutil.rmtree(self.data)
        self._run(["cp", "-a", f"{self.data}-kept", self.data])
        self.start()


@pytest.fixture(params=[14, 15, 18])
def server(request):
    server = Recovering(request.param)
    yield server
    server.remove()


@pytest.fixture
def source(server):
    return server.new_database("source")


def timeline(source):
    return source.scalar("SELECT timeline_id FROM pg_control_checkpoint()")


def test_a_source_that_was_promoted_with_all_we_have_is_followed(server, source, sluice, compare):
    source.execute(TABLES)
    sluice.init()
    sluice.sync()
    source.execute("INSERT INTO t VALUES (1000, 'on the old timeline, not seen yet')")
    source.close()
    server.begin_new_timeline()
    source.execute("CHECKPOINT; INSERT INTO t VALUES (1001, 'on the new one'); UPDATE t SET v = 'changed' WHERE id = 1")
    assert timeline(source) == 2
    sluice.sync()
    compare()
    assert sluice.command("verify", "--json").json()
    source.close()
    server.begin_new_timeline()
    source.execute("CHECKPOINT; DELETE FROM t WHERE id = 1001")
    assert timeline(source) == 3
    sluice.sync()
    compare()


def test_a_source_that_left_the_timeline_before_what_we_have_is_refused(server, source, replica, sluice):
    source.execute(TABLES)
    sluice.init()
    sluice.sync()
    source.close()
    server.keep_copy()
    source.execute("INSERT INTO t VALUES (1000, 'only on the old primary')")
    sluice.sync()
    source.close()
    server.put_back()
    server.begin_new_timeline()
    source.execute("CHECKPOINT; INSERT INTO t SELECT i, 'another past' FROM generate_series(1000, 3000) i")
    before = replica.rows("SELECT * FROM t ORDER BY 1")
    result = sluice.command("run", "--until-caught-up", expect=REFUSED)
    assert "SLU-8102" in result.stderr and "left it at" in result.stderr and "fix" in result.stderr, result
    assert replica.rows("SELECT * FROM t ORDER BY 1") == before


def test_an_older_copy_of_the_source_is_refused(server, source, replica, sluice):
    """Same identifier, same timeline, less log."""
    source.execute(TABLES)
    sluice.init()
    sluice.sync()
    source.close()
    server.keep_copy()
    source.execute("INSERT INTO t SELECT i, repeat('x', 1000) FROM generate_series(1000, 2000) i")
    sluice.sync()
    source.close()
    server.put_back()
    result = sluice.command("run", "--until-caught-up", expect=REFUSED)
    assert "SLU-8105" in result.stderr and "fix" in result.stderr, result
    assert replica.scalar("SELECT count(*) FROM t") == 1101


def test_a_replica_that_was_set_back_is_refused(server, source, sluice, lake, compare):
    """As after a failover to an asynchronous standby: what we acknowledged is missing there, and the source has forgotten it."""
    replica_server = Recovering()
    try:
        replica = replica_server.new_database("replica")
        sluice.replica = compare.replica = replica
        source.execute(TABLES)
        sluice.init()
        sluice.sync()
        replica.close()
        replica_server.keep_copy()
        source.execute("INSERT INTO t SELECT i, 'acknowledged' FROM generate_series(1000, 2000) i")
        sluice.sync()
        compare()
        replica.close()
        replica_server.put_back()
        result = sluice.command("run", "--until-caught-up", expect=REFUSED)
        assert "SLU-2205" in result.stderr and "fix" in result.stderr and "replica" in result.stderr, result
        assert replica.scalar("SELECT count(*) FROM t") == 100, "nothing was written over it"
    finally:
        replica_server.remove()


def test_a_lake_that_was_set_back_is_refused(server, source, sluice, lake, tmp_path):
    source.execute(TABLES)
    sluice.init()
    sluice.sync()
    shutil.copytree(lake, tmp_path / "kept")
    source.execute("INSERT INTO t SELECT i, 'acknowledged' FROM generate_series(1000, 2000) i")
    sluice.sync()
    shutil.rmtree(lake)
    shutil.copytree(tmp_path / "kept", lake)
    result = sluice.command("run", "--until-caught-up", expect=REFUSED)
    assert "SLU-2205" in result.stderr and "fix" in result.stderr and "lake" in result.stderr, result
