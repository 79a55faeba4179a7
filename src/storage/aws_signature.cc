// canonical request = method \n path encoded twice (S3: once) \n sorted query \n "name:value\n" of signed headers, sorted \n names by ';' \n hash of body
// string to sign    = "AWS4-HMAC-SHA256" \n time \n date/region/service/aws4_request \n hash of the canonical request
// key               = HMAC(HMAC(HMAC(HMAC("AWS4" + secret, date), region), service), "aws4_request")

#include "storage/aws_signature.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <map>

namespace sluice {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

std::string Hex(const Digest& digest) {
  std::string text;
  for (const unsigned char byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string HexHash(std::string_view text) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return Hex(digest);
}

Digest Keyed(std::string_view key, std::string_view text) {
  Digest digest;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), nullptr);
  return digest;
}

std::string_view Bytes(const Digest& digest) { return {reinterpret_cast<const char*>(digest.data()), digest.size()}; }

struct UrlParts {
  std::string_view host;  ///< With its port.
  std::string_view path;
  std::string_view query;
};

UrlParts Split(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  UrlParts parts;
  const size_t question = url.find('?');
  if (question != std::string_view::npos) parts.query = url.substr(question + 1);
  url = url.substr(0, question);
  const size_t slash = std::min(url.find('/'), url.size());
  parts.host = url.substr(0, slash);
  parts.path = slash == url.size() ? "/" : url.substr(slash);
  return parts;
}

std::string CanonicalPath(std::string_view path) {
  std::string canonical;
  for (size_t slash = 0; slash != std::string_view::npos;) {
    const size_t next = path.find('/', slash + 1);
    canonical += "/" + PercentEncode(path.substr(slash + 1, next == std::string_view::npos ? next : next - slash - 1));
    slash = next;
  }
  return canonical;
}

std::string CanonicalQuery(std::string_view query) {
  std::vector<std::string> pairs;
  while (!query.empty()) {
    std::string pair(query.substr(0, query.find('&')));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.find('=') == std::string::npos) pair += '=';
    pairs.push_back(std::move(pair));
  }
  std::sort(pairs.begin(), pairs.end());
  return fmt::format("{}", fmt::join(pairs, "&"));
}

}  // namespace

HttpFields SignForAws(const HttpCall& call, const AwsKeys& keys, const AwsScope& scope, std::chrono::sys_seconds now) {
  const UrlParts url = Split(call.url);
  const std::string time = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
  const std::string date = time.substr(0, 8);
  std::map<std::string, std::string> signed_headers{{"host", std::string(url.host)}, {"x-amz-date", time}};
  if (!keys.session_token.empty()) signed_headers["x-amz-security-token"] = keys.session_token;
  const bool is_s3 = scope.service == "s3";
  const std::string body_hash = HexHash(call.body);
  if (is_s3) signed_headers["x-amz-content-sha256"] = body_hash;
  std::string lines, names;
  for (const auto& [name, value] : signed_headers) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", call.method, is_s3 ? std::string(url.path) : CanonicalPath(url.path), CanonicalQuery(url.query), lines, names, body_hash);
  const std::string credential_scope = fmt::format("{}/{}/{}/aws4_request", date, scope.region, scope.service);
  Digest key = Keyed("AWS4" + keys.secret_key, date);
  for (const std::string_view part : {std::string_view(scope.region), std::string_view(scope.service), std::string_view("aws4_request")}) key = Keyed(Bytes(key), part);
  const Digest signature = Keyed(Bytes(key), fmt::format("AWS4-HMAC-SHA256\n{}\n{}\n{}", time, credential_scope, HexHash(canonical)));
  HttpFields added{{"X-Amz-Date", time},
                   {"Authorization", fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}", keys.access_key, credential_scope, names, Hex(signature))}};
  if (!keys.session_token.empty()) added.emplace_back("X-Amz-Security-Token", keys.session_token);
  if (is_s3) added.emplace_back("X-Amz-Content-Sha256", body_hash);
  return added;
}

}  // namespace sluice
