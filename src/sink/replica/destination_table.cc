#include "sink/replica/destination_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "observability/errors/replica_codes.h"
#include "postgres/quote.h"
#include "sink/replica/table_shape.h"

namespace sluice {
namespace {

Error Changed(const TableSchema& schema, const std::string& difference) {
  return Error{ErrorKind::kNeedsOperator, fmt::format("table {}: {}", ToString(schema.name), difference),
               slu::kReplicaSchemaChanged};
}

uint64_t NextId() {
  static std::atomic<uint64_t> ids{0};
  return ++ids;
}

// The equality of an extension's type lies in the extension's namespace, which is not on our search path.
Result<std::string> EqualsOf(PgConnection& connection, Oid type) {
  ASSIGN_OR_RETURN(const PgResult found,
                   connection.Execute("SELECT n.nspname, o.oprname FROM pg_catalog.pg_opclass c JOIN pg_catalog.pg_amop a"
                                      " ON a.amopfamily = c.opcfamily AND a.amoplefttype = c.opcintype AND"
                                      " a.amoprighttype = c.opcintype AND a.amopstrategy = 3 JOIN pg_catalog.pg_operator o"
                                      " ON o.oid = a.amopopr JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace"
                                      " WHERE c.opcmethod = 403 AND c.opcdefault AND c.opcintype = $1::text::oid",
                                      {std::to_string(type)}));
  if (PQntuples(found.get()) == 0) return std::string("OPERATOR(pg_catalog.=)");
  return "OPERATOR(" + QuoteIdentifier(Field(found, 0, 0)) + "." + std::string(Field(found, 0, 1)) + ")";
}

}  // namespace

bool IsObjectNumber(const Type& type) {
  constexpr std::array<Oid, 11> kTypes{24, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191};
  return std::find(kTypes.begin(), kTypes.end(), BaseOf(type).oid) != kTypes.end();
}

bool TravelsAsText(const Type& type) { return !type.has_binary || !BaseOf(type).has_binary; }

Result<std::string> ObjectNumberText(Bytes value, const std::string& column) {
  if (value.size() != 4) return Error{ErrorKind::kCorrupt, fmt::format("column {}: not an object number", column)};
  const auto oid = LoadBigEndian<uint32_t>(value.data());
  if (oid >= kFirstPrivateOid)
    return Error{ErrorKind::kNeedsOperator, fmt::format("column {} names object {} of the source", column, oid),
                 slu::kReplicaPrivateObject};
  return std::to_string(oid);
}

DestinationTable DestinationTable::AsText() const {
  DestinationTable text = *this;
  text.id = NextId();
  text.any_text = true;
  text.text_stream = true;
  for (DestinationColumn& column : text.columns) column.as_text = true;
  return text;
}

Result<DestinationTable> DestinationTable::LoadAt(PgConnection& connection, DestinationTypes& types,
                                                  const TableSchemaPtr& schema, const TableName& place) {
  ASSIGN_OR_RETURN(const auto shape, ReadShape(connection, place));
  if (!shape) return Changed(*schema, "it does not exist on the replica");
  DestinationTable table;
  table.schema = schema;
  table.id = NextId();
  table.name = QuoteName(place);
  table.partitioned = shape->kind == 'p';
  for (size_t i = 0; i < schema->columns.size(); ++i) {
    const Column& source = schema->columns[i];
    const ShapeColumn* const found = FindColumn(*shape, source.name);
    if (found == nullptr) return Changed(*schema, fmt::format("column {} is missing on the replica", source.name));
    ASSIGN_OR_RETURN(const Oid wanted, types.Resolve(*source.type));
    ASSIGN_OR_RETURN(std::string type_sql, types.Sql(*source.type, source.typmod));
    if (wanted != found->type || source.typmod != found->typmod)
      return Changed(*schema, fmt::format("column {} is of type {} on the source, not on the replica", source.name, type_sql));
    OidMap map;
    RETURN_IF_ERROR(types.AddTo(map, *source.type));
    DestinationColumn column;
    column.quoted = QuoteIdentifier(source.name);
    column.type_sql = std::move(type_sql);
    column.type = wanted;
    column.as_text = TravelsAsText(*source.type);
    column.object_number = IsObjectNumber(*source.type);
    column.identity_always = found->identity == 'a';
    column.in_key = std::find(schema->key.begin(), schema->key.end(), i) != schema->key.end();
    column.translation = OidTranslation::Of(*source.type, map);
    if (const Type& base = BaseOf(*source.type); column.in_key && base.is_private() && base.kind == TypeKind::kBase) {
      ASSIGN_OR_RETURN(const Oid base_oid, types.Resolve(base));
      ASSIGN_OR_RETURN(column.equals, EqualsOf(connection, base_oid));
    }
    if (column.as_text) table.any_text = true;
    if (!column.translation.pass_through() || column.object_number) table.pass_through = false;
    table.columns.push_back(std::move(column));
  }
  return table;
}

}  // namespace sluice
