"""Format 3, and formats and partitions that change while data flows: readers see the source's rows all the time."""

import json
import subprocess
import time

from support.deps import DEPS
from support.lake import Lake
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
