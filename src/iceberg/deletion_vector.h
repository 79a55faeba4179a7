#pragma once
// Which rows of one data file are deleted, as format 3 writes it: a bitmap in a Puffin file.

#include <roaring/roaring.hh>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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

/// A Puffin file of deletion vectors, and where in it each lies.
struct VectorFile {
  struct Place {
    int64_t offset = 0;
    int64_t size_bytes = 0;
  };

  std::string bytes;
  std::vector<Place> places;  ///< In the order of the vectors.
};

VectorFile EncodeVectorFile(std::span<const DeletedRows> vectors);

}  // namespace sluice::iceberg
