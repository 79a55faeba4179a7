#pragma once
// The fields of an Avro record by Iceberg's field ids: readers find them so, whatever they are called.

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "audit/finding.h"
#include "audit/json_access.h"

namespace sluice::audit {

class AvroFields {
 public:
  AvroFields() = default;
  /// `record`: the schema of a record, or an optional one.
  explicit AvroFields(const Json& record);

  /// nullptr: the record has no such field, or it is null.
  const Json* Find(const Json& record, int64_t field_id) const;
  std::optional<int64_t> Long(const Json& record, int64_t field_id) const;
  std::optional<std::string> Text(const Json& record, int64_t field_id) const;

  /// The schema of one field; null where there is none.
  const Json& TypeOf(int64_t field_id) const;
  /// Of all fields, in the order in which they stand.
  const std::vector<int64_t>& ids() const { return ids_; }

 private:
  std::map<int64_t, std::pair<std::string, Json>> by_id_;
  std::vector<int64_t> ids_;
};

/// Every field has its id, every array its element's, and what is `required` can't be null.
void CheckAvroSchema(const Json& schema, std::span<const int64_t> required, const std::string& file, Findings& findings);

}  // namespace sluice::audit
