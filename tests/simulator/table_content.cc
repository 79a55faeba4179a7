#include "table_content.h"

#include <xxhash.h>

#include "random.h"

namespace sluice::simulator {

uint64_t HashOf(std::string_view text, uint64_t seed) { return XXH3_64bits_withSeed(text.data(), text.size(), seed); }

const Row* TableContent::Find(int64_t key) const {
  const auto found = rows_.find(key);
  return found == rows_.end() ? nullptr : &found->second;
}

bool TableContent::Insert(int64_t key, Row row) {
  const auto [at, added] = rows_.try_emplace(key, std::move(row));
  if (added) Count(key, at->second, true);
  return added;
}

bool TableContent::Erase(int64_t key) {
  const auto found = rows_.find(key);
  if (found == rows_.end()) return false;
  Count(key, found->second, false);
  rows_.erase(found);
  return true;
}

void TableContent::Clear() {
  rows_.clear();
  digest_ = {};
}

void TableContent::DropColumn(int16_t attribute) {
  for (auto& [key, row] : rows_) row.erase(attribute);
  digest_.columns.erase(attribute);
}

void TableContent::Count(int64_t key, const Row& row, bool added) {
  const uint64_t sign = added ? 1 : ~uint64_t{0};
  const uint64_t hash = Random::Mix(static_cast<uint64_t>(key) * 0x9E3779B97F4A7C15ull + 77);
  digest_.rows += sign;
  digest_.keys += sign * hash;
  for (const auto& [attribute, value] : row) {
    uint64_t& sum = digest_.columns[attribute];
    sum += sign * HashOf(value, hash + static_cast<uint64_t>(attribute));
    if (sum == 0) digest_.columns.erase(attribute);
  }
}

}  // namespace sluice::simulator
