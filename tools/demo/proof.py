#!/usr/bin/env python3
"""Proves that replica and lake hold what the source holds: proof.py --source DSN --replica DSN --lake FOLDER

Nobody may write to the source meanwhile. Replica and source are compared as PostgreSQL prints them, every column,
through psql. The lake is read by PyIceberg and by DuckDB, and compared with the source's rows in the lake's own types;
DuckDB computes those checksums for all. Exit 1 if anything differs.
"""

import argparse
import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests"))

import terminal
from support.lake import METADATA_COLUMNS, Lake, duckdb_scan, open_duckdb, pyiceberg_rows

# One spelling per value, whatever the role or database has set.
PINNED = ("-c datestyle=ISO -c intervalstyle=iso_8601 -c timezone=UTC -c bytea_output=hex -c extra_float_digits=1 -c search_path=pg_catalog "
          "-c max_parallel_workers_per_gather=0")
ROWS_SHOWN = 5
NAME_WIDTH = 30
CSV_LINE_MAX = 64 << 20

TABLES = """
SELECT n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'sluice')
ORDER BY 1, 2
"""
COLUMNS = """
SELECT attname, typtype = 'c' FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
WHERE attrelid = '{}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


@dataclasses.dataclass(frozen=True)
class Table:
    namespace: str
    name: str
    sql: str


@dataclasses.dataclass(frozen=True)
class Digest:
    rows: int
    checksum: int

    def __str__(self):
        return f"{self.checksum % 2**64:016x}"[:12]  # Enough for the eye; the whole is compared.


class PsqlError(Exception):
    """psql's first line."""


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def psql(dsn: str, statement: str, into=None) -> list:
    """Runs one statement. Returns its rows, or writes what it prints to the file `into`."""
    done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-F", "\x1f", "-R", "\x1e", "-d", dsn, "-c", statement],
                          env={**os.environ, "PGOPTIONS": PINNED, "PGCLIENTENCODING": "UTF8"}, stdout=into or subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode:
        raise PsqlError(done.stderr.decode().partition("\n")[0])
    return [] if into or not done.stdout else [row.split("\x1f") for row in done.stdout.decode().rstrip("\n").split("\x1e")]


def tables(dsn: str) -> list:
    return [Table(*row) for row in psql(dsn, TABLES)]


def digest_in_postgres(dsn: str, table: Table, columns: list) -> Digest:
    row = ", ".join(map(quote, columns))
    (rows, checksum), = psql(dsn, f"SELECT count(*), coalesce(sum(hashtextextended(format('%s', ROW({row})), 0)), 0) FROM {table.sql}")
    return Digest(int(rows), int(checksum))


class LakeComparison:
    """One table of the lake, and the source's rows in its types, in one DuckDB."""

    def __init__(self, lake: Lake, table: Table):
        self.duck = open_duckdb()
        in_lake = lake.table(table.namespace, table.name)
        # Columns by number: to DuckDB, names that differ in case alone are the same.
        fields = [field.name for field in in_lake.schema().fields]
        numbered = ", ".join(f"c{i}" for i in range(len(fields)))
        self.duck.register("arrow", pyiceberg_rows(in_lake))
        types = [row[1] for row in self.duck.execute(f"DESCRIBE SELECT * FROM {duckdb_scan(in_lake)}").fetchall()]
        self.types = {name: type_ for name, type_ in zip(fields, types) if name not in METADATA_COLUMNS}
        values = ", ".join(f"c{fields.index(name)}::{type_} AS c{i}" for i, (name, type_) in enumerate(self.types.items()))
        self.readers = {"PyIceberg": f"(SELECT {values} FROM arrow AS t({numbered}))",
                        "DuckDB": f"(SELECT {values} FROM {duckdb_scan(in_lake)} AS t({numbered}))"}

    def load_source(self, dsn: str, table: Table, composites: list):
        as_json = [name for name, type_ in self.types.items() if type_.endswith("[]") or name in composites]
        values = ", ".join(f"to_json({quote(name)})" if name in as_json else quote(name) for name in self.types)
        with tempfile.NamedTemporaryFile(suffix=".csv") as file:
            psql(dsn, f"COPY (SELECT {values} FROM {table.sql}) TO STDOUT (FORMAT csv)", into=file)
            types = ", ".join(f"{self._from_text(i, type_)} AS c{i}" for i, type_ in enumerate(self.types.values()))
            names = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(self.types)))
            self.duck.execute(f"CREATE TABLE source AS SELECT {types} FROM read_csv('{file.name}', header = false, columns = {{{names}}}, "
                              f"auto_detect = false, quote = '\"', escape = '\"', allow_quoted_nulls = false, parallel = false, "
                              f"max_line_size = {CSV_LINE_MAX}, buffer_size = {2 * CSV_LINE_MAX})")

    @staticmethod
    def _from_text(number: int, type_: str) -> str:
        """A column of PostgreSQL's text in the lake's type."""
        if type_.endswith("[]"):
            return f"""from_json(c{number}, '["{type_[:-2]}"]')"""
        if type_ == "BLOB":
            return f"unhex(c{number}[3:])"
        if type_.startswith("DECIMAL"):
            return f"TRY_CAST(c{number} AS {type_})"  # No decimal holds a NaN: NULL, by the type mapping.
        return f"c{number}::{type_}"

    def digest(self, relation: str) -> Digest:
        columns = ", ".join(f"c{i}" for i in range(len(self.types)))
        return Digest(*self.duck.execute(f"SELECT count(*), coalesce(sum(hash({columns})), 0) FROM {relation}").fetchone())

    def differences(self, relation: str) -> list:
        """Some rows that only one of source and `relation` has."""
        lines = []
        for sign, a, b in (("-", "source", relation), ("+", relation, "source")):
            rows = self.duck.execute(f"SELECT * FROM (SELECT * FROM {a} EXCEPT ALL SELECT * FROM {b}) LIMIT {ROWS_SHOWN}").fetchall()
            lines += [f"{sign} {str(row)[:200]}" for row in rows]
        return lines


class Proof:
    """The table that it prints grows line by line."""

    def __init__(self, source: str, replica: str, lake: pathlib.Path):
        self.source, self.replica, self.lake = source, replica, Lake(lake)
        self.rows = 0
        self.wrong = []

    def run(self) -> bool:
        say_row("TABLE", "ROWS", "AS PRINTED", "REPLICA", "LAKE TYPES", "PYICEBERG", "DUCKDB", style=terminal.dim)
        for table in tables(self.source):
            self._table(table)
        return not self.wrong

    def _table(self, table: Table):
        name = f"{table.namespace}.{table.name}"
        described = psql(self.source, COLUMNS.format(table.sql.replace("'", "''")))
        columns, composites = [name for name, _ in described], [name for name, composite in described if composite == "t"]
        expected = digest_in_postgres(self.source, table, columns)
        notes = self._replica_notes(table, columns, expected)
        replica = MARKS[not notes]
        in_lake, equal, lake_notes = self._lake(table, composites, expected)
        say_row(name, f"{expected.rows:,}", expected, replica, in_lake, MARKS[equal.get("PyIceberg", False)], MARKS[equal.get("DuckDB", False)])
        self.rows += expected.rows
        for note in notes + lake_notes:
            terminal.say(terminal.red(f"      {note}"))
        if notes or lake_notes:
            self.wrong.append(name)

    def _replica_notes(self, table: Table, columns: list, expected: Digest) -> list:
        try:
            got = digest_in_postgres(self.replica, table, columns)
        except PsqlError as error:
            return [f"replica: {error}"]
        return [] if got == expected else [f"replica: {got.rows:,} rows, checksum {got}"]

    def _lake(self, table: Table, composites: list, expected: Digest) -> tuple:
        """The source's digest in the lake's types, which reader agrees with it, and what is wrong."""
        in_lake, equal, notes = "", {}, []
        try:
            comparison = LakeComparison(self.lake, table)
            comparison.load_source(self.source, table, composites)
            in_lake = comparison.digest("source")
            for reader, relation in comparison.readers.items():
                got = comparison.digest(relation)
                equal[reader] = got == in_lake and got.rows == expected.rows
                if not equal[reader]:
                    notes += [f"{reader}: {got.rows:,} rows, checksum {got}", *comparison.differences(relation)]
        except Exception as error:  # A reader that fails is a finding; the other tables go on.
            notes.append(f"lake: {type(error).__name__}: {str(error)[:400]}")
        return in_lake, equal, notes


MARKS = {True: "✓", False: "✗"}
COLOURS = {"✓": terminal.green, "✗": terminal.red}


def say_row(table, rows, printed, replica, in_lake, pyiceberg, duckdb, style=str):
    """One line of the printed table, at most 100 columns wide."""
    if len(table) > NAME_WIDTH:
        table = table[:NAME_WIDTH - 1] + "…"
    cells = [(table, -NAME_WIDTH), (rows, 11), (f"  {printed!s}", -14), (replica, -8), (str(in_lake), -12), (pyiceberg, -10), (duckdb, -6)]
    texts = [f"{text:<{-width}}" if width < 0 else f"{text:>{width}}" for text, width in cells]
    terminal.say("  " + " ".join(style(COLOURS.get(text.strip(), str)(text)) for text in texts).rstrip())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", required=True, metavar="DSN")
    parser.add_argument("--replica", required=True, metavar="DSN")
    parser.add_argument("--lake", required=True, type=pathlib.Path, metavar="FOLDER")
    arguments = parser.parse_args()
    (lsn,), = psql(arguments.source, "SELECT pg_current_wal_lsn()")
    terminal.heading(f"Source, replica and lake at {lsn}: rows, and a checksum over every value")
    proof = Proof(arguments.source, arguments.replica, arguments.lake)
    if proof.run():
        terminal.say(f"\n{terminal.green('✓')} {terminal.bold(f'equal: {proof.rows:,} rows in source, replica and lake, at {lsn}')}")
        return 0
    terminal.say(f"\n{terminal.red('✗')} {terminal.bold(f'different at {lsn}: ' + ', '.join(proof.wrong))}")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PsqlError as error:
        sys.exit(f"source: {error}")
