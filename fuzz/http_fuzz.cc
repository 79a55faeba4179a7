// What clients of the REST catalog put into target, form and Authorization header, before anybody knows who they are.

#include <string>

#include "fuzz_input.h"
#include "memory_limit.h"
#include "server/http/request_target.h"
#include "server/rest_catalog/token_authority.h"

namespace sluice::fuzz {
namespace {

std::string Encoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

void ReadTarget(std::string_view text) {
  const auto target = ParseTarget(text);
  if (!target.ok()) {
    FUZZ_CHECK(target.error().kind == ErrorKind::kCorrupt);
    return;
  }
  std::string again = target->path.empty() ? "/" : "";
  for (const std::string& part : target->path) {
    FUZZ_CHECK(!part.empty() && part.find('\0') == std::string::npos);
    again += "/" + Encoded(part);
  }
  again += "?";
  for (const auto& [name, value] : target->query) again += "&" + Encoded(name) + "=" + Encoded(value);
  const auto same = ParseTarget(again);
  FUZZ_CHECK(same.ok() && same->path == target->path && same->query == target->query);
}

}  // namespace
}  // namespace sluice::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sluice;
  constexpr TokenAuthority::Time kNow{std::chrono::seconds(1'800'000'000)};
  static const TokenAuthority authority("", {{"spark", "spark-secret-01234"}});
  static const std::string good = authority.GrantForSecret("spark", "spark-secret-01234", kNow).value();
  const std::string_view text = AsText(std::as_bytes(std::span(data, size)));
  const fuzz::MemoryLimit limit(size, 200);
  fuzz::ReadTarget(text);
  if (const auto form = ParseForm(text); form.ok()) static_cast<void>(Find(*form, "grant_type"));
  const std::string_view bearer = BearerOf(text);
  FUZZ_CHECK(!authority.Accepts(text, kNow) && !authority.GrantForToken(text, kNow));
  FUZZ_CHECK(!authority.Accepts(bearer, kNow));
  FUZZ_CHECK(text.empty() || !authority.Accepts(good + std::string(text), kNow));
  if (const auto basic = BasicOf(text)) FUZZ_CHECK(basic->client.size() + basic->secret.size() < text.size());
  return 0;
}
