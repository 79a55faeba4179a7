#include "config/lake_readers.h"

#include <algorithm>
#include <array>

namespace sluice {
namespace {

constexpr std::array<std::string_view, 10> kNames = {"athena", "redshift", "snowflake", "bigquery", "trino", "spark", "duckdb", "pyiceberg", "clickhouse", "databricks"};

// The state of the autumn of 2026, from their documentation and code; src/audit/reader_limits.cc checks it on its own.
// time and fixed are in nobody's tables.
ReaderNeeds NeedsOfOne(ReaderEngine reader) {
  switch (reader) {
    case ReaderEngine::kAthena: return {.names_ignore_case = true};
    case ReaderEngine::kRedshift: return {.no_uuid = true, .no_lists = true, .names_ignore_case = true, .text_characters_max = 16'384};
    case ReaderEngine::kSnowflake: return {.no_uuid = true};  // It may show them as binary.
    case ReaderEngine::kBigQuery: return {.names_ignore_case = true};
    case ReaderEngine::kTrino: return {.names_ignore_case = true};
    case ReaderEngine::kSpark:
    case ReaderEngine::kDatabricks: return {.names_ignore_case = true, .no_reserved_names = true};
    case ReaderEngine::kDuckDb: return {.names_ignore_case = true};
    case ReaderEngine::kPyIceberg:
    case ReaderEngine::kClickHouse: return {};
  }
  return {};
}

bool Refuses(ReaderEngine reader, int format_version) {
  // ClickHouse reads the metadata of format 3, but no deletion vectors.
  return format_version >= 3 && (reader == ReaderEngine::kAthena || reader == ReaderEngine::kClickHouse);
}

template <class Is>
std::string ListWhere(const std::vector<ReaderEngine>& readers, const Is& is) {
  std::string names;
  for (const ReaderEngine reader : readers)
    if (is(reader)) names += (names.empty() ? "" : ", ") + std::string(NameOf(reader));
  return names;
}

}  // namespace

std::string_view NameOf(ReaderEngine reader) { return kNames[static_cast<size_t>(reader)]; }

std::optional<ReaderEngine> ParseReaderEngine(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  return found == kNames.end() ? std::nullopt : std::optional(static_cast<ReaderEngine>(found - kNames.begin()));
}

std::vector<std::string> ReaderEngineNames() { return {kNames.begin(), kNames.end()}; }

ReaderNeeds NeedsOf(const std::vector<ReaderEngine>& readers) {
  ReaderNeeds all;
  for (const ReaderEngine reader : readers) {
    const ReaderNeeds one = NeedsOfOne(reader);
    all.no_uuid |= one.no_uuid;
    all.no_lists |= one.no_lists;
    all.names_ignore_case |= one.names_ignore_case;
    all.no_reserved_names |= one.no_reserved_names;
    if (one.text_characters_max) all.text_characters_max = std::min(*one.text_characters_max, all.text_characters_max.value_or(*one.text_characters_max));
  }
  return all;
}

std::string ReadersRefuseFormat(const std::vector<ReaderEngine>& readers, int format_version) {
  return ListWhere(readers, [&](ReaderEngine reader) { return Refuses(reader, format_version); });
}

std::string ReadersThat(const std::vector<ReaderEngine>& readers, bool ReaderNeeds::*need) {
  return ListWhere(readers, [&](ReaderEngine reader) { return NeedsOfOne(reader).*need; });
}

}  // namespace sluice
