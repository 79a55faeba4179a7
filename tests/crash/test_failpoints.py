"""kill -9 at every failpoint, under load, and again while it recovers; then all three are equal.

With SLUICE_SOAK set also each step that fails, whose reply is lost, or that takes long: the process must find its way by itself.
"""

import os
import signal
import subprocess
import time

import pytest

from support.changes import changes_come_to_the_table
from support.lake import Lake
from support.sluice import BINARY, OK
from support.workload import MIXED_SCHEMA, MixedLoad, stream_small_transactions


def failpoints() -> list:
    """Those of the built program; a missing program fails one test instead of the collection."""
    if not BINARY.exists():
        return ["program.missing"]
    return subprocess.run([BINARY, "debug", "failpoints"], capture_output=True, text=True, check=True).stdout.split()


def wait_killed(sluice, timeout) -> bool:
    """Whether it died by the failpoint in time."""
    deadline = time.monotonic() + timeout
    while sluice.running():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    assert sluice.wait_exit() == -signal.SIGKILL, sluice.log_tail()
    return True


# What the mixed load alone does not reach, and what does.
def add_a_column(source, sluice):
    source.execute("ALTER TABLE account ADD COLUMN note text")


def change_megabytes_at_once(source, sluice):
    source.execute("INSERT INTO account SELECT 9000000 + i, repeat('x', 250), i, now() FROM generate_series(1, 80000) i")


def copy_again(source, sluice):
    sluice.command("resync", "public.account", expect=None)


def verify(source, sluice):
    sluice.command("verify", expect=None)


def repair(source, sluice):
    sluice.replica.execute("INSERT INTO account VALUES (77777777, 'planted', 0)")
    for _ in range(5):  # The pipeline may be beginning anew: then it says so, and changes nothing.
        if sluice.command("verify", "repair", "public.account", expect=None).code == OK or not sluice.running():
            return


def tag(source, sluice):
    sluice.command("lake", "tag", "named", expect=None)


PROVOKED = {
    "lake.tags_ready": tag,
    "lake.before_schema_change": add_a_column,
    "lake.after_schema_change": add_a_column,
    "lake.followed": add_a_column,
    "replica.columns_followed": add_a_column,
    "replica.before_follow_commit": add_a_column,
    "replica.after_part": change_megabytes_at_once,
    "source.before_spill_write": change_megabytes_at_once,
    "pipeline.barrier_view": verify,
    "pipeline.before_table_request": copy_again,
    "pipeline.before_beside": copy_again,
    "pipeline.after_beside": copy_again,
    "replica.before_merge": copy_again,
    "pipeline.before_repair": repair,
    "pipeline.after_repair": repair,
    "replica.repaired": repair,
}
AFTER_AN_INTERRUPTED_COPY = ["lake.after_drop_leftover"]
IN_TEARDOWN = ["source.before_drop_slot", "source.before_drop_publication"]
# Reached by test_copy_resumes.py, which has larger tables.
IN_A_COPY_THAT_GOES_ON = ["lake.before_part_kept", "lake.after_part_kept", "lake.before_rows_removed", "pipeline.reading_touched_keys", "pipeline.touched_keys_read",
                          "pipeline.touched_keys_beside", "pipeline.touched_rows_removed", "pipeline.touched_rows_written"]
IN_A_CHANGE_OF_LAYOUT = ["lake.before_layout_change", "lake.after_layout_change"]
# Reached by test_rest_catalog_client.py, where the catalog takes one table at a time.
IN_COMMITS_ONE_BY_ONE = ["lake.after_first_bookmark", "lake.before_table_alone", "lake.after_table_alone", "lake.after_leftover_files"]
ELSEWHERE = [*AFTER_AN_INTERRUPTED_COPY, *IN_COMMITS_ONE_BY_ONE, *IN_A_CHANGE_OF_LAYOUT, *IN_TEARDOWN, *IN_A_COPY_THAT_GOES_ON]


WITH_CHANGES = ["account", "scratch"]


def prepare(source, sluice):
    source.execute(MIXED_SCHEMA)
    stream_small_transactions(source)
    sluice.init(commit_interval="300ms")

    def often(config):
        config["sinks"]["lake"].update(manifests={"merge_at": 3}, snapshots={"keep": 3}, maintenance={"merge_at": 2, "look_every": "0s"},
                                       changes={"tables": [f"public.{table}" for table in WITH_CHANGES]})
        config["pipelines"]["main"]["tables"].update(watch="500ms")
        # Some tables of each format of Iceberg.
        config["pipelines"]["main"]["table_options"] = {f"public.{name}": {"lake": {"format_version": 3}} for name in ("account", "event")}
        config["sources"]["source"]["stream"] = {"spill_after": "1MiB"}

    sluice.configure(often)


def recover(sluice, armed):
    """Once more with the failpoint armed, in the recovery or in the work after it, then to the end."""
    sluice.start(env=armed)
    if not wait_killed(sluice, 3):
        sluice.kill()
    sluice.start()
    sluice.wait_settled()
    sluice.wait_until()


@pytest.mark.parametrize("name", [name for name in failpoints() if name not in ELSEWHERE])
def test_killed_at(name, source, sluice, compare):
    prepare(source, sluice)
    armed = {"SLUICE_FAILPOINTS": f"{name}=kill"}
    with MixedLoad(source):
        sluice.start(env=armed)
        if provoke := PROVOKED.get(name):
            sluice.wait_until()
            provoke(source, sluice)
        assert wait_killed(sluice, 40), f"{name} was never hit\n{sluice.log_tail()}"
        recover(sluice, armed)
    sluice.wait_until()
    if PROVOKED.get(name) is repair:
        sluice.command("verify", "repair", "public.account")  # The kill may have come before it was durable.
    sluice.stop()
    compare()
    for table in WITH_CHANGES:
        changes_come_to_the_table(Lake(sluice.lake), table)


IN_SOAK = pytest.mark.skipif("SLUICE_SOAK" not in os.environ, reason="takes a quarter of an hour: make soak")
ALWAYS = {("replica.before_commit", "unknown:2"), ("catalog.after_commit", "unknown:1")}


def steps_and_failures():
    for name in failpoints():
        for action in () if name in ELSEWHERE else ("error:1", "error:2", "unknown:1", "unknown:2", "delay"):
            yield pytest.param(name, action, id=f"{name}-{action}", marks=() if (name, action) in ALWAYS else IN_SOAK)


@pytest.mark.parametrize("name, action", [*steps_and_failures()])
def test_a_step_that_fails_is_made_good_without_a_restart(name, action, source, sluice, compare):
    prepare(source, sluice)
    with MixedLoad(source):
        sluice.start(env={"SLUICE_FAILPOINTS": f"{name}={action}"})
        sluice.wait_settled()
        sluice.wait_until()
        if provoke := PROVOKED.get(name):
            provoke(source, sluice)
            sluice.wait_settled()
    sluice.wait_until()
    if PROVOKED.get(name) is repair:
        sluice.command("verify", "repair", "public.account")
    sluice.wait_equal(compare)


@pytest.mark.parametrize("name", AFTER_AN_INTERRUPTED_COPY)
def test_killed_while_it_removes_an_interrupted_copy(name, source, sluice, compare):
    prepare(source, sluice)
    armed = {"SLUICE_FAILPOINTS": f"{name}=kill"}
    with MixedLoad(source):
        sluice.start(env={"SLUICE_FAILPOINTS": "lake.before_finish_tables=kill"})
        assert wait_killed(sluice, 40), sluice.log_tail()
        sluice.start(env=armed)
        assert wait_killed(sluice, 40), f"{name} was never hit\n{sluice.log_tail()}"
        recover(sluice, armed)
    sluice.wait_until()
    sluice.stop()
    compare()


@pytest.mark.parametrize("name", IN_A_CHANGE_OF_LAYOUT)
def test_killed_while_tables_are_laid_out_anew(name, source, sluice, compare):
    prepare(source, sluice)
    sluice.sync()
    sluice.configure(lambda config: config["sinks"]["lake"].update(format_version=3, partition=["hour(_ingested_at)"]))
    armed = {"SLUICE_FAILPOINTS": f"{name}=kill"}
    with MixedLoad(source):
        sluice.start(env=armed)
        assert wait_killed(sluice, 40), f"{name} was never hit\n{sluice.log_tail()}"
        recover(sluice, armed)
    sluice.wait_until()
    sluice.stop()
    compare()
    sluice.command("lake", "check")


@pytest.mark.parametrize("name", IN_TEARDOWN)
def test_killed_in_teardown(name, source, sluice):
    prepare(source, sluice)
    sluice.sync()
    sluice.command("teardown", "--yes", env={"SLUICE_FAILPOINTS": f"{name}=kill"}, expect=-signal.SIGKILL)
    sluice.command("teardown", "--yes")
    assert source.rows("SELECT count(*) FROM pg_publication") == [(0,)]
    assert source.rows("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()") == [(0,)]


def test_every_failpoint_with_a_place_of_its_own_exists():
    assert not {*PROVOKED, *ELSEWHERE} - {*failpoints()}
