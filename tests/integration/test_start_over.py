"""Where source and destinations cannot be joined again, everything is copied once more, and nobody has to empty anything."""

import pytest

from support.postgres import PostgresServer
from support.sluice import CONFLICT, REFUSED

TABLES = """CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 5000) i;
CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t); INSERT INTO child SELECT i, i FROM generate_series(1, 10) i;
CREATE TABLE without_key (v text); INSERT INTO without_key VALUES ('a'), ('a');
CREATE TABLE gone (id int PRIMARY KEY); INSERT INTO gone VALUES (1);"""


def lose_changes(source):
    """What was written while there was no slot, in every way that the stream would have carried."""
    source.execute("UPDATE t SET v = 'changed' WHERE id <= 100; DELETE FROM t WHERE id > 4900; INSERT INTO t VALUES (9999, 'new')")
    source.execute("DELETE FROM without_key WHERE ctid = '(0,1)'; DROP TABLE gone; ALTER TABLE child ADD COLUMN later int DEFAULT 7; CREATE TABLE joined (id int PRIMARY KEY)")


def test_a_lost_slot(source, replica, sluice, compare):
    source.execute(TABLES)
    sluice.init()
    sluice.sync()
    replica.execute("CREATE VIEW seen AS SELECT count(*) AS rows FROM t")
    source.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
    lose_changes(source)
    refused = sluice.command("run", "--until-caught-up", expect=REFUSED)
    assert "SLU-2201" in refused.stderr and "sluice start-over" in refused.stderr, refused
    said = sluice.command("start-over", "--yes")
    assert "is not there" in said.stderr and "forget that it is at" in said.stderr, said
    assert replica.scalar("SELECT rows FROM seen") == 5000, "readers see the old rows until the new ones are complete"
    sluice.sync()
    compare()
    assert replica.scalar("SELECT rows FROM seen") == 4901
    source.execute("INSERT INTO t VALUES (10000, 'streamed'); UPDATE joined SET id = id")
    sluice.sync()
    compare()


@pytest.mark.parametrize("again", ["at once", "after the copy began"])
def test_it_may_be_done_again_wherever_it_was_interrupted(again, source, sluice, compare):
    source.execute(TABLES)
    sluice.init()
    sluice.sync()
    sluice.command("start-over", "--yes", env={"SLUICE_FAILPOINTS": "source.before_drop_slot=kill"}, expect=-9)
    sluice.sync()  # Nothing had been forgotten yet.
    sluice.command("start-over", "--yes")
    if again == "after the copy began":
        sluice.command("run", "--until-caught-up", env={"SLUICE_FAILPOINTS": "pipeline.after_copy=kill"}, expect=-9)
    sluice.command("start-over", "--yes")
    lose_changes(source)
    sluice.sync()
    compare()


def test_only_while_nothing_runs_and_somebody_says_yes(source, sluice, compare):
    source.execute(TABLES)
    sluice.init()
    sluice.start()
    sluice.wait_settled()
    assert "SLU-8201" in sluice.command("start-over", "--yes", expect=CONFLICT).stderr
    sluice.stop()
    refused = sluice.command("start-over", expect=None)
    assert "SLU-9203" in refused.stderr and refused.code != 0, refused
    sluice.sync()
    compare()


def test_another_server_takes_the_place_of_the_old_one(source, replica, lake, sluice, compare):
    """After a dump and restore into a new cluster: another system identifier."""
    source.execute(TABLES)
    sluice.init()
    sluice.sync()
    server = PostgresServer()
    try:
        moved = server.new_database("moved")
        moved.execute(TABLES)
        lose_changes(moved)
        sluice.configure(lambda config: config["sources"].update(source={
            "type": "postgres", "dsn": moved.dsn(), "slot": {"name": "moved"}, "publication": {"name": "moved"}}))
        refused = sluice.command("run", "--until-caught-up", expect=REFUSED)
        assert "start-over" in refused.stderr, refused
        sluice.command("start-over", "--yes")
        sluice.source = compare.source = moved
        sluice.sync()
        compare()
    finally:
        server.remove()
