"""What a source database holds, asked from pg_catalog."""

import dataclasses

from support.postgres import Database

NAMESPACES_LEFT_OUT = ("pg_catalog", "information_schema", "pg_toast", "sluice")


@dataclasses.dataclass(frozen=True)
class Type:
    """A column's type with its domains taken off."""

    name: str  # "pg_catalog.int4"
    typmod: int
    kind: str  # pg_type.typtype: b base, c composite, e enum, r range, m multirange
    element: "Type | None" = None  # Of an array.


@dataclasses.dataclass(frozen=True)
class Column:
    name: str
    type: Type
    generated: bool


@dataclasses.dataclass(frozen=True)
class Table:
    namespace: str
    name: str
    oid: int
    partitioned: bool

    def __str__(self):
        return f"{self.namespace}.{self.name}"

    @property
    def sql(self) -> str:
        """Quoted; without inheritance children unless it is partitioned."""
        quoted = ".".join('"' + part.replace('"', '""') + '"' for part in (self.namespace, self.name))
        return quoted if self.partitioned else f"ONLY {quoted}"


def tables(database: Database, leaves: bool = False) -> list:
    """Tables whose rows are to arrive elsewhere: partitioned ones by their root, or by their leaves."""
    rows = database.rows(
        """
        SELECT n.nspname, c.relname, c.oid::bigint, c.relkind = 'p'
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname <> ALL (%s) AND n.nspname NOT LIKE 'pg\\_temp%%'
          AND CASE WHEN %s THEN c.relkind = 'r' ELSE NOT c.relispartition END
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        ORDER BY 1, 2
        """, [list(NAMESPACES_LEFT_OUT), leaves])
    return [Table(*row) for row in rows]


def columns(database: Database, table: Table) -> list:
    rows = database.rows(
        """
        SELECT attname, atttypid::bigint, atttypmod, attgenerated <> '' FROM pg_attribute
        WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum
        """, [table.oid])
    types = _types(database)
    return [Column(name, _resolve(types, oid, typmod), generated) for name, oid, typmod, generated in rows]


def _types(database: Database) -> dict:
    rows = database.rows(
        """
        SELECT t.oid::bigint, n.nspname || '.' || t.typname, t.typtype::text, t.typbasetype::bigint, t.typtypmod,
               CASE WHEN t.typinput = 'array_in'::regproc THEN t.typelem::bigint ELSE 0 END
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
        """)
    return {row[0]: row[1:] for row in rows}


def _resolve(types: dict, oid: int, typmod: int) -> Type:
    name, kind, base, base_typmod, element = types[oid]
    if kind == "d":
        return _resolve(types, base, base_typmod)
    return Type(name, typmod, kind, _resolve(types, element, typmod) if element else None)
