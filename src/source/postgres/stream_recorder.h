#pragma once
// For tests: what a stream brought, one line of text per change.

#include <chrono>
#include <string>
#include <vector>

#include "base/result.h"
#include "change/change_batch.h"
#include "source/change_stream.h"

namespace sluice::testing {

/// "b:00000001", "t:1", "null" or "unchanged"; binary values of text-like types are shown as they are.
std::string Render(const Value& value, const Column& column);
/// "update public.shot key b:00000002 to b:00000003".
std::string Render(const ChangeBatch& batch, const Change& change);

class StreamRecorder {
 public:
  void Add(const ChangeBatch& batch);
  /// Reads until everything that ends at or before `end` is there.
  Status ReadUntil(ChangeStream& stream, Lsn end, std::chrono::seconds wait_max = std::chrono::seconds(20));

  const std::vector<std::string>& changes() const { return changes_; }
  size_t transactions() const { return transactions_; }  ///< Complete ones.
  size_t parts() const { return parts_; }                ///< Those that did not end there.
  Lsn end_lsn() const { return end_lsn_; }
  Timestamp source_time() const { return source_time_; }
  size_t largest_batch_bytes() const { return largest_batch_bytes_; }
  /// Counts only, for large streams.
  void ForgetChanges() { keep_changes_ = false; }
  size_t change_count() const { return change_count_; }

 private:
  std::vector<std::string> changes_;
  bool keep_changes_ = true;
  size_t change_count_ = 0;
  size_t transactions_ = 0;
  size_t parts_ = 0;
  size_t largest_batch_bytes_ = 0;
  Lsn end_lsn_;
  Timestamp source_time_{};
};

}  // namespace sluice::testing
