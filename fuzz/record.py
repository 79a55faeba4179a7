"""Records the corpus from real servers and a real writer of Iceberg tables: fuzz/record.py, from the repository's folder, in tests' venv.

Adds files and overwrites those of the same name; what a fuzzer found stays. Inputs begin with the choices that each
target takes off the front (its Input::Choice and Piece calls).
"""

import json
import pathlib
import shutil
import struct
import sys
import zlib

import psycopg
import pyarrow
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform
from pyiceberg.types import (BinaryType, BooleanType, DateType, DecimalType, DoubleType, ListType, LongType, NestedField, StringType,
                             TimestamptzType, UUIDType)

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.postgres import PostgresServer  # noqa: E402

CORPUS = ROOT / "fuzz" / "corpus"

# In the order of value_types.cc, with values of each.
TYPES = [
    ("bool", "true"), ("bytea", "\\x00ff"), ('"char"', "a"), ("name", "some_name"), ("int8", "-9223372036854775808"), ("int2", "32767"),
    ("int2vector", "1 2 3"), ("int4", "-7"), ("oid", "24"), ("text", "a\"b\\c\nü"), ("oid", "4294967295"), ("tid", "(7,2)"), ("xid", "9"),
    ("cid", "3"), ("oidvector", "1 4294967295"), ("json", "{\"a\": [1, null]}"), ("xml", "<a/>"), ("point", "(1.5,-2)"), ("lseg", "[(0,0),(1,1)]"),
    ("path", "[(0,0),(1,NaN)]"), ("box", "(3,4),(1,2)"), ("polygon", "((0,0),(1,1),(2,0))"), ("line", "{1,-1,0.5}"), ("cidr", "10.0.0.0/8"),
    ("float4", "1.1"), ("float8", "-5e-324"), ("text", "unknown"), ("circle", "<(1,2),3.5>"), ("macaddr8", "08:00:2b:01:02:03:04:05"),
    ("money", "-12.34"), ("macaddr", "08:00:2b:01:02:03"), ("inet", "2001:db8::1/32"), ("bpchar", "ab "), ("varchar", "x"), ("date", "2024-02-29"),
    ("time", "23:59:59.5"), ("timestamp", "0001-01-01 00:00:00.000001"), ("timestamptz", "2024-03-31 01:30:00+01"),
    ("interval", "-1 year 2 days -03:00:00.000001"), ("timetz", "12:00:00.5+01:02:03"), ("bit(3)", "101"), ("varbit", "0101010101"),
    ("numeric", "-123456.000789"), ("uuid", "61626364-6566-6768-696a-6b6c6d6e6f70"), ("pg_lsn", "16/B374D848"), ("tsvector", "'a':1 'b':2A,3"),
    ("tsquery", "'a' & !'b' | 'c':*A <3> 'd'"), ("jsonb", "{\"b\": 1.50}"), ("jsonpath", "$.a[*] ? (@ > 1)"), ("pg_snapshot", "10:20:10,14,15"),
    ("xid8", "18446744073709551615"), ("numeric(10,2)", "-99999999.99"), ("numeric(38,37)", "9.9999999999999999999999999999999999999"),
    ("numeric(5,-2)", "1234500"), ("numeric(3,6)", "0.000999"), ("mood", "very \"sad\""), ("age", "77"), ("int4[]", "{1,NULL,3}"),
    ("ages", "{{1,2},{3,4}}"), ("pair", "(1,\"a \"\"b\"\"\")"),
    ("priced", "(-1.50,\"\\\\x00\",\"2024-02-29 12:00:00\",\"{1}\",\"{\"\"(1,x)\"\",NULL}\",1e10,NaN,t,infinity,sad)"), ("int4range", "[1,5)"),
    ("text_range", "[\"a b\",\"c\\\"d\")"), ("text[]", "{\"a,b\",\"\",NULL}"), ("interval[]", "{\"1 year\",NULL}"), ("numeric[]", "{1.5,NaN,-1e20}"),
    ("mood[]", "{sad,NULL}"), ("ages[]", "{\"{1,2}\",NULL,\"{3}\"}"), ("int4range[]", "{\"[1,5)\",empty}"), ("int4multirange", "{[1,3),[5,8)}"),
    ("tstzmultirange", "{[2020-01-01 00:00Z,2021-01-01 00:00Z),[2022-01-01 00:00Z,)}"), ("tstzrange", "[2020-01-01 00:00Z,)"),
    ("numrange", "[1.50,2.0]"), ("citext", "MiXed"), ("hstore", "\"a\"=>\"1\", \"b\"=>NULL"), ("ltree", "a.b.c"),
]


def write(target: str, name: str, content: bytes):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def piece(message: bytes) -> bytes:
    return struct.pack(">H", len(message)) + message


def record_values(connection):
    connection.execute(
        "CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; CREATE TYPE mood AS ENUM ('sad', 'very \"sad\"');"
        "CREATE DOMAIN age AS int; CREATE DOMAIN ages AS int[]; CREATE TYPE pair AS (a int, b text);"
        "CREATE TYPE priced AS (a money, b bytea, c timestamp, d int[], e pair[], f numeric, g float8, h bool, i date, j mood);"
        "CREATE TYPE text_range AS RANGE (subtype = text);"
        "SET lc_monetary = 'C'; SET datestyle = 'ISO, YMD'; SET intervalstyle = iso_8601; SET timezone = 'UTC'")
    for index, (name, value) in enumerate(TYPES):
        row = b"".join(copy_messages(connection, f"SELECT {psycopg.sql.quote(value)}::text::{name}"))[19:]
        binary = row[6:6 + struct.unpack(">i", row[2:6])[0]]
        text = connection.execute(f"SELECT {psycopg.sql.quote(value)}::text::{name}::text").fetchone()[0].encode()
        short = "".join(c if c.isalnum() else "_" for c in name)
        write("value", f"{short}_{index}_binary", bytes([index, 0]) + binary)
        write("value", f"{short}_{index}_text", bytes([index, 1]) + text)
        if any(word in name for word in ("[]", "range", "ages", "pair", "priced")):
            write("oid_translation", f"{short}_{index}", bytes([index, 1]) + binary)
    rows = "SELECT x, 'r' || x, CASE WHEN x % 2 = 0 THEN x * 1.5 END, ARRAY[x, NULL] FROM generate_series(1, 5) x"
    messages = copy_messages(connection, rows)
    wanted = [next(i for i, (name, _) in enumerate(TYPES) if name == column) for column in ("int4", "text", "numeric", "int4[]")]
    write("copy", "four_columns", bytes([len(wanted), *wanted]) + b"".join(map(piece, messages)))
    write("copy", "no_columns", bytes([0]) + b"".join(map(piece, copy_messages(connection, "SELECT FROM generate_series(1, 3)"))))
    write("copy", "no_rows", bytes([1, wanted[0]]) + b"".join(map(piece, copy_messages(connection, "SELECT 1 WHERE false"))))


def copy_messages(connection, query: str) -> list:
    with connection.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as copy:
        return [bytes(message) for message in copy]


TRANSACTIONS = [
    "INSERT INTO shot VALUES (1, 'a', 1.5, 'sad'), (2, NULL, NULL, NULL)",
    "UPDATE shot SET note = 'b' WHERE id = 1; UPDATE shot SET id = 3 WHERE id = 2; DELETE FROM shot WHERE id = 1",
    "INSERT INTO loud VALUES (1, repeat('x', 300)), (2, 'y'); UPDATE loud SET note = 'z'; DELETE FROM loud",
    "ALTER TABLE shot ADD COLUMN more text DEFAULT 'm'; INSERT INTO shot VALUES (4, 'c', 2, 'sad', 'n')",
    "INSERT INTO shot VALUES (5); SAVEPOINT s; INSERT INTO shot VALUES (6); ROLLBACK TO s; INSERT INTO shot VALUES (7)",
    "TRUNCATE shot, loud",
    "SELECT pg_logical_emit_message(true, 'other', 'inside'); SELECT pg_logical_emit_message(false, 'sluice', '1700000000000000');"
    "INSERT INTO shot VALUES (8)",
    "INSERT INTO shot VALUES (9); ROLLBACK",
]


def record_stream(major: int, settings: str, prefix: str, protocol: int):
    server = PostgresServer(major, settings)
    try:
        database = server.new_database()
        database.execute("CREATE TYPE mood AS ENUM ('sad'); CREATE TABLE shot (id int PRIMARY KEY, note text, n numeric, m mood);"
                         "CREATE TABLE loud (id int, note text); ALTER TABLE loud REPLICA IDENTITY FULL; CREATE PUBLICATION p FOR TABLE shot, loud")
        database.execute("SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
        recorded = []
        for number, transaction in enumerate(TRANSACTIONS):
            database.execute(f"BEGIN; {transaction}; COMMIT")
            messages = [bytes(row[0]) for row in database.rows(
                "SELECT data FROM pg_logical_slot_get_binary_changes('s', NULL, NULL, 'proto_version', %s, 'publication_names', 'p',"
                " 'binary', 'true', 'streaming', 'true', 'messages', 'true')", [str(protocol)])]
            recorded += messages
            write("assembler", f"{prefix}_{number}", bytes([number % 4]) + b"".join(map(piece, messages)))
        write("assembler", f"{prefix}_all", bytes([1]) + b"".join(map(piece, recorded)))
        in_block, seen = False, set()
        for message in recorded:
            kind = (in_block, message[:1], len(message) // 64)
            in_block = {b"S": True, b"E": False}.get(message[:1], in_block)
            if kind in seen:
                continue
            seen.add(kind)
            write("pgoutput", f"{prefix}_{message[:1].decode()}_{int(kind[0])}_{kind[2]}", bytes([int(kind[0])]) + message)
    finally:
        server.remove()


def zigzag(value: int) -> bytes:
    value = value << 1 if value >= 0 else (-value << 1) - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


class AvroFile:
    """A container taken apart, so that it can be written without compression: nothing can be fuzzed behind deflate."""

    def __init__(self, content: bytes):
        self.content, self.at = content, 4
        self.metadata, self.blocks = {}, []
        while (count := self.long()) != 0:
            if count < 0:
                self.long()
            for _ in range(abs(count)):
                key = self.bytes()
                self.metadata[key] = self.bytes()
        self.sync = self.take(16)
        while self.at < len(content):
            count = self.long()
            block = self.bytes()
            assert self.take(16) == self.sync
            self.blocks.append((count, zlib.decompress(block, -15) if self.metadata[b"avro.codec"] == b"deflate" else block))

    def take(self, count: int) -> bytes:
        self.at += count
        return self.content[self.at - count:self.at]

    def long(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value >> 1 if value & 1 == 0 else -(value >> 1) - 1

    def bytes(self) -> bytes:
        return self.take(self.long())

    def unpacked(self) -> bytes:
        metadata = {**self.metadata, b"avro.codec": b"null"}
        out = b"Obj\1" + zigzag(len(metadata))
        for key, value in metadata.items():
            out += zigzag(len(key)) + key + zigzag(len(value)) + value
        out += b"\0" + self.sync
        for count, block in self.blocks:
            out += zigzag(count) + zigzag(len(block)) + block + self.sync
        return out


def record_iceberg():
    folder = pathlib.Path("/tmp/sluice-fuzz-lake")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    catalog = SqlCatalog("c", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
    catalog.create_namespace("n")
    schema = Schema(
        NestedField(1, "id", LongType(), required=True), NestedField(2, "at", TimestamptzType()), NestedField(3, "note", StringType()),
        NestedField(4, "price", DecimalType(10, 2)), NestedField(5, "day", DateType()), NestedField(6, "u", UUIDType()),
        NestedField(7, "b", BinaryType()), NestedField(8, "d", DoubleType()), NestedField(9, "t", BooleanType()),
        NestedField(10, "l", ListType(11, StringType(), element_required=False)))
    spec = PartitionSpec(PartitionField(2, 1000, DayTransform(), "at_day"), PartitionField(1, 1001, BucketTransform(4), "id_bucket"),
                         PartitionField(4, 1002, IdentityTransform(), "same_price"))
    arrow_schema = pyarrow.schema([
        pyarrow.field("id", pyarrow.int64(), nullable=False), ("at", pyarrow.timestamp("us", "UTC")), ("note", pyarrow.string()),
        ("price", pyarrow.decimal128(10, 2)), ("day", pyarrow.date32()), ("u", pyarrow.uuid()), ("b", pyarrow.binary()), ("d", pyarrow.float64()),
        ("t", pyarrow.bool_()), ("l", pyarrow.list_(pyarrow.string()))])
    rows = pyarrow.Table.from_pylist([
        {"id": 1, "at": 0, "note": "a", "price": None, "day": 3, "u": b"0123456789abcdef", "b": b"\0", "d": 1.5, "t": True, "l": ["x", None]},
        {"id": 2, "at": 10**12, "note": None}], arrow_schema)
    for name, partitioning, version in (("plain", PartitionSpec(), "2"), ("parted", spec, "2")):
        table = catalog.create_table(f"n.{name}", schema, partition_spec=partitioning, properties={"format-version": version})
        table.append(rows)
        table.append(rows)
        table.delete("id = 1")
        table.manage_snapshots().create_tag(table.current_snapshot().parent_snapshot_id, "kept").commit()
        metadata = table.io.new_input(table.metadata_location).open().read()
        write("table_metadata", f"{name}.json", json.dumps(json.loads(metadata), separators=(",", ":")).encode())
        for snapshot in table.snapshots()[-2:]:
            for index, path in enumerate([snapshot.manifest_list] + [m.manifest_path for m in snapshot.manifests(table.io)]):
                content = table.io.new_input(path).open().read()
                target, kind = ("manifest_list", "list") if index == 0 else ("manifest", f"manifest{index}")
                write(target, f"{name}_{snapshot.sequence_number}_{kind}", AvroFile(content).unpacked())
    write("manifest", "deflated", content)
    write("avro", "deflated", content)
    write("avro", "plain", AvroFile(content).unpacked())
    write("audit", "deflated", content)
    write("audit", "plain", AvroFile(content).unpacked())
    write("audit", "parted.json", metadata)
    shutil.rmtree(folder)


def main():
    server = PostgresServer(15)
    try:
        with server.new_database().connect() as connection:
            record_values(connection)
    finally:
        server.remove()
    record_stream(15, "", "v15", 2)
    record_stream(17, "debug_logical_replication_streaming = immediate", "v17_streamed", 4)
    record_iceberg()


if __name__ == "__main__":
    main()
