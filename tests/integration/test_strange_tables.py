"""Tables that nobody would make, but that PostgreSQL takes: found by its own regression suite."""


def test_a_table_without_columns(sluice, replicate):
    replicate("""
        CREATE TABLE nothing (); ALTER TABLE nothing REPLICA IDENTITY FULL; INSERT INTO nothing DEFAULT VALUES; INSERT INTO nothing DEFAULT VALUES;
        CREATE TABLE computed (one int GENERATED ALWAYS AS (1) STORED); ALTER TABLE computed REPLICA IDENTITY FULL; INSERT INTO computed DEFAULT VALUES;
        """,
        "INSERT INTO nothing DEFAULT VALUES; INSERT INTO computed DEFAULT VALUES",
        "DELETE FROM nothing WHERE ctid = (SELECT min(ctid) FROM nothing); DELETE FROM computed WHERE ctid = (SELECT min(ctid) FROM computed)",
        "INSERT INTO nothing SELECT FROM generate_series(1, 5000); TRUNCATE computed")
    sluice.command("verify")


def test_a_table_without_columns_is_copied_again(source, sluice, compare):
    source.execute("CREATE TABLE nothing (); ALTER TABLE nothing REPLICA IDENTITY FULL; INSERT INTO nothing DEFAULT VALUES")
    sluice.init()
    sluice.sync()
    sluice.command("resync", "public.nothing")
    source.execute("INSERT INTO nothing DEFAULT VALUES")
    sluice.sync()
    compare()


def test_types_without_the_length_that_their_names_imply(replicate):
    replicate("""
        CREATE DOMAIN padded AS bpchar; CREATE TYPE texts AS (a bpchar, b bpchar[]);
        CREATE TABLE t (id int PRIMARY KEY, a bpchar, b bpchar[], c char, d bit, e padded, f texts);
        INSERT INTO t VALUES (1, 'longer than one ', '{two words}', 'c', '1', 'a domain ', ROW('x y', '{y z}'));
        """, "INSERT INTO t VALUES (2, 'streamed', '{so,is this}', 'd', '0', 'too', ROW('u v', NULL)); UPDATE t SET a = 'changed ' WHERE id = 1")


def test_a_table_with_two_parents(replicate):
    replicate("""
        CREATE TABLE a (x int); CREATE TABLE b (y int); CREATE TABLE c (id int PRIMARY KEY) INHERITS (a, b);
        INSERT INTO c VALUES (1, 2, 3);
        """, "INSERT INTO c VALUES (4, 5, 6); UPDATE c SET y = 7")
