#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace sluice {

/// The texts that were asked for last, by name, bounded in bytes. Thread-safe.
class TextCache {
 public:
  using Text = std::shared_ptr<const std::string>;

  explicit TextCache(size_t bytes_max) : bytes_max_(bytes_max) {}

  /// nullptr if it is not there.
  Text Find(const std::string& name);
  /// What is larger than the whole cache is not kept.
  void Keep(const std::string& name, Text text);

 private:
  struct Entry {
    std::string name;
    Text text;
  };

  const size_t bytes_max_;

  std::mutex mutex_;  // Guards everything below.
  std::list<Entry> entries_;  // Last used first.
  std::unordered_map<std::string, std::list<Entry>::iterator> by_name_;
  size_t bytes_ = 0;
};

}  // namespace sluice
