"""A PostgreSQL comes back from the lake alone, as of a moment, and is then followed from the slot."""

import os
import signal
import time

import psycopg
import pytest

from support.lake import Lake, pyiceberg_rows
from support.postgres import DEFAULT_MAJOR, PostgresServer, lsn_text
from support.sluice import BINARY, CONFLICT, FAILED, FINDINGS, NOT_FOUND, OK, REFUSED
from support.terminal import on_terminal
from support.workload import MIXED_CHANGES, MIXED_SCHEMA, Load

# A column of each kind of value that goes its own way into the lake and back.
KINDS = r"""
CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('so so', 'fine', '"quoted", {braced}');
CREATE TYPE spot AS (x int, label text, tags text[], at timestamptz, exact numeric, doc jsonb);
CREATE TYPE route AS (name text, stops spot[]);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN list AS int[];
CREATE TABLE kinds (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, small smallint, yes boolean, real4 real, real8 double precision, exact numeric, price numeric(10,2), cash money,
  word varchar(40), padded char(6), raw bytea, day date, moment timestamp, instant timestamptz, hour time, zoned timetz, span interval, whole uuid,
  doc json, docb jsonb, xml xml, flags bit(4), more varbit, net inet, block cidr, mac macaddr, place point, shape polygon, words tsvector, ask tsquery,
  feel mood, feelings mood[], here spot, trip route, pos positive, listed list, nums int[], grid int[][], texts text[], moments timestamptz[], docs jsonb[], boxes box[],
  period int4range, periods tstzrange[], many int4multirange, kv hstore, log pg_lsn, one "char", blob oid,
  made text GENERATED ALWAYS AS (word || '!') STORED, UNIQUE (word), CHECK (price < 1000));
CREATE INDEX by_day ON kinds (day DESC) WHERE yes;
"""
VALUES = r"""
INSERT INTO kinds (small, yes, real4, real8, exact, price, cash, word, padded, raw, day, moment, instant, hour, zoned, span, whole, doc, docb, xml, flags, more, net, block, mac, place, shape,
  words, ask, feel, feelings, here, trip, pos, listed, nums, texts, moments, docs, boxes, period, periods, many, kv, log, one, blob)
SELECT i, i % 2 = 0, i / 3.0::real, CASE i % 5 WHEN 0 THEN 'NaN' WHEN 1 THEN '-Infinity' WHEN 2 THEN '-0' ELSE i * 1e-300 END, (10::numeric ^ (i % 30)) / 7, i, (i - 20) * 1.25,
  E'wörd\t\r\\N \\. "' || i || E'"\n', 'ab', decode(lpad(to_hex(i), 6, '0'), 'hex'), '2026-01-01'::date + i, '1969-12-31 23:59:59.999999'::timestamp + i * interval '1 hour',
  '2026-01-01 00:00:00.5+02'::timestamptz + i * interval '1 day', '12:34:56.789', '01:02:03+05:30', make_interval(months => i, secs => i / 8.0), md5(i::text)::uuid,
  (E'{"a" : ' || i || E',  "a": [1, "\\u00e9 \\" , }"]}')::json, jsonb_build_object('i', i, 'deep', '[[1], {"x": null}]'::jsonb), '<a b="1">&lt;</a>', B'1010', repeat('01', i % 9)::varbit, ('10.0.0.' || i % 250)::inet,
  '10.1.0.0/16', '08:00:2b:01:02:03', point(i, -0.1), '((0,0),(1,1),(2,0))', to_tsvector('simple', 'word '' quote ' || i), 'a & !b'::tsquery,
  '"quoted", {braced}', ARRAY['fine', NULL, '"quoted", {braced}']::mood[],
  ROW(i, E'a "b", (c)\\ \n', ARRAY['x', NULL, '', 'null', 'a,b"c\'], '2026-03-01 12:00:00.25+00', 12345678901234567890.123, '{"k": [1, {"z": "\"}"}]}')::spot,
  ROW('r', ARRAY[ROW(1, NULL, '{}', NULL, NULL, '0')::spot, ROW(NULL, '', ARRAY['{}'], NULL, 0.10, '[]')::spot])::route,
  i, ARRAY[1, NULL, 3], ARRAY[i, NULL], ARRAY['NULL', NULL, '', E'\\"{},\n'], ARRAY['2026-01-01 00:00:00+00'::timestamptz, NULL], ARRAY['[1]'::jsonb, '"s"', NULL], ARRAY[box(point(0,0), point(1,1)), box(point(2,2), point(3,i))],
  int4range(i, NULL), ARRAY[tstzrange('2026-01-01', '2026-02-01', '[]'), 'empty'], int4multirange(int4range(1, 3), int4range(5, 9)), 'a=>1, "b c"=>NULL, "q\""=>"\\"'::hstore, '16/B374D848', 'x', i
FROM generate_series(FIRST, LAST) i;
"""


def values(first, last) -> str:
    return VALUES.replace("FIRST", str(first)).replace("LAST", str(last))


# For the load, which formats its statements.
ONE_MORE = values("PASS", "PASS").replace("{", "{{").replace("}", "}}").replace("PASS", "100 + {n}")
NULLS = "INSERT INTO kinds (small) SELECT NULL FROM generate_series(1, 3)"


def lose(database):
    """The database is there, and nothing in it."""
    for (name,) in database.rows("SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"):
        database.execute(f'DROP SCHEMA "{name}" CASCADE')
    database.execute("CREATE SCHEMA public")


def tables_read(source) -> int:
    """Rows of the application's tables that anybody has read on the source."""
    with source.connect() as connection:
        connection.execute("SELECT pg_sleep(1.2)")  # Sessions tell the statistics once a second at most.
        return connection.execute("SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0) FROM pg_stat_user_tables").fetchone()[0]


def results(report) -> dict:
    return {table["table"]: table["result"] for table in report.json()["tables"]}


def test_a_lost_replica_comes_back_and_is_followed(source, replica, sluice, compare):
    source.execute(MIXED_SCHEMA + KINDS + values(1, 40) + NULLS)
    sluice.init(commit_interval="200ms")
    sluice.start()
    with Load(source, [*MIXED_CHANGES, ONE_MORE, "UPDATE kinds SET real8 = 1 WHERE id % 7 = {n} % 7", "DELETE FROM kinds WHERE id % 11 = {n} % 11"], pause=0.01):
        sluice.wait_until()
        time.sleep(4)
    sluice.wait_settled()
    sluice.wait_until()
    sluice.stop()
    sluice.sync()  # A table that was truncated at the end may have been copied beside the stream, and still catch up.
    lose(replica)
    before = tables_read(source)
    said = sluice.command("restore", "--yes", "--json")
    assert set(results(said).values()) == {"equal"} and len(results(said)) == 6, said
    assert tables_read(source) == before, "production was read"
    compare()
    identity = replica.scalar("SELECT nextval('kinds_id_seq')")
    assert identity > source.scalar("SELECT max(id) FROM kinds")
    assert replica.scalar("SELECT indexdef FROM pg_indexes WHERE indexname = 'by_day'").endswith("USING btree (day DESC) WHERE yes")
    with pytest.raises(psycopg.errors.CheckViolation):
        replica.execute("UPDATE kinds SET price = 1000 WHERE id = (SELECT min(id) FROM kinds)")
    # What came meanwhile comes by the stream, and no table is copied.
    source.execute(values(900, 910) + "UPDATE kinds SET texts = '{again}' WHERE id % 3 = 0; DELETE FROM kinds WHERE id % 5 = 0; TRUNCATE scratch; UPDATE reading SET value = 0")
    said_before = len(sluice.log.read_text())
    sluice.start()
    sluice.wait_until()
    compare()
    sluice.stop()
    assert "stream.started" in sluice.log.read_text()[said_before:] and "copy.started" not in sluice.log.read_text()[said_before:]
    sluice.command("verify")


def test_an_older_moment_with_the_structure_of_then(source, sluice, lake):
    source.execute("CREATE TABLE t (id int PRIMARY KEY, gone text DEFAULT 'x' NOT NULL, kept int); CREATE TABLE later (id int PRIMARY KEY); INSERT INTO t SELECT i, 'row ' || i, i FROM generate_series(1, 100) i")
    sluice.init(commit_interval="100ms")
    sluice.configure(lambda config: config["pipelines"]["main"]["tables"].update(watch="300ms"))
    sluice.start()
    sluice.wait_until()
    source.execute("UPDATE t SET kept = kept + 1; INSERT INTO later VALUES (1)")
    sluice.wait_until()
    then = sluice.command("lake", "cut", "--json").json()["lsn"]
    made_as = Lake(lake).table("public", "t").properties["sluice.definition"]
    source.execute("DELETE FROM t WHERE id > 50; ALTER TABLE t DROP gone; ALTER TABLE t ADD fresh text; UPDATE t SET fresh = 'new'; CREATE TABLE newest (id int PRIMARY KEY)")
    sluice.wait_until()
    sluice.wait_table("public.newest", state="streaming")
    deadline = time.monotonic() + 60
    while Lake(lake).table("public", "t").properties["sluice.definition"] == made_as:  # Until the next look at the catalog a snapshot has the columns, and not how they are made.
        assert time.monotonic() < deadline, sluice.log_tail()
        time.sleep(0.1)
    source.execute("INSERT INTO newest VALUES (1); UPDATE t SET kept = kept WHERE id = 7")
    sluice.wait_until()
    target = source.server.new_database("then")
    said = sluice.command("restore", "--lsn", then, "--to", target.dsn(), "--yes", "--json", expect=FINDINGS)  # Beside the running process.
    assert results(said) == {"public.t": "equal", "public.later": "equal", "public.newest": "left_out"}, said
    assert target.rows("SELECT count(*), min(gone), sum(kept) FROM t") == [(100, "row 1", sum(range(2, 102)))]
    assert target.scalar("SELECT column_default FROM information_schema.columns WHERE column_name = 'gone'") == "'x'::text"
    assert target.rows("SELECT * FROM later") == [(1,)]
    # The newest one has the structure of now.
    now = source.server.new_database("now")
    assert set(results(sluice.command("restore", "--to", now.dsn(), "--yes", "--json")).values()) == {"equal"}
    assert now.rows("SELECT * FROM t WHERE id = 7") == [(7, 8, "new")]
    sluice.stop()


def test_an_interrupted_restore_goes_on_and_no_copy_of_the_source_takes_its_ranges(source, replica, sluice, compare):
    source.execute("CREATE TABLE a (id int PRIMARY KEY, body text); CREATE TABLE b (id int, body text); ALTER TABLE b REPLICA IDENTITY FULL;"
                   "INSERT INTO a SELECT i, (SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 30) j) FROM generate_series(1, 5000) i; INSERT INTO b SELECT i % 9, (SELECT string_agg(md5(i || ' ' || j), '') FROM generate_series(1, 30) j) FROM generate_series(1, 3000) i")
    sluice.init()
    sluice.configure(lambda config: (config["sinks"]["lake"].update(files={"target_size": "1MiB"}, maintenance={"compact": "off"}), config["sources"]["source"].update(snapshot={"range_size": "1MiB"})))
    sluice.sync()
    for failpoint in ("pipeline.range_written=1*crash", "pipeline.range_written=2*crash", "replica.before_finish_commit=crash", "pipeline.tables_prepared=crash"):
        lose(replica)
        sluice.command("restore", "--yes", env={"SLUICE_FAILPOINTS": failpoint}, expect=None)
        sluice.command("restore", "--yes")
        compare()
        lose(replica)
        sluice.command("restore", "--yes", env={"SLUICE_FAILPOINTS": failpoint}, expect=None)
        source.execute("INSERT INTO a VALUES ((SELECT max(id) + 1 FROM a), 'more'); DELETE FROM b WHERE ctid = (SELECT min(ctid) FROM b)")
        sluice.sync()
        compare()


def test_production_is_gone(tmp_path, sluice, replica):
    """The source's server does not answer any more, and its application goes on with what the lake had."""
    server = PostgresServer(DEFAULT_MAJOR, "wal_level = logical")
    try:
        source = server.new_database("production")
        source.execute("CREATE TABLE t (id serial PRIMARY KEY, note text NOT NULL CHECK (note <> '')); INSERT INTO t (note) SELECT 'row ' || i FROM generate_series(1, 500) i; DELETE FROM t WHERE id > 480")
        sluice.source = source
        sluice.init(source_dsn=source.dsn())
        sluice.sync()
        source.close()
        server.stop()
        lose(replica)
        said = sluice.command("restore", "--yes")
        assert "the source does not answer" in said.stderr and "equal" in said.stdout
        assert replica.rows("SELECT count(*), max(id) FROM t") == [(480, 480)]
        replica.execute("INSERT INTO t (note) VALUES ('new')")
        assert replica.scalar("SELECT max(id) FROM t") > 480
    finally:
        server.remove()


def test_what_cannot_be_followed_is_refused(source, replica, sluice):
    source.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 10)")
    sluice.init(commit_interval="100ms")
    sluice.start()
    sluice.wait_until()
    first = source.lsn()
    for n in range(5):
        source.execute("INSERT INTO t VALUES (%s)", [100 + n])
        sluice.wait_until()
    assert "8201" in sluice.command("restore", "--yes", expect=CONFLICT).stderr
    sluice.stop()
    said = sluice.command("restore", "--yes", "--lsn", lsn_text(first), expect=FAILED)
    assert "SLU-4171" in said.stderr and "--standalone" in said.stderr
    said = sluice.command("restore", "--yes", "--standalone", "--lsn", lsn_text(first), expect=FAILED)
    assert "SLU-4172" in said.stderr, "the replica follows already"
    assert replica.scalar("SELECT count(*) FROM t") == 15
    lose(replica)
    sluice.command("restore", expect=REFUSED)  # Nobody said yes.
    assert "SLU-4131" in sluice.command("restore", "public.other", "--yes", expect=NOT_FOUND).stderr
    plan = sluice.command("restore", "--dry-run").stderr
    assert "1 tables, 15 rows" in plan and not replica.rows("SELECT 1 FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
    sluice.command("restore", "--yes", "--standalone", "--lsn", lsn_text(first))
    assert replica.scalar("SELECT count(*) FROM t") == 10
    said = sluice.command("restore", "--yes", expect=FAILED)
    assert "SLU-4172" in said.stderr, "another moment is there"
    # A table of the user's own is not filled.
    lose(replica)
    replica.execute("CREATE TABLE t (id int PRIMARY KEY, mine text); INSERT INTO t VALUES (1, 'mine')")
    said = sluice.command("restore", "--yes", "--json", expect=FINDINGS)
    assert results(said) == {"public.t": "left_out"} and replica.rows("SELECT * FROM t") == [(1, "mine")]


def test_what_the_lake_shows_otherwise_is_left_to_the_source(source, replica, sluice, compare):
    source.execute("CREATE TABLE plain (id int PRIMARY KEY); CREATE TABLE masked (id int PRIMARY KEY, name text); CREATE TABLE alike (id int PRIMARY KEY, name text);"
                   "INSERT INTO plain VALUES (1); INSERT INTO masked VALUES (1, 'secret'); INSERT INTO alike VALUES (1, 'secret')")
    sluice.init()

    def redacted(table):
        return {"table": table, "columns": {"mask": {"name": "redact"}}}

    def configure(config):
        config["sinks"]["lake"]["map"] = [redacted("public.masked"), redacted("public.alike")]
        config["sinks"]["replica"]["map"] = [redacted("public.alike")]

    sluice.configure(configure)
    sluice.sync()
    lose(replica)
    said = sluice.command("restore", "--yes", "--json", expect=FINDINGS)
    assert results(said) == {"public.plain": "equal", "public.alike": "equal", "public.masked": "left_out"}
    assert replica.scalar("SELECT name FROM alike") != "secret"
    sluice.sync()
    compare(tables=["plain", "masked"], lake_without=["masked"])
    assert "copy of table" not in sluice.log_tail() and replica.scalar("SELECT name FROM alike") != "secret"
    target = source.server.new_database("other")
    assert results(sluice.command("restore", "--yes", "--json", "--to", target.dsn()))["public.masked"] == "equal"
    assert target.scalar("SELECT name FROM masked") != "secret"


def test_a_definition_that_was_changed_is_not_run(source, replica, sluice):
    source.execute("CREATE TABLE t (id int PRIMARY KEY DEFAULT 7); CREATE TABLE u (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    sluice.init()
    sluice.sync()
    (definition,) = sluice.lake.glob("**/t/metadata/definition-*.json")
    definition.write_text(definition.read_text().replace('"7"', '"pg_catalog.pg_reload_conf()::int"'))
    lose(replica)
    said = sluice.command("restore", "--yes", "--json", expect=FINDINGS)
    assert results(said) == {"public.t": "left_out", "public.u": "equal"}
    assert "was changed" in next(table["reason"] for table in said.json()["tables"] if table["table"] == "public.t")


def test_definitions_are_no_orphans(source, sluice):
    source.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    sluice.init()
    sluice.sync()
    (definition,) = sluice.lake.glob("**/t/metadata/definition-*.json")
    lost = definition.with_name("definition-lost.json")
    lost.write_text("{}")
    for file in (definition, lost):
        os.utime(file, (1, 1))
    said = sluice.command("lake", "orphans", "--older-than", "1h", "--json", expect=None)
    assert said.code in (OK, FINDINGS) and definition.exists() and not lost.exists(), said
    assert len(pyiceberg_rows(Lake(sluice.lake).table("public", "t"))) == 1


def test_a_person_is_asked_and_may_leave(source, sluice):
    source.execute("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 1000)")
    sluice.init()
    sluice.sync()
    target = source.server.new_database("asked")
    command = [BINARY, "restore", "--to", target.dsn()]
    process, screen = on_terminal(command, sluice.folder)
    screen.wait_for("[y/N] ")
    screen.type("\x03")
    assert process.wait(20) == -signal.SIGINT
    assert not target.rows("SELECT 1 FROM pg_tables WHERE schemaname = 'public'")
    process, screen = on_terminal(command, sluice.folder)
    screen.wait_for("[y/N] ")
    screen.type("y\n", "TABLE", "public.t", "1000  equal")
    assert process.wait(20) == 0 and target.scalar("SELECT count(*) FROM t") == 1000


def test_rows_that_are_not_those_of_the_lake_are_told(source, sluice):
    source.execute("CREATE TABLE t (id int PRIMARY KEY, note text); INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 100) i")
    sluice.init()
    sluice.sync()
    target = source.server.new_database("spoilt")
    target.execute("CREATE TABLE t (id int PRIMARY KEY, note text);"
                   "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 7 THEN NEW.note := 'another'; END IF; RETURN NEW; END $$;"
                   "CREATE TRIGGER spoil BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION spoil(); ALTER TABLE t ENABLE ALWAYS TRIGGER spoil")
    said = sluice.command("restore", "--to", target.dsn(), "--yes", "--json", expect=FINDINGS)
    assert results(said) == {"public.t": "different"} and "sums differ" in said.stdout
