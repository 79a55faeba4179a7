"""The oracle itself: it accepts what is equal and finds what is not, by both readers."""

import datetime
import decimal
import uuid

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.schema import Schema
from pyiceberg.types import (BinaryType, BooleanType, DateType, DecimalType, DoubleType, FloatType, IntegerType, ListType, LongType,
                             NestedField, StringType, TimestampType, TimestamptzType, UUIDType)

TABLE = """
CREATE TABLE t (id int PRIMARY KEY, b bool, i2 int2, i8 int8, f4 float4, f8 float8, n numeric(10,2), free numeric, m money,
                raw bytea, d date, ts timestamp, tz timestamptz, u uuid, j jsonb, c char(5), i inet, span interval, tags text[], xs float8[]);
INSERT INTO t VALUES (1, true, 2, 3, 0.1, '-0', 12.50, 1e30, 7.05, '\\xdead', '2020-02-29', '1999-12-31 23:59:59.999999',
                      '2024-06-01 12:00+02', '00000000-0000-0000-0000-000000000001', '{"a": 1}', 'ab', '10.0.0.1', '1 year 2 days',
                      ARRAY['a,b', NULL, '', 'ü'], '{1.5,NaN,-Infinity}');
INSERT INTO t (id, d, n) VALUES (2, 'infinity', 'NaN');
"""

FIELDS = [
    ("id", IntegerType(), 1, None), ("b", BooleanType(), True, None), ("i2", IntegerType(), 2, None), ("i8", LongType(), 3, None),
    ("f4", FloatType(), 0.1, None), ("f8", DoubleType(), -0.0, None), ("n", DecimalType(10, 2), decimal.Decimal("12.50"), None),
    ("free", StringType(), "1" + "0" * 30, None), ("m", DecimalType(19, 2), decimal.Decimal("7.05"), None),
    ("raw", BinaryType(), b"\xde\xad", None), ("d", DateType(), datetime.date(2020, 2, 29), None),
    ("ts", TimestampType(), datetime.datetime(1999, 12, 31, 23, 59, 59, 999999), None),
    ("tz", TimestamptzType(), datetime.datetime(2024, 6, 1, 10, tzinfo=datetime.timezone.utc), None),
    ("u", UUIDType(), uuid.UUID(int=1).bytes, None), ("j", StringType(), '{"a": 1}', None), ("c", StringType(), "ab   ", None),
    ("i", StringType(), "10.0.0.1", None), ("span", StringType(), "P1Y2D", None),
    ("tags", ListType(100, StringType(), False), ["a,b", None, "", "ü"], None),
    ("xs", ListType(101, DoubleType(), False), [1.5, float("nan"), float("-inf")], None),
    ("_ingested_at", TimestamptzType(), datetime.datetime.now(datetime.timezone.utc), datetime.datetime.now(datetime.timezone.utc)),
    ("_committed_at", TimestamptzType(), datetime.datetime.now(datetime.timezone.utc), datetime.datetime.now(datetime.timezone.utc)),
    ("_lsn", LongType(), 1, 1),
]


@pytest.fixture
def hand_made_lake(source, replica, lake):
    """write(change): the table in replica and lake, by hand; `change` edits the lake's first row."""
    source.execute(TABLE)
    replica.execute(TABLE)

    def write(**change):
        catalog = SqlCatalog("sluice", uri=f"sqlite:///{lake}/catalog.db", warehouse=f"file://{lake}")
        catalog.create_namespace("public")
        schema = Schema(*[NestedField(i + 1, name, type_, required=False) for i, (name, type_, _, _) in enumerate(FIELDS)])
        table = catalog.create_table(("public", "t"), schema)
        first = {name: one for name, _, one, _ in FIELDS} | {"id": 1} | change
        second = {name: two for name, _, _, two in FIELDS} | {"id": 2}
        table.append(pa.Table.from_pylist([first, second], schema=table.schema().as_arrow()))

    return write


def test_equal_tables_are_equal(hand_made_lake, compare):
    hand_made_lake()
    compare()


@pytest.mark.parametrize("change", [{"b": False}, {"f8": 0.0}, {"tags": ["a", "b,", "", "ü"]}, {"c": "ab"}, {"u": None}, {"_lsn": None},
                                    {"tz": datetime.datetime(2024, 6, 1, 12, tzinfo=datetime.timezone.utc)}], ids=str)
def test_a_changed_value_in_the_lake_is_found(hand_made_lake, compare, change):
    hand_made_lake(**change)
    with pytest.raises(AssertionError, match="public.t"):
        compare()


def test_a_row_twice_in_the_replica_is_found(hand_made_lake, compare, replica):
    hand_made_lake()
    replica.execute("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t SELECT * FROM t WHERE id = 1")
    with pytest.raises(AssertionError, match="replica: 0 rows are missing or differ, 1 are too many"):
        compare()


def test_a_missing_row_in_the_replica_is_found(hand_made_lake, compare, replica):
    hand_made_lake()
    replica.execute("DELETE FROM t WHERE id = 2")
    with pytest.raises(AssertionError, match="replica: 1 rows are missing"):
        compare()
