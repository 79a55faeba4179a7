#pragma once
// What a sink shows of the source's tables: under which names, which columns, which rows, and what is masked.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

enum class MaskKind {
  kHash,      ///< HMAC-SHA256 as 64 hexadecimal digits: equal values stay equal, nothing else is known of them.
  kRedact,    ///< A fixed text; NULL where the type is no text.
  kPartial,   ///< The first and last characters stay, each other becomes '*'.
  kNull,
  kTruncate,  ///< A date to its year, a number to a multiple, a text to its first characters.
};

/// What a time is truncated to.
enum class TimeUnit { kYear, kMonth, kDay, kHour };

struct MaskConfig {
  MaskKind kind = MaskKind::kNull;
  std::string salt;               ///< Of kHash. Whoever has it can try values.
  int keep_first = 0;             ///< Of kPartial, in characters.
  int keep_last = 0;
  std::optional<TimeUnit> unit;   ///< Of kTruncate: either this, for dates and times,
  int64_t width = 0;              ///< or this: the multiple of a number, the characters of a text.

  bool operator==(const MaskConfig&) const = default;
};

enum class Comparator { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual, kIn, kIsNull, kIsNotNull };

/// A row is taken where the column compares so; as in SQL, NULL compares with nothing.
struct ConditionConfig {
  std::string column;
  Comparator comparator = Comparator::kEqual;
  std::vector<std::string> values;  ///< As PostgreSQL prints them; several of kIn, none of kIsNull and kIsNotNull.

  bool operator==(const ConditionConfig&) const = default;
};

/// What becomes of the tables that a glob names. Of several that fit, the first that says something about a name or a
/// column decides; what any of them excludes is excluded, and all their conditions must hold.
struct TableMappingConfig {
  std::string table;                          ///< "namespace.table", with * and ? for what may vary.
  std::optional<std::string> to;              ///< "namespace.table"; only where `table` is no glob.
  std::vector<std::string> exclude;           ///< Columns.
  std::map<std::string, std::string> rename;  ///< Columns: the source's name to the sink's.
  std::map<std::string, MaskConfig> mask;     ///< By the source's column.
  std::vector<ConditionConfig> where;
};

/// All tables of one namespace of the source, unless a TableMappingConfig names them elsewhere.
struct NamespaceMappingConfig {
  std::string from;
  std::string to;
};

struct MappingConfig {
  std::vector<TableMappingConfig> tables;          ///< In the order of the file.
  std::vector<NamespaceMappingConfig> namespaces;

  bool empty() const { return tables.empty() && namespaces.empty(); }
};

/// Whether a table mapping names more than one table.
inline bool IsGlob(const std::string& table) { return table.find_first_of("*?") != std::string::npos; }

}  // namespace sluice
