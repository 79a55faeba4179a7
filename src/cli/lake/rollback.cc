// sluice lake rollback: a table of the lake as it was. It is held from then on: the stream cannot go on from there.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "cli/commands.h"
#include "cli/lake/lake_commands.h"
#include "cli/lake/lake_ordering.h"
#include "cli/lake/lake_reading.h"
#include "cli/lake/moment.h"
#include "config/did_you_mean.h"
#include "config/printable.h"
#include "pipeline/status_json.h"
#include "sink/lake/cuts.h"
#include "sink/lake/lake_tags.h"
#include "sink/lake/table_id.h"

namespace sluice::cli {
namespace {

using iceberg::TableMetadata;
using nlohmann::ordered_json;

struct Options {
  std::string table, to;
};

Result<int64_t> ResolveId(const TableMetadata& metadata, const std::string& text, const std::string& table) {
  int64_t id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  if (metadata.FindSnapshot(id) == nullptr) return Error{ErrorKind::kNeedsOperator, fmt::format("table {} has no snapshot {}", table, text), slu::kLakeNoSnapshot};
  return id;
}

/// A snapshot's id, a tag or branch, or a time of the source's clock.
Result<int64_t> Resolve(const TableMetadata& metadata, const std::string& to, const std::string& table) {
  if (std::all_of(to.begin(), to.end(), [](char c) { return c >= '0' && c <= '9'; })) return ResolveId(metadata, to, table);
  if (const auto ref = metadata.refs.find(to); ref != metadata.refs.end()) return ref->second.snapshot_id;
  if (const auto time = ParseTime(to)) {
    for (const MarkedSnapshot& at : MainHistory(metadata))
      if (at.mark && at.mark->source_time && *at.mark->source_time <= *time) return at.snapshot->snapshot_id;
    return Error{ErrorKind::kNeedsOperator, fmt::format("table {} has no snapshot of {} or before any more", table, Printable(to)), slu::kLakeMomentExpired};
  }
  Error error{ErrorKind::kNeedsOperator, fmt::format("table {} has no tag \"{}\", and that is no snapshot or time either", table, Printable(to)), slu::kLakeNoTag};
  const std::set<std::string> tags = TagsOf(metadata);
  if (const auto meant = DidYouMean(to, std::vector<std::string>(tags.begin(), tags.end()))) error.fix = {fmt::format("did you mean {}?", Printable(*meant)), "list them: sluice lake tag list"};
  return error;
}

std::string Describe(const TableMetadata& metadata, int64_t id) {
  const iceberg::Snapshot& snapshot = *metadata.FindSnapshot(id);
  const auto mark = ParseSnapshotMark(snapshot.summary);
  return fmt::format("snapshot {} of {}{}", id, TimeText(snapshot.timestamp_ms), mark ? ", LSN " + ToString(mark->lsn) : "");
}

std::string Plan(const std::string& table, const TableMetadata& metadata, int64_t id) {
  const std::string after = metadata.current_snapshot_id ? Describe(metadata, *metadata.current_snapshot_id) : "nothing";
  return fmt::format("Readers of {} see it again as it was: {}.\n"
                     "  It shows {} now. Snapshots since then expire once it is copied again, unless a tag keeps them.\n"
                     "  It is held from then on, in the lake alone: it does not follow the source, since its changes do not fit rows of another moment.\n"
                     "  Other tables go on. To have it follow the source again, copy it: sluice resync {}\n",
                     table, Describe(metadata, id), after, table);
}

Result<ExitCode> Rollback(const Options& options, Invocation& invocation) {
  ASSIGN_OR_RETURN(const OpenedLake lake, OpenLake(invocation));
  ASSIGN_OR_RETURN(const FoundTable found, LoadTable(lake.catalog(), options.table));
  const TableMetadata& metadata = *found.table.metadata;
  const std::string name = Printable(ToString(found.id));
  if (!metadata.properties.contains(kStateProperty)) return Error{ErrorKind::kNeedsOperator, fmt::format("table {} is not a copy of a table of the source", name), slu::kLakeTableNotFollowed};
  ASSIGN_OR_RETURN(const int64_t id, Resolve(metadata, options.to, name));
  invocation.Say(Plan(name, metadata, id));
  if (!Confirmed(invocation)) return Error{ErrorKind::kNeedsOperator, "nothing was changed", slu::kNotConfirmed};
  const std::string as_named = options.to == std::to_string(id) ? "" : fmt::format(" ({})", Printable(options.to));
  LakeOrder order{.kind = LakeOrder::Kind::kRollBack, .tables = {NameOf(found.id)}, .snapshot_id = id, .reason = fmt::format("set back by hand to snapshot {}{}", id, as_named)};
  ASSIGN_OR_RETURN(ordered_json report, CarryOutOrder(invocation, std::move(order)));
  if (invocation.options.json) {
    invocation.PrintJson({{"schema", "sluice.lake.rollback/v1"}, {"table", ToString(found.id)}, {"snapshot_id", id}, {"held", true}, {"lsn", report.value("lsn", "")}});
  } else {
    PrintData(fmt::format("{} shows {}\n", name, Describe(metadata, id)));
    invocation.Say(fmt::format("held: copy it again with: sluice resync {}", name));
  }
  return ExitCode::kOk;
}

}  // namespace

void AddLakeRollback(CLI::App& lake, Invocation& invocation) {
  CLI::App* verb = AddVerb(lake, "rollback", "Set one table back to an earlier snapshot; it is held until it is copied again",
                           "  sluice lake rollback public.orders --to before-migration\n"
                           "  sluice lake rollback orders --to 2026-07-01T12:00:00Z --yes\n");
  const auto options = std::make_shared<Options>();
  verb->add_option("table", options->table, "NAMESPACE.TABLE, by the lake's names")->required()->type_name("TABLE");
  verb->add_option("--to", options->to, "a snapshot's id, a tag, or the newest snapshot at or before a time of the source's clock, in UTC")->required()->type_name("SNAPSHOT|TAG|TIME");
  verb->callback([&invocation, options] { invocation.command = [&invocation, options] { return Rollback(*options, invocation); }; });
}

}  // namespace sluice::cli
