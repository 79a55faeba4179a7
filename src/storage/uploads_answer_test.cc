#include "storage/uploads_answer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

std::string Upload(std::string_view key, std::string_view id, std::string_view initiated) {
  return fmt::format("<Upload><Key>{}</Key><UploadId>{}</UploadId><Owner><ID>o</ID></Owner><StorageClass>STANDARD</StorageClass><Initiated>{}</Initiated></Upload>", key, id, initiated);
}

std::string Page(const std::string& content) {
  return R"(<?xml version="1.0" encoding="UTF-8"?><ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>lake</Bucket>)" + content + "</ListMultipartUploadsResult>";
}

TEST(UploadsAnswer, NamesEachUploadAndWhenItBegan) {
  const auto page = UploadsPageFrom(Page("<IsTruncated>false</IsTruncated>" + Upload("w/a&amp;b/e000001-x.parquet", "A+b=", "2026-03-01T12:00:01.250Z") + Upload("w/c", "2", "1970-01-01T00:00:10Z")));
  ASSERT_TRUE(page.ok()) << page.error().message;
  ASSERT_EQ(page->uploads.size(), 2u);
  EXPECT_EQ(page->uploads[0].key, "w/a&b/e000001-x.parquet");
  EXPECT_EQ(page->uploads[0].id, "A+b=");
  EXPECT_EQ(page->uploads[0].initiated_ms, 1'772'366'401'000);
  EXPECT_EQ(page->uploads[1].initiated_ms, 10'000);
  EXPECT_TRUE(page->is_last);
}

TEST(UploadsAnswer, SaysWhereTheNextPageBegins) {
  const auto page = UploadsPageFrom(Page("<NextKeyMarker>w/z</NextKeyMarker><NextUploadIdMarker>7</NextUploadIdMarker><IsTruncated>true</IsTruncated>"));
  ASSERT_TRUE(page.ok());
  EXPECT_FALSE(page->is_last);
  EXPECT_EQ(page->next_key, "w/z");
  EXPECT_EQ(page->next_id, "7");
  // A store that does not say where would be asked for the same page for ever.
  EXPECT_TRUE(UploadsPageFrom(Page("<IsTruncated>true</IsTruncated>"))->is_last);
}

TEST(UploadsAnswer, LeavesOutWhatCannotBeTold) {
  const std::string good = "2026-03-01T12:00:01Z";
  for (const std::string& bad : {Upload("", "1", good), Upload("k", "", good), Upload(std::string(1025, 'k'), "1", good), Upload("k", "1", ""), Upload("k", "1", "yesterday"),
                                 Upload("k", "1", "2026-02-30T12:00:01Z"), Upload("k", "1", "2026-03-01T24:00:01Z"), Upload("k", "1", "2026-03-01T12:00:01+02:00")}) {
    const auto page = UploadsPageFrom(Page(bad + Upload("kept", "9", good)));
    ASSERT_TRUE(page.ok());
    ASSERT_EQ(page->uploads.size(), 1u) << bad;
    EXPECT_EQ(page->uploads[0].key, "kept");
  }
}

TEST(UploadsAnswer, ThatIsNoneIsAnError) {
  for (const std::string& other : std::vector<std::string>{"", "no XML", "<html><body>Sign in</body></html>", Page("").substr(0, 150), Page("<Upload><Key>"), "<Error><Code>AccessDenied</Code></Error>"}) {
    const auto page = UploadsPageFrom(other);
    ASSERT_FALSE(page.ok()) << other;
    EXPECT_EQ(page.error().kind, ErrorKind::kCorrupt);
  }
}

// The parser must not follow what a document type declares: a page of a few bytes could become gigabytes, or a file of this machine.
TEST(UploadsAnswer, HasNoEntitiesOfItsOwn) {
  const auto page = UploadsPageFrom(R"(<!DOCTYPE l [<!ENTITY e SYSTEM "file:///etc/passwd"><!ENTITY a "aaaa">]><ListMultipartUploadsResult>)" + Upload("w/&e;&a;", "1", "2026-03-01T12:00:01Z") +
                                    "</ListMultipartUploadsResult>");
  ASSERT_TRUE(page.ok()) << page.error().message;
  ASSERT_EQ(page->uploads.size(), 1u);
  EXPECT_EQ(page->uploads[0].key, "w/&e;&a;");
}

TEST(UploadsAnswer, ThatRefusesIsToldInItsWords) {
  EXPECT_EQ(RefusalFrom("<Error><Code>AccessDenied</Code><Message>Not\nyou.</Message></Error>"), "AccessDenied: Not\\nyou.");
  EXPECT_EQ(RefusalFrom("<Error><Message>What?</Message></Error>"), "");
  EXPECT_EQ(RefusalFrom("<html/>"), "");
  EXPECT_EQ(RefusalFrom("Forbidden"), "");
}

}  // namespace
}  // namespace sluice
