#pragma once
// Typed fields of a pg_catalog query's text result. The queries are ours, so a field is what its query says.

#include <charconv>
#include <cstdint>
#include <string>
#include <vector>

#include "change/type.h"
#include "postgres/connection.h"

namespace sluice {

template <class Number>
Number NumberAt(const PgResult& rows, int row, int column) {
  const std::string_view text = Field(rows, row, column);
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}
inline Oid OidAt(const PgResult& rows, int row, int column) { return NumberAt<Oid>(rows, row, column); }
inline bool BoolAt(const PgResult& rows, int row, int column) { return Field(rows, row, column) == "t"; }
inline std::string TextAt(const PgResult& rows, int row, int column) { return std::string(Field(rows, row, column)); }
/// '\0' for an empty field.
inline char CharAt(const PgResult& rows, int row, int column) {
  const std::string_view text = Field(rows, row, column);
  return text.empty() ? '\0' : text[0];
}

/// "{1,2,3}": an oid[] parameter.
inline std::string OidArray(const std::vector<Oid>& oids) {
  std::string text = "{";
  for (const Oid oid : oids) {
    if (text.size() > 1) text += ',';
    text += std::to_string(oid);
  }
  return text + "}";
}

/// "1 2 3": an int2vector as text.
inline std::vector<int16_t> NumbersOf(std::string_view vector) {
  std::vector<int16_t> numbers;
  for (const char* at = vector.data(); at < vector.data() + vector.size();) {
    int16_t number = 0;
    const auto parsed = std::from_chars(at, vector.data() + vector.size(), number);
    if (parsed.ec != std::errc()) break;
    numbers.push_back(number);
    at = parsed.ptr + 1;
  }
  return numbers;
}

}  // namespace sluice
