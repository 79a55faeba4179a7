"""The source's tables change their shape while they are followed: in place where both sinks can, else copied again.

docs/reference/schema-changes.md is this matrix in words.
"""

import pytest

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE other (id int PRIMARY KEY, v text); INSERT INTO other SELECT i, 'o' FROM generate_series(1, 50) i;
CREATE TABLE t (id int PRIMARY KEY, a int, b varchar(20), c numeric(8,2), m mood, p pair, big text);
ALTER TABLE t ALTER big SET STORAGE external;
INSERT INTO t SELECT i, i, 'b' || i, i / 4.0, CASE WHEN i % 2 = 0 THEN 'ok' ELSE 'sad' END::mood, ROW(i, 'p')::pair, repeat('x', 3000) FROM generate_series(1, 200) i;
"""
TOUCH = "UPDATE t SET a = a + 1 WHERE id <= 20; INSERT INTO other SELECT max(id) + 1, 'n' FROM other;"

CHANGES = {
    "add column": "ALTER TABLE t ADD COLUMN n int",
    "add column with a constant default": "ALTER TABLE t ADD COLUMN n int NOT NULL DEFAULT 7",
    "add column with a volatile default": "ALTER TABLE t ADD COLUMN n double precision DEFAULT random()",
    "add serial column": "ALTER TABLE t ADD COLUMN n bigserial",
    "add identity column": "ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS IDENTITY",
    "add column, then a default": "ALTER TABLE t ADD COLUMN n int; ALTER TABLE t ALTER n SET DEFAULT 3",
    "add two columns": "ALTER TABLE t ADD COLUMN n int, ADD COLUMN o text DEFAULT 'o'",
    "add generated column": "ALTER TABLE t ADD COLUMN n int GENERATED ALWAYS AS (a * 2) STORED",
    "drop column": "ALTER TABLE t DROP COLUMN b",
    "drop and add of one name": "ALTER TABLE t DROP COLUMN a; ALTER TABLE t ADD COLUMN a int",
    "rename column": "ALTER TABLE t RENAME b TO label",
    "swap two names": "ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME id TO a; ALTER TABLE t RENAME x TO id",
    "widen int to bigint": "ALTER TABLE t ALTER a TYPE bigint",
    "int to text": "ALTER TABLE t ALTER a TYPE text USING 'n' || a",
    "values rewritten by using": "ALTER TABLE t ALTER a TYPE int USING a * 10",
    "widen varchar": "ALTER TABLE t ALTER b TYPE varchar(200)",
    "varchar to text": "ALTER TABLE t ALTER b TYPE text",
    "widen numeric": "ALTER TABLE t ALTER c TYPE numeric(12,2)",
    "numeric scale": "ALTER TABLE t ALTER c TYPE numeric(12,4)",
    "set not null": "ALTER TABLE t ALTER a SET NOT NULL",
    "drop not null": "ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE t ALTER a DROP NOT NULL; INSERT INTO t (id) VALUES (5000)",
    "add enum value": "ALTER TYPE mood ADD VALUE 'glad' BEFORE 'ok'",
    "other primary key": "ALTER TABLE t DROP CONSTRAINT t_pkey; UPDATE t SET a = -id; ALTER TABLE t ADD PRIMARY KEY (a)",
    "rename table": "ALTER TABLE t RENAME TO renamed; CREATE VIEW t AS SELECT * FROM renamed",
    "drop and make again": "DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t SELECT i, i FROM generate_series(1, 40) i",
    "swap tables by name": "CREATE TABLE t2 (LIKE t INCLUDING ALL); INSERT INTO t2 SELECT * FROM t WHERE id % 3 = 0; BEGIN; ALTER TABLE t RENAME TO t_old; ALTER TABLE t2 RENAME TO t; COMMIT",
    "replica identity full": "ALTER TABLE t REPLICA IDENTITY FULL",
}
AFTERWARDS = {"add enum value": "UPDATE t SET m = 'glad' WHERE id < 10;", "other primary key": "UPDATE t SET big = 'short' WHERE a < -100;",
              "swap two names": "UPDATE t SET id = id + 1 WHERE a <= 20;", "int to text": "UPDATE t SET a = a || 'z' WHERE id < 9;"}


@pytest.fixture
def following(source, sluice):
    source.execute(SCHEMA)
    sluice.init(commit_interval="300ms")
    sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(watch="500ms"))
    sluice.start()
    sluice.wait_until()
    return sluice


def settled(sluice, source):
    """Until nothing is copied or held any more and both sinks have everything that is committed now."""
    sluice.wait_settled()
    sluice.wait_until()


@pytest.mark.parametrize("change", CHANGES)
def test_followed_with_rows_before_and_after(change, source, following, compare):
    source.execute(TOUCH)
    source.execute(CHANGES[change])
    source.execute(AFTERWARDS.get(change, TOUCH))
    settled(following, source)
    source.execute("UPDATE other SET v = 'later' WHERE id < 5")
    following.wait_until()
    compare()


@pytest.mark.parametrize("change", CHANGES)
def test_followed_without_any_row_afterwards(change, source, following, compare):
    source.execute(CHANGES[change])
    following.wait_columns(source)
    settled(following, source)
    compare()


@pytest.mark.parametrize("change", ["add column with a constant default", "drop column", "int to text", "rename column", "drop and add of one name"])
def test_followed_after_a_restart_from_before_the_change(change, source, sluice, compare):
    source.execute(SCHEMA)
    sluice.init()
    sluice.sync()
    source.execute(TOUCH)
    source.execute(CHANGES[change])
    source.execute(AFTERWARDS.get(change, TOUCH))
    sluice.sync()
    compare()
