"""Whole transactions, and of them only what committed."""

import pytest

from support.workload import stream_small_transactions

TABLE = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 100) i;"


@pytest.fixture(params=["sent at commit", "streamed while open"], autouse=True)
def decoding(request, source):
    if request.param == "streamed while open":
        stream_small_transactions(source)


def test_a_rolled_back_savepoint_leaves_nothing(replicate):
    replicate(TABLE, """
        BEGIN;
        INSERT INTO t SELECT i, repeat('a', 100) FROM generate_series(1000, 3000) i;
        SAVEPOINT one; INSERT INTO t SELECT i, repeat('b', 100) FROM generate_series(4000, 6000) i; UPDATE t SET v = 'wrong';
        ROLLBACK TO one;
        UPDATE t SET v = 'right' WHERE id % 2 = 0;
        SAVEPOINT two; DELETE FROM t WHERE id < 1500;
        SAVEPOINT three; INSERT INTO t SELECT i, 'c' FROM generate_series(7000, 8000) i; RELEASE three; ROLLBACK TO two;
        DELETE FROM t WHERE id BETWEEN 2000 AND 2100;
        COMMIT
        """)


def test_a_rolled_back_transaction_leaves_nothing(replicate):
    replicate(TABLE, ["BEGIN; INSERT INTO t SELECT i, repeat('a', 100) FROM generate_series(1000, 4000) i; DELETE FROM t WHERE id < 50; ROLLBACK",
                      "INSERT INTO t VALUES (9000, 'after')"])


def test_transactions_that_overlap_arrive_in_commit_order(source, replicate, sluice, compare):
    replicate(TABLE)
    first, second = source.connect(autocommit=False), source.connect(autocommit=False)
    first.execute("INSERT INTO t SELECT i, repeat('first', 30) FROM generate_series(1000, 3000) i")
    second.execute("INSERT INTO t SELECT i, repeat('second', 30) FROM generate_series(5000, 7000) i")
    first.execute("UPDATE t SET v = 'first' WHERE id <= 50")
    second.execute("UPDATE t SET v = 'second' WHERE id > 50 AND id <= 100")
    second.commit()
    first.execute("UPDATE t SET v = 'first again' WHERE id > 60 AND id <= 70")
    sluice.sync()  # The first one is still open.
    first.commit()
    sluice.sync()
    compare()


def test_a_prepared_transaction_arrives_when_it_commits(source, replicate, sluice, compare):
    replicate(TABLE)
    source.execute("BEGIN; INSERT INTO t SELECT i, repeat('p', 100) FROM generate_series(1000, 3000) i; PREPARE TRANSACTION 'later'")
    sluice.sync()
    compare_visible = source.scalar("SELECT count(*) FROM t")
    assert compare_visible == 100
    compare()
    source.execute("COMMIT PREPARED 'later'")
    sluice.sync()
    compare()


def test_many_small_transactions(replicate):
    replicate(TABLE, [f"INSERT INTO t VALUES ({1000 + i}, 'one'); UPDATE t SET v = '{i}' WHERE id = {i % 100}" for i in range(200)])


def test_ddl_without_rows_and_empty_transactions_do_not_disturb(replicate):
    replicate(TABLE + "CREATE UNLOGGED TABLE unseen (id int);",
              ["BEGIN; SELECT txid_current(); COMMIT", "INSERT INTO unseen VALUES (1)", "SELECT pg_logical_emit_message(false, 'someone', 'else')",
               "BEGIN; INSERT INTO t VALUES (200, 'y'); SELECT pg_logical_emit_message(true, 'someone', 'else'); INSERT INTO t VALUES (201, 'y'); COMMIT"],
              tables=["t"])
