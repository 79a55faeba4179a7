#pragma once
// numeric on the wire.
//
//   digits: int16 | weight: int16 | sign: uint16 | scale: int16 | digits of base 10000: int16 each
//   value = sign Σ digit[i] · 10000^(weight - i);  sign: 0x0000 +, 0x4000 -, 0xC000 NaN, 0xD000 ∞, 0xF000 -∞
// Source: PostgreSQL, numeric_send in utils/adt/numeric.c.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace sluice::mapping {

/// The shortest text of the value: "-12.5", "0", "NaN", "Infinity"; equal values have equal texts, whatever their
/// scale. False: malformed.
bool NumericToText(Bytes binary, std::string& out);

/// The same of what the server prints, or a person writes: "1.50" → "1.5". False: not a number.
bool CanonicalNumeric(std::string_view text, std::string& out);

/// Negative, zero or positive, of two canonical texts; as PostgreSQL orders them, NaN last.
int CompareNumeric(std::string_view a, std::string_view b);

/// To a multiple of `width` towards zero, in the form and with the scale it came in. NaN and the infinities stay.
/// False: malformed.
bool TruncateBinaryNumeric(Bytes binary, int64_t width, std::string& out);
bool TruncateTextNumeric(std::string_view text, int64_t width, std::string& out);

}  // namespace sluice::mapping
