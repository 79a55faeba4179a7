#pragma once
// Avro's object container file, read from the specification alone: nothing here is shared with what writes the lake's files, so that
// a mistake there is not made again here.
//
//   "Obj" 0x01 | map of header | sync: 16 bytes | blocks
//   block: record count: long | size in bytes: long | records, packed as avro.codec says | sync
//   long: zigzag, seven bits per byte, lowest first
//
// Source: Apache Avro 1.11, "Object Container Files", "Binary Encoding".

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "audit/json_access.h"
#include "base/result.h"

namespace sluice::audit {

struct AvroLimits {
  size_t unpacked_bytes_max = size_t{512} << 20;  ///< Of all blocks together.
  size_t block_bytes_max = size_t{64} << 20;      ///< Of one block, unpacked.
  size_t record_values_max = size_t{1} << 20;     ///< Of one record, at all levels.
};

struct AvroHeader {
  std::map<std::string, std::string> metadata;
  Json schema;
};

/// Calls visit for each record: an object by field name; bytes and fixed are texts of raw bytes, a union is its value, an array of
/// key-value records stays one. `bytes` is not trusted. Error: kCorrupt; what `visit` returns.
Result<AvroHeader> ReadAvroFile(std::string_view bytes, const AvroLimits& limits, const std::function<Status(const Json& schema, const Json& record)>& visit);

}  // namespace sluice::audit
