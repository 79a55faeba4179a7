#include "cli/lake/cut_reading.h"

#include "sink/lake/table_id.h"

namespace sluice::cli {

// The bookmark first: what is committed while the tables are loaded lies behind it.
Result<LoadedTables> LoadTables(const OpenedLake& lake, const Invocation& invocation) {
  LoadedTables loaded;
  ASSIGN_OR_RETURN(const auto properties, lake.catalog().NamespaceProperties(kBookmarkNamespace));
  if (properties) {
    ASSIGN_OR_RETURN(loaded.bookmark, ParseBookmark(*properties));
  }
  ASSIGN_OR_RETURN(const HeldTables held, ReadHeldTables(lake.catalog()));
  RETURN_IF_ERROR(ForEachTable(lake, invocation, [&](const TableIdentifier& id, const CatalogTable& table) -> Status {
    CutTable one{NameOf(id), table.metadata, std::nullopt};
    if (const auto found = held.find(one.name); found != held.end()) one.held = found->second;
    loaded.tables.push_back(std::move(one));
    loaded.locations.push_back(table.metadata_location);
    return Ok();
  }));
  return loaded;
}

Result<Cut> CutOf(const LoadedTables& loaded, const CutWish& wish) {
  auto cut = FindCut(loaded.tables, loaded.bookmark, wish);
  if (!cut) return Error{ErrorKind::kNeedsOperator, loaded.bookmark ? "no snapshot that is left is that old" : "nothing was committed to the lake yet", slu::kLakeNoCut};
  return std::move(*cut);
}

}  // namespace sluice::cli
