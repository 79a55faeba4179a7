#include "cli/lake/served_moments.h"

#include <fmt/format.h>

#include "cli/lake/lake_reading.h"
#include "cli/lake/moment.h"
#include "config/printable.h"
#include "observability/error_catalog.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/table_id.h"

namespace sluice::cli {
namespace {

Error NoMoment(std::string why) { return Error{ErrorKind::kNeedsOperator, std::move(why), slu::kLakeNoCut}; }

Result<CutWish> ParseWish(const std::string& text) {
  if (text == "now") return CutWish();
  for (const CutOptions& options : {CutOptions{text, ""}, CutOptions{"", text}})
    if (auto wish = ParseCutWish(options); !text.empty() && wish.ok()) return wish;
  return NoMoment(fmt::format("\"{}\" is no moment: behind the @ stands now, a time in UTC (2026-07-01T12:00:00Z) or an LSN (5C/9A01F2E8)", Printable(text)));
}

Result<std::optional<Bookmark>> ReadBookmark(Catalog& catalog) {
  ASSIGN_OR_RETURN(const auto properties, catalog.NamespaceProperties(kBookmarkNamespace));
  if (!properties) return std::optional<Bookmark>();
  return ParseBookmark(*properties);
}

CutTable Described(const TableIdentifier& id, const iceberg::TableMetadataPtr& metadata, const HeldTables& held) {
  CutTable table{NameOf(id), metadata, std::nullopt};
  if (const auto found = held.find(table.name); found != held.end()) table.held = found->second;
  return table;
}

}  // namespace

Result<std::shared_ptr<const LakeToRead>> ServedMoments::Open() {
  const std::lock_guard lock(mutex_);
  if (opened_) return opened_;
  ASSIGN_OR_RETURN(std::optional<LakeToRead> lake, OpenLakeToRead(config_));
  if (!lake) return Error{ErrorKind::kNeedsOperator, "nothing was copied to the lake yet", slu::kLakeMissing};
  auto opened = std::make_shared<const LakeToRead>(std::move(*lake));
  // A file may be another one the next time.
  if (!config_.catalog_dsn.empty() || config_.rest_catalog) opened_ = opened;
  return opened;
}

// Of the newest moment the bookmark knows; only a time needs the histories of all tables.
Result<uint64_t> ServedMoments::Find(std::string_view text) {
  ASSIGN_OR_RETURN(const CutWish wish, ParseWish(std::string(text)));
  ASSIGN_OR_RETURN(const auto lake, Open());
  Catalog& catalog = *lake->catalog;
  ASSIGN_OR_RETURN(const std::optional<Bookmark> bookmark, ReadBookmark(catalog));
  if (!bookmark) return NoMoment("nothing was committed to the lake yet");
  if (!wish.time) return std::min(wish.lsn.value_or(bookmark->position.lsn), bookmark->position.lsn).value;
  ASSIGN_OR_RETURN(const HeldTables held, ReadHeldTables(catalog));
  std::vector<CutTable> tables;
  ASSIGN_OR_RETURN(const std::vector<std::string> namespaces, catalog.ListNamespaces());
  for (const std::string& name_space : namespaces) {
    ASSIGN_OR_RETURN(const std::vector<TableIdentifier> ids, catalog.ListTables(name_space));
    for (const TableIdentifier& id : ids) {
      ASSIGN_OR_RETURN(const std::optional<CatalogTable> table, catalog.LoadTable(id));
      if (table) tables.push_back(Described(id, table->metadata, held));
    }
  }
  const auto cut = FindCut(tables, bookmark, wish);
  if (!cut) return NoMoment("no snapshot that is left is that old");
  return cut->lsn.value;
}

Result<std::optional<TableAtMoment>> ServedMoments::Load(const TableIdentifier& id, uint64_t moment) {
  ASSIGN_OR_RETURN(const auto lake, Open());
  ASSIGN_OR_RETURN(const HeldTables held, ReadHeldTables(*lake->catalog));
  ASSIGN_OR_RETURN(const std::optional<CatalogTable> table, lake->catalog->LoadTable(id));
  if (!table) return std::optional<TableAtMoment>();
  const TableAtCut then = AtCut(Described(id, table->metadata, held), Lsn{moment});
  return std::optional(TableAtMoment{table->metadata_location, then.snapshot_id, then.is_missing() ? then.reason : "", then.state == CutState::kForeign});
}

}  // namespace sluice::cli
