"""The source's tables change their shape while they are followed: in place where a sink can, else copied again.

docs/reference/schema-changes.md is this matrix in words.
"""

import dataclasses
import time

import pytest

from support.lake import Lake

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE other (id int PRIMARY KEY, v text NOT NULL CONSTRAINT filled CHECK (v <> ''), u int CONSTRAINT once UNIQUE); INSERT INTO other SELECT i, 'o' FROM generate_series(1, 50) i;
CREATE TABLE days (day int PRIMARY KEY, v text) PARTITION BY RANGE (day);
CREATE TABLE day_1 PARTITION OF days FOR VALUES FROM (0) TO (100); CREATE TABLE day_2 PARTITION OF days FOR VALUES FROM (100) TO (200);
INSERT INTO days SELECT i, 'd' FROM generate_series(90, 110) i;
CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (id + 1) STORED, b varchar(20), c numeric(8,2), m mood, p pair, big text);
ALTER TABLE t ALTER big SET STORAGE external;
INSERT INTO t (id, a, b, c, m, p, big) SELECT i, i, 'b' || i, i / 4.0, CASE WHEN i % 2 = 0 THEN 'ok' ELSE 'sad' END::mood, ROW(i, 'p')::pair, repeat('x', 3000) FROM generate_series(1, 200) i;
"""
TOUCH = "UPDATE t SET a = a + 1 WHERE id <= 20; INSERT INTO other SELECT max(id) + 1, 'n' FROM other"

BOTH, REPLICA, NONE = {"replica", "lake"}, {"replica"}, set()


@dataclasses.dataclass
class Change:
    sql: str
    in_place: set  # The sinks that follow it without a new copy.
    then: str = TOUCH
    without_rows: set | None = None  # The same where no later row tells of it.


CHANGES = {
    "add column": Change("ALTER TABLE t ADD COLUMN n int", BOTH),
    "add column with a constant default": Change("ALTER TABLE t ADD COLUMN n int NOT NULL DEFAULT 7", REPLICA),
    "add columns with defaults of many types": Change(
        """ALTER TABLE t ADD COLUMN n1 text DEFAULT 'it''s \\ "so" {1,2}', ADD COLUMN n2 mood DEFAULT 'sad', ADD COLUMN n3 int[] DEFAULT '{{1,2},{3,NULL}}', """
        """ADD COLUMN n4 timestamptz DEFAULT now(), ADD COLUMN n5 pair DEFAULT ROW(1, 'a,"b"'), ADD COLUMN n6 bytea DEFAULT '\\x005c', """
        """ADD COLUMN n7 jsonb DEFAULT '{"a": [1, null]}', ADD COLUMN n8 interval DEFAULT '1 mon -3 days 04:05', ADD COLUMN n9 text DEFAULT ''""", REPLICA),
    "add column with a default that is another by now": Change("ALTER TABLE t ADD COLUMN n int DEFAULT 7; UPDATE t SET a = a WHERE id < 5; ALTER TABLE t ALTER n SET DEFAULT 8", REPLICA,
                                                               "INSERT INTO t (id) SELECT i FROM generate_series(3000, 3010) i"),
    "add column with a default, and all rows rewritten": Change("ALTER TABLE t ADD COLUMN n int DEFAULT 7; ALTER TABLE t ALTER n TYPE bigint", NONE),
    "add column, then a default": Change("ALTER TABLE t ADD COLUMN n int; ALTER TABLE t ALTER n SET DEFAULT 8", NONE, "INSERT INTO t (id) SELECT i FROM generate_series(3000, 3010) i"),
    "add column with a volatile default": Change("ALTER TABLE t ADD COLUMN n double precision DEFAULT random()", NONE),
    "add serial column": Change("ALTER TABLE t ADD COLUMN n bigserial", NONE),
    "add identity column": Change("ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS IDENTITY", NONE),
    "add two columns": Change("ALTER TABLE t ADD COLUMN n int, ADD COLUMN o mood", BOTH),
    "add generated column": Change("ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS (a * 2) STORED", BOTH),
    "drop generated column": Change("ALTER TABLE t DROP COLUMN g", BOTH),
    "drop column": Change("ALTER TABLE t DROP COLUMN b", BOTH),
    "drop and add of one name": Change("ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD COLUMN a int", NONE, without_rows=BOTH),
    "rename column": Change("ALTER TABLE t RENAME b TO label", BOTH),
    "swap two names": Change("ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME id TO a; ALTER TABLE t RENAME x TO id", NONE,
                             "UPDATE t SET id = id + 1 WHERE a <= 20", without_rows=BOTH),
    "widen int to bigint": Change("ALTER TABLE t ALTER a TYPE bigint", NONE),
    "int to text": Change("ALTER TABLE t ALTER a TYPE text USING 'n' || a", NONE, "UPDATE t SET a = a || 'z' WHERE id < 9"),
    "values rewritten by using": Change("ALTER TABLE t ALTER a TYPE int USING a * 10", NONE),
    "widen varchar": Change("ALTER TABLE t ALTER b TYPE varchar(200)", BOTH),
    "varchar to text": Change("ALTER TABLE t ALTER b TYPE text", BOTH),
    "widen numeric": Change("ALTER TABLE t ALTER c TYPE numeric(12,2)", REPLICA),
    "numeric scale": Change("ALTER TABLE t ALTER c TYPE numeric(12,4)", NONE),
    "set not null": Change("ALTER TABLE t ALTER a SET NOT NULL", BOTH),
    "drop not null": Change("ALTER TABLE other ALTER v DROP NOT NULL; INSERT INTO other (id) VALUES (5000)", BOTH),
    "add enum value": Change("ALTER TYPE mood ADD VALUE 'glad' BEFORE 'ok'", BOTH, "UPDATE t SET m = 'glad' WHERE id < 10"),
    "rename enum value": Change("ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'", NONE, "UPDATE t SET m = 'fine' WHERE id < 10"),
    "add a field to a composite": Change("ALTER TYPE pair ADD ATTRIBUTE c int", NONE, "UPDATE t SET p = ROW(1, 'x', 2) WHERE id < 10"),
    "drop a field of a composite": Change("ALTER TYPE pair DROP ATTRIBUTE b", NONE, "UPDATE t SET p = ROW(9) WHERE id < 10"),
    "other primary key": Change("UPDATE t SET a = -id; BEGIN; ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD PRIMARY KEY (a); COMMIT", BOTH,
                                "UPDATE t SET big = 'short' WHERE a < -100"),
    "drop unique constraint": Change("ALTER TABLE other DROP CONSTRAINT once; INSERT INTO other VALUES (6000, 'o', 1), (6001, 'o', 1)", BOTH),
    "drop check constraint": Change("ALTER TABLE other DROP CONSTRAINT filled; INSERT INTO other VALUES (6000, '', 6000)", BOTH),
    "add check constraint": Change("ALTER TABLE t ADD CHECK (a < 1000000)", BOTH),
    "add unique constraint": Change("ALTER TABLE t ADD UNIQUE (id, a)", BOTH),
    "add index": Change("CREATE INDEX by_a ON t (a)", BOTH),
    "rename table": Change("ALTER TABLE t RENAME TO renamed", BOTH, "UPDATE renamed SET a = a + 1 WHERE id <= 20"),
    "drop and make again": Change("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT i, i FROM generate_series(1, 40) i", NONE),
    "swap tables by name": Change("CREATE TABLE t2 (LIKE t INCLUDING ALL); INSERT INTO t2 (id, a) SELECT id, a FROM t WHERE id % 3 = 0; "
                                  "BEGIN; ALTER TABLE t RENAME TO t_old; ALTER TABLE t2 RENAME TO t; COMMIT", NONE),
    "replica identity full": Change("ALTER TABLE t REPLICA IDENTITY FULL", BOTH),
    "vacuum full": Change("VACUUM FULL t", BOTH),
    "cluster": Change("CLUSTER t USING t_pkey", BOTH),
    "truncate": Change("TRUNCATE t", BOTH, "INSERT INTO t (id, a) VALUES (1, 1)"),
    "add partition": Change("CREATE TABLE day_3 PARTITION OF days FOR VALUES FROM (200) TO (300)", BOTH, "INSERT INTO days VALUES (250, 'new')"),
    "attach a filled partition": Change("CREATE TABLE day_3 (LIKE days); INSERT INTO day_3 SELECT i, 'old' FROM generate_series(200, 220) i; "
                                        "ALTER TABLE days ATTACH PARTITION day_3 FOR VALUES FROM (200) TO (300)", NONE, "INSERT INTO days VALUES (250, 'new')"),
    "attach a partition filled in the same transaction": Change(
        "BEGIN; CREATE TABLE day_3 (LIKE days); INSERT INTO day_3 SELECT i, 'old' FROM generate_series(200, 220) i; "
        "ALTER TABLE days ATTACH PARTITION day_3 FOR VALUES FROM (200) TO (300); COMMIT", NONE, "UPDATE days SET v = 'new' WHERE day > 100"),
    "detach partition": Change("ALTER TABLE days DETACH PARTITION day_1", REPLICA, "INSERT INTO days VALUES (150, 'new')"),
    "drop partition": Change("DROP TABLE day_1", REPLICA, "INSERT INTO days VALUES (150, 'new')"),
    "vacuum full of a partition": Change("VACUUM FULL day_1", NONE),
    "truncate a partition": Change("TRUNCATE day_1", NONE, "INSERT INTO days VALUES (150, 'new')"),
}


@pytest.fixture
def following(source, sluice):
    source.execute(SCHEMA)
    sluice.init(commit_interval="300ms")
    sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(watch="500ms"))
    sluice.start()
    sluice.wait_until()
    return sluice


def execute(source, statements):
    with source.connect() as connection:
        for statement in statements.split("; "):
            connection.execute(statement)


def copies(sluice):
    """The LSN of each copy, by table and sink: another one after a new copy."""
    with sluice.replica.connect() as replica:
        rows = replica.execute("SELECT namespace || '.' || name, copy_lsn::text FROM sluice.table_state WHERE state = 'copied'").fetchall()
    found = {(table, "replica"): lsn for table, lsn in rows}
    lake = Lake(sluice.lake)
    return found | {(".".join(name), "lake"): lsn for name in lake.tables() if (lsn := lake.table(*name).properties.get("sluice.copy-lsn"))}


def copied_again(sluice, before):
    after = copies(sluice)
    return {sink for (table, sink), lsn in before.items() if after.get((table, sink), lsn) != lsn}


def assert_in_place(sluice, before, in_place):
    """What is copied again may be so later than the rows are equal: a change may have left them as they were."""
    deadline = time.monotonic() + 20
    while copied_again(sluice, before) != BOTH - in_place and time.monotonic() < deadline:
        time.sleep(0.2)
    assert copied_again(sluice, before) == BOTH - in_place


@pytest.mark.parametrize("name", CHANGES)
def test_followed_with_rows_before_and_after(name, source, following, compare):
    before = copies(following)
    execute(source, TOUCH)
    execute(source, CHANGES[name].sql)
    execute(source, CHANGES[name].then)
    following.wait_equal(compare)
    execute(source, "UPDATE other SET v = 'later' WHERE id < 5; INSERT INTO days VALUES (160, 'later')")
    following.wait_until()
    compare()
    assert_in_place(following, before, CHANGES[name].in_place)


@pytest.mark.parametrize("name", CHANGES)
def test_followed_without_any_row_afterwards(name, source, following, compare):
    before = copies(following)
    execute(source, CHANGES[name].sql)
    following.wait_equal(compare)
    change = CHANGES[name]
    assert_in_place(following, before, change.in_place if change.without_rows is None else change.without_rows)


@pytest.mark.parametrize("name", CHANGES)
def test_followed_after_it_was_made_while_nobody_looked(name, source, sluice, compare):
    source.execute(SCHEMA)
    sluice.init()
    sluice.sync()
    execute(source, TOUCH)
    execute(source, CHANGES[name].sql)
    execute(source, CHANGES[name].then)
    sluice.sync()
    compare()


def test_a_column_that_went_and_came_twice_is_taken_for_no_other(source, sluice, compare):
    source.execute(SCHEMA)
    sluice.init()
    sluice.sync()
    source.execute("UPDATE t SET b = 'moved', big = 'moved' WHERE id < 20")
    for name in ("b", "big"):
        source.execute(f"ALTER TABLE t DROP {name}")
        source.execute(f"ALTER TABLE t ADD {name} text")
        source.execute(f"INSERT INTO t (id) VALUES ({len(name) * 1000})")
    sluice.sync()  # The catalog is ahead of every row that comes.
    compare()


def test_a_column_that_went_and_came_behind_its_rows_is_empty(source, sluice, compare):
    source.execute(SCHEMA)
    sluice.init()
    sluice.sync()
    execute(source, "UPDATE t SET a = a + 1; ALTER TABLE t DROP a; ALTER TABLE t ADD a int; INSERT INTO t (id, a) VALUES (1000, 5)")
    sluice.sync()
    compare()


def test_a_label_that_came_and_got_another_name_before_anybody_looked(source, replica, sluice):
    """The replica cannot read the old name, so the table is copied again. The lake keeps the old name: docs/reliability.md."""
    source.execute(SCHEMA + "CREATE TABLE said (m mood); INSERT INTO said VALUES ('ok');")
    sluice.init()
    sluice.sync()
    execute(source, "ALTER TYPE mood ADD VALUE 'brief'; INSERT INTO said VALUES ('brief'); ALTER TYPE mood RENAME VALUE 'brief' TO 'lasting'; "
                    "INSERT INTO said VALUES ('lasting')")
    sluice.sync()
    assert replica.rows("SELECT m::text FROM said ORDER BY 1") == [("lasting",), ("lasting",), ("ok",)]


def test_a_table_that_changes_while_it_is_copied_for_the_first_time(source, sluice, compare):
    source.execute(SCHEMA)
    source.execute("INSERT INTO t (id, a) SELECT i, i FROM generate_series(1000, 200000) i")
    sluice.init(commit_interval="300ms")
    sluice.start()
    sluice.wait_said("initial copy started")
    execute(source, "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'; ALTER TABLE t ALTER a TYPE bigint; ALTER TABLE t RENAME b TO label; "
                    "INSERT INTO t (id, a) VALUES (-1, 5000000000)")
    sluice.wait_equal(compare)


def test_a_view_of_the_replicas_own_is_never_dropped(source, replica, following):
    replica.execute("CREATE VIEW mine AS SELECT b FROM t")
    source.execute("ALTER TABLE t DROP COLUMN b")
    source.execute("UPDATE t SET a = 0")
    held = following.wait_table("public.t", state="held")
    assert [hold["sink"] for hold in held["held_in"]] == ["replica"] and "mine" in held["held_in"][0]["reason"]
    replica.execute("DROP VIEW mine")
    following.command("resync", "public.t")
    following.wait_table("public.t", state="streaming")
    assert replica.rows("SELECT sum(a) FROM t") == [(0,)]
