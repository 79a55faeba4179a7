#pragma once
// A value of one of the common types, out of either of its two wire forms.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "change/tuple.h"
#include "change/type.h"

namespace sluice::mapping {

enum class ScalarKind : uint8_t {
  kOther,       ///< Nothing is known of the type's values.
  kText,        ///< text, varchar, name, citext.
  kPaddedText,  ///< char(n): blanks at the end do not count.
  kDocument,    ///< json, xml: text that must keep its form.
  kJsonb,
  kBytes,
  kEnum,
  kUuid,
  kBool,
  kInt2, kInt4, kInt8,
  kNumeric,
  kDate, kTimestamp, kTimestamptz,
};

/// Of the type below all domains. `type` may be absent.
ScalarKind KindOf(const Type* type);

bool IsTextLike(ScalarKind kind);  // Made of characters that may be cut and replaced.
bool IsInteger(ScalarKind kind);

/// Integers, booleans, dates and timestamps are numbers (infinite dates as calendar.h has them), all others texts.
struct Scalar {
  int64_t number = 0;
  std::string_view text;  ///< Into the value, or into the scratch it was decoded with.
};

bool IsNumber(ScalarKind kind);

/// Decodes a value that is neither null nor unchanged. `scratch` holds what must be rewritten; it is cleared first.
/// False: malformed.
bool Decode(ScalarKind kind, const Value& value, std::string& scratch, Scalar& out);

/// The text that stands for the value, whatever its form: as the server prints it under DateStyle ISO and TimeZone
/// UTC, a numeric without zeros behind its last digit, a char(n) without blanks at its end.
void AppendCanonical(ScalarKind kind, const Scalar& scalar, std::string& out);

/// A value that a person wrote.
struct Literal {
  int64_t number = 0;
  std::string text;
};

/// nullopt: no such value of the type. For enums: no such label.
std::optional<Literal> ParseLiteral(ScalarKind kind, const Type& type, const std::string& text);

}  // namespace sluice::mapping
