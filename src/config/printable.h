#pragma once

#include <string>
#include <string_view>

namespace sluice {

/// The text on one line without control characters: names come from files and databases, and a newline or an
/// escape sequence in one must not forge a line or drive a terminal. Bytes that are no UTF-8 become \xNN.
std::string Printable(std::string_view text);

}  // namespace sluice
