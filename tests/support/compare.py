"""The oracle: source, replica and lake hold the same rows, every column, as PostgreSQL itself prints them."""

from collections import Counter

import pyarrow

from support import catalog
from support.canonical import mapping
from support.lake import METADATA_COLUMNS, Lake, pyiceberg_rows
from support.postgres import Database

PINNED = ("SET datestyle = 'ISO, YMD'; SET intervalstyle = iso_8601; SET timezone = 'UTC'; SET bytea_output = hex; "
          "SET extra_float_digits = 1; SET search_path = pg_catalog")
SHOWN = 5  # Differing rows in a message.


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Comparison:
    def __init__(self, source: Database, replica: Database, lake_folder, s3=None, catalog_uri=None):
        self.source, self.replica, self.lake_folder, self.s3, self.catalog_uri = source, replica, lake_folder, s3, catalog_uri
        self.mapping = mapping  # Of types into the lake.

    def __call__(self, tables=None, lake_without=(), replica_without=()):
        """Fails with the first differing rows. `tables`: their names, by default all of the source;
        `lake_without`: names of append-only tables, which only the replica holds as they are;
        `replica_without`: names of generated columns that the replica can't compute."""
        chosen = [t for t in catalog.tables(self.source) if tables is None or t.name in tables]
        assert chosen, "nothing to compare"
        self.replica_equals(chosen, replica_without)
        self.lake_equals([t for t in chosen if t.name not in lake_without])

    # ── the replica ──

    def replica_equals(self, tables, without=()):
        with self.source.connect() as source, self.replica.connect() as replica:
            for connection in (source, replica):
                connection.execute(PINNED)
            for table in tables:
                self._replica_table_equals(table, source, replica, without)

    def _replica_table_equals(self, table, source, replica, without):
        names = ", ".join(quote(c.name) for c in catalog.columns(self.source, table) if not (c.generated and c.name in without))
        digest = (f"SELECT count(*), coalesce(sum(hashtextextended(format('%s', ROW({names})), 0)), 0) FROM {table.sql}")
        expected = source.execute(digest).fetchone()
        got = replica.execute(digest).fetchone()
        if expected == got:
            return
        rows = f"COPY (SELECT {names} FROM {table.sql}) TO STDOUT"
        report_difference(f"{table}: replica", _copy_lines(source, rows), _copy_lines(replica, rows))

    # ── the lake ──

    def lake_equals(self, tables, lake=None):
        """`lake`: how it is read, by default from its catalog's database."""
        lake = lake or Lake(self.lake_folder, self.s3, self.catalog_uri)
        with self.source.connect() as source:
            source.execute(PINNED)
            for table in tables:
                self._lake_table_equals(table, source, lake)

    def _lake_table_equals(self, table, source, lake):
        in_lake = lake.table(table.namespace, table.name)
        fields = {field.name: str(field.field_type) for field in in_lake.schema().fields}
        columns = [c for c in catalog.columns(self.source, table) if c.name in fields or not c.generated]
        expected_types = {c.name: self.mapping(c.type).iceberg for c in columns}
        got_types = {name: type_ for name, type_ in fields.items() if name not in METADATA_COLUMNS}
        assert got_types == expected_types, f"{table}: the lake's types differ"

        duck = lake.open_duckdb()
        _load_source(duck, source, table, columns, self.mapping)
        duck.register("by_pyiceberg", pyiceberg_rows(in_lake))
        for reader, relation in (("PyIceberg", "by_pyiceberg"), *([("DuckDB", lake.duckdb_relation(in_lake))] if lake.has_duckdb else [])):
            shown = _names_shown(duck, relation, list(fields))
            values = ", ".join(f"{self.mapping(c.type).lake.format(x=quote(shown[c.name]))} AS c{i}" for i, c in enumerate(columns))
            duck.execute(f"CREATE OR REPLACE TEMP TABLE lake AS SELECT {values or '1 AS nothing'} FROM {relation}")
            self._require_equal(duck, f"{table}: lake by {reader}")
            empty = duck.execute("SELECT count(*) FROM {} WHERE {}".format(
                relation, " OR ".join(f"{name} IS NULL" for name in METADATA_COLUMNS))).fetchone()[0]
            assert empty == 0, f"{table}: {empty} rows without {METADATA_COLUMNS} by {reader}"

    @staticmethod
    def _require_equal(duck, what: str):
        missing, extra = (duck.execute(f"SELECT count(*) FROM (SELECT * FROM {a} EXCEPT ALL SELECT * FROM {b})").fetchone()[0]
                          for a, b in (("source", "lake"), ("lake", "source")))
        if not missing and not extra:
            return
        lines = [f"{what}: {missing} rows are missing or differ, {extra} are too many or differ"]
        for sign, a, b in (("-", "source", "lake"), ("+", "lake", "source")):
            rows = duck.execute(f"SELECT * FROM (SELECT * FROM {a} EXCEPT ALL SELECT * FROM {b}) ORDER BY ALL LIMIT {SHOWN}")
            lines += [f"{sign} {_short(row)}" for row in rows.fetchall()]
        raise AssertionError("\n".join(lines))


def _names_shown(duck, relation: str, names: list) -> dict:
    """What DuckDB calls the columns: it takes no two names that differ only in case."""
    shown = [row[0] for row in duck.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]
    assert len(shown) == len(names), f"{shown} are not {names}"
    return dict(zip(names, shown))


def _load_source(duck, source, table, columns, mapping):
    """The source's rows as canonical text, in DuckDB's table `source`."""
    values = ", ".join(mapping(c.type).source.format(x=quote(c.name)) for c in columns) or "1"
    names = [f"c{i}" for i in range(len(columns))] or ["nothing"]
    schema = pyarrow.schema([(name, pyarrow.string() if columns else pyarrow.int32()) for name in names])
    duck.execute("CREATE TEMP TABLE source ({})".format(
        ", ".join(f"{name} {'VARCHAR' if columns else 'INTEGER'}" for name in names)))
    with source.transaction(), source.cursor(name="rows") as cursor:
        cursor.itersize = 20_000
        cursor.execute(f"SELECT {values} FROM {table.sql}")
        while rows := cursor.fetchmany(20_000):
            duck.register("chunk", pyarrow.table(list(zip(*rows)), schema=schema))
            duck.execute("INSERT INTO source SELECT * FROM chunk")
            duck.unregister("chunk")


def _copy_lines(connection, statement) -> list:
    with connection.cursor().copy(statement) as copy:
        return sorted(b"".join(copy).decode().splitlines())


def report_difference(what: str, expected: list, got: list):
    """Fails with the lines that only one side has."""
    missing, extra = Counter(expected) - Counter(got), Counter(got) - Counter(expected)
    lines = [f"{what}: {missing.total()} rows are missing or differ, {extra.total()} are too many or differ"]
    lines += [f"- {_short(row)}" for row in list(missing)[:SHOWN]] + [f"+ {_short(row)}" for row in list(extra)[:SHOWN]]
    raise AssertionError("\n".join(lines))


def _short(row) -> str:
    return str(row) if len(str(row)) < 600 else str(row)[:600] + "…"
