// Every type: the server's binary form, decoded, equals the server's own text.

#include <arrow/array.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <optional>

#include "base/free_with.h"
#include "base/result.h"
#include "pg_test_server.h"
#include "sink/lake/cell_reader.h"
#include "sink/lake/column_buffer.h"
#include "sink/lake/key_codec.h"
#include "sink/lake/lake_schema.h"
#include "sink/lake/row_decoder.h"
#include "sink/lake/type_map.h"
#include "sink/lake/value_decoder.h"

namespace sluice {
namespace {

using PgResult = std::unique_ptr<PGresult, FreeWith<PQclear>>;

std::string_view Field(const PgResult& result, int row, int column) {
  return {PQgetvalue(result.get(), row, column), static_cast<size_t>(PQgetlength(result.get(), row, column))};
}

// One session; sink/lake itself knows nothing of servers.
class ServerSession {
 public:
  explicit ServerSession(const std::string& dsn) : connection_(PQconnectdb(dsn.c_str())) {}
  Result<PgResult> Execute(const std::string& sql) { return Checked(PgResult(PQexec(get(), sql.c_str()))); }
  Result<PgResult> Execute(const std::string& sql, const std::string& parameter) {
    const char* const values[] = {parameter.c_str()};
    return Checked(PgResult(PQexecParams(get(), sql.c_str(), 1, nullptr, values, nullptr, nullptr, 0)));
  }
  PGconn* get() const { return connection_.get(); }

 private:
  Result<PgResult> Checked(PgResult result) const {
    const ExecStatusType status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
    return Error{ErrorKind::kCorrupt, PQerrorMessage(get())};
  }
  std::unique_ptr<PGconn, FreeWith<PQfinish>> connection_;
};

struct TestedType {
  const char* type;
  std::vector<const char*> values;
  const char* text = "format('%s', x)";  ///< SQL: what the lake must hold, as Print shows it.
};

constexpr char kMicros[] = "(extract(epoch FROM x) * 1000000)::bigint::text";

const std::vector<TestedType>& TestedTypes() {
  static const std::vector<TestedType> types = {
      {"bool", {"true", "false"}, "x::int::text"},
      {"int2", {"-32768", "32767"}},
      {"int4", {"-2147483648", "2147483647"}},
      {"int8", {"-9223372036854775808", "9223372036854775807"}},
      {"float4", {"0", "-0", "1.1", "3.4028235e38", "1e-45", "NaN", "-Infinity"}, "('x' || lpad(encode(float4send(x), 'hex'), 16, '0'))::bit(64)::bigint::text"},
      {"float8", {"0", "-0", "0.1", "5e-324", "NaN"}, "('x' || encode(float8send(x), 'hex'))::bit(64)::bigint::text"},
      {"money", {"0", "-12.34", "92233720368547758.07", "-92233720368547758.08"}, "(x::numeric * 100)::numeric(19,0)::text"},
      {"oid", {"0", "4294967295"}},
      {"xid", {"4294967295"}},
      {"xid8", {"0", "18446744073709551615"}},
      {"numeric", {"0", "0.00", "-1.10", "1e100", "1e-100", "123456789012345678901234567890.123456789", "NaN", "Infinity", "10000", "0.0001", "12345.6", "-0.00012", "99990000"}},
      {"numeric(10,2)", {"0", "-0.01", "99999999.99", "12345.6", "10000", "100"}, "(x * 100)::numeric(30,0)::text"},
      {"numeric(38,0)", {"99999999999999999999999999999999999999", "-1", "10000000000000000000000000000000000000"}},
      {"numeric(38,37)", {"9.9999999999999999999999999999999999999", "-0.0000000000000000000000000000000000001", "1"}, "(x * 1e37)::numeric(40,0)::text"},
      {"numeric(4,4)", {"0.9999", "-0.0001"}, "(x * 10000)::numeric(30,0)::text"},
      {"numeric(5,-2)", {"1234500", "-99999", "0"}},
      {"numeric(3,6)", {"0.000999", "-0.000001"}, "(x * 1000000)::numeric(30,0)::text"},
      {"numeric(39,2)", {"1234567890123456789012345678901234567.99"}},
      {"text", {"", "plain", "tab\tnew\nline back\\slash 'quote\" ünï ⛳"}},
      {"varchar(10)", {"0123456789"}},
      {"char(5)", {"ab", ""}, "x::text || repeat(' ', 5 - length(x))"},
      {"\"char\"", {"a", "", "\\377"}},
      {"name", {"some_name"}},
      {"xml", {"<a b=\"c\">d</a>"}},
      {"json", {"{\"a\": 1,  \"a\": 2}", "[1e400]"}},
      {"jsonb", {"{\"b\": 1, \"a\": [1, 2.50, null]}", "null"}},
      {"jsonpath", {"$.a[*] ? (@ > 1)"}},
      {"bytea", {"\\x", "\\x616263"}, "encode(x, 'escape')"},
      {"date", {"0001-01-01", "1969-12-31", "9999-12-31"}, "(x - date '1970-01-01')::text"},
      {"timestamp", {"0001-01-01 00:00:00", "1969-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"}, kMicros},
      {"timestamptz", {"0001-01-01 00:00:00Z", "2024-03-31 01:30:00+01"}, kMicros},
      {"time", {"00:00:00", "23:59:59.999999", "24:00:00", "12:34:56.7"}},
      {"timetz", {"00:00:00+00", "23:59:59.999999-15:59", "24:00:00+05:30", "12:00:00.5+01:02:03"}},
      {"interval", {"0", "1 year 2 mons 3 days 04:05:06.789", "-1 year 2 days -03:00:00.000001", "178000000 years", "-1 mon", "1000000 hours", "-0.5 s", "1 min -2 s"}},
      {"inet", {"192.168.1.1", "10.0.0.0/8", "::1", "2001:db8::/32", "::ffff:1.2.3.4", "1:0:0:2::3"}},
      {"cidr", {"10.0.0.0/8", "192.168.1.1/32", "2001:db8::/32"}},
      {"macaddr", {"08:00:2b:01:02:03"}},
      {"macaddr8", {"08:00:2b:01:02:03:04:05"}},
      {"bit(1)", {"1"}},
      {"bit(12)", {"101010101010"}},
      {"varbit", {"", "0101010101010101011"}},
      {"point", {"(1.5,-2)", "(NaN,Infinity)", "(1e15,123456789012345)", "(0.0001,0.00001)", "(1e23,9007199254740993)", "(2.2250738585072014e-308,0.1)"}},
      {"line", {"{1,-1,0.5}"}},
      {"lseg", {"[(0,0),(1,1e10)]"}},
      {"box", {"(3,4),(1,2)"}},
      {"path", {"[(0,0),(1,1)]", "((0,0),(1,1),(2,0))"}},
      {"polygon", {"((0,0),(1,1),(2,0))"}},
      {"circle", {"<(1,2),3.5>"}},
      {"tsvector", {"'a':1 'fat':2A,3B,4C,5 'rat''s' 'back\\\\slash'", ""}},
      {"tsquery", {"'a' & !'b' | 'c':*A <-> 'd'", "!('a' | 'b') & 'c' <3> ('d' <-> 'e')", "", "'x':ABCD", "!!'a'", "('a' | 'b') & ('c' | 'd')", "'it''s'"}},
      {"pg_lsn", {"0/0", "16/B374D848"}},
      {"pg_snapshot", {"10:20:10,14,15"}},
      {"tid", {"(0,1)", "(4294967295,65535)"}},
      {"int2vector", {"1 2 3", ""}},
      {"oidvector", {"1 2 4294967295"}},
      {"int4range", {"empty", "[1,5)", "(,5)", "[1,)", "(,)"}},
      {"numrange", {"[1.50,2.0]", "(NaN,)"}},
      {"tsrange", {"[2020-01-01,2021-01-01)", "[-infinity,infinity]"}},
      {"tstzrange", {"[2020-01-01 00:00Z,2021-01-01 00:00Z)"}},
      {"daterange", {"[2020-01-01,2020-02-01)", "(,infinity)", "[0044-03-15 BC,0001-01-01)"}},
      {"int4multirange", {"{}", "{[1,3),[5,8)}"}},
      {"tstzmultirange", {"{[2020-01-01 00:00Z,2021-01-01 00:00Z),[2022-01-01 00:00Z,)}"}},
      {"float_range", {"[1.5,2.5)"}},
      {"text_range", {"[\"a b\",\"c\\\"d\")", "[\"\",x]", "(a,)"}},
      {"mood", {"sad", "very \"happy\", \\ ü"}},
      {"age", {"77"}},
      {"short", {"0123456789"}},
      {"uuid", {"61626364-6566-6768-696a-6b6c6d6e6f70"}, "'abcdefghijklmnop'"},
      {"pair", {"(1,\"a \"\"b\"\", c\")", "(,)", "(2,\"tab\tnew\nline\\\\\")"}, "to_json(x)::text"},
      {"nested", {"(\"(1,x)\",\"{sad,ok}\",\"2020-01-01 00:00:00+00\",1.50,NaN,t,\"{\"\"a\"\": 1}\",2020-01-01,\"{{1,2},{3,4}}\",\"2020-01-01 01:02:03.5\")"}, "to_json(x)::text"},
      {"citext", {"MiXed"}},
      {"ltree", {"a.b.c"}},
      {"hstore", {"\"a\"=>\"1\", \"b\"=>NULL", "", "\"k \\\"q\"=>\"v, \\\\ w\""}},
      {"int4[]", {"{}", "{1,NULL,3}"}, "to_json(x)::text"},
      {"text[]", {"{\"a,b\",\"\",NULL}"}, "to_json(x)::text"},
      {"interval[]", {"{\"1 year -1 day\",\"2 s\",NULL,\"3 mons\"}"}, "to_json(array(SELECT e::text FROM unnest(x) e))::text"},
      {"mood[]", {"{sad,ok,NULL}"}, "to_json(x)::text"},
      {"int4range[]", {"{\"[1,5)\",empty}"}, "to_json(x)::text"},
      {"numeric(8,3)[]", {"{1.125,NULL,99999.999}"}, "to_json(array(SELECT (e * 1000)::int FROM unnest(x) e))::text"},
      {"ages", {"{1,2}"}, "to_json(x)::text"},
      {"ages[]", {"{\"{1,2}\",NULL,\"{3}\",\"{}\"}"}, "to_json(x)::text"},
      {"box[]", {"{(3,4),(1,2);NULL;(1,1),(0,0)}"}, "to_json(array(SELECT e::text FROM unnest(x) e))::text"},
      {"priced", {"(-12345.67,\\\\x0061,,\"2024-02-29 12:00:00\",infinity,\"{}\",\"{\"\"(1,x)\"\",NULL}\")"}, "replace(to_json(x)::text, '$12,345', '12345')"},
  };
  return types;
}

// Types of a server, as the source would build them.
class ServerTypes {
 public:
  explicit ServerTypes(ServerSession& connection) : connection_(connection) {}

  TypePtr Load(const std::string& oid) {
    if (oid == "0") return nullptr;
    const auto row = connection_.Execute(
        "SELECT t.oid, t.typname, t.typtype, t.typcategory, t.typelem, t.typbasetype, t.typtypmod, t.typrelid, coalesce(r.rngsubtype, 0), "
        "coalesce(m.rngtypid, 0), coalesce(e.extname, ''), coalesce(s.typdelim, t.typdelim) FROM pg_type t LEFT JOIN pg_type s ON s.oid = t.typelem LEFT JOIN pg_range r ON r.rngtypid = t.oid "
        "LEFT JOIN pg_range m ON m.rngmultitypid = t.oid LEFT JOIN pg_depend d ON d.objid = t.oid AND d.classid = 'pg_type'::regclass "
        "AND d.deptype = 'e' LEFT JOIN pg_extension e ON e.oid = d.refobjid WHERE t.oid = " + oid);
    EXPECT_TRUE(row.ok());
    const auto text = [&](int column) { return std::string(Field(*row, 0, column)); };
    auto type = std::make_shared<Type>();
    type->oid = static_cast<Oid>(std::stoul(text(0)));
    type->name = text(1);
    type->extension = text(10);
    type->array_delimiter = text(11)[0];
    switch (text(2)[0]) {
      case 'e': type->kind = TypeKind::kEnum; break;
      case 'd':
        type->kind = TypeKind::kDomain;
        type->element = Load(text(5));
        type->element_typmod = std::stoi(text(6));
        break;
      case 'r':
        type->kind = TypeKind::kRange;
        type->element = Load(text(8));
        break;
      case 'm':
        type->kind = TypeKind::kMultirange;
        type->element = Load(text(9));
        break;
      case 'c': {
        type->kind = TypeKind::kComposite;
        const auto fields = connection_.Execute("SELECT attname, atttypid, atttypmod FROM pg_attribute WHERE attrelid = " + text(7) + " AND attnum > 0 ORDER BY attnum");
        EXPECT_TRUE(fields.ok());
        for (int i = 0; i < PQntuples(fields->get()); ++i)
          type->fields.push_back({std::string(Field(*fields, i, 0)), Load(std::string(Field(*fields, i, 1))), std::stoi(std::string(Field(*fields, i, 2)))});
        break;
      }
      default:
        if (text(3) == "A") {
          type->kind = TypeKind::kArray;
          type->element = Load(text(4));
        }
    }
    return type;
  }

 private:
  ServerSession& connection_;
};

std::string Print(const Cell& cell, bool bare = true) {
  switch (cell.kind) {
    case CellKind::kNull: return bare ? "NULL" : "null";
    case CellKind::kInteger: return std::to_string(cell.integer);
    case CellKind::kDecimal: {
      unsigned __int128 rest = cell.decimal < 0 ? 0 - static_cast<unsigned __int128>(cell.decimal) : static_cast<unsigned __int128>(cell.decimal);
      std::string digits;
      do digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
      while ((rest /= 10) != 0);
      return (cell.decimal < 0 ? "-" : "") + digits;
    }
    case CellKind::kBytes: return bare ? std::string(cell.bytes) : '"' + std::string(cell.bytes) + '"';
    case CellKind::kList: {
      std::string list = "[";
      for (const Cell& item : cell.items) list += (list.size() > 1 ? "," : "") + Print(item, false);
      return list + "]";
    }
  }
  return "";
}

class ValueDecoderServerTest : public ::testing::Test {
 protected:
  static ServerSession& Server() {
    static ServerSession session(testing::PgTestServer::Shared().NewDatabase());
    static const bool prepared = [] {
      const auto made = session.Execute(
          "SET lc_monetary = 'C'; SET datestyle = 'ISO, YMD'; SET intervalstyle = iso_8601; SET timezone = 'UTC'; SET extra_float_digits = 3; SET search_path = public; "
          "CREATE EXTENSION hstore; CREATE EXTENSION citext; CREATE EXTENSION ltree; "
          "CREATE TYPE mood AS ENUM ('sad', 'ok', 'very \"happy\", \\ ü'); CREATE TYPE pair AS (a int, b text); "
          "CREATE TYPE nested AS (p pair, m mood[], at timestamptz, n numeric, f float8, b bool, j jsonb, d date, i int[], t timestamp); "
          "CREATE TYPE priced AS (n money, b bytea, u text, t timestamp, z timestamptz, e int[], p pair[]); "
          "CREATE DOMAIN age AS int; CREATE DOMAIN ages AS age[]; CREATE DOMAIN short AS varchar(10); "
          "CREATE TYPE float_range AS RANGE (subtype = float8); CREATE TYPE text_range AS RANGE (subtype = text)");
      EXPECT_TRUE(made.ok()) << made.error().message;
      return made.ok();
    }();
    EXPECT_TRUE(prepared);
    return session;
  }

  struct Sample {
    TypePtr type;
    int32_t typmod = -1;
    std::string binary;
    std::string text;
    std::string expected;
  };

  // Of a null `value` only the type.
  static Sample Ask(const TestedType& tested, const char* value) {
    ServerSession& server = Server();
    Sample sample;
    const auto made = server.Execute(std::string("DROP TABLE IF EXISTS sample; CREATE TABLE sample (x ") + tested.type + ")");
    EXPECT_TRUE(made.ok());
    if (value != nullptr) {
      EXPECT_TRUE(server.Execute(std::string("INSERT INTO sample VALUES ($1::text::") + tested.type + ")", value).ok()) << tested.type << " " << value;
    }
    const auto facts = server.Execute("SELECT atttypid::bigint, atttypmod FROM pg_attribute WHERE attrelid = 'sample'::regclass AND attnum = 1");
    sample.type = ServerTypes(server).Load(std::string(Field(*facts, 0, 0)));
    sample.typmod = std::stoi(std::string(Field(*facts, 0, 1)));
    if (value == nullptr) return sample;
    sample.expected = std::string(Field(*server.Execute(std::string("SELECT ") + tested.text + " FROM sample"), 0, 0));
    const PgResult binary(PQexecParams(server.get(), "SELECT x FROM sample", 0, nullptr, nullptr, nullptr, nullptr, 1));
    sample.binary = std::string(Field(binary, 0, 0));
    sample.text = std::string(Field(*server.Execute("SELECT x FROM sample"), 0, 0));
    return sample;
  }
};

TEST_F(ValueDecoderServerTest, EveryTypeIsHeldAsTheServerPrintsIt) {
  for (const TestedType& tested : TestedTypes()) {
    for (const char* value : tested.values) {
      SCOPED_TRACE(std::string(tested.type) + ": " + value);
      const Sample sample = Ask(tested, value);
      const auto decoder = MakeDecoder(*sample.type, sample.typmod);
      Cell cell;
      PolicyCounts counts;
      ASSERT_TRUE(decoder->Decode(AsBytes(sample.binary), cell, counts));
      EXPECT_EQ(Print(cell), sample.expected);
      for (const uint64_t count : counts.counts) EXPECT_EQ(count, 0u);
    }
  }
}

std::string Canonical(const Cell& cell) {
  std::string canonical;
  AppendCanonical(cell, canonical);
  return canonical;
}

TEST_F(ValueDecoderServerTest, TheTextOfAValueGivesTheSameCellAsItsBinaryForm) {
  std::vector<TestedType> types = TestedTypes();
  const std::vector<TestedType> beyond = {
      {"float8", {"1.7976931348623157e308", "-Infinity", "Infinity"}},
      {"date", {"infinity", "-infinity", "0044-03-15 BC", "5874897-12-31", "4713-01-01 BC", "2024-02-29"}},
      {"timestamp", {"infinity", "-infinity", "0001-12-31 23:59:59.5 BC", "294276-12-31 23:59:59.999999", "4713-01-01 00:00:00 BC", "2000-02-29 12:00:00.000001"}},
      {"timestamptz", {"infinity", "294276-12-31 23:59:59Z"}},
      {"numeric(10,2)", {"NaN"}},
      {"numeric", {"-Infinity", "0.000000000000000000000000000000000000000000000001"}},
      {"bytea", {"\\x00ff7f5c22"}},
      {"int4[]", {"{{1,2},{3,NULL}}", "[0:1]={1,2}", "[-2:-1][5:5]={{1},{2}}"}},
      {"text[]", {"{NULL,\"NULL\",\"null\",\"{}\",\"\\\\ \\\"\",\"a,b\",ü}"}},
      {"bytea[]", {"{\"\\\\x6100\",NULL,\"\\\\x\"}"}},
      {"pair[]", {"{\"(1,\\\"a \\\"\\\"b\\\")\",NULL,\"(,)\"}"}},
      {"uuid[]", {"{61626364-6566-6768-696a-6b6c6d6e6f70,00000000-0000-0000-0000-00000000ffff}"}},
      {"timestamptz[]", {"{\"2024-03-31 01:30:00+01\",infinity}"}}};
  types.insert(types.end(), beyond.begin(), beyond.end());
  for (const TestedType& tested : types) {
    for (const char* value : tested.values) {
      SCOPED_TRACE(std::string(tested.type) + ": " + value);
      const Sample sample = Ask({tested.type, {}, "'-'"}, value);
      const auto from_binary = MakeDecoder(*sample.type, sample.typmod), from_text = MakeDecoder(*sample.type, sample.typmod);
      Cell binary, text;
      PolicyCounts binary_counts, text_counts;
      ASSERT_TRUE(from_binary->DecodeValue({ValueKind::kBinary, AsBytes(sample.binary)}, binary, binary_counts));
      ASSERT_TRUE(from_text->DecodeValue({ValueKind::kText, AsBytes(sample.text)}, text, text_counts)) << sample.text;
      EXPECT_EQ(Canonical(text), Canonical(binary)) << Print(text) << " instead of " << Print(binary);
      EXPECT_EQ(text_counts.counts, binary_counts.counts);
    }
  }
}

TEST_F(ValueDecoderServerTest, WhatReadersNeedAsTextIsTheServersTextAndOfArraysItsJson) {
  const ReaderNeeds needs = NeedsOf({ReaderEngine::kRedshift});
  std::vector<TestedType> types = TestedTypes();
  types.push_back({"int4[]", {"{{1,2},{3,NULL}}", "[0:1]={1,2}", "{}"}});
  types.push_back({"uuid[]", {"{61626364-6566-6768-696a-6b6c6d6e6f70,NULL}"}});
  size_t tested_types = 0;
  for (const TestedType& tested : types) {
    const Sample sample = Ask(tested, nullptr);
    const iceberg::Type held = MapType(*sample.type, sample.typmod, needs).type;
    if (SameType(held, MapType(*sample.type, sample.typmod).type)) continue;
    ASSERT_EQ(held.id, iceberg::TypeId::kString);
    ++tested_types;
    for (const char* value : tested.values) {
      SCOPED_TRACE(std::string(tested.type) + ": " + value);
      const bool is_list = MapType(*sample.type, sample.typmod).type.id == iceberg::TypeId::kList;
      const Sample asked = Ask({tested.type, {}, is_list ? "to_json(x)::text" : "x::text"}, value);
      const auto decoder = MakeDecoder(*asked.type, asked.typmod, held);
      Cell cell;
      PolicyCounts counts;
      ASSERT_TRUE(decoder->Decode(AsBytes(asked.binary), cell, counts));
      if (std::string_view(tested.type) != "money[]") {  // The server prints its locale's signs.
        EXPECT_EQ(Print(cell), asked.expected);
      }
      const std::string from_binary = Print(cell);
      ASSERT_TRUE(decoder->DecodeText(asked.text, cell, counts)) << asked.text;
      EXPECT_EQ(Print(cell), from_binary);
      for (const uint64_t count : counts.counts) EXPECT_EQ(count, 0u);
    }
  }
  EXPECT_GT(tested_types, 5u);
}

TEST_F(ValueDecoderServerTest, DamagedTextIsRefused) {
  const std::vector<TestedType> damaged = {
      {"bool", {"", "true", "x"}},
      {"int2", {"", "32768", "1 ", "+1", "0x1"}},
      {"oid", {"-1", "4294967296"}},
      {"float4", {"", "nan", "inf", "1e999", "-", "1.5x"}},
      {"float8", {"infinity", "-NaN", "e5", "1e400"}},
      {"money", {"", "12", "12,34 €", "¥1,234", "$1.234,56", "$-1.00", "$92,233,720,368,547,758.08", ".00", "1.0.00"}},
      {"xid8", {"-1", "18446744073709551616"}},
      {"numeric(10,2)", {"", "1.", ".5", "1e5", "--1", "1.2.3", "Nan"}},
      {"bytea", {"", "x61", "\\x6", "\\xgg", "abc"}},
      {"uuid", {"", "6162636465666768696a6b6c6d6e6f70", "61626364-6566-6768-696a-6b6c6d6e6f7g", "61626364-6566-6768-696a-6b6c6d6e6f7-"}},
      {"date", {"", "2024-02-30", "2023-02-29", "2024-13-01", "0000-01-01", "24-01-01", "2024-01-01 AD", "99999999-01-01", "01/02/2024"}},
      {"timestamp", {"2024-01-01", "2024-01-01 24:00:00", "2024-01-01 00:00:00+00", "2024-01-01 00:00:00.", "2024-01-01 00:00:00.1234567", "300000-01-01 00:00:00"}},
      {"timestamptz", {"2024-01-01 00:00:00", "2024-01-01 00:00:00+01", "2024-01-01 00:00:00+00:30"}},
      {"int4[]", {"", "{", "}", "{1", "{1}}", "{1,}", "{,1}", "{1,{2}}", "{{1},2}", "{{}}", "{1}x", "{a}", "{\"1}", "{\"1\\", "{1\"}", "[0:1={1}", "[0:1]{1}", "[a:1]={1}", "[:", "[0:1]={{{{{{{1}}}}}}}"}},
      {"pair", {"", "(", "(1", "(1)", "(1,a", "(1,a,b)", "(1,a)x", "(x,a)", "(1,\"a)", "(1,\"a\"b)", "(1,\"a\\\")", "1,a)"}}};
  for (const TestedType& tested : damaged) {
    const Sample sample = Ask({tested.type, {}, "'-'"}, nullptr);
    const auto decoder = MakeDecoder(*sample.type, sample.typmod);
    for (const char* value : tested.values) {
      Cell cell;
      PolicyCounts counts;
      EXPECT_FALSE(decoder->DecodeText(value, cell, counts)) << tested.type << ": " << value;
    }
  }
}

TEST_F(ValueDecoderServerTest, NamesOfObjectsAreHeldAsTextInTheCopyAndInTheStream) {
  for (const char* name : {"regclass", "regtype", "aclitem"}) {
    Sample sample = Ask({name, {}, "'-'"}, nullptr);
    Type type = *sample.type;
    type.has_binary = false;  // So says the source of these: their values come as text in both.
    EXPECT_EQ(MapType(type, -1).type.id, iceberg::TypeId::kString);
    EXPECT_EQ(MapType(type, -1).loss, Loss::kNone);
    Cell copied, streamed;
    PolicyCounts counts;
    const auto decoder = MakeDecoder(type, -1);
    ASSERT_TRUE(decoder->Decode(AsBytes("pg_catalog.pg_class"), copied, counts));
    ASSERT_TRUE(decoder->DecodeValue({ValueKind::kText, AsBytes("pg_catalog.pg_class")}, streamed, counts));
    EXPECT_EQ(Canonical(copied), Canonical(streamed));
    EXPECT_EQ(Print(streamed), "pg_catalog.pg_class");
  }
}

TEST_F(ValueDecoderServerTest, TheTextOfATypeThatIsHeldAsItsBinaryFormIsRefused) {
  Type type;
  type.oid = kFirstPrivateOid;
  type.name = "cube";
  type.extension = "cube";
  Cell cell;
  PolicyCounts counts;
  EXPECT_FALSE(MakeDecoder(type, -1)->DecodeText("(1,2)", cell, counts));
}

TEST_F(ValueDecoderServerTest, ATruncatedOrLongerValueIsRefusedOrAnotherValueButNeverReadBeyond) {
  for (const TestedType& tested : TestedTypes()) {
    for (const char* value : tested.values) {
      SCOPED_TRACE(std::string(tested.type) + ": " + value);
      const Sample sample = Ask(tested, value);
      const auto decoder = MakeDecoder(*sample.type, sample.typmod);
      for (size_t length = 0; length <= sample.binary.size(); ++length) {
        // A heap block of exactly that length: sanitizers see every byte too many.
        const std::vector<char> cut(sample.binary.begin(), sample.binary.begin() + static_cast<ptrdiff_t>(length));
        Cell cell;
        PolicyCounts counts;
        (void)decoder->Decode(AsBytes(std::string_view(cut.data(), cut.size())), cell, counts);
      }
      for (size_t at = 0; at < sample.binary.size(); ++at) {
        std::string damaged = sample.binary;
        damaged[at] = static_cast<char>(damaged[at] ^ 0x81);
        Cell cell;
        PolicyCounts counts;
        (void)decoder->Decode(AsBytes(damaged), cell, counts);
      }
      for (size_t length = 0; length <= sample.text.size(); ++length) {
        std::vector<char> cut(sample.text.begin(), sample.text.begin() + static_cast<ptrdiff_t>(length));
        Cell cell;
        PolicyCounts counts;
        (void)decoder->DecodeText({cut.data(), cut.size()}, cell, counts);
        for (const char wrong : {'"', '\\', '{', '}', ',', '9'}) {
          if (length == 0) continue;
          cut.back() = wrong;
          (void)decoder->DecodeText({cut.data(), cut.size()}, cell, counts);
        }
      }
    }
  }
}

TEST_F(ValueDecoderServerTest, ValuesComeBackOutOfColumnsAsTheyWentInAndGiveTheSameKey) {
  for (const TestedType& tested : TestedTypes()) {
    for (const char* value : tested.values) {
      SCOPED_TRACE(std::string(tested.type) + ": " + value);
      const Sample sample = Ask(tested, value);
      auto schema = std::make_shared<TableSchema>();
      schema->name = {"public", "sample"};
      schema->columns = {{"x", 1, sample.type, sample.typmod, true}};
      schema->key = {0};
      const LakeSchemaPtr lake = MakeLakeSchema(schema);
      RowDecoder decoder(*schema);
      std::string row;
      AppendBigEndian(row, int16_t{1});
      AppendBigEndian(row, static_cast<int32_t>(sample.binary.size()));
      row += sample.binary;
      ByteReader reader(AsBytes(row));
      ASSERT_TRUE(decoder.DecodeCopyRow(reader).ok());
      KeyCodec codec(*lake);
      const RowKey key = codec.Encode(decoder.cells());
      std::string canonical, read_back;
      AppendCanonical(decoder.cells()[0], canonical);
      ColumnBuffer buffer(lake);
      buffer.Append(decoder.cells(), {});
      const Columns columns = buffer.Finish();
      CellReader cells;
      Cell cell;
      cells.Read(*columns[0], 0, cell);
      AppendCanonical(cell, read_back);
      EXPECT_EQ(canonical, read_back);
      EXPECT_EQ(codec.EncodeKeyCells(std::span(&cell, 1)), key);
    }
  }
}

TEST_F(ValueDecoderServerTest, ManyRowsAtATimeAreTheSameColumnsAsRowByRow) {
  for (const TestedType& tested : TestedTypes()) {
    SCOPED_TRACE(tested.type);
    TypePtr type;
    int32_t typmod = -1;
    std::string rows;
    size_t count = 0;
    const auto append = [&](const std::string* value) {
      AppendBigEndian(rows, int16_t{1});
      AppendBigEndian(rows, value == nullptr ? int32_t{-1} : static_cast<int32_t>(value->size()));
      if (value != nullptr) rows += *value;
      ++count;
    };
    for (const char* value : tested.values) {
      const Sample sample = Ask(tested, value);
      type = sample.type;
      typmod = sample.typmod;
      append(&sample.binary);
    }
    const std::string few = rows;
    const size_t few_rows = count;
    // More than one block; with nulls only in some.
    while (count < 2 * kValuesAtOnce) {
      rows += few;
      count += few_rows;
    }
    append(nullptr);
    rows += few;
    count += few_rows;
    auto schema = std::make_shared<TableSchema>();
    schema->name = {"public", "sample"};
    schema->columns = {{"x", 1, type, typmod, false}};
    const LakeSchemaPtr lake = MakeLakeSchema(schema);
    const RowStamp stamp{Timestamp(std::chrono::seconds(1)), Timestamp(std::chrono::seconds(2)), Lsn{3}};
    RowDecoder decoder(*lake), bulk_decoder(*lake);
    ColumnBuffer one_by_one(lake), bulk(lake);
    ByteReader reader(AsBytes(rows)), bulk_reader(AsBytes(rows));
    for (size_t i = 0; i < count; ++i) {
      ASSERT_TRUE(decoder.DecodeCopyRow(reader).ok());
      one_by_one.Append(decoder.cells(), stamp);
    }
    for (size_t left = count; left > 0;) {
      const auto taken = bulk_decoder.DecodeCopyRows(bulk_reader, left, stamp, bulk);
      ASSERT_TRUE(taken.ok());
      ASSERT_GT(*taken, 0u);
      left -= *taken;
    }
    EXPECT_TRUE(bulk_reader.at_end());
    EXPECT_EQ(bulk.rows(), static_cast<int64_t>(count));
    EXPECT_EQ(decoder.TakeCounts()[0].counts, bulk_decoder.TakeCounts()[0].counts);
    const Columns expected = one_by_one.Finish(), columns = bulk.Finish();
    ASSERT_EQ(columns.size(), expected.size());
    for (size_t i = 0; i < columns.size(); ++i) EXPECT_TRUE(columns[i]->Equals(*expected[i], arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false))) << columns[i]->ToString();
  }
}

TEST_F(ValueDecoderServerTest, WhatTheLakeCannotHoldBecomesNullAndIsCounted) {
  const std::vector<std::tuple<const char*, const char*, Policy>> beyond = {
      {"date", "infinity", Policy::kInfinity},       {"date", "-infinity", Policy::kInfinity},
      {"date", "4713-01-01 BC", Policy::kInfinity},  {"date", "10000-01-01", Policy::kInfinity},
      {"timestamp", "infinity", Policy::kInfinity},  {"timestamptz", "294276-12-31 23:59:59Z", Policy::kInfinity},
      {"numeric(10,2)", "NaN", Policy::kNotANumber}, {"int4[]", "{{1,2},{3,4}}", Policy::kArrayShape},
      {"int4[]", "[0:1]={1,2}", Policy::kArrayShape}};
  for (const auto& [type, value, policy] : beyond) {
    SCOPED_TRACE(std::string(type) + ": " + value);
    const Sample sample = Ask({type, {}, "'-'"}, value);
    Cell cell;
    PolicyCounts counts;
    ASSERT_TRUE(MakeDecoder(*sample.type, sample.typmod)->Decode(AsBytes(sample.binary), cell, counts));
    EXPECT_TRUE(cell.is_null());
    EXPECT_EQ(counts[policy], 1u);
  }
}

}  // namespace
}  // namespace sluice
