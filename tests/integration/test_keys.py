"""Changes of keys: by net effect per key, without a collision on the way."""

KEYED = """
CREATE TABLE k (id int PRIMARY KEY, v text);
INSERT INTO k SELECT i, 'v' || i FROM generate_series(1, 10) i;
"""


def test_a_key_change_moves_the_row(replicate):
    replicate(KEYED, "UPDATE k SET id = 100 WHERE id = 1", "UPDATE k SET id = 1, v = 'home' WHERE id = 100")


def test_a_rotation_in_one_transaction_keeps_every_row(replicate):
    replicate(
        KEYED + "ALTER TABLE k DROP CONSTRAINT k_pkey, ADD PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED; ALTER TABLE k REPLICA IDENTITY FULL;",
        "BEGIN; UPDATE k SET id = 2 WHERE v = 'v1'; UPDATE k SET id = 3 WHERE v = 'v2'; UPDATE k SET id = 1 WHERE v = 'v3'; COMMIT",
        "UPDATE k SET id = 11 - id")


def test_a_rotation_through_a_free_key(replicate):
    replicate(KEYED, "BEGIN; UPDATE k SET id = -1 WHERE id = 1; UPDATE k SET id = 1 WHERE id = 2; UPDATE k SET id = 2 WHERE id = 3; "
                     "UPDATE k SET id = 3 WHERE id = -1; COMMIT",
              "UPDATE k SET id = id + 100; UPDATE k SET id = id - 99")


def test_the_same_key_may_die_and_be_born_in_one_transaction(replicate):
    replicate(KEYED,
              "BEGIN; DELETE FROM k WHERE id = 1; INSERT INTO k VALUES (1, 'second life'); COMMIT",
              "BEGIN; INSERT INTO k VALUES (50, 'a'); DELETE FROM k WHERE id = 50; INSERT INTO k VALUES (50, 'b'); UPDATE k SET v = 'c' WHERE id = 50; COMMIT",
              "BEGIN; UPDATE k SET id = 60 WHERE id = 50; INSERT INTO k VALUES (50, 'new'); DELETE FROM k WHERE id = 60; COMMIT",
              "BEGIN; INSERT INTO k VALUES (70, 'short'); DELETE FROM k WHERE id = 70; COMMIT")


def test_keys_of_several_columns_and_types(replicate):
    replicate("""
        CREATE TABLE wide (a text, b uuid, c timestamptz, d int, v int, PRIMARY KEY (d, a, c, b));
        INSERT INTO wide SELECT 'k' || i, gen_random_uuid(), now() + i * interval '1 s', i % 3, i FROM generate_series(1, 30) i;
        CREATE TABLE long_key (k text PRIMARY KEY, v int);
        INSERT INTO long_key SELECT repeat(md5(i::text), 20), i FROM generate_series(1, 30) i;
        CREATE TABLE every_column (a int, b text, PRIMARY KEY (a, b));
        INSERT INTO every_column VALUES (1, 'x'), (1, 'y');
        """,
        ["UPDATE wide SET v = -v WHERE v % 2 = 0", "UPDATE wide SET a = 'moved', d = 9 WHERE v = 5", "DELETE FROM wide WHERE v = 7",
         "UPDATE long_key SET v = v + 1000 WHERE v < 10", "UPDATE long_key SET k = k || '!' WHERE v = 20", "DELETE FROM long_key WHERE v = 21",
         "UPDATE every_column SET b = 'z' WHERE b = 'x'", "DELETE FROM every_column WHERE b = 'y'"])


def test_equal_keys_that_print_differently_are_one_row(replicate):
    replicate("""
        CREATE EXTENSION citext;
        CREATE TABLE n (k numeric PRIMARY KEY, v int); INSERT INTO n VALUES (1.0, 1), (2.50, 2);
        CREATE TABLE f (k float8 PRIMARY KEY, v int); INSERT INTO f VALUES (0, 1), ('NaN', 2);
        CREATE TABLE c (k citext PRIMARY KEY, v int); INSERT INTO c VALUES ('Ann', 1), ('BOB', 2);
        CREATE TABLE b (k char(5) PRIMARY KEY, v int); INSERT INTO b VALUES ('ab', 1);
        """,
        ["UPDATE n SET k = 1.00 WHERE k = 1", "UPDATE n SET v = 9 WHERE k = 2.5", "UPDATE n SET v = 8 WHERE k = 1",
         "UPDATE f SET k = '-0' WHERE k = 0", "UPDATE f SET v = 5 WHERE k = 'NaN'", "UPDATE f SET v = 7 WHERE k = 0",
         "UPDATE c SET k = 'ANN' WHERE k = 'ann'", "UPDATE c SET v = 3 WHERE k = 'ann'", "DELETE FROM c WHERE k = 'bob'",
         "UPDATE b SET v = 2 WHERE k = 'ab   '"],
        ["DELETE FROM n WHERE k = 1.000", "DELETE FROM f WHERE k = 0", "DELETE FROM c WHERE k = 'aNN'", "DELETE FROM b"])
