"""What is done to the lake by hand: tags that all readers find at one moment of the source, expiry, compaction, orphans, and setting a table back; while sluice runs and while it does not."""

import os
import pathlib
import shutil
import sqlite3
import time

import pytest

from support.lake import Lake, RestLake, pyiceberg_rows
from support.sluice import CONFLICT, DEGRADED, FINDINGS, NOT_FOUND, REFUSED, USAGE
from support.spark import by_spark
from support.tls import free_port
from support.workload import Load

SECRET = "a-secret-of-many-characters"
SCHEMA = """
CREATE TABLE a (id int PRIMARY KEY, n bigint NOT NULL, note text);
CREATE TABLE b (id int PRIMARY KEY, n bigint NOT NULL, note text);
CREATE TABLE ledger (id bigint PRIMARY KEY, sum_a bigint NOT NULL, sum_b bigint NOT NULL);
CREATE TABLE idle (id int PRIMARY KEY);
INSERT INTO a SELECT i, 1000, repeat('a', 40) FROM generate_series(1, 20) i;
INSERT INTO b SELECT i, 0, repeat('b', 40) FROM generate_series(1, 20) i;
INSERT INTO idle VALUES (1);
"""
# The ledger says with each transaction what the other tables sum up to after it.
TRANSFER = """
BEGIN;
UPDATE a SET n = n - {n} % 7 WHERE id = {n} % 20 + 1;
UPDATE b SET n = n + {n} % 7 WHERE id = {n} * 3 % 20 + 1;
INSERT INTO ledger SELECT {n}, (SELECT sum(n) FROM a), (SELECT sum(n) FROM b);
COMMIT;
"""


def transfers(source, passes: int = 0) -> Load:
    """Transactions over three tables, one after the other; `passes`: how many lines the ledger has."""
    return Load(source, [TRANSFER], pause=0.005, passes=passes)


@pytest.fixture
def serve(sluice, monkeypatch):
    monkeypatch.setenv("CATALOG_CLIENT", SECRET)

    def configure(**fields) -> str:
        port = free_port()
        sluice.configure(lambda config: config.update(serve={"catalog": {"listen": f"127.0.0.1:{port}", **fields}}))
        return f"http://127.0.0.1:{port}"

    return configure


def begin(source, sluice):
    source.execute(SCHEMA)
    sluice.init(commit_interval="300ms")
    sluice.configure(lambda config: config["sinks"]["lake"].update(maintenance={"compact": "off"}))


def assert_one_moment(rows_of, expected_lines_min: int = 1):
    """`rows_of(table)`: what a reader has of it; the ledger's last line says what the others summed up to then."""
    ledger = sorted(rows_of("ledger"), key=lambda row: row["id"])
    assert len(ledger) >= expected_lines_min and [row["id"] for row in ledger] == list(range(ledger[0]["id"], ledger[0]["id"] + len(ledger)))
    sums = {name: sum(row["n"] for row in rows_of(name)) for name in ("a", "b")}
    assert sums == {"a": ledger[-1]["sum_a"], "b": ledger[-1]["sum_b"]}
    assert [row["id"] for row in rows_of("idle")] == [1]
    return len(ledger)


def tagged_by_pyiceberg(lake, tag):
    def rows_of(name):
        table = lake.table("public", name)
        return table.scan(snapshot_id=table.snapshot_by_name(tag).snapshot_id).to_arrow().to_pylist()

    return rows_of


def cuts(lake) -> list:
    return pyiceberg_rows(lake.table("sluice", "cuts")).to_pylist()


def test_a_tag_is_one_moment_of_the_source_for_every_reader(source, sluice, serve, lake, compare):
    """Tags made under load; what they show is what the source held then, whatever was committed, compacted and expired since."""
    begin(source, sluice)
    url = serve()
    sluice.start()
    sluice.wait_settled()
    said = {}
    with transfers(source) as load:
        for tag in ("first", "second", "third"):
            wanted = load.passes + 20
            while load.passes < wanted:
                time.sleep(0.02)
            sluice.wait_until(source.lsn())
            said[tag] = sluice.command("lake", "tag", tag, "--json").json()
            assert said[tag]["not_done"] == 0 and len(said[tag]["tables"]) == 4
            sluice.command("lake", "compact")
            sluice.command("lake", "expire", "--keep", 1)
    sluice.wait_until()
    strangers, rest = Lake(lake), RestLake(url)
    lines = {tag: assert_one_moment(tagged_by_pyiceberg(strangers, tag)) for tag in said}
    assert lines["first"] < lines["second"] < lines["third"] < load.passes

    # Plain SQL, by a time that was printed without its microseconds: the snapshot of each table at a moment, and the table at that snapshot.
    assert {(row["tag"], row["table_name"]) for row in cuts(rest)} == {(tag, name) for tag in said for name in ("a", "b", "ledger", "idle")}
    duck = rest.open_duckdb()
    for tag, report in said.items():
        at = duck.execute("SELECT tag, lsn_text, table_name, snapshot_id FROM lake.sluice.cuts WHERE source_time < ?::timestamptz + INTERVAL 1 MILLISECOND QUALIFY lsn = max(lsn) OVER ()", [report["source_time"]]).fetchall()
        assert {row[:2] for row in at} == {(tag, report["lsn"])}
        snapshots = {name: snapshot for _, _, name, snapshot in at}
        assert_one_moment(lambda name: duck.execute(f"SELECT * FROM lake.public.{name} AT (VERSION => {snapshots[name]})").to_arrow_table().to_pylist(), lines[tag])  # noqa: B023
    assert sluice.command("verify", "--json").json()["equal"]
    assert sluice.command("lake", "check", "--json").json()["tables"]
    listed = sluice.command("lake", "tag", "list", "--json").json()["tags"]
    assert [entry["tag"] for entry in listed] == ["third", "second", "first"] and all(entry["kind"] == "by hand" for entry in listed)
    kept = sluice.command("lake", "show", "a", "--json").json()["kept_by_tags"]
    assert kept["snapshots"] >= 2 and kept["bytes"] > 0
    sluice.stop()

    # Nobody runs: the same by itself, and files go at once.
    sluice.command("lake", "tag", "--delete", "first")
    assert {row["tag"] for row in cuts(strangers)} == {"second", "third"}
    before = kept_files(lake)
    removed = sluice.command("lake", "expire", "--keep", 1, "--json").json()
    assert sum(entry["files_removed"] for entry in removed["tables"]) > 0 and len(kept_files(lake)) < len(before)
    for tag in ("second", "third"):
        assert_one_moment(tagged_by_pyiceberg(strangers, tag), lines[tag])
    sluice.sync()
    compare()


def kept_files(lake) -> set:
    return {path for path in pathlib.Path(lake).rglob("*") if path.is_file()}


def test_an_hour_that_passed_has_a_name_on_every_table(source, sluice, lake, compare):
    """Nobody waits an hour: the bookmark is told to be of an hour ago."""
    begin(source, sluice)
    sluice.configure(lambda config: config["sinks"]["lake"].update(tags={"hourly": 2, "daily": 0}))
    sluice.sync()
    source.execute(TRANSFER.format(n=0))
    sluice.sync()
    with sqlite3.connect(pathlib.Path(lake) / "catalog.db") as catalog:
        changed = catalog.execute("UPDATE iceberg_namespace_properties SET property_value = property_value - 3600000000 WHERE namespace = 'sluice' AND property_key = 'sluice.source-time-us'")
        assert changed.rowcount == 1
    with transfers(source) as load:
        sluice.start()
        sluice.wait_settled()
        wanted = load.passes + 50
        while load.passes < wanted or not sluice.command("lake", "tag", "list", "--json").json()["tags"]:
            time.sleep(0.1)
    sluice.wait_until()
    listed = sluice.command("lake", "tag", "list", "--json").json()["tags"]
    assert [(entry["kind"], sorted(entry["tables"])) for entry in listed][:1] == [("hourly", ["public.a", "public.b", "public.idle", "public.ledger"])]
    name = listed[0]["tag"]
    assert name == "hour-" + listed[0]["source_time"][:13]
    lines = assert_one_moment(tagged_by_pyiceberg(Lake(lake), name))
    assert {(row["tag"], row["table_name"]) for row in cuts(Lake(lake)) if row["tag"] == name} == {(name, table) for table in ("a", "b", "ledger", "idle")}
    sluice.stop()
    sluice.sync()
    assert assert_one_moment(tagged_by_pyiceberg(Lake(lake), name)) == lines
    compare()


def test_work_by_hand_while_it_runs_and_while_it_does_not(source, sluice, lake, compare):
    begin(source, sluice)
    for number in range(1, 7):
        source.execute(TRANSFER.format(n=number))
        sluice.sync()
    worn = {entry["table"]: entry for entry in sluice.command("lake", "compact", "--json").json()["tables"]}
    assert worn["public.a"]["data_files_before"] > worn["public.a"]["data_files_after"] == 1
    assert worn["public.a"]["delete_files_after"] == worn["public.a"]["deleted_rows_after"] == 0
    assert len(Lake(lake).table("public", "a").inspect.data_files()) == 1
    compare()

    data = next(path for path in (pathlib.Path(lake) / "public" / "a").rglob("*.parquet"))
    planted = data.with_name("x" + data.name)
    shutil.copy(data, planted)
    two_hours_ago = time.time() - 7200
    os.utime(planted, (two_hours_ago, two_hours_ago))
    would = sluice.command("lake", "orphans", "a", "--older-than", "1h", "--dry-run", "--json").json()
    assert would["dry_run"] and would["tables"][0]["files_removed"] >= 1 and planted.exists()
    done = sluice.command("lake", "orphans", "--table", "a", "--older-than", "1h", "--json").json()
    assert done["tables"][0]["files_removed"] == would["tables"][0]["files_removed"] and not planted.exists()
    would = sluice.command("lake", "expire", "--keep", 2, "--dry-run", "--json").json()
    assert would["tables"] and len(Lake(lake).table("public", "a").metadata.snapshots) > 2
    compare()

    # While it runs, and goes on.
    sluice.start()
    sluice.wait_settled()
    with transfers(source, passes=6):
        for _ in range(3):
            answer = sluice.command("lake", "compact", "--json").json()
            assert answer["not_done"] == 0
            assert sluice.command("lake", "expire", "--keep", 2, "--json").json()["not_done"] == 0
    sluice.wait_until()
    text = sluice.command("lake", "compact", "a").stdout
    assert "→ 1" in text and "public.a" in text
    assert sluice.command("verify", "--json").json()["equal"]
    sluice.stop()
    compare()


def test_a_table_that_is_set_back_is_held_until_it_is_copied_again(source, sluice, lake, compare):
    begin(source, sluice)
    sluice.start()
    sluice.wait_settled()
    sluice.command("lake", "tag", "before-the-mistake")
    source.execute("UPDATE a SET n = -1")
    sluice.wait_until()
    refused = sluice.command("lake", "rollback", "a", "--to", "before-the-mistake", expect=None)
    assert refused.code != 0 and "held" in refused.stderr and "sluice resync public.a" in refused.stderr
    done = sluice.command("lake", "rollback", "a", "--to", "before-the-mistake", "--yes", "--json").json()
    assert done["held"] and done["table"] == "public.a"
    source.execute("INSERT INTO a VALUES (77, 7, 'later'); INSERT INTO b VALUES (77, 7, 'later')")
    sluice.wait_until()
    rows = pyiceberg_rows(Lake(lake).table("public", "a")).to_pylist()
    assert len(rows) == 20 and {row["n"] for row in rows} == {1000}
    assert len(pyiceberg_rows(Lake(lake).table("public", "b"))) == 21
    status = sluice.command("status", expect=DEGRADED)
    assert "set back by hand" in status.stdout + status.stderr
    named = sluice.command("lake", "compact", "a", expect=REFUSED)
    assert "SLU-4154" in named.stderr
    others = sluice.command("lake", "tag", "without-a", "--json", expect=FINDINGS).json()
    assert [entry["table"] for entry in others["tables"] if not entry["done"]] == ["public.a"]
    sluice.command("resync", "public.a", "--sink", "lake")
    sluice.wait_equal(compare)
    sluice.stop()

    # Nobody runs.
    sluice.command("lake", "rollback", "public.b", "--to", "before-the-mistake", "--yes")
    assert len(pyiceberg_rows(Lake(lake).table("public", "b"))) == 20
    sluice.start()
    sluice.wait_table("public.a", state="streaming")
    sluice.wait_until()
    assert len(pyiceberg_rows(Lake(lake).table("public", "b"))) == 20
    sluice.command("resync", "public.b", "--sink", "lake")
    sluice.wait_equal(compare)
    sluice.stop()


def test_what_cannot_be_done_is_said(source, sluice, lake):
    begin(source, sluice)
    assert "SLU-4130" in sluice.command("lake", "tag", "x", expect=NOT_FOUND).stderr
    sluice.sync()
    for number in range(1, 4):
        source.execute(TRANSFER.format(n=number))
        sluice.sync()
    sluice.command("lake", "tag", "release-1")
    says = {
        ("tag", "release-1"): (CONFLICT, "SLU-4151"),
        ("tag", "2026"): (USAGE, "SLU-4150"),
        ("tag", "hour-2026-11-26T14"): (USAGE, "SLU-4150"),
        ("tag", "main"): (USAGE, "SLU-4150"),
        ("tag", "--delete", "releese-1"): (NOT_FOUND, "did you mean release-1?"),
        ("tag", "x", "--table", "publik.a"): (NOT_FOUND, "did you mean public.a?"),
        ("tag", "x", "--at", "2001-01-01"): (NOT_FOUND, "SLU-4133"),
        ("tag", "x", "--at", "yesterday"): (USAGE, "no time"),
        ("rollback", "a", "--to", "12345", "--yes"): (NOT_FOUND, "SLU-4132"),
        ("rollback", "a", "--to", "2001-01-01", "--yes"): (NOT_FOUND, "SLU-4153"),
        ("rollback", "a", "--to", "releese-1", "--yes"): (NOT_FOUND, "did you mean release-1?"),
        ("compact", "nothing"): (NOT_FOUND, "SLU-4131"),
    }
    for command, (code, words) in says.items():
        assert words in sluice.command("lake", *command, expect=code).stderr, command
    sluice.command("lake", "expire", "--keep", 1)
    first = sluice.command("lake", "snapshots", "a", "--json").json()["snapshots"][-1]
    assert "release-1" in first["refs"] or "main" in first["refs"]


@pytest.mark.slow
def test_spark_reads_a_tag_by_its_name(source, sluice, serve, lake):
    begin(source, sluice)
    url = serve(clients={"spark": {"client_secret": "${CATALOG_CLIENT}"}})
    sluice.start()
    sluice.wait_settled()
    sluice.command("lake", "tag", "before-1.0_b")
    source.execute("DELETE FROM a WHERE id > 5")
    sluice.wait_until()
    tagged = "public.a VERSION AS OF 'before-1.0_b'"
    said = by_spark("spark_read.py", url, f"spark:{SECRET}", "public.a", tagged)
    assert said["tables"] == {"public.a": [5, 15], tagged: [20, 210]}
    assert said["namespaces"] == ["public", "sluice"]
    sluice.stop()
