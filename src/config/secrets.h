#pragma once
// Where a password may hide in a text, so that it is neither accepted in the file nor ever shown.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// Part of a text, in bytes.
struct TextSpan {
  size_t begin = 0;
  size_t size = 0;
};

/// The password inside a libpq connection string or URI: postgres://user:HERE@…, …?password=HERE, password=HERE,
/// password = 'HERE'. nullopt if there is none or it is empty. Works on any text that contains one.
std::optional<TextSpan> FindPassword(std::string_view dsn);

/// True of nothing but one ${…} without a default, which would put the password back into the text.
bool IsOnlyVariable(std::string_view password);

/// The same text with every password that is no variable replaced by asterisks of equal length; also the values of fields that are secrets, such as `password:`.
std::string BlankPasswords(std::string_view text);

/// The key='value' part of a connection string, quoted for libpq.
std::string DsnPart(std::string_view key, std::string_view value);

}  // namespace sluice
