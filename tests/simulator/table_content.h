#pragma once
// Rows of one table, and digests of them that are kept up to date row by row: so a sink's table can be compared with the
// source's at any position of the log, after every commit, without reading either.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sluice::simulator {

using Row = std::map<int16_t, std::string>;  ///< By attribute number, without the key; null is absent.

/// Sums over rows, column by column, since columns come and go without a word in the stream.
struct Digest {
  uint64_t rows = 0;
  uint64_t keys = 0;
  std::map<int16_t, uint64_t> columns;  ///< Without those that are null everywhere.

  bool operator==(const Digest&) const = default;
};

class TableContent {
 public:
  const std::map<int64_t, Row>& rows() const { return rows_; }
  const Digest& digest() const { return digest_; }
  const Row* Find(int64_t key) const;
  /// False: the key is taken.
  bool Insert(int64_t key, Row row);
  /// False: there is no such row.
  bool Erase(int64_t key);
  void Clear();
  void DropColumn(int16_t attribute);

 private:
  void Count(int64_t key, const Row& row, bool added);

  std::map<int64_t, Row> rows_;
  Digest digest_;
};

uint64_t HashOf(std::string_view text, uint64_t seed);

}  // namespace sluice::simulator
