#include "sink/lake/cut_table.h"

#include <arrow/builder.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "sink/lake/data_file_writer.h"
#include "sink/lake/lake_properties.h"
#include "sink/lake/type_map.h"
#include "storage/arrow_error.h"

namespace sluice {
namespace {

using iceberg::Primitive;
using iceberg::TypeId;

iceberg::Schema CutSchema() {
  iceberg::Schema schema;
  const auto add = [&](const char* name, TypeId type, bool required, const char* doc) {
    schema.fields.push_back({static_cast<int32_t>(schema.fields.size()) + 1, name, required, Primitive(type), doc});
  };
  add("tag", TypeId::kString, true, "The name of the moment, on every table");
  add("lsn", TypeId::kLong, true, "The moment in the source's log, as _lsn of the rows");
  add("lsn_text", TypeId::kString, true, "The same as PostgreSQL prints it");
  add("source_time", TypeId::kTimestamptz, false, "Everything the source had committed by then is in it");
  add("tagged_at", TypeId::kTimestamptz, true, "When the tag was made");
  add("table_namespace", TypeId::kString, true, "");
  add("table_name", TypeId::kString, true, "");
  add("snapshot_id", TypeId::kLong, true, "What the tag names in that table");
  return schema;
}

int64_t Micros(Timestamp time) { return time.time_since_epoch().count(); }

}  // namespace

TableIdentifier CutTableId() { return {kBookmarkNamespace, kCutTable}; }

iceberg::NewTable NewCutTable(const std::string& location) {
  iceberg::NewTable table;
  table.uuid = iceberg::NewUuid();
  table.location = location;
  table.schema = CutSchema();
  table.properties = {{kRoleProperty, kRoleCuts}, {"write.format.default", "parquet"}, {"gc.enabled", "false"}};
  return table;
}

Result<iceberg::DataFile> WriteCutRows(const LakeContext& context, const std::string& location, std::vector<CutRow> rows) {
  std::sort(rows.begin(), rows.end(), [](const CutRow& a, const CutRow& b) { return std::tie(a.moment.lsn, a.tag, a.table) < std::tie(b.moment.lsn, b.tag, b.table); });
  const std::string uri = NewDataFileUri(context, location, "");
  const std::vector<iceberg::Field> cut_fields = CutSchema().fields;
  arrow::FieldVector fields;
  for (const iceberg::Field& field : cut_fields) fields.push_back(ToArrowField(field));
  arrow::StringBuilder tags, lsn_texts, namespaces, names;
  arrow::Int64Builder lsns, snapshots;
  arrow::TimestampBuilder source_times(fields[3]->type(), arrow::default_memory_pool()), tagged_at(fields[4]->type(), arrow::default_memory_pool());
  for (const CutRow& row : rows) {
    const TaggedMoment& moment = row.moment;
    for (const arrow::Status& status :
         {tags.Append(row.tag), lsns.Append(static_cast<int64_t>(moment.lsn.value)), lsn_texts.Append(ToString(moment.lsn)),
          moment.source_time ? source_times.Append(Micros(*moment.source_time)) : source_times.AppendNull(), tagged_at.Append(Micros(moment.tagged_at)),
          namespaces.Append(row.table.name_space), names.Append(row.table.name), snapshots.Append(row.snapshot_id)})
      RETURN_IF_ERROR(FromArrow(status, uri));
  }
  const std::array<arrow::ArrayBuilder*, 8> builders{&tags, &lsns, &lsn_texts, &source_times, &tagged_at, &namespaces, &names, &snapshots};
  Columns columns(builders.size());
  for (size_t i = 0; i < builders.size(); ++i) RETURN_IF_ERROR(FromArrow(builders[i]->Finish(&columns[i]), uri));
  return WriteDataFile(context.store, uri, arrow::schema(fields), columns, context.parquet());
}

}  // namespace sluice
