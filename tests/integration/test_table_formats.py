"""Format 3, and formats and partitions that change while data flows: readers see the source's rows all the time."""

import itertools
import json
import subprocess
import time

import pyarrow.parquet as pq
from pyiceberg.manifest import ManifestContent
from support.deps import DEPS
from support.lake import Lake
from support.spark import by_spark
from support.sluice import ROOT
from support.workload import MIXED_CHANGES, MIXED_SCHEMA, Load


def lay_out(sluice, lake=None, **tables):
    """`lake`: options of the sink; each of `tables` (of public) its own."""

    def change(config):
        config["sinks"]["lake"].update(lake or {})
        next(iter(config["pipelines"].values()))["table_options"] = {f"public.{name}": {"lake": options} for name, options in tables.items()}

    sluice.configure(change)


def load(source, sluice, seconds: float, passes: int = 0) -> int:
    """Goes on from so many passes of the changes; returns how many there are now."""
    sluice.start()
    with Load(source, MIXED_CHANGES, pause=0.01, passes=passes) as changes:
        sluice.wait_settled()
        time.sleep(seconds)
    sluice.wait_until()
    sluice.stop()
    return changes.passes


def formats(readers) -> dict:
    return {name[-1]: readers.table(*name).format_version for name in readers.tables()}


def deletes(table) -> set:
    """File formats of the live deletes."""
    return {row["file_format"] for row in table.inspect.delete_files().to_pylist()}


def test_vectors_are_read_as_the_source_by_strangers(source, sluice, lake, compare):
    readers = Lake(lake)
    source.execute(MIXED_SCHEMA)
    sluice.init(commit_interval="300ms")
    lay_out(sluice, {"format_version": 3})
    load(source, sluice, 3)
    compare()
    assert set(formats(readers).values()) == {3}
    assert "PUFFIN" in set().union(*(deletes(readers.table(*name)) for name in readers.tables()))
    sluice.command("lake", "check")
    sluice.command("verify")


def test_format_and_partitions_change_with_the_next_start(source, sluice, lake, compare):
    readers = Lake(lake)
    source.execute(MIXED_SCHEMA)
    sluice.init(commit_interval="300ms")
    passes = load(source, sluice, 1)
    lay_out(sluice, None, account={"format_version": 3, "partition": ["bucket(4, id)"]}, document={"partition": [], "files": {"target_size": "1MiB"}})
    passes = load(source, sluice, 1, passes)
    compare()
    account = readers.table("public", "account")
    assert (account.format_version, len(account.specs()), [field.name for field in account.spec().fields]) == (3, 2, ["id_bucket"])
    assert readers.table("public", "document").spec().is_unpartitioned()
    assert readers.table("public", "reading").format_version == 2
    lay_out(sluice, {"format_version": 3}, account={"partition": ["day(_ingested_at)"]})
    load(source, sluice, 1, passes)
    compare()
    account.refresh()
    assert (account.spec().spec_id, len(account.specs())) == (0, 2)
    assert formats(readers)["document"] == 3
    sluice.command("lake", "check")
    sluice.command("verify")
    source.execute("DELETE FROM account WHERE id % 2 = 0; UPDATE document SET version = -1")
    sluice.sync()
    compare()


def spans(table, column: str) -> list:
    """Lowest and highest value of a column, of each row group of each data file."""
    found = []
    for row in table.inspect.data_files().to_pylist():
        metadata = pq.ParquetFile(row["file_path"].removeprefix("file://")).metadata
        at = metadata.schema.names.index(column)
        found += [(metadata.row_group(i).column(at).statistics.min, metadata.row_group(i).column(at).statistics.max) for i in range(metadata.num_row_groups)]
    return found


def test_rows_in_an_order_are_skipped_by_readers_and_the_order_goes_with_its_column(source, sluice, lake, compare):
    readers = Lake(lake)
    # Forty MiB for Arrow and more: several row groups.
    source.execute("""CREATE TABLE hit (id bigint PRIMARY KEY, facility text, speed float8, note text);
        INSERT INTO hit SELECT i, CASE WHEN i % 50 <> 7 THEN 'facility ' || lpad((i * 31 % 50)::text, 2, '0') END, nullif(i * 7919 % 1000, 13) / 8.0, repeat(chr(97 + i % 26), 1000) FROM generate_series(1, 80000) i""")
    sluice.init(commit_interval="300ms")
    lay_out(sluice, {"maintenance": {"merge_at": 2, "look_every": "1s", "refresh_rate": 0}, "partition": []}, hit={"sort": ["facility desc nulls first", "id"]})
    sluice.sync()
    compare()
    sluice.start()
    sluice.wait_settled()
    with Load(source, ["UPDATE hit SET speed = speed + 1 WHERE id % 80000 = {n} * 61 % 80000", "DELETE FROM hit WHERE id = {n} * 97 % 80000",
                       "INSERT INTO hit VALUES (100000 + {n}, 'facility ' || lpad(({n} % 50)::text, 2, '0'), 1, 'new'), (-{n}, NULL, NULL, 'new')"], pause=0.02):
        time.sleep(4)
        sluice.command("lake", "compact", "hit")
    sluice.wait_until()
    sluice.command("lake", "compact", "hit")
    sluice.stop()
    compare()
    table = readers.table("public", "hit")
    fields = [(table.schema().find_column_name(field.source_id), str(field.direction), str(field.null_order)) for field in table.sort_order().fields]
    assert fields == [("facility", "DESC", "NULLS FIRST"), ("id", "ASC", "NULLS FIRST")]
    assert "facility desc nulls first, id" in sluice.command("lake", "show", "hit").stdout
    for row in table.inspect.data_files().to_pylist():
        assert row["sort_order_id"] == table.sort_order().order_id, row
        rows = pq.read_table(row["file_path"].removeprefix("file://"), columns=["facility", "id"]).to_pylist()
        assert rows == sorted(rows, key=lambda row: (row["facility"] is not None, [-ord(letter) for letter in row["facility"] or ""], row["id"])), row
    groups = spans(table, "facility")
    holding = [low <= "facility 25" <= high for low, high in groups if low is not None]
    assert len(groups) >= 3 and sum(holding) < len(groups), groups
    source.execute("ALTER TABLE hit DROP COLUMN facility; INSERT INTO hit VALUES (0, 1, 'after'); UPDATE hit SET speed = 0 WHERE id = 1")
    sluice.sync()
    compare()
    table.refresh()
    assert table.sort_order().is_unsorted
    assert "sort by facility names a column that the table doesn't have" in sluice.command("lake", "show", "hit", "--json").json()["layout_notes"]["sort"]
    for sort, note in (["sped"], "did you mean speed?"), (["speed"], "from the table's next change on"):
        lay_out(sluice, {}, hit={"sort": sort})
        assert note in sluice.command("lake", "show", "hit").stdout
    assert sluice.command("lake", "show", "hit", "--json").json()["sort"] == "none"
    # Java refuses a table whose order names a column that is gone.
    seen = by_spark("spark_columns.py", table.metadata_location, "id", text="id")["columns"]["id"]
    assert seen == [int(row[0]) for row in source.rows("SELECT id FROM hit ORDER BY id")]
    sluice.command("lake", "check")


def test_deletes_never_name_more_rows_than_a_small_busy_table_has(source, sluice, lake, compare):
    """DuckDB takes rows less positions for the number of rows, and fails while it plans where that is below zero."""
    source.execute("CREATE TABLE busy (id int PRIMARY KEY, n int); INSERT INTO busy SELECT i, 0 FROM generate_series(1, 20) i")
    sluice.init(commit_interval="100ms")
    sluice.configure(lambda config: config["sinks"]["lake"]["maintenance"].update(compact="off"))
    sluice.sync()
    sluice.start()
    sluice.wait_settled()
    with Load(source, ["UPDATE busy SET n = n + 1 WHERE id = {n} % 20 + 1"], pause=0.005):
        time.sleep(6)
    sluice.wait_until()
    sluice.stop()
    compare()
    readers = Lake(lake)
    table = readers.table("public", "busy")
    sums = []
    for snapshot in table.snapshots():
        manifests = snapshot.manifests(table.io)
        rows, positions = (sum(manifest.added_rows_count + manifest.existing_rows_count for manifest in manifests if manifest.content == content) for content in ManifestContent)
        sums.append((rows, positions))
    assert len(sums) > 20 and all(positions <= rows for rows, positions in sums), sums
    assert any(after < before for (_, before), (_, after) in itertools.pairwise(sums)), sums
    relation = readers.duckdb_relation(table)
    assert readers.open_duckdb().execute(f"SELECT count(*) FROM (SELECT * FROM {relation} UNION ALL SELECT * FROM {relation})").fetchone() == (40,)


def test_clickhouse_reads_position_deletes(source, sluice, lake, compare):
    source.execute(MIXED_SCHEMA)
    sluice.init(commit_interval="300ms")
    sluice.configure(lambda config: config["sinks"]["lake"]["maintenance"].update(compact="off"))  # What is deleted stays in delete files.
    load(source, sluice, 1)
    tables = ("account", "document", "scratch")
    assert any(deletes(Lake(lake).table("public", name)) for name in tables)
    done = subprocess.run([DEPS / "clickhouse/bin/python", ROOT / "tests/support/clickhouse_read.py", *(f"{lake}/public/{name}/" for name in tables)], cwd=lake, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {
        f"{lake}/public/{name}/": [int(value) for value in source.rows(f"SELECT count(*), sum(id) FROM {name}")[0]] for name in tables}
