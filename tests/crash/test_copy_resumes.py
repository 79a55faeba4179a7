"""A copy that is interrupted goes on: finished ranges are not read again, and the result is exact."""

import contextlib
import json
import re
import signal
import time

import pytest

from support import catalog
from support.moving_load import LEDGER, MovingLoad, move_rows
from support.postgres import PostgresServer

BLOCKS_MAX = 0xFFFFFFFF
RANGE = re.compile(r"COPY \(SELECT [^\n]*? FROM ONLY \"public\"\.\"(\w+)\" WHERE ([^\n]*)\) TO STDOUT")


def small_parts(sluice, sinks=("replica", "lake")):
    sluice.init(commit_interval="300ms")

    def change(config):
        config["sources"]["source"]["snapshot"] = {"parallel_tables": 1, "range_size": "1MiB"}
        config["sinks"]["lake"]["files"] = {"target_size": "1MiB"}
        config["sinks"] = {name: config["sinks"][name] for name in sinks}
        pipeline = config["pipelines"]["main"]
        pipeline["to"] = [name for name in sinks] if "to" in pipeline else pipeline.get("to")
        pipeline["tables"].update(watch="500ms")

    sluice.configure(change)


def kill_at(sluice, failpoint, timeout=60):
    sluice.start(env={"SLUICE_FAILPOINTS": failpoint})
    deadline = time.monotonic() + timeout
    while sluice.running():
        assert time.monotonic() < deadline, f"{failpoint} was never hit\n{sluice.log_tail()}"
        time.sleep(0.02)
    assert sluice.wait_exit() == -signal.SIGKILL, sluice.log_tail()


def finish(sluice, sinks=2):
    if not sluice.running():
        sluice.start()
    sluice.wait_settled()
    sluice.wait_until(sinks=sinks)
    sluice.stop()


def events(sluice, name, table) -> list:
    lines = (line for line in sluice.log.read_text(errors="replace").splitlines() if f'"event":"{name}"' in line)
    return [event for event in map(json.loads, lines) if event["table"] == f"public.{table}"]


def resumed(sluice, table="ledger") -> list:
    """(ranges kept, ranges left) of each time that a copy went on."""
    return [(int(event["ranges_kept"]), int(event["ranges_left"])) for event in events(sluice, "copy.resumed", table)]


def keys_read_again(sluice, table="ledger") -> list:
    return [int(event["keys"]) for event in events(sluice, "copy.rows_read_again", table)]


class BlocksRead:
    """Which blocks of a table the source was asked for, by the server's own log."""

    def __init__(self, source):
        source.execute(f'ALTER DATABASE "{source.name}" SET log_statement = \'all\'')
        self._log = source.server.folder / "server.log"
        self.forget()

    def forget(self):
        self._from = self._log.stat().st_size

    def of(self, table) -> list:
        with open(self._log, "rb") as log:
            log.seek(self._from)
            text = log.read().decode(errors="replace")
        ranges = []
        for name, condition in RANGE.findall(text):
            first, end = re.search(r"ctid >= '\((\d+),", condition), re.search(r"ctid < '\((\d+),", condition)
            if name == table:
                ranges.append((int(first[1]) if first else 0, int(end[1]) if end else BLOCKS_MAX))
        return ranges


def overlaps(some, others) -> list:
    return [(a, b) for a in some for b in others if a[0] < b[1] and b[0] < a[1]]


def kept_in_replica(replica, table="ledger") -> list:
    return replica.rows(f"SELECT first_block, end_block FROM sluice.kept_range WHERE name = '{table}' ORDER BY 1")


def equal(compare, source, sinks, *names):
    tables = [table for table in catalog.tables(source) if not names or table.name in names]
    if "replica" in sinks:
        compare.replica_equals(tables)
    if "lake" in sinks:
        compare.lake_equals(tables)


# ── killed ──

@pytest.mark.parametrize("failpoint", [
    "pipeline.range_read=kill:7", "pipeline.range_written=kill:7", "replica.copy_rows=kill:200", "replica.before_copy_end=kill:7",
    "replica.before_copy_commit=kill:7", "replica.after_copy_end=kill:7", "pipeline.before_tables_finished=kill",
    "replica.before_finish=kill", "replica.before_index=kill", "replica.before_finish_commit=kill"])
def test_the_replica_keeps_finished_ranges(failpoint, source, replica, sluice, compare):
    source.execute(LEDGER)
    small_parts(sluice, ["replica"])
    blocks = BlocksRead(source)
    with MovingLoad(source):
        kill_at(sluice, failpoint)
    kept = kept_in_replica(replica)
    assert len(kept) >= 5
    move_rows(source, 1, 2)
    blocks.forget()
    with MovingLoad(source):
        sluice.start()
        sluice.wait_settled()
    finish(sluice, sinks=1)
    assert overlaps(kept, blocks.of("ledger")) == []
    assert resumed(sluice) == [(len(kept), len(blocks.of("ledger")))]
    assert keys_read_again(sluice)[0] > 0
    equal(compare, source, ["replica"])
    assert replica.rows("SELECT * FROM sluice.kept_range UNION ALL SELECT NULL, name, NULL, NULL, NULL, NULL FROM sluice.kept_copy") == []


@pytest.mark.parametrize("failpoint", ["lake.before_part_kept=kill:2", "lake.after_part_kept=kill:2", "lake.copy_range_written=kill:9",
                                       "lake.copy_file_closing=kill:2", "lake.before_finish_tables=kill", "lake.before_catalog_commit=kill"])
def test_the_lake_keeps_finished_ranges(failpoint, source, sluice, compare):
    source.execute(LEDGER)
    small_parts(sluice, ["lake"])
    blocks = BlocksRead(source)
    with MovingLoad(source):
        kill_at(sluice, failpoint)
    before = len(blocks.of("ledger"))
    move_rows(source, 1, 2)
    blocks.forget()
    finish(sluice, sinks=1)
    (kept, left), = resumed(sluice)
    assert kept >= 2 and left == len(blocks.of("ledger")) <= before + 3
    assert keys_read_again(sluice)[0] > 0
    equal(compare, source, ["lake"])


@pytest.mark.parametrize("again", ["pipeline.reading_touched_keys=kill", "pipeline.touched_keys_read=kill", "pipeline.tables_prepared=kill",
                                   "pipeline.range_written=kill:2", "pipeline.touched_rows_removed=kill", "lake.before_rows_removed=kill",
                                   "pipeline.touched_rows_written=kill", "replica.before_index=kill", "lake.before_catalog_commit=kill"])
def test_killed_again_while_it_goes_on(again, source, sluice, compare):
    source.execute(LEDGER)
    small_parts(sluice)
    with MovingLoad(source):
        kill_at(sluice, "pipeline.range_written=kill:6")
    move_rows(source, 1)
    with MovingLoad(source):
        kill_at(sluice, again)
    move_rows(source, 2)
    with MovingLoad(source):
        kill_at(sluice, "pipeline.touched_rows_written=kill")
    move_rows(source, 3)
    finish(sluice)
    assert all(kept > 0 for kept, left in resumed(sluice)) and len(resumed(sluice)) >= 2
    compare()


# ── the source goes away ──

@contextlib.contextmanager
def stands_still(sluice, replica, ranges=4):
    """The copy waits once the replica has some ranges."""
    sluice.start()
    deadline = time.monotonic() + 30
    with replica.connect(autocommit=False) as connection:
        while True:
            known = connection.execute("SELECT to_regclass('sluice.kept_range')").fetchone()[0]
            if known and connection.execute("SELECT count(*) FROM sluice.kept_range").fetchone()[0] >= ranges:
                break
            connection.rollback()
            assert sluice.running() and time.monotonic() < deadline, sluice.log_tail()
        connection.execute("LOCK TABLE sluice.kept_range IN SHARE MODE")
        yield
        connection.rollback()


@pytest.fixture
def own_server():
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def own_source(own_server):
    return own_server.new_database("own")


def test_the_source_restarts_in_the_middle(own_source, replica, lake, tmp_path):
    from support.compare import Comparison
    from support.sluice import Sluice

    folder = tmp_path / "own"
    folder.mkdir()
    sluice = Sluice(folder, own_source, replica, lake)
    own_source.execute(LEDGER)
    small_parts(sluice)
    try:
        with stands_still(sluice, replica):
            own_source.close()
            own_source.server.restart(signal.SIGQUIT)
            move_rows(own_source, 1, 2)
        finish(sluice)
    finally:
        sluice.kill()
    assert resumed(sluice)[0][0] >= 1 or kept_in_replica(replica) == []
    Comparison(own_source, replica, lake)()


@pytest.mark.parametrize("whose", ["application_name = 'sluice slot'", "application_name LIKE 'sluice%'"])
def test_sessions_at_the_source_are_ended(whose, source, replica, sluice, compare):
    source.execute(LEDGER)
    small_parts(sluice, ["replica"])
    with stands_still(sluice, replica):
        source.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND {whose}")
        move_rows(source, 1, 2)
    finish(sluice, sinks=1)
    equal(compare, source, ["replica"])


# ── what makes a table start again ──

CHANGED = {
    "truncated": "BEGIN; TRUNCATE ledger; INSERT INTO ledger SELECT i, 'new', md5(i::text)::uuid FROM generate_series(1, 3000) i; COMMIT",
    "rewritten": "VACUUM FULL ledger",
    "another column": "ALTER TABLE ledger ADD COLUMN more int DEFAULT 7",
    "another type": "ALTER TABLE ledger ALTER note TYPE varchar(4000)",
    "another key": "ALTER TABLE ledger DROP CONSTRAINT ledger_pkey; ALTER TABLE ledger ADD PRIMARY KEY (code, id)",
    "another table": "CREATE TABLE other (LIKE ledger INCLUDING ALL); INSERT INTO other SELECT * FROM ledger WHERE id % 3 = 0; DROP TABLE ledger; ALTER TABLE other RENAME TO ledger",
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_table_that_changed_starts_again(change, source, sluice, compare):
    source.execute(LEDGER)
    small_parts(sluice)
    kill_at(sluice, "pipeline.range_written=kill:8")
    move_rows(source, 1)
    source.execute(CHANGED[change])
    source.execute("UPDATE ledger SET note = 'after' WHERE id % 17 = 0")
    finish(sluice)
    assert resumed(sluice) == []
    assert events(sluice, "copy.from_the_start", "ledger")
    compare()


def test_a_table_without_a_key_starts_again(source, sluice, compare):
    source.execute(LEDGER + "ALTER TABLE ledger DROP CONSTRAINT ledger_pkey; ALTER TABLE ledger REPLICA IDENTITY FULL;")
    small_parts(sluice)
    kill_at(sluice, "pipeline.range_written=kill:8")
    source.execute("UPDATE ledger SET note = 'moved' WHERE id % 5 = 0; DELETE FROM ledger WHERE id % 7 = 0")
    finish(sluice)
    assert resumed(sluice) == []
    compare()


def test_a_table_that_left_the_publication_starts_again(source, sluice, compare):
    source.execute(LEDGER + "CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small SELECT generate_series(1, 10)")
    small_parts(sluice)
    kill_at(sluice, "pipeline.range_written=kill:8")
    tables = {}
    sluice.configure(lambda config: tables.update(config["pipelines"]["main"]["tables"]))
    sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(exclude=["public.ledger"]))
    kill_at(sluice, "pipeline.published=kill")
    source.execute("UPDATE ledger SET note = 'nobody tells' WHERE id % 5 = 0; DELETE FROM ledger WHERE id % 7 = 0")
    sluice.configure(lambda config: config["pipelines"]["main"].update(tables=tables))
    finish(sluice)
    assert resumed(sluice) == []
    compare()


def test_a_table_that_somebody_took_out_of_the_publication_starts_again(source, sluice, compare):
    source.execute(LEDGER + "CREATE TABLE small (id int PRIMARY KEY)")
    small_parts(sluice)
    kill_at(sluice, "pipeline.range_written=kill:8")
    publication = source.scalar("SELECT pubname FROM pg_publication_tables WHERE tablename = 'ledger'")
    source.execute(f'ALTER PUBLICATION "{publication}" DROP TABLE ledger; UPDATE ledger SET note = \'nobody tells\' WHERE id % 5 = 0')
    finish(sluice)
    assert resumed(sluice) == []
    compare()


# ── beside others, partitioned, mapped ──

RESYNC, IDENTITY = "resync", "ALTER TABLE ledger ADD COLUMN number int GENERATED BY DEFAULT AS IDENTITY"


@pytest.mark.parametrize("failpoint, reason", [("pipeline.range_written=kill:8", RESYNC), ("pipeline.before_tables_finished=kill", RESYNC), ("pipeline.after_beside=kill", RESYNC),
                                               ("pipeline.range_written=kill:8", IDENTITY)])
def test_a_table_that_is_copied_again_beside_others_goes_on(failpoint, reason, source, sluice, compare):
    source.execute(LEDGER + "CREATE TABLE other (id int PRIMARY KEY, v text); INSERT INTO other SELECT i, 'v' FROM generate_series(1, 500) i")
    small_parts(sluice)
    sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(watch="500ms"))
    sluice.sync()
    sluice.start(env={"SLUICE_FAILPOINTS": failpoint})
    with MovingLoad(source):
        sluice.wait_settled()
        if reason == RESYNC:
            sluice.command("resync", "public.ledger")
        else:
            source.execute(reason)
        deadline = time.monotonic() + 60
        while sluice.running():
            assert time.monotonic() < deadline, sluice.log_tail()
            time.sleep(0.02)
    assert sluice.wait_exit() == -signal.SIGKILL
    move_rows(source, 1)
    source.execute("UPDATE other SET v = 'meanwhile'; DELETE FROM other WHERE id % 9 = 0")
    with MovingLoad(source):
        kill_at(sluice, "pipeline.touched_keys_beside=kill" if "after" not in failpoint else "pipeline.before_sink_commit=kill")
    move_rows(source, 2)
    finish(sluice)
    if "after" not in failpoint:
        assert resumed(sluice)[-1][0] > 0
    compare()


PARTS = """
CREATE TABLE part (id bigint, day date, note text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE part_3 PARTITION OF part FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
INSERT INTO part SELECT i, '2026-01-01'::date + (i % 89)::int, md5(i::text) || md5(i::text || 'x') || md5(i::text || 'y') FROM generate_series(1, 50000) i;
"""


@pytest.mark.parametrize("leaf", ["stays", "comes", "goes", "goes and comes again"])
def test_ranges_of_partitions_are_kept(leaf, source, sluice, compare):
    source.execute(PARTS)
    small_parts(sluice)
    kill_at(sluice, "pipeline.range_written=kill:6")
    source.execute("UPDATE part SET day = day + 31 WHERE id % 19 = 0 AND day < '2026-02-20'; DELETE FROM part WHERE id % 23 = 0; "
                   "UPDATE part SET note = note || 'moved' WHERE id % 29 = 0")
    if leaf == "comes":
        source.execute("CREATE TABLE part_4 PARTITION OF part FOR VALUES FROM ('2026-04-01') TO ('2026-05-01'); INSERT INTO part VALUES (1, '2026-04-04', 'new')")
    if leaf == "goes":
        source.execute("ALTER TABLE part DETACH PARTITION part_1; DROP TABLE part_1")
    if leaf == "goes and comes again":  # Its changes in between are in no stream.
        source.execute("ALTER TABLE part DETACH PARTITION part_1; UPDATE part_1 SET note = 'nobody tells' WHERE id % 3 = 0; "
                       "ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')")
    finish(sluice)
    assert bool(resumed(sluice, "part")) == (leaf == "stays")
    compare()


STRANGE = """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE TABLE strange (a numeric, b text, c timestamptz, d mood, e bytea, v text, PRIMARY KEY (a, b, c, d, e));
INSERT INTO strange SELECT i, 'b' || i % 7 || E'\\n''"', '2026-01-01'::timestamptz + i * interval '1 s', (ARRAY['good', 'bad'])[1 + i % 2]::mood, decode(md5(i::text), 'hex'),
  md5(i::text) || md5(i::text || 'x') || md5(i::text || 'y') FROM generate_series(1, 40000) i;
"""


@pytest.mark.parametrize("stream", ["binary", "text"])
def test_keys_of_many_types_are_found_again(stream, source, sluice, compare):
    source.execute(STRANGE)
    if stream == "text":  # One such column makes the whole stream text.
        source.execute("CREATE TABLE speaks_text (id int PRIMARY KEY, r regclass); INSERT INTO speaks_text VALUES (1, 'pg_class')")
    small_parts(sluice)
    kill_at(sluice, "pipeline.range_written=kill:5")
    # Another scale is another key to the log and an equal one to the index.
    source.execute("UPDATE strange SET a = a + 0.00 WHERE a % 11 = 0; UPDATE strange SET a = a + 0.000, v = 'twice' WHERE a % 22 = 0; "
                   "UPDATE strange SET b = b || 'x', d = 'bad', e = e || 'y' WHERE a % 13 = 0; DELETE FROM strange WHERE a % 17 = 0; "
                   "INSERT INTO strange SELECT a, 'new', c, d, '', v FROM strange WHERE a % 19 = 0")
    finish(sluice)
    assert resumed(sluice, "strange")[0][0] > 0 and keys_read_again(sluice, "strange")[0] > 0
    compare(tables=["strange"])


def test_a_mapped_table_goes_on(source, sluice):
    source.execute(LEDGER)
    small_parts(sluice)
    salt = sluice.folder / ".sluice/secrets/salt"
    salt.parent.mkdir(parents=True, exist_ok=True)
    salt.write_text("pepper and salt")
    salt.chmod(0o600)

    def change(config):
        for sink in config["sinks"].values():
            sink["map"] = [{"table": "public.ledger", "to": "books.ledger", "where": [{"column": "id", "ge": 500}],
                            "columns": {"rename": {"note": "remark"}, "mask": {"code": {"hash": {"salt": "${secret:file:salt}"}}}}}]

    sluice.configure(change)
    with MovingLoad(source):
        kill_at(sluice, "pipeline.range_written=kill:8")
    move_rows(source, 1, 2)
    sluice.start()
    sluice.wait_settled()
    sluice.wait_until()
    assert resumed(sluice)[0][0] > 0 and keys_read_again(sluice)[0] > 0
    sluice.command("verify")
