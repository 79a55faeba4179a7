#pragma once
// The entries of one manifest, held against what its manifest list says of it.

#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "audit/avro_fields.h"
#include "audit/manifest_check.h"

namespace sluice::audit {

/// A manifest as a manifest list describes it. Zero for what is missing, which the Avro schema was found lacking.
struct ListedManifest {
  ListedManifest() = default;
  ListedManifest(const AvroFields& fields, const Json& record);

  std::string path;
  int64_t length = 0, spec_id = 0, content = 0, sequence_number = 0, min_sequence_number = 0, added_snapshot_id = 0;
  int64_t files[3] = {};  ///< By status: existing, added, deleted.
  int64_t rows[3] = {};
  Json partitions;        ///< One summary per partition field: contains_null, lower and upper bound.

  bool operator==(const ListedManifest&) const = default;
};

struct ManifestSums {
  ListedManifest listed;
  Totals totals;
  bool read = false;
};

/// Every file that any manifest names: it must be there, once, with one size and one spelling.
class NamedFiles {
 public:
  NamedFiles(const TableFacts& facts, LakeFiles& files, Findings& findings);

  /// A file that a snapshot still needs.
  void Live(const FileFacts& file, const std::string& manifest);
  /// `file`: added by this snapshot.
  void Added(const FileFacts& file, int64_t snapshot_id, const std::string& manifest);
  size_t count() const { return sizes_.size(); }

 private:
  LakeFiles& files_;
  Findings& findings_;
  std::string scheme_;
  std::unordered_map<std::string, int64_t> sizes_;     // As they were said first.
  std::unordered_map<std::string, int64_t> added_by_;  // Snapshot, by path; of a deletion vector by path and offset.
};

class EntriesCheck {
 public:
  /// `live`: takes the live entries; nullptr: nobody wants them.
  EntriesCheck(const TableFacts& facts, const ListedManifest& listed, NamedFiles& named, Findings& findings, std::vector<FileFacts>* live)
      : facts_(facts), listed_(listed), named_(named), findings_(findings), live_(live) {}

  void Take(const Json& schema, const Json& record);

  /// After the last entry. Returns what is live.
  Totals Finish(const AvroHeader& header);

 private:
  void Wrong(const Rule& rule, std::string what);
  void ReadSchema(const Json& schema);
  FileFacts ReadFile(const Json& data_file) const;
  void CheckSequence(const Json& record, int64_t status, FileFacts& file);
  void CheckFile(const Json& data_file, const FileFacts& file);
  void CheckBounds(const FileFacts& file);
  void CheckPartition(const FileFacts& file);
  void CheckSummary(size_t field, const Json& value, const std::string& path);
  void CheckHeader(const AvroHeader& header);
  void Count(int64_t status, const FileFacts& file);

  const TableFacts& facts_;
  const ListedManifest& listed_;
  NamedFiles& named_;
  Findings& findings_;
  std::vector<FileFacts>* const live_;
  bool started_ = false;
  AvroFields entry_, file_, partition_;
  int64_t files_[3] = {}, rows_[3] = {};
  int64_t min_sequence_number_ = std::numeric_limits<int64_t>::max();
  Totals totals_;
};

}  // namespace sluice::audit
