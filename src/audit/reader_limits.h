#pragma once
// What readers of Iceberg cannot do. The state of the autumn of 2026, from their documentation and code.

#include <optional>
#include <string>
#include <string_view>

#include "audit/finding.h"
#include "audit/table_facts.h"

namespace sluice::audit {

enum class Reader { kAthena, kRedshift, kSnowflake, kBigQuery, kTrino, kSpark, kDuckDb, kPyIceberg, kClickHouse, kDatabricks };

/// "athena", "bigquery", …
std::string_view NameOf(Reader reader);
/// nullopt: none is called so.
std::optional<Reader> ParseReader(std::string_view name);
/// All names, with commas.
std::string ReaderNames();

/// What kinds of delete files are live.
struct DeletesUsed {
  bool position = false, vectors = false, equality = false;
  bool shared_vector_files = false;  ///< Several vectors in one Puffin file.
};

void CheckReader(Reader reader, const TableFacts& facts, const DeletesUsed& deletes, const std::string& file, Findings& findings);

}  // namespace sluice::audit
