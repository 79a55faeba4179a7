"""What is wrong is said clearly, with a fix and the right exit code; nothing is changed and nothing is lost."""

import json
import os
import subprocess

import pytest

from support import catalog
from support.postgres import PostgresServer
from support.sluice import CONFIG, DEGRADED, FINDINGS, NO_PERMISSION, OK, REFUSED, UNAVAILABLE, USAGE

TABLES = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 100) i;"


def is_clear(result, *words):
    """Code, reason and remedy on stderr or in the report; no data on stdout beside it."""
    said = result.stdout + result.stderr
    assert "fix" in said, result
    for word in words:
        assert word in said, f"{word!r} is not in:\n{result}"
    assert "terminate called" not in said and "exception" not in said.lower(), result


def state(database):
    """All there is to see in a database, to prove that nothing changed."""
    tables = catalog.tables(database)
    return ([(str(t), database.scalar(f"SELECT coalesce(sum(hashtextextended(r::text, 0)), 0) FROM {t.sql} r")) for t in tables],
            database.slots(), database.publications(), database.scalar("SELECT array_agg(nspname::text ORDER BY nspname) FROM pg_namespace"))


@pytest.fixture
def untouched(source, replica, lake):
    """After the test, source, replica and lake are as they were when it was called."""
    before = []

    def now():
        before.append((state(source), state(replica), sorted(os.listdir(lake))))

    yield now
    assert before and (state(source), state(replica), sorted(os.listdir(lake))) == before[0]


@pytest.mark.parametrize("side", ["source", "replica"])
def test_a_server_that_is_not_there(side, source, sluice, untouched):
    """check says so; run waits for it, and says that too, since outages end by themselves."""
    source.execute(TABLES)
    sluice.init()
    def elsewhere(config):
        part = config["sources" if side == "source" else "sinks"]
        name = next(n for n, p in part.items() if p["type"] == "postgres")
        part[name] = {k: v for k, v in part[name].items() if k not in ("host", "port", "database", "user", "dsn", "tls", "password")}
        part[name]["dsn"] = "host=127.0.0.1 port=1 dbname=x user=postgres connect_timeout=2"
    sluice.configure(elsewhere)
    untouched()
    is_clear(sluice.command("check", expect=FINDINGS), "127.0.0.1")
    sluice.start()
    sluice.wait_said("retrying 3/")
    sluice.stop()


def test_init_with_a_server_that_is_not_there(sluice, replica, lake):
    result = sluice.command("init", "--from", "host=127.0.0.1 port=1 dbname=x", "--to", replica.dsn(), "--lake", lake, expect=UNAVAILABLE)
    is_clear(result, "127.0.0.1")
    assert not sluice.config_file.exists()


def test_init_with_a_database_that_is_not_there(source, sluice, replica, lake):
    missing = source.dsn().replace(f"dbname={source.name}", "dbname=nowhere")
    result = sluice.command("init", "--from", missing, "--to", replica.dsn(), "--lake", lake, expect=CONFIG)
    is_clear(result, "nowhere")


def test_init_never_overwrites(source, sluice):
    source.execute(TABLES)
    sluice.init()
    before = sluice.config_file.read_text()
    is_clear(sluice.command("init", "--from", source.dsn(), "--to", sluice.replica.dsn(), "--lake", sluice.lake, expect=REFUSED), "sluice.yaml")
    assert sluice.config_file.read_text() == before


def test_the_same_database_as_source_and_replica(source, sluice, lake, untouched):
    source.execute(TABLES)
    untouched()
    result = sluice.command("init", "--from", source.dsn(), "--to", source.dsn(), "--lake", lake, expect=None)
    if result.code == OK:
        result = sluice.command("run", "--until-caught-up", expect=None)
    assert result.code in (CONFIG, REFUSED), result
    is_clear(result)


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_role_without_replication(command, source, sluice, untouched):
    role = f"weak_{source.name}"
    source.execute(TABLES + f"CREATE ROLE {role} LOGIN; GRANT USAGE ON SCHEMA public TO {role}; GRANT SELECT ON t TO {role}")
    sluice.init()
    def weaker(config):
        part = next(iter(config["sources"].values()))
        if "dsn" in part:
            part["dsn"] = source.dsn(user=role)
        else:
            part["user"] = role
    sluice.configure(weaker)
    untouched()
    if command == "check":
        is_clear(sluice.command("check", expect=FINDINGS), "REPLICATION", role)
    else:
        is_clear(sluice.command("run", "--until-caught-up", expect=NO_PERMISSION), "REPLICATION")


def test_wal_level_replica(tmp_path, replica, lake, sluice):
    server = PostgresServer(settings="wal_level = replica")
    try:
        source = server.new_database()
        source.execute(TABLES)
        sluice.source = source
        result = sluice.command("init", "--from", source.dsn(), "--to", replica.dsn(), "--lake", lake, expect=None)
        before = state(source)
        if sluice.config_file.exists():
            is_clear(sluice.command("check", expect=FINDINGS), "wal_level")
            result = sluice.command("run", "--until-caught-up", expect=None)
        assert result.code in (FINDINGS, CONFIG, REFUSED), result
        is_clear(result, "wal_level", "logical")
        assert state(source) == before
    finally:
        server.remove()


def test_a_slot_that_is_gone(source, sluice, replicate, untouched):
    replicate(TABLES)
    source.execute("INSERT INTO t VALUES (1000, 'lost to the stream')")
    source.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
    untouched()
    is_clear(sluice.command("run", "--until-caught-up", expect=REFUSED), "slot")


def test_a_slot_made_again_by_someone_else(source, sluice, replicate):
    replicate(TABLES)
    source.execute("INSERT INTO t VALUES (1000, 'lost to the stream')")
    (name,), = source.slots()
    source.execute("SELECT pg_drop_replication_slot(%s)", [name])
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [name])
    before = state(sluice.replica)
    is_clear(sluice.command("run", "--until-caught-up", expect=REFUSED), "slot")
    assert state(sluice.replica) == before


def test_a_publication_that_is_gone(source, sluice, replicate):
    replicate(TABLES)
    names = ", ".join(f'"{name}"' for name, in source.publications())
    source.execute(f"DROP PUBLICATION {names}; INSERT INTO t VALUES (1000, 'x')")
    before = state(sluice.replica)
    result = sluice.command("run", "--until-caught-up", expect=None)
    assert result.code in (REFUSED, CONFIG), result
    is_clear(result, "publication")
    assert state(sluice.replica) == before


def test_a_table_without_identity_is_found_before_it_harms_production(source, sluice):
    source.execute(TABLES + "CREATE TABLE note (v text); INSERT INTO note VALUES ('a')")
    sluice.init()
    is_clear(sluice.command("check", expect=None), "public.note", "REPLICA IDENTITY")
    source.execute("UPDATE note SET v = 'b'")


@pytest.mark.parametrize("shape", ["id int PRIMARY KEY, v int", "id int PRIMARY KEY", "id int, v text, w text NOT NULL"])
def test_a_table_of_another_shape_in_the_replica(shape, source, replica, sluice, untouched):
    source.execute(TABLES)
    replica.execute(f"CREATE TABLE t ({shape})")
    sluice.init()
    untouched()
    is_clear(sluice.command("check", expect=FINDINGS), "public.t")


@pytest.mark.parametrize("table, code", [("id int PRIMARY KEY, v int", "SLU-3101"), ("id int PRIMARY KEY, v text", "SLU-3102")], ids=["another shape", "other rows"])
def test_run_refuses_a_table_that_is_not_ours_and_does_all_others(table, code, source, replica, sluice, compare):
    source.execute(TABLES)
    replica.execute(f"CREATE TABLE t ({table}); INSERT INTO t VALUES (1, '7')")
    sluice.init()
    before = state(replica)[0]
    is_clear(sluice.command("run", "--until-caught-up", expect=DEGRADED), "public.t", code)
    assert state(replica)[0] == before
    compare.lake_equals(catalog.tables(source))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root")
def test_a_full_disk_under_the_lake(tmp_path, source, sluice, compare):
    mount = tmp_path / "lake"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", mount], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount: {mounted.stderr}")
    try:
        source.execute("CREATE TABLE t (id int PRIMARY KEY, v text)")
        sluice.init()
        sluice.sync()
        source.execute("INSERT INTO t SELECT i, md5(i::text) || md5((i + 1)::text) || md5((i * 3)::text) FROM generate_series(1, 60000) i")
        sluice.start()
        sluice.wait_said("retrying 2/")
        assert "No space left" in sluice.log_tail() or "full" in sluice.log_tail()
        subprocess.run(["mount", "-o", "remount,size=200m", mount], check=True)
        sluice.wait_until()
        sluice.stop()
        compare()
    finally:
        subprocess.run(["umount", "-l", mount], check=False)


TEN_MISTAKES = """
version: 1
project: trackman
sources:
  backend:
    type: postgress
    dsn: host=/tmp
sinks:
  replica:
    type: postgres
    dsn: ${SLUICE_NO_SUCH_VARIABLE}
    comit: { interval: 1s }
  lake:
    type: iceberg
    warehouse: hdfs://bucket/lake
    commit: { interval: soon, max_bytes: 12 parsecs }
    partition: ["weekday(_ingested_at)"]
    files: { compression: zip, level: 99 }
pipelines:
  trackman:
    from: backendd
    to: [replica, lakee]
    tables: { include: ["notable"] }
"""


def test_a_configuration_with_ten_mistakes_reports_all_of_them(sluice):
    sluice.config_file.write_text(TEN_MISTAKES)
    result = sluice.command("check", expect=CONFIG)
    for mistake in ("postgress", "SLUICE_NO_SUCH_VARIABLE", "comit", "hdfs://bucket/lake", "soon", "12 parsecs", "weekday", "zip", "99", "backendd", "lakee", "notable"):
        assert mistake in result.stderr, f"{mistake} is not in:\n{result}"
    assert result.stderr.count("sluice.yaml:") >= 10 and "^" in result.stderr and "did you mean" in result.stderr
    assert result.stdout == ""
    assert sluice.command("run", expect=CONFIG).stderr.count("error[SLU-") >= 10


def test_errors_are_one_object_under_json(sluice):
    sluice.config_file.write_text(TEN_MISTAKES)
    result = sluice.command("run", "--json", expect=CONFIG)
    assert result.stdout == ""
    said = json.loads(result.stderr)
    assert said["schema"].startswith("sluice.error/") and said["error"]["code"].startswith("SLU-1")


def test_no_configuration(sluice):
    is_clear(sluice.command("run", expect=CONFIG), "sluice init")


@pytest.mark.parametrize("arguments", [["rnu"], ["run", "--untill-caught-up"], ["explain", "SLU-999999"], ["bookmark"], []], ids=" ".join)
def test_wrong_words_are_usage(arguments, sluice):
    result = sluice.command(*arguments, expect=None)
    if arguments[:1] == ["explain"]:
        assert result.code == 5, result
    elif arguments:
        assert result.code == USAGE, result
    if arguments in (["rnu"], ["run", "--untill-caught-up"]):
        assert "did you mean" in result.stderr.lower()


def test_secrets_never_reach_the_log(source, sluice):
    source.execute(TABLES)
    sluice.init()
    def secret(config):
        part = next(iter(config["sources"].values()))
        for key in ("host", "port", "database", "user", "tls"):
            part.pop(key, None)
        part["dsn"] = source.dsn() + " password=hunter2secret port=1"
    sluice.configure(secret)
    result = sluice.command("run", "--until-caught-up", "-vv", expect=None, timeout=120)
    assert result.code not in (OK, 139, 134)
    assert "hunter2secret" not in result.stdout + result.stderr
    for path in (sluice.folder / ".sluice").rglob("*"):
        assert not path.is_file() or b"hunter2secret" not in path.read_bytes(), path
