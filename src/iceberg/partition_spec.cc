#include "iceberg/partition_spec.h"

#include <fmt/format.h>

namespace sluice::iceberg {
namespace {

/// Readers take partitions from the metadata, never from the path; it is for people only.
std::string EscapePathPart(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || c == '.' || c == ':';
    if (plain)
      escaped += c;
    else
      escaped += fmt::format("~{:02x}", static_cast<unsigned char>(c));
  }
  return escaped;
}

constexpr size_t kPathPartMax = 100;

}  // namespace

Result<std::vector<Type>> PartitionTypes(const PartitionSpec& spec, const Schema& schema,
                                         const std::vector<Schema>& older) {
  std::vector<Type> types;
  types.reserve(spec.fields.size());
  for (const PartitionField& field : spec.fields) {
    const Field* source = schema.FindField(field.source_id);
    for (size_t i = older.size(); !source && i-- > 0;) source = older[i].FindField(field.source_id);
    if (!source)
      return Error{
          ErrorKind::kNeedsOperator,
          fmt::format("partition field {} comes from a column that no schema has", field.name)};
    ASSIGN_OR_RETURN(types.emplace_back(), ResultType(field.transform, source->type));
  }
  return types;
}

std::string PartitionPath(const PartitionSpec& spec, const Schema& schema,
                          const PartitionTuple& tuple) {
  std::string path;
  for (size_t i = 0; i < spec.fields.size() && i < tuple.size(); ++i) {
    const PartitionField& field = spec.fields[i];
    const Field* source = schema.FindField(field.source_id);
    const std::string value =
        source ? ToHumanText(field.transform, source->type, tuple[i]) : "null";
    if (!path.empty()) path += '/';
    path += EscapePathPart(field.name) + "=" + EscapePathPart(value.substr(0, kPathPartMax / 3));
  }
  return path;
}

std::string PartitionKey(int32_t spec_id, const PartitionTuple& tuple) {
  std::string key = fmt::format("{}", spec_id);
  for (const Literal& value : tuple) {
    const std::string bytes = IsNull(value) ? "" : EncodeBound(value);
    key += fmt::format("/{}:{}:", IsNull(value) ? "null" : "value", bytes.size()) + bytes;
  }
  return key;
}

}  // namespace sluice::iceberg
