#pragma once
// A transaction that the source streams while it is still open: kept in chunks until it commits or aborts.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "change/change_batch.h"
#include "source/postgres/relation_facts.h"
#include "source/postgres/spill_file.h"

namespace sluice {

/// Changes in the order in which they came, tuples in an arena. Change::table is the transaction's own index.
struct StreamChunk {
  std::vector<std::byte> bytes;
  std::vector<Change> changes;
  std::vector<uint32_t> subxids;  ///< Which (sub)transaction made each change.

  size_t size_bytes() const { return bytes.size() + changes.size() * (sizeof(Change) + sizeof(uint32_t)); }
};

class StreamedTransaction {
 public:
  StreamedTransaction(uint32_t xid, size_t chunk_bytes) : xid_(xid), chunk_bytes_(chunk_bytes) {}

  uint32_t xid() const { return xid_; }

  /// A RELATION inside the transaction; void if `subxid` aborts.
  void AddRelation(uint32_t subxid, KnownRelationPtr relation);
  /// The index of the newest RELATION of this table here.
  std::optional<uint32_t> FindRelation(Oid table) const;
  const KnownRelation& relation(uint32_t index) const { return *relations_[index].relation; }
  KnownRelation& relation(uint32_t index) { return *relations_[index].relation; }

  void AddRow(uint32_t relation, const pgoutput::RowChange& row);
  void AddTruncate(uint32_t relation, uint32_t subxid);

  /// Drops everything that this subtransaction did.
  void Abort(uint32_t subxid);

  size_t memory_bytes() const { return memory_bytes_; }
  bool spilled() const { return file_.has_value(); }
  /// Puts everything that is in memory on disk.
  Status Spill(const std::string& folder);

  /// The RELATIONs that did not abort, in order; what is known from now on if the transaction has committed.
  std::vector<KnownRelationPtr> SurvivingRelations() const;

  bool has_chunks() const { return !chunks_.empty(); }
  /// Takes the oldest chunk out, without what aborted. Memory holds one spilled chunk at a time.
  Result<StreamChunk> NextChunk();

 private:
  struct Kept {
    uint32_t subxid;
    KnownRelationPtr relation;
  };
  struct Stored {
    StreamChunk chunk;          ///< Empty while on disk.
    bool on_disk = false;
    uint64_t offset = 0;
    size_t bytes = 0;
    size_t changes = 0;
  };
  StreamChunk& Open();
  void Grew(size_t size_before);
  Status Load(const Stored& stored, StreamChunk& chunk);

  const uint32_t xid_;
  const size_t chunk_bytes_;
  std::vector<Kept> relations_;
  std::unordered_map<Oid, std::vector<uint32_t>> relations_by_oid_;  ///< Indexes into relations_, oldest first.
  std::unordered_set<uint32_t> aborted_;
  std::deque<Stored> chunks_;
  std::optional<SpillFile> file_;
  size_t memory_bytes_ = 0;
};

}  // namespace sluice
