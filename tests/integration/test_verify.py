"""verify finds exactly the rows that differ, whatever the table; repair puts them right; neither is wrong under load."""

import os
import time

import pyarrow
import pytest

from support.lake import Lake
from support.sluice import DEGRADED, FINDINGS, OK
from support.workload import MIXED_SCHEMA, MixedLoad

COLUMNS = "v text, n numeric(12,2), t timestamptz"
VALUES = "'v' || i, i / 4.0, '2026-01-01'::timestamptz + i * interval '1 hour'"


def keyed(name: str, key: str, expression: str) -> str:
    """A table of 3000 rows."""
    return f"CREATE TABLE {name} (k {key} PRIMARY KEY, {COLUMNS}); INSERT INTO {name} SELECT {expression}, {VALUES} FROM generate_series(1, 3000) i;\n"


KEYS = {  # By table: the key's type, its value from i, the fifth value.
    "by_int4": ("int4", "i - 1000", "-995"),
    "by_int8": ("int8", "i * 10000000000", "50000000000"),
    "by_text": ("text", "'Straße ' || i", "'Straße 5'"),
    "by_collated": ('text COLLATE "und-x-icu"', "CASE i % 3 WHEN 0 THEN 'ä' WHEN 1 THEN 'A' ELSE 'b' END || i", "'b5'"),
    "by_padded": ("char(12)", "'k' || i", "'k5'"),
    "by_uuid": ("uuid", "md5(i::text)::uuid", "md5('5')::uuid"),
    "by_numeric": ("numeric", "i + 0.10", "5.1"),
    "by_timestamptz": ("timestamptz", "'2026-01-01'::timestamptz + i * interval '1 minute'", "'2026-01-01'::timestamptz + interval '5 minutes'"),
    "by_date": ("date", "'2026-01-01'::date + i", "'2026-01-06'::date"),
    "by_bytea": ("bytea", "decode(md5(i::text), 'hex')", "decode(md5('5'), 'hex')"),
    "by_hostile_text": ("varchar(20)", "'a,\"b\\c(' || i || ')'", "'a,\"b\\c(5)'"),
    "by_citext": ("citext", "'Key' || i", "'kEY5'"),
    "by_inet": ("inet", "'10.0.0.0'::inet + i", "'10.0.0.5'::inet"),
}


def tables(result) -> dict:
    return {(entry["table"], entry["sink"]): entry for entry in result.json()["tables"]}


def verify(sluice, *arguments, expect=OK) -> dict:
    return tables(sluice.command("verify", *arguments, "--json", expect=expect))


def differences(sluice, table: str, sink: str) -> list:
    found = tables(sluice.command("verify", "diff", table, "--sink", sink, "--values", "--json", expect=FINDINGS))[table, sink]
    assert found["all_found"]
    return found["rows"]


def repair(sluice, table: str) -> list:
    planned = sluice.command("verify", "repair", table, "--dry-run", "--json", expect=FINDINGS).json()
    assert planned["dry_run"] and not any(entry["done"] for entry in planned["tables"])
    verify(sluice, table, expect=FINDINGS)  # Nothing was changed.
    done = sluice.command("verify", "repair", table, "--json").json()
    assert all(entry["done"] for entry in done["tables"])
    verify(sluice, table)
    sluice.command("verify", "repair", table)  # Already right: fine.
    return done["tables"]


def test_a_table_without_identity_differs_for_a_reason_that_is_said(source, replicate, sluice):
    replicate("CREATE TABLE log (line text); INSERT INTO log VALUES ('first'); CREATE TABLE good (id int PRIMARY KEY)")
    source.execute("UPDATE log SET line = 'edited'")
    sluice.sync()
    found = verify(sluice, expect=FINDINGS)
    assert found["public.log", "lake"]["append_only"] and found["public.log", "lake"]["result"] == "different"
    assert "append_only" not in found["public.good", "lake"]
    assert "public.log in replica is followed by its inserts alone" in sluice.command("verify", expect=FINDINGS).stdout


def test_all_kinds_of_corruption_in_the_replica_by_every_type_of_key(source, replica, replicate, sluice, compare):
    replicate("CREATE EXTENSION citext;" + "".join(keyed(name, type_, made) for name, (type_, made, _) in KEYS.items()))
    for name, (_, _, five) in KEYS.items():
        replica.execute(f"UPDATE {name} SET v = 'planted' WHERE k = {five}")
        replica.execute(f"DELETE FROM {name} WHERE v = 'v6'")
        replica.execute(f"WITH old AS (DELETE FROM {name} WHERE v = 'v7' RETURNING *) SELECT FROM old")
        replica.execute(f"UPDATE {name} SET n = CASE v WHEN 'v8' THEN 9 / 4.0 ELSE 8 / 4.0 END WHERE v IN ('v8', 'v9')")
    found = verify(sluice, expect=FINDINGS)
    for name in KEYS:
        entry = found[f"public.{name}", "replica"]
        assert (entry["result"], entry["missing"], entry["extra"], entry["different"], entry["all_found"]) == ("different", 2, 0, 3, True), entry
        assert entry["rows_travelled"] < 6000 and found[f"public.{name}", "lake"]["result"] == "equal"
        rows = differences(sluice, f"public.{name}", "replica")
        assert sorted(row["columns"] for row in rows if row["difference"] == "different") == [["n"], ["n"], ["v"]]
        assert {row["source"]["v"] for row in rows} == {"v5", "v6", "v7", "v8", "v9"}
    sluice.command("verify", "repair", "public.*")
    verify(sluice)
    compare()
    source.execute("".join(f"UPDATE {name} SET v = v || '!'; DELETE FROM {name} WHERE v = 'v6!';" for name in KEYS))
    sluice.sync()
    compare()


def test_rows_too_many_and_null_for_empty(source, replica, replicate, sluice, compare):
    replicate(keyed("t", "int", "i") + "UPDATE t SET v = NULL WHERE k = 1; UPDATE t SET v = '' WHERE k = 2")
    replica.execute("INSERT INTO t SELECT 10000 + i FROM generate_series(1, 3) i; UPDATE t SET v = '' WHERE k = 1; UPDATE t SET v = NULL WHERE k = 2")
    rows = differences(sluice, "public.t", "replica")
    assert sorted(row["difference"] for row in rows) == ["different", "different", "extra", "extra", "extra"]
    repaired, = repair(sluice, "public.t")
    assert (repaired["extra"], repaired["different"]) == (3, 2)
    compare()


def test_corruption_of_the_lake_by_another_writer(source, lake, replicate, sluice, compare):
    replicate(keyed("t", "int", "i") + keyed("s", "text", "'k' || i"))
    for name in ("t", "s"):
        table = Lake(lake).table("public", name)
        table.delete("v = 'v7'")
        one = table.scan(row_filter="v = 'v8'").to_arrow()
        table.append(one)  # The same row twice.
        changed = one.set_column(one.schema.get_field_index("v"), one.schema.field("v"), pyarrow.array(["planted"], one.schema.field("v").type))
        table.delete("v = 'v8'")
        table.append(changed)
        table.append(table.scan(row_filter="v = 'v9'").to_arrow())
    found = verify(sluice, expect=FINDINGS)
    for name in ("t", "s"):
        entry = found[f"public.{name}", "lake"]
        assert (entry["missing"], entry["extra"], entry["different"]) == (1, 1, 1), entry
        assert found[f"public.{name}", "replica"]["result"] == "equal"
        repair(sluice, f"public.{name}")
    compare()
    source.execute("UPDATE t SET v = v || '!'; DELETE FROM t WHERE k BETWEEN 7 AND 9; UPDATE s SET v = v || '?'")
    sluice.sync()
    compare()


def test_tables_without_a_key_partitioned_hostile_and_toasted(source, replica, replicate, sluice, compare):
    replicate("""
        CREATE TABLE keyless (a int, b text); ALTER TABLE keyless REPLICA IDENTITY FULL;
        INSERT INTO keyless SELECT i % 100, 'b' FROM generate_series(1, 5000) i;
        CREATE TABLE parts (k int, d date, v text, PRIMARY KEY (k, d)) PARTITION BY RANGE (d);
        CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
        CREATE TABLE parts_2 PARTITION OF parts DEFAULT;
        INSERT INTO parts SELECT i, '2026-01-01'::date + i % 60, 'v' || i FROM generate_series(1, 3000) i;
        CREATE SCHEMA "Hosti""le";
        CREATE TABLE "Hosti""le"."it's; DROP" ("select" int, "a""b" text, "ключ" text, PRIMARY KEY ("select", "ключ"));
        INSERT INTO "Hosti""le"."it's; DROP" SELECT i, E'\\\\ "(,)" \\n' || i, 'ы' || i FROM generate_series(1, 2000) i;
        CREATE TABLE big (k int PRIMARY KEY, v text, other int);
        ALTER TABLE big ALTER v SET STORAGE EXTERNAL;
        INSERT INTO big SELECT i, repeat(md5(i::text), 400), i FROM generate_series(1, 300) i;
        """, "UPDATE big SET other = -other")
    replica.execute("""
        DELETE FROM keyless WHERE ctid IN (SELECT ctid FROM keyless WHERE a = 5 LIMIT 2); INSERT INTO keyless VALUES (NULL, 'x');
        UPDATE parts SET v = 'planted' WHERE k IN (5, 55);
        UPDATE "Hosti""le"."it's; DROP" SET "a""b" = 'planted' WHERE "select" = 5;
        UPDATE big SET v = v || 'x' WHERE k = 5""")
    found = verify(sluice, expect=FINDINGS)
    keyless = found["public.keyless", "replica"]
    assert (keyless["missing"], keyless["extra"]) == (2, 1) and keyless["rows_travelled"] < 200
    assert found["public.parts", "replica"]["different"] == 2
    assert found['Hosti"le.it\'s; DROP', "replica"]["different"] == 1
    assert found["public.big", "replica"]["different"] == 1
    assert "x" not in sluice.command("verify", "diff", "public.keyless", expect=FINDINGS).stdout.split("copies")[-1]
    refused = sluice.command("verify", "repair", "public.keyless", "--json", expect=FINDINGS).json()["tables"][0]
    assert "key" in refused["refused"] and not refused["done"]
    for table in ("public.parts", "public.big", '[Hh]osti*'):
        sluice.command("verify", "repair", table)
        verify(sluice, table)
    replica.execute("DELETE FROM keyless WHERE a IS NULL; INSERT INTO keyless VALUES (5, 'b'), (5, 'b')")
    verify(sluice)
    compare()


def test_values_stay_where_they_are_unless_asked_for(source, replica, replicate, sluice):
    replicate("CREATE TABLE t (k int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'the secret'), (2, 'x')")
    replica.execute("UPDATE t SET v = 'the planted' WHERE k = 1")
    shown = sluice.command("verify", "diff", "public.t", expect=FINDINGS)
    assert "k=1" in shown.stdout and "v" in shown.stdout and "secret" not in shown.stdout + shown.stderr
    assert "planted" not in shown.stdout + shown.stderr
    assert "the secret" in sluice.command("verify", "diff", "public.t", "--values", expect=FINDINGS).stdout
    assert "secret" not in sluice.command("verify", "run", expect=FINDINGS).stdout


def test_what_the_lake_holds_by_a_policy_is_equal_and_else_it_differs(source, sluice, lake):
    source.execute("""
        CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TYPE pair AS (a int, "b c" text, m mood, at timestamptz, d numeric);
        CREATE DOMAIN cents AS numeric(8,2);
        CREATE TABLE p (k int PRIMARY KEY, d date, t timestamp, z timestamptz, n numeric(10,2), c cents, f float4, g float8, b bytea, o bool, u uuid,
                        m mood, pr pair, prs pair[], ia int[], ta text[], na numeric(6,1)[], da date[], j jsonb, js json, r int4range, x xid8, ch char(4), q "char",
                        i interval, mo money, rc regclass, iv int2vector, ba bytea[], bo bool[], fa float8[], mu numeric);
        INSERT INTO p SELECT i, '2026-01-01'::date + i, '2026-01-01'::timestamp + i * interval '1.000001 s', '0001-01-01 00:00:00Z'::timestamptz + i * interval '1 s',
            -i / 100.0, i / 100.0, i / 3.0, -i / 7.0, decode(md5(i::text), 'hex'), i % 2 = 0, md5(i::text)::uuid, 'ok', (i, 'q"\\,', 'sad', '2026-01-01Z', 1.50)::pair,
            ARRAY[(1, NULL, NULL, NULL, NULL), NULL]::pair[], ARRAY[i, NULL], ARRAY['', 'NULL', 'a b', '"', NULL], ARRAY[1.5, NULL], ARRAY['2026-01-01', NULL]::date[],
            '{"a": [1, 2.50]}', '{"a" :1}', int4range(1, i + 1), '12345678901234567890', 'ab', 'x', i * interval '1 hour', -12.34, 'pg_class', '1 2 3',
            ARRAY['\\x00', NULL]::bytea[], ARRAY[true, NULL], ARRAY['NaN', 1.5, '-Infinity']::float8[], 1.10
          FROM generate_series(1, 200) i;
        INSERT INTO p (k, d, t, z, n, f, g, da, na, ia) VALUES
            (1001, 'infinity', '-infinity', '20000-01-01', 'NaN', 'NaN', '-0', ARRAY['infinity', '2026-01-01']::date[], ARRAY['NaN', 1]::numeric(6,1)[], ARRAY[[1, 2], [3, 4]]),
            (1002, '0044-03-15 BC', '9999-12-31 23:59:59.999999', '0001-01-01Z', 0, 'Infinity', 1e300, '{}', '{}', '[5:6]={1,2}'),
            (1003, '10000-01-01', '10000-01-01', '9999-12-31 23:59:59.999999Z', -0.05, 1e-40, 5e-324, NULL, NULL, '{}')""")
    sluice.init()
    sluice.sync()
    found = verify(sluice)
    assert "reason" not in found["public.p", "lake"] and "reason" not in found["public.p", "replica"], found
    assert found["public.p", "lake"]["rows_travelled"] == 0
    full = verify(sluice, "--mode", "full")
    assert full["public.p", "lake"]["rows_travelled"] == 406
    for column, value in {"d": "'2027-01-01'", "n": "7", "ta": "ARRAY['x']", "pr": "NULL", "mo": "1", "f": "0", "da": "ARRAY['2026-01-02'::date]"}.items():
        source.execute(f"UPDATE p SET {column} = {value} WHERE k = 1001")
        sluice.sync()
        verify(sluice)
    Lake(lake).table("public", "p").delete("k = 17")
    assert differences(sluice, "public.p", "lake")[0]["key"] == {"k": "17"}


def test_repair_under_load_and_no_false_alarm(source, replica, replicate, sluice, compare):
    replicate(MIXED_SCHEMA + keyed("planted", "int", "i"))
    sluice.start()
    sluice.wait_answering()
    with MixedLoad(source):
        for round_ in range(20):
            if round_ % 5 == 0:
                replica.execute("UPDATE planted SET v = 'planted' WHERE k % 1000 = 7; DELETE FROM planted WHERE k = 8; INSERT INTO planted VALUES (-1, 'x')")
                source.execute("UPDATE planted SET n = n + 1 WHERE k = 1007")
                found = verify(sluice, expect=FINDINGS)
                assert [name for name, entry in found.items() if entry["result"] != "equal"] == [("public.planted", "replica")]
                sluice.command("verify", "repair", "public.planted")
            verify(sluice)
    sluice.wait_until()
    sluice.stop()
    compare()


def test_an_open_transaction_is_named_within_the_pause(source, replicate, sluice):
    replicate("CREATE TABLE t (k int PRIMARY KEY); INSERT INTO t VALUES (1)")
    sluice.start()
    sluice.wait_answering()
    with source.connect(autocommit=False) as blocker:
        blocker.execute("INSERT INTO t VALUES (2)")
        pid = blocker.info.backend_pid
        said = sluice.command("verify", expect=None, timeout=15)
        assert said.code != OK and f"process {pid}" in said.stderr and "open for" in said.stderr
        blocker.rollback()
    verify(sluice)
    sluice.stop()


@pytest.mark.parametrize("source_major, replica_major", [(14, 18), (18, 14)])
def test_servers_of_different_versions_hash_alike(source_major, replica_major, servers, tmp_path, lake):
    from support.sluice import Sluice
    source, replica = servers("source", source_major).new_database("source"), servers("replica", replica_major).new_database("replica")
    replica.execute("CREATE TYPE public.unrelated AS ENUM ('x'); CREATE TABLE public.unrelated_2 (a int)")  # Other object numbers.
    sluice = Sluice(tmp_path, source, replica, lake)
    source.execute("CREATE TYPE mood AS ENUM ('sad', 'ok');" + keyed("t", "text", "'k' || i")
                   + "ALTER TABLE t ADD m mood DEFAULT 'ok', ADD j jsonb DEFAULT '{\"a\": 1}', ADD f float8 DEFAULT 0.1, ADD i interval DEFAULT '1 day 2 hours'")
    sluice.init()
    sluice.sync()
    verify(sluice)
    replica.execute("UPDATE t SET m = 'sad' WHERE k = 'k77'")
    assert differences(sluice, "public.t", "replica")[0]["columns"] == ["m"]
    repair(sluice, "public.t")
    source.drop()
    replica.drop()


IN_SOAK = pytest.mark.skipif("SLUICE_SOAK" not in os.environ, reason="takes a quarter of an hour: make soak")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("rows, passes", [(2_000_000, 1), pytest.param(50_000_000, 2, marks=IN_SOAK)])
def test_one_row_among_millions_is_found_by_few_that_travel(rows, passes, source, replica, sluice):
    patience = 200 + rows / 25_000
    source.execute(f"CREATE TABLE t (k int8 PRIMARY KEY, v int, w text); INSERT INTO t SELECT i, i % 7, md5(i::text) FROM generate_series(1, {rows}) i; ANALYZE t")
    sluice.init()
    sluice.sync(timeout=patience)
    replica.execute("UPDATE t SET v = v + 1 WHERE k = 1234567")
    found = tables(sluice.command("verify", "diff", "public.t", "--json", expect=FINDINGS, timeout=patience))
    entry = found["public.t", "replica"]
    assert (entry["different"], entry["missing"], entry["extra"]) == (1, 0, 0)
    assert [row["key"] for row in entry["rows"]] == [{"k": "1234567"}]
    assert entry["rows_source"] == rows and entry["passes"] == passes and entry["rows_travelled"] < 2000, entry
    assert found["public.t", "lake"]["rows_travelled"] == 0
    sluice.command("verify", "repair", "public.t", "--sink", "replica", timeout=patience)
    print({"rows": rows, "rows that travelled": entry["rows_travelled"], "passes": entry["passes"]})
    assert replica.scalar("SELECT v FROM t WHERE k = 1234567") == 1234567 % 7


def test_while_it_runs_tables_are_compared_all_the_time_and_status_tells(source, replica, lake, sluice):
    """Somebody else writes to the replica: found without being asked for, shown with what to do, gone once it is repaired."""
    source.execute("CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a SELECT i, 'a' || i FROM generate_series(1, 1000) i;"
                   "CREATE TABLE b (id int PRIMARY KEY); INSERT INTO b SELECT generate_series(1, 10);"
                   "CREATE TABLE without_key (v text); INSERT INTO without_key VALUES ('x'), ('x')")
    sluice.init()
    sluice.configure(lambda config: config["pipelines"]["main"].update(verify={"every": "3s", "max_rate": "16MiB"}))
    sluice.start()
    sluice.wait_settled()

    def wait_for(**wanted):
        deadline = time.monotonic() + 60
        while True:
            status = sluice.command("status", "--json", expect=None).json()
            told = status["verify"]
            if all(told[name] == value if not callable(value) else value(told[name]) for name, value in wanted.items()):
                return status
            assert time.monotonic() < deadline, (told, sluice.log_tail())
            time.sleep(0.3)

    wait_for(tables_compared=3, different=[])
    source.execute("DELETE FROM without_key WHERE ctid = '(0,1)'")
    replica.execute("UPDATE a SET v = 'somebody else' WHERE id IN (17, 18)")
    wait_for(different=lambda found: [(d["table"], d["sink"], d["rows_different"]) for d in found] == [("public.a", "replica", 2)])
    shown = sluice.command("status", expect=DEGRADED).stdout
    assert "DIFFERS public.a in replica  2 rows   run: sluice verify diff public.a" in shown, shown
    assert "a table differs between the source and a sink" in sluice.log_tail()
    assert "somebody else" not in sluice.log_tail(), "values are nobody's business"
    sluice.command("verify", "repair", "public.a")
    wait_for(different=[])
    sluice.command("status")
    compared = sluice.table("public.without_key")["compared"]
    assert {(c["sink"], c["result"]) for c in compared} == {("lake", "different"), ("replica", "different")}, "declared, so no alarm"
    sluice.stop()
