"""One table may be held, copied again or join while all others go on."""

import pytest

from support import catalog
from support.sluice import DEGRADED
from support.workload import MIXED_SCHEMA, MixedLoad

TWO = """
CREATE TABLE good (id int PRIMARY KEY, v text); INSERT INTO good SELECT i, 'g' FROM generate_series(1, 100) i;
CREATE TABLE bad (id int PRIMARY KEY, v text); INSERT INTO bad SELECT i, 'b' FROM generate_series(1, 100) i;
"""


def tables_of(source, *names) -> list:
    return [table for table in catalog.tables(source) if table.name in names]


@pytest.fixture
def streaming(source, sluice):
    """streaming(schema): `sluice run` in the background, caught up, quick to notice new tables."""

    def start(schema=TWO):
        source.execute(schema)
        sluice.init(commit_interval="300ms")
        sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(watch="500ms"))
        sluice.start()
        sluice.wait_until()
        return sluice

    return start


def break_in_the_replica(source, replica):
    """A change that the replica alone cannot take."""
    replica.execute("DELETE FROM bad WHERE id = 7")
    source.execute("UPDATE bad SET v = 'changed' WHERE id = 7; UPDATE good SET v = 'after' WHERE id < 50")


def test_a_bad_table_is_held_alone_and_said(source, replica, lake, streaming, compare):
    sluice = streaming()
    break_in_the_replica(source, replica)
    entry = sluice.wait_table("public.bad", state="held")
    assert [(hold["sink"], hold["code"]) for hold in entry["held_in"]] == [("replica", "SLU-3110")]
    source.execute("INSERT INTO good SELECT i, 'new' FROM generate_series(200, 300) i; DELETE FROM bad WHERE id = 9")
    sluice.wait_until()
    compare.replica_equals(tables_of(source, "good"))
    compare.lake_equals(tables_of(source, "good", "bad"))
    status = sluice.command("status", expect=DEGRADED)
    assert "HELD    public.bad in replica  SLU-3110" in status.stdout
    assert replica.scalar("SELECT count(*) FROM bad") == 99, "its rows stay as they were"


def test_a_held_table_stays_held_after_kill_and_comes_back_by_resync(source, replica, streaming, compare):
    sluice = streaming()
    break_in_the_replica(source, replica)
    sluice.wait_table("public.bad", state="held")
    sluice.kill()
    sluice.start()
    sluice.wait_table("public.bad", state="held")
    source.execute("UPDATE bad SET v = 'again'; INSERT INTO bad VALUES (1000, 'n')")
    assert sluice.command("resync", "public.bad").stdout == "public.bad\n"
    sluice.wait_table("public.bad", state="streaming")
    source.execute("UPDATE bad SET v = 'last' WHERE id = 7")
    sluice.wait_until()
    compare()
    sluice.command("status")


def test_a_table_is_copied_again_under_load_and_views_on_it_stay(source, replica, streaming, compare):
    sluice = streaming(MIXED_SCHEMA)
    replica.execute("CREATE VIEW seen AS SELECT count(*) AS n FROM account")
    before = replica.scalar("SELECT n FROM seen")
    with MixedLoad(source):
        for _ in range(2):
            sluice.command("resync", "public.account")
            sluice.wait_table("public.account", state="streaming")
            assert replica.scalar("SELECT n FROM seen") >= before // 2, "readers never see it empty"
        sluice.command("resync", "*", "--sink", "lake")
        sluice.wait_table("public.account", state="streaming")
    sluice.wait_until()
    compare()
    assert replica.scalar("SELECT count(*) FROM pg_class WHERE relname LIKE 'refill%'") == 0


def test_wrong_rows_are_put_right_by_resync_and_right_ones_are_not_touched(source, replica, streaming, compare):
    sluice = streaming()
    replica.execute("UPDATE bad SET v = 'wrong' WHERE id = 3; DELETE FROM bad WHERE id = 4; INSERT INTO bad VALUES (5000, 'foreign')")
    untouched = replica.rows("SELECT id, xmin::text FROM bad WHERE id BETWEEN 10 AND 90 ORDER BY id")
    sluice.command("resync", "public.bad", "--sink", "replica")
    sluice.wait_table("public.bad", state="streaming")
    sluice.wait_until()
    compare()
    assert replica.rows("SELECT id, xmin::text FROM bad WHERE id BETWEEN 10 AND 90 ORDER BY id") == untouched


def test_a_large_table_that_is_copied_again_is_joined_with_its_rows(source, replica, streaming, compare):
    """Row by row it would take hours."""
    sluice = streaming("CREATE TABLE large (id int PRIMARY KEY, v text); INSERT INTO large SELECT i, 'b' FROM generate_series(1, 500000) i")
    replica.execute("UPDATE large SET v = 'wrong' WHERE id % 100000 = 0")
    sluice.command("resync", "public.large", "--sink", "replica")
    sluice.wait_table("public.large", state="streaming")
    compare()


def test_resync_and_skip_without_a_running_process_hold_for_the_next_start(source, replica, sluice, compare):
    source.execute(TWO)
    sluice.init()
    sluice.sync()
    replica.execute("DELETE FROM bad WHERE id < 50")
    sluice.command("skip", "public.good")
    sluice.command("resync", "public.bad")
    source.execute("UPDATE good SET v = 'unseen' WHERE id = 1")
    ended = sluice.command("run", "--until-caught-up", expect=DEGRADED)
    assert "SLU-8303" in ended.stderr and "public.good" in ended.stderr
    assert replica.scalar("SELECT v FROM good WHERE id = 1") == "g"
    compare.replica_equals(tables_of(source, "bad"))
    sluice.command("resync", "public.good")
    sluice.sync()
    compare()


def test_a_table_that_nobody_has_is_not_found(streaming):
    sluice = streaming()
    assert "no table matches public.nothing" in sluice.command("resync", "public.nothing", expect=None).stderr
    assert sluice.command("skip", "public.good", "--sink", "nowhere", expect=None).code != 0
    assert sluice.command("resync", "public.*", "--dry-run").stdout == "public.bad\npublic.good\n"
    assert sluice.command("resync", "good", "--dry-run").stdout == "public.good\n", "a name without namespace is good for all of them"
    for command in (["resync"], ["resync", "--dry-run"], ["verify"]):
        assert "did you mean good?" in sluice.command(*command, "goood", expect=None).stderr
    assert "did you mean public.good?" in sluice.command("skip", "public.god", expect=None).stderr
    sluice.wait_table("public.good", state="streaming")


def test_a_new_table_joins_while_the_others_stream(source, streaming, compare):
    sluice = streaming()
    source.execute("CREATE TABLE late (id int PRIMARY KEY, v text); INSERT INTO late SELECT i, 'l' FROM generate_series(1, 500) i; UPDATE good SET v = 'x'")
    sluice.wait_table("public.late", state="streaming")
    source.execute("UPDATE late SET v = 'followed' WHERE id < 100; DELETE FROM late WHERE id > 490; INSERT INTO good VALUES (999, 'y')")
    sluice.wait_until()
    compare()


def test_a_transaction_that_is_open_while_a_table_joins_loses_nothing(source, streaming, compare):
    sluice = streaming()
    source.execute("CREATE TABLE late (id int PRIMARY KEY, v text)")
    with source.connect() as open_transaction:
        open_transaction.execute("BEGIN")
        open_transaction.execute("INSERT INTO late SELECT i, 'before' FROM generate_series(1, 50) i")
        source.execute("INSERT INTO late VALUES (1000, 'committed'); UPDATE good SET v = 'meanwhile' WHERE id = 1")
        sluice.wait_until()
        open_transaction.execute("INSERT INTO late SELECT i, 'after' FROM generate_series(51, 90) i")
        open_transaction.execute("COMMIT")
    sluice.wait_table("public.late", state="streaming")
    sluice.wait_until()
    compare()


def test_a_table_that_was_dropped_and_made_again_is_another_table(source, streaming, compare):
    sluice = streaming()
    source.execute("DROP TABLE bad; CREATE TABLE bad (id int PRIMARY KEY, other numeric(8,2), v text); INSERT INTO bad SELECT i, i / 3.0, NULL FROM generate_series(1, 30) i")
    deadline_lsn = source.lsn()
    sluice.wait_said("copying tables while the others stream")
    sluice.wait_table("public.bad", state="streaming")
    source.execute("UPDATE bad SET other = 1 WHERE id = 5")
    sluice.wait_until()
    assert source.lsn() > deadline_lsn
    compare()
