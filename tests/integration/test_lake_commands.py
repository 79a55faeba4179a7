"""`sluice lake …`: what it says is what PyIceberg sees, it changes nothing, and its check finds what is broken."""

import json
import os
import pathlib
import subprocess

import pyarrow
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from support import broken_lake
from support.lake import Lake, open_duckdb, pyiceberg_rows
from support.object_store import S3Server
from support.sluice import BINARY, FINDINGS, NOT_FOUND, USAGE

SCHEMA = """
CREATE TABLE orders (id int PRIMARY KEY, region text NOT NULL, amount numeric(12, 2), at timestamptz, note text);
CREATE TABLE log (id bigint PRIMARY KEY, line text);
CREATE TABLE empty (id int PRIMARY KEY);
INSERT INTO orders SELECT i, 'r' || i % 4, i * 1.5, now(), repeat('x', i % 50) FROM generate_series(1, 1000) i;
INSERT INTO log SELECT i, md5(i::text) FROM generate_series(1, 500) i;
"""


def partition(sluice, table: str, *fields: str):
    def change(config):
        pipeline = next(iter(config["pipelines"].values()))
        pipeline["table_options"] = {table: {"lake": {"partition": list(fields)}}}

    sluice.configure(change)


def fill(source, sluice):
    """A lake with updates, deletes, a truncate and several partitions, one commit after the other."""
    source.execute(SCHEMA)
    partition(sluice, "public.orders", "region")
    sluice.configure(lambda config: config["sinks"]["lake"]["maintenance"].update(compact="off"))  # What is counted stays.
    sluice.sync()
    for statements in ["UPDATE orders SET amount = amount + 1 WHERE id % 3 = 0", "DELETE FROM orders WHERE id % 10 = 1", "TRUNCATE log; INSERT INTO log VALUES (1, 'first'), (2, 'second')",
                       "DELETE FROM log WHERE id = 2; INSERT INTO orders VALUES (2000, 'r9', 1, now(), NULL)"]:
        source.execute(statements)
        sluice.sync()


@pytest.fixture
def filled(source, sluice):
    sluice.init()
    fill(source, sluice)
    return sluice


def tables(sluice, **options) -> dict:
    return {entry["table"]: entry for entry in sluice.command("lake", "tables", "--json", **options).json()["tables"]}


def contents(folder: pathlib.Path) -> dict:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_numbers_are_those_that_pyiceberg_sees(source, filled, lake):
    said = tables(filled)
    assert set(said) == {"public.orders", "public.log", "public.empty"}
    for name, entry in said.items():
        table = Lake(lake).table(*name.split("."))
        assert entry["snapshots"] == len(table.metadata.snapshots)
        if table.current_snapshot() is None:
            assert entry["rows_live"] == entry["data_files"] == 0 and entry["lsn"] is None
            continue
        data, deletes = table.inspect.data_files().to_pylist(), table.inspect.delete_files().to_pylist()
        assert entry["data_files"] == len(data) and entry["delete_files"] == len(deletes)
        assert entry["rows_physical"] == sum(file["record_count"] for file in data)
        assert entry["rows_deleted"] == sum(file["record_count"] for file in deletes)
        assert entry["rows_live"] == len(pyiceberg_rows(table))
        assert entry["bytes"] == sum(file["file_size_in_bytes"] for file in data + deletes)
        assert entry["lsn"] == table.current_snapshot().summary["sluice.lsn"]
        assert entry["partitions"] == len({str(file["partition"]) for file in data + deletes})
        assert_files(filled, table, name, data, deletes)
        snapshots = filled.command("lake", "snapshots", name, "--json").json()["snapshots"]
        assert [entry["snapshot_id"] for entry in snapshots] == [snapshot.snapshot_id for snapshot in reversed(table.metadata.snapshots)]
        assert snapshots[0]["refs"] == ["main"] and snapshots[0]["operation"] == table.current_snapshot().summary.operation.value
    assert said["public.orders"]["rows_deleted"] > 300 and said["public.orders"]["partitions"] == 5
    assert any("rows are deleted" in hint for hint in said["public.orders"]["hints"])
    text = filled.command("lake", "tables").stdout
    assert "public.orders" in text and "3 tables" in text


def assert_files(sluice, table, name, data, deletes):
    files = sluice.command("lake", "files", name, "--json").json()["files"]
    assert {file["path"]: file["bytes"] for file in files} == {file["file_path"]: file["file_size_in_bytes"] for file in data + deletes}
    # Each row is deleted once: summed over the data files as over the delete files.
    by_kind = {kind: sum(file["deleted_rows"] for file in files if file["content"] == kind) for kind in ("data", "deletes")}
    assert by_kind["data"] == by_kind["deletes"]
    oldest = table.metadata.snapshots[0]
    first = sluice.command("lake", "files", name, "--snapshot", oldest.snapshot_id, "--json").json()["files"]
    assert sum(file["rows"] for file in first if file["content"] == "data") == int(oldest.summary["total-records"])


def test_one_table_is_shown_whole(source, filled, lake):
    shown = filled.command("lake", "show", "orders", "--json").json()
    table = Lake(lake).table("public", "orders")
    assert shown["metadata_location"] == table.metadata_location
    assert [(column["id"], column["name"]) for column in shown["columns"]] == [(field.field_id, field.name) for field in table.schema().fields]
    assert [column["type"] for column in shown["columns"]][:3] == ["int", "string", "decimal(12, 2)"]
    assert [column["name"] for column in shown["columns"] if column["key"]] == ["id"]
    assert shown["partition"] == "region" and len(shown["partitions"]) == 5
    assert shown["snapshot_id"] == table.current_snapshot().snapshot_id and shown["source_time"]
    assert open_duckdb().execute(shown["read_with"]["duckdb"]).to_arrow_table().num_rows == shown["size"]["rows_live"]
    text = filled.command("lake", "show", "public.orders", "--top", 2).stdout
    assert "and 3 more" in text and "region=r" in text
    only = filled.command("lake", "files", "orders", "--partition", "region=r1", "--json").json()["files"]
    assert only and {file["partition"] for file in only} == {"region=r1"}
    assert only[0]["key_bounds"].startswith("id ")


def test_a_cut_reads_all_tables_at_one_moment_of_the_source(source, filled):
    """Two tables whose rows always sum up to the same: in every cut they do."""
    source.execute("CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, n int); INSERT INTO a VALUES (1, 100); INSERT INTO b VALUES (1, 0)")
    filled.sync()
    for _ in range(4):
        source.execute("BEGIN; UPDATE a SET n = n - 10; UPDATE b SET n = n + 10; COMMIT")
        filled.sync()
        source.execute("UPDATE b SET id = id + 1")
        filled.sync()
    newest = filled.command("lake", "cut", "--json").json()
    assert newest["lsn"] == next(entry["lsn"] for entry in filled.command("bookmark", "list", "--json").json()["bookmarks"] if entry["sink"] == "lake")
    assert newest["missing"] == 0 and newest["source_time"]
    moments = {entry["lsn"]: entry["source_time"] for name in ("a", "b") for entry in filled.command("lake", "snapshots", name, "--json").json()["snapshots"]}
    assert len(moments) >= 8
    for lsn, time in moments.items():
        cut = filled.command("lake", "cut", "--lsn", lsn, "--json", "--sql", "duckdb", expect=None).json()
        assert cut["lsn"] == lsn
        states = {entry["table"]: entry for entry in cut["tables"]}
        if states["public.a"]["state"] == states["public.b"]["state"] == "snapshot":
            connection = open_duckdb()
            connection.execute("CREATE SCHEMA public;" + states["public.a"]["sql"] + states["public.b"]["sql"])
            assert connection.execute("SELECT (SELECT sum(n) FROM public.a) + (SELECT sum(n) FROM public.b)").fetchone()[0] == 100
        assert filled.command("lake", "cut", "--at", time, "--json", expect=None).json()["source_time"] <= time
    orders = filled.command("lake", "snapshots", "orders", "--json").json()["snapshots"]
    early = filled.command("lake", "cut", "--lsn", orders[-1]["lsn"], "--json", expect=FINDINGS).json()
    states = {entry["table"]: entry["state"] for entry in early["tables"]}
    assert states["public.orders"] == "snapshot" and states["public.empty"] == "empty" and states["public.a"] == "not_yet_there"
    high, low = (int(part, 16) for part in orders[-1]["lsn"].split("/"))
    assert filled.command("lake", "cut", "--lsn", str(high << 32 | low), "--json", expect=FINDINGS).json() == early
    assert "SLU-4133" in filled.command("lake", "cut", "--at", "2001-01-01", expect=NOT_FOUND).stderr
    assert "CREATE OR REPLACE TEMPORARY VIEW `public_a` AS SELECT * FROM lake.`public`.`a` VERSION AS OF " in filled.command("lake", "cut", "--sql", "spark").stdout
    script = filled.command("lake", "cut", "--sql", "duckdb").stdout
    assert "AT (VERSION => " in script
    assert open_duckdb().execute(script + "SELECT count(*) FROM public.orders").fetchone()[0] == source.scalar("SELECT count(*) FROM orders")


def test_expired_snapshots_are_missing_in_a_cut(source, sluice):
    sluice.init()
    sluice.configure(lambda config: config["sinks"]["lake"].update(snapshots={"keep": 2}))
    source.execute("CREATE TABLE busy (id int PRIMARY KEY); CREATE TABLE idle (id int PRIMARY KEY); INSERT INTO busy VALUES (0); INSERT INTO idle VALUES (0)")
    sluice.sync()
    for i in range(1, 5):
        source.execute(f"INSERT INTO busy VALUES ({i})")
        sluice.sync()
    first = sluice.command("lake", "snapshots", "idle", "--json").json()["snapshots"][0]["lsn"]
    cut = sluice.command("lake", "cut", "--lsn", first, "--json", expect=FINDINGS).json()
    assert {entry["table"]: entry["state"] for entry in cut["tables"]} == {"public.busy": "expired", "public.idle": "snapshot"}
    assert sluice.command("lake", "cut", "--json").json()["missing"] == 0


def test_a_lake_that_is_not_there_and_names_that_are_wrong(source, sluice, lake):
    source.execute("CREATE TABLE customers (id int PRIMARY KEY)")
    sluice.init()
    before = contents(lake)
    for command in (["tables"], ["show", "x"], ["snapshots", "x"], ["files", "x"], ["cut"], ["check"]):
        assert "SLU-4130" in sluice.command("lake", *command, expect=NOT_FOUND).stderr
    assert contents(lake) == before
    sluice.sync()
    assert "did you mean public.customers?" in sluice.command("lake", "show", "public.costumers", expect=NOT_FOUND).stderr
    assert "did you mean customers?" in sluice.command("lake", "check", "custmers", expect=NOT_FOUND).stderr
    assert "SLU-4132" in sluice.command("lake", "files", "customers", "--snapshot", 7, expect=NOT_FOUND).stderr
    assert "athena" in sluice.command("lake", "check", "--readers", "athens", expect=USAGE).stderr
    sluice.command("lake", "cut", "--at", "yesterday", expect=USAGE)
    sluice.command("lake", "cut", "--lsn", "0/1", "--at", "2026-01-01", expect=USAGE)


def test_nothing_is_changed_and_a_run_is_not_disturbed(source, filled, lake, compare):
    before = contents(lake)
    for command in (["tables"], ["show", "orders"], ["snapshots", "orders"], ["files", "orders"], ["cut"], ["check", "--deep"]):
        filled.command("lake", *command)
    assert contents(lake) == before
    filled.start()
    filled.wait_settled()
    for i in range(10):
        source.execute(f"UPDATE orders SET amount = amount + 1 WHERE id % 7 = {i % 7}")
        filled.command("lake", "check")
        filled.command("lake", "tables")
        filled.command("lake", "cut")
    filled.wait_until()
    compare()


def test_who_may_not_write_reads_all_the_same(source, filled, lake):
    # Root is told by the kernel as everybody is, once it has given up this right.
    ordinary = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"] if os.geteuid() == 0 else []
    for path in [lake, *lake.rglob("*")]:
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        assert subprocess.run([*ordinary, "touch", lake / "new"], capture_output=True).returncode != 0
        said = subprocess.run([*ordinary, BINARY, "lake", "tables", "--json"], cwd=filled.folder, check=True, capture_output=True)
        assert len(json.loads(said.stdout)["tables"]) == 3
    finally:
        for path in [lake, *lake.rglob("*")]:
            path.chmod(0o700 if path.is_dir() else 0o600)


@pytest.fixture
def s3():
    server = S3Server()
    yield server
    server.remove()


def test_a_lake_in_a_bucket_with_its_catalog_in_a_postgres(servers, source, sluice, s3, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    keeper = servers("catalog").new_database("catalog")
    sluice.lake = s3.bucket("looked-at") + "/warehouse"
    sluice.init()
    catalog = {"type": "postgres", "host": str(keeper.server.folder), "port": 5432, "database": keeper.name, "user": "postgres"}
    sluice.configure(lambda config: config["sinks"]["lake"].update(catalog=catalog))
    assert "SLU-4130" in sluice.command("lake", "tables", expect=NOT_FOUND).stderr
    sluice.command("bookmark", "list")
    assert keeper.scalar("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'iceberg%'") == 0
    fill(source, sluice)
    seen = Lake(sluice.folder, s3, f"postgresql+psycopg://postgres@/{keeper.name}?host={keeper.server.folder}")
    for name, entry in tables(sluice).items():
        assert entry["rows_live"] == len(pyiceberg_rows(seen.table(*name.split("."))))
    report = sluice.command("lake", "check", "--deep", "--json").json()
    assert report["wrong"] == 0 and {table["sound"] for table in report["tables"]} == {True}
    data = next(path for path in s3.data.rglob("*.parquet") if "orders" in str(path))
    data.write_bytes(data.read_bytes()[:-20])
    found = sluice.command("lake", "check", "--json", expect=FINDINGS).json()
    assert {finding["id"] for table in found["tables"] for finding in table["findings"]} >= {"A104", "A103"}


# ── lake check ──


def check(sluice, *arguments, expect=FINDINGS) -> dict:
    """Findings by table, each as (id, file's name)."""
    report = sluice.command("lake", "check", *arguments, "--json", expect=expect).json()
    return {table["table"]: {(finding["id"], finding["file"].rsplit("/", 1)[-1]) for finding in table["findings"]} for table in report["tables"]}


def test_a_healthy_lake_gives_no_finding(source, filled):
    report = filled.command("lake", "check", "--deep", "--json").json()
    assert report["wrong"] == report["refused"] == report["notes"] == 0, report
    orders = next(table for table in report["tables"] if table["table"] == "public.orders")
    assert orders["snapshots"] == len(filled.command("lake", "snapshots", "orders", "--json").json()["snapshots"]) and orders["delete_files_opened"] > 0
    assert "sound: 3 tables" in filled.command("lake", "check").stdout


def test_every_type_and_partition_is_sound(source, sluice):
    source.execute("""
    CREATE TABLE kinds (id uuid PRIMARY KEY, b bool, i2 int2, i8 int8, f4 float4, f8 float8, n numeric(9, 2), big numeric(38, 10), t text, bytes bytea, d date, ts timestamp, tz timestamptz, l int[], j jsonb);
    INSERT INTO kinds SELECT gen_random_uuid(), i % 2 = 0, i, -i, i / 3.0, 'NaN', -i / 7.0, i * 1e20, repeat('ü', i % 40), decode(md5(i::text), 'hex'), '2024-01-01'::date + i, now(), now(), ARRAY[i, NULL], '{}'
      FROM generate_series(1, 300) i;
    CREATE TABLE bucketed (id int PRIMARY KEY, at timestamptz, name text);
    INSERT INTO bucketed SELECT i, '2024-01-01'::timestamptz + i * interval '7 hours', CASE WHEN i % 9 > 0 THEN 'n' || i END FROM generate_series(1, 200) i;
    """)
    sluice.init()
    partition(sluice, "public.bucketed", "day(at)", "bucket(4, id)", "truncate(2, name)")
    sluice.sync()
    source.execute("UPDATE kinds SET t = NULL WHERE i2 % 5 = 0; DELETE FROM bucketed WHERE id % 3 = 0; ALTER TABLE kinds ADD COLUMN later text; UPDATE kinds SET later = 'x' WHERE i2 < 9")
    sluice.sync()
    report = sluice.command("lake", "check", "--deep", "--json").json()
    assert report["wrong"] == 0, report
    refused = sluice.command("lake", "check", "kinds", "--readers", "redshift,athena,duckdb", "--json", expect=FINDINGS).json()["tables"][0]["findings"]
    assert {(finding["reader"], finding["gravity"]) for finding in refused} == {("redshift", "refused"), ("redshift", "note")}
    assert any("uuid: id" in finding["what"] for finding in refused)


def test_a_lake_that_pyiceberg_wrote_gives_no_finding(source, sluice, lake):
    source.execute("CREATE TABLE ours (id int PRIMARY KEY); INSERT INTO ours VALUES (1)")
    sluice.init()
    sluice.sync()
    theirs = SqlCatalog("sluice", uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}")
    theirs.create_namespace("theirs")
    rows = pyarrow.table({"id": pyarrow.array([1, 2, 3], pyarrow.int64()), "name": ["a", None, "c"], "score": [1.5, 2.5, float("nan")]})
    table = theirs.create_table("theirs.t", rows.schema)
    for _ in range(3):
        table.append(rows)
    table.overwrite(rows)
    table.manage_snapshots().create_tag(table.current_snapshot().snapshot_id, "kept").commit()
    assert check(sluice, "--deep", expect=0) == {"public.ours": set(), "theirs.t": set()}
    assert "foreign" not in sluice.command("lake", "cut").stdout
    assert tables(sluice)["theirs.t"]["rows_live"] == 3
    assert any("kept" in entry["refs"] for entry in sluice.command("lake", "snapshots", "theirs.t", "--json").json()["snapshots"])


def test_what_is_broken_is_found_and_stops_no_other_table(source, filled, lake):
    table = Lake(lake).table("public", "orders")
    deletes = broken_lake.local(table.inspect.delete_files().to_pylist()[0]["file_path"])
    data = broken_lake.local(table.inspect.data_files().to_pylist()[0]["file_path"])
    manifest = broken_lake.local(table.inspect.manifests().to_pylist()[0]["path"])
    metadata = broken_lake.local(table.metadata_location)
    for path, damage, wanted in [
        (data, lambda old: old[:-100], {("A104", data.name), ("A103", data.name)}),
        (data, lambda old: b"PAR1" + old[4:-8] + b"\xff\xff\xff\x7fPAR1", {("A103", data.name)}),
        (data, None, {("A101", data.name)}),
        (manifest, None, {("A101", manifest.name)}),
        (manifest, lambda old: old[: len(old) // 2], {("A104", manifest.name), ("A103", manifest.name)}),
        (deletes, None, {("A101", deletes.name)}),
        (metadata, None, {("A101", metadata.name)}),
        (metadata, lambda old: old[:-1], {("A103", metadata.name)}),
        (metadata, lambda old: b"[" * 100000, {("A103", metadata.name)}),
        (metadata, broken_lake.in_json(lambda json: json["snapshots"][-1]["summary"].update({"total-records": "1"})), {("A206", broken_lake.list_name(table))}),
        (metadata, broken_lake.in_json(lambda json: json["snapshots"][-1]["summary"].pop("total-files-size")), {("A206", broken_lake.list_name(table))}),
        (metadata, broken_lake.in_json(lambda json: json["snapshots"][-1].pop("schema-id")), {("A205", metadata.name)}),
        (metadata, broken_lake.in_json(lambda json: json["refs"]["main"].update({"snapshot-id": json["snapshots"][0]["snapshot-id"]})), {("A202", metadata.name)}),
        (metadata, broken_lake.in_json(lambda json: json.update({"last-column-id": 2})), {("A208", metadata.name)}),
        (metadata, broken_lake.in_json(lambda json: json["snapshot-log"].reverse()), {("A203", metadata.name)}),
        (metadata, broken_lake.in_json(broken_lake.spell_types_as_objects), {("A210", metadata.name)}),
    ]:
        with broken_lake.damaged(path, damage):
            found = check(filled)
            assert found["public.orders"] >= wanted, (path, wanted, found)
            assert found["public.log"] == found["public.empty"] == set()
    assert check(filled, expect=0)["public.orders"] == set()


@pytest.mark.parametrize("damage, wanted", broken_lake.DAMAGES.items(), ids=broken_lake.DAMAGES.keys())
def test_what_a_wrong_writer_wrote_is_found(damage, wanted, source, sluice, lake):
    """A small lake of our own Python, right but for one thing."""
    source.execute("CREATE TABLE ours (id int PRIMARY KEY); INSERT INTO ours VALUES (1)")
    sluice.init()
    sluice.sync()
    broken_lake.write(lake, damage)
    found = check(sluice, expect=FINDINGS if wanted - broken_lake.NOTES else 0)
    assert found["public.ours"] == set()
    assert {rule for rule, _ in found["broken.t"]} == wanted


def test_columns_that_differ_by_case_are_found(source, sluice):
    source.execute('CREATE TABLE t (id int PRIMARY KEY, name text, "Name" text, _pos int); INSERT INTO t VALUES (1)')
    sluice.init()
    sluice.sync()
    said = sluice.command("lake", "check", "t", "--json", expect=FINDINGS).json()["tables"][0]["findings"]
    assert {finding["id"]: finding["gravity"] for finding in said} == {"A211": "wrong", "A212": "note"}
    spark = sluice.command("lake", "check", "t", "--readers", "spark", "--json", expect=FINDINGS).json()["tables"][0]["findings"]
    assert any(finding["gravity"] == "refused" and "_pos" in finding["what"] for finding in spark)
