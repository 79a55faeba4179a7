"""Spark writes into the lake's tables after us: what keeps the rows is followed, and rows that it adds or removes are found and put right."""

import re

import pytest

from support import catalog
from support.catalog_server import IcebergServer
from support.compare import Comparison
from support.lake import RestLakeByFiles
from support.sluice import FINDINGS
from support.spark import by_spark

SCHEMA = """
CREATE TABLE shot (id int PRIMARY KEY, speed float8, note text);
CREATE TABLE facility (id int PRIMARY KEY, name text);
INSERT INTO shot SELECT i, i / 3.0, 'n' || i FROM generate_series(1, 500) i;
INSERT INTO facility SELECT i, 'f' || i FROM generate_series(1, 20) i;
"""


@pytest.fixture
def server():
    server = IcebergServer()
    yield server
    server.remove()


@pytest.fixture
def lake(server):
    return server.new_warehouse("warehouse")


@pytest.mark.slow
@pytest.mark.parametrize("format_version", [2, 3])
def test_spark_rewrites_expires_appends_and_deletes(source, replica, sluice, server, format_version):
    source.execute(SCHEMA)
    sluice.init(commit_interval="200ms")
    sluice.configure(lambda config: config["sinks"]["lake"].update(catalog={"type": "rest", "uri": server.url}, format_version=format_version, maintenance={"compact": "off"}))
    comparison = Comparison(source, replica, sluice.folder)

    def compare():
        comparison.lake_equals(catalog.tables(source), RestLakeByFiles(server.url))

    sluice.start()
    sluice.wait_settled()
    for _ in range(3):
        source.execute("UPDATE shot SET speed = speed + 1 WHERE id % 5 = 0; DELETE FROM shot WHERE id = (SELECT min(id) FROM shot)")
        sluice.wait_until()
    rewritten, *_ = by_spark(
        "spark_write.py", server.url,
        "CALL lake.system.rewrite_data_files(table => 'public.shot', options => map('rewrite-all', 'true'))",
        "ALTER TABLE lake.public.shot SET TBLPROPERTIES ('gc.enabled' = 'true')",
        "CALL lake.system.expire_snapshots(table => 'public.shot', older_than => TIMESTAMP '2100-01-01 00:00:00', retain_last => 1)",
        "INSERT INTO lake.public.facility SELECT 77, 'theirs', _ingested_at, _committed_at, _lsn FROM lake.public.facility WHERE id = 1",
        "DELETE FROM lake.public.facility WHERE id = 3")
    assert int(rewritten[0][0]) >= 2  # Files of ours.
    source.execute("UPDATE shot SET note = note || '!' WHERE id % 7 = 0; DELETE FROM shot WHERE id % 11 = 0; INSERT INTO shot VALUES (2000, 1, 'later')")
    sluice.wait_settled()
    sluice.wait_until()
    assert FINDINGS == sluice.command("verify", expect=None).code
    sluice.command("verify", "public.shot")
    sluice.command("verify", "repair", "public.facility")
    compare()
    # Hadoop spells a folder's files in its own way, which check dislikes; nothing else is wrong.
    assert set(re.findall(r"✗ (A\d+)", sluice.command("lake", "check", expect=FINDINGS).stdout)) == {"A105"}
    sluice.stop()
