"""Every built-in type, copied and streamed: the same value comes by both ways, exactly."""

import pytest

PREPARE = """
CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'very "happy", \\ ü');
CREATE TYPE pair AS (a int, b text); CREATE TYPE nested AS (p pair, m mood[], at timestamptz);
CREATE DOMAIN age AS int CHECK (VALUE >= 0); CREATE DOMAIN ages AS age[]; CREATE DOMAIN short AS varchar(10); CREATE DOMAIN older AS age CHECK (VALUE > 5);
CREATE TYPE float_range AS RANGE (subtype = float8);
"""

# family: {type: literals}
FAMILIES = {
    "numbers": {
        "bool": ["true", "false"],
        "int2": ["-32768", "32767", "0"],
        "int4": ["-2147483648", "2147483647"],
        "int8": ["-9223372036854775808", "9223372036854775807"],
        "float4": ["0", "-0", "1.1", "3.4028235e38", "1e-45", "NaN", "Infinity", "-Infinity"],
        "float8": ["0", "-0", "0.1", "1.7976931348623157e308", "5e-324", "NaN", "Infinity", "-Infinity"],
        "money": ["0", "-12.34", "92233720368547758.07", "-92233720368547758.08"],
        "oid": ["0", "4294967295"],
    },
    "numeric": {
        "numeric": ["0", "0.00", "-1.10", "1e100", "1e-100", "123456789012345678901234567890.123456789", "NaN", "9" * 400, "0." + "0" * 300 + "1", "10000", "100000000"],
        "numeric(10,2)": ["0", "-0.01", "99999999.99", "12345.6"],
        "numeric(38,0)": ["9" * 38, "-" + "9" * 38],
        "numeric(38,37)": ["9." + "9" * 37, "-0." + "0" * 36 + "1"],
        "numeric(4,4)": ["0.9999", "-0.0001"],
        "numeric(39,2)": ["9" * 37 + ".99"],
        "numeric(1000,500)": ["1." + "5" * 500],
        "numeric(18,6)": ["123456789012.123456"],
        "numeric(9,0)": ["123456789"],
    },
    "numeric of odd scale (15 and later)": {
        "numeric(5,-2)": ["1234500", "-99999", "0"],
        "numeric(3,6)": ["0.000999", "-0.000001"],
        "numeric(2,50)": ["0." + "0" * 48 + "12"],
    },
    "text": {
        "text": ["''", "plain", " spaces ", "tab\tnewline\nreturn\rback\\slash", "quote'\"", "ünïcode ⛳", "\\N", "NULL", "{}", "\x01\x7f"],
        "varchar(10)": ["0123456789", "", "ü"],
        "char(5)": ["ab", "", "12345"],
        '"char"': ["a", ""],
        "name": ["some_name", "x" * 63],
        "citext": ["MiXed", ""],
        "xml": ["<a b=\"c\">d</a>", "text only"],
        "json": ['{"a": 1,  "a": 2}', "null", "[1e400]", '"\\u00fc"', ' {"x" : [ ] } '],
        "jsonb": ['{"b": 1, "a": [1, 2.50, null]}', "null", '"x"', "12345678901234567890.1234567890"],
        "jsonpath": ["$.a[*] ? (@ > 1)"],
        "bytea": ["\\x", "\\x00ff", "\\x" + "ab" * 3000],
        "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
        "ltree": ["a.b.c"],
        "hstore": ['"a"=>"1", "b"=>NULL', "", '"k \\"q\\""=>"v, w"'],
    },
    "time": {
        "date": ["0001-01-01", "1969-12-31", "1970-01-01", "2000-02-29", "9999-12-31"],
        "timestamp": ["0001-01-01 00:00:00", "1999-12-31 23:59:59.999999", "1970-01-01 00:00:00", "9999-12-31 23:59:59.999999"],
        "timestamptz": ["0001-01-01 00:00:00Z", "2024-03-31 01:30:00+01", "1969-12-31 23:59:59.999999Z"],
        "timestamp(3)": ["2020-01-01 00:00:00.123456"],
        "time": ["00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.7"],
        "time(0)": ["12:34:56.7"],
        "timetz": ["00:00:00+00", "23:59:59.999999-15:59", "24:00:00+05:30", "12:00:00.5+01:02:03"],
        "interval": ["0", "1 year 2 mons 3 days 04:05:06.789", "-1 year 2 days -03:00:00.000001", "178000000 years", "-1 mon", "1000000 hours", "-0.5 s"],
        "interval day to second(2)": ["1 day 2:03:04.567"],
    },
    "network and bits": {
        "inet": ["192.168.1.1", "10.0.0.0/8", "::1", "2001:db8::/32", "::ffff:1.2.3.4"],
        "cidr": ["10.0.0.0/8", "192.168.1.1/32", "2001:db8::/32"],
        "macaddr": ["08:00:2b:01:02:03"],
        "macaddr8": ["08:00:2b:01:02:03:04:05"],
        "bit(1)": ["1", "0"],
        "bit(12)": ["101010101010"],
        "varbit": ["", "1", "0101010101010101011"],
    },
    "geometry": {
        "point": ["(1.5,-2)", "(NaN,Infinity)"],
        "line": ["{1,-1,0.5}"],
        "lseg": ["[(0,0),(1,1e10)]"],
        "box": ["(3,4),(1,2)"],
        "path": ["[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"],
        "polygon": ["((0,0),(1,1),(2,0))"],
        "circle": ["<(1,2),3.5>"],
    },
    "search and system": {
        "tsvector": ["'a':1 'fat':2A,3B 'rat''s'", ""],
        "tsquery": ["'a' & !'b' | 'c':*A <-> 'd'"],
        "pg_lsn": ["0/0", "16/B374D848"],
        "xid8": ["0", "18446744073709551615"],
        "pg_snapshot": ["10:20:10,14,15"],
        "txid_snapshot": ["10:20:10,14,15"],
        "tid": ["(0,1)", "(4294967295,65535)"],
        "xid": ["4294967295"],
        "int2vector": ["1 2 3"],  # No empty one: the server does not take back its own binary form of it.
        "oidvector": ["1 2 4294967295"],
        "regtype": ["integer", "double precision"],
    },
    "ranges": {
        "int4range": ["empty", "[1,5)", "(,5)", "[1,)", "(,)"],
        "int8range": ["[1,9223372036854775807)"],
        "numrange": ["[1.50,2.0]", "(NaN,)"],
        "tsrange": ["[2020-01-01,2021-01-01)", "[-infinity,infinity]"],
        "tstzrange": ["[2020-01-01 00:00Z,2021-01-01 00:00Z)"],
        "daterange": ["[2020-01-01,2020-02-01)", "(,infinity)"],
        "float_range": ["[1.5,2.5)"],
        "int4multirange": ["{}", "{[1,3),[5,8)}"],
        "nummultirange": ["{[1.0,2.0],(5,)}"],
        "tstzmultirange": ["{[2020-01-01 00:00Z,2021-01-01 00:00Z),[2022-01-01 00:00Z,)}"],
        "datemultirange": ["{[2020-01-01,2020-02-01)}"],
    },
    "user-made types": {
        "mood": ["sad", 'very "happy", \\ ü'],
        "age": ["0", "77"],
        "older": ["77"],
        "short": ["0123456789", ""],
        "pair": ['(1,"a ""b"", c")', "(,)", '(2,"")'],
        "nested": ['("(1,x)","{sad,ok}","2020-01-01 00:00:00+00")'],
    },
    "arrays": {
        "bool[]": ["{t,f,NULL}", "{}"],
        "int2[]": ["{1,-1}"],
        "int4[]": ["{}", "{1,NULL,3}", "{" + ",".join(map(str, range(3000))) + "}"],
        "int8[]": ["{9223372036854775807}"],
        "float4[]": ["{1.1,NaN,-0}"],
        "float8[]": ["{0.1,Infinity,NULL}"],
        "numeric[]": ["{1.10,NaN,1e50}"],
        "numeric(8,3)[]": ["{1.1,NULL,99999.999}"],
        "text[]": ['{"a,b","",NULL,"NULL","q\\"u","back\\\\"}'],
        "varchar(3)[]": ["{abc}"],
        "char(3)[]": ["{a,abc}"],
        "bytea[]": ['{"\\\\x00ff",NULL}'],
        "date[]": ["{2020-01-01,NULL}"],
        "timestamp[]": ['{"2020-01-01 00:00:00.000001"}'],
        "timestamptz[]": ['{"2020-01-01 00:00:00Z",NULL}'],
        "time[]": ["{24:00:00}"],
        "interval[]": ['{"1 year -1 day"}'],
        "uuid[]": ["{00000000-0000-0000-0000-000000000001}"],
        "jsonb[]": ['{"{\\"a\\": 1}",NULL}'],
        "inet[]": ["{10.0.0.1,::1}"],
        "mood[]": ["{sad,ok,NULL}"],
        "int4range[]": ['{"[1,5)",empty}'],
        "pair[]": ['{"(1,x)","(,)"}'],
        "ages": ["{1,2}"],
        "age[]": ["{5}"],
        "citext[]": ["{Ab}"],
        "money[]": ["{1.50}"],
        "point[]": ['{"(1,2)"}'],
    },
}

# What the lake cannot hold: exact in the replica, NULL in the lake.
BEYOND = {
    "date": ["infinity", "-infinity", "4713-01-01 BC", "5874897-12-31", "10000-01-01", "0001-12-31 BC"],
    "timestamp": ["infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999"],
    "timestamptz": ["infinity", "-infinity", "4713-01-01 12:00:00Z BC", "294276-12-31 23:59:59Z"],
    "numeric(10,2)": ["NaN"],
    "numeric(5,5)": ["NaN"],
    "date[]": ["{infinity,2020-01-01}"],
    "numeric(6,2)[]": ["{NaN,1.00}"],
    "int[]": ["{{1,2},{3,4}}", "[0:1]={1,2}", "[2:2]={7}"],
    "text[]": ["{{{a},{NULL}}}"],
}


def literal(value):
    return "'" + value.replace("'", "''") + "'"


def replicate_values(family, source, sluice, compare):
    """Every value by the initial copy, by a streamed insert and by a streamed update."""
    tables = {f"t{i}": (type_, values) for i, (type_, values) in enumerate(family.items())}
    source.execute(PREPARE)
    for name, (type_, values) in tables.items():
        source.execute(f"CREATE TABLE {name} (id int PRIMARY KEY, v {type_}); INSERT INTO {name} VALUES (0, NULL)")
        for i, value in enumerate(values, 1):
            source.execute(f"INSERT INTO {name} VALUES ({i}, {literal(value)}), ({2000 + i}, NULL)")
    sluice.init()
    sluice.sync()
    compare()
    for name, (type_, values) in tables.items():
        for i, value in enumerate(values, 1):
            source.execute(f"INSERT INTO {name} VALUES ({1000 + i}, {literal(value)}); UPDATE {name} SET v = {literal(value)} WHERE id = {2000 + i}")
        source.execute(f"INSERT INTO {name} VALUES (1000, NULL)")
    sluice.sync()
    compare()


@pytest.mark.parametrize("family", FAMILIES)
def test_values_arrive_exactly_by_copy_and_by_stream(family, source, sluice, compare):
    replicate_values(FAMILIES[family], source, sluice, compare)


def test_values_beyond_the_lake_are_null_there_and_exact_in_the_replica(source, sluice, compare):
    replicate_values(BEYOND, source, sluice, compare)


def test_keys_of_every_kind_of_type_find_their_rows(source, replicate):
    """An update and a delete by key, where the key's value goes through the index of the lake."""
    types = ["bool", "int2", "int8", "float4", "float8", "numeric", "numeric(10,2)", "money", "oid", "text", "varchar(10)", "char(5)", '"char"', "name",
             "citext", "bytea", "uuid", "date", "timestamp", "timestamptz", "time", "timetz", "interval", "inet", "cidr", "macaddr", "macaddr8", "bit(12)",
             "varbit", "pg_lsn", "int4range", "int4multirange", "mood", "age", "pair", "int4[]", "text[]", "jsonb", "ltree", "tsvector"]
    literals = {type_: values for family in FAMILIES.values() for type_, values in family.items()}
    first, then = [PREPARE], []
    for i, type_ in enumerate(types):
        values = literals[type_][:2]
        first.append(f"CREATE TABLE k{i} (k {type_} PRIMARY KEY, v int);" + "".join(
            f"INSERT INTO k{i} VALUES ({literal(value)}, {n}) ON CONFLICT DO NOTHING;" for n, value in enumerate(values)))
        then.append(f"UPDATE k{i} SET v = 100 WHERE v = 0; DELETE FROM k{i} WHERE v = 1")
    replicate("".join(first), then)
