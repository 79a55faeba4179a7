"""Tables of changes: every version of every row once and in its order, held against triggers on the source that write down the same."""

import collections
import random
import threading
import time

import pytest

from support.changes import changes_come_to_the_table, keep_changes, state_of, versions, without_stamps
from support.lake import Lake, pyiceberg_rows
from support.spark import by_spark

AUDITED = """
CREATE SCHEMA audit;
CREATE TABLE audit.log (seq bigserial PRIMARY KEY, tab text, op text, old jsonb, new jsonb);
CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO audit.log (tab, op, old, new)
  VALUES (TG_TABLE_NAME, lower(TG_OP), CASE WHEN TG_OP IN ('UPDATE', 'DELETE') THEN to_jsonb(OLD) END, CASE WHEN TG_OP IN ('INSERT', 'UPDATE') THEN to_jsonb(NEW) END);
  RETURN NULL;
END $$;
CREATE TABLE player (id int PRIMARY KEY, name text, photo text, points bigint, tags int[]);
ALTER TABLE player ALTER photo SET STORAGE EXTERNAL;
CREATE TABLE whole (id int PRIMARY KEY, name text, photo text);
ALTER TABLE whole ALTER photo SET STORAGE EXTERNAL;
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE keyless (id int, name text);
CREATE TABLE plain (id int PRIMARY KEY, name text);
"""
KEPT = ("player", "whole", "keyless")
WATCH = "".join(
    f"CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION audit.note();"
    f"CREATE TRIGGER note_all AFTER TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION audit.note();" for name in KEPT)


def leave_out_audit(sluice):
    sluice.configure(lambda config: next(iter(config["pipelines"].values()))["tables"].update(exclude=["audit.*"]))


def rows_of(source, name) -> dict:
    return {row["id"]: row for (row,) in source.rows(f"SELECT to_jsonb(t) FROM {name} t")}


class RandomWriter(threading.Thread):
    """Transactions over few keys, so that they meet; some roll back, some change keys, leave large values alone, or empty a table."""

    def __init__(self, source, seed: int, stop: threading.Event):
        super().__init__(daemon=True)
        self.source, self.random, self.stop, self.error = source, random.Random(seed), stop, None

    def run(self):
        try:
            with self.source.connect() as connection:
                while not self.stop.is_set():
                    self._transaction(connection)
                    time.sleep(0.002)
        except Exception as error:  # Raised to the test by who joins.
            self.error = error

    def _transaction(self, connection):
        r = self.random
        statements = [self._statement() for _ in range(r.randint(1, 5))]
        if r.random() < 0.2:
            statements.insert(r.randint(0, len(statements)), f"SAVEPOINT s; {self._statement()}; ROLLBACK TO s")
        end = "ROLLBACK" if r.random() < 0.1 else "COMMIT"
        try:
            connection.execute("BEGIN; " + "; ".join(statements) + f"; {end}")
        except Exception as error:
            connection.execute("ROLLBACK")
            if not any(word in str(error) for word in ("deadlock", "duplicate key")):
                raise

    def _statement(self) -> str:
        r = self.random
        key, other, word, name = r.randint(1, 60), r.randint(1, 60), "%06d" % r.randint(0, 999_999), r.choice(("player", "whole"))
        photo = f"repeat('{word}', 1000)"
        kind = r.randint(1, 100)
        if kind <= 25:
            return f"INSERT INTO {name} (id, name, photo) VALUES ({key}, '{word}', {photo}) ON CONFLICT DO NOTHING"
        if kind <= 60:
            return f"UPDATE {name} SET name = '{word}' WHERE id = {key}"
        if kind <= 68:
            return f"UPDATE player SET points = coalesce(points, 0) + 1, tags = ARRAY[{key}, NULL, {other}] WHERE id % 10 = {key % 10}"
        if kind <= 74:
            return f"UPDATE {name} SET photo = {photo} WHERE id = {key}"
        if kind <= 80:
            return f"UPDATE {name} t SET id = {other} WHERE id = {key} AND NOT EXISTS (SELECT FROM {name} WHERE id = {other})"
        if kind <= 92:
            return f"DELETE FROM {name} WHERE id = {key}"
        if kind <= 98:
            return f"INSERT INTO keyless VALUES ({key}, '{word}')"
        return f"TRUNCATE {name}" if r.random() < 0.3 else f"UPDATE plain SET name = '{word}' WHERE id = {key}"


def expected_by_key(source, name) -> dict:
    """What the triggers wrote down, by key; a TRUNCATE ends the history of every key that it met."""
    by_key = collections.defaultdict(list)
    for op, old, new in source.rows(f"SELECT op, old, new FROM audit.log WHERE tab = '{name}' ORDER BY seq"):
        if op == "truncate":
            for key in by_key:
                by_key[key].append(("truncate", None))
            continue
        if op == "delete" or (op == "update" and old["id"] != new["id"]):
            by_key[old["id"]].append(("delete", old if name == "whole" else None))
        if op != "delete":
            by_key[new["id"]].append((op, new))
    return by_key


def kept_by_key(rows, name) -> dict:
    by_key = collections.defaultdict(list)
    for row in rows:
        if row["_op"] == "truncate":
            for key in by_key:
                by_key[key].append(("truncate", None))
        elif row["_op"] == "delete":
            by_key[row["id"]].append(("delete", without_stamps(row) if name == "whole" else None))
        elif row["_op"] != "copy":
            by_key[row["id"]].append((row["_op"], without_stamps(row)))
    return by_key


@pytest.mark.parametrize("format_version", [2, 3])
def test_each_version_is_there_once_and_in_order_whatever_is_killed(source, sluice, lake, format_version):
    source.execute(AUDITED + "INSERT INTO player SELECT i, 'first', repeat(i::text, 3000), 0, ARRAY[i] FROM generate_series(1, 20) i; INSERT INTO plain SELECT i FROM generate_series(1, 60) i;"
                   "INSERT INTO whole SELECT i, 'first', repeat(i::text, 3000) FROM generate_series(1, 20) i; INSERT INTO keyless VALUES (1, 'first')")
    sluice.init(commit_interval="200ms")
    leave_out_audit(sluice)
    sluice.configure(lambda config: config["sinks"]["lake"].update(format_version=format_version))
    keep_changes(sluice, *(f"public.{name}" for name in KEPT))
    sluice.sync()
    source.execute(WATCH)
    stop = threading.Event()
    writers = [RandomWriter(source, seed, stop) for seed in (format_version, 20, 30)]
    for writer in writers:
        writer.start()
    pause = random.Random(format_version)
    for _ in range(6):
        sluice.start()
        sluice.wait_answering()
        time.sleep(pause.uniform(0.5, 2.5))
        sluice.kill()
    stop.set()
    for writer in writers:
        writer.join(60)
        assert writer.error is None, writer.error
    sluice.sync()
    counts = collections.Counter()
    for name in KEPT:
        rows = versions(Lake(lake), name)
        kept, expected = kept_by_key(rows, name), expected_by_key(source, name)
        if name == "keyless":  # Nothing puts the transactions of two equal rows into an order.
            kept, expected = [{key: collections.Counter(map(str, list_)) for key, list_ in of.items()} for of in (kept, expected)]
        assert kept == expected
        assert len({(row["_lsn"], row["_seq"], row["id"]) for row in rows}) == len(rows)
        counts.update(row["_op"] for row in rows)
        if name != "keyless":
            assert state_of(rows, "id") == rows_of(source, name)
    assert min(counts[op] for op in ("copy", "insert", "update", "delete", "truncate")) > 0, counts
    assert counts["update"] > 200, counts
    assert "plain_changes" not in {name for _, name in Lake(lake).tables()}
    checked = sluice.command("lake", "check", "--deep")
    assert "player_changes" in checked.stdout


def ops(lake, name, *columns) -> list:
    return [(row["_op"], *(row[column] for column in columns)) for row in versions(Lake(lake), name)]


def test_columns_come_and_go_and_no_version_is_lost(source, sluice, lake):
    source.execute("CREATE TABLE t (id int PRIMARY KEY, size int, price numeric(6,2), word text, old text); INSERT INTO t VALUES (1, 1, 1.25, 'a', 'x')")
    sluice.init()
    keep_changes(sluice, "public.t")
    sluice.sync()
    for change in ("INSERT INTO t VALUES (2, 2, 2.50, 'b', 'y')",
                   "ALTER TABLE t ADD extra int; INSERT INTO t VALUES (3, 3, 3.75, 'c', 'z', 33)",
                   "ALTER TABLE t DROP old; UPDATE t SET extra = 11 WHERE id = 1",
                   "ALTER TABLE t RENAME word TO name; UPDATE t SET name = 'd' WHERE id = 1",
                   "ALTER TABLE t ALTER size TYPE bigint, ALTER price TYPE numeric(9,2); UPDATE t SET size = 5000000000, price = 1000000.25 WHERE id = 1",
                   "ALTER TABLE t ADD old int; UPDATE t SET old = 7 WHERE id = 2",
                   "ALTER TABLE t ALTER old TYPE text USING old::text || '!'; UPDATE t SET name = 'e' WHERE id = 2"):
        source.execute(change)
        sluice.sync()
        changes_come_to_the_table_by_its_columns(lake)
    table = Lake(lake).table("public", "t_changes")
    names = [field.name for field in table.schema().fields]
    assert names[:6] == ["id", "size", "price", "name", "extra", "old"] and names[6:11] == ["_op", "_seq", "_ingested_at", "_committed_at", "_lsn"]
    assert sorted(names[11:])[0].startswith("old_") and len(names) == 13, names
    assert [str(table.schema().find_field(name).field_type) for name in ("size", "price")] == ["long", "decimal(9, 2)"]
    gone = next(name for name in names[11:] if str(table.schema().find_field(name).field_type) == "string")
    rows = versions(Lake(lake), "t")
    assert {(row["id"], row[gone]) for row in rows if row[gone] is not None} == {(1, "x"), (2, "y"), (3, "z")}
    # Files of the narrower types, merged with those of the wider ones.
    sluice.start()
    sluice.wait_until()
    sluice.command("lake", "compact", "public.t_changes")
    sluice.stop()
    assert versions(Lake(lake), "t") == rows
    table = Lake(lake).table("public", "t_changes")
    duck = Lake(lake).open_duckdb()
    asked = duck.execute(f"SELECT id, size, price, _op, _seq, _lsn FROM {Lake(lake).duckdb_relation(table)}").fetchall()
    assert collections.Counter(asked) == collections.Counter((row["id"], row["size"], row["price"], row["_op"], row["_seq"], row["_lsn"]) for row in rows)
    seen = by_spark("spark_columns.py", table.metadata_location, "_lsn", "_seq", "id", text="id size price _op")["columns"]
    order = sorted(rows, key=lambda row: (row["_lsn"], row["_seq"], row["id"] or 0))
    assert seen == {**{name: [row[name] for row in order] for name in ("id", "size", "_op")}, "price": [row["price"] and str(row["price"]) for row in order]}
    sluice.command("lake", "check", "--deep")


def changes_come_to_the_table_by_its_columns(lake):
    """Without those that the table has no longer."""
    table = {row["id"]: without_stamps(row) for row in pyiceberg_rows(Lake(lake).table("public", "t")).to_pylist()}
    state = state_of(versions(Lake(lake), "t"), "id")
    assert {key: {name: row[name] for name in table[key]} for key, row in state.items()} == table


def test_changes_are_asked_for_later_left_out_and_asked_for_again(source, sluice, lake):
    source.execute("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 2); CREATE TABLE other (id int PRIMARY KEY)")
    sluice.init()
    sluice.sync()
    source.execute("UPDATE t SET n = 3 WHERE id = 1")
    sluice.sync()
    keep_changes(sluice, "public.?")
    source.execute("INSERT INTO other VALUES (1)")  # They begin behind a commit.
    sluice.sync()
    source.execute("DELETE FROM t WHERE id = 2")
    sluice.sync()
    assert sorted(ops(lake, "t", "id", "n")[:2]) == [("copy", 1, 3), ("copy", 2, 2)] and ops(lake, "t", "id", "n")[2:] == [("delete", 2, None)]
    keep_changes(sluice)
    source.execute("UPDATE t SET n = 4 WHERE id = 1")
    sluice.sync()
    assert len(ops(lake, "t")) == 3
    keep_changes(sluice, "public.t")
    source.execute("INSERT INTO other VALUES (2)")
    sluice.sync()
    source.execute("INSERT INTO t VALUES (5, 5)")
    sluice.sync()
    assert ops(lake, "t", "id", "n")[3:] == [("truncate", None, None), ("copy", 1, 4), ("insert", 5, 5)]
    # By hand, while it runs: a new copy, and a row that was lost set right.
    sluice.start()
    sluice.wait_settled()
    sluice.command("resync", "public.t", "--sink", "lake")
    sluice.wait_said("lake.changes_start")
    sluice.wait_settled()
    sluice.wait_until()
    sluice.stop()
    assert ops(lake, "t", "id", "n")[6:7] == [("truncate", None, None)] and sorted(ops(lake, "t", "id", "n")[7:]) == [("copy", 1, 4), ("copy", 5, 5)]
    changes_come_to_the_table(Lake(lake), "t")


def test_who_looks_at_the_lake_finds_the_changes_and_who_rebuilds_a_postgresql_does_not(source, replica, sluice, lake):
    source.execute("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1)")
    sluice.init()
    keep_changes(sluice, "public.t")
    sluice.sync()
    first = sluice.command("lake", "cut", "--json").json()["lsn"]
    for n in range(2, 12):
        source.execute(f"UPDATE t SET n = {n}")
        sluice.sync()
    assert "t_changes" in sluice.command("lake", "tables").stdout
    count = "SELECT count(*) AS versions, max(n) AS n FROM lake.public.t_changes"
    assert sluice.command("sql", "--format", "json", "-c", count).json() == [{"versions": 11, "n": 11}]
    assert sluice.command("sql", "--format", "json", "--lsn", first, "-c", count).json() == [{"versions": 1, "n": 1}]
    assert "t_changes" in sluice.command("lake", "expire", "--keep", "5", "--dry-run").stdout
    replica.execute("DROP TABLE t; DROP SCHEMA sluice CASCADE")
    restored = sluice.command("restore", "--yes")
    assert "t_changes" not in restored.stdout + restored.stderr, restored
    assert replica.rows("SELECT id, n FROM t") == [(1, 11)]
    assert replica.scalar("SELECT count(*) FROM pg_class WHERE relname = 't_changes'") == 0


def test_a_table_of_the_source_that_has_the_name_is_held_or_keeps_it(source, sluice, lake):
    source.execute("CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE b_changes (id int PRIMARY KEY); INSERT INTO b_changes VALUES (7)")
    sluice.init()
    sluice.sync()
    keep_changes(sluice, "public.?")
    source.execute("INSERT INTO b_changes VALUES (8)")
    sluice.start()
    sluice.wait_said("has not the changes of public.b")
    deadline = time.monotonic() + 60
    while ("public", "a_changes") not in Lake(lake).tables():
        assert time.monotonic() < deadline, sluice.log_tail()
        source.execute("INSERT INTO b_changes SELECT max(id) + 1 FROM b_changes")
        time.sleep(1)
    source.execute("CREATE TABLE a_changes (id int PRIMARY KEY); INSERT INTO a_changes VALUES (1); INSERT INTO a VALUES (2)")
    sluice.wait_said("exists in the lake as the changes of public.a", timeout=120)
    sluice.wait_until()
    status = sluice.command("status", "--json", expect=None).json()
    sluice.stop()
    assert ops(lake, "a", "id") == [("copy", 1), ("insert", 2)]
    assert {7, 8} <= {row["id"] for row in pyiceberg_rows(Lake(lake).table("public", "b_changes")).to_pylist()}
    assert "has not the changes of public.b" in str(status), status


def test_rows_that_verify_sets_right_are_versions_too(source, sluice, lake):
    source.execute("CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 1), (2, 2)")
    sluice.init()
    keep_changes(sluice, "public.t")
    sluice.sync()
    Lake(lake).table("public", "t").delete("id = 1")
    sluice.start()
    sluice.wait_settled()
    sluice.command("verify", "repair", "public.t")
    sluice.wait_until()
    sluice.stop()
    assert sorted(ops(lake, "t", "id", "n")) == [("copy", 1, 1), ("copy", 2, 2), ("repair", 1, 1)]
    changes_come_to_the_table(Lake(lake), "t")
