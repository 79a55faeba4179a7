#include "catalog/catalog.h"

#include <utility>

namespace sluice {

Result<CatalogTable> Catalog::CreateTable(const TableIdentifier& table,
                                          const iceberg::NewTable& definition) {
  TableCommit commit;
  commit.table = table;
  commit.requirements = {iceberg::AssertCreate{}};
  commit.updates = iceberg::UpdatesToCreate(definition);
  ASSIGN_OR_RETURN(std::vector<CatalogTable> created, Commit({commit}, std::nullopt));
  return std::move(created.front());
}

}  // namespace sluice
