#pragma once

#include <span>
#include <string>

#include "sink/lake/cell.h"
#include "sink/sink.h"

namespace sluice {

/// Adds up the hashes of rows. Not thread-safe.
class RowDigest {
 public:
  void Add(std::span<const Cell> cells);
  const TableDigest& digest() const { return digest_; }

 private:
  TableDigest digest_;
  std::string canonical_;
};

}  // namespace sluice
