#include <arpa/inet.h>

#include <array>

#include "sink/lake/text_forms.h"

namespace sluice::text {
namespace {

// family: byte, 2 for IPv4, 3 for IPv6 | bits: byte | is cidr: byte | address length: byte | address
bool AppendAddress(Bytes value, bool always_bits, std::string& out) {
  if (value.size() < 4) return false;
  const auto family = std::to_integer<int>(value[0]);
  const auto bits = std::to_integer<int>(value[1]);
  const size_t length = family == 2 ? 4 : family == 3 ? 16 : 0;
  if (length == 0 || value.size() != 4 + length || bits > static_cast<int>(length * 8)) return false;
  std::array<char, INET6_ADDRSTRLEN> buffer;
  // glibc and PostgreSQL agree on the shortest form, IPv4-mapped addresses included.
  if (inet_ntop(family == 2 ? AF_INET : AF_INET6, value.data() + 4, buffer.data(), buffer.size()) == nullptr) return false;
  out.append(buffer.data());
  if (always_bits || bits != static_cast<int>(length * 8)) {
    out.push_back('/');
    AppendSigned(bits, out);
  }
  return true;
}

bool AppendColons(Bytes value, size_t length, std::string& out) {
  if (value.size() != length) return false;
  for (size_t i = 0; i < length; ++i) {
    if (i > 0) out.push_back(':');
    AppendHex(value.subspan(i, 1), out);
  }
  return true;
}

}  // namespace

bool Inet(Bytes value, std::string& out) { return AppendAddress(value, false, out); }
bool Cidr(Bytes value, std::string& out) { return AppendAddress(value, true, out); }
bool Macaddr(Bytes value, std::string& out) { return AppendColons(value, 6, out); }
bool Macaddr8(Bytes value, std::string& out) { return AppendColons(value, 8, out); }

}  // namespace sluice::text
