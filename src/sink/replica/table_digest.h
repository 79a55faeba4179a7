#pragma once
// The content of a table as a number that does not depend on the order of its rows: the sum of their hashes.

#include <vector>

#include "change/table_schema.h"
#include "sink/replica/oid_translation.h"
#include "sink/sink.h"

namespace sluice {

/// Takes the tuples of binary COPY. Private OIDs count as zero, so that two databases agree.
class TupleDigest final : public DigestReceiver {
 public:
  explicit TupleDigest(const TableSchema& schema);

  Status Rows(Bytes rows, size_t count) override;
  TableDigest digest() const override { return digest_; }

 private:
  Status Row(ByteReader& reader, Bytes all);

  std::vector<OidTranslation> columns_;
  std::vector<bool> as_text_;
  bool pass_through_ = true;
  TableDigest digest_;
  std::string scratch_;
};

}  // namespace sluice
