"""Names that a careless program would run, cut or fold."""

import pytest

NAMES = {
    "mixed case": "MixedCase Name",
    "quotes": """it's "quoted" `so`""",
    "looks like SQL": 'x"; DROP TABLE victim; --',
    "newline and tab": "two\nlines\tand tab",
    "63 bytes": "n" * 63,
    "63 bytes of two": "ü" * 31 + "x",
    "emoji": "⛳ shots 🏌",
    "reserved word": "select",
    "percent and dollar": "100%s $1 ${HOME} {0}",
    "backslash": "back\\slash\\n",
    "dots and slashes": "a.b/c..d",
    "spaces at the ends": " padded ",
    "leading digit": "1st",
    "metadata-like": "_lsn_",
}


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def test_tables_columns_and_namespaces_of_any_name(source, replicate):
    statements = ["CREATE TABLE victim (id int PRIMARY KEY); INSERT INTO victim VALUES (1);"]
    changes = []
    for i, name in enumerate(NAMES.values()):
        table = f"public.{quote(name)}"
        statements.append(f"CREATE TABLE {table} ({quote(name)} int PRIMARY KEY, {quote('v' + name[:60])} text);"
                          f"CREATE INDEX {quote(name[:30] + ' idx')} ON {table} ({quote('v' + name[:60])});"
                          f"INSERT INTO {table} SELECT i, 'v' || i FROM generate_series(1, 5) i;")
        changes.append(f"UPDATE {table} SET {quote('v' + name[:60])} = 'changed' WHERE {quote(name)} = 1; DELETE FROM {table} WHERE {quote(name)} = 2;"
                       f"UPDATE {table} SET {quote(name)} = 100 WHERE {quote(name)} = 3; INSERT INTO {table} VALUES (6, 'six')")
    replicate("".join(statements), changes)


@pytest.mark.parametrize("name", ["MixedCase", 'we"ird', "naïve", "select", "with space"])
def test_namespaces(name, replicate):
    replicate(f"CREATE SCHEMA {quote(name)}; CREATE TABLE {quote(name)}.t (id int PRIMARY KEY, v text); INSERT INTO {quote(name)}.t VALUES (1, 'x');",
              f"UPDATE {quote(name)}.t SET v = 'y'; INSERT INTO {quote(name)}.t VALUES (2, 'z')")


def test_equal_table_names_in_two_namespaces(replicate):
    replicate("CREATE SCHEMA one; CREATE SCHEMA two; CREATE TABLE one.t (id int PRIMARY KEY); CREATE TABLE two.t (id text PRIMARY KEY, v int);"
              "INSERT INTO one.t VALUES (1); INSERT INTO two.t VALUES ('a', 1);", "INSERT INTO one.t VALUES (2); UPDATE two.t SET v = 2")


def test_columns_that_differ_only_in_case(replicate):
    replicate('CREATE TABLE t (id int PRIMARY KEY, "Name" text, name text, "NAME" int); INSERT INTO t VALUES (1, \'a\', \'b\', 3);',
              'UPDATE t SET "Name" = name, name = "Name"; INSERT INTO t VALUES (2, NULL, \'x\', 0)')
