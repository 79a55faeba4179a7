#include "source/postgres/relation_facts.h"

namespace sluice {

RelationFacts FactsOf(const pgoutput::Relation& relation) {
  RelationFacts facts;
  facts.oid = relation.oid;
  facts.name = {std::string(relation.name_space.empty() ? "pg_catalog" : relation.name_space), std::string(relation.name)};
  facts.identity = relation.identity;
  for (pgoutput::RelationColumns columns(relation); !columns.done();) {
    const pgoutput::RelationColumn column = columns.Next();
    facts.columns.push_back({std::string(column.name), column.type, column.typmod, column.in_key});
  }
  return facts;
}

}  // namespace sluice
