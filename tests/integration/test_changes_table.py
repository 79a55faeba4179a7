"""Tables of changes: every version of every row once and in its order, held against triggers on the source that write down the same."""

import collections
import random
import threading
import time

import pytest

from support.lake import Lake, duckdb_scan, pyiceberg_rows
from support.sluice import CONFLICT, FINDINGS, OK

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
STAMPS = ("_op", "_seq", "_ingested_at", "_committed_at", "_lsn")


def keep_changes(sluice, *tables, **more):
    sluice.configure(lambda config: config["sinks"]["lake"].update(changes={"tables": [f"public.{name}" for name in tables], **more}))


def leave_out_audit(sluice):
    sluice.configure(lambda config: next(iter(config["pipelines"].values()))["tables"].update(exclude=["audit.*"]))


def versions(lake, name) -> list:
    """In their order."""
    rows = pyiceberg_rows(Lake(lake).table("public", f"{name}_changes")).to_pylist()
    return sorted(rows, key=lambda row: (row["_lsn"], row["_seq"]))


def without_stamps(row: dict) -> dict:
    return {name: value for name, value in row.items() if name not in STAMPS}


def state_of(rows) -> dict:
    """What the table is after these versions."""
    state = {}
    for row in rows:
        if row["_op"] == "truncate":
            state.clear()
        elif row["_op"] == "delete":
            del state[row["id"]]
        else:
            state[row["id"]] = without_stamps(row)
    return state


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
    keep_changes(sluice, *KEPT)
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
        rows = versions(lake, name)
        kept, expected = kept_by_key(rows, name), expected_by_key(source, name)
        if name == "keyless":  # Nothing puts the transactions of two equal rows into an order.
            kept, expected = [{key: collections.Counter(map(str, list_)) for key, list_ in of.items()} for of in (kept, expected)]
        assert kept == expected
        assert len({(row["_lsn"], row["_seq"], row["id"]) for row in rows}) == len(rows)
        counts.update(row["_op"] for row in rows)
        if name != "keyless":
            assert state_of(rows) == rows_of(source, name)
    assert min(counts[op] for op in ("copy", "insert", "update", "delete", "truncate")) > 0, counts
    assert counts["update"] > 200, counts
    assert "plain_changes" not in {name for _, name in Lake(lake).tables()}
    checked = sluice.command("lake", "check", "--deep")
    assert "player_changes" in checked.stdout
