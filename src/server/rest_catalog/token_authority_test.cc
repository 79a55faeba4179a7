#include "server/rest_catalog/token_authority.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using std::chrono::seconds;

constexpr TokenAuthority::Time kNow{seconds(1'800'000'000)};

const TokenAuthority& Authority() {
  static const TokenAuthority authority("the-one-token-0123", {{"spark", "spark-secret-01234"}, {"trino", "trino-secret-01234"}});
  return authority;
}

TEST(TokenAuthority, AcceptsTheOneTokenAndNoOther) {
  EXPECT_TRUE(Authority().Accepts("the-one-token-0123", kNow));
  for (const char* const wrong : {"", "the-one-token-012", "the-one-token-01234", "THE-ONE-TOKEN-0123"}) EXPECT_FALSE(Authority().Accepts(wrong, kNow)) << wrong;
}

TEST(TokenAuthority, WithoutATokenAnEmptyOneOpensNothing) {
  const TokenAuthority clients_only("", {{"spark", "spark-secret-01234"}});
  EXPECT_FALSE(clients_only.open_to_all());
  EXPECT_FALSE(clients_only.Accepts("", kNow));
  EXPECT_TRUE(TokenAuthority("", {}).open_to_all());
}

TEST(TokenAuthority, GivesAClientATokenForAnHour) {
  const std::string token = Authority().GrantForSecret("spark", "spark-secret-01234", kNow).value();
  EXPECT_TRUE(Authority().Accepts(token, kNow));
  EXPECT_TRUE(Authority().Accepts(token, kNow + seconds(3599)));
  EXPECT_FALSE(Authority().Accepts(token, kNow + seconds(3600)));
  const std::string fresh = Authority().GrantForToken(token, kNow + seconds(3599)).value();
  EXPECT_TRUE(Authority().Accepts(fresh, kNow + seconds(7000)));
  EXPECT_FALSE(Authority().GrantForToken(token, kNow + seconds(3600)));
}

TEST(TokenAuthority, KnowsNobodyWithAnothersSecretOrToken) {
  EXPECT_FALSE(Authority().GrantForSecret("spark", "trino-secret-01234", kNow));
  EXPECT_FALSE(Authority().GrantForSecret("nobody", "", kNow));
  EXPECT_FALSE(Authority().GrantForSecret("", "", kNow));
  EXPECT_FALSE(Authority().GrantForToken("the-one-token-0123", kNow));
  const std::string token = Authority().GrantForSecret("spark", "spark-secret-01234", kNow).value();
  const TokenAuthority after_a_change("", {{"spark", "another-secret-0123"}});
  EXPECT_FALSE(after_a_change.Accepts(token, kNow));
}

TEST(TokenAuthority, AByteThatWasChangedAnywhereIsNoticed) {
  const std::string token = Authority().GrantForSecret("spark", "spark-secret-01234", kNow).value();
  for (size_t at = 0; at < token.size(); ++at) {
    std::string changed = token;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(Authority().Accepts(changed, kNow)) << at;
    EXPECT_FALSE(Authority().Accepts(token.substr(0, at), kNow)) << at;
  }
  EXPECT_FALSE(Authority().Accepts(token + "0", kNow));
}

TEST(TokenAuthority, HeadersAreTakenApart) {
  EXPECT_EQ(BearerOf("Bearer abc"), "abc");
  EXPECT_EQ(BearerOf("bearer  abc"), "abc");
  EXPECT_EQ(BearerOf("Basic abc"), "");
  EXPECT_EQ(BearerOf("Bearer "), "");
  const auto basic = BasicOf("Basic c3Bhcms6YTpi");  // spark:a:b
  ASSERT_TRUE(basic.has_value());
  EXPECT_EQ(basic->client, "spark");
  EXPECT_EQ(basic->secret, "a:b");
  EXPECT_EQ(BasicOf("Basic YTo=")->client, "a");
  for (const char* const bad : {"Basic ", "Basic ====", "Basic abc", "Basic !!!!", "Basic YWJj", "Bearer c3Bhcms6YTpi"}) EXPECT_FALSE(BasicOf(bad)) << bad;
}

}  // namespace
}  // namespace sluice
