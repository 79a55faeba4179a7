#include "sink/lake/position_deletes.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <fmt/format.h>

#include <array>

#include "iceberg/literal.h"
#include "iceberg/type.h"
#include "sink/lake/data_file_reader.h"
#include "sink/lake/type_map.h"
#include "storage/arrow_error.h"

namespace sluice {
namespace {

std::array<std::shared_ptr<arrow::Field>, 2> DeleteFields() {
  using iceberg::Primitive;
  return {ToArrowField({iceberg::kDeleteFilePathId, "file_path", true, Primitive(iceberg::TypeId::kString), ""}),
          ToArrowField({iceberg::kDeletePosId, "pos", true, Primitive(iceberg::TypeId::kLong), ""})};
}

}  // namespace

Result<iceberg::DataFile> WritePositionDeletes(ObjectStore& store, const std::string& uri, std::span<const iceberg::DeletedRows> files,
                                               const ParquetOptions& options) {
  SLUICE_CHECK(!files.empty());
  arrow::StringBuilder paths;
  arrow::Int64Builder positions;
  for (const iceberg::DeletedRows& file : files) {
    for (const uint32_t row : *file.rows) {
      RETURN_IF_ERROR(FromArrow(paths.Append(file.path), uri));
      RETURN_IF_ERROR(FromArrow(positions.Append(row), uri));
    }
  }
  Columns columns(2);
  RETURN_IF_ERROR(FromArrow(paths.Finish(&columns[0]), uri));
  RETURN_IF_ERROR(FromArrow(positions.Finish(&columns[1]), uri));
  const auto fields = DeleteFields();
  ASSIGN_OR_RETURN(iceberg::DataFile written,
                   WriteDataFile(store, uri, arrow::schema({fields[0], fields[1]}), columns, options));
  written.content = iceberg::FileContent::kPositionDeletes;
  // Readers find the data files by these bounds, so the paths are whole.
  for (auto* bounds : {&written.lower_bounds, &written.upper_bounds}) {
    std::erase_if(*bounds, [](const auto& bound) { return bound.first == iceberg::kDeleteFilePathId; });
  }
  written.lower_bounds.emplace_back(iceberg::kDeleteFilePathId, files.front().path);
  written.upper_bounds.emplace_back(iceberg::kDeleteFilePathId, files.back().path);
  if (files.size() == 1) written.referenced_data_file = files.front().path;
  return written;
}

Status ReadPositionDeletes(ObjectStore& store, const std::string& uri, std::unordered_map<std::string, Roaring>& rows) {
  const auto fields = DeleteFields();
  return ReadDataFile(store, uri, fields, [&](const Columns& columns, int64_t) -> Status {
    const auto& paths = static_cast<const arrow::StringArray&>(*columns[0]);
    const auto& positions = static_cast<const arrow::Int64Array&>(*columns[1]);
    Roaring* of_path = nullptr;
    std::string_view path;
    for (int64_t i = 0; i < paths.length(); ++i) {
      if (paths.IsNull(i) || positions.IsNull(i)) return Error{ErrorKind::kCorrupt, fmt::format("{}: null in a required column", uri)};
      // Sorted by path: it changes rarely.
      if (of_path == nullptr || paths.GetView(i) != path) {
        path = paths.GetView(i);
        of_path = &rows[std::string(path)];
      }
      const int64_t position = positions.Value(i);
      if (position < 0 || position > UINT32_MAX) return Error{ErrorKind::kCorrupt, fmt::format("{}: position out of range", uri)};
      of_path->add(static_cast<uint32_t>(position));
    }
    return Ok();
  });
}

}  // namespace sluice
