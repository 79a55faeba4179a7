#pragma once
// Column names inside the SQL that the server deparsed: which a definition mentions, and the same under other names.

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "change/table_schema.h"

namespace sluice::mapping {

/// True if any identifier in `sql` is one of `names`, whatever it stands for there: to be careful costs an index.
bool MentionsAny(std::string_view sql, const std::set<std::string>& names);

/// `sql` with its columns renamed. Functions, types, collations and qualified names stay.
std::string WithColumnsRenamed(std::string_view sql, const std::map<std::string, std::string>& names);

/// CREATE [UNIQUE] INDEX name ON [ONLY] table …, with another name for both.
std::string WithIndexRenamed(std::string_view sql, const std::string& index, const TableName& table);

/// True of a definition whose columns stand alone, without expression, operator class or predicate:
/// "PRIMARY KEY (a, b)", "CREATE UNIQUE INDEX i ON n.t USING btree (a, b)".
bool IsPlainColumnList(std::string_view sql);

}  // namespace sluice::mapping
