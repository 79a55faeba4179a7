"""Without a key the whole row identifies, and equal rows are told apart by their number only."""

import pytest

FULL = """
CREATE TABLE bag (a int, b text, c numeric); ALTER TABLE bag REPLICA IDENTITY FULL;
INSERT INTO bag SELECT i % 5, 'b' || i % 2, NULL FROM generate_series(1, 40) i;
INSERT INTO bag VALUES (NULL, NULL, NULL), (NULL, NULL, NULL), (1, '', 1.0), (1, '', 1.00);
"""


def test_a_delete_removes_exactly_one_of_equal_rows(replicate):
    replicate(FULL, "DELETE FROM bag WHERE ctid = (SELECT min(ctid) FROM bag WHERE a = 1 AND b = 'b1')",
              "DELETE FROM bag WHERE ctid = (SELECT min(ctid) FROM bag WHERE a IS NULL)",
              "DELETE FROM bag WHERE c = 1 AND scale(c) = 2")


def test_an_update_changes_exactly_one_of_equal_rows(replicate):
    replicate(FULL, "UPDATE bag SET b = 'changed' WHERE ctid = (SELECT max(ctid) FROM bag WHERE a = 2 AND b = 'b0')",
              "UPDATE bag SET b = NULL WHERE a = 3", "UPDATE bag SET a = 0",
              "BEGIN; UPDATE bag SET a = a + 1; UPDATE bag SET a = a + 1 WHERE b = 'b0'; DELETE FROM bag WHERE b = 'b1'; INSERT INTO bag VALUES (2, 'b0', NULL); COMMIT")


def test_equal_rows_come_and_go_in_one_transaction(replicate):
    replicate(FULL, "BEGIN; INSERT INTO bag VALUES (7, 'x', 1), (7, 'x', 1), (7, 'x', 1); DELETE FROM bag WHERE ctid = (SELECT min(ctid) FROM bag WHERE a = 7); COMMIT",
              "BEGIN; DELETE FROM bag WHERE a = 7; INSERT INTO bag VALUES (7, 'x', 1); COMMIT")


def test_full_identity_beside_a_key(replicate):
    replicate("CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t SELECT i, 'v' FROM generate_series(1, 20) i;",
              "UPDATE t SET v = 'w' WHERE id % 2 = 0", "UPDATE t SET id = id + 50 WHERE id < 5", "DELETE FROM t WHERE id = 7")


def test_a_table_without_identity_appends_and_the_application_may_still_update_it(source, replicate, sluice, compare):
    replicate("CREATE TABLE log (at timestamptz DEFAULT now(), line text); INSERT INTO log (line) SELECT 'l' || i FROM generate_series(1, 20) i;",
              "INSERT INTO log (line) VALUES ('later'), ('later')")
    source.execute("UPDATE log SET line = 'edited' WHERE line = 'l1'; DELETE FROM log WHERE line = 'l2'")  # Must not fail here.
    source.execute("INSERT INTO log (line) VALUES ('after')")
    sluice.sync()
    assert sluice.replica.scalar("SELECT count(*) FROM log") == 23


@pytest.mark.parametrize("identity", ["REPLICA IDENTITY FULL", "ADD PRIMARY KEY (id)"])
def test_a_table_that_gets_an_identity_gets_the_changes_it_missed(identity, source, sluice, compare):
    source.execute("CREATE TABLE log (id int, line text); INSERT INTO log SELECT i, 'l' || i FROM generate_series(1, 20) i")
    sluice.init()
    sluice.sync()
    source.execute("UPDATE log SET line = 'edited' WHERE id = 1; DELETE FROM log WHERE id = 2")
    sluice.sync()
    source.execute(f"ALTER TABLE log {identity}; UPDATE log SET line = 'edited again' WHERE id IN (1, 3)")
    sluice.sync()
    compare()
    source.execute("UPDATE log SET line = 'followed' WHERE id = 1; DELETE FROM log WHERE id = 4")
    sluice.sync()
    compare()


def test_replica_identity_by_another_index(replicate):
    replicate("""
        CREATE TABLE t (id int PRIMARY KEY, code text NOT NULL, region int NOT NULL, v text, big text);
        ALTER TABLE t ALTER big SET STORAGE EXTERNAL; CREATE UNIQUE INDEX t_code ON t (region, code); ALTER TABLE t REPLICA IDENTITY USING INDEX t_code;
        INSERT INTO t SELECT i, 'c' || i, i % 3, 'v', repeat('b', 5000) FROM generate_series(1, 30) i;
        """,
        "UPDATE t SET v = 'w' WHERE id % 2 = 0", "UPDATE t SET id = id + 100 WHERE id < 5", "UPDATE t SET code = 'moved' || id WHERE id = 10",
        "DELETE FROM t WHERE id IN (11, 12)", "BEGIN; UPDATE t SET code = 'x', id = 999 WHERE id = 13; UPDATE t SET v = 'y' WHERE id = 999; COMMIT")


def test_unique_index_as_identity_without_primary_key(replicate):
    replicate("""
        CREATE TABLE t (code text NOT NULL, v int); CREATE UNIQUE INDEX t_code ON t (code); ALTER TABLE t REPLICA IDENTITY USING INDEX t_code;
        INSERT INTO t SELECT 'c' || i, i FROM generate_series(1, 30) i;
        """, "UPDATE t SET v = -v WHERE v % 2 = 0", "UPDATE t SET code = 'n' || v WHERE v = 3", "DELETE FROM t WHERE v = 5")
