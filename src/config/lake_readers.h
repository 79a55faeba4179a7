#pragma once
// Who reads a lake, and what its tables must do without so that all of them can. docs/reference/types.md says it to people.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

enum class ReaderEngine : uint8_t { kAthena, kRedshift, kSnowflake, kBigQuery, kTrino, kSpark, kDuckDb, kPyIceberg, kClickHouse, kDatabricks };

/// "athena", "bigquery", …
std::string_view NameOf(ReaderEngine reader);
/// nullopt: none is called so.
std::optional<ReaderEngine> ParseReaderEngine(std::string_view name);
std::vector<std::string> ReaderEngineNames();

/// What tables that are made for some readers do without. Nothing for nobody.
struct ReaderNeeds {
  bool no_uuid = false;            ///< Held as text.
  bool no_lists = false;           ///< Held as JSON.
  bool names_ignore_case = false;  ///< Names that differ only by case are one name.
  bool no_reserved_names = false;  ///< Names of Iceberg's metadata columns make a table unreadable.
  std::optional<int> text_characters_max = {};  ///< Longer texts are cut.

  bool operator==(const ReaderNeeds&) const = default;
};

/// What all of them together need.
ReaderNeeds NeedsOf(const std::vector<ReaderEngine>& readers);

/// Which of the readers cannot read tables of this format version as sluice writes them (from 3 on with deletion vectors),
/// as a list for a message: "athena, clickhouse". Empty: all can.
std::string ReadersRefuseFormat(const std::vector<ReaderEngine>& readers, int format_version);

/// The readers whose needs include something, for a message.
std::string ReadersThat(const std::vector<ReaderEngine>& readers, bool ReaderNeeds::*need);

}  // namespace sluice
