// <ListMultipartUploadsResult>
//   <IsTruncated>true</IsTruncated> <NextKeyMarker>…</NextKeyMarker> <NextUploadIdMarker>…</NextUploadIdMarker>
//   <Upload> <Key>…</Key> <UploadId>…</UploadId> <Initiated>2026-03-01T12:00:00.000Z</Initiated> … </Upload> …
// <Error> <Code>AccessDenied</Code> <Message>…</Message> … </Error>

#include "storage/uploads_answer.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <pugixml.hpp>

#include "config/printable.h"
#include "observability/error_catalog.h"

namespace sluice {
namespace {

constexpr size_t kWordsMax = 300;
constexpr size_t kKeyMax = 1024, kIdMax = 2048;  // S3's own limit of a key.

/// "2026-03-01T12:00:00", with any fraction of a second behind it, and UTC.
std::optional<int64_t> Milliseconds(const std::string& text) {
  int year = 0, second = 0;
  unsigned month = 0, day = 0, hour = 0, minute = 0;
  if (!text.ends_with('Z') || std::sscanf(text.c_str(), "%4d-%2u-%2uT%2u:%2u:%2d", &year, &month, &day, &hour, &minute, &second) != 6) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month), std::chrono::day(day)};
  if (!date.ok() || hour > 23 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  const auto time = std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) + std::chrono::seconds(second);
  return std::chrono::milliseconds(time.time_since_epoch()).count();
}

// Neither entities nor includes of a document type are followed: the parser skips it.
bool Parse(std::string_view xml, pugi::xml_document& document) { return static_cast<bool>(document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8)); }

}  // namespace

Result<UploadsPage> UploadsPageFrom(std::string_view xml) {
  pugi::xml_document document;
  const bool parsed = Parse(xml, document);
  const pugi::xml_node list = document.child("ListMultipartUploadsResult");
  if (!parsed || !list) return Error{ErrorKind::kCorrupt, "the store answers with something else than a list of unfinished uploads", slu::kStorageFailed};
  UploadsPage page;
  for (const pugi::xml_node upload : list.children("Upload")) {
    ListedUpload listed{upload.child_value("Key"), upload.child_value("UploadId")};
    const auto initiated = Milliseconds(upload.child_value("Initiated"));
    if (!initiated || listed.key.empty() || listed.key.size() > kKeyMax || listed.id.empty() || listed.id.size() > kIdMax) continue;
    listed.initiated_ms = *initiated;
    page.uploads.push_back(std::move(listed));
  }
  page.next_key = list.child_value("NextKeyMarker");
  page.next_id = list.child_value("NextUploadIdMarker");
  const bool goes_on = list.child("IsTruncated").text().as_bool() && !page.next_key.empty() && page.next_key.size() <= kKeyMax && page.next_id.size() <= kIdMax;
  page.is_last = !goes_on;
  return page;
}

std::string RefusalFrom(std::string_view xml) {
  pugi::xml_document document;
  if (!Parse(xml, document)) return "";
  const pugi::xml_node error = document.child("Error");
  const std::string_view code = error.child_value("Code"), message = error.child_value("Message");
  if (code.empty()) return "";
  return Printable(fmt::format("{}: {}", code.substr(0, kWordsMax), message.substr(0, kWordsMax)));
}

}  // namespace sluice
