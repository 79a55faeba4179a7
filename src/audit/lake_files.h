#pragma once
// The files of one table as the store has them.

#include <optional>
#include <string>
#include <unordered_map>

#include "audit/finding.h"
#include "base/result.h"
#include "storage/object_store.h"

namespace sluice::audit {

/// Whatever goes wrong becomes a finding.
class LakeFiles {
 public:
  /// `store` and `findings` must outlive it.
  LakeFiles(ObjectStore& store, Findings& findings) : store_(store), findings_(findings) {}

  /// Lists everything below a table's location at once, so that most sizes cost nothing.
  void List(const std::string& location);

  /// In bytes; nullopt and a finding where it is missing or cannot be asked for. `needed_by`: for the finding's sentence.
  std::optional<int64_t> SizeOf(const std::string& uri, const std::string& needed_by);

  /// The whole file; nullopt and a finding where it is missing, cannot be read, or has more than `bytes_max`.
  std::optional<std::string> Read(const std::string& uri, int64_t bytes_max, const std::string& needed_by);

  void AddFinding(const Error& error, const std::string& uri, const std::string& needed_by);

  ObjectStore& store() { return store_; }

 private:
  ObjectStore& store_;
  Findings& findings_;
  std::unordered_map<std::string, int64_t> sizes_;
};

}  // namespace sluice::audit
