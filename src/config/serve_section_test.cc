#include "config/serve_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config_loader.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

std::optional<std::string> Lookup(const std::string& name) {
  if (name == "TOKEN") return "0123456789abcdef";
  if (name == "SECRET") return "fedcba9876543210";
  if (name == "SHORT") return "short";
  return std::nullopt;
}

LoadedConfig Read(const std::string& catalog, const std::string& to = "[lake]") {
  return ReadConfig({"sluice.yaml", "sources: { s: { type: postgres, host: h, database: d } }\n"
                                    "sinks: { lake: { type: iceberg, warehouse: /srv/lake }, r: { type: postgres, host: h, database: d } }\n"
                                    "pipelines: { p: { from: s, to: " + to + " } }\n"
                                    "serve:\n  catalog: " + catalog + "\n"},
                    {}, "/project", Lookup);
}

std::string Mistakes(const std::string& catalog, const std::string& to = "[lake]") {
  const LoadedConfig loaded = Read(catalog, to);
  return loaded.mistakes.empty() ? "" : ToError(loaded).evidence;
}

CatalogServeConfig Good(const std::string& catalog) {
  LoadedConfig loaded = Read(catalog);
  EXPECT_TRUE(loaded.mistakes.empty()) << ToError(loaded).evidence;
  return loaded.config && loaded.config->serve_catalog ? *loaded.config->serve_catalog : CatalogServeConfig();
}

TEST(ServeSection, ReadsEveryField) {
  const CatalogServeConfig catalog = Good("{ listen: \"0.0.0.0:443\", token: \"${TOKEN}\", clients: { spark: { client_secret: \"${SECRET}\" } }, tls: { certificate: tls/a.crt, key: /b.key } }");
  EXPECT_EQ(catalog.address, "0.0.0.0");
  EXPECT_EQ(catalog.port, 443);
  EXPECT_EQ(catalog.token, "0123456789abcdef");
  EXPECT_THAT(catalog.clients, ElementsAre(Pair("spark", "fedcba9876543210")));
  EXPECT_EQ(catalog.certificate_file, "/project/tls/a.crt");
  EXPECT_EQ(catalog.key_file, "/b.key");
  EXPECT_FALSE(catalog.tls_elsewhere);
}

TEST(ServeSection, OnLoopbackNothingIsNeeded) {
  EXPECT_EQ(Good("{}").port, 8181);
  EXPECT_EQ(Good("{ listen: \"localhost:1\" }").address, "127.0.0.1");
  EXPECT_EQ(Good("{ listen: \"[::1]:8181\" }").address, "::1");
}

TEST(ServeSection, OnTheNetworkATokenAndTlsAreNeeded) {
  const std::string open = Mistakes("{ listen: \"0.0.0.0:8181\" }");
  EXPECT_THAT(open, HasSubstr("without a token"));
  EXPECT_THAT(open, HasSubstr("without TLS"));
  EXPECT_THAT(open, HasSubstr("tls: terminated_elsewhere"));
  EXPECT_THAT(Mistakes("{ listen: \"[::]:8181\", token: \"${TOKEN}\" }"), HasSubstr("without TLS"));
  EXPECT_THAT(Mistakes("{ listen: \"10.0.0.1:8181\", tls: terminated_elsewhere }"), HasSubstr("without a token"));
  EXPECT_TRUE(Good("{ listen: \"10.0.0.1:8181\", token: \"${TOKEN}\", tls: terminated_elsewhere }").tls_elsewhere);
}

TEST(ServeSection, AllMistakesAreToldAtOnceAndNoSecretIsShown) {
  const std::string told = Mistakes("{ listen: somewhere, token: in-plain-text-0123, clients: { \"a b\": { client_secret: \"${SHORT}\" }, c: {} }, tls: { certificate: a.crt }, colour: red }");
  for (const char* const words : {"listen cannot be", "token stands in the file in plain text", "name of a client", "fewer than 16 characters", "client_secret is missing", "\"key\" is missing", "colour"})
    EXPECT_THAT(told, HasSubstr(words));
  EXPECT_THAT(told, Not(HasSubstr("in-plain-text-0123")));
  EXPECT_THAT(Mistakes("{ tls: elsewhere }"), HasSubstr("terminated_elsewhere"));
  for (const char* const bad : {"8181", "host:8181", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "::1:8181", "[127.0.0.1]:8181"})
    EXPECT_THAT(Mistakes(std::string("{ listen: \"") + bad + "\" }"), HasSubstr("listen cannot be")) << bad;
}

TEST(ServeSection, WithoutALakeThereIsNothingToServe) { EXPECT_THAT(Mistakes("{}", "[r]"), HasSubstr("no lake to serve")); }

}  // namespace
}  // namespace sluice
