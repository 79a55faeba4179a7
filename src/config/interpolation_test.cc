#include "config/interpolation.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

InterpolationSources Sources() {
  return {[](const std::string& name) -> std::optional<std::string> {
            if (name == "SET") return "value";
            if (name == "EMPTY") return "";
            if (name == "NESTED") return "${SET} ${var.x}";
            return std::nullopt;
          },
          {{"x", "from var"}},
          {{"file", ::testing::TempDir()}}};
}

std::string Text(std::string_view text) {
  const Interpolated result = Interpolate(text, Sources());
  EXPECT_FALSE(result.mistake.has_value()) << text << ": " << result.mistake->message;
  return result.text;
}

int Code(std::string_view text) {
  const Interpolated result = Interpolate(text, Sources());
  return result.mistake ? result.mistake->code : 0;
}

TEST(Interpolation, PutsInWhatEachFormNames) {
  EXPECT_EQ(Text("plain"), "plain");
  EXPECT_EQ(Text("${SET}"), "value");
  EXPECT_EQ(Text("a${SET}b${SET}"), "avaluebvalue");
  EXPECT_EQ(Text("${UNSET:-default}"), "default");
  EXPECT_EQ(Text("${UNSET:-}"), "");
  EXPECT_EQ(Text("${EMPTY:-default}"), "default");
  EXPECT_EQ(Text("${EMPTY}"), "");
  EXPECT_EQ(Text("${SET:?message}"), "value");
  EXPECT_EQ(Text("${var.x}"), "from var");
  EXPECT_EQ(Text("$${SET}"), "${SET}");
  EXPECT_EQ(Text("costs 5$ and $ and $$"), "costs 5$ and $ and $$");
}

TEST(Interpolation, DoesNotLookAgainAtWhatItPutIn) { EXPECT_EQ(Text("${NESTED}"), "${SET} ${var.x}"); }

TEST(Interpolation, SaysWhatCannotBeResolved) {
  EXPECT_EQ(Code("${UNSET}"), slu::kVariableUnset);
  EXPECT_EQ(Code("${EMPTY:?needed}"), slu::kVariableUnset);
  EXPECT_EQ(Code("${var.y}"), slu::kUnknownName);
  EXPECT_EQ(Code("${secret:vault:a}"), slu::kUnknownName);
  EXPECT_EQ(Code("${secret:file:}"), slu::kBadInterpolation);
  EXPECT_EQ(Code("${secret:file:../../etc/passwd}"), slu::kBadInterpolation);
  EXPECT_EQ(Code("${secret:file:no/such/file}"), slu::kSecretUnreadable);
  EXPECT_EQ(Code("${secret:file:/}"), slu::kSecretUnreadable);
  EXPECT_EQ(Code("${SET:-${SET}}"), slu::kBadInterpolation);
  for (const char* text : {"${", "${}", "${SET", "${1A}", "${A B}", "${SET:+x}", "${SET-x}"}) EXPECT_EQ(Code(text), slu::kBadInterpolation) << text;
}

TEST(Interpolation, ReadsASecretFromItsFile) {
  const std::string path = ::testing::TempDir() + "/secret_" + std::to_string(getpid());
  std::ofstream(path) << "s3cret \n";
  EXPECT_EQ(Text("${secret:file:" + path + "}"), "s3cret ");
  EXPECT_EQ(Text("${secret:file:secret_" + std::to_string(getpid()) + "}"), "s3cret ");
  std::ofstream(path) << std::string(100'000, 'x');
  EXPECT_EQ(Code("${secret:file:" + path + "}"), slu::kSecretUnreadable);
  std::ofstream(path) << std::string("a\0b", 3);
  EXPECT_EQ(Code("${secret:file:" + path + "}"), slu::kSecretUnreadable);
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace sluice
