#include "sink/replica/follow_columns.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "observability/errors/replica_codes.h"
#include "observability/log.h"
#include "postgres/quote.h"
#include "sink/replica/attempt.h"

namespace sluice {
namespace {

constexpr Oid kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25, kVarchar = 1043, kNumeric = 1700;

class Follower {
 public:
  Follower(PgConnection& connection, DestinationTypes& types, const TableSchema& schema, const std::function<Status()>& begin)
      : connection_(connection), types_(types), schema_(schema), begin_(begin) {}

  Result<bool> Run(const ColumnNames& known) {
    RETURN_IF_ERROR(Look());
    const bool numbered = !known.empty() && std::all_of(schema_.columns.begin(), schema_.columns.end(), [](const Column& column) { return column.attribute_number != 0; });
    if (numbered) {
      RETURN_IF_ERROR(DropGone(known));
      RETURN_IF_ERROR(Rename(known));
      RETURN_IF_ERROR(Look());
    }
    for (const Column& column : schema_.columns) {
      const ShapeColumn* const found = Find(column.name);
      const bool is_new = numbered ? !known.contains(column.attribute_number) : found == nullptr;
      if (is_new && found == nullptr) RETURN_IF_ERROR(Add(column, numbered));
      else if (found == nullptr) return Changed(fmt::format("column {} is missing on the replica", column.name));
      else RETURN_IF_ERROR(Widen(column, *found));
    }
    return done_;
  }

 private:
  Error Changed(const std::string& difference) const {
    return {ErrorKind::kNeedsOperator, fmt::format("table {}: {}", ToString(schema_.name), difference), slu::kReplicaSchemaChanged};
  }

  Status Look() {
    ASSIGN_OR_RETURN(auto shape, ReadShape(connection_, schema_.name));
    if (!shape) return Changed("it does not exist on the replica");
    shape_ = std::move(*shape);
    return Ok();
  }

  const ShapeColumn* Find(const std::string& name) const { return FindColumn(shape_, name); }

  // What hangs on a column on the replica, a view or somebody's trigger, is not ours to drop. `value`: not for logs.
  Status Alter(const std::string& action, const std::string& refused, const std::string& value = "") {
    const std::string sql = "ALTER TABLE " + QuoteName(schema_.name) + " " + action + value;
    RETURN_IF_ERROR(begin_());
    ASSIGN_OR_RETURN(const Refusal refusal, Attempt(connection_, sql));
    if (refusal) {
      Error error = Changed(refused);
      error.evidence = refusal->evidence;
      return error;
    }
    log::Info("replica", "replica.column_followed", "a column follows the source's", {{"table", ToString(schema_.name)}, {"statement", action}});
    done_ = true;
    return Ok();
  }

  Status DropGone(const ColumnNames& known) {
    for (const auto& [number, name] : known) {
      const bool stays = std::any_of(schema_.columns.begin(), schema_.columns.end(), [&](const Column& column) { return column.attribute_number == number; });
      if (stays || Find(name) == nullptr) continue;
      RETURN_IF_ERROR(Alter("DROP COLUMN " + QuoteIdentifier(name), fmt::format("column {} was dropped, but cannot be dropped on the replica", name)));
    }
    return Ok();
  }

  // Through names that nobody uses, since two columns may have changed theirs with each other.
  Status Rename(const ColumnNames& known) {
    std::vector<std::pair<std::string, std::string>> second;
    for (const Column& column : schema_.columns) {
      const auto before = known.find(column.attribute_number);
      if (before == known.end() || before->second == column.name || Find(before->second) == nullptr) continue;
      std::string between = fmt::format("sluice_renamed_{}", column.attribute_number);
      RETURN_IF_ERROR(Alter(fmt::format("RENAME COLUMN {} TO {}", QuoteIdentifier(before->second), QuoteIdentifier(between)),
                            fmt::format("column {} is named {} now, but cannot be renamed on the replica", before->second, column.name)));
      second.emplace_back(std::move(between), column.name);
    }
    for (const auto& [from, to] : second)
      RETURN_IF_ERROR(Alter(fmt::format("RENAME COLUMN {} TO {}", QuoteIdentifier(from), QuoteIdentifier(to)),
                            fmt::format("a column is named {} now, but the replica has another one of that name", to)));
    return Ok();
  }

  Status Add(const Column& column, bool numbered) {
    if (column.fills_old_rows && !column.old_rows_hold)
      return Changed(fmt::format("column {} was added with a value for the rows that were there", column.name));
    if (!numbered) RETURN_IF_ERROR(RefuseUnexplained(column));
    RETURN_IF_ERROR(begin_());
    RETURN_IF_ERROR(types_.Ensure(*column.type));
    ASSIGN_OR_RETURN(const std::string type, types_.Sql(*column.type, column.typmod));
    const std::string name = QuoteIdentifier(column.name), refused = fmt::format("column {} cannot be added on the replica", column.name);
    if (!column.old_rows_hold) return Alter(fmt::format("ADD COLUMN {} {}", name, type), refused);
    // The rows that are there are not written, here as on the source. Rows to come bring their own values.
    RETURN_IF_ERROR(Alter(fmt::format("ADD COLUMN {} {} DEFAULT ", name, type), refused, QuoteLiteral(*column.old_rows_hold)));
    return Alter(fmt::format("ALTER COLUMN {} DROP DEFAULT", name), refused);
  }

  // Without numbers a column that is new and one that is gone may be the same one under another name.
  Status RefuseUnexplained(const Column& added) const {
    for (const ShapeColumn& column : shape_.columns) {
      const bool in_source = std::any_of(schema_.columns.begin(), schema_.columns.end(), [&](const Column& one) { return one.name == column.name; });
      if (!in_source && !column.generated) return Changed(fmt::format("column {} became {}, or was dropped while another was added", column.name, added.name));
    }
    return Ok();
  }

  Status Widen(const Column& column, const ShapeColumn& found) {
    ASSIGN_OR_RETURN(const Oid type, types_.Resolve(*column.type));
    const std::string name = QuoteIdentifier(column.name);
    if (type != found.type || column.typmod != found.typmod) {
      ASSIGN_OR_RETURN(const std::string sql, types_.Sql(*column.type, column.typmod));
      const std::string refused = fmt::format("column {} is of type {} on the source, not on the replica", column.name, sql);
      if (!IsWidening(found.type, found.typmod, type, column.typmod)) return Changed(refused);
      RETURN_IF_ERROR(Alter(fmt::format("ALTER COLUMN {} TYPE {}", name, sql), refused));
    }
    if (found.not_null && !column.not_null && found.identity == '\0' && column.attribute_number != 0)
      RETURN_IF_ERROR(Alter(fmt::format("ALTER COLUMN {} DROP NOT NULL", name), fmt::format("column {} may be null on the source, but not on the replica", column.name)));
    return Ok();
  }

  PgConnection& connection_;
  DestinationTypes& types_;
  const TableSchema& schema_;
  const std::function<Status()>& begin_;
  TableShape shape_;
  bool done_ = false;
};

}  // namespace

Result<bool> FollowColumns(PgConnection& connection, DestinationTypes& types, const TableSchema& schema, const ColumnNames& known,
                           const std::function<Status()>& begin) {
  return Follower(connection, types, schema, begin).Run(known);
}

bool IsWidening(Oid from, int32_t from_typmod, Oid to, int32_t to_typmod) {
  constexpr std::array<std::pair<Oid, Oid>, 4> kWider{{{kInt2, kInt4}, {kInt2, kInt8}, {kInt4, kInt8}, {kVarchar, kText}}};
  if (from != to) return std::find(kWider.begin(), kWider.end(), std::pair(from, to)) != kWider.end();
  if (from == kVarchar) return to_typmod < 0 || (from_typmod >= 0 && to_typmod >= from_typmod);
  // (precision << 16 | scale) + 4: the scale is in a value's text, the precision is not.
  const auto scale = [](int32_t typmod) { return (typmod - 4) & 0xffff; };
  return from == kNumeric && from_typmod >= 0 && (to_typmod < 0 || (scale(from_typmod) == scale(to_typmod) && to_typmod >= from_typmod));
}

}  // namespace sluice
