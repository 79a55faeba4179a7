#include "observability/error_catalog.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace sluice {
namespace {

std::string Read(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// All numbers in `text` that the pattern's first group takes.
std::set<int> Codes(const std::string& text, const std::regex& pattern) {
  std::set<int> codes;
  for (std::sregex_iterator at(text.begin(), text.end(), pattern), end; at != end; ++at) codes.insert(std::stoi((*at)[1]));
  return codes;
}

TEST(ErrorCatalog, EveryEntryExplainsItselfAndNamesAFix) {
  for (const ErrorEntry& entry : AllErrors()) {
    EXPECT_GT(entry.title.size(), 8u) << entry.code;
    EXPECT_GT(entry.why.size(), 8u) << entry.code;
    EXPECT_GT(entry.fix.size(), 8u) << entry.code;
    EXPECT_NE(entry.exit, ExitCode::kOk) << entry.code;
  }
}

TEST(ErrorCatalog, NoCodeStandsTwice) {
  std::set<int> codes;
  for (const ErrorEntry& entry : AllErrors()) EXPECT_TRUE(codes.insert(entry.code).second) << entry.code;
}

TEST(ErrorCatalog, EveryDeclaredCodeHasAnEntryAndTheOtherWayRound) {
  std::set<int> declared;
  for (const auto& file : std::filesystem::directory_iterator(SLUICE_SOURCE_FOLDER "/observability/errors"))
    if (file.path().string().ends_with("_codes.h")) declared.merge(Codes(Read(file.path()), std::regex(R"(\bk[A-Z]\w* = (\d+))")));
  ASSERT_GT(declared.size(), 30u);
  for (const int code : declared) EXPECT_NE(FindError(code), nullptr) << code;
  for (const ErrorEntry& entry : AllErrors()) EXPECT_TRUE(declared.contains(entry.code)) << entry.code;
}

TEST(ErrorCatalog, EveryNumberThatCodeNamesHasAnEntry) {
  // Inside Error{…} as a literal, or as SLU-1234 in a text.
  const std::regex literal(R"(Error\{\s*(?:ErrorKind::\w+|\w+),[^;{}]*?,\s*(\d{4})\b)");
  const std::regex spelled(R"(SLU-(\d{4})\b)");
  for (const auto& file : std::filesystem::recursive_directory_iterator(SLUICE_SOURCE_FOLDER)) {
    const std::string name = file.path().string();
    if (!(name.ends_with(".cc") || name.ends_with(".h")) || name.ends_with("_test.cc")) continue;
    const std::string text = Read(file.path());
    for (const std::regex& pattern : {literal, spelled})
      for (const int code : Codes(text, pattern)) EXPECT_NE(FindError(code), nullptr) << name << " names " << code;
  }
}

TEST(ErrorCatalog, EveryKindHasAGeneralEntry) {
  for (const ErrorKind kind : {ErrorKind::kUnavailable, ErrorKind::kConflict, ErrorKind::kOutcomeUnknown, ErrorKind::kNeedsOperator,
                               ErrorKind::kSourceLost, ErrorKind::kCorrupt, ErrorKind::kCancelled}) {
    EXPECT_EQ(EntryOf(Error{kind, "m"}).code / 1000, 9);
    EXPECT_EQ(EntryOf(Error{kind, "m", 1234567}).code, EntryOf(Error{kind, "m"}).code);
  }
}

}  // namespace
}  // namespace sluice
