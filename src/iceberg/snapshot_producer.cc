#include "iceberg/snapshot_producer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_set>

#include "base/check.h"
#include "base/random_bits.h"
#include "iceberg/format_error.h"
#include "iceberg/manifest_list_avro.h"
#include "iceberg/manifest_writer.h"
#include "iceberg/snapshot_expiry.h"
#include "iceberg/snapshot_summary.h"

namespace sluice::iceberg {
namespace {

/// Manifests that could be merged with each other.
using GroupKey = std::pair<int32_t, ManifestContent>;

ManifestContent ContentOf(const DataFile& file) {
  return file.content == FileContent::kData ? ManifestContent::kData : ManifestContent::kDeletes;
}

/// What a change calls a file by.
std::string_view NameOf(const DataFile& file) {
  return file.is_vector() && file.referenced_data_file ? *file.referenced_data_file : file.path;
}

/// A manifest of the new snapshot: one of the base as it is, or entries that are still to be
/// written.
struct Piece {
  GroupKey group;
  std::optional<ManifestFile> kept;
  std::vector<ManifestEntry> entries;  // Where kept is empty.
  int64_t live_files = 0;
};

/// Knows the manifests that a plan holds and nobody has written yet.
class OverlayReader final : public ManifestReader {
 public:
  explicit OverlayReader(ManifestReader& below) : below_(below) {}

  void Add(const std::string& uri, ManifestEntries entries) { planned_[uri] = std::move(entries); }

  Result<ManifestEntries> ReadManifest(const ManifestFile& manifest) override {
    const auto found = planned_.find(manifest.path);
    return found == planned_.end() ? below_.ReadManifest(manifest) : found->second;
  }
  Result<ManifestFiles> ReadManifestList(const std::string& uri) override {
    return below_.ReadManifestList(uri);
  }

 private:
  ManifestReader& below_;
  std::map<std::string, ManifestEntries> planned_;
};

class Planner {
 public:
  Planner(const TableMetadata& base, const TableChange& change, const CommitPolicy& policy,
          const CommitAttempt& attempt, ManifestReader& reader)
      : base_(base),
        change_(change),
        policy_(policy),
        attempt_(attempt),
        reader_(reader),
        sequence_number_(base.last_sequence_number + 1),
        timestamp_ms_(std::max(attempt.timestamp_ms, base.last_updated_ms)),
        writer_({base, base.schema(), attempt.commit_uuid, attempt.snapshot_id, sequence_number_}) {
  }

  Result<CommitPlan> Plan(const std::vector<ManifestFile>& base_manifests) {
    AddNewFiles();
    RETURN_IF_ERROR(TakeOver(base_manifests));
    RETURN_IF_ERROR(Merge());
    ASSIGN_OR_RETURN(const std::vector<ManifestFile> manifests, WriteManifests());
    const Snapshot snapshot = MakeSnapshot(manifests);
    plan_.snapshot_id = snapshot.snapshot_id;
    plan_.manifests = std::make_shared<const std::vector<ManifestFile>>(manifests);
    plan_.requirements = {AssertUuid{base_.table_uuid},
                          AssertRefSnapshotId{kMainBranch, base_.current_snapshot_id}};
    plan_.updates.emplace_back(AddSnapshot{snapshot});
    SnapshotRef main{snapshot.snapshot_id, false, {}, {}, {}};
    if (const auto found = base_.refs.find(kMainBranch); found != base_.refs.end())
      main = found->second;
    main.snapshot_id = snapshot.snapshot_id;
    plan_.updates.emplace_back(SetSnapshotRef{kMainBranch, main});
    RETURN_IF_ERROR(Expire(snapshot));
    return std::move(plan_);
  }

 private:
  void AddNewFiles() {
    std::map<GroupKey, std::vector<ManifestEntry>> added;
    for (const DataFile& file : change_.added_files) {
      ManifestEntry entry;
      entry.status = EntryStatus::kAdded;
      entry.snapshot_id = attempt_.snapshot_id;
      entry.file = file;
      added[{file.spec_id, ContentOf(file)}].push_back(std::move(entry));
      summary_.Add(file);
    }
    for (auto& [group, entries] : added) AddPiece(group, std::move(entries));
  }

  /// Splits what is too much for one manifest.
  void AddPiece(GroupKey group, std::vector<ManifestEntry> entries) {
    const auto limit = static_cast<size_t>(std::max(policy_.files_per_manifest_max, 1));
    for (size_t at = 0; at < entries.size(); at += limit) {
      Piece piece;
      piece.group = group;
      const size_t end = std::min(entries.size(), at + limit);
      piece.entries.assign(std::make_move_iterator(entries.begin() + static_cast<ptrdiff_t>(at)),
                           std::make_move_iterator(entries.begin() + static_cast<ptrdiff_t>(end)));
      piece.live_files = std::count_if(piece.entries.begin(), piece.entries.end(),
                                       [](const ManifestEntry& entry) { return entry.is_live(); });
      pieces_.push_back(std::move(piece));
    }
  }

  /// Takes the base's manifests into the new snapshot, rewriting those with files that go.
  Status TakeOver(const std::vector<ManifestFile>& base_manifests) {
    std::unordered_set<std::string_view> missing[2];
    missing[0].insert(change_.removed_data_files.begin(), change_.removed_data_files.end());
    missing[1].insert(change_.removed_delete_files.begin(), change_.removed_delete_files.end());
    // Other writers' vectors may share a file, but a data file has one vector.
    missing[1].insert(change_.removed_vectors.begin(), change_.removed_vectors.end());
    for (const ManifestFile& manifest : base_manifests) {
      // What only remembers deletions of earlier commits has done its work.
      if (manifest.live_files_count() == 0) {
        ++replaced_;
        continue;
      }
      auto& wanted = missing[static_cast<size_t>(manifest.content)];
      if (!change_.remove_everything && wanted.empty()) {
        Keep(manifest);
        continue;
      }
      ASSIGN_OR_RETURN(const ManifestEntries entries, reader_.ReadManifest(manifest));
      const bool hit =
          std::any_of(entries->begin(), entries->end(), [&](const ManifestEntry& entry) {
            return entry.is_live() && wanted.contains(NameOf(entry.file));
          });
      if (!change_.remove_everything && !hit) {
        Keep(manifest);
        continue;
      }
      ++replaced_;
      std::vector<ManifestEntry> rewritten;
      for (const ManifestEntry& entry : *entries) {
        if (!entry.is_live()) continue;
        const bool removed = wanted.erase(NameOf(entry.file)) > 0 || change_.remove_everything;
        rewritten.push_back(CarriedOver(entry, removed));
      }
      AddPiece({manifest.spec_id, manifest.content}, std::move(rewritten));
    }
    for (const auto& paths : missing)
      if (!paths.empty())
        return Error{ErrorKind::kConflict,
                     fmt::format("{} is no longer part of the table", *paths.begin()),
                     slu::kCatalogConflict};
    return Ok();
  }

  void Keep(const ManifestFile& manifest) {
    Piece& piece = pieces_.emplace_back();
    piece.group = {manifest.spec_id, manifest.content};
    piece.kept = manifest;
    piece.live_files = manifest.live_files_count();
  }

  /// A live entry of the base as it stands in a manifest of the new snapshot.
  ManifestEntry CarriedOver(const ManifestEntry& entry, bool removed) {
    ManifestEntry carried = entry;
    carried.status = removed ? EntryStatus::kDeleted : EntryStatus::kExisting;
    if (removed) {
      carried.snapshot_id = attempt_.snapshot_id;
      summary_.Remove(entry.file);
    }
    return carried;
  }

  /// Merges, per group and size class, as soon as there are enough of a class. Classes are powers
  /// of that number, so a file's entry is rewritten only a few times in its life, and few manifests
  /// remain.
  Status Merge() {
    const int64_t fan_in = std::max(policy_.manifests_to_merge, 2);
    for (bool merged = true; merged;) {
      merged = false;
      std::map<std::pair<GroupKey, int>, std::vector<size_t>> classes;
      for (size_t i = 0; i < pieces_.size(); ++i) {
        const Piece& piece = pieces_[i];
        if (piece.kept && piece.kept->length_bytes >= policy_.manifest_size_bytes_target) continue;
        int size_class = 0;
        for (int64_t files = piece.live_files; files >= fan_in; files /= fan_in) ++size_class;
        classes[{piece.group, size_class}].push_back(i);
      }
      for (const auto& [key, members] : classes) {
        if (static_cast<int64_t>(members.size()) < fan_in) continue;
        int64_t live_files = 0;
        for (const size_t i : members) live_files += pieces_[i].live_files;
        if (live_files > policy_.files_per_manifest_max) continue;
        RETURN_IF_ERROR(MergePieces(members));
        merged = true;
        break;  // The indexes are stale now.
      }
    }
    return Ok();
  }

  Status MergePieces(const std::vector<size_t>& members) {
    Piece merged;
    merged.group = pieces_[members.front()].group;
    for (const size_t i : members) {
      Piece& piece = pieces_[i];
      merged.live_files += piece.live_files;
      if (!piece.kept) {
        std::move(piece.entries.begin(), piece.entries.end(), std::back_inserter(merged.entries));
        continue;
      }
      ++replaced_;
      ASSIGN_OR_RETURN(const ManifestEntries entries, reader_.ReadManifest(*piece.kept));
      for (const ManifestEntry& entry : *entries)
        if (entry.is_live()) merged.entries.push_back(CarriedOver(entry, /*removed=*/false));
    }
    for (size_t i = members.size(); i-- > 0;)
      pieces_.erase(pieces_.begin() + static_cast<ptrdiff_t>(members[i]));
    pieces_.insert(pieces_.begin(), std::move(merged));
    return Ok();
  }

  Result<std::vector<ManifestFile>> WriteManifests() {
    std::vector<ManifestFile> manifests;
    for (Piece& piece : pieces_) {
      if (piece.kept) {
        manifests.push_back(*piece.kept);
        continue;
      }
      ASSIGN_OR_RETURN(WrittenManifest written, writer_.Write(piece.group.first, piece.group.second,
                                                              std::move(piece.entries)));
      manifests.push_back(std::move(written.file));
      reader_.Add(written.object.uri, written.entries);
      // With row lineage the entries inherit their row ids only when they are read.
      if (base_.format_version < 3)
        plan_.written_manifests.emplace_back(written.object.uri, std::move(written.entries));
      plan_.files.push_back(std::move(written.object));
    }
    AssignRowIds(manifests);
    return manifests;
  }

  /// Format 3: data manifests without a first row id get the next ones.
  void AssignRowIds(std::vector<ManifestFile>& manifests) {
    if (base_.format_version < 3) return;
    const int64_t first = base_.next_row_id.value_or(0);
    int64_t next = first;
    for (ManifestFile& manifest : manifests) {
      if (manifest.content != ManifestContent::kData || manifest.first_row_id) continue;
      manifest.first_row_id = next;
      next += manifest.added_rows_count + manifest.existing_rows_count;
    }
    first_row_id_ = first;
    assigned_rows_ = next - first;
  }

  Snapshot MakeSnapshot(const std::vector<ManifestFile>& manifests) {
    Snapshot snapshot;
    snapshot.sequence_number = sequence_number_;
    snapshot.snapshot_id = attempt_.snapshot_id;
    snapshot.parent_snapshot_id = base_.current_snapshot_id;
    snapshot.timestamp_ms = timestamp_ms_;
    snapshot.manifest_list =
        fmt::format("{}/metadata/snap-{}-{}-{}.avro", base_.location, attempt_.snapshot_id,
                    attempt_.attempt, attempt_.commit_uuid);
    snapshot.schema_id = base_.current_schema_id;
    snapshot.first_row_id = first_row_id_;
    if (first_row_id_) snapshot.added_rows = assigned_rows_;
    const size_t created = plan_.files.size();
    snapshot.summary = summary_.Build(base_.current_snapshot(), change_.keeps_rows,
                                      {created, manifests.size() - created, replaced_});
    for (const auto& [key, value] : change_.summary) snapshot.summary.insert_or_assign(key, value);
    const ManifestListHeader header{base_.format_version, snapshot.snapshot_id,
                                    snapshot.parent_snapshot_id, sequence_number_, first_row_id_};
    plan_.manifest_list = snapshot.manifest_list;
    plan_.files.push_back({snapshot.manifest_list, EncodeManifestList(header, manifests)});
    return snapshot;
  }

  Status Expire(const Snapshot& snapshot) {
    // The new snapshot takes one of the places on the main branch.
    std::vector<int64_t> expired = SnapshotsToExpire(base_, policy_.snapshots_to_keep - 1);
    // Its parent is kept in any case: readers may just have opened it.
    if (static_cast<int64_t>(expired.size()) < std::max(policy_.snapshots_to_expire_min, 1))
      return Ok();
    ASSIGN_OR_RETURN(plan_.unreachable,
                     FindUnreachable(base_, expired, {&snapshot, plan_.manifests}, reader_));
    plan_.updates.emplace_back(RemoveSnapshots{std::move(expired)});
    return Ok();
  }

  const TableMetadata& base_;
  const TableChange& change_;
  const CommitPolicy& policy_;
  const CommitAttempt& attempt_;
  OverlayReader reader_;
  const int64_t sequence_number_;
  const int64_t timestamp_ms_;

  ManifestWriter writer_;
  SnapshotSummary summary_;
  std::vector<Piece> pieces_;  // In the order of the manifest list.
  size_t replaced_ = 0;
  std::optional<int64_t> first_row_id_;
  int64_t assigned_rows_ = 0;
  CommitPlan plan_;
};

}  // namespace

Result<CommitPlan> PlanCommit(const TableMetadata& base,
                              const std::vector<ManifestFile>& base_manifests,
                              const TableChange& change, const CommitPolicy& policy,
                              const CommitAttempt& attempt, ManifestReader& reader) {
  SLUICE_CHECK(attempt.snapshot_id > 0);
  if (base.FindSnapshot(attempt.snapshot_id))
    return Error{ErrorKind::kConflict, "the snapshot id is in use", slu::kCatalogConflict};
  return Planner(base, change, policy, attempt, reader).Plan(base_manifests);
}

int64_t NewSnapshotId(const TableMetadata& metadata) {
  for (;;) {
    const auto id = static_cast<int64_t>(RandomBits() & INT64_MAX);
    if (id > 0 && !metadata.FindSnapshot(id)) return id;
  }
}

std::string NewUuid() {
  const uint64_t high = RandomBits(), low = RandomBits();
  // Version 4, variant 1.
  return fmt::format("{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                     high & 0xfff, 0x8000 | ((low >> 48) & 0x3fff), low & 0xffffffffffff);
}

Result<ManifestFiles> CurrentManifests(const TableMetadata& metadata, ManifestReader& reader) {
  const Snapshot* current = metadata.current_snapshot();
  if (!current) return std::make_shared<const std::vector<ManifestFile>>();
  return reader.ReadManifestList(current->manifest_list);
}

std::optional<std::string> FindInSummaries(const TableMetadata& metadata, std::string_view key) {
  const Snapshot* snapshot = metadata.current_snapshot();
  for (size_t steps = 0; snapshot && steps <= metadata.snapshots.size(); ++steps) {
    if (const auto found = snapshot->summary.find(key); found != snapshot->summary.end())
      return found->second;
    snapshot = snapshot->parent_snapshot_id ? metadata.FindSnapshot(*snapshot->parent_snapshot_id)
                                            : nullptr;
  }
  return std::nullopt;
}

}  // namespace sluice::iceberg
