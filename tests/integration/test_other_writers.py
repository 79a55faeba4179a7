"""What another program does to the lake's tables is followed, or the table is held and says why; the others go on."""

import time

import pytest
from pyiceberg.types import LongType

from support.lake import Lake
from support.sluice import DEGRADED

SCHEMA = """
CREATE TABLE shot (id int PRIMARY KEY, speed float8, note text);
CREATE TABLE facility (id int PRIMARY KEY, name text);
INSERT INTO shot SELECT i, i / 3.0, 'n' || i FROM generate_series(1, 500) i;
INSERT INTO facility SELECT i, 'f' || i FROM generate_series(1, 20) i;
"""


@pytest.fixture
def running(source, sluice):
    source.execute(SCHEMA)
    sluice.init(commit_interval="200ms")
    sluice.start()
    sluice.wait_settled()
    source.execute("UPDATE shot SET speed = -1 WHERE id % 5 = 0; INSERT INTO shot VALUES (1000, 0, 'more')")
    sluice.wait_until()
    yield sluice


def try_until_done(change, seconds: float = 30):
    """Their commit may come between two of ours."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return change()
        except Exception:
            if time.monotonic() > deadline:
                raise


def go_on(source):
    source.execute("UPDATE shot SET note = note || '!' WHERE id % 7 = 0; DELETE FROM shot WHERE id % 11 = 0; INSERT INTO shot VALUES (2000 + (SELECT count(*) FROM shot), 1, 'later');"
                   "UPDATE facility SET name = name || '+'")


def wait_held(sluice, table: str, code: str):
    sluice.wait_table(table, state="held")
    held = sluice.command("status", "--json", expect=DEGRADED)
    assert code in held.stdout


def healed(source, sluice, compare):
    sluice.command("resync", "public.shot")
    sluice.wait_settled()
    go_on(source)
    sluice.wait_until()
    compare()
    sluice.command("lake", "check")
    sluice.stop()


def test_files_that_somebody_wrote_again_are_followed(source, running, lake, compare):
    table = Lake(lake).table("public", "shot")

    def rewrite():
        table.refresh()
        table.overwrite(table.scan().to_arrow())

    try_until_done(rewrite)
    go_on(source)
    running.wait_until()
    compare()
    try_until_done(rewrite)
    go_on(source)
    running.wait_until()
    compare()
    running.command("lake", "check")
    running.stop()


def test_a_table_that_was_set_back_is_held(source, running, lake, compare):
    table = Lake(lake).table("public", "shot")

    def set_back():
        table.refresh()
        table.manage_snapshots().rollback_to_snapshot(table.snapshots()[0].snapshot_id).commit()

    try_until_done(set_back)
    go_on(source)
    wait_held(running, "public.shot", "SLU-4111")
    running.wait_until()
    compare(["facility"])
    healed(source, running, compare)


@pytest.mark.parametrize("edit", [
    lambda update: update.add_column("theirs", LongType()), lambda update: update.delete_column("note"), lambda update: update.rename_column("speed", "velocity"),
], ids=["added", "dropped", "renamed"])
def test_columns_that_somebody_changed_hold_the_table(source, running, lake, compare, edit):
    table = Lake(lake).table("public", "shot")

    def change():
        table.refresh()
        with table.update_schema(allow_incompatible_changes=True) as update:
            edit(update)

    try_until_done(change)
    go_on(source)
    wait_held(running, "public.shot", "SLU-4112")
    running.wait_until()
    compare(["facility"])
    healed(source, running, compare)


def test_a_table_that_somebody_dropped_is_copied_again(source, running, lake, compare):
    Lake(lake).catalog.drop_table(("public", "shot"))
    go_on(source)
    running.wait_settled()
    running.wait_until()
    compare()
    running.stop()
