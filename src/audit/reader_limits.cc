#include "audit/reader_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "audit/rules.h"

namespace sluice::audit {
namespace {

constexpr std::array<std::string_view, 10> kNames = {"athena", "redshift", "snowflake", "bigquery", "trino", "spark", "duckdb", "pyiceberg", "clickhouse", "databricks"};

/// Collects what one reader says to one table.
class ReaderCheck {
 public:
  ReaderCheck(Reader reader, const TableFacts& facts, const std::string& file, Findings& findings) : reader_(reader), facts_(facts), file_(file), findings_(findings) {}

  void Refuses(std::string what) { findings_.Add(kReaderRefuses, file_, std::move(what), std::string(NameOf(reader_))); }
  void Notes(std::string what) { findings_.Add(kReaderNote, file_, std::move(what), std::string(NameOf(reader_))); }

  template <class Is>
  std::string ColumnsWhere(const Is& is) const {
    std::string names;
    size_t count = 0;
    const auto schema = facts_.schemas.find(facts_.current_schema_id);
    if (schema == facts_.schemas.end()) return names;
    for (const auto& [id, column] : schema->second) {
      if (!is(column)) continue;
      if (++count <= 5) names += (names.empty() ? "" : ", ") + column.path;
    }
    if (count > 5) names += fmt::format(" and {} more", count - 5);
    return names;
  }
  std::string ColumnsOf(std::string_view type) const {
    return ColumnsWhere([&](const ColumnFacts& column) { return type == "fixed" ? column.type.starts_with("fixed[") : column.type == type; });
  }
  void RefusesType(std::string_view type) {
    if (const std::string columns = ColumnsOf(type); !columns.empty()) Refuses(fmt::format("it has no type {}: {}", type, columns));
  }
  std::string Nested() const {
    return ColumnsWhere([](const ColumnFacts& column) { return column.type == "struct" || column.type == "list" || column.type == "map"; });
  }

  // Not a rule of the format, so that it counts only for who is asked about.
  void RefusesReservedNames() {
    static const std::set<std::string> reserved = {"_file", "_pos", "_deleted", "_spec_id", "_partition", "_row_id", "_last_updated_sequence_number", "_change_type", "_change_ordinal", "_commit_snapshot_id"};
    const std::string columns = ColumnsWhere([](const ColumnFacts& column) {
      std::string lower = column.path;
      std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      return reserved.contains(lower);
    });
    if (!columns.empty()) Refuses(fmt::format("names of columns that Iceberg keeps for itself: {}", columns));
  }

 private:
  const Reader reader_;
  const TableFacts& facts_;
  const std::string& file_;
  Findings& findings_;
};

void CheckRedshift(ReaderCheck& check, bool v3, const DeletesUsed& deletes) {
  for (const char* const type : {"time", "uuid", "fixed"}) check.RefusesType(type);
  if (const std::string nested = check.Nested(); v3 && !nested.empty()) check.Refuses(fmt::format("it takes no struct, list or map in format 3: {}", nested));
  if (deletes.equality) check.Refuses("it does not read equality deletes");
  if (v3) check.Notes("it reads format 3 since 2026-08-31, on RG instances and Serverless");
  if (const std::string texts = check.ColumnsOf("string"); !texts.empty()) check.Notes(fmt::format("it cuts texts at 16,384 characters: {}", texts));
}

void CheckEach(Reader reader, ReaderCheck& check, bool v3, const DeletesUsed& deletes) {
  switch (reader) {
    case Reader::kAthena:
      if (v3) check.Refuses("it reads no table of format 3");
      if (deletes.equality) check.Notes("nothing is documented of equality deletes");
      if (const std::string times = check.ColumnsOf("time"); !times.empty()) check.Notes(fmt::format("nothing is documented of the type time: {}", times));
      break;
    case Reader::kRedshift: CheckRedshift(check, v3, deletes); break;
    case Reader::kSnowflake:
      if (deletes.equality) check.Refuses("it reads no equality deletes of tables that others manage");
      if (v3) check.Notes("it reads format 3 since 2026-05-07");
      if (const std::string uuids = check.ColumnsOf("uuid"); !uuids.empty()) check.Notes(fmt::format("it may show uuid as binary: {}", uuids));
      break;
    case Reader::kBigQuery: break;
    case Reader::kTrino:
      if (v3) check.Notes("it reads format 3 since version 480");
      break;
    case Reader::kSpark:
      check.RefusesType("time");
      check.RefusesReservedNames();
      if (v3) check.Notes("it reads format 3 since Iceberg 1.8");
      if (const std::string uuids = check.ColumnsOf("uuid"); !uuids.empty()) check.Notes(fmt::format("it shows uuid as text: {}", uuids));
      break;
    case Reader::kDuckDb:
      if (v3) check.Notes("it reads format 3 since 1.4");
      if (deletes.shared_vector_files) check.Refuses("up to 1.5.5 it takes one for the other of several deletion vectors in a file, so that deleted rows come back");
      break;
    case Reader::kPyIceberg:
      if (deletes.equality) check.Refuses("it does not read equality deletes");
      if (v3) check.Notes("it reads format 3 since 0.10, and cannot write to it");
      break;
    case Reader::kClickHouse:
      if (deletes.vectors) check.Refuses("no release up to 26.7 reads deletion vectors");
      if (deletes.position) check.Notes("it reads position deletes since 25.8");
      break;
    case Reader::kDatabricks:
      check.RefusesType("time");
      check.RefusesReservedNames();
      if (deletes.equality) check.Refuses("it does not read equality deletes of tables that others manage");
      if (v3) check.Notes("it reads format 3 since runtime 18");
      break;
  }
}

}  // namespace

std::string_view NameOf(Reader reader) { return kNames[static_cast<size_t>(reader)]; }

std::optional<Reader> ParseReader(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  return found == kNames.end() ? std::nullopt : std::optional(static_cast<Reader>(found - kNames.begin()));
}

std::string ReaderNames() {
  std::string names;
  for (const std::string_view name : kNames) names += (names.empty() ? "" : ",") + std::string(name);
  return names;
}

void CheckReader(Reader reader, const TableFacts& facts, const DeletesUsed& deletes, const std::string& file, Findings& findings) {
  ReaderCheck check(reader, facts, file, findings);
  CheckEach(reader, check, facts.format_version >= 3, deletes);
}

}  // namespace sluice::audit
