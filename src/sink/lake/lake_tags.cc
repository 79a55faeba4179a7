#include "sink/lake/lake_tags.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "observability/error_catalog.h"

namespace sluice {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr std::string_view kHourPrefix = "hour-";
constexpr std::string_view kDayPrefix = "day-";
constexpr std::string_view kTagPrefix = "sluice.tag.";
constexpr size_t kNameMax = 128;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// 0 stands for a digit, everything else for itself.
bool HasForm(std::string_view text, std::string_view form) {
  return std::equal(text.begin(), text.end(), form.begin(), form.end(), [](char c, char wanted) { return wanted == '0' ? IsDigit(c) : c == wanted; });
}

int KeptOf(const LakeTagsConfig& config, TagPeriod period) { return period == TagPeriod::kHour ? config.hourly : config.daily; }

bool ParseMicros(std::string_view& text, int64_t& micros) {
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), micros);
  text.remove_prefix(static_cast<size_t>(parsed.ptr - text.data()));
  if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return parsed.ec == std::errc();
}

}  // namespace

std::string TagName(TagPeriod period, Timestamp begin) {
  const auto day = std::chrono::floor<days>(begin);
  const std::chrono::year_month_day date(day);
  const std::string text = fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  if (period == TagPeriod::kDay) return std::string(kDayPrefix) + text;
  return fmt::format("{}{}T{:02}", kHourPrefix, text, std::chrono::floor<hours>(begin - day).count());
}

std::optional<TagPeriod> PeriodOf(std::string_view name) {
  if (HasForm(name, "hour-0000-00-00T00")) return TagPeriod::kHour;
  if (HasForm(name, "day-0000-00-00")) return TagPeriod::kDay;
  return std::nullopt;
}

std::optional<Timestamp> BeganBetween(TagPeriod period, Timestamp before, Timestamp now) {
  const Timestamp began = period == TagPeriod::kHour ? Timestamp(std::chrono::floor<hours>(now)) : Timestamp(std::chrono::floor<days>(now));
  return before < began ? std::optional(began) : std::nullopt;
}

Status CheckTagName(std::string_view name) {
  const auto refuse = [&](std::string_view what) -> Status {
    return Error{ErrorKind::kNeedsOperator, fmt::format("a tag cannot be called \"{}\": {}", name.substr(0, kNameMax), what), slu::kLakeTagName};
  };
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) { return IsLetter(c) || IsDigit(c) || c == '.' || c == '-' || c == '_'; });
  if (name.empty() || !IsLetter(name.front()) || !plain) return refuse("a name is a letter followed by letters, digits, points, hyphens and underscores");
  if (name.size() > kNameMax) return refuse(fmt::format("it is longer than {} characters", kNameMax));
  if (name == iceberg::kMainBranch) return refuse("that is the branch that readers see");
  if (name.starts_with(kHourPrefix) || name.starts_with(kDayPrefix)) return refuse("names of that kind are given and taken by the hour and by the day");
  return Ok();
}

TagsDue FindTagsDue(const LakeTagsConfig& config, const std::set<std::string>& known, Timestamp before, Timestamp now) {
  TagsDue due;
  if (before == Timestamp{}) return due;  // Nothing is known of the time before.
  for (const TagPeriod period : {TagPeriod::kHour, TagPeriod::kDay}) {
    const auto began = BeganBetween(period, before, now);
    if (!began) continue;
    const auto kept_max = static_cast<size_t>(KeptOf(config, period));
    const std::string made = TagName(period, *began);
    std::set<std::string, std::greater<>> newest_first;
    for (const std::string& name : known)
      if (PeriodOf(name) == period) newest_first.insert(name);
    if (kept_max > 0 && newest_first.insert(made).second) due.made.push_back(made);
    size_t kept = 0;
    for (const std::string& name : newest_first)
      if (++kept > kept_max) {
        // The source's clock may have gone back.
        if (std::erase(due.made, name) == 0) due.removed.push_back(name);
      }
  }
  return due;
}

std::string TagProperty(std::string_view tag) { return std::string(kTagPrefix) + std::string(tag); }

// LSN, source time and time of tagging in microseconds; 0: not known.
std::string ToText(const TaggedMoment& moment) {
  return fmt::format("{} {} {}", ToString(moment.lsn), moment.source_time ? moment.source_time->time_since_epoch().count() : 0, moment.tagged_at.time_since_epoch().count());
}

Result<TaggedMoments> ParseTaggedMoments(const iceberg::Properties& properties) {
  TaggedMoments moments;
  for (const auto& [key, value] : properties) {
    if (!key.starts_with(kTagPrefix)) continue;
    const size_t space = value.find(' ');
    std::string_view rest = space == std::string::npos ? std::string_view() : std::string_view(value).substr(space + 1);
    int64_t source_time = 0, tagged_at = 0;
    const auto lsn = ParseLsn(std::string_view(value).substr(0, std::min(space, value.size())));
    if (!lsn.ok() || !ParseMicros(rest, source_time) || !ParseMicros(rest, tagged_at) || !rest.empty())
      return Error{ErrorKind::kCorrupt, fmt::format("the property {} of the lake's table of cuts is malformed", key)};
    TaggedMoment& moment = moments[key.substr(kTagPrefix.size())];
    moment.lsn = *lsn;
    if (source_time > 0) moment.source_time = Timestamp(std::chrono::microseconds(source_time));
    moment.tagged_at = Timestamp(std::chrono::microseconds(tagged_at));
  }
  return moments;
}

std::set<std::string> TagsOf(const iceberg::TableMetadata& metadata) {
  std::set<std::string> names;
  for (const auto& [name, ref] : metadata.refs)
    if (ref.is_tag) names.insert(name);
  return names;
}

}  // namespace sluice
