"""A lake that is told who reads it: its tables do without what those lack, and its check holds them to it."""

import functools

import pytest

from support.canonical import mapping
from support.lake import Lake
from support.sluice import CONFIG, FINDINGS, OK
from support.spark import by_spark
from test_types import FAMILIES, PREPARE, literal

EVERY_TYPE = {type_: values for name, family in FAMILIES.items() if "15 and later" not in name for type_, values in family.items()}


def read_by(sluice, *readers):
    sluice.configure(lambda config: config["sinks"]["lake"].update(readers=list(readers)))


def findings(sluice, *arguments, expect=OK) -> list:
    report = sluice.command("lake", "check", *arguments, "--json", expect=expect).json()
    return [{"table": table["table"], **finding} for table in report["tables"] for finding in table["findings"]]


def types_of(lake, table: str) -> dict:
    return {field.name: str(field.field_type) for field in Lake(lake).table("public", table).schema().fields}


def one_table_of_every_type(source):
    """Its columns v0, v1, …, one row per value."""
    source.execute(PREPARE + "CREATE TABLE every (id int PRIMARY KEY, " + ", ".join(f"v{i} {type_}" for i, type_ in enumerate(EVERY_TYPE)) + ")")
    insert_values(source, 0)


def insert_values(source, first: int):
    for row in range(max(map(len, EVERY_TYPE.values()))):
        values = [literal(values[row]) if row < len(values) else "NULL" for values in EVERY_TYPE.values()]
        source.execute(f"INSERT INTO every VALUES ({first + row}, {', '.join(values)})")


def test_a_lake_for_redshift_and_spark_holds_every_type_as_they_read_it(source, sluice, compare):
    source.execute("CREATE TABLE keyed (id uuid, tags text[], n int, PRIMARY KEY (id, tags)); INSERT INTO keyed SELECT md5(i::text)::uuid, ARRAY['a' || i, NULL], i FROM generate_series(1, 50) i")
    one_table_of_every_type(source)
    sluice.init()
    read_by(sluice, "redshift", "spark")
    said = sluice.command("check", "--json", expect=None).json()
    assert any(finding["id"] == "L022" for finding in said["findings"])
    sluice.sync()
    insert_values(source, 1000)
    source.execute("UPDATE keyed SET n = -n WHERE n % 2 = 0; UPDATE keyed SET id = md5(n || 'x')::uuid WHERE n % 5 = 0; DELETE FROM keyed WHERE n % 3 = 0")
    sluice.sync()
    compare.mapping = functools.partial(mapping, flat=True)
    compare()
    found = findings(sluice, "--deep")
    assert {finding["gravity"] for finding in found} == {"note"}, found
    assert {finding["reader"] for finding in found} == {"redshift"} and all("16,384" in finding["what"] for finding in found)
    sluice.start()
    sluice.wait_settled()
    sluice.command("verify")
    sluice.stop()


def test_spark_reads_what_was_made_for_it(source, sluice, lake):
    one_table_of_every_type(source)
    sluice.init()
    read_by(sluice, "redshift", "spark")
    sluice.sync()
    location = Lake(lake).table("public", "every").metadata_location
    compared = {i: type_ for i, type_ in enumerate(EVERY_TYPE) if type_ in ("uuid", "time", "int4[]", "text[]", "uuid[]", "jsonb", "int4", "text")}
    seen = by_spark("spark_columns.py", location, "id", text=" ".join(f"v{i}" for i in compared))
    assert seen["rows"] == source.scalar("SELECT count(*) FROM every")
    for i, type_ in compared.items():
        text = f"to_json(v{i})::text" if type_.endswith("[]") else f"v{i}" if type_ in ("int4",) else f"v{i}::text"
        assert seen["columns"][f"v{i}"] == [row[0] for row in source.rows(f"SELECT {text} FROM every ORDER BY id")], type_


def test_other_readers_later_change_no_column_that_is_there(source, sluice, lake):
    source.execute("CREATE TABLE t (id uuid PRIMARY KEY, tags int[]); INSERT INTO t VALUES (md5('a')::uuid, '{1}')")
    sluice.init()
    sluice.sync()
    read_by(sluice, "redshift")
    source.execute("INSERT INTO t VALUES (md5('b')::uuid, '{2}'); ALTER TABLE t ADD COLUMN other uuid; INSERT INTO t VALUES (md5('c')::uuid, '{3}', md5('c')::uuid)")
    said = sluice.sync()
    assert "lake.unreadable" in said.stderr and "redshift: id (uuid); redshift: tags (list)" in said.stderr
    assert {name: type_ for name, type_ in types_of(lake, "t").items() if not name.startswith("_")} == {"id": "uuid", "tags": "list<int>", "other": "string"}
    refused = [finding["what"] for finding in findings(sluice, expect=FINDINGS) if finding["gravity"] == "refused"]
    assert refused == ["it has no type uuid: id"]
    sluice.start()
    sluice.wait_settled()
    sluice.command("resync", "public.t")
    sluice.wait_table("public.t", state="streaming")
    sluice.wait_until()
    sluice.stop()
    assert types_of(lake, "t")["id"] == types_of(lake, "t")["tags"] == "string"
    assert "lake.unreadable" not in sluice.sync().stderr
    assert not [finding for finding in findings(sluice) if finding["gravity"] == "refused"]
    assert len(Lake(lake).table("public", "t").scan().to_arrow()) == 3
    # What is text for nobody's sake can still be read by everybody.
    read_by(sluice)
    source.execute("INSERT INTO t VALUES (md5('d')::uuid, '{4}')")
    sluice.sync()
    assert types_of(lake, "t")["id"] == "string"


@pytest.mark.parametrize("readers, held", [([], False), (["pyiceberg"], False), (["trino"], True)])
def test_names_that_a_reader_takes_for_one_hold_the_table_alone(readers, held, source, sluice, lake):
    source.execute('CREATE TABLE twins (id int PRIMARY KEY, name text, "Name" text); CREATE TABLE plain (id int PRIMARY KEY); INSERT INTO plain VALUES (1)')
    sluice.init()
    read_by(sluice, *readers)
    failed = [finding["severity"] for finding in sluice.command("check", "--json", expect=None).json()["findings"] if finding["id"] == "L011"]
    assert failed == ["fail" if held else "warn"]
    sluice.start()
    sluice.wait_table("public.plain", state="streaming")
    entry = sluice.wait_table("public.twins", state="held" if held else "streaming")
    assert [(hold["sink"], hold["code"]) for hold in entry.get("held_in", [])] == ([("lake", "SLU-4160")] if held else [])
    if held:
        assert "columns name and Name differ only by case; among the lake's readers is trino" in sluice.log_tail()
    sluice.stop()


def test_a_reader_that_nobody_knows_is_a_mistake_with_a_guess(source, sluice):
    sluice.init()
    read_by(sluice, "redshit")
    assert 'did you mean "redshift"?' in sluice.command("check", expect=CONFIG).stderr
