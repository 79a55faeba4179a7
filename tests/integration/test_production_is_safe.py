"""What sluice asks of the source has limits: locks, speed, log on its disk. And they hold."""

import time

import psycopg
import pytest

from support.postgres import PostgresServer
from support.sluice import REFUSED

LARGE = """CREATE TABLE large (id int PRIMARY KEY, v text);
ALTER TABLE large ALTER v SET STORAGE PLAIN;
INSERT INTO large SELECT i, repeat('x', 1000) FROM generate_series(1, 12000) i;
CREATE TABLE small (id int PRIMARY KEY); INSERT INTO small SELECT generate_series(1, 10);"""


def slowly(config):
    """A copy of a MiB a second: `large` takes about twelve seconds."""
    config["sources"]["source"]["snapshot"] = {"parallel_tables": 1, "range_size": "1MiB", "max_rate": "1MiB"}


def test_a_copy_keeps_to_its_rate_and_lets_an_alter_table_through(source, sluice, compare):
    """The lock is held for one range at a time, so a statement that wants the table does not wait for the copy, nor the application behind it."""
    source.execute(LARGE)
    sluice.init()
    sluice.configure(slowly)
    started = time.monotonic()
    sluice.start()
    sluice.wait_said("initial copy started")
    time.sleep(2)
    source.execute("SET lock_timeout = '3s'")
    source.execute("ALTER TABLE large ALTER v SET STATISTICS 10; ALTER TABLE large ADD COLUMN w int")
    altered = time.monotonic()
    source.execute("INSERT INTO large VALUES (0, 'new', 1)")
    sluice.wait_said("initial copy finished")
    assert time.monotonic() - altered > 2, "the copy was over before the table was altered"
    assert time.monotonic() - started > 9, "faster than a MiB a second"
    sluice.wait_equal(compare)


def test_a_table_that_is_emptied_between_two_ranges_is_copied_again(source, sluice, compare):
    source.execute(LARGE)
    sluice.init()
    sluice.configure(slowly)
    sluice.start()
    sluice.wait_said("initial copy started")
    time.sleep(3)
    source.execute("SET lock_timeout = '3s'")
    source.execute("TRUNCATE large; INSERT INTO large SELECT i, 'after' FROM generate_series(1, 100) i")
    sluice.wait_equal(compare)


@pytest.fixture
def primary():
    server = PostgresServer(settings="synchronous_commit = local\nwal_receiver_status_interval = 1s\nhot_standby_feedback = off")
    yield server
    server.remove()


@pytest.fixture
def standby(primary):
    """A physical standby of it, whose replay can be paused."""
    server = object.__new__(PostgresServer)
    server.__dict__.update(primary.__dict__)
    server.folder = primary.folder.with_name(primary.folder.name + "-standby")
    server.folder.mkdir(mode=0o777)
    server.folder.chmod(0o777)
    server.data = server.folder / "data"
    server._process = None
    server._run([server.bin / "pg_basebackup", "-h", primary.folder, "-U", "postgres", "-D", server.data, "-R", "-c", "fast", "--no-sync"])
    server._run(["sh", "-c", f"echo \"unix_socket_directories = '{server.folder}'\" >> {server.data}/postgresql.conf"])
    server.start()
    yield server
    server.remove()


def test_a_copy_waits_while_a_standby_of_the_source_is_behind(primary, standby, replica, lake, sluice, compare):
    source = primary.new_database("source")
    sluice.source = compare.source = source
    source.execute(LARGE)
    sluice.init()
    sluice.configure(slowly)
    sluice.configure(lambda config: config["sources"]["source"]["snapshot"].update(standby_lag="1s"))
    with psycopg.connect(standby.dsn("postgres"), autocommit=True) as replaying:
        sluice.start()
        sluice.wait_said("initial copy started")
        replaying.execute("SELECT pg_wal_replay_pause()")
        deadline = time.monotonic() + 30
        while "the copy waits, because a standby" not in sluice.log_tail():
            source.execute("INSERT INTO small SELECT max(id) + 1 FROM small")  # Without work nobody is behind.
            assert time.monotonic() < deadline, sluice.log_tail()
            time.sleep(0.2)
        time.sleep(3)
        assert "initial copy finished" not in sluice.log_tail()
        replaying.execute("SELECT pg_wal_replay_resume()")
        sluice.wait_said("the copy goes on")
    sluice.wait_equal(compare)


def fill_log(source, megabytes: int):
    source.execute("CREATE TABLE IF NOT EXISTS ballast (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)")
    for _ in range(megabytes):
        source.execute("INSERT INTO ballast (v) SELECT (SELECT string_agg(md5(random()::text || i || j), '') FROM generate_series(1, 32) j) FROM generate_series(1, 1000) i")


def test_a_slot_that_keeps_too_much_is_given_up_if_that_is_wished(source, sluice):
    """While sluice is down: the next start lets go of the log instead of keeping more of it."""
    source.execute(LARGE)
    sluice.init()
    sluice.configure(lambda config: config["sources"]["source"].update(slot_budget={"warn": "1MiB", "give_up": "8MiB"}))
    sluice.sync()
    assert len(source.slots()) == 1
    fill_log(source, 10)
    result = sluice.command("run", "--until-caught-up", expect=REFUSED)
    assert "SLU-2207" in result.stderr and "fix" in result.stderr, result
    assert source.slots() == []
    assert "SLU-2201" in sluice.command("run", "--until-caught-up", expect=REFUSED).stderr


def test_a_destination_that_hangs_costs_no_more_log_than_allowed(source, replica, sluice):
    source.execute(LARGE)
    sluice.init()
    sluice.configure(lambda config: config["sources"]["source"].update(slot_budget={"warn": "1MiB", "give_up": "8MiB"}))
    sluice.start()
    sluice.wait_settled()
    with replica.connect(autocommit=False) as blocking:
        blocking.execute("LOCK TABLE large")
        source.execute("UPDATE large SET v = 'changed' WHERE id = 1")
        fill_log(source, 10)
        sluice.wait_said("retains more log than its budget")
        deadline = time.monotonic() + 30
        while source.slots() and time.monotonic() < deadline:
            time.sleep(0.2)
        blocking.rollback()
    assert sluice.wait_exit() == REFUSED, sluice.log_tail()
    assert "SLU-2207" in sluice.log_tail()
    assert source.slots() == []


def test_status_warns_before_the_budget_is_used_up(source, replica, sluice):
    source.execute(LARGE)
    sluice.init()
    sluice.configure(lambda config: config["sources"]["source"].update(slot_budget={"warn": "1MiB"}))
    sluice.start()
    sluice.wait_settled()
    with replica.connect(autocommit=False) as blocking:
        blocking.execute("LOCK TABLE large")
        source.execute("UPDATE large SET v = 'changed' WHERE id = 1")
        fill_log(source, 2)
        sluice.wait_said("retains more log than its budget")
        shown = sluice.command("status").stdout
        assert "OVER BUDGET" in shown, shown
        status = sluice.command("status", "--json").json()
        assert status["source"]["over_budget_in_seconds"] == 0
        assert status["source"]["lost_in_seconds"] is None, "nothing ever takes the slot away"
        blocking.rollback()
    sluice.wait_until()
