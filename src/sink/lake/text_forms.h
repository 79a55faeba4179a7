#pragma once
// From the binary form of a type to exactly the text that the server prints, with DateStyle ISO,
// IntervalStyle iso_8601, TimeZone UTC, bytea_output hex and the shortest exact floats.
//
// Every function appends to `out` and returns false for bytes that contradict the type's format; what it has
// appended by then means nothing. Sources: the *_send and *_out functions of PostgreSQL's utils/adt.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sluice::text {

using Form = bool (*)(Bytes value, std::string& out);

// Numbers (text_numbers.cc).
bool Bool(Bytes value, std::string& out);
bool Int2(Bytes value, std::string& out);
bool Int4(Bytes value, std::string& out);
bool Int8(Bytes value, std::string& out);
bool Unsigned4(Bytes value, std::string& out);   // oid, xid, cid
bool Unsigned8(Bytes value, std::string& out);   // xid8
bool Float4(Bytes value, std::string& out);
bool Float8(Bytes value, std::string& out);
bool Numeric(Bytes value, std::string& out);
bool Money(Bytes value, std::string& out);       // With two decimals and without the locale's signs.
void AppendFloat8(double value, std::string& out);
void AppendUnsigned(uint64_t value, std::string& out);
void AppendSigned(int64_t value, std::string& out);
/// With leading zeros up to `width`.
void AppendPadded(int64_t value, int width, std::string& out);

// Dates and times (text_datetime.cc).
bool Date(Bytes value, std::string& out);
bool Time(Bytes value, std::string& out);
bool Timetz(Bytes value, std::string& out);
bool Timestamp(Bytes value, std::string& out);
bool Timestamptz(Bytes value, std::string& out);
bool Interval(Bytes value, std::string& out);
bool JsonTimestamp(Bytes value, std::string& out);    // As to_json: with T.
bool JsonTimestamptz(Bytes value, std::string& out);  // As to_json: with T and +00:00.

// Strings of bytes (text_strings.cc).
bool Plain(Bytes value, std::string& out);
bool Versioned(Bytes value, std::string& out);   // A version byte 1, then the text: jsonb, jsonpath, ltree
bool Bytea(Bytes value, std::string& out);
bool Uuid(Bytes value, std::string& out);
bool Bits(Bytes value, std::string& out);
bool Char(Bytes value, std::string& out);        // "char"
bool Hstore(Bytes value, std::string& out);
bool UpperHex(Bytes value, std::string& out);    // PostGIS prints its binary form.
void AppendHex(Bytes value, std::string& out);
/// In double quotes, as hstore_out and array_in have it.
void AppendQuoted(std::string_view text, std::string& out);
void AppendJsonString(std::string_view text, std::string& out);

// Addresses (text_network.cc).
bool Inet(Bytes value, std::string& out);
bool Cidr(Bytes value, std::string& out);
bool Macaddr(Bytes value, std::string& out);
bool Macaddr8(Bytes value, std::string& out);

// Shapes (text_geometry.cc).
bool Point(Bytes value, std::string& out);
bool Line(Bytes value, std::string& out);
bool Lseg(Bytes value, std::string& out);
bool Box(Bytes value, std::string& out);
bool Path(Bytes value, std::string& out);
bool Polygon(Bytes value, std::string& out);
bool Circle(Bytes value, std::string& out);
bool Vector(Bytes value, std::string& out);      // pgvector

// Text search and the system's own (text_system.cc).
bool Tsvector(Bytes value, std::string& out);
bool Tsquery(Bytes value, std::string& out);
bool PgLsn(Bytes value, std::string& out);
bool Tid(Bytes value, std::string& out);
bool Snapshot(Bytes value, std::string& out);
bool IntegerVector(Bytes value, std::string& out);  // int2vector, oidvector

}  // namespace sluice::text
