#include "sink/lake/key_codec.h"

#include <xxhash.h>

namespace sluice {
namespace {

bool FitsEightBytes(const iceberg::Type& type) {
  using iceberg::TypeId;
  switch (type.id) {
    case TypeId::kBoolean:
    case TypeId::kInt:
    case TypeId::kLong:
    case TypeId::kFloat:
    case TypeId::kDouble:
    case TypeId::kDate:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz: return true;
    default: return false;
  }
}

}  // namespace

KeyCodec::KeyCodec(const LakeSchema& schema) : columns_(schema.source->key) {
  if (columns_.empty()) {
    for (size_t i = 0; i < schema.source_columns(); ++i) columns_.push_back(i);
    return;
  }
  // Only key columns are never null, and null has no place among the 2^64 values.
  single_ = columns_.size() == 1;
  narrow_ = single_ && FitsEightBytes(schema.iceberg.fields[columns_[0]].type);
}

RowKey KeyCodec::Encode(std::span<const Cell> cells) {
  if (narrow_) return {static_cast<uint64_t>(cells[columns_[0]].integer), 0};
  if (single_ && cells[columns_[0]].kind == CellKind::kBytes) return HashOf(cells[columns_[0]].bytes);
  canonical_.clear();
  for (const size_t column : columns_) AppendCanonical(cells[column], canonical_);
  return HashOf(canonical_);
}

RowKey KeyCodec::EncodeKeyCells(std::span<const Cell> cells) {
  if (narrow_) return {static_cast<uint64_t>(cells[0].integer), 0};
  if (single_ && cells[0].kind == CellKind::kBytes) return HashOf(cells[0].bytes);
  canonical_.clear();
  for (const Cell& cell : cells) AppendCanonical(cell, canonical_);
  return HashOf(canonical_);
}

RowKey HashOf(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

}  // namespace sluice
