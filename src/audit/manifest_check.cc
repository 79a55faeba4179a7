#include "audit/manifest_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "audit/avro_fields.h"
#include "audit/manifest_entries.h"
#include "audit/rules.h"

namespace sluice::audit {
namespace {

constexpr int64_t kListBytesMax = int64_t{256} << 20;
constexpr int64_t kManifestBytesMax = int64_t{512} << 20;
constexpr std::array<int64_t, 13> kRequiredInList = {500, 501, 502, 517, 515, 516, 503, 504, 505, 506, 512, 513, 514};

// In the order of summary keys.
void Expect(const SnapshotFacts& snapshot, const char* key, int64_t found, const std::string& file, Findings& findings) {
  const auto text = Text(snapshot.summary, key);
  if (!text) return findings.Add(kTotals, file, fmt::format("the summary of snapshot {} has no {}", snapshot.id, key));
  const auto said = ParseNumber(*text);
  if (said != found) findings.Add(kTotals, file, fmt::format("the summary of snapshot {} says {} {}, its manifests have {}", snapshot.id, key, *text, found));
}

void ExpectTotals(const SnapshotFacts& snapshot, const Totals& totals, Findings& findings) {
  Expect(snapshot, "total-data-files", totals.data_files, snapshot.manifest_list, findings);
  Expect(snapshot, "total-delete-files", totals.delete_files, snapshot.manifest_list, findings);
  Expect(snapshot, "total-records", totals.records, snapshot.manifest_list, findings);
  Expect(snapshot, "total-files-size", totals.bytes, snapshot.manifest_list, findings);
  Expect(snapshot, "total-position-deletes", totals.position_deletes, snapshot.manifest_list, findings);
  Expect(snapshot, "total-equality-deletes", totals.equality_deletes, snapshot.manifest_list, findings);
}

class ManifestsCheck {
 public:
  ManifestsCheck(const TableFacts& facts, LakeFiles& files, Findings& findings, const std::function<void()>& visited)
      : facts_(facts), files_(files), findings_(findings), visited_(visited), paths_(facts, files, findings) {}

  ManifestsSeen Run() {
    // The current snapshot first: its files are kept.
    if (const SnapshotFacts* current = facts_.current_snapshot()) CheckSnapshot(*current, true);
    for (const SnapshotFacts& snapshot : facts_.snapshots)
      if (snapshot.id != facts_.current_snapshot_id) CheckSnapshot(snapshot, false);
    seen_.manifests = manifests_.size();
    seen_.files = paths_.count();
    return std::move(seen_);
  }

 private:
  void CheckSnapshot(const SnapshotFacts& snapshot, bool current) {
    if (snapshot.manifest_list.empty()) return;
    const auto bytes = files_.Read(snapshot.manifest_list, kListBytesMax, fmt::format("snapshot {}", snapshot.id));
    if (!bytes) return;
    ++seen_.lists;
    AvroFields fields;
    bool checked = false, whole = true;
    Totals totals;
    const auto header = ReadAvroFile(*bytes, {}, [&](const Json& schema, const Json& record) -> Status {
      if (!checked) fields = AvroFields(schema);
      checked = true;
      whole = CheckListed(ListedManifest(fields, record), snapshot, current, totals) && whole;
      return Ok();
    });
    if (!header.ok()) return findings_.Add(kDamagedFile, snapshot.manifest_list, header.error().message);
    CheckAvroSchema(header->schema, kRequiredInList, snapshot.manifest_list, findings_);
    CheckHeader(*header, snapshot);
    if (whole) ExpectTotals(snapshot, totals, findings_);
  }

  void CheckHeader(const AvroHeader& header, const SnapshotFacts& snapshot) {
    const auto expect = [&](const char* key, int64_t wanted) {
      const auto found = header.metadata.find(key);
      if (found != header.metadata.end() && ParseNumber(found->second) != wanted)
        findings_.Add(kListHeader, snapshot.manifest_list, fmt::format("its header says {} {}, not {}", key, found->second, wanted));
    };
    expect("snapshot-id", snapshot.id);
    expect("sequence-number", snapshot.sequence_number);
  }

  /// Whether its manifest could be read, so that the sums are whole.
  bool CheckListed(const ListedManifest& listed, const SnapshotFacts& snapshot, bool current, Totals& totals) {
    const auto wrong = [&](const Rule& rule, const std::string& what) { findings_.Add(rule, snapshot.manifest_list, fmt::format("of manifest {}: {}", listed.path, what)); };
    if (listed.path.empty()) {
      findings_.Add(kAvroField, snapshot.manifest_list, "an entry names no manifest");
      return false;
    }
    if (listed.sequence_number > snapshot.sequence_number) wrong(kSequence, fmt::format("its sequence number {} is above the snapshot's {}", listed.sequence_number, snapshot.sequence_number));
    if (listed.added_snapshot_id == snapshot.id && listed.sequence_number != snapshot.sequence_number)
      wrong(kSequence, fmt::format("the snapshot added it, but its sequence number is {}, not {}", listed.sequence_number, snapshot.sequence_number));
    auto known = manifests_.find(listed.path);
    if (known == manifests_.end()) {
      known = manifests_.emplace(listed.path, CheckManifest(listed, snapshot, current)).first;
      visited_();
    } else if (known->second.listed != listed) {
      wrong(kCounts, "an older snapshot's list says something else of it");
    }
    const ManifestSums& sums = known->second;
    totals.data_files += sums.totals.data_files;
    totals.delete_files += sums.totals.delete_files;
    totals.records += sums.totals.records;
    totals.bytes += sums.totals.bytes;
    totals.position_deletes += sums.totals.position_deletes;
    totals.equality_deletes += sums.totals.equality_deletes;
    return sums.read;
  }

  ManifestSums CheckManifest(const ListedManifest& listed, const SnapshotFacts& snapshot, bool current) {
    ManifestSums sums;
    sums.listed = listed;
    const auto bytes = files_.Read(listed.path, kManifestBytesMax, fmt::format("the manifest list of snapshot {}", snapshot.id));
    if (!bytes) return sums;
    if (static_cast<int64_t>(bytes->size()) != listed.length)
      findings_.Add(kWrongSize, listed.path, fmt::format("it has {} bytes, its manifest list says {}", bytes->size(), listed.length));
    EntriesCheck entries(facts_, listed, paths_, findings_, current ? &seen_.live : nullptr);
    const auto header = ReadAvroFile(*bytes, {}, [&](const Json& schema, const Json& record) -> Status {
      entries.Take(schema, record);
      return Ok();
    });
    if (!header.ok()) {
      findings_.Add(kDamagedFile, listed.path, header.error().message);
      return sums;
    }
    sums.totals = entries.Finish(*header);
    sums.read = true;
    return sums;
  }

  const TableFacts& facts_;
  LakeFiles& files_;
  Findings& findings_;
  const std::function<void()>& visited_;
  NamedFiles paths_;
  std::unordered_map<std::string, ManifestSums> manifests_;
  ManifestsSeen seen_;
};

}  // namespace

ManifestsSeen CheckManifests(const TableFacts& facts, LakeFiles& files, Findings& findings, const std::function<void()>& visited) {
  return ManifestsCheck(facts, files, findings, visited).Run();
}

}  // namespace sluice::audit
