"""Defaults, generated columns, constraints and indexes that need more than PostgreSQL itself: made where the replica can, else left out and said."""

import signal

import psycopg
import pytest

from support.sluice import ROOT

DEFAULTS = """
SELECT a.attrelid::regclass::text, a.attname, pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
WHERE a.attrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = to_regnamespace('sluice')) ORDER BY 1, 2
"""
INDEXES = "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"

SHARED_SEQUENCES = """
CREATE SCHEMA counters; CREATE SEQUENCE counters.ticket START 1000 INCREMENT 5; CREATE SEQUENCE counters.down INCREMENT -1; CREATE SEQUENCE counters.unused;
CREATE TABLE z (id serial PRIMARY KEY, ticket bigint NOT NULL DEFAULT nextval('counters.ticket'), level int DEFAULT nextval('counters.down'));
CREATE TABLE a (id int PRIMARY KEY DEFAULT nextval('z_id_seq'), ticket bigint DEFAULT nextval('counters.ticket'), low smallserial, never int DEFAULT nextval('counters.unused'));
INSERT INTO z SELECT FROM generate_series(1, 20); INSERT INTO a (never) SELECT 1 FROM generate_series(1, 10);
"""


def test_sequences_that_several_tables_use_are_one_and_never_behind(source, replica, replicate):
    replicate(SHARED_SEQUENCES)
    assert replica.rows(DEFAULTS) == source.rows(DEFAULTS)
    for sequence in ("counters.ticket", "counters.down", "z_id_seq", "a_low_seq"):
        assert replica.scalar(f"SELECT last_value FROM {sequence}") == source.scalar(f"SELECT last_value FROM {sequence}")
    assert replica.scalar("SELECT nextval('counters.unused')") == 1
    assert replica.scalar("INSERT INTO a DEFAULT VALUES RETURNING id") == 31
    assert replica.scalar("SELECT pg_get_serial_sequence('z', 'id')") == "public.z_id_seq"


def test_the_manuals_sql_makes_sequences_ready_to_take_over(source, replica, replicate):
    replicate(SHARED_SEQUENCES, "CREATE TABLE i (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY); INSERT INTO z SELECT FROM generate_series(1, 30); INSERT INTO i SELECT FROM generate_series(1, 9)",
              "INSERT INTO i SELECT FROM generate_series(1, 5)")
    manual = (ROOT / "docs/operate/README.md").read_text()
    statements = manual.split("```sql\n")[1].split("\\gexec")[0]
    for (statement,) in replica.rows(statements):
        replica.execute(statement)
    assert replica.scalar("INSERT INTO i DEFAULT VALUES RETURNING id") == 15
    assert replica.scalar("INSERT INTO z DEFAULT VALUES RETURNING id") == source.scalar("SELECT max(id) + 1 FROM z")


def test_a_copy_that_was_cut_off_makes_shared_sequences_again(source, replica, sluice, compare):
    source.execute(SHARED_SEQUENCES)
    sluice.init()
    sluice.command("run", "--until-lsn", "0/1", env={"SLUICE_FAILPOINTS": "replica.before_finish=kill"}, expect=-signal.SIGKILL)
    source.execute("ALTER SEQUENCE counters.ticket INCREMENT 3; INSERT INTO z DEFAULT VALUES")
    sluice.sync()
    compare()
    assert replica.rows(DEFAULTS) == source.rows(DEFAULTS)
    sequences = "SELECT schemaname, sequencename, increment_by, last_value FROM pg_sequences ORDER BY 1, 2"
    assert replica.rows(sequences) == source.rows(sequences)


def test_a_default_of_the_old_style_finds_its_sequence_by_name_when_it_runs(replica, replicate):
    replicate("CREATE SEQUENCE ticket; CREATE TABLE t (id int PRIMARY KEY, ticket bigint DEFAULT nextval('ticket'::text)); INSERT INTO t VALUES (1)",
              "INSERT INTO t VALUES (2)")
    replica.execute("CREATE SEQUENCE ticket START 7; INSERT INTO t VALUES (3)")
    assert replica.scalar("SELECT ticket FROM t WHERE id = 3") == 7


def test_types_that_only_an_expression_needs_are_made(source, replica, replicate):
    replicate("CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('ok', 'sad'); CREATE TYPE app.pair AS (a int, b text); CREATE DOMAIN app.name AS text CHECK (VALUE <> '');"
              "CREATE TABLE t (id int PRIMARY KEY, m text DEFAULT 'sad'::app.mood, p text DEFAULT (ROW(1, 'x')::app.pair)::text, n text DEFAULT 'x'::app.name,"
              " CONSTRAINT known CHECK (m::app.mood IS NOT NULL)); CREATE INDEX by_name ON t ((n::app.name)); INSERT INTO t VALUES (1)",
              "INSERT INTO t VALUES (2)")
    assert replica.rows(DEFAULTS) == source.rows(DEFAULTS)
    assert replica.rows(INDEXES) == source.rows(INDEXES)
    replica.execute("INSERT INTO t VALUES (3)")
    assert replica.rows("SELECT m, p, n FROM t WHERE id = 3") == [("sad", "(1,x)", "x")]


FOREIGN = """
CREATE SCHEMA app;
CREATE FUNCTION app.fee(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN {body} END $$;
CREATE OPERATOR app.=== (LEFTARG = int, RIGHTARG = int, PROCEDURE = int4eq);
"""
FOREIGN_TABLE = """
CREATE TABLE t (id int PRIMARY KEY CHECK (app.fee(id) > 0), fee int DEFAULT app.fee(2), twice int GENERATED ALWAYS AS (app.fee(id) * 2) STORED, kept int DEFAULT 3,
                CONSTRAINT by_operator CHECK (id OPERATOR(app.===) id), CONSTRAINT small CHECK (kept < 10));
CREATE INDEX by_fee ON t (app.fee(id)); CREATE INDEX where_fee ON t (kept) WHERE app.fee(id) > 1; CREATE INDEX by_kept ON t (kept);
INSERT INTO t (id) VALUES (1), (2);
"""


def test_code_of_the_sources_own_never_runs_on_the_replica(source, replica, replicate, sluice):
    replica.execute(FOREIGN.format(body="RAISE EXCEPTION 'ran on the replica';"))
    replicate(FOREIGN.format(body="RETURN 5;") + FOREIGN_TABLE, "INSERT INTO t (id) VALUES (3)", replica_without=["twice"])
    assert replica.rows(DEFAULTS) == [("t", "kept", "3")]
    assert replica.rows(INDEXES) == [("by_kept",), ("t_pkey",)]
    assert replica.rows("SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass ORDER BY 1") == [("small",), ("t_pkey",)]
    replica.execute("INSERT INTO t (id) VALUES (4)")
    log = sluice.log.read_text()
    for left_out in ("default of fee", "generated column twice", "constraint t_id_check", "constraint by_operator", "index by_fee", "index where_fee"):
        assert log.count(left_out) == 1, f"{left_out}: said once\n{log}"
    assert "function app.fee(integer)" in log
    assert "T031 public.t uses functions of its own" in sluice.command("check", expect=None).stdout


@pytest.fixture
def plain_role(replica):
    """A role that owns the replica's database but may not install what isn't trusted."""
    role = f"plain_{replica.name}"
    replica.execute(f"CREATE ROLE {role} LOGIN; GRANT ALL ON DATABASE {replica.name} TO {role}; GRANT ALL ON SCHEMA public TO {role}")
    yield role
    with psycopg.connect(replica.server.dsn("postgres"), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {replica.name} OWNER TO postgres")
    replica.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


OVER_EXTENSIONS = """
CREATE EXTENSION bloom; CREATE EXTENSION pg_trgm;
CREATE TABLE t (id int PRIMARY KEY, a int, name text DEFAULT similarity('one', 'none')::text);
CREATE INDEX signature ON t USING bloom (a); CREATE INDEX by_trigram ON t USING gin (name gin_trgm_ops); INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i;
"""


def test_an_extension_that_the_role_may_not_make_costs_only_what_needs_it(source, replica, sluice, compare, plain_role):
    source.execute(OVER_EXTENSIONS)
    sluice.init(replica_dsn=replica.dsn(plain_role))
    checked = sluice.command("check")
    assert "bloom not installed, and this role may not; public.t goes without index signature" in checked.stdout
    assert "CREATE EXTENSION \"bloom\"" in checked.stdout
    sluice.sync()
    compare()
    assert replica.rows(INDEXES) == [("by_trigram",), ("t_pkey",)]
    assert replica.rows(DEFAULTS) == source.rows(DEFAULTS)
    log = sluice.log.read_text()
    assert "index signature" in log
    assert "CREATE INDEX signature" in log


def test_what_the_replica_refuses_all_the_same_costs_no_row(source, replica, replicate, sluice):
    replica.execute("CREATE SCHEMA elsewhere; CREATE EXTENSION pg_trgm WITH SCHEMA elsewhere")
    replicate("CREATE EXTENSION pg_trgm; CREATE TABLE t (id int PRIMARY KEY, near real DEFAULT public.similarity('one', 'none'), kept int DEFAULT 7, name text,"
              " far real GENERATED ALWAYS AS (public.similarity(name, 'x')) STORED, CONSTRAINT nearly CHECK (public.similarity(name, 'y') < 2));"
              "CREATE INDEX over_it ON t (public.similarity(name, 'z')); CREATE INDEX named ON t (name); INSERT INTO t (id, name) VALUES (1, 'one')",
              "INSERT INTO t (id, name) VALUES (2, 'two')", replica_without=["far"])
    assert replica.rows(DEFAULTS) == [("t", "kept", "7")]
    assert replica.rows(INDEXES) == [("named",), ("t_pkey",)]
    log = sluice.log.read_text()
    for left_out in ("default of near", "generated column far", "constraint nearly", "index over_it"):
        assert log.count(left_out) == 1, left_out


def test_a_table_of_the_users_own_needs_no_sequence(source, replica, replicate):
    replica.execute("CREATE TABLE t (id bigint NOT NULL, name text)")
    replicate("CREATE TABLE t (id bigserial PRIMARY KEY, name text); INSERT INTO t (name) VALUES ('a'), ('b')", "INSERT INTO t (name) VALUES ('c')")
    assert replica.rows(INDEXES) == [("t_pkey",)]


def test_sequences_that_the_user_made_are_moved_ahead_only(source, replica, replicate):
    replica.execute("CREATE SEQUENCE near MAXVALUE 100; CREATE SEQUENCE far; SELECT setval('far', 5000)")
    replicate("CREATE SEQUENCE near; CREATE SEQUENCE far; CREATE TABLE t (id int PRIMARY KEY, n int DEFAULT nextval('near'), f int DEFAULT nextval('far'));"
              "INSERT INTO t SELECT i FROM generate_series(1, 50) i")
    assert replica.rows("SELECT last_value FROM near") == [(50,)]
    assert replica.rows("SELECT last_value FROM far") == [(5000,)]


@pytest.mark.parametrize("pg_major", [14])
def test_before_15_a_generated_column_hides_its_function_elsewhere(source, replica, replicate):
    replicate(FOREIGN.format(body="RETURN 5;") + FOREIGN_TABLE, replica_without=["twice"])
    assert replica.rows("SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 ORDER BY 1") == [("fee",), ("id",), ("kept",)]
