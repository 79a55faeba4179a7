#pragma once
// Reading big-endian fields from bytes somebody else made. Every read is checked.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

using Bytes = std::span<const std::byte>;

inline std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }

/// Unchecked: the caller has made sure that sizeof(T) bytes are there.
template <class T>
T LoadBigEndian(const std::byte* from) {
  static_assert(std::is_integral_v<T>);
  std::make_unsigned_t<T> value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  return static_cast<T>(value);
}

template <class T>
void StoreBigEndian(std::byte* to, T number) {
  static_assert(std::is_integral_v<T>);
  auto value = static_cast<std::make_unsigned_t<T>>(number);
  if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof value);
}

template <class T>
void AppendBigEndian(std::string& to, T number) {
  std::byte bytes[sizeof(T)];
  StoreBigEndian(bytes, number);
  to.append(reinterpret_cast<const char*>(bytes), sizeof bytes);
}

/// Walks over bytes. After the first read beyond the end every read returns zero or nothing and ok() is
/// false, so a decoder checks once at its end.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : rest_(bytes) {}

  template <class T>
  T Read() {
    const Bytes field = ReadBytes(sizeof(T));
    return field.size() == sizeof(T) ? LoadBigEndian<T>(field.data()) : T{};
  }

  Bytes ReadBytes(size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const Bytes field = rest_.first(count);
    rest_ = rest_.subspan(count);
    return field;
  }

  /// A text that ends with a zero byte, without it.
  std::string_view ReadCString() {
    const size_t length = AsText(rest_).find('\0');
    if (length == std::string_view::npos) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const std::string_view text = AsText(rest_.first(length));
    rest_ = rest_.subspan(length + 1);
    return text;
  }

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  size_t rest_size() const { return rest_.size(); }
  Bytes rest() const { return rest_; }

 private:
  Bytes rest_;
  bool ok_ = true;
};

}  // namespace sluice
