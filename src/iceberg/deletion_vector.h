#pragma once
// Which rows of one data file are deleted, as format 3 writes it: a bitmap in a Puffin file.

#include <roaring/roaring.hh>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace sluice::iceberg {

/// The blob `deletion-vector-v1` of Iceberg's Puffin specification.
std::string EncodeDeletionVector(const Roaring& rows);

/// Trusts nothing of it. Error: kCorrupt, also for a row of 2^32 or more.
Result<Roaring> DecodeDeletionVector(std::string_view blob);

/// Rows of one data file.
struct DeletedRows {
  std::string path;
  const Roaring* rows = nullptr;
};

/// A Puffin file with one deletion vector, and where in it that lies. Several could share a file, but DuckDB 1.5.5 takes one for the
/// other then, and Java's expiry may remove the file while one is in use.
struct VectorFile {
  std::string bytes;
  int64_t offset = 0;
  int64_t size_bytes = 0;
};

VectorFile EncodeVectorFile(const DeletedRows& vector);

}  // namespace sluice::iceberg
