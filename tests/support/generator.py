"""Random tables, rows and changes, all of one seed. What it did stands in a history that psql can play again."""

import datetime
import functools
import ipaddress
import json
import re
import uuid
from collections import Counter
from dataclasses import dataclass

from psycopg import errors

from support.compare import quote
from support.postgres import Database

NAMES = ("plain", "MixedCase", "with space", 'quo"te', "it's", "ünï", "⛳", "select", "per%cent", "dol$1", "back\\slash", "dot.ted",
         "semi; --", "new\nline", " padded ", "{0}", "_lsn_")
PIECES = ("a", "Z", "9", " ", "'", '"', "\\", "\t", "\n", "\r", "\x01", "\x7f", "ü", "⛳", "NULL", "\\N", "{}", ",",
          "(", ")", "$1", "%s", "é")
MOOD = '"Mo od"'
USER_TYPES = f"""
CREATE TYPE {MOOD} AS ENUM ('sad', 'it''s "ok", \\ ü'); CREATE TYPE pair AS (a int, "B b" text);
CREATE DOMAIN age AS int CHECK (VALUE >= 0); CREATE DOMAIN "Short" AS varchar(10);
"""

# What the source may refuse because of the rows or the structure that happen to be there.
REFUSED = (errors.UniqueViolation, errors.NotNullViolation, errors.CheckViolation, errors.NumericValueOutOfRange,
           errors.FeatureNotSupported, errors.DependentObjectsStillExist, errors.DatatypeMismatch, errors.InvalidTableDefinition,
           errors.InvalidColumnReference, errors.ProgramLimitExceeded)


def literal(text) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


# ── values: text of one type, of (random, beyond); beyond: also what the lake can only hold as NULL ──

def integer(low, high):
    return lambda r, beyond: str(r.choice([low, high, 0, r.randint(-9, 9), r.randint(low, high), r.randint(low, high)]))


def floating(*extremes):
    special = (*extremes, "0", "-0", "NaN", "Infinity", "-Infinity")
    return lambda r, beyond: r.choice([*special, repr(r.uniform(-1e6, 1e6)), repr(r.uniform(-1, 1))])


def numeric(precision, scale):
    def value(r, beyond):
        if beyond and r.random() < 0.05:
            return "NaN"
        digits = str(r.randrange(10 ** r.randint(1, precision))).zfill(scale + 1)
        return r.choice(["", "-"]) + (digits[:-scale] + "." + digits[-scale:] if scale else digits)
    return value


def any_numeric(r, beyond):
    if r.random() < 0.1:
        return r.choice(["NaN", "Infinity", "-Infinity", "1e100", "0.00", "1.0", "1.00", "-1e-50"])
    return numeric(r.randint(1, 60), 0)(r, False) + r.choice(["", f".{r.randrange(10 ** 9)}", ".000", ".10"])


def text(r, beyond, longest=10 ** 6):
    return "".join(r.choice(PIECES) for _ in range(r.randrange(8)))[:longest]


def date(r, beyond):
    if beyond and r.random() < 0.1:
        return r.choice(["infinity", "-infinity", "4713-01-01 BC", "10000-01-01", "0001-12-31 BC"])
    return datetime.date.fromordinal(r.randint(2, 3652058)).isoformat()


def time(r, beyond):
    return r.choice(["00:00:00", "24:00:00", f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}.{r.randrange(10 ** 6):06}"])


def timestamp(zone):
    def value(r, beyond):
        day = date(r, beyond)
        if "infinity" in day:
            return day
        moment = f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}.{r.randrange(10 ** 6):06}{r.choice(zone)}"
        return f"{day.removesuffix(' BC')} {moment}{' BC' if day.endswith('BC') else ''}"
    return value


def interval(r, beyond):
    return f"{r.randint(-99, 99)} years {r.randint(-20, 20)} mons {r.randint(-99, 99)} days {r.randint(-9 ** 6, 9 ** 6) / 1000} seconds"


def json_value(r, beyond, depth=2):
    scalars = [None, True, r.randint(-9, 9), r.uniform(-9, 9), text(r, False)]
    inner = [json_value(r, beyond, depth - 1) for _ in range(r.randrange(3))] if depth else []
    value = r.choice([*scalars, [json.loads(x) for x in inner], {text(r, False): json.loads(x) for x in inner}])
    return json.dumps(value, ensure_ascii=r.random() < 0.5, indent=r.choice([None, 1]))


def address(r, beyond):
    return f"{r.choice([ipaddress.IPv4Address(r.getrandbits(32)), ipaddress.IPv6Address(r.getrandbits(128))])}" + r.choice(["", "/9"])


def network(r, beyond):
    return str(ipaddress.ip_network((r.getrandbits(32), r.randint(0, 32)), strict=False))


def bits(low, high):
    return lambda r, beyond: "".join(r.choice("01") for _ in range(r.randint(low, high)))


def range_of(value, order):
    def text_of(r, beyond):
        low, high = sorted((value(r, False) for _ in range(2)), key=order)
        return r.choice(["empty", f"[{low},)", f"(,{high})", f'["{low}","{high}")', f'["{low}","{high}")'])
    return text_of


def multirange(r, beyond):
    ends = sorted(r.sample(range(-99, 99), 4))
    return r.choice(["{}", f"{{[{ends[0]},{ends[1]}),[{ends[2]},{ends[3]})}}"])


VALUES = {
    "boolean": lambda r, beyond: r.choice("tf"), "smallint": integer(-2 ** 15, 2 ** 15 - 1), "integer": integer(-2 ** 31, 2 ** 31 - 1),
    "bigint": integer(-2 ** 63, 2 ** 63 - 1), "real": floating("3.4028235e38", "1e-45"),
    "double precision": floating("1.7976931348623157e308", "5e-324"),
    "numeric": any_numeric, "money": lambda r, beyond: numeric(12, 2)(r, False), "text": text,
    "name": functools.partial(text, longest=20), '"char"': lambda r, beyond: r.choice("aZ9"),
    "bytea": lambda r, beyond: "\\x" + r.randbytes(r.randrange(40)).hex(), "date": date, "time without time zone": time,
    "time with time zone": lambda r, beyond: time(r, beyond) + r.choice(["+00", "-15:59", "+05:30"]),
    "timestamp without time zone": timestamp([""]), "timestamp with time zone": timestamp(["Z", "+05:30", "-12"]), "interval": interval,
    "uuid": lambda r, beyond: str(uuid.UUID(int=r.getrandbits(128))), "json": json_value, "jsonb": json_value, "inet": address,
    "cidr": network,
    "macaddr": lambda r, beyond: r.randbytes(6).hex(":"), "macaddr8": lambda r, beyond: r.randbytes(8).hex(":"), "bit varying": bits(0, 30),
    "xml": lambda r, beyond: f"<a b=\"{r.randrange(9)}\">{r.choice(['ü', 'x  y', ''])}</a>", "point": lambda r,
    beyond: f"({r.uniform(-9, 9)},{r.randrange(9)})",
    "tsvector": lambda r, beyond: f"'{r.choice('abc')}':{r.randint(1, 9)}A 'rat''s'", "pg_lsn": lambda r,
    beyond: f"{r.randrange(99):X}/{r.getrandbits(32):X}",
    "int4range": range_of(integer(-99, 99), int), "numrange": range_of(numeric(8, 3), float), "daterange": range_of(date, str),
    "tsrange": range_of(timestamp([""]), str), "int4multirange": multirange, "age": lambda r,
    beyond: str(r.choice([0, 2 ** 31 - 1, r.randrange(200)])),
    '"Short"': functools.partial(text, longest=10),
}
PARAMETRISED = ("numeric(10,2)", "numeric(38,0)", "numeric(5,5)", "numeric(39,2)", "character varying(20)", "character(7)", "bit(12)")
# No uuid[]: PyIceberg can't read a table of it that is empty.
ARRAYS = ("integer[]", "text[]", "numeric[]", "numeric(8,3)[]", "double precision[]", "date[]", "timestamp with time zone[]", "bytea[]",
          "jsonb[]",
          "boolean[]", "int4range[]", "character varying(5)[]", f"{MOOD}[]", "pair[]", "age[]", "interval[]")
TYPES = (*VALUES, *PARAMETRISED, *ARRAYS, MOOD, MOOD, "pair", "pair", "integer", "integer", "bigint", "text", "text",
         "character varying(20)")
KEY_TYPES = ("integer", "integer", "bigint", "bigint", "text", "text", "uuid", "numeric", "numeric(10,2)", "date",
             "timestamp with time zone", "smallint", "bytea",
             "character varying(20)", "character(7)", "inet", MOOD, "age", "interval", "time without time zone", "double precision",
             "boolean")
INDEXED = ("integer", "bigint", "uuid", "date", "smallint", "boolean", "numeric(10,2)", MOOD, "interval")  # Short enough for an index.


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    not_null: bool
    generated: bool
    key: bool
    range: bool  # Of the partitions.
    external: bool
    default: bool
    identity: bool

    @property
    def sql(self) -> str:
        return quote(self.name)

    @property
    def plain(self) -> bool:
        return not (self.key or self.range or self.generated)


@dataclass(frozen=True)
class Table:
    name: str
    partitioned: bool
    full: bool
    columns: tuple

    @property
    def sql(self) -> str:
        return quote(self.name)

    @property
    def key(self) -> list:
        return [c for c in self.columns if c.key]

    @property
    def changeable(self) -> bool:
        """PostgreSQL publishes updates and deletes only of tables with an identity; without, only what is inserted is followed."""
        return self.full or bool(self.key)

    @property
    def plain(self) -> list:
        return [c for c in self.columns if c.plain]


COLUMNS = """
SELECT c.oid, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated <> '',
       coalesce(a.attnum = ANY (i.indkey), false), coalesce(a.attnum = ANY (p.partattrs), false),
       a.attstorage = 'e', a.atthasdef, a.attidentity <> ''
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary LEFT JOIN pg_partitioned_table p ON p.partrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname, a.attnum
"""
TABLES = """
SELECT oid, relname, relkind = 'p', relreplident = 'f' FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY relname
"""


class Generator:
    def __init__(self, source: Database, random, history):
        self.random, self.counts = random, Counter()
        self._history = open(history, "w", encoding="utf-8", buffering=1)
        self._connection, self._second = source.connect(), source.connect()
        self._busy, self._left = None, 0  # The table of the transaction that the second connection holds open, and for how much longer.
        self._numbers = iter(range(1, 10 ** 6))
        self._swapped, self._deck = set(), []

    def close(self):
        self._connection.close()
        self._second.close()

    def run(self, statement, connection=None):
        self._history.write(f"{statement};{'' if connection is None else '  -- second connection'}\n")
        return (connection or self._connection).execute(statement)

    def _ask(self, statement, parameters=None) -> list:
        return self._connection.execute(statement, parameters).fetchall()

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _name(self) -> str:
        """Never the same twice."""
        return f"{self.random.choice(NAMES)}{next(self._numbers)}"

    # ── what is there ──

    def tables(self, fits=lambda table: True) -> list:
        columns = {}
        for oid, *column in self._ask(COLUMNS):
            columns.setdefault(oid, []).append(Column(*column))
        found = [Table(*row, tuple(columns.get(oid, ()))) for oid, *row in self._ask(TABLES)]
        return [t for t in found if t.name != self._busy and fits(t)]

    def _table(self, fits=lambda table: True) -> Table | None:
        found = self.tables(fits)
        return self.random.choice(found) if found else None

    def _column(self, fits):
        """A table and a column of it, or nothing."""
        found = [(table, column) for table in self.tables() for column in table.columns if fits(table, column)]
        return self.random.choice(found) if found else (None, None)

    def _partitions(self, table: Table) -> list:
        """(name, lower bound) of each; every one is a hundred wide."""
        rows = self._ask("SELECT relname, pg_get_expr(relpartbound, c.oid) FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid "
                         "WHERE inhparent = to_regclass(%s) ORDER BY 1", [table.sql])
        return [(name, int(re.search(r"-?\d+", bound)[0])) for name, bound in rows]

    # ── values ──

    def _value(self, table: Table, column: Column) -> str:
        if column.range:
            return str(self.random.choice(self._partitions(table))[1] + self.random.randrange(100))
        if not (column.key or column.not_null) and self._chance(0.15):
            return "NULL"
        if column.default and column.plain and self._chance(0.3):
            return "DEFAULT"
        if column.plain and column.type in ("text", "bytea") and self._chance(0.5 if column.external else 0.03):
            return literal(("\\x" if column.type == "bytea" else "") + self.random.randbytes(self.random.randint(2500, 9000)).hex())
        # What the lake can't hold would not identify a row there.
        return literal(self._text(column.type, beyond=not column.key and bool(table.key)))

    def _text(self, type_: str, beyond: bool) -> str:
        r = self.random
        if type_.endswith("[]"):
            return self._array(type_.removesuffix("[]"), beyond)
        if type_ in VALUES:
            return VALUES[type_](r, beyond)
        if type_ == MOOD:
            return r.choice(self._ask("SELECT enumlabel FROM pg_enum ORDER BY enumtypid, enumsortorder"))[0]
        if type_ == "pair":
            types = self._ask("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'pair'::regclass "
                              "AND NOT attisdropped ORDER BY attnum")
            return "(" + ",".join("" if self._chance(0.2) else self._quoted(self._text(t, beyond)) for (t,) in types) + ")"
        name, *sizes = re.findall(r"[a-z ]+|\d+", type_)
        sizes = [int(size) for size in sizes]
        if name == "numeric":
            return numeric(*sizes)(r, beyond)
        return bits(*sizes * 2)(r, beyond) if name == "bit" else text(r, beyond, longest=sizes[0])

    def _array(self, element: str, beyond: bool) -> str:
        items = ["NULL" if self._chance(0.1) else self._quoted(self._text(element, beyond)) for _ in range(self.random.randrange(5))]
        if beyond and items and self._chance(0.1):
            return self.random.choice([f"{{{{{','.join(items)}}},{{{','.join(items)}}}}}", f"[2:{len(items) + 1}]={{{','.join(items)}}}"])
        return "{" + ",".join(items) + "}"

    @staticmethod
    def _quoted(item: str) -> str:
        return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'

    # ── tables ──

    def make_schema(self):
        self.run(USER_TYPES)
        more = self.random.choices(("keyed", "full"), k=self.random.randint(0, 4))
        for kind in ("keyed", "full", "no identity", "partitioned", "generated", *more):
            self._create(self._name(), kind)

    def _create(self, name: str, kind: str = "keyed"):
        r = self.random
        keys = [(quote(self._name()), r.choice(KEY_TYPES)) for _ in range(r.randint(1, 3))] if kind not in ("full", "no identity") else []
        columns = [f"{quote(self._name())} {self._column_type()}" for _ in range(r.randint(2, 12))]
        columns += [f"{quote(self._name())} character varying(20) NOT NULL DEFAULT 'd''é'", f"{quote(self._name())} integer",
                    f"{quote(self._name())} numeric(10,2)", f"{quote(self._name())} bigint UNIQUE", f"{quote(big := self._name())} text"]
        partitioned = ""
        if kind == "partitioned":
            keys.append((quote(self._name()), "integer"))
            partitioned = f" PARTITION BY RANGE ({keys[-1][0]})"
            columns = [c.removesuffix(" UNIQUE") for c in columns]
        if kind == "generated":
            columns += [f"{quote(base := self._name())} integer",
                        f"{quote(self._name())} bigint GENERATED ALWAYS AS ({quote(base)}::bigint * 2) STORED"]
        r.shuffle(columns)
        primary = [f"PRIMARY KEY ({', '.join(key for key, _ in keys)})"] if keys else []
        parts = [f"{key} {type_}" for key, type_ in keys] + columns + primary
        self.run(f"CREATE TABLE {quote(name)} ({', '.join(parts)}){partitioned}")
        self.run(f"ALTER TABLE {quote(name)} ALTER {quote(big)} SET STORAGE EXTERNAL")
        if kind == "full":
            self.run(f"ALTER TABLE {quote(name)} REPLICA IDENTITY FULL")
        for lower in (-100, 0, 100) if partitioned else ():
            self._add_partition(quote(name), lower)
        self._fill(name)

    def _column_type(self) -> str:
        type_ = self.random.choice(TYPES)
        default = literal(self._text(type_, beyond=False)) if self._chance(0.1) else None
        return f"{type_} DEFAULT {default}" if default else type_

    def _add_partition(self, parent: str, lower: int):
        self.run(f"CREATE TABLE {quote(self._name())} PARTITION OF {parent} FOR VALUES FROM ({lower}) TO ({lower + 100})")

    def _fill(self, name: str):
        table = next(t for t in self.tables() if t.name == name)
        for _ in range(self.random.randint(1, 3)):
            self._insert_into(table, self.random.randint(5, 12))

    # ── rows ──

    def _insert_into(self, table: Table, count: int, connection=None) -> int:
        columns = [c for c in table.columns if not c.generated]
        rows = ", ".join("(" + ", ".join(self._value(table, c) for c in columns) + ")" for _ in range(count))
        names = ", ".join(c.sql for c in columns)
        return self.run(f"INSERT INTO {table.sql} ({names}) VALUES {rows} ON CONFLICT DO NOTHING", connection).rowcount

    def _some(self, table: Table, most: int, where: str = "true") -> str:
        """A condition for a few rows: by their values, so that the same seed finds the same."""
        salt = self.random.randrange(10 ** 6)
        return (f"(tableoid, ctid) IN (SELECT tableoid, ctid FROM {table.sql} AS chosen WHERE {where} "
                f"ORDER BY md5(chosen::text || '{salt}') LIMIT {self.random.randint(1, most)})")

    def _set(self, table: Table, columns) -> str:
        return ", ".join(f"{c.sql} = {self._value(table, c)}" for c in columns)

    def insert(self):
        return self._insert_into(self._table(), 1)

    def insert_many(self):
        return self._insert_into(self._table(), self.random.randint(3, 15))

    def update(self):
        table = self._table(lambda t: t.changeable and t.plain)
        chosen = self.random.sample(table.plain, self.random.randint(1, min(3, len(table.plain))))
        return self.run(f"UPDATE {table.sql} SET {self._set(table, chosen)} WHERE {self._some(table, 1)}").rowcount

    def update_many(self):
        table = self._table(lambda t: t.changeable and t.plain)
        column = self.random.choice(table.plain)
        return self.run(f"UPDATE {table.sql} SET {self._set(table, [column])} WHERE {self._some(table, 12)}").rowcount

    def update_beside_large_value(self):
        table, large = self._column(lambda t, c: t.changeable and c.external and c.type == "text" and len(t.plain) > 1)
        if table is None:
            return 0
        others = [c for c in table.columns if c is not large and not c.generated and not c.range]
        return self.run(f"UPDATE {table.sql} SET {self._set(table, [self.random.choice(others)])} "
                        f"WHERE {self._some(table, 3, f'length({large.sql}) > 3000')}").rowcount

    def update_key(self):
        table = self._table(lambda t: any(not c.range for c in t.key))
        if table is None:
            return 0
        column = self.random.choice([c for c in table.key if not c.range])
        most = 2 if len(table.key) > 1 else 1
        return self.run(f"UPDATE {table.sql} SET {self._set(table, [column])} WHERE {self._some(table, most)}").rowcount

    def delete(self):
        table = self._table(lambda t: t.changeable)
        return self.run(f"DELETE FROM {table.sql} WHERE {self._some(table, 4)}").rowcount

    def truncate(self):
        return self.run(f"TRUNCATE {self._table().sql}").rowcount

    def exchange_unique_values(self):
        """Two rows, by way of a third value."""
        table, column = self._column(lambda t, c: t.changeable and c.name in self._unique(t) and not c.not_null and not c.key)
        if table is None:
            return 0
        values = self._ask(f"SELECT {column.sql}::text FROM {table.sql} WHERE {column.sql} IS NOT NULL "
                           f"ORDER BY md5({column.sql}::text) LIMIT 2")
        if len(values) < 2:
            return 0
        one, other = (literal(value) for (value,) in values)
        aside = self._value(table, column)
        self.run(f"UPDATE {table.sql} SET {column.sql} = {aside} WHERE {column.sql} = {one}")
        self.run(f"UPDATE {table.sql} SET {column.sql} = {one} WHERE {column.sql} = {other}")
        if aside in ("NULL", "DEFAULT"):
            return 0
        return self.run(f"UPDATE {table.sql} SET {column.sql} = {other} WHERE {column.sql} = {aside}").rowcount

    def _unique(self, table: Table) -> set:
        """Columns that are unique alone."""
        rows = self._ask("SELECT attname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1] "
                         "WHERE conrelid = to_regclass(%s) AND contype = 'u' AND array_length(conkey, 1) = 1", [table.sql])
        return {name for (name,) in rows}

    def move_between_partitions(self):
        table, column = self._column(lambda t, c: c.range)
        if table is None:
            return 0
        target = self.random.choice(self._partitions(table))[1]
        away = f"{column.sql} NOT BETWEEN {target} AND {target + 99}"
        there = target + self.random.randrange(100)
        return self.run(f"UPDATE {table.sql} SET {column.sql} = {there} WHERE {self._some(table, 2, away)}").rowcount

    ROWS = {insert: 6, insert_many: 4, update: 8, update_many: 4, update_beside_large_value: 4, update_key: 4, delete: 5, truncate: 0.5,
            exchange_unique_values: 2, move_between_partitions: 2}

    # ── transactions ──

    def _change(self) -> Counter:
        [how] = self.random.choices(list(self.ROWS), weights=list(self.ROWS.values()))
        return Counter({how.__name__: 1} if how(self) else {})

    def _body(self, depth: int = 0) -> Counter:
        """Changes, and savepoints around some of them."""
        done = Counter()
        for _ in range(self.random.randint(1, 4)):
            if depth == 3 or self._chance(0.75):
                done += self._change()
                continue
            self.run(f"SAVEPOINT s{depth}")
            inner = self._body(depth + 1)
            if self._chance(0.5):
                self.run(f"ROLLBACK TO s{depth}")
                done["savepoint_rolled_back"] += bool(inner)
            else:
                done += inner
        return done

    def transaction(self, structure=None):
        """Changes of rows, and among them one of structure, if given. Returns whether it was committed."""
        self.run("BEGIN")
        try:
            done = Counter() if structure and self._chance(0.5) else self._body()
            if structure:
                if not structure(self):
                    raise errors.FeatureNotSupported("nothing to do it to")
                done += Counter([structure.__name__]) + (Counter() if self._chance(0.5) else self._body())
        except REFUSED:
            self.run("ROLLBACK")
            return False
        if self._chance(0.1):
            self.run("ROLLBACK")
            self.counts["structure_rolled_back" if structure else "aborted"] += bool(done)
            return False
        self.run("COMMIT")
        self.counts += done
        return True

    def overlapping(self):
        """Holds a transaction of the second connection open while others come and go."""
        if self._busy is None:
            table = self._table()
            self.run("BEGIN", self._second)
            try:
                self._insert_into(table, self.random.randint(20, 60), self._second)
            except REFUSED:
                self.run("ROLLBACK", self._second)
                return
            self._busy, self._left = table.name, self.random.randint(2, 5)
        elif self._left:
            self._left -= 1
        else:
            self.finish_overlapping()

    def finish_overlapping(self):
        if self._busy is not None:
            self.run("COMMIT", self._second)
            self._busy = None
            self.counts["overlapping"] += 1

    def change_structure(self):
        """One of a deck that holds every change once; those that find nothing to do come again later."""
        if not self._deck:
            self._deck = self.random.sample(self.STRUCTURE, len(self.STRUCTURE))
        for structure in list(self._deck):
            apply = self._alone if structure in self.ALONE else self.transaction
            if apply(structure):
                self._deck.remove(structure)
                return

    def _alone(self, structure) -> bool:
        try:
            done = bool(structure(self))
        except REFUSED:
            return False
        self.counts[structure.__name__] += done
        return done

    def forget_swapped(self):
        """Once the destinations are equal."""
        self._swapped.clear()

    # ── structure: each returns whether there was something to do it to ──

    def add_column(self):
        return self.run(f"ALTER TABLE {self._table().sql} ADD COLUMN {quote(self._name())} {self.random.choice(TYPES)}")

    def add_column_with_default(self):
        type_ = self.random.choice(TYPES)
        value = literal(self._text(type_, False))
        column = self.random.choice([f"{type_} DEFAULT {value}", f"{type_} NOT NULL DEFAULT {value}",
                                     "double precision DEFAULT random()", "bigserial", "int GENERATED BY DEFAULT AS IDENTITY"])
        table = self._table(lambda t: not t.partitioned or "IDENTITY" not in column)
        return self.run(f"ALTER TABLE {table.sql} ADD COLUMN {quote(self._name())} {column}")

    def drop_column(self):
        # One dropped and another renamed to its name are taken for each other in the rows until the destinations are there: declared.
        table, column = self._column(lambda t, c: c.plain and len(t.plain) > 2 and (t.name, c.name) not in self._swapped)
        return self.run(f"ALTER TABLE {table.sql} DROP COLUMN {column.sql}")

    def drop_and_add_column(self):
        table, column = self._column(lambda t, c: c.plain and len(t.plain) > 2 and (t.name, c.name) not in self._swapped)
        self.run(f"ALTER TABLE {table.sql} DROP COLUMN {column.sql}")
        return self.run(f"ALTER TABLE {table.sql} ADD COLUMN {column.sql} {column.type}")

    def rename_column(self):
        table, column = self._column(lambda t, c: (t.name, c.name) not in self._swapped)
        return self.run(f"ALTER TABLE {table.sql} RENAME {column.sql} TO {quote(self._name())}")

    def swap_columns(self):
        table = self._table(lambda t: len(t.columns) > 1)
        one, other = self.random.sample(table.columns, 2)
        self._swapped |= {(table.name, one.name), (table.name, other.name)}
        aside = quote(self._name())
        self.run(f"ALTER TABLE {table.sql} RENAME {one.sql} TO {aside}")
        self.run(f"ALTER TABLE {table.sql} RENAME {other.sql} TO {one.sql}")
        return self.run(f"ALTER TABLE {table.sql} RENAME {aside} TO {other.sql}")

    def _retype(self, fits, type_):
        table, column = self._column(lambda t, c: not c.range and not any(other.generated for other in t.columns) and fits(c))
        return table and self.run(f"ALTER TABLE {table.sql} ALTER {column.sql} TYPE {type_(column)}")

    def widen_integer(self):
        return self._retype(lambda c: c.type == "integer", lambda c: "bigint")

    def widen_varchar(self):
        wider = self.random.choice(["text", "character varying(40)"])
        return self._retype(lambda c: c.type == "character varying(20)", lambda c: wider)

    def widen_numeric(self):
        wider = self.random.choice(["numeric(12,2)", "numeric(14,4)"])
        return self._retype(lambda c: c.type == "numeric(10,2)", lambda c: wider)

    def rewrite_by_using(self):
        if self._chance(0.5):
            return self._retype(lambda c: c.type in ("integer", "smallint"), lambda c: f"{c.type} USING -{c.sql}")
        return self._retype(lambda c: not (c.key or c.default or c.identity), lambda c: f"text USING 'u' || {c.sql}::text")

    def set_not_null(self):
        table, column = self._column(lambda t, c: t.changeable and c.plain and not c.not_null and c.name not in self._unique(t))
        if table is None:
            return None
        self.run(f"UPDATE {table.sql} SET {column.sql} = {literal(self._text(column.type, False))} WHERE {column.sql} IS NULL")
        return self.run(f"ALTER TABLE {table.sql} ALTER {column.sql} SET NOT NULL")

    def drop_not_null(self):
        table, column = self._column(lambda t, c: c.plain and c.not_null and not c.identity)
        return table and self.run(f"ALTER TABLE {table.sql} ALTER {column.sql} DROP NOT NULL")

    def add_unique(self):
        table, column = self._column(lambda t, c: t.key and c.plain and c.type in INDEXED)
        if table is None:
            return None
        columns = [column] if self._chance(0.5) and not table.partitioned else [column, *reversed(table.key)]
        return self.run(f"ALTER TABLE {table.sql} ADD CONSTRAINT {quote(self._name())} UNIQUE ({', '.join(c.sql for c in columns)})")

    def drop_unique(self):
        names = "SELECT conname FROM pg_constraint WHERE conrelid = to_regclass(%s) AND contype = 'u' ORDER BY 1"
        found = [(table, name) for table in self.tables() for (name,) in self._ask(names, [table.sql])]
        table, name = self.random.choice(found) if found else (None, None)
        return table and self.run(f"ALTER TABLE {table.sql} DROP CONSTRAINT {quote(name)}")

    def create_index(self):
        table, column = self._column(lambda t, c: c.type in INDEXED)
        return self.run(f"CREATE INDEX {quote(self._name())} ON {table.sql} ({column.sql})")

    def add_enum_value(self):
        return self.run(f"ALTER TYPE {MOOD} ADD VALUE {literal(self._name())} BEFORE {literal(self._text(MOOD, False))}")

    def rename_enum_value(self):
        return self.run(f"ALTER TYPE {MOOD} RENAME VALUE {literal(self._text(MOOD, False))} TO {literal(self._name())}")

    def add_attribute(self):
        if self._busy:
            return None
        type_ = self.random.choice(("integer", "text", "date", "boolean", "uuid"))
        return self.run(f"ALTER TYPE pair ADD ATTRIBUTE {quote(self._name())} {type_}")

    def _partitioned(self) -> tuple:
        table = self._table(lambda t: t.partitioned)
        return table, self._partitions(table) if table else []

    def add_partition(self):
        table, partitions = self._partitioned()
        if table is None:
            return None
        self._add_partition(table.sql, max(lower for _, lower in partitions) + 100)
        return True

    def attach_filled_partition(self):
        table, partitions = self._partitioned()
        if table is None:
            return None
        lower, column = max(lower for _, lower in partitions) + 100, next(c for c in table.columns if c.range)
        new, source = quote(self._name()), self.random.choice(partitions)
        self.run(f"CREATE TABLE {new} (LIKE {table.sql} INCLUDING ALL)")
        names = [c for c in table.columns if not c.generated]
        values = [f"{c.sql} + {lower - source[1]}" if c is column else c.sql for c in names]
        self.run(f"INSERT INTO {new} ({', '.join(c.sql for c in names)}) SELECT {', '.join(values)} FROM {quote(source[0])}")
        return self.run(f"ALTER TABLE {table.sql} ATTACH PARTITION {new} FOR VALUES FROM ({lower}) TO ({lower + 100})")

    def _one_of_many_partitions(self) -> tuple:
        table, partitions = self._partitioned()
        return (table.sql, quote(self.random.choice(partitions)[0])) if len(partitions) > 2 else (None, None)

    def detach_partition(self):
        table, partition = self._one_of_many_partitions()
        return table and self.run(f"ALTER TABLE {table} DETACH PARTITION {partition}")

    def drop_partition(self):
        table, partition = self._one_of_many_partitions()
        return table and self.run(f"DROP TABLE {partition}")

    def truncate_partition(self):
        table, partition = self._one_of_many_partitions()
        return table and self.run(f"TRUNCATE {partition}")

    def drop_and_create_table(self):
        table = self._table(lambda t: not t.partitioned)
        self.run(f"DROP TABLE {table.sql}")
        self._create(table.name, self.random.choice(("keyed", "full")))
        return True

    def new_table(self):
        self._create(self._name(), self.random.choice(("keyed", "full", "generated", "partitioned", "no identity")))
        return True

    def drop_table(self):
        table = self._table(lambda t: not t.partitioned)
        return len(self.tables()) > 6 and self.run(f"DROP TABLE {table.sql}")

    def rename_table(self):
        table = self._table()
        return self.run(f"ALTER TABLE {table.sql} RENAME TO {quote(self._name())}")

    def identity_full(self):
        table = self._table(lambda t: t.key and not t.full and not t.partitioned)
        return table and self.run(f"ALTER TABLE {table.sql} REPLICA IDENTITY FULL")

    def vacuum_full(self):
        return self._busy is None and self.run(f"VACUUM FULL {self._table().sql}")

    STRUCTURE = (add_column, add_column_with_default, drop_column, drop_and_add_column, rename_column, swap_columns, widen_integer,
                 widen_varchar, widen_numeric, rewrite_by_using, set_not_null, drop_not_null, add_unique, drop_unique, create_index,
                 add_enum_value, rename_enum_value, add_attribute, add_partition, attach_filled_partition, detach_partition, drop_partition,
                 truncate_partition, drop_and_create_table, new_table, drop_table, rename_table, identity_full, vacuum_full)
    ALONE = (add_enum_value, vacuum_full)  # PostgreSQL takes them, or what they made, in no larger transaction.
    # All that should have happened once.
    CATEGORIES = {"savepoint_rolled_back", "aborted", "structure_rolled_back", "overlapping",
                  *(how.__name__ for how in (*ROWS, *STRUCTURE))}
