"""TRUNCATE keeps its place among the changes."""

TABLES = """
CREATE TABLE a (id int PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a, v text);
CREATE TABLE c (v text); ALTER TABLE c REPLICA IDENTITY FULL;
CREATE TABLE p (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE p_old PARTITION OF p FOR VALUES FROM ('2000-01-01') TO ('2020-01-01');
CREATE TABLE p_new PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2040-01-01');
INSERT INTO a SELECT i, 'a' FROM generate_series(1, 50) i; INSERT INTO b SELECT i, i, 'b' FROM generate_series(1, 50) i;
INSERT INTO c SELECT 'c' FROM generate_series(1, 50); INSERT INTO p SELECT i, date '2010-01-01' + i * 200 FROM generate_series(1, 50) i;
"""


def test_one_table(replicate):
    replicate(TABLES, "TRUNCATE b", "INSERT INTO b VALUES (1, 1, 'again')", "TRUNCATE c RESTART IDENTITY")


def test_several_tables_and_cascade(replicate):
    replicate(TABLES, "TRUNCATE b, c", "INSERT INTO b VALUES (1, 1, 'x')", "TRUNCATE a CASCADE")


def test_between_other_changes_of_its_transaction(replicate):
    replicate(TABLES,
              "BEGIN; INSERT INTO b VALUES (100, 1, 'gone'); TRUNCATE b; INSERT INTO b VALUES (101, 1, 'stays'); UPDATE b SET v = 'stays too'; COMMIT",
              "BEGIN; TRUNCATE c; INSERT INTO c VALUES ('1'); TRUNCATE c; INSERT INTO c VALUES ('2'), ('2'); DELETE FROM c WHERE ctid = '(0,2)'; COMMIT",
              "BEGIN; UPDATE a SET v = 'changed'; TRUNCATE b; COMMIT")


def test_a_rolled_back_one_does_nothing(replicate):
    replicate(TABLES, "BEGIN; TRUNCATE b; ROLLBACK", "BEGIN; SAVEPOINT s; TRUNCATE b; ROLLBACK TO s; INSERT INTO b VALUES (200, 1, 'x'); COMMIT")


def test_a_partitioned_table(replicate):
    replicate(TABLES, "TRUNCATE p", "INSERT INTO p VALUES (1, '2015-01-01'), (2, '2025-01-01')")
