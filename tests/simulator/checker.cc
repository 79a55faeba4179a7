#include "checker.h"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::simulator {
namespace {

bool HasColumn(const TableShape& shape, int16_t attribute) {
  return std::any_of(shape.columns.begin(), shape.columns.end(), [&](const ColumnShape& column) { return column.attribute == attribute; });
}

/// Empty: they hold the same. `now`: a column that was dropped since could not be read any more by a copy.
std::string Difference(const TableContent& content, const TableVersion& source, const TableShape& now) {
  const Digest& here = content.digest();
  if (here.rows != source.digest.rows) return fmt::format("{} rows instead of {}", here.rows, source.digest.rows);
  if (here.keys != source.digest.keys) return "other keys";
  for (const ColumnShape& column : source.shape->columns) {
    if (!HasColumn(now, column.attribute)) continue;
    const auto sum = [&](const Digest& digest) {
      const auto found = digest.columns.find(column.attribute);
      return found == digest.columns.end() ? 0 : found->second;
    };
    if (sum(here) != sum(source.digest)) return fmt::format("other values of {}", column.name);
  }
  return "";
}

}  // namespace

void Checker::Acknowledged(Lsn before, Lsn durable) const {
  if (durable < before) Fail(fmt::format("acknowledged {} after {}", ToString(durable), ToString(before)));
  for (const auto& destination : destinations_) {
    const Destination::State& state = destination->durable;
    if (!state.bookmark || destination->opened_incarnation != destination->incarnation) continue;
    const Lsn has = ResumeLsn(state.bookmark->position.lsn, state.copied);
    if (durable > has) Fail(fmt::format("acknowledged {}, but {} is durable only up to {}", ToString(durable), destination->name, ToString(has)));
  }
}

void Checker::Durable(const Destination& destination) {
  const Destination::State& state = destination.durable;
  if (!state.bookmark) return;
  const Lsn bookmark = state.bookmark->position.lsn;
  Lsn& last = bookmarks_[destination.name];
  if (bookmark < last) Fail(fmt::format("the bookmark of {} went back from {} to {}", destination.name, ToString(last), ToString(bookmark)));
  last = bookmark;
  for (const auto& [name, copied] : state.copied) CheckTable(destination, name, copied);
  for (const auto& [name, held] : state.held) {
    if (held.code == 0 || held.reason.empty()) Fail(fmt::format("{} is held in {} without a reason", ToString(name), destination.name));
    if (!holdable_.contains({destination.name, name}))
      Fail(fmt::format("{} is held in {}, but nothing was wrong with it: {}", ToString(name), destination.name, held.reason));
    if (state.copied.contains(name)) Fail(fmt::format("{} is held and copied in {}", ToString(name), destination.name));
  }
}

void Checker::CheckTable(const Destination& destination, const TableName& name, const CopiedTable& copied) const {
  const Lsn position = std::max(copied.catching_up_from.value_or(destination.durable.bookmark->position.lsn), copied.copy_lsn);
  const TableVersion* const source = server_.database.VersionAt(copied.oid, position);
  if (source == nullptr) Fail(fmt::format("{} is copied in {} at {}, where it did not exist yet", ToString(name), destination.name, ToString(position)));
  const auto content = destination.durable.tables.find(name);
  static const TableContent nothing;
  const std::string difference = Difference(content == destination.durable.tables.end() ? nothing : content->second, *source, *server_.database.VersionAt(copied.oid, Lsn{UINT64_MAX})->shape);
  if (difference.empty()) return;
  const std::string catching_up = copied.catching_up_from ? "catching up from " + ToString(*copied.catching_up_from) : "caught up";
  Fail(fmt::format("{} in {} at {} has {} (copied at {}, {}, bookmark {})", ToString(name), destination.name, ToString(position), difference,
                   ToString(copied.copy_lsn), catching_up, ToString(destination.durable.bookmark->position.lsn)));
}

std::string Checker::Missing(const Destination& destination) const {
  const Destination::State& state = destination.durable;
  if (!state.bookmark) return "nothing was copied";
  for (const auto& [oid, table] : server_.database.tables()) {
    const TableName& name = table.shape->name;
    if (!IsFollowed(*table.shape)) continue;
    const auto held = state.held.find(name);
    if (held != state.held.end() && (held->second.oid == 0 || held->second.oid == oid)) continue;
    const auto copied = state.copied.find(name);
    if (copied == state.copied.end() || copied->second.oid != oid) return fmt::format("{} is not copied", ToString(name));
    if (copied->second.catching_up_from) return fmt::format("{} catches up from {}", ToString(name), ToString(*copied->second.catching_up_from));
    const TableVersion* const newest = server_.database.VersionAt(oid, Lsn{UINT64_MAX});
    const auto content = state.tables.find(name);
    static const TableContent nothing;
    const std::string difference = Difference(content == state.tables.end() ? nothing : content->second, *newest, *newest->shape);
    if (!difference.empty()) return fmt::format("{} has {}", ToString(name), difference);
    if (copied->second.fingerprint != ToText(Define(table).fingerprint) && CompareFingerprints(copied->second.fingerprint, Define(table)) != TableChange::kNone)
      return fmt::format("{} is not like the source's", ToString(name));
  }
  for (const auto& [name, copied] : state.copied)
    if (server_.database.FindTable(name) == nullptr) return fmt::format("{} is still copied, though it was dropped", ToString(name));
  return "";
}

}  // namespace sluice::simulator
