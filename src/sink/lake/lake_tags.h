#pragma once
// Tags: names for moments of the lake, the same name on every table. When one is due, which stay, which names are good. Pure.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "change/position.h"
#include "change/table_schema.h"
#include "config/config.h"
#include "iceberg/table_metadata.h"

namespace sluice {

enum class TagPeriod { kHour, kDay };

/// "hour-2026-11-26T14", "day-2026-11-26": letters, digits and hyphens, which every reader takes. `begin` in UTC.
std::string TagName(TagPeriod period, Timestamp begin);

/// nullopt: a name that people give.
std::optional<TagPeriod> PeriodOf(std::string_view name);

/// Where the last hour or day began after `before` and at or before `now`; nullopt: none did.
std::optional<Timestamp> BeganBetween(TagPeriod period, Timestamp before, Timestamp now);

/// For a name that people give. Error: 4150.
Status CheckTagName(std::string_view name);

struct TagsDue {
  std::vector<std::string> made, removed;
};

/// When a commit brings the lake from what the source was at `before` to what it was at `now`. `known`: the tags that there are.
TagsDue FindTagsDue(const LakeTagsConfig& config, const std::set<std::string>& known, Timestamp before, Timestamp now);

/// The moment that a tag names.
struct TaggedMoment {
  Lsn lsn;
  std::optional<Timestamp> source_time;  ///< Everything committed at the source up to then is in it.
  Timestamp tagged_at{};                 ///< By our clock.

  bool operator==(const TaggedMoment&) const = default;
};

/// Which tags a commit makes and removes.
struct TagPlan {
  std::vector<std::string> made;
  TaggedMoment moment;                                      ///< Of those made.
  std::map<TableName, std::optional<int64_t>> snapshots;    ///< That they name; nullopt: the one that is current after the commit.
  std::vector<std::string> removed;
  std::set<TableName> removed_from;                         ///< Empty: from every table.
};

/// By tag.
using TaggedMoments = std::map<std::string, TaggedMoment>;

/// Where the table of cuts keeps a tag's moment.
std::string TagProperty(std::string_view tag);
std::string ToText(const TaggedMoment& moment);
/// Of all tags among the properties of the table of cuts. Error: kCorrupt.
Result<TaggedMoments> ParseTaggedMoments(const iceberg::Properties& properties);

/// The names of a table's tags, without its branches.
std::set<std::string> TagsOf(const iceberg::TableMetadata& metadata);

}  // namespace sluice
