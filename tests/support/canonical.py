"""One text per value, computed by PostgreSQL from the source and by DuckDB from the lake.

Exact: floats by their bits, instants by their microseconds, decimals with their scale. What the type mapping cannot
hold is NULL on both sides.
"""

import dataclasses

from support.catalog import Type


@dataclasses.dataclass(frozen=True)
class Mapping:
    """How one source type arrives in the lake."""

    iceberg: str  # As PyIceberg prints the type.
    source: str  # SQL for PostgreSQL, of {x}.
    lake: str  # SQL for DuckDB, of {x}.


AS_TEXT = Mapping("string", "CASE WHEN {x} IS NULL THEN NULL ELSE format('%s', {x}) END", "{x}")
MICROSECONDS = ("CASE WHEN {x} >= '0001-01-01' AND {x} < '10000-01-01' THEN (extract(epoch FROM {x}) * 1000000)::bigint::text END",
                "epoch_us({x})::VARCHAR")

SIMPLE = {
    "bool": Mapping("boolean", "{x}::text", "{x}::VARCHAR"),
    "int2": Mapping("int", "{x}::text", "{x}::VARCHAR"),
    "int4": Mapping("int", "{x}::text", "{x}::VARCHAR"),
    "int8": Mapping("long", "{x}::text", "{x}::VARCHAR"),
    "oid": Mapping("long", "{x}::text", "{x}::VARCHAR"),
    "xid": Mapping("long", "{x}::text", "{x}::VARCHAR"),
    "cid": Mapping("long", "{x}::text", "{x}::VARCHAR"),
    "float4": Mapping("float", "('x' || encode(float4send({x}), 'hex'))::bit(32)::text", "{x}::FLOAT::BIT::VARCHAR"),
    "float8": Mapping("double", "('x' || encode(float8send({x}), 'hex'))::bit(64)::text", "{x}::DOUBLE::BIT::VARCHAR"),
    "money": Mapping("decimal(19, 2)", "{x}::numeric(19, 2)::text", "{x}::VARCHAR"),
    "bytea": Mapping("binary", "encode({x}, 'hex')", "lower(hex({x}))"),
    "date": Mapping("date", "CASE WHEN {x} >= '0001-01-01' AND {x} < '10000-01-01' THEN ({x} - date '1970-01-01')::text END",
                    "({x} - DATE '1970-01-01')::VARCHAR"),
    "timestamp": Mapping("timestamp", *MICROSECONDS),
    "timestamptz": Mapping("timestamptz", *MICROSECONDS),
    "uuid": Mapping("uuid", "{x}::text", "{x}::VARCHAR"),
    "xid8": Mapping("decimal(20, 0)", "{x}::text", "{x}::VARCHAR"),
}


def mapping(type_: Type, flat: bool = False) -> Mapping:
    """The mapping of the type reference. `flat`: for readers that take neither uuid nor lists."""
    if flat and type_.element is not None:
        # Without the signs of the source's locale.
        return Mapping("string", "to_json({x}::numeric(19, 2)[]::text[])::text" if type_.element.name == "pg_catalog.money" else "to_json({x})::text", "{x}")
    if flat and type_.name == "pg_catalog.uuid":
        return AS_TEXT
    if type_.element is not None:
        return _list_of(mapping(type_.element), type_.element.kind == "c")
    if type_.kind == "c":
        return Mapping("string", "row_to_json({x})::text", "{x}")
    namespace, name = type_.name.split(".", 1)
    if namespace == "pg_catalog":
        if name == "numeric":
            return _numeric(type_.typmod)
        if name in SIMPLE:
            return SIMPLE[name]
    return AS_TEXT


def _numeric(typmod: int) -> Mapping:
    if typmod < 0:
        return AS_TEXT
    precision = (typmod - 4) >> 16 & 0xFFFF
    scale = (typmod - 4) & 0x7FF
    if scale >= 1024:
        scale -= 2048
    if scale < 0:
        precision, scale = precision - scale, 0
    elif scale > precision:
        precision = scale
    if precision > 38:
        return AS_TEXT
    return Mapping(f"decimal({precision}, {scale})",
                   f"CASE WHEN {{x}}::text NOT IN ('NaN', 'Infinity', '-Infinity') THEN {{x}}::numeric({precision}, {scale})::text END",
                   # DuckDB leaves out the zero before the point where all digits stand behind it.
                   r"regexp_replace({x}::VARCHAR, '^(-?)\.', '\10.')")


def _list_of(element: Mapping, composite: bool) -> Mapping:
    # Length before text: no element can be mistaken for two. (unnest would take composites apart.)
    source = element.source.format(x="({x})[i]" if composite else "e")
    elements = "generate_subscripts({x}, 1) AS i" if composite else "unnest({x}) WITH ORDINALITY AS u(e, i)"
    lake = element.lake.format(x="e")
    return Mapping(
        f"list<{element.iceberg}>",
        # Iceberg's lists have one dimension that starts at one.
        f"CASE WHEN {{x}} IS NULL OR array_ndims({{x}}) > 1 OR array_lower({{x}}, 1) <> 1 THEN NULL ELSE '[' || coalesce((SELECT string_agg("
        f"coalesce(length({source}) || ':' || ({source}), 'NULL'), ',' ORDER BY i) FROM {elements}), '') || ']' END",
        f"CASE WHEN {{x}} IS NULL THEN NULL ELSE '[' || coalesce(array_to_string(list_transform({{x}}, lambda e: "
        f"coalesce(length({lake}) || ':' || ({lake}), 'NULL')), ','), '') || ']' END")
