#pragma once
// The only way a name or text gets into SQL, where it can't be a parameter.

#include <string>
#include <string_view>

#include "change/table_schema.h"

namespace sluice {

/// "a""b": safe whatever the bytes, keywords included.
std::string QuoteIdentifier(std::string_view name);

/// "namespace"."name".
std::string QuoteName(const TableName& name);

/// 'it''s', or E'…' where backslashes occur; independent of standard_conforming_strings.
std::string QuoteLiteral(std::string_view text);

}  // namespace sluice
