#pragma once
// One table of the replica as the apply needs it: how each column's value goes over the wire, and the SQL.

#include <string>
#include <vector>

#include "base/result.h"
#include "change/table_schema.h"
#include "change/tuple.h"
#include "postgres/connection.h"
#include "sink/replica/destination_types.h"
#include "sink/replica/oid_translation.h"

namespace sluice {

struct DestinationColumn {
  std::string quoted;          ///< Its name in SQL.
  std::string type_sql;        ///< Of the replica's column.
  Oid type = 0;
  bool as_text = false;        ///< No binary form: travels as text and is cast by the server.
  bool object_number = false;  ///< regclass and the like: the stream sends an OID although a copy sends text.
  bool identity_always = false;///< Cannot stand in SET.
  bool in_key = false;
  std::string equals = "OPERATOR(pg_catalog.=)";  ///< What its unique index calls equal; key columns only.
  OidTranslation translation;
};

struct DestinationTable {
  TableSchemaPtr schema;
  uint64_t id = 0;             ///< Of this reading of the table: tells prepared statements and stages apart.
  std::string name;            ///< Quoted and qualified.
  bool partitioned = false;
  std::vector<DestinationColumn> columns;  ///< In the order of the schema's.
  bool any_text = false;
  bool pass_through = true;    ///< All values go as they are.
  bool text_stream = false;    ///< Made by AsText.

  /// The same table for a stream that is text throughout, as a source sends it where some column's type has no
  /// usable binary form.
  DestinationTable AsText() const;

  /// Of the table `place`, which takes the rows. Error: kNeedsOperator (3130 with the difference) if it is missing or its
  /// columns differ from the schema's.
  static Result<DestinationTable> LoadAt(PgConnection& connection, DestinationTypes& types, const TableSchemaPtr& schema,
                                         const TableName& place);
};

/// "a", "b", "c": all columns, or those that `use` accepts.
template <class Use>
std::string ColumnList(const DestinationTable& table, Use&& use, std::string_view prefix = "") {
  std::string list;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!use(i)) continue;
    if (!list.empty()) list += ", ";
    list += prefix;
    list += table.columns[i].quoted;
  }
  return list;
}
inline std::string ColumnList(const DestinationTable& table) {
  return ColumnList(table, [](size_t) { return true; });
}

/// "schema"."t" ("a", "b"), the target of an INSERT or COPY. A table without columns takes no list, not an empty one.
inline std::string RowTarget(const DestinationTable& table) {
  return table.columns.empty() ? table.name : table.name + " (" + ColumnList(table) + ")";
}

/// True for the eleven types whose values are numbers of database objects.
bool IsObjectNumber(const Type& type);

/// True if a type's values travel as text in copies.
bool TravelsAsText(const Type& type);

/// The text form of an object number. Error: kNeedsOperator for an object of the source's own.
Result<std::string> ObjectNumberText(Bytes value, const std::string& column);

}  // namespace sluice
