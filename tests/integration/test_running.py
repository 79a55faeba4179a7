"""What an operator relies on: it goes on where it was, lets the source forget, says the truth, and leaves nothing behind."""

import subprocess
import time

import pytest

from support.lake import Lake
from support.postgres import lsn_number
from support.sluice import CONFLICT, FINDINGS, OK
from support.workload import MIXED_SCHEMA, MixedLoad

TABLES = """
CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 1000) i;
CREATE TABLE u (id int PRIMARY KEY, v numeric(8,2)); INSERT INTO u SELECT i, i FROM generate_series(1, 500) i;
"""


def test_a_restart_goes_on_without_copying_again(source, replicate, sluice, compare):
    replicate(TABLES)
    source.execute("SELECT pg_stat_clear_snapshot()")
    time.sleep(1)  # Statistics of the ended sessions arrive.
    read = source.rows("SELECT relname, seq_tup_read FROM pg_stat_user_tables ORDER BY 1")
    compared_reads = {name: tuples for name, tuples in read}
    source.execute("INSERT INTO t VALUES (5000, 'later')")
    sluice.sync()
    time.sleep(1)
    for name, tuples in source.rows("SELECT relname, seq_tup_read FROM pg_stat_user_tables ORDER BY 1"):
        assert tuples == compared_reads[name], f"{name} was read again"
    compare()


def test_a_new_table_is_copied_while_the_others_are_left_alone(source, replicate, sluice, compare):
    replicate(TABLES)
    source.execute("CREATE TABLE fresh (id int PRIMARY KEY, v text); INSERT INTO fresh SELECT i, 'f' FROM generate_series(1, 100) i; UPDATE t SET v = 'w' WHERE id = 1")
    sluice.sync()
    compare()


def test_local_state_may_be_deleted(source, replicate, sluice, compare):
    replicate(TABLES)
    for path in sorted((sluice.folder / ".sluice").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    source.execute("UPDATE t SET v = 'x' WHERE id < 10; DELETE FROM u WHERE id < 10")
    sluice.sync()
    compare()


def test_a_second_run_of_the_same_folder_is_refused_and_the_first_goes_on(source, replicate, sluice, compare):
    replicate(TABLES)
    sluice.start()
    sluice.wait_until()
    sluice.command("run", "--until-caught-up", expect=CONFLICT)
    source.execute("UPDATE t SET v = 'x'")
    sluice.wait_until()
    sluice.stop()
    compare()


def test_an_idle_source_lets_go_of_its_log(source, servers, replicate, sluice):
    """Another database writes, ours does not: the slot must move all the same."""
    replicate(TABLES)
    other = servers("source").new_database("other")
    sluice.start()
    try:
        other.execute("CREATE TABLE noise (v text)")
        for _ in range(3):
            other.execute("INSERT INTO noise SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
        wanted = source.lsn()
        deadline = time.monotonic() + 40
        while lsn_number(source.scalar("SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE database = current_database()")) < wanted:
            assert time.monotonic() < deadline, f"the slot stands still\n{sluice.log_tail()}"
            time.sleep(0.2)
    finally:
        sluice.kill()
        other.drop()


def test_the_source_is_told_no_more_than_both_sinks_hold(source, replicate, sluice):
    replicate(MIXED_SCHEMA)
    sluice.start()
    with MixedLoad(source) as load:
        while load.passes < 4:
            confirmed = lsn_number(source.scalar("SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE database = current_database()"))
            durable = sluice.bookmarks()  # Read after: it only grows.
            assert durable and confirmed <= min(durable.values())
    sluice.stop()


def test_a_restart_of_either_server_is_survived(source, replica, replicate, sluice, compare):
    replicate(MIXED_SCHEMA)
    sluice.start()
    sluice.wait_until()
    for database in (source, replica):
        database.close()
        database.server.restart()
        source.execute("UPDATE account SET balance = balance + 1 WHERE id < 100; INSERT INTO event (kind) VALUES ('restarted')")
        sluice.wait_until()
    sluice.stop()
    compare()


def test_status_and_tables_tell_where_it_is(source, replicate, sluice):
    replicate(TABLES)
    sluice.start()
    sluice.wait_until()
    status = sluice.command("status", "--json").json()
    assert status["schema"].startswith("sluice.status/") and {s["name"] for s in status["sinks"]} == {"replica", "lake"}
    tables = sluice.command("tables", "--json").json()
    assert {t["table"] for t in tables["tables"]} == {"public.t", "public.u"}
    assert "streaming" in sluice.command("tables").stdout
    sluice.stop()


@pytest.mark.parametrize("how", ["while it runs", "between runs"])
def test_verify_is_silent_about_equal_data(how, source, replicate, sluice):
    replicate(MIXED_SCHEMA)
    if how == "between runs":
        sluice.command("verify", expect=OK)
        return
    sluice.start()
    sluice.wait_answering()  # Before it holds the folder's lock, verify would run alone and keep it out.
    with MixedLoad(source):
        for _ in range(3):
            sluice.command("verify", expect=OK)
    sluice.stop()


PLANTED = {
    "a changed value": "UPDATE t SET v = 'planted' WHERE id = 500",
    "a missing row": "DELETE FROM t WHERE id = 500",
    "a row too many": "INSERT INTO t VALUES (999999, 'planted')",
    "two values swapped": "UPDATE t SET v = CASE id WHEN 1 THEN 'v2' ELSE 'v1' END WHERE id IN (1, 2)",
    "an empty text for NULL": "UPDATE t SET v = '' WHERE id = 1000",
}


@pytest.mark.parametrize("planted", PLANTED)
def test_verify_finds_a_difference_in_the_replica(planted, source, replica, replicate, sluice):
    replicate(TABLES, "UPDATE t SET v = NULL WHERE id = 1000")
    replica.execute(PLANTED[planted])
    said = sluice.command("verify", expect=FINDINGS)
    assert "public.t" in said.stdout + said.stderr and "replica" in said.stdout + said.stderr
    assert "public.u" not in said.stderr
    sluice.command("verify", "public.u", expect=OK)


def test_verify_finds_a_difference_in_the_lake(replicate, sluice, lake):
    replicate(TABLES)
    Lake(lake).table("public", "u").delete("id = 7")
    said = sluice.command("verify", expect=FINDINGS)
    assert "public.u" in said.stdout + said.stderr and "lake" in said.stdout + said.stderr


def test_teardown_leaves_nothing_on_the_source(source, replicate, sluice):
    replicate(TABLES)
    assert source.slots() and source.publications()
    sluice.command("teardown", "--yes")
    assert source.slots() == [] and source.publications() == []
    assert source.scalar("SELECT count(*) FROM t") == 1000
    source.execute("UPDATE t SET v = 'free' WHERE id = 1")
    sluice.command("teardown", "--yes")  # Already so: fine.


def test_check_is_content_and_changes_nothing(source, replica, sluice):
    source.execute(TABLES)
    sluice.init()
    sluice.command("check", expect=OK)
    assert source.slots() == [] and source.publications() == []
    assert replica.scalar("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0


def test_a_role_of_least_privilege_made_by_the_printed_script_suffices(source, replica, servers, sluice, compare):
    source.execute(TABLES + 'CREATE SCHEMA "Other"; CREATE TABLE "Other".t (id int PRIMARY KEY); INSERT INTO "Other".t VALUES (1);')
    role = f"reader_{source.name}"
    sluice.init()
    script = sluice.command("check", "--print-sql", "--role", role).stdout
    assert "REPLICATION" in script
    subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", source.dsn()], input=script, text=True, check=True, stdout=subprocess.DEVNULL)
    sluice.configure(lambda config: next(iter(config["sources"].values())).update(user=role))
    try:
        assert not source.scalar("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role])
        sluice.sync()
        source.execute("UPDATE t SET v = 'x' WHERE id = 1")
        sluice.sync()
        compare()
    finally:
        sluice.kill()
        source.execute(f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database(); "
                       f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def test_words_that_answer_without_a_database(sluice):
    assert "sluice" in sluice.command("version").stdout
    assert "fix" in sluice.command("explain", "SLU-1104").stdout.lower()
    assert len(sluice.command("debug", "failpoints").stdout.split()) > 10
    for command in ("init", "check", "run", "status", "tables", "bookmark", "verify", "demo", "teardown", "explain", "version"):
        assert sluice.command(command, "--help").stdout
