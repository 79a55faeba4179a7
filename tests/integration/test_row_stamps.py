"""When and where in the source's log a lake row was written: also for rows that the initial copy brought."""

from support.lake import Lake, pyiceberg_rows
from support.postgres import lsn_number


def stamps(lake, name) -> dict:
    return {row["id"]: row for row in pyiceberg_rows(Lake(lake).table("public", name)).to_pylist()}


def test_copied_rows_carry_the_moment_that_the_copy_shows(source, replica, lake, sluice):
    now = "SELECT clock_timestamp()"
    before = source.scalar(now)
    written = source.execute("CREATE TABLE first (id int PRIMARY KEY); INSERT INTO first VALUES (1), (2)") and source.scalar(now)
    sluice.init()
    sluice.sync()
    copied = source.scalar(now)
    source.execute("INSERT INTO first VALUES (3); CREATE TABLE second (id int PRIMARY KEY); INSERT INTO second VALUES (1)")
    sluice.sync()
    copy_lsn = {name: lsn_number(lsn) for name, lsn in replica.rows("SELECT name, copy_lsn::text FROM sluice.table_state")}
    first, second = stamps(lake, "first"), stamps(lake, "second")
    assert [first[id]["_lsn"] for id in (1, 2)] == [copy_lsn["first"]] * 2
    assert second[1]["_lsn"] == copy_lsn["second"] > copy_lsn["first"]
    assert first[3]["_lsn"] > copy_lsn["first"]
    assert before < written < first[1]["_committed_at"] <= first[1]["_ingested_at"] < copied < first[3]["_committed_at"]
    assert copied < second[1]["_committed_at"] <= second[1]["_ingested_at"]
