#include "sink/lake/changes_writer.h"

#include <arrow/array.h>
#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <charconv>
#include <unordered_map>

#include "sink/lake/data_file_writer.h"
#include "sink/lake/partitioner.h"
#include "sink/lake/row_selection.h"
#include "sink/lake/type_map.h"
#include "storage/arrow_error.h"

namespace sluice {
namespace {

Result<std::pair<std::shared_ptr<arrow::Array>, std::shared_ptr<arrow::Array>>> OwnColumns(std::span<const RowVersion> versions) {
  arrow::StringBuilder kinds;
  arrow::Int64Builder sequences;
  for (const RowVersion& version : versions)
    for (const arrow::Status& status : {kinds.Append(ToString(version.kind)), sequences.Append(version.sequence)}) RETURN_IF_ERROR(FromArrow(status, "a table of changes"));
  std::pair<std::shared_ptr<arrow::Array>, std::shared_ptr<arrow::Array>> made;
  RETURN_IF_ERROR(FromArrow(kinds.Finish(&made.first), "a table of changes"));
  RETURN_IF_ERROR(FromArrow(sequences.Finish(&made.second), "a table of changes"));
  return made;
}

}  // namespace

std::string ToText(const LastVersion& last) { return fmt::format("{} {}", ToString(last.lsn), last.sequence); }

Result<LastVersion> ParseLastVersion(std::string_view text) {
  LastVersion last;
  if (text.empty()) return last;
  const size_t space = text.find(' ');
  const Result<Lsn> lsn = ParseLsn(text.substr(0, space));
  const std::string_view number = space == std::string_view::npos ? "" : text.substr(space + 1);
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), last.sequence);
  if (!lsn.ok() || parsed.ec != std::errc() || parsed.ptr != number.data() + number.size()) return Error{ErrorKind::kCorrupt, "the last version of a table of changes is malformed"};
  last.lsn = *lsn;
  return last;
}

ChangesWriter::ChangesWriter(const LakeContext& context, ChangesSchema schema, TableLayout layout, Lsn done, LastVersion last)
    : context_(context), schema_(std::move(schema)), layout_(std::move(layout)), done_(done), last_(last) {}

RowVersion ChangesWriter::Next(Lsn commit_lsn, VersionKind kind) {
  if (commit_lsn != last_.lsn) last_ = {commit_lsn, 0};
  return {commit_lsn < done_ ? VersionKind::kKnown : kind, ++last_.sequence};
}

void ChangesWriter::Change(ChangesSchema schema, TableLayout layout) {
  schema_ = std::move(schema);
  layout_ = std::move(layout);
}

Result<Columns> ChangesWriter::ColumnsOf(const iceberg::Schema& table, const Columns& columns, std::span<const RowVersion> versions) const {
  std::unordered_map<int32_t, size_t> by_field;
  for (size_t i = 0; i < table.fields.size(); ++i) by_field[table.fields[i].id] = i;
  ASSIGN_OR_RETURN(const auto own, OwnColumns(versions));
  Columns made;
  for (size_t i = 0; i < schema_.iceberg.fields.size(); ++i) {
    const auto type = ToArrowField(schema_.iceberg.fields[i])->type();
    const auto found = by_field.find(schema_.from[i]);
    if (i == schema_.op()) made.push_back(own.first);
    else if (i == schema_.sequence()) made.push_back(own.second);
    else if (schema_.from[i] != 0 && found != by_field.end()) made.push_back(AsType(columns[found->second], type));
    else {
      auto nulls = arrow::MakeArrayOfNull(type, columns.front()->length());
      RETURN_IF_ERROR(FromArrow(nulls.status(), "a table of changes"));
      made.push_back(*nulls);
    }
  }
  return made;
}

Status ChangesWriter::Append(const iceberg::Schema& table, const Columns& columns, std::span<const RowVersion> versions) {
  std::vector<int64_t> news;
  for (size_t i = 0; i < versions.size(); ++i)
    if (versions[i].kind != VersionKind::kKnown) news.push_back(static_cast<int64_t>(i));
  if (news.empty()) return Ok();
  ASSIGN_OR_RETURN(Columns made, ColumnsOf(table, columns, versions));
  if (news.size() < versions.size()) {
    ASSIGN_OR_RETURN(made, TakeRows(made, news));
  }
  arrow::FieldVector fields;
  for (const iceberg::Field& field : schema_.iceberg.fields) fields.push_back(ToArrowField(field));
  const auto schema = arrow::schema(std::move(fields));
  for (const PartitionGroup& group : GroupByPartition(layout_.spec, schema_.iceberg, made)) {
    Columns part = made;
    if (!group.rows.empty()) {
      ASSIGN_OR_RETURN(part, TakeRows(made, group.rows));
    }
    const std::string uri = NewDataFileUri(context_, layout_.location, iceberg::PartitionPath(layout_.spec, schema_.iceberg, group.tuple));
    ASSIGN_OR_RETURN(iceberg::DataFile file, WriteDataFile(context_.store, uri, schema, part, context_.parquet()));
    file.spec_id = layout_.spec.id;
    file.partition = group.tuple;
    files_.push_back(std::move(file));
  }
  return Ok();
}

}  // namespace sluice
