#pragma once
// What masks make of single values.

#include <string>
#include <string_view>

#include "sink/mapping/calendar.h"
#include "sink/mapping/numeric.h"
#include "sink/mapping/scalar.h"

namespace sluice::mapping {

inline constexpr std::string_view kRedacted = "***";

/// The first and last characters of a UTF-8 text, '*' for each other; nothing stays of a text that is not longer than
/// what would stay.
void AppendPartial(std::string_view text, int first, int last, std::string& out);

/// The first characters of a UTF-8 text. `padded`: blanks for the others.
void AppendFirst(std::string_view text, int64_t characters, bool padded, std::string& out);

/// The binary form of what IsNumber() says is one.
void AppendBinaryNumber(ScalarKind kind, int64_t number, std::string& out);

}  // namespace sluice::mapping
