"""`sluice sql`: the lake at one moment of the source, and the replica, with DuckDB; it only reads, and says what it cannot."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import time

import pytest

from support.object_store import SECRET, S3Server
from support.sluice import BINARY, FAILED, NOT_FOUND, REFUSED, USAGE
from support.terminal import Screen, on_terminal
from support.workload import Load

PAIR = ("CREATE TABLE a (id int PRIMARY KEY, n int); CREATE TABLE b (id int PRIMARY KEY, n int); "
        "INSERT INTO a SELECT i, 0 FROM generate_series(1, 20) i; INSERT INTO b SELECT i, 0 FROM generate_series(1, 20) i")
SUMS = "SELECT (SELECT sum(n) FROM lake.public.a) + (SELECT sum(n) FROM public.b) AS total, (SELECT count(*) FROM public.a) AS rows"
ENDLESS = "SELECT sum(xor(a.range, b.range)) FROM range(100000000) a, range(100000000) b"


def ask(sluice, statement: str, *options, **how):
    return sluice.command("sql", *options, "--format", "json", "-c", statement, **how)


def test_two_tables_that_change_together_are_equal_at_every_cut(source, sluice):
    source.execute(PAIR)
    sluice.init()
    sluice.configure(lambda config: config["sinks"]["lake"].update(commit={"interval": "200ms"}))
    sluice.sync()
    sluice.start()
    sluice.wait_settled()
    with Load(source, ["BEGIN; UPDATE a SET n = n + {n} WHERE id = {n} % 20 + 1; UPDATE b SET n = n - {n} WHERE id = {n} % 7 + 1; COMMIT"], pause=0.01):
        moments = set()
        for _ in range(6):
            asked = ask(sluice, SUMS)
            assert asked.json() == [{"total": 0, "rows": 20}], asked
            moments.add(re.search(r"lake     as of (\S+), everything committed up to \S+, .* ago; 2 tables", asked.stderr)[1])
        assert len(moments) > 1
        assert "replica.NAMESPACE.TABLE" in asked.stderr
    sluice.wait_until()
    sluice.stop()
    snapshots = sluice.command("lake", "snapshots", "a", "--json").json()["snapshots"]
    for snapshot in snapshots[::max(1, len(snapshots) // 4)]:
        # Times are said in milliseconds: at that of the oldest one there may be nothing yet.
        for option in (["--lsn", snapshot["lsn"]], *([["--at", snapshot["source_time"]]] if snapshot is not snapshots[-1] else [])):
            asked = ask(sluice, SUMS, *option)
            assert asked.json() == [{"total": 0, "rows": 20}], asked
    both = ask(sluice, "SELECT (SELECT sum(n) FROM replica.public.a) AS replica, (SELECT sum(n) FROM lake.public.a) AS lake").json()[0]
    assert both["replica"] == both["lake"] == source.scalar("SELECT sum(n) FROM a")
    assert "SLU-4133" in ask(sluice, SUMS, "--at", "2001-01-01", expect=NOT_FOUND).stderr
    ask(sluice, SUMS, "--at", "yesterday", expect=USAGE)
    assert "called lake" in ask(sluice, SUMS, "--lake", "swamp", expect=None).stderr


@pytest.fixture
def filled(source, sluice):
    source.execute("""
    CREATE SCHEMA "odd ""x"; CREATE TABLE "odd ""x"."it's; DROP" (id int PRIMARY KEY, "va""l" text);
    INSERT INTO "odd ""x"."it's; DROP" VALUES (1, E'a,"b"\\n|c'), (2, NULL), (3, '');
    CREATE TABLE kinds (id int PRIMARY KEY, u uuid, n numeric(12, 2), at timestamptz, d date, l int[], b bytea, f float8, ok bool);
    INSERT INTO kinds VALUES (1, 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee', -0.05, '2024-03-31 01:30:00+01', '0044-01-01', '{1,NULL}', '\\x00ff', 'NaN', true);
    CREATE TABLE empty (id bigint PRIMARY KEY, tags text[]);
    """)
    sluice.init()
    sluice.sync()
    return sluice


def test_formats_say_the_same(source, filled):
    statement = """SELECT * EXCLUDE (_ingested_at, _committed_at, _lsn) FROM lake."odd ""x"."it's; DROP" ORDER BY id"""
    rows = [{"id": 1, 'va"l': 'a,"b"\n|c'}, {"id": 2, 'va"l': None}, {"id": 3, 'va"l': ""}]
    assert ask(filled, statement).json() == rows
    text = filled.command("sql", "--format", "csv", "-c", statement).stdout
    assert list(csv.reader(io.StringIO(text))) == [["id", 'va"l'], ["1", 'a,"b"\n|c'], ["2", ""], ["3", ""]]
    assert text.endswith('2,\n3,""\n')
    assert filled.command("sql", "--format", "markdown", "-c", statement).stdout == '| id | va"l |\n|---:|---|\n| 1 | a,"b"\\\\n\\|c |\n| 2 |  |\n| 3 |  |\n'
    assert filled.command("sql", "-q", "-c", statement).stdout == 'id\tva"l\n1\ta,"b"\\n|c\n2\t\n3\t\n'
    kinds = ask(filled, "SELECT * EXCLUDE (_ingested_at, _committed_at, _lsn) FROM public.kinds").json()
    assert kinds == [{"id": 1, "u": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", "n": -0.05, "at": "2024-03-31 00:30:00+00", "d": "0044-01-01", "l": [1, None], "b": "\\x00ff", "f": "NaN", "ok": True}]
    assert ask(filled, "SELECT id, tags FROM public.empty").json() == []
    filled.command("lake", "tag", "then")
    cuts = ask(filled, "SELECT tag, table_name FROM lake.sluice.cuts ORDER BY table_name").json()
    assert [cut["table_name"] for cut in cuts] == ["it's; DROP", "kinds"] and {cut["tag"] for cut in cuts} == {"then"}, "other moments can be found in the session"
    assert ask(filled, "SELECT u::text AS u FROM replica.public.kinds").json() == [{"u": kinds[0]["u"]}]


def test_statements_come_from_a_file_or_stdin_and_the_first_that_fails_ends_them(source, filled):
    file = filled.folder / "some.sql"
    file.write_text("CREATE TABLE mine AS SELECT id FROM public.kinds; -- in memory\nSELECT count(*) AS n FROM mine;\nSELECT nothing FROM mine; SELECT 'not reached'")
    done = filled.command("sql", file, expect=FAILED)
    assert done.stdout == "n\n1\n" and "SLU-4162" in done.stderr and "nothing" in done.stderr and "^" in done.stderr
    piped = subprocess.run([BINARY, "sql", "-q"], cwd=filled.folder, input="SELECT 1 AS one; SELECT 2 AS two", capture_output=True, text=True)
    assert (piped.returncode, piped.stdout) == (0, "one\n1\ntwo\n2\n")
    filled.command("sql", filled.folder / "nowhere.sql", expect=USAGE)


def contents(folder) -> dict:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_it_only_reads(source, filled, lake):
    before = contents(lake)
    data = next(path for path in lake.rglob("*.parquet"))
    for statement in (f"COPY (SELECT 1) TO '{data}'", f"EXPLAIN ANALYZE COPY (SELECT 1) TO '{data}'", f"ATTACH '{lake}/new.db' AS new", "LOAD httpfs", f"EXPORT DATABASE '{lake}'", "CALL pragma_version()",
                      "FROM postgres_query('replica', 'DELETE FROM public.kinds RETURNING id')", "FROM postgres_execute('replica', 'COMMIT; DELETE FROM public.kinds')", "FROM query('FROM postgres_' || 'execute()')"):
        assert "SLU-416" in ask(filled, statement, expect=None).stderr, statement
    assert "SLU-4163" in ask(filled, f"COPY (SELECT 1) TO '{data}'", expect=REFUSED).stderr
    for statement in ("INSERT INTO replica.public.kinds (id) VALUES (9)", "DROP TABLE replica.public.kinds", "CREATE TABLE replica.public.mine (n int)", "DELETE FROM replica.public.kinds",
                      "FROM read_text('/etc/hostname')", "FROM read_csv('http://127.0.0.1/x')", "SET memory_limit = '9GB'", "INSERT INTO lake.public.kinds (id) VALUES (9)"):
        ask(filled, statement, expect=FAILED)
    assert contents(lake) == before
    assert filled.replica.scalar("SELECT count(*) FROM kinds") == 1


def test_a_replica_that_is_away_keeps_nobody_from_the_lake_and_its_password_is_not_said(source, filled):
    filled.configure(lambda config: config["sinks"]["replica"].update(dsn="postgresql://me:${REPLICA_PASSWORD}@127.0.0.1:1/there") or
                     [config["sinks"]["replica"].pop(key, None) for key in ("host", "port", "database", "user", "password", "tls")])
    asked = ask(filled, "SELECT count(*) AS n FROM public.kinds; FROM duckdb_secrets()", env={"REPLICA_PASSWORD": "hunter2hunter2"})
    assert asked.stdout.startswith('[\n{"n":1}\n]\n') and "replica  not attached" in asked.stderr
    assert "redacted" in asked.stdout and "hunter2" not in asked.stdout + asked.stderr


def test_without_duckdb_it_says_what_to_do_and_all_else_runs(source, filled, tmp_path):
    done = ask(filled, "SELECT 1", env={"SLUICE_DUCKDB": str(tmp_path)}, expect=NOT_FOUND)
    assert "SLU-4161" in done.stderr and str(tmp_path) in done.stderr and "tools/setup" in done.stderr
    filled.command("lake", "tables", env={"SLUICE_DUCKDB": str(tmp_path)})
    libraries = subprocess.run(["ldd", BINARY], capture_output=True, text=True, check=True).stdout
    assert "duckdb" not in libraries


@pytest.mark.parametrize("how, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_cancels_the_query(how, code, source, filled, tmp_path):
    process = subprocess.Popen([BINARY, "sql", "-c", ENDLESS], cwd=filled.folder, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)})
    Screen(process.stderr.fileno()).wait_for("tables")
    process.send_signal(how)
    assert process.wait(20) == code
    assert not list(tmp_path.glob("sluice-sql-*"))


def test_a_terminal_gets_a_shell(source, filled, tmp_path):
    """With a prompt, tables, a history; Ctrl-C ends the query or the line, Ctrl-D the shell."""
    process, screen = on_terminal([BINARY, "sql"], filled.folder, XDG_STATE_HOME=str(tmp_path / "state"))
    screen.wait_for("sluice> ")
    screen.type("SELECT count(*) AS n\n", "-> ")
    screen.type("FROM public.kinds;\n", "(1 row)", "sluice> ")
    screen.type(".tables\n", "kinds", "rows)", "sluice> ")
    screen.type("nonsense;\n", "SLU-4162", "sluice> ")
    screen.type(".nonsense\n", "see all: .help", "sluice> ")
    screen.type("SELECT 'half\x03", "\r\n", "sluice> ")
    screen.type(ENDLESS + ";\n", " b;")
    time.sleep(0.5)  # Nobody tells when a query has begun.
    screen.type("\x03", "cancelled", "sluice> ")
    source.execute("INSERT INTO kinds (id) VALUES (2)")
    filled.sync()
    screen.type(".refresh\n", "as of", "sluice> ")
    screen.type("SELECT 40 + count(*) AS n FROM public.kinds;\n", "42", "(1 row)", "sluice> ")
    screen.type("\x04")
    assert process.wait(20) == 0
    history = tmp_path / "state/sluice/sql_history"
    assert "FROM public.kinds" in history.read_text().replace("\\040", " ") and history.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def s3():
    server = S3Server()
    yield server
    server.remove()


def test_a_lake_in_a_bucket(source, sluice, s3, monkeypatch):
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    source.execute(PAIR)
    sluice.lake = s3.bucket("asked") + "/warehouse"
    sluice.init()
    sluice.configure(lambda config: config["sinks"]["lake"].update(catalog={"type": "sqlite", "path": "catalog.db"}))
    sluice.sync()
    assert ask(sluice, SUMS).json() == [{"total": 0, "rows": 20}]
    said = ask(sluice, "FROM duckdb_secrets()")
    assert SECRET not in said.stdout + said.stderr and "redacted" in said.stdout
    ask(sluice, "FROM read_csv('s3://elsewhere/x.csv')", expect=FAILED)
    ask(sluice, "COPY (SELECT 1) TO 's3://asked/warehouse/x.csv'", expect=REFUSED)
