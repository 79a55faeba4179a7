#pragma once
// Which text stands for a row when both sides are compared: the text that a server prints, or where a destination
// holds something else by a declared policy, what the policy makes of it.

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

enum class ValueForm : uint8_t {
  kServerText,    ///< As the server prints it, with the session's formats pinned.
  kObjectNumber,  ///< The number of a database object instead of its name.
  kMoney,         ///< The binary form: how it prints depends on the database's locale.
  kFinite,        ///< As printed; NaN and infinities are null.
  kOrdinaryYear,  ///< As printed; infinities and years outside 1 to 9999 are null.
  kJson,          ///< As to_json prints it.
};

struct ColumnForm {
  ValueForm value = ValueForm::kServerText;
  bool list = false;   ///< An array as a list of such values; null unless of one dimension from 1, or empty.
  bool array = false;  ///< The whole array is cast at once; kObjectNumber only.

  bool operator==(const ColumnForm&) const = default;
};

struct RowForm {
  std::vector<ColumnForm> columns;  ///< As long as TableSchema::columns.
  std::vector<size_t> identity;     ///< Indexes of the columns that identify a row; empty: the whole row does.
  /// Not empty: there is no such text, for this reason, and rows can only be compared as they are stored.
  std::string unfit;

  bool operator==(const RowForm&) const = default;
};

}  // namespace sluice
